import numpy as np
import pytest

from mcstudy.models.arrays import FloatArray, frobenius, relative_residual
from mcstudy.models.deep_linear.products import balancedness_defect, end_to_end, factor_gradients
from mcstudy.models.deep_linear.starts import (
    balanced_factors,
    gaussian_factors,
    gaussian_matrices,
    haar_frames,
)
from mcstudy.models.sensing.loss import sensing_gradient, sensing_loss
from mcstudy.models.sensing.wishart import wishart_moment

# Products of at most four 4 x 4 matrices with entries of order 1: a few hundred roundings.
ROUNDING = 1e-13


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def loss_of_factors(factors: FloatArray, target: FloatArray, moment: FloatArray | None = None) -> FloatArray:
    return sensing_loss(end_to_end(factors) - target, factors.shape[-3], moment)


def gradient_by_complex_step(
    factors: FloatArray, target: FloatArray, moment: FloatArray | None = None
) -> FloatArray:
    """Every partial derivative by one evaluation at factors + i 1e-30: no difference, no rounding of one."""
    gradient = np.empty(factors.shape)
    for index in np.ndindex(factors.shape[1:]):
        point = factors.astype(complex)
        point[(slice(None), *index)] += 1e-30j
        gradient[(slice(None), *index)] = loss_of_factors(point, target, moment).imag / 1e-30
    return gradient


def printed_defect(factors: FloatArray) -> FloatArray:
    """W_{k+1}^T W_{k+1} - W_k^T W_k, what Problem 1 (b) prints to vanish; shape (..., L - 1, d, d)."""
    squares = factors.mT @ factors
    return np.asarray(squares[..., 1:, :, :] - squares[..., :-1, :, :])


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("empirical", [False, True])
def test_factor_gradients_against_complex_step(depth: int, empirical: bool) -> None:
    rng = stream()
    factors, target = gaussian_factors(rng, 5, depth, 3), gaussian_matrices(rng, 5, 3)
    moment = wishart_moment(rng, 5, 3, 20) if empirical else None
    slope = sensing_gradient(end_to_end(factors) - target, depth, moment)
    expected = gradient_by_complex_step(factors, target, moment)
    assert np.max(relative_residual(factor_gradients(factors, slope), expected, 3)) < ROUNDING


def swapped_order(factors: FloatArray, slope: FloatArray) -> FloatArray:
    return factor_gradients(factors[..., ::-1, :, :], slope)[..., ::-1, :, :]


def transposed_gradient(factors: FloatArray, slope: FloatArray) -> FloatArray:
    return np.asarray(factor_gradients(factors, slope).mT)


def missing_depth(factors: FloatArray, slope: FloatArray) -> FloatArray:
    return factor_gradients(factors, slope * factors.shape[-3])


@pytest.mark.parametrize("mutation", [swapped_order, transposed_gradient, missing_depth])
def test_complex_step_catches_mutation(mutation: object) -> None:
    rng = stream()
    factors, target = gaussian_factors(rng, 5, 3, 3), gaussian_matrices(rng, 5, 3)
    slope = sensing_gradient(end_to_end(factors) - target, 3)
    assert callable(mutation)
    residual = relative_residual(mutation(factors, slope), gradient_by_complex_step(factors, target), 3)
    assert np.min(residual) > 0.1


def test_end_to_end_against_multi_dot() -> None:
    factors = gaussian_factors(stream(), 1, 4, 5)[0]
    expected = np.linalg.multi_dot(factors[::-1])
    np.testing.assert_allclose(end_to_end(factors), expected, rtol=0, atol=ROUNDING)


def test_end_to_end_of_stack_against_loop() -> None:
    factors = gaussian_factors(stream(), 6, 3, 4).reshape(2, 3, 3, 4, 4)
    stacked = end_to_end(factors)
    for index in np.ndindex(2, 3):
        np.testing.assert_array_equal(stacked[index], end_to_end(factors[index]))


def test_exchange_of_velocities_from_any_start() -> None:
    rng = stream()
    factors, target = gaussian_factors(rng, 6, 4, 4), gaussian_matrices(rng, 6, 4)
    velocity = -factor_gradients(factors, sensing_gradient(end_to_end(factors) - target, 4))
    left = factors[:, 1:].mT @ velocity[:, 1:]
    right = velocity[:, :-1] @ factors[:, :-1].mT
    assert np.max(relative_residual(left, right)) < ROUNDING
    transposed = velocity[:, :-1].mT @ factors[:, :-1]
    assert np.min(relative_residual(left, transposed)) > 0.1


def test_balancedness_defect_vanishes_for_balanced_only() -> None:
    rng = stream()
    balanced = balanced_factors(haar_frames(rng, 5, 3, 4), rng.uniform(0.5, 1.5, (5, 4)))
    assert np.max(np.abs(balancedness_defect(balanced))) < ROUNDING
    assert np.min(frobenius(printed_defect(balanced))) > 0.1
    assert np.min(frobenius(balancedness_defect(gaussian_factors(rng, 5, 3, 4)))) > 0.1


def test_printed_defect_is_hidden_by_symmetric_and_orthogonal_starts() -> None:
    rng = stream()
    orthogonal = balanced_factors(haar_frames(rng, 5, 3, 4), np.ones((5, 4)))
    frames = np.repeat(haar_frames(rng, 5, 1, 4)[:, :1], 4, axis=1)
    symmetric = balanced_factors(frames, rng.uniform(0.5, 1.5, (5, 4)))
    for hiding in (orthogonal, symmetric):
        assert np.max(np.abs(printed_defect(hiding))) < ROUNDING
