"""The oracle is exact enumeration, not sampling: see conftest."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, frobenius, inner
from mcstudy.models.sensing.loss import (
    gradient_mean_square,
    loss_law,
    loss_variance,
    sensing_gradient,
    sensing_loss,
    transverse,
)
from mcstudy.models.sensing.wishart import second_moment

Enumeration = Callable[[str, int], tuple[FloatArray, FloatArray]]

DELTA = np.array([[0.3, -1.2], [0.7, 2.0]])
DEPTH = 3
ROUNDING = 1e-12  # sums of at most 6561 terms of order 1, in double precision


def empirical_loss(matrices: FloatArray, delta: FloatArray = DELTA, depth: int = DEPTH) -> FloatArray:
    """The loss on given measurement matrices, shape (..., n, d, d)."""
    return sensing_loss(delta, depth, second_moment(matrices))


def empirical_gradient(matrices: FloatArray, delta: FloatArray = DELTA, depth: int = DEPTH) -> FloatArray:
    return sensing_gradient(delta, depth, second_moment(matrices))


def gradient_covariance(delta: FloatArray, depth: int, measurements: int) -> FloatArray:
    """(||Delta||^2 I + vec Delta vec Delta^T) / (L^2 n), which `gradient_mean_square` is the trace of."""
    vector = delta.ravel()
    return (inner(delta, delta) * np.eye(vector.size) + np.outer(vector, vector)) / (depth**2 * measurements)


def rademacher_loss_variance(delta: FloatArray, depth: int, measurements: int) -> FloatArray:
    """Of sign matrices E <Delta, A>^4 = 3 ||Delta||^4 - 2 sum_ij Delta_ij^4: less than of normal ones."""
    return loss_variance(delta, depth, measurements) - np.sum(delta**4) / (2 * depth**2 * measurements)


def symmetric_mean_loss(delta: FloatArray, depth: int) -> FloatArray:
    """For A = (G + G^T)/sqrt 2 the mean is (||Delta||^2 + <Delta, Delta^T>)/(2 L)."""
    return sensing_loss(delta, depth) + inner(delta, delta.mT) / (2 * depth)


def loss_by_loops(delta: FloatArray, matrices: FloatArray, depth: int) -> complex:
    """The loss of one Delta, entry by entry; complex for a complex Delta."""
    total: complex = 0.0
    for matrix in matrices:
        product: complex = 0.0
        for i, j in itertools.product(range(len(delta)), repeat=2):
            product += delta[i, j] * matrix[i, j]
        total += product * product
    return total / (2 * depth * len(matrices))


def draw(*shape: int, seed: int = 1) -> FloatArray:
    return np.random.Generator(np.random.SFC64(seed)).standard_normal(shape)


def moments(values: FloatArray, probabilities: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of vectors, shape (count, k), over an enumerated law."""
    mean = probabilities @ values
    return mean, (values - mean).T @ (probabilities[:, None] * (values - mean))


def test_loss_against_brute_force() -> None:
    delta, matrices = draw(4, 3, 3), draw(4, 5, 3, 3, seed=2)
    expected = [loss_by_loops(*pair, DEPTH) for pair in zip(delta, matrices, strict=True)]
    np.testing.assert_allclose(empirical_loss(matrices, delta), np.real(expected), rtol=ROUNDING)


def test_gradient_against_complex_step() -> None:
    """The derivative of the loss in W: no difference is taken, so every entry is exact to rounding."""
    matrices, step = draw(5, 2, 2), 1e-30
    gradient = empirical_gradient(matrices)
    for i, j in np.ndindex(2, 2):
        shifted = DELTA.astype(np.complex128)
        shifted[i, j] += 1j * step
        slope = loss_by_loops(shifted, matrices, DEPTH).imag / step  # type: ignore[arg-type]
        assert gradient[i, j] == pytest.approx(slope, rel=ROUNDING)
    assert np.max(np.abs(gradient - gradient.T)) > 0.01  # the check would see a transposed gradient


def test_loss_is_analytic_in_delta() -> None:
    """A complex step through the loss itself, with a moment and without: no conjugate is taken on the way."""
    delta, direction = draw(2, 2, 2)
    for moment in (None, second_moment(draw(5, 2, 2, seed=2))):
        moved: npt.NDArray[Any] = delta + 1e-30j * direction
        slope = sensing_loss(moved, DEPTH, moment).imag / 1e-30
        assert inner(sensing_gradient(delta, DEPTH, moment), direction) == pytest.approx(slope, rel=ROUNDING)


def test_population_loss_is_that_of_the_identity_moment() -> None:
    delta = draw(4, 3, 3)
    np.testing.assert_allclose(sensing_loss(delta, 2), frobenius(delta) ** 2 / 4, rtol=ROUNDING)
    np.testing.assert_allclose(sensing_loss(delta, 2), sensing_loss(delta, 2, np.eye(9)), rtol=ROUNDING)
    np.testing.assert_allclose(
        sensing_gradient(delta, 2), sensing_gradient(delta, 2, np.eye(9)), rtol=ROUNDING
    )


@pytest.mark.parametrize("measurements", [1, 2])
def test_mean_and_variance_against_enumeration(measurements: int, enumerated: Enumeration) -> None:
    matrices, probabilities = enumerated("gaussian", measurements)
    mean, covariance = moments(empirical_loss(matrices)[:, None], probabilities)
    assert sensing_loss(DELTA, DEPTH) == pytest.approx(mean[0], rel=ROUNDING)
    exact = pytest.approx(covariance[0, 0], rel=ROUNDING)
    variance = float(loss_variance(DELTA, DEPTH, measurements))
    assert variance == exact
    assert variance * DEPTH != exact  # L in the place of L^2


@pytest.mark.parametrize("measurements", [1, 2])
def test_gradient_moments_against_enumeration(measurements: int, enumerated: Enumeration) -> None:
    matrices, probabilities = enumerated("gaussian", measurements)
    mean, covariance = moments(empirical_gradient(matrices).reshape(-1, 4), probabilities)
    closed = gradient_covariance(DELTA, DEPTH, measurements)
    np.testing.assert_allclose(mean, sensing_gradient(DELTA, DEPTH).ravel(), rtol=ROUNDING)
    np.testing.assert_allclose(covariance, closed, rtol=ROUNDING, atol=ROUNDING)
    square = gradient_mean_square(DELTA, DEPTH, measurements)
    assert square == pytest.approx(np.trace(covariance), rel=ROUNDING)


def test_gaussian_closed_forms_refuse_signs(enumerated: Enumeration) -> None:
    """The enumeration tells laws apart: the same mean, another variance and covariance."""
    matrices, probabilities = enumerated("rademacher", 1)
    mean, covariance = moments(empirical_gradient(matrices).reshape(-1, 4), probabilities)
    np.testing.assert_allclose(mean, DELTA.ravel() / DEPTH, rtol=ROUNDING)
    assert np.max(np.abs(covariance - gradient_covariance(DELTA, DEPTH, 1))) > 0.01


@pytest.mark.parametrize("measurements", [1, 2])
def test_rademacher_variance_against_enumeration(measurements: int, enumerated: Enumeration) -> None:
    matrices, probabilities = enumerated("rademacher", measurements)
    mean, covariance = moments(empirical_loss(matrices)[:, None], probabilities)
    assert sensing_loss(DELTA, DEPTH) == pytest.approx(mean[0], rel=ROUNDING)
    closed = rademacher_loss_variance(DELTA, DEPTH, measurements)
    assert closed == pytest.approx(covariance[0, 0], rel=ROUNDING)
    assert closed < 0.9 * loss_variance(DELTA, DEPTH, measurements)


def test_symmetric_mean_against_enumeration(enumerated: Enumeration) -> None:
    matrices, probabilities = enumerated("gaussian", 1)
    losses = empirical_loss((matrices + matrices.mT) / np.sqrt(2))
    closed = symmetric_mean_loss(DELTA, DEPTH)
    assert closed == pytest.approx(probabilities @ losses, rel=ROUNDING)
    assert closed > 1.1 * sensing_loss(DELTA, DEPTH)


def test_law_against_closed_moments() -> None:
    """The chi-square law, scaled back to the loss, has the mean and variance of the other closed forms."""
    law, scale = loss_law(7), float(sensing_loss(DELTA, DEPTH)) / 7
    assert law.mean() * scale == pytest.approx(float(sensing_loss(DELTA, DEPTH)))
    assert law.var() * scale**2 == pytest.approx(float(loss_variance(DELTA, DEPTH, 7)))


def test_law_of_two_measurements_against_theory() -> None:
    """Chi-square with 2 degrees of freedom is exponential with mean 2."""
    x = np.linspace(0.0, 30.0, 7)
    np.testing.assert_allclose(loss_law(2).cdf(x), 1.0 - np.exp(-x / 2), atol=ROUNDING)
    assert np.max(np.abs(loss_law(4).cdf(x) - 1.0 + np.exp(-x / 2))) > 0.1


def test_transverse_is_a_unit_across() -> None:
    delta = draw(6, 3, 3)
    across = transverse(delta)
    np.testing.assert_allclose(inner(across, across), 1.0, rtol=ROUNDING)
    np.testing.assert_allclose(inner(across, delta), 0.0, atol=ROUNDING)
    for unit, matrix in zip(across, delta, strict=True):
        plane = np.stack([matrix.ravel(), matrix.T.ravel(), unit.ravel()])
        assert np.linalg.matrix_rank(plane) == 2
    assert np.all(inner(across, delta.mT) > 0.0)


@pytest.mark.parametrize("delta", [np.eye(2), [[0.0, 1.0], [-1.0, 0.0]], np.zeros((2, 2)), [[3.0]]])
def test_transverse_needs_a_plane(delta: npt.ArrayLike) -> None:
    with pytest.raises(ModelError, match="`delta` must not be symmetric, antisymmetric or zero"):
        transverse(delta)


@pytest.mark.parametrize(
    ("closed", "counts"),
    [
        (sensing_loss, (2,)),
        (loss_variance, (2, 5)),
        (sensing_gradient, (2,)),
        (gradient_mean_square, (2, 5)),
        (transverse, ()),
    ],
)
def test_stacks_are_taken_one_by_one(closed: Callable[..., FloatArray], counts: tuple[int, ...]) -> None:
    stack = draw(2, 3, 4, 4)
    each = [[closed(matrix, *counts) for matrix in row] for row in stack]
    np.testing.assert_allclose(closed(stack, *counts), each, rtol=ROUNDING)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: loss_variance(np.ones((2, 3)), 1, 1),
            r"`delta` must be a square matrix .* got shape \(2, 3\)",
        ),
        (lambda: transverse(np.ones(3)), r"`delta` must be a square matrix .* \(3,\)"),
        (lambda: gradient_mean_square(np.ones((0, 0)), 1, 1), r"`delta` must be a square matrix .* \(0, 0\)"),
        (lambda: loss_variance([[np.nan]], 1, 1), "`delta` must be finite, got 1 entries that are not"),
        (lambda: sensing_loss(DELTA, 0), "`depth` must be a whole number, at least 1, got 0"),
        (lambda: sensing_gradient(DELTA, 1.5), "`depth` must be a whole number, at least 1, got 1.5"),  # type: ignore[arg-type]
        (lambda: sensing_loss(DELTA, True), "`depth` must be a whole number, at least 1, got True"),
        (lambda: loss_variance(DELTA, 1, 0), "`measurements` must be a whole number"),
        (
            lambda: gradient_mean_square(DELTA, 1, -1),
            "`measurements` must be a whole number, at least 1, got -1",
        ),
        (lambda: loss_law(0), "`measurements` must be a whole number, at least 1, got 0"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()
