"""Ratio, covariance, correlation, relative error and precision against closed forms and NumPy."""

import math
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Statistic, standard_error, variance
from mcstudy.statistics.comparisons import correlation, covariance, ratio, relative_error, relative_precision
from mcstudy.statistics.expansion import expansion

RNG = np.random.default_rng(1)
N = 300
A = RNG.standard_exponential(N)
B = A + RNG.standard_normal(N)
AB = np.column_stack([A, B])
# Sums of N terms and some ten operations, each rounded.
ROUNDED = 10 * N * np.finfo(np.float64).eps


def named(given: Any) -> str:
    if isinstance(given, Statistic):
        return f"{given.label}, {getattr(given, 'against', '')}"
    return given if isinstance(given, str) else ""


def test_ratio_of_means() -> None:
    estimate = ratio("a", "b").estimate(AB)
    quotient = A.mean() / B.mean()
    assert estimate.value == pytest.approx(quotient, rel=ROUNDED)
    assert estimate.mcse == pytest.approx(
        np.std(A - quotient * B, ddof=1) / math.sqrt(N) / B.mean(), rel=ROUNDED
    )


def test_covariance_against_numpy_and_its_variance() -> None:
    estimate = covariance("a", "b").estimate(AB)
    assert estimate.value == pytest.approx(np.cov(A, B)[0, 1], rel=ROUNDED)
    products = (A - A.mean()) * (B - B.mean()) * N / (N - 1)
    assert estimate.mcse == pytest.approx(np.std(products, ddof=1) / math.sqrt(N), rel=ROUNDED)


def test_covariance_with_itself_is_the_variance() -> None:
    one, other = expansion(covariance("a", "a"), np.column_stack([A, A])), expansion(variance("a"), A)
    assert one.value == pytest.approx(other.value, rel=ROUNDED)
    np.testing.assert_allclose(one.influence, other.influence, rtol=0, atol=np.ptp(other.influence) * ROUNDED)
    # n for the root of n (n - 1).
    assert one.remainder == pytest.approx(other.remainder, rel=1 / N)


def test_correlation_against_numpy_and_its_influence() -> None:
    r = np.corrcoef(A, B)[0, 1]
    found = correlation("a", "b")
    assert found.estimate(AB).value == pytest.approx(r, rel=ROUNDED)
    one, other = ((x - x.mean()) / np.std(x) for x in (A, B))
    # The influence of a correlation (Devlin, Gnanadesikan and Kettenring 1975), in units of divisor n.
    influence = one * other - r * (one**2 + other**2) / 2
    np.testing.assert_allclose(found.influence(AB), influence, rtol=0, atol=np.ptp(influence) * ROUNDED)
    assert found.estimate(AB).mcse == pytest.approx(standard_error(influence), rel=ROUNDED)


def test_remainder_of_a_correlation_against_theory() -> None:
    """The bias of a normal correlation is r (1 - r^2) / 2n, half of the trace that bounds the eigenvalue."""
    x, y = np.random.default_rng(2).standard_normal((2, 100_000))
    found = correlation("a", "b").expand(np.column_stack([x, 0.8 * x + 0.6 * y]))
    bias = 0.8 * (1 - 0.8**2) / 2 / x.size
    assert bias < found.remainder < 4 * bias
    # Control: the second orders of covariance and variances, added.
    assert found.remainder * x.size < 0.5 < (1 + 0.8) / 2 + 0.8


def test_correlation_is_invariant_to_units_and_origins() -> None:
    plain = correlation("a", "b").limits(AB, 0.01)
    moved = correlation("a", "b").limits(AB * [2.0**200, -(2.0**-100)] + [2.0**200, 0.0], 0.01)
    np.testing.assert_allclose(moved[:2], [-plain.high, -plain.low], rtol=100 * ROUNDED)


def test_relative_error_and_precision_to_first_order() -> None:
    for statistic, values in [(relative_error("se", "x"), np.abs(AB)), (relative_precision("x", "r"), AB)]:
        estimate, found = statistic.estimate(values), expansion(statistic, values)
        assert found.value == pytest.approx(estimate.value, rel=ROUNDED)
        # simsum has factors n/(n - 1) that influences have not.
        assert standard_error(found.influence) == pytest.approx(estimate.mcse, rel=2 / N)
        assert found.remainder > 0


def test_relative_precision_respects_pairs() -> None:
    shuffled = np.column_stack([A, RNG.permutation(B)])
    paired = relative_precision("x", "r").estimate(AB)
    assert paired.value == pytest.approx(np.var(B) / np.var(A) - 1, rel=ROUNDED)
    assert paired.mcse < 0.9 * relative_precision("x", "r").estimate(shuffled).mcse


@pytest.mark.parametrize(
    ("statistic", "values"),
    [
        (ratio("a", "b"), np.column_stack([A, np.zeros(N)])),
        (correlation("a", "b"), np.column_stack([A, np.full(N, 0.1)])),
        (relative_error("se", "x"), np.column_stack([A, np.full(N, 0.1)])),
        (relative_precision("x", "r"), np.column_stack([np.full(N, 0.1), A])),
    ],
    ids=named,
)
def test_what_replicates_do_not_define(statistic: Statistic, values: np.ndarray) -> None:
    estimate = statistic.estimate(values)
    assert math.isnan(estimate.value)
    assert math.isnan(estimate.mcse)
    assert statistic.interval(values, 0.99) == (-math.inf, math.inf)
    assert not statistic.limits(values, 0.01).believed


def test_a_reference_without_spread_has_no_error() -> None:
    estimate = relative_precision("x", "r").estimate(np.column_stack([A, np.full(N, 0.1)]))
    assert (estimate.value, estimate.mcse) == (-1.0, 0.0)


def test_columns_in_a_constant_ratio_are_no_proof_of_it() -> None:
    found = ratio("a", "b").limits(np.column_stack([A, A / 3]), 0.01)
    assert found.low == pytest.approx(3)
    assert not found.believed


def test_words_and_values() -> None:
    statistics = (
        ratio("a", "b"),
        covariance("a", "b"),
        correlation("a", "b"),
        relative_error("a", "b"),
        relative_precision("a", "b"),
    )
    assert [statistic.label for statistic in statistics] == [
        "ratio of a to b",
        "covariance of a and b",
        "correlation of a and b",
        "relative error of a for b",
        "relative precision of a against b",
    ]
    assert {statistic.columns for statistic in statistics} == {("a", "b")}
    assert correlation("a", "b") == correlation("a", "b") != correlation("b", "a")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: relative_error("x", "x"), "`se` must be another column than `x`, got 'x' for both"),
        (
            lambda: relative_precision("x", "x"),
            "`reference` must be another column than `x`, got 'x' for both",
        ),
        (
            lambda: relative_error("se", "x").estimate([[1.0, 0.0], [-1.0, 1.0]]),
            r"not be negative, got -1\.0",
        ),
        (lambda: relative_error("se", "x").limits([[1.0, 0.0], [-1.0, 1.0]], 0.1), "not be negative"),
        (lambda: correlation("a", "b").estimate(A), r"of shape \(n, 2\), for a, b, got shape \(300,\)"),
        (lambda: covariance("a", "b").estimate([[0.0, 1.0]]), "at least 2 replicates, got 1"),
    ],
    ids=["se", "reference", "negative", "negative too", "shape", "one"],
)
def test_misuse(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
