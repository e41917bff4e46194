"""The delta method against closed forms, to first and to second order, and against the jackknife."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Estimate, mean, proportion, sd, standard_error, variance
from mcstudy.statistics.accuracy import bias, mse, rmse
from mcstudy.statistics.expansion import Expansion, expansion
from mcstudy.statistics.shares import share_missing
from mcstudy.statistics.smooth import combined, smooth

RNG = np.random.default_rng(1)
N = 300
A = RNG.standard_exponential(N)
B = 1 + 0.5 * A + RNG.standard_normal(N) ** 2
AB = np.column_stack([A, B])
# Sums of N terms and some ten operations, each rounded.
ROUNDED = 10 * N * np.finfo(np.float64).eps


def test_ratio_against_the_closed_form() -> None:
    found = smooth(np.divide, mean("a"), mean("b"))
    ratio = A.mean() / B.mean()
    # Cochran's error of a ratio estimate.
    mcse = np.std(A - ratio * B, ddof=1) / math.sqrt(N) / B.mean()
    estimate = found.estimate(AB)
    assert estimate.value == pytest.approx(ratio, rel=ROUNDED)
    assert estimate.mcse == pytest.approx(mcse, rel=ROUNDED)
    np.testing.assert_allclose(found.influence(AB), (A - ratio * B) / B.mean(), atol=ROUNDED)


def test_influence_against_the_jackknife() -> None:
    found = smooth(lambda m, v: np.log(v) - 2 * np.log(m), mean("a"), variance("a"))
    x = RNG.random(N)
    left_out = np.array([found.estimate(np.delete(x, i)).value for i in range(N)])
    jackknife = (N - 1) * (left_out.mean() - left_out)
    # Leaving one out shows its second order too: the square of the influence on each part, over N.
    most = 2 * np.max(np.square(jackknife)) / N
    np.testing.assert_allclose(found.influence(x), jackknife, rtol=0, atol=most)
    # Control: without the influence of the mean.
    assert np.max(np.abs(smooth(np.log, variance("a")).influence(x) - jackknife)) > 10 * most


def test_remainder_of_a_square_against_theory() -> None:
    # m2 - m1^2 has the Hessian -2 by m1: it is off by the variance / n.
    found = smooth(lambda square, center: square - center**2, mse("a", 0), mean("a")).expand(A)
    assert found.remainder == pytest.approx(np.var(A, ddof=1) / N, rel=ROUNDED)


def test_remainder_of_a_product_against_theory() -> None:
    found = smooth(np.multiply, mean("a"), mean("b")).expand(AB)
    # Over (da, db) on the unit ellipse of their covariance, |da db| is at most (|cov| + sd_a sd_b) / 2.
    cov = np.cov(A, B)
    assert found.remainder == pytest.approx((abs(cov[0, 1]) + math.sqrt(cov[0, 0] * cov[1, 1])) / 2 / N)


def test_remainder_of_a_composition_is_that_of_the_whole() -> None:
    # The root of a square is what it was: second orders that cancel are not added.
    curved = smooth(np.exp, mean("a"))
    straight = smooth(np.log, curved)
    assert curved.expand(A).remainder == pytest.approx(np.exp(A.mean()) * np.var(A, ddof=1) / 2 / N)
    assert straight.expand(A).remainder < ROUNDED * curved.expand(A).remainder
    np.testing.assert_allclose(straight.influence(A), A - A.mean(), rtol=0, atol=ROUNDED)


def test_remainder_of_a_linear_function_is_passed_on() -> None:
    found = smooth(lambda v, m: 3 * v - m, variance("a"), mean("a")).expand(A)
    assert found.remainder == pytest.approx(3 * expansion(variance("a"), A).remainder, rel=1e-6)
    assert found.rounding == pytest.approx(
        3 * expansion(variance("a"), A).rounding + expansion(mean("a"), A).rounding
    )


@pytest.mark.parametrize("power", [-300, 300])
def test_invariant_to_units(power: int) -> None:
    unit = 2.0**power
    found = smooth(lambda a, b: (a - 2 * b) / b, mean("a"), mean("b"))
    plain, scaled = found.limits(AB, 0.01), found.limits(unit * AB, 0.01)
    np.testing.assert_allclose(scaled[:2], plain[:2], rtol=ROUNDED)


def test_variances_of_signs_keep_their_second_order() -> None:
    signs = np.column_stack([np.tile([-1.0, 1.0], 64), np.tile([-1.0, -1.0, 1.0, 1.0], 32)])
    found = smooth(np.divide, variance("a"), variance("b"))
    assert not found.influence(signs).any()
    low, high = found.interval(signs, 0.99)
    assert low < 1 < high
    assert not found.limits(signs, 0.01).believed


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (np.log, np.tile([-1.0, 0.5], 32)),
        (np.log, np.zeros(64)),
        (np.sqrt, np.tile([-1.0, 0.5], 32)),
        (lambda a: 1 / a, np.tile([-1.0, 1.0], 32)),
        (lambda a: a / a, np.zeros(64)),
        (np.sqrt, np.tile([-1.0, 1.0], 32)),
    ],
    ids=["negative", "log 0", "root", "over 0", "0 / 0", "slope"],
)
def test_what_replicates_do_not_define(function: Any, values: np.ndarray) -> None:
    found = smooth(function, mean("a"))
    estimate = found.estimate(values)
    assert math.isnan(estimate.value)
    assert estimate.replicates == 64
    assert not found.limits(values, 0.01).believed


def test_a_root_of_nothing_but_zeros_is_0() -> None:
    estimate = smooth(np.sqrt, mse("a", 0)).estimate(np.zeros(64))
    assert (estimate.value, estimate.mcse) == (0.0, 0.0)


def test_numbers_are_constants() -> None:
    found = smooth(np.subtract, mean("a"), 1)
    assert found.estimate(A).value == pytest.approx(A.mean() - 1)
    assert found.estimate(A).mcse == pytest.approx(mean("a").estimate(A).mcse, rel=ROUNDED)


def test_parts_of_one_column_share_it() -> None:
    variation = smooth(np.divide, sd("a"), mean("a"))
    assert variation.columns == ("a",)
    assert variation.estimate(A).value == pytest.approx(np.std(A, ddof=1) / A.mean())


def test_equal_parts_cancel() -> None:
    found = smooth(np.subtract, rmse("a", 0.0), rmse("a", 0.0))
    assert found.estimate(A) == Estimate(0.0, 0.0, N)
    assert not found.limits(A, 0.01).believed


def test_parts_that_only_rounding_tells_apart_are_not_believed() -> None:
    found = smooth(np.subtract, mean("a"), mean("b"))
    assert not found.limits(np.column_stack([A, A / 3 * 3]), 0.01).believed
    assert found.limits(np.column_stack([A, A + 1e-9 * B]), 0.01).believed


def test_at_binds_all_parts() -> None:
    found = smooth(np.subtract, bias("a", lambda n: 1 / n), 2.0).at({"n": 4})
    assert found.estimate(A).value == pytest.approx(A.mean() - 2.25)


def test_words_and_values() -> None:
    ratio = smooth(np.divide, mean("a"), mean("b"))
    assert ratio == smooth(np.divide, mean("a"), mean("b")) != smooth(np.subtract, mean("a"), mean("b"))
    assert len({ratio, smooth(np.divide, mean("a"), mean("b"))}) == 1
    assert ratio.columns == ("a", "b")
    assert ratio.name == ratio.label == "mean of a / mean of b"
    assert smooth(np.subtract, ratio, 1.5).label == "(mean of a / mean of b) - 1.5"
    assert smooth(np.log, ratio).label == "log(mean of a / mean of b)"
    assert smooth(np.add, smooth(np.log, ratio), mean("c")).label == "log(mean of a / mean of b) + mean of c"
    assert smooth(lambda a: a, mean("a")).label == "function(mean of a)"
    assert smooth(np.subtract, smooth(np.divide, mean("a"), 2, name="half"), 1).label == "half - 1"
    with pytest.raises(dataclasses.FrozenInstanceError):
        ratio.column = "c"  # type: ignore[misc]


def test_what_counts_missing_values() -> None:
    assert smooth(np.subtract, mean("a"), share_missing("b")).counts_missing
    assert not smooth(np.subtract, proportion("a"), bias("b", 0)).counts_missing


@pytest.mark.parametrize(
    ("statistics", "message"),
    [
        (("a",), r"`statistics` must be statistics or finite numbers, got 'a'; write mean\('x'\)"),
        ((mean("a"), None), "got None"),
        ((mean("a"), math.nan), "got nan"),
        ((1.0, 2.0), "got none"),
        ((), "got none"),
    ],
)
def test_misuse(statistics: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        smooth(np.subtract, *statistics)


def test_misuse_of_values() -> None:
    found = smooth(np.subtract, mean("a"), mean("b"))
    with pytest.raises(InputError, match=r"must be of shape \(n, 2\), for a, b, got shape \(300,\)"):
        found.estimate(A)
    with pytest.raises(InputError, match="`values` must be finite, got nan at index 1"):
        found.limits([[0.0, 0.0], [0.0, math.nan]], 0.01)
    with pytest.raises(InputError, match="`function` must be made of"):
        smooth(np.floor, mean("a")).estimate(A)


def test_combined_needs_no_columns() -> None:
    one, other = (Expansion.of(x.mean(), x - x.mean()) for x in (A, B))
    found = combined(np.subtract, [one, other])
    assert found.spread == pytest.approx(standard_error(A - B), rel=ROUNDED)
