"""Influences and remainder of functions of arrays against statistics whose expansion is known."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import jackknife as module
from mcstudy.statistics import mean, standard_error, variance
from mcstudy.statistics.comparisons import correlation
from mcstudy.statistics.expansion import expansion
from mcstudy.statistics.jackknife import BLOCK, HALVES, jackknife
from mcstudy.statistics.smooth import smooth

RNG = np.random.default_rng(1)
X = RNG.standard_exponential(200)
Y = X + RNG.standard_normal(200)
LONG = RNG.standard_normal((2, 3 * BLOCK + 7))
# A chi-square of HALVES degrees, relative; its root by half of that; five standard errors.
OF_HALVES = 5 * math.sqrt(2 / HALVES)


def product(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(a) * np.mean(b))


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_influences_of_a_mean_are_its_deviations() -> None:
    found, n = jackknife(np.mean, [X]), X.size
    assert found.value == np.mean(X)
    # Differences of means, each rounded, times n - 1.
    np.testing.assert_allclose(found.influence, X - X.mean(), rtol=0, atol=n * n * np.finfo(float).eps)
    assert found.remainder < n * np.finfo(float).eps


def test_influences_against_brute_force() -> None:
    without = np.array([pearson(np.delete(X, i), np.delete(Y, i)) for i in range(X.size)])
    expected = (X.size - 1) * (np.mean(without) - without)
    np.testing.assert_array_equal(jackknife(pearson, [X, Y]).influence, expected)


def test_remainder_of_a_variance_against_theory() -> None:
    # m2 - m1^2 is off by Z^2 s^2 / n, exactly.
    found = jackknife(np.var, [X])
    assert found.remainder == pytest.approx(expansion(variance("x"), X).remainder, rel=OF_HALVES / 2)


def test_remainder_of_a_product_against_theory() -> None:
    known = expansion(smooth(np.multiply, mean("x"), mean("y")), np.column_stack([X, Y]))
    found = jackknife(product, [X, Y])
    # The largest eigenvalue there, the root mean square of all of them here: at most sqrt(4/3) apart.
    assert known.remainder * (1 - OF_HALVES / 2) < found.remainder < known.remainder * (1 + OF_HALVES)


def test_the_bias_alone_would_miss_the_remainder_of_a_product() -> None:
    """The control: the mean of the second-order term of uncorrelated columns is nearly 0, its size is not."""
    y = RNG.standard_normal(X.size)
    y -= np.polyval(np.polyfit(X, y, 1), X)
    without = [product(np.delete(X, i), np.delete(y, i)) for i in range(X.size)]
    bias = (X.size - 1) * (np.mean(without) - product(X, y))
    assert abs(bias) < 0.1 * jackknife(product, [X, y]).remainder


def test_beyond_a_block_each_replicate_keeps_its_influence() -> None:
    found, exact = jackknife(np.var, [LONG[0]]), variance("x").influence(LONG[0])
    assert found.value == np.var(LONG[0])
    # Within a block the mean is off by 1/sqrt(BLOCK), and so is an influence, relative to its size.
    assert np.corrcoef(found.influence, exact)[0, 1] > 1 - 5 / BLOCK
    assert standard_error(found.influence) == pytest.approx(standard_error(exact), rel=5 / BLOCK)


def test_beyond_a_block_influences_pair_with_those_of_others() -> None:
    """Covariances with other statistics are right, where influences of whole blocks would lose a root of their size."""
    found, exact = jackknife(np.var, [LONG[0]]).influence, variance("x").influence(LONG[0])
    other = LONG[0] ** 2 + LONG[1]
    assert np.cov(found, other)[0, 1] == pytest.approx(np.cov(exact, other)[0, 1], rel=10 / BLOCK)


def test_the_size_of_a_block_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = jackknife(pearson, [LONG[0], LONG[0] + LONG[1]])
    monkeypatch.setattr(module, "BLOCK", 200)
    parts = jackknife(pearson, [LONG[0], LONG[0] + LONG[1]])
    assert standard_error(parts.influence) == pytest.approx(standard_error(whole.influence), rel=5 / 200)
    # Five moments of a block are off by 1/sqrt(200), and so is an influence by each, relative to its size.
    exact = correlation("x", "y").influence(np.column_stack([LONG[0], LONG[0] + LONG[1]]))
    assert np.corrcoef(parts.influence, exact)[0, 1] > 1 - 2 * 5 / 200
    # Control: blocks of four say something else.
    monkeypatch.setattr(module, "BLOCK", 4)
    assert (
        np.corrcoef(jackknife(pearson, [LONG[0], LONG[0] + LONG[1]]).influence, exact)[0, 1] < 1 - 2 * 5 / 200
    )


def test_constant_columns_have_influences_of_rounding() -> None:
    found = jackknife(np.mean, [np.full(100, 0.1)])
    assert np.max(np.abs(found.influence)) <= found.rounding
    assert not found.limits(0.01).believed


def test_the_function_may_change_its_arrays() -> None:
    def midrange(x: np.ndarray) -> float:
        return float(np.min(x) + np.max(x)) / 2

    def sorted_midrange(x: np.ndarray) -> float:
        x.sort()
        return float(x[0] + x[-1]) / 2

    np.testing.assert_array_equal(
        jackknife(sorted_midrange, [X]).influence, jackknife(midrange, [X]).influence
    )


def test_the_same_in_every_run() -> None:
    assert jackknife(np.var, [X]).remainder == jackknife(np.var, [X]).remainder


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 1 / 0, r"must return a number for 200 replicates, but raised ZeroDivisionError: .*; mend"),
        (lambda x: x, r"must return a finite number for 200 replicates, got array\("),
        (lambda x: None, "must return a finite number for 200 replicates, got None"),
        (lambda x: "1", "got '1'"),
        (lambda x: math.nan, "got nan"),
        (lambda x: math.inf if x.size < 200 else 1.0, "for 199 replicates, got inf"),
        (lambda x, y: 1.0, "but raised TypeError: .*missing 1 required positional argument"),
    ],
    ids=["raises", "array", "nothing", "text", "nan", "without one", "columns"],
)
def test_misuse(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=f"`function` .*{message}"):
        jackknife(function, [X])


def test_three_replicates_are_too_few() -> None:
    with pytest.raises(
        InputError, match="`values` must hold at least 4 replicates to be halved, got 3; draw more"
    ):
        jackknife(np.mean, [X[:3]])

    def needs_two(x: np.ndarray) -> float:
        return float(np.var(x, ddof=1))

    assert jackknife(needs_two, [X[:4]]).value == needs_two(X[:4])
