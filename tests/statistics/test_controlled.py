"""Means with control variates: against least squares, the jackknife, exact variances, and how often limits miss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.special import bdtrc

import mcstudy as mc
from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import expansion

FloatArray = NDArray[np.float64]

N = 300
RNG = np.random.default_rng(1)
Y = RNG.standard_exponential(N)
Z = 0.5 * Y + RNG.standard_normal(N)
X = 1.0 + 2.0 * Y - Z + Y**2 + RNG.standard_normal(N)
ONE, BOTH = np.column_stack([X, Y]), np.column_stack([X, Y, Z])
BY_ONE = mc.mean("x", control="y", expectation=1.0)
BY_BOTH = mc.mean("x", control=("y", "z"), expectation=(1.0, 0.5))
CASES = [(BY_ONE, ONE, [1.0]), (BY_BOTH, BOTH, [1.0, 0.5])]
# Sums of N terms and some ten operations on them, each rounded; leave-one-out differences are N times as large.
ROUNDED = 10 * N * np.finfo(np.float64).eps


def regression(values: FloatArray, expectations: list[float]) -> Any:
    return sm.OLS(values[:, 0], sm.add_constant(values[:, 1:] - expectations, has_constant="add")).fit()


def least_squares(values: FloatArray, expectations: list[float]) -> float:
    """By the pseudoinverse, for which a control that does not vary has no coefficient."""
    x, y = values[:, 0], values[:, 1:]
    slopes = np.linalg.pinv(y - y.mean(axis=0)) @ (x - x.mean())
    return float(x.mean() - slopes @ (y.mean(axis=0) - expectations))


def left_out(values: FloatArray, expectations: list[float]) -> FloatArray:
    """Influences of the jackknife, which fits n times."""
    found = [least_squares(np.delete(values, i, axis=0), expectations) for i in range(len(values))]
    influence: FloatArray = (len(values) - 1) * (np.mean(found) - np.asarray(found))
    return influence


@pytest.mark.parametrize(("statistic", "values", "expectations"), CASES, ids=["one", "both"])
def test_value_and_error_against_statsmodels(
    statistic: mc.Statistic, values: FloatArray, expectations: list[float]
) -> None:
    estimate, fitted = statistic.estimate(values), regression(values, expectations)
    assert estimate.value == pytest.approx(fitted.params[0], rel=ROUNDED)
    assert estimate.replicates == N
    # HC3 is the jackknife, but for its mean and a factor of (n - 1) / n (MacKinnon and White 1985).
    assert estimate.mcse == pytest.approx(fitted.HC3_se[0], rel=1 / N)
    # Control: the error of a line with one variance, which this is none of, is far from both.
    assert estimate.mcse > 1.1 * fitted.bse[0]


@pytest.mark.parametrize(("statistic", "values", "expectations"), CASES, ids=["one", "both"])
def test_influence_against_a_jackknife_that_fits_again(
    statistic: mc.Statistic, values: FloatArray, expectations: list[float]
) -> None:
    wanted = left_out(values, expectations)
    tolerance = N * ROUNDED * np.max(np.abs(wanted))
    np.testing.assert_allclose(statistic.influence(values), wanted, rtol=0, atol=tolerance)


def test_a_replicate_that_draws_the_line_to_itself_against_the_jackknife() -> None:
    values = ONE.copy()
    values[7] = [40.0, 1000.0]
    wanted = left_out(values, [1.0])
    np.testing.assert_allclose(BY_ONE.influence(values), wanted, rtol=0, atol=1e-9 * np.ptp(wanted))
    # Control: its residual looks like any other, though it is far off the line of the others.
    fitted = regression(values, [1.0])
    spread = np.std(fitted.resid)
    assert abs(fitted.resid[7]) < spread
    assert abs(fitted.resid[7]) / (1 - fitted.get_influence().hat_matrix_diag[7]) > 100 * spread


def test_a_control_that_varies_once_against_the_jackknife() -> None:
    values = np.column_stack([X, np.arange(N) == 7])
    statistic = mc.mean("x", control="y", expectation=1 / N)
    wanted = left_out(values, [1 / N])
    np.testing.assert_allclose(statistic.influence(values), wanted, rtol=0, atol=1e-9 * np.ptp(wanted))


@pytest.mark.parametrize("count", [1, 3])
def test_variance_of_normal_columns_against_theory(count: int) -> None:
    """(1 - R^2) sigma^2 / n times (n - 2) / (n - k - 2), by Lavenberg and Welch (1981)."""
    n, repeats, rng = 24, 3000, np.random.default_rng(2)
    names = ("a", "b", "c")[:count]
    statistic = mc.mean("x", control=names, expectation=(0.0,) * count)
    y = rng.standard_normal((repeats, n, count))
    x = 2.0 * y.sum(axis=2) + rng.standard_normal((repeats, n))
    found = [statistic.estimate(np.column_stack([one, other])) for one, other in zip(x, y, strict=True)]
    exact = (n - 2) / (n - count - 2) / n
    # Variances of 3,000 values are known to sqrt(2 / 3,000); four times over.
    assert np.var([one.value for one in found]) == pytest.approx(exact, rel=4 * math.sqrt(2 / repeats))
    # The gain, of which R^2 is known; the plain mean has 1 + 4 k.
    gain = np.var(x.mean(axis=1)) / np.var([one.value for one in found])
    wanted = (1 + 4 * count) / n / exact
    assert gain == pytest.approx(wanted, rel=4 * math.sqrt(4 / repeats))
    # The jackknife is never too small on average (Efron and Stein 1981), but that it is for n - 1.
    squares = np.square([one.mcse for one in found])
    error = np.std(squares) / math.sqrt(repeats)
    assert np.mean(squares) > exact * (n - 1) / n - 4 * error
    # Control: of residuals alone it would be too small by twice what is lost in degrees of freedom.
    naive = [
        regression(np.column_stack([a, b]), [0.0] * count).resid
        for a, b in zip(x[:300], y[:300], strict=True)
    ]
    assert np.mean(np.var(naive, axis=1) / n) < exact * (1 - count / n)


def test_second_order_against_theory() -> None:
    """x = y^2 of a normal y: the slope's influence is y (y^2 - 1), of covariance 2 with y and variance 10."""
    n = 100_000
    y = np.random.default_rng(3).standard_normal(n)
    found = expansion(mc.mean("x", control="y", expectation=0.0), np.column_stack([y**2, y]))
    # The variance 10 has the error of the square of that influence, whose own square is 7,188 on average.
    relative = math.sqrt(7188 - 100) / 10 / math.sqrt(n)
    assert found.remainder * n == pytest.approx((2 + math.sqrt(10)) / 2, rel=4 * relative)


def test_the_bias_is_within_the_remainder() -> None:
    n, repeats = 64, 6000
    y = np.random.default_rng(4).standard_normal((repeats, n))
    statistic = mc.mean("x", control="y", expectation=0.0)
    values = np.array([statistic.estimate(np.column_stack([one**2, one])).value for one in y])
    error = np.std(values) / math.sqrt(repeats)
    # Of first order in 1/n it is that covariance, negative; of second order it is smaller by another 1/n or so.
    assert np.mean(values) - 1 == pytest.approx(-2 / n, abs=4 * error + 10 / n**2)
    assert np.mean(values) - 1 < -4 * error
    remainder = expansion(statistic, np.column_stack([y[0] ** 2, y[0]])).remainder
    assert 2 / n < 2 * remainder


Draw = Callable[[np.random.Generator, int], tuple[FloatArray, FloatArray]]


def linear(rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
    y = rng.standard_normal(n)
    return 1 + 2 * y + rng.standard_normal(n), y


def skewed(rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
    y = rng.standard_exponential(n)
    return 2 * y + rng.standard_exponential(n), y


def curved(rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
    y = rng.standard_normal(n)
    return y**2, y


def hidden(rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
    z = rng.standard_normal(n)
    return z, np.exp(2 * z)


def rare(rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
    y = (rng.random(n) < 1 / 256).astype(np.float64)
    return y + 0.1 * rng.standard_normal(n), y


LAWS: dict[str, tuple[Draw, float, float]] = {
    "linear, normal": (linear, 1.0, 0.0),
    "linear, exponential": (skewed, 3.0, 1.0),
    "square of a normal": (curved, 1.0, 0.0),
    "logarithm of a lognormal of sigma 2": (hidden, 0.0, math.exp(2)),
    "rare event": (rare, 1 / 256, 1 / 256),
}
LOOKS = [round(64 * 1.3**k) for k in range(12)]
SHARE = 0.05
# How often a check may fail though the limits are right.
FALSE_ALARM = 1e-6


def most_misses(repeats: int) -> int:
    return next(k for k in range(repeats) if bdtrc(k, repeats, SHARE) < FALSE_ALARM)


def misses(draw: Draw, truth: float, expectation: float, repeats: int) -> tuple[int, int]:
    """In how many samples an end ever misses, at any look: low, and high."""
    rng, missed = np.random.default_rng(5), np.zeros((repeats, 2), dtype=bool)
    statistic = mc.mean("x", control="y", expectation=expectation)
    for own in missed:
        values = np.column_stack(draw(rng, LOOKS[-1]))
        for look in LOOKS:
            found = statistic.limits(values[:look], SHARE, 256)
            if found.believed:
                own |= [found.low > truth, found.high < truth]
    low, high = np.count_nonzero(missed, axis=0)
    return int(low), int(high)


@pytest.mark.calibration
@pytest.mark.parametrize("law", LAWS)
def test_limits_hold_at_any_time(law: str) -> None:
    draw, truth, expectation = LAWS[law]
    assert max(misses(draw, truth, expectation, 400)) <= most_misses(400)


def test_a_wrong_expectation_is_missed() -> None:
    # A fifth of a standard deviation of y, doubled by the slope: over 10 errors at the last look.
    low, high = misses(linear, 1.0, -0.2, 60)
    assert low == 0
    assert high > most_misses(60)


def test_limits_are_narrower_by_the_correlation() -> None:
    x, y = linear(np.random.default_rng(6), 4096)
    low, high, condition = mc.mean("x", control="y", expectation=0.0).limits(np.column_stack([x, y]), 1e-4)
    plain = mc.mean("x").limits(x, 1e-4)
    assert condition is not None
    assert condition.met
    # sqrt(1 - r^2) is the root of 1/5: correlations of 4,096 replicates are known to 1/64.
    assert (high - low) / (plain.high - plain.low) == pytest.approx(math.sqrt(0.2), rel=4 / 64)


def test_the_plain_mean_is_what_it_was() -> None:
    assert repr(mc.mean("x")) == "_Mean(column='x')"
    assert mc.mean("x", control=None, expectation=None) == mc.mean("x")


def test_a_control_at_its_expectation_that_does_not_vary_leaves_the_plain_mean() -> None:
    values = np.column_stack([X, np.full(N, 0.1)])
    statistic = mc.mean("x", control="y", expectation=0.1)
    plain = mc.mean("x").estimate(X)
    assert statistic.estimate(values).value == plain.value
    assert statistic.estimate(values).mcse == pytest.approx(plain.mcse, rel=ROUNDED)
    np.testing.assert_allclose(
        statistic.limits(values, 0.01)[:2], mc.mean("x").limits(X, 0.01)[:2], rtol=ROUNDED
    )


@pytest.mark.parametrize(
    ("statistic", "values"),
    [
        (BY_ONE, np.column_stack([X, np.full(N, 0.1)])),
        (mc.mean("x", control=("y", "z"), expectation=(1.0, 3.0)), np.column_stack([X, Y, 2 * Y])),
    ],
    ids=["off its expectation", "contradicting another"],
)
def test_what_replicates_do_not_define(statistic: mc.Statistic, values: FloatArray) -> None:
    assert math.isnan(statistic.estimate(values).value)
    assert statistic.limits(values, 0.01)[:2] == (-math.inf, math.inf)
    assert not statistic.limits(values, 0.01).believed
    assert not (statistic - 1.0).limits(values, 0.01).believed


def test_a_control_of_those_before_it_has_no_say() -> None:
    values = np.column_stack([X, Y, 3 * Y - 0.1])
    both = mc.mean("x", control=("y", "z"), expectation=(1.0, 2.9))
    assert both.estimate(values) == BY_ONE.estimate(ONE)


def test_a_line_through_all_replicates_is_no_proof_of_it() -> None:
    values = np.column_stack([3.0 + Y / 3, Y])
    found = BY_ONE.limits(values, 0.01)
    assert found.low == pytest.approx(3 + 1 / 3, rel=ROUNDED)
    assert not found.believed
    assert not BY_ONE.limits(np.column_stack([np.full(N, 0.1), Y]), 0.01).believed


def test_invariant_to_units_and_origins_of_controls() -> None:
    moved = mc.mean("x", control="y", expectation=-(2.0**200) + 2.0**201)
    low, high, condition = moved.limits(np.column_stack([X, -(2.0**200) * Y + 2.0**201]), 0.01)
    plain = BY_ONE.limits(ONE, 0.01)
    np.testing.assert_allclose([low, high], plain[:2], rtol=10 * ROUNDED)
    assert condition is not None
    assert condition.met == plain.believed


def test_an_expectation_that_hangs_on_factors() -> None:
    of_both = mc.mean("x", control=("y", "z"), expectation=(lambda n: n / 4, 0.5))
    assert of_both.at({"n": 4, "d": 2}) == BY_BOTH
    assert BY_BOTH.at({"n": 4}) is BY_BOTH
    with pytest.raises(InputError, match=r"`expectation` of the mean of x controlled by y, z must be bound"):
        of_both.estimate(BOTH)
    infinite = mc.mean("x", control="y", expectation=lambda n: math.inf)
    with pytest.raises(InputError, match=r"`expectation` must give a finite number in .*, got inf"):
        infinite.at({"n": 4})


def test_arithmetic_against_the_parts() -> None:
    difference = BY_ONE - mc.mean("x")
    found = difference.estimate(ONE)
    assert found.value == pytest.approx(BY_ONE.estimate(ONE).value - X.mean(), rel=ROUNDED * 100)
    influence = BY_ONE.influence(ONE) - mc.mean("x").influence(X)
    np.testing.assert_allclose(difference.influence(ONE), influence, rtol=0, atol=ROUNDED * np.ptp(influence))
    assert np.log(BY_ONE).estimate(ONE).mcse == pytest.approx(
        BY_ONE.estimate(ONE).mcse / BY_ONE.estimate(ONE).value, rel=ROUNDED
    )
    given = mc.conditional(BY_ONE, given="g")
    half = np.column_stack([ONE, np.arange(N) < N // 2])
    assert given.estimate(half).value == BY_ONE.estimate(ONE[: N // 2]).value


def test_words() -> None:
    assert BY_BOTH.label == "mean of x controlled by y, z"
    assert BY_BOTH.name == "controlled mean"
    assert BY_BOTH.columns == ("x", "y", "z")
    assert BY_BOTH.fewest == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"control": "y"}, "`expectation` must go with `control`, got None with 'y'; state the mean"),
        ({"expectation": 1.0}, "`control` must go with `expectation`, got None with 1.0; name the column"),
        ({"control": "x", "expectation": 1.0}, "`control` must be the name of another column than 'x'"),
        ({"control": "", "expectation": 1.0}, "`control` must be the name of another column .*got ''"),
        ({"control": (), "expectation": ()}, r"`control` must be the name of .*or several names, got \(\)"),
        ({"control": ("y", "y"), "expectation": (1, 1)}, "`control` must be the name of another column"),
        ({"control": ("y", "z"), "expectation": 1.0}, "must have one for each control, got 1 for y, z"),
        ({"control": "y", "expectation": math.nan}, "`expectation` must be a finite number or a .*got nan"),
        ({"control": "y", "expectation": math.inf}, "`expectation` must be a finite number or a .*got inf"),
        ({"control": "y", "expectation": "z"}, "`expectation` must be a finite number or a .*got 'z'"),
        ({"control": "y", "expectation": True}, "`expectation` must be a finite number or a .*got True"),
    ],
)
def test_misuse(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        mc.mean("x", **arguments)


def test_too_few_replicates() -> None:
    with pytest.raises(InputError, match="`values` must hold at least 4 replicates for a line of y, got 3"):
        BY_ONE.estimate(ONE[:3])
    assert math.isfinite(BY_ONE.estimate(ONE[:4]).mcse)


def test_a_replicate_that_diverged_leaves_the_mean_open() -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((256, 2))
    values[3, 0] = 1e160
    limits = mc.mean("x", control="y", expectation=0.0).limits(values, 0.01)
    assert not limits.believed
