import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power

from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear.alignment import aligned_decompositions
from mcstudy.models.deep_linear.products import end_to_end, factor_gradients
from mcstudy.models.deep_linear.starts import (
    balanced_factors,
    gaussian_factors,
    gaussian_matrices,
    haar_frames,
)
from mcstudy.models.deep_linear.velocities import (
    end_to_end_velocity,
    end_to_end_velocity_by_chain_rule,
    end_to_end_velocity_from_vectors,
    factor_velocities,
    printed_factor_velocities,
)
from mcstudy.models.sensing.loss import sensing_gradient

# Well separated singular values between 1 and 2: a few thousand roundings.
ROUNDING = 1e-12
DEPTHS = [1, 2, 3, 4]


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def gram_power(matrix: FloatArray, exponent: float) -> FloatArray:
    """[W W^T]^p for p >= 0 from the singular values of W, shape (..., d, d); [.]^0 is the identity."""
    left, values, _ = np.linalg.svd(matrix)
    return np.asarray((left * values[..., None, :] ** (2 * exponent)) @ left.mT)


def balanced(
    depth: int, size: int = 5, dimension: int = 4
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Balanced factors with values 1, ..., 2, the slope, the factors' velocities and dW/dt by the chain rule."""
    rng = stream(depth)
    values = np.linspace(2, 1, dimension) * rng.uniform(0.9, 1.1, (size, 1))
    factors = balanced_factors(haar_frames(rng, size, depth, dimension), values)
    slope = sensing_gradient(end_to_end(factors) - gaussian_matrices(rng, size, dimension), depth)
    velocities = -factor_gradients(factors, slope)
    return factors, slope, velocities, end_to_end_velocity_by_chain_rule(factors, velocities)


@pytest.mark.parametrize("depth", DEPTHS)
def test_factor_velocities_against_gradients(depth: int) -> None:
    factors, slope, velocities, _ = balanced(depth)
    computed = factor_velocities(aligned_decompositions(factors), slope)
    assert np.max(relative_residual(computed, velocities, 3)) < ROUNDING


def test_printed_factor_velocities_are_wrong() -> None:
    factors, slope, velocities, _ = balanced(3)
    printed = printed_factor_velocities(aligned_decompositions(factors), slope)
    assert printed.shape == velocities[:, 1:].shape
    assert np.min(relative_residual(printed, velocities[:, 1:])) > 0.5


def test_printed_factor_velocities_are_hidden_by_a_symmetric_start() -> None:
    rng = stream()
    frames = np.repeat(haar_frames(rng, 5, 1, 4)[:, :1], 4, axis=1)
    factors = balanced_factors(frames, np.tile(np.linspace(2, 1, 4), (5, 1)))
    slope = gaussian_matrices(rng, 5, 4)
    printed = printed_factor_velocities(aligned_decompositions(factors), slope)
    assert np.max(relative_residual(printed, -factor_gradients(factors, slope)[:, 1:])) < ROUNDING


@pytest.mark.parametrize("depth", DEPTHS)
def test_end_to_end_velocities_against_chain_rule(depth: int) -> None:
    factors, slope, _, velocity = balanced(depth)
    from_vectors = end_to_end_velocity_from_vectors(aligned_decompositions(factors), slope)
    from_product = end_to_end_velocity(end_to_end(factors), slope, depth)
    assert np.max(relative_residual(from_vectors, velocity)) < ROUNDING
    assert np.max(relative_residual(from_product, velocity)) < ROUNDING


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_end_to_end_velocity_against_matrix_powers(depth: int) -> None:
    """The sum of Problem 1 (f), term by term."""
    factors, slope, _, _ = balanced(depth)
    matrix = end_to_end(factors)
    terms = [
        gram_power(matrix, (depth - k) / depth) @ slope @ gram_power(matrix.mT, (k - 1) / depth)
        for k in range(1, depth + 1)
    ]
    assert (
        np.max(relative_residual(end_to_end_velocity(matrix, slope, depth), -np.sum(terms, axis=0)))
        < ROUNDING
    )


def test_end_to_end_velocity_catches_wrong_exponent() -> None:
    factors, slope, _, velocity = balanced(3)
    wrong = end_to_end_velocity(end_to_end(factors), slope, 4)
    assert np.min(relative_residual(wrong, velocity)) > 0.1


def test_end_to_end_velocity_fails_from_unbalanced_start() -> None:
    rng = stream()
    factors = gaussian_factors(rng, 20, 3, 4)
    slope = sensing_gradient(end_to_end(factors) - gaussian_matrices(rng, 20, 4), 3)
    velocity = end_to_end_velocity_by_chain_rule(factors, -factor_gradients(factors, slope))
    assert np.min(relative_residual(end_to_end_velocity(end_to_end(factors), slope, 3), velocity)) > 0.05


@pytest.mark.parametrize("exponent", [0.0, 1 / 3, 0.5, 1.0])
def test_gram_power_against_scipy(exponent: float) -> None:
    matrix = gaussian_matrices(stream(), 1, 4)[0]
    expected = fractional_matrix_power(matrix @ matrix.T, exponent)
    np.testing.assert_allclose(gram_power(matrix, exponent), expected, rtol=0, atol=ROUNDING)


def test_gram_power_keeps_small_singular_values() -> None:
    """Forming W W^T loses a value of 1e-9 whose cube root 1e-3 matters; W's own values do not."""
    matrix = np.diag([1.0, 1e-9])
    np.testing.assert_allclose(np.diag(gram_power(matrix, 1 / 6)), [1.0, 1e-3], rtol=ROUNDING)


def test_end_to_end_velocity_needs_no_distinct_values() -> None:
    factors = balanced_factors(haar_frames(stream(), 3, 3, 3), np.ones((3, 3)))
    slope = gaussian_matrices(stream(2), 3, 3)
    velocity = end_to_end_velocity_by_chain_rule(factors, -factor_gradients(factors, slope))
    assert np.max(relative_residual(end_to_end_velocity(end_to_end(factors), slope, 3), velocity)) < ROUNDING


def test_chain_rule_against_complex_step() -> None:
    rng = stream()
    factors, velocities = gaussian_factors(rng, 3, 4, 3), gaussian_factors(rng, 3, 4, 3)
    derivative = end_to_end(factors + 1e-30j * velocities).imag / 1e-30
    residual = relative_residual(end_to_end_velocity_by_chain_rule(factors, velocities), derivative)
    assert np.max(residual) < ROUNDING
