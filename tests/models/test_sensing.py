"""The oracle is exact enumeration, not sampling.

A polynomial of degree at most 5 in a standard normal has the mean that three Gauss-Hermite nodes give it. So the
moments of the loss (degree 4 in the entries of A) are finite sums over all combinations of nodes, and those of
sign matrices are sums over all signs.
"""

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models import sensing
from mcstudy.models.sensing_errors import GradientErrors, LossErrors, gradient_errors, loss_errors

FloatArray = npt.NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(3)
GAUSSIAN = tuple(zip(NODES, WEIGHTS / WEIGHTS.sum(), strict=True))
RADEMACHER = ((-1.0, 0.5), (1.0, 0.5))
DELTA = np.array([[0.3, -1.2], [0.7, 2.0]])
DEPTH = 3
ROUNDING = 1e-12  # sums of at most 6561 terms of order 1, in double precision


def enumerate_matrices(
    law: tuple[tuple[float, float], ...], measurements: int, dimension: int
) -> tuple[FloatArray, FloatArray]:
    """All values of n matrices, shape (count, n, d, d), and their probabilities, shape (count,)."""
    draws = list(itertools.product(law, repeat=measurements * dimension**2))
    values = np.array([[value for value, _ in draw] for draw in draws])
    probabilities = np.prod([[weight for _, weight in draw] for draw in draws], axis=1)
    return values.reshape(-1, measurements, dimension, dimension), probabilities


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


def enumerated_gradients(
    law: tuple[tuple[float, float], ...], measurements: int
) -> tuple[FloatArray, FloatArray]:
    matrices, probabilities = enumerate_matrices(law, measurements, 2)
    gradients = sensing.empirical_gradient(np.broadcast_to(DELTA, (len(matrices), 2, 2)), matrices, DEPTH)
    return gradients.reshape(-1, 4), probabilities


def test_loss_against_brute_force() -> None:
    delta, matrices = draw(4, 3, 3), draw(4, 5, 3, 3, seed=2)
    losses = sensing.empirical_loss(delta, matrices, DEPTH)
    expected = [loss_by_loops(*pair, DEPTH) for pair in zip(delta, matrices, strict=True)]
    np.testing.assert_allclose(losses, np.real(expected), rtol=ROUNDING)


def test_gradient_against_complex_step() -> None:
    """The derivative of the loss in W: no difference is taken, so every entry is exact to rounding."""
    matrices, step = draw(5, 2, 2), 1e-30
    gradient = sensing.empirical_gradient(DELTA, matrices, DEPTH)
    for i, j in np.ndindex(2, 2):
        shifted = DELTA.astype(np.complex128)
        shifted[i, j] += 1j * step
        slope = loss_by_loops(shifted, matrices, DEPTH).imag / step  # type: ignore[arg-type]
        assert gradient[i, j] == pytest.approx(slope, rel=ROUNDING)
    assert np.max(np.abs(gradient - gradient.T)) > 0.01  # the check would see a transposed gradient


@pytest.mark.parametrize("measurements", [1, 2])
def test_mean_and_variance_against_enumeration(measurements: int) -> None:
    matrices, probabilities = enumerate_matrices(GAUSSIAN, measurements, 2)
    losses = sensing.empirical_loss(np.broadcast_to(DELTA, (len(matrices), 2, 2)), matrices, DEPTH)
    mean, covariance = moments(losses[:, None], probabilities)
    assert sensing.expected_loss(DELTA, DEPTH) == pytest.approx(mean[0], rel=ROUNDING)
    exact = pytest.approx(covariance[0, 0], rel=ROUNDING)
    variance = float(sensing.loss_variance(DELTA, DEPTH, measurements))
    assert variance == exact
    assert variance * DEPTH != exact  # L in the place of L^2


@pytest.mark.parametrize("measurements", [1, 2])
def test_gradient_moments_against_enumeration(measurements: int) -> None:
    mean, covariance = moments(*enumerated_gradients(GAUSSIAN, measurements))
    closed = sensing.gradient_covariance(DELTA, DEPTH, measurements)
    np.testing.assert_allclose(mean, sensing.expected_gradient(DELTA, DEPTH).ravel(), rtol=ROUNDING)
    np.testing.assert_allclose(covariance, closed, rtol=ROUNDING, atol=ROUNDING)
    assert sensing.gradient_error(DELTA, DEPTH, measurements) == pytest.approx(
        np.trace(covariance), rel=ROUNDING
    )


def test_gaussian_closed_forms_refuse_signs() -> None:
    """The enumeration tells laws apart: the same mean, another variance and covariance."""
    mean, covariance = moments(*enumerated_gradients(RADEMACHER, 1))
    np.testing.assert_allclose(mean, DELTA.ravel() / DEPTH, rtol=ROUNDING)
    assert np.max(np.abs(covariance - sensing.gradient_covariance(DELTA, DEPTH, 1))) > 0.01


@pytest.mark.parametrize("measurements", [1, 2])
def test_rademacher_variance_against_enumeration(measurements: int) -> None:
    matrices, probabilities = enumerate_matrices(RADEMACHER, measurements, 2)
    losses = sensing.empirical_loss(np.broadcast_to(DELTA, (len(matrices), 2, 2)), matrices, DEPTH)
    mean, covariance = moments(losses[:, None], probabilities)
    assert sensing.expected_loss(DELTA, DEPTH) == pytest.approx(mean[0], rel=ROUNDING)
    closed = sensing.rademacher_loss_variance(DELTA, DEPTH, measurements)
    assert closed == pytest.approx(covariance[0, 0], rel=ROUNDING)
    assert closed < 0.9 * sensing.loss_variance(DELTA, DEPTH, measurements)


def test_symmetric_mean_against_enumeration() -> None:
    matrices, probabilities = enumerate_matrices(GAUSSIAN, 1, 2)
    symmetric = (matrices + matrices.swapaxes(-1, -2)) / np.sqrt(2)
    losses = sensing.empirical_loss(np.broadcast_to(DELTA, (len(matrices), 2, 2)), symmetric, DEPTH)
    closed = sensing.symmetric_expected_loss(DELTA, DEPTH)
    assert closed == pytest.approx(probabilities @ losses, rel=ROUNDING)
    assert closed > 1.1 * sensing.expected_loss(DELTA, DEPTH)


def test_law_against_closed_moments() -> None:
    """The chi-square law, scaled back to the loss, has the mean and variance of the other closed forms."""
    law, scale = sensing.loss_law(7), float(sensing.expected_loss(DELTA, DEPTH)) / 7
    assert law.mean() * scale == pytest.approx(float(sensing.expected_loss(DELTA, DEPTH)))
    assert law.var() * scale**2 == pytest.approx(float(sensing.loss_variance(DELTA, DEPTH, 7)))


def test_law_of_two_measurements_against_theory() -> None:
    """Chi-square with 2 degrees of freedom is exponential with mean 2."""
    x = np.linspace(0.0, 30.0, 7)
    np.testing.assert_allclose(sensing.loss_law(2).cdf(x), 1.0 - np.exp(-x / 2), atol=ROUNDING)
    assert np.max(np.abs(sensing.loss_law(4).cdf(x) - 1.0 + np.exp(-x / 2))) > 0.1


def test_transverse_is_a_unit_across() -> None:
    delta = draw(6, 3, 3)
    across = sensing.transverse(delta)
    np.testing.assert_allclose(sensing.inner(across, across), 1.0, rtol=ROUNDING)
    np.testing.assert_allclose(sensing.inner(across, delta), 0.0, atol=ROUNDING)
    for unit, matrix in zip(across, delta, strict=True):
        plane = np.stack([matrix.ravel(), matrix.T.ravel(), unit.ravel()])
        assert np.linalg.matrix_rank(plane) == 2
    assert np.all(sensing.inner(across, delta.swapaxes(-1, -2)) > 0.0)


@pytest.mark.parametrize("delta", [np.eye(2), [[0.0, 1.0], [-1.0, 0.0]], np.zeros((2, 2)), [[3.0]]])
def test_transverse_needs_a_plane(delta: npt.ArrayLike) -> None:
    with pytest.raises(ModelError, match="`delta` must not be symmetric, antisymmetric or zero"):
        sensing.transverse(delta)


@pytest.mark.parametrize(
    ("closed", "counts"),
    [
        (sensing.expected_loss, (2,)),
        (sensing.symmetric_expected_loss, (2,)),
        (sensing.loss_variance, (2, 5)),
        (sensing.rademacher_loss_variance, (2, 5)),
        (sensing.expected_gradient, (2,)),
        (sensing.gradient_error, (2, 5)),
        (sensing.gradient_covariance, (2, 5)),
        (sensing.transverse, ()),
    ],
)
def test_stacks_are_taken_one_by_one(closed: Callable[..., FloatArray], counts: tuple[int, ...]) -> None:
    stack = draw(2, 3, 4, 4)
    each = [[closed(matrix, *counts) for matrix in row] for row in stack]
    np.testing.assert_allclose(closed(stack, *counts), each, rtol=ROUNDING)


def enumerated_errors(delta: list[list[float]]) -> tuple[LossErrors, GradientErrors, FloatArray]:
    """The errors at every value of two measurement matrices, and the probabilities."""
    matrices, probabilities = enumerate_matrices(GAUSSIAN, 2, 2)
    stack = np.broadcast_to(np.array(delta), (len(matrices), 2, 2))
    counts = {"depth": DEPTH, "measurements": 2}
    losses = loss_errors(stack, sensing.empirical_loss(stack, matrices, DEPTH), **counts)
    gradients = gradient_errors(stack, sensing.empirical_gradient(stack, matrices, DEPTH), **counts)
    return losses, gradients, probabilities


@pytest.mark.parametrize("delta", [[[0.3, -1.2], [0.7, 2.0]], [[50.0, 0.0], [1.0, -0.1]]])
def test_errors_are_free_of_delta_against_enumeration(delta: list[list[float]]) -> None:
    loss, gradient, probabilities = enumerated_errors(delta)
    expected = {
        0.0: (loss.relative, gradient.along, gradient.across, gradient.along * gradient.across),
        1.0: (loss.standardized**2, gradient.across**2, gradient.squared, loss.relative**2),  # 2/n = 1
        2.0: (loss.chi_square, gradient.along**2),
    }
    for value, columns in expected.items():
        for column in columns:
            assert probabilities @ column == pytest.approx(value, rel=ROUNDING, abs=ROUNDING)


def test_errors_see_a_transposed_gradient() -> None:
    delta = np.array([[[0.3, -1.2], [0.7, 2.0]]])
    errors = gradient_errors(delta, delta.swapaxes(1, 2) / DEPTH, depth=DEPTH, measurements=2)
    assert errors.across[0] > 0.5
    right = gradient_errors(delta, delta / DEPTH, depth=DEPTH, measurements=2)
    assert [right.along[0], right.across[0], right.squared[0]] == pytest.approx([0.0] * 3, abs=ROUNDING)


def test_errors_refuse_a_symmetric_delta() -> None:
    with pytest.raises(ModelError, match="`delta` must not be symmetric"):
        gradient_errors(np.eye(2)[None], np.eye(2)[None], depth=1, measurements=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: sensing.expected_loss(np.ones((2, 3)), 1),
            r"`delta` must be a square matrix .* got shape \(2, 3\)",
        ),
        (lambda: sensing.expected_loss(np.ones(3), 1), r"`delta` must be a square matrix .* \(3,\)"),
        (lambda: sensing.expected_loss(np.ones((0, 0)), 1), r"`delta` must be a square matrix .* \(0, 0\)"),
        (lambda: sensing.expected_loss([[np.nan]], 1), "`delta` must be finite, got 1 entries that are not"),
        (lambda: sensing.expected_loss(DELTA, 0), "`depth` must be a whole number, at least 1, got 0"),
        (lambda: sensing.expected_loss(DELTA, 1.5), "`depth` must be a whole number, at least 1, got 1.5"),  # type: ignore[arg-type]
        (lambda: sensing.expected_loss(DELTA, True), "`depth` must be a whole number, at least 1, got True"),
        (lambda: sensing.loss_variance(DELTA, 1, 0), "`measurements` must be a whole number"),
        (lambda: sensing.loss_law(0), "`measurements` must be a whole number, at least 1, got 0"),
        (lambda: sensing.gradient_covariance(DELTA, 1, -1), "at least 1, got -1"),
        (
            lambda: sensing.empirical_loss(DELTA, np.ones((3, 3)), 1),
            r"`matrices` must have shape \(..., n, d, d\)",
        ),
        (lambda: sensing.empirical_loss(DELTA, np.ones((4, 3, 3)), 1), r"the d of `delta` \(2\), got shape"),
        (lambda: sensing.empirical_gradient(DELTA, np.ones((0, 2, 2)), 1), "n >= 1"),
        (lambda: sensing.empirical_gradient(DELTA, [[[np.inf] * 2] * 2], 1), "`matrices` must be finite"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()
