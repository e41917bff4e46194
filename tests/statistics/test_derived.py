"""Statistics that claims and measures take agree with what `summarise` says of a frame."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Statistic, standard_error
from mcstudy.statistics.accuracy import bias, empirical_se, model_se, mse, relative_bias, rmse, width
from mcstudy.statistics.bias_eliminated import bias_eliminated_coverage
from mcstudy.statistics.comparisons import relative_error, relative_precision
from mcstudy.statistics.performance import summarise
from mcstudy.statistics.several import joined
from mcstudy.statistics.shares import coverage, power

N = 300
# "To ten digits", for errors of order 1.
DIGITS = 1e-10

STATISTICS: Mapping[str, Statistic] = {
    "bias": bias("b", "t"),
    "relative_bias": relative_bias("b", "t"),
    "empirical_se": empirical_se("b"),
    "mse": mse("b", "t"),
    "rmse": rmse("b", "t"),
    "model_se": model_se("se"),
    "relative_error": relative_error("se", "b"),
    "relative_precision": relative_precision("b", "r"),
    "coverage": coverage("l", "u", "t"),
    "bias_eliminated_coverage": bias_eliminated_coverage("l", "u", "b"),
    "power": power("p", 0.05),
    "ci_width": width("l", "u"),
}


def drawn(law: str) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((2, N)) if law == "normal" else rng.standard_exponential((2, N))
    se = np.sqrt(rng.chisquare(5, N) / 5)
    truth = rng.uniform(1, 2, N) if law == "skewed" else np.full(N, 1.5)
    b = truth + 0.3 + first
    # All cover in the last frame: what has no spread has an error here.
    reach = 2 * se if law != "wide" else np.full(N, 99.0)
    columns = {"b": b, "r": b + 0.5 * second, "se": se, "t": truth, "l": b - reach, "u": b + 2 * reach}
    return pd.DataFrame(columns | {"p": rng.random(N) ** 3})


def summary(frame: pd.DataFrame, mcse: str = "robust") -> pd.DataFrame:
    reference = frame.assign(b=frame["r"])
    table = summarise(
        pd.concat([frame, reference], keys=["own", "reference"], names=["method"]).reset_index("method"),
        estimate="b",
        se="se",
        truth="t",
        lower="l",
        upper="u",
        p_value="p",
        by="method",
        reference="reference",
        mcse=mcse,  # type: ignore[arg-type]
    )
    return table[table["method"] == "own"].set_index("measure")


def test_all_measures_are_statistics() -> None:
    assert set(summary(drawn("normal")).index) == set(STATISTICS)


@pytest.mark.parametrize("law", ["normal", "skewed", "wide"])
@pytest.mark.parametrize("measure", STATISTICS)
def test_agreement_with_summarise(measure: str, law: str) -> None:
    frame = drawn(law)
    statistic = STATISTICS[measure]
    estimate = statistic.estimate(joined([frame[name].to_numpy() for name in statistic.columns]))
    expected = summary(frame).loc[measure]
    assert estimate.value == pytest.approx(expected["estimate"], rel=DIGITS)
    if measure != "bias_eliminated_coverage" or law == "wide":  # its error knows that the mean is estimated
        assert estimate.mcse == pytest.approx(expected["mcse"], rel=DIGITS)
    assert estimate.replicates == N


def test_other_errors_would_be_seen() -> None:
    """The control: errors for normal estimates, and divisors n for n - 1, differ by more than the tolerance."""
    frame = drawn("skewed")
    normal = summary(frame, mcse="normal")
    for measure in ("empirical_se", "relative_error", "relative_precision"):
        assert normal["mcse"][measure] != pytest.approx(summary(frame)["mcse"][measure], rel=1e-3)
    spread = summary(frame)["estimate"]["empirical_se"]
    assert np.std(frame["b"]) != pytest.approx(spread, rel=DIGITS)


@pytest.mark.parametrize("measure", STATISTICS)
def test_influences_give_the_error_to_first_order(measure: str) -> None:
    frame = drawn("skewed")
    statistic = STATISTICS[measure]
    values = joined([frame[name].to_numpy() for name in statistic.columns])
    influence = statistic.influence(values)
    assert influence.shape == (N,)
    # A sum of N influences, each rounded.
    assert abs(np.mean(influence)) < N * np.finfo(float).eps * np.max(np.abs(influence))
    assert standard_error(influence) == pytest.approx(statistic.estimate(values).mcse, rel=2 / N)


@pytest.mark.parametrize("measure", STATISTICS)
def test_interval_and_limits_lie_around_the_estimate(measure: str) -> None:
    frame = drawn("normal")
    statistic = STATISTICS[measure]
    values = joined([frame[name].to_numpy() for name in statistic.columns])
    value, mcse, _ = vars(statistic.estimate(values)).values()
    inner, outer = statistic.interval(values, 0.95), statistic.limits(values, 0.025)
    assert outer.low < inner[0] < value < inner[1] < outer.high
    assert outer.believed
    # Two normal quantiles or a little more, of which that of the bias-eliminated coverage pays for the mean too.
    assert 1.9 * mcse < (inner[1] - inner[0]) / 2 < 5 * mcse
    assert math.isfinite(outer.high - outer.low)


def test_what_is_refused_is_told_by_its_place_in_a_large_sample(set_portion: Callable[[int], None]) -> None:
    set_portion(10)
    low, high = np.zeros(35), np.ones(35)
    high[23] = -1.0
    with pytest.raises(InputError, match=r"below the lower one, got -1\.0 at index 23"):
        width("low", "high").estimate(joined([low, high]))
