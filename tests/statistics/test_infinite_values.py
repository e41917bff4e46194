"""Infinite outcomes: values like others for quantiles, coverage and laws, beyond all that are finite."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mcstudy import Scenario, Value, Verdict
from mcstudy.claims import judge
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import InputError
from mcstudy.statistics import (
    Statistic,
    bias_eliminated_coverage,
    conditional,
    coverage,
    mean,
    of_each,
    proportion,
    quantile,
    sd,
    share_missing,
    variance,
)
from mcstudy.statistics.order_statistics import maritz_jarrett, sample_quantile
from mcstudy.statistics.ties import clusters, widened

INF = math.inf
RNG = np.random.default_rng(3)


@pytest.mark.parametrize("probability", [0.05, 0.3, 0.5, 0.75, 0.99])
def test_quantiles_of_finite_values_are_those_of_numpy(probability: float) -> None:
    values = RNG.normal(size=41)
    assert sample_quantile(values, probability) == np.quantile(values, probability)


@pytest.mark.parametrize(
    ("values", "probability", "expected"),
    [
        ([-INF, 0.0, 1.0, INF], 0.5, 0.5),
        ([0.0, INF, INF], 0.5, INF),
        ([0.0, 1.0, INF], 0.5, 1.0),  # at the middle one, however near the infinite one is
        ([0.0, INF], 0.3, INF),
        ([-INF, 0.0], 0.7, -INF),
        ([-INF, -INF], 0.4, -INF),
        ([-INF, INF], 0.5, math.nan),
    ],
)
def test_quantiles_beside_infinite_values(values: list[float], probability: float, expected: float) -> None:
    found = sample_quantile(np.array(values), probability)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_infinite_values_far_from_a_quantile_change_nothing() -> None:
    """The median and its limits see the order only: 5 % at infinity are as 5 % at 10^6."""
    values = RNG.normal(size=1000)
    values[:50] = INF
    large = np.where(values == INF, 1e6, values)
    median = quantile("x", 0.5)
    assert median.estimate(values) == median.estimate(large)
    assert median.limits(values, 1e-3) == median.limits(large, 1e-3)
    assert median.interval(values, 0.99) == median.interval(large, 0.99)
    np.testing.assert_array_equal(median.influence(values), median.influence(large))


def test_an_error_is_infinite_where_infinite_values_have_a_weight() -> None:
    """Above rank 70 of 100: 4 standard errors of a rank from the median, 2.4 from the 0.58 quantile."""
    values = RNG.normal(size=100)
    values[values.argsort()[70:]] = INF
    assert maritz_jarrett(values, 0.5) < 0.3
    assert math.isinf(maritz_jarrett(values, 0.58))
    assert maritz_jarrett(np.full(10, INF), 0.5) == 0.0


def test_a_quantile_that_is_surely_infinite_has_infinite_limits() -> None:
    values = np.where(np.arange(1000) < 100, 0.0, INF)
    assert quantile("x", 0.5).limits(values, 1e-3)[:2] == (INF, INF)
    assert quantile("x", 0.1).limits(values, 1e-3)[:2] == (0.0, INF)


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        (quantile("x", 0.5), ("x",)),
        (coverage("low", "high", "truth"), ("low", "high", "truth")),
        (share_missing("x"), ("x",)),
        (bias_eliminated_coverage("low", "high", "x"), ("low", "high")),
        (conditional(quantile("x", 0.5), given="converged"), ("x",)),
        (quantile("x", 0.9) - quantile("y", 0.1), ("x", "y")),
        (quantile("x", 0.9) - mean("x"), ()),
        (quantile("x", 0.9) - mean("y"), ("x",)),
        (mean("x"), ()),
        (sd("x"), ()),
        (proportion("x"), ()),
        (of_each("x"), ()),
    ],
)
def test_columns_that_may_be_infinite(statistic: Statistic, expected: tuple[str, ...]) -> None:
    assert statistic.unbounded == expected


def test_functions_of_infinite_quantiles_are_not_defined() -> None:
    half = np.where(np.arange(100) < 30, INF, RNG.normal(size=100))
    difference = quantile("x", 0.9) - quantile("x", 0.1)
    assert math.isnan(difference.estimate(half).value)
    assert difference.limits(half, 0.01)[:2] == (-INF, INF)
    assert math.isfinite((quantile("x", 0.3) - quantile("x", 0.1)).estimate(half).value)


def test_a_mean_refuses_them() -> None:
    with pytest.raises(InputError, match="`values` must be finite, got inf at index 1"):
        mean("x").estimate([0.0, INF])


def test_infinities_are_atoms() -> None:
    found = clusters([INF, -INF, 0.0, INF, -INF, -INF, 1.7e308])
    assert found.low.tolist() == found.high.tolist() == [-INF, 0.0, 1.7e308, INF]
    assert (found.counts.tolist(), found.merged) == ([3, 1, 1, 2], 0)


def test_beside_an_infinity_lie_the_largest_doubles() -> None:
    ends = np.array([-INF, INF])
    assert widened(ends, 1).tolist()[1] == INF
    assert widened(ends, -1).tolist()[0] == -INF
    assert np.all(np.isfinite([widened(ends, 1)[0], widened(ends, -1)[1]]))


def test_a_variance_whose_squares_pass_the_largest_double_is_open() -> None:
    """A replicate that diverged is no error of the study: its verdict waits, whatever is judged beside it."""
    stack = np.stack([np.r_[RNG.normal(size=255), 1e160], RNG.normal(size=256)])
    of = variance("x")
    assert of.estimate(stack[0]).value == INF
    assert of.interval(stack[0], 0.99) == (0.0, INF)
    for diverged, sound in (of.summaries(stack), [of.summary(values) for values in stack]):
        assert not diverged.limiting(0.01, 256).believed
        assert sound.limiting(0.01, 256) == of.limits(stack[1], 0.01, 256)
    samples = {
        (scenario := Scenario(n=n)): Sample(scenario, {"x": values}, np.ones(256, dtype=np.bool_), 256)
        for n, values in enumerate(stack)
    }
    (found,) = judge([Value("1", "s", of=of, equals=1.0, margin=0.5)], Draws(samples))
    assert found.cells[0].verdict is Verdict.UNDECIDED
    assert found.cells[0].note == "the largest squares are no numbers any more"
