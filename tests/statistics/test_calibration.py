"""Standard errors against the spread of estimates, for light laws; `bench_mcse` does the same at length."""

import math
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

import mcstudy as mc

SAMPLES = 250
# Of second order in 1/n, at 1,000 replicates: 2.3 % too small for the variance of exponential variables.
SECOND_ORDER = 0.03


def benchmark() -> Any:
    path = Path(__file__).parents[1] / "benchmarks" / "bench_mcse.py"
    spec = spec_from_file_location("bench_mcse", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = benchmark()


class NormalVariance:
    """A variance whose standard error assumes a normal law: wrong where the law is another."""

    columns = ("x",)

    @staticmethod
    def estimate(values: NDArray[np.float64]) -> mc.Estimate:
        value = float(np.var(values, ddof=1))
        return mc.Estimate(value, value * math.sqrt(2 / (values.size - 1)), values.size)


def off(law: str, cases: dict[str, Any], seed: int) -> list[str]:
    """The statistics whose mean error is not the standard deviation of their estimates, to four errors of the ratio."""
    ratios = bench.calibration(bench.LAWS[law], list(cases.values()), SAMPLES, seed)
    return [
        name
        for name, ratio in zip(cases, ratios, strict=True)
        if not abs(ratio.value - 1) < SECOND_ORDER + 4 * ratio.error
    ]


@pytest.mark.calibration
@pytest.mark.parametrize(("law", "seed"), [("normal", 11), ("exponential", 12)])
def test_errors_are_calibrated_for_light_laws(law: str, seed: int) -> None:
    cases = bench.cases(bench.LAWS[law].mean)
    del cases["trimmed mean (custom)"]  # slow
    assert off(law, cases, seed) == []


def test_an_error_that_assumes_a_normal_law_is_seen() -> None:
    cases = {"normal theory": bench.Case(NormalVariance(), 4), "variance": bench.Case(mc.variance("x"), 4)}
    assert off("normal", cases, 13) == []
    assert off("exponential", cases, 13) == ["normal theory"]


@pytest.mark.parametrize("expected", [1, 3])
def test_errors_of_rare_events_are_right_in_the_square_on_average(expected: int) -> None:
    """By enumeration: the square is unbiased, so the root, which varies much, is too small on average."""
    n = bench.REPLICATES
    p = expected / n
    weights = binom.pmf(np.arange(60), n, p)
    errors = np.array([mc.mean("x").estimate((np.arange(n) < k).astype(float)).mcse for k in range(60)])
    truth = math.sqrt(p * (1 - p) / n)
    assert math.sqrt(weights @ errors**2) == pytest.approx(truth, rel=1e-9)
    assert weights @ errors / truth == pytest.approx({1: 0.773, 3: 0.942}[expected], abs=0.001)


def test_a_ratio_without_spread_is_nan_and_shown_as_exact() -> None:
    (ratio,) = bench.calibration(bench.LAWS["Bernoulli 0.01"], [bench.Case(mc.quantile("x", 0.5), 0)], 3, 1)
    assert bench.shown(ratio) == "exact"
    assert bench.shown(None) == "–"
    assert bench.shown(bench.Ratio(0.981, 0.012, believed=True)) == "0.98(2)"
    assert bench.shown(bench.Ratio(0.5, 0.1, believed=False)) == "< 0.50"


def test_heavy_tails_leave_a_bound() -> None:
    (ratio,) = bench.calibration(bench.LAWS["lognormal 2"], [bench.Case(mc.sd("x"), 4)], SAMPLES, 14)
    assert not ratio.believed
    assert ratio.value < 0.5
