import itertools

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import as_factors, as_matrices, frobenius, inner, relative_residual

ROUNDING = 1e-14  # sums of at most 24 products of order 1


def test_inner_and_frobenius_against_loops() -> None:
    a, b = np.random.Generator(np.random.SFC64(1)).standard_normal((2, 5, 2, 3, 4))
    for axes in (1, 2, 3):
        front = a.shape[: 4 - axes]
        for index in itertools.product(*map(range, front)):
            product = sum(x * y for x, y in zip(a[index].ravel(), b[index].ravel(), strict=True))
            assert inner(a, b, axes)[index] == pytest.approx(product, rel=ROUNDING, abs=ROUNDING)
            square = sum(x * x for x in a[index].ravel())
            assert frobenius(a, axes)[index] == pytest.approx(np.sqrt(square), rel=ROUNDING)


def test_inner_broadcasts_leading_axes() -> None:
    a = np.arange(4.0).reshape(2, 2)
    stack = np.arange(12.0).reshape(3, 2, 2)
    assert inner(a, stack).tolist() == [14.0, 38.0, 62.0]


def test_relative_residual_is_that_of_the_larger_side() -> None:
    small, large = np.eye(2), 4 * np.eye(2)
    for pair in ((small, large), (large, small)):
        assert relative_residual(*pair) == pytest.approx(0.75, rel=ROUNDING)


def test_relative_residual_of_zeros_is_zero() -> None:
    assert float(relative_residual(np.zeros((2, 2)), np.zeros((2, 2)))) == 0.0


def test_stacks_of_whole_numbers_become_float64() -> None:
    assert as_matrices("delta", [[1, 2], [3, 4]]).dtype == np.float64
    assert as_factors("start", np.ones((2, 3, 3), dtype=np.int8)).dtype == np.float64


@pytest.mark.parametrize(
    ("matrices", "message"),
    [
        (np.ones((2, 3)), r"`delta` must be a square matrix or a stack of them, .* got shape \(2, 3\)"),
        (np.ones(3), r"`delta` must be a square matrix .* got shape \(3,\)"),
        (np.ones((0, 0)), r"`delta` must be a square matrix .* got shape \(0, 0\)"),
        ([[np.nan]], "`delta` must be finite, got 1 entries that are not"),
        ([[1j]], "`delta` must be one array of real numbers, got Cannot cast"),
        (
            [[1.0], [1.0, 2.0]],
            "`delta` must be one array of real numbers, .*; give all matrices one size d x d",
        ),
        ([["one"]], "`delta` must be one array of real numbers"),
    ],
)
def test_as_matrices_refuses(matrices: npt.ArrayLike, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        as_matrices("delta", matrices)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (
            np.ones((2, 3, 4)),
            r"`start` must be square factors, shape \(\.\.\., L, d, d\) with L >= 1, got shape",
        ),
        ([np.ones((2, 2)), np.ones((3, 3))], "`start` must be one array of real numbers"),
        (np.ones((3, 3)), "`start` must be square factors"),
        (np.ones((5, 0, 2, 2)), r"`start` must be square factors, .* got shape \(5, 0, 2, 2\)"),
        (np.full((1, 1, 2, 2), np.nan), "`start` must be finite, got 4 entries"),
    ],
)
def test_as_factors_refuses(factors: npt.ArrayLike, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        as_factors("start", factors)
