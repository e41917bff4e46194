import numpy as np
import pytest
from numpy.typing import NDArray

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import (
    Array,
    balancedness_defect,
    end_to_end,
    end_to_end_velocity_by_chain_rule,
    factor_gradients,
    frobenius,
    printed_defect,
    relative_residual,
    require_depth,
    require_factors,
    sensing_gradient,
    sensing_loss,
    transpose,
)
from mcstudy.models.moments import second_moment, wishart_moment
from mcstudy.models.starts import balanced_factors, gaussian_factors, gaussian_target, random_frames

# Products of at most four 4 x 4 matrices with entries of order 1: a few hundred roundings.
ROUNDING = 1e-13


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def loss_of_factors(factors: Array, target: Array, moment: Array | None = None) -> Array:
    return sensing_loss(end_to_end(factors), target, factors.shape[-3], moment)


def gradient_by_complex_step(factors: Array, target: Array, moment: Array | None = None) -> Array:
    """Every partial derivative by one evaluation at factors + i 1e-30: no difference, no rounding of one."""
    gradient = np.empty(factors.shape)
    for index in np.ndindex(factors.shape[1:]):
        point = factors.astype(complex)
        point[(slice(None), *index)] += 1e-30j
        gradient[(slice(None), *index)] = loss_of_factors(point, target, moment).imag / 1e-30
    return gradient


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("empirical", [False, True])
def test_factor_gradients_against_complex_step(depth: int, empirical: bool) -> None:
    rng = stream()
    factors, target = gaussian_factors(rng, 5, depth, 3), gaussian_target(rng, 5, 3)
    moment = wishart_moment(rng, 5, 3, 20) if empirical else None
    slope = sensing_gradient(end_to_end(factors), target, depth, moment)
    expected = gradient_by_complex_step(factors, target, moment)
    assert np.max(relative_residual(factor_gradients(factors, slope), expected, 3)) < ROUNDING


def swapped_order(factors: Array, slope: Array) -> Array:
    return factor_gradients(factors[..., ::-1, :, :], slope)[..., ::-1, :, :]


def transposed_gradient(factors: Array, slope: Array) -> Array:
    return transpose(factor_gradients(factors, slope))


def missing_depth(factors: Array, slope: Array) -> Array:
    return factor_gradients(factors, slope * factors.shape[-3])


@pytest.mark.parametrize("mutation", [swapped_order, transposed_gradient, missing_depth])
def test_complex_step_catches_mutation(mutation: object) -> None:
    rng = stream()
    factors, target = gaussian_factors(rng, 5, 3, 3), gaussian_target(rng, 5, 3)
    slope = sensing_gradient(end_to_end(factors), target, 3)
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


def test_sensing_loss_against_brute_force() -> None:
    rng = stream()
    measurements = rng.standard_normal((7, 3, 3))
    matrix, target = gaussian_target(rng, 2, 3)
    products = np.array([np.sum((matrix - target) * a) for a in measurements])
    moment = second_moment(measurements)
    loss = float(sensing_loss(matrix, target, 4, moment))
    assert loss == pytest.approx(np.sum(products**2) / (2 * 4 * 7), rel=ROUNDING)
    gradient = sum(p * a for p, a in zip(products, measurements, strict=True)) / (4 * 7)
    np.testing.assert_allclose(sensing_gradient(matrix, target, 4, moment), gradient, rtol=0, atol=ROUNDING)


def test_population_loss_against_identity_moment() -> None:
    rng = stream()
    matrix, target = gaussian_target(rng, 4, 3), gaussian_target(rng, 4, 3)
    np.testing.assert_allclose(
        sensing_loss(matrix, target, 2), sensing_loss(matrix, target, 2, np.eye(9)), rtol=ROUNDING
    )
    np.testing.assert_allclose(sensing_loss(matrix, target, 2), frobenius(matrix - target) ** 2 / 4)


def test_chain_rule_against_complex_step() -> None:
    rng = stream()
    factors, velocities = gaussian_factors(rng, 3, 4, 3), gaussian_factors(rng, 3, 4, 3)
    derivative = end_to_end(factors + 1e-30j * velocities).imag / 1e-30
    residual = relative_residual(end_to_end_velocity_by_chain_rule(factors, velocities), derivative)
    assert np.max(residual) < ROUNDING


def test_exchange_of_velocities_from_any_start() -> None:
    rng = stream()
    factors, target = gaussian_factors(rng, 6, 4, 4), gaussian_target(rng, 6, 4)
    velocity = -factor_gradients(factors, sensing_gradient(end_to_end(factors), target, 4))
    left = transpose(factors[:, 1:]) @ velocity[:, 1:]
    right = velocity[:, :-1] @ transpose(factors[:, :-1])
    assert np.max(relative_residual(left, right)) < ROUNDING
    transposed = transpose(velocity[:, :-1]) @ factors[:, :-1]
    assert np.min(relative_residual(left, transposed)) > 0.1


def test_balancedness_defect_vanishes_for_balanced_only() -> None:
    rng = stream()
    balanced = balanced_factors(random_frames(rng, 5, 3, 4), rng.uniform(0.5, 1.5, (5, 4)))
    assert np.max(np.abs(balancedness_defect(balanced))) < ROUNDING
    assert np.min(frobenius(printed_defect(balanced))) > 0.1
    assert np.min(frobenius(balancedness_defect(gaussian_factors(rng, 5, 3, 4)))) > 0.1


def test_printed_defect_is_hidden_by_symmetric_and_orthogonal_starts() -> None:
    rng = stream()
    orthogonal = balanced_factors(random_frames(rng, 5, 3, 4), np.ones((5, 4)))
    frames = np.repeat(random_frames(rng, 5, 1, 4)[:, :1], 4, axis=1)
    symmetric = balanced_factors(frames, rng.uniform(0.5, 1.5, (5, 4)))
    for hiding in (orthogonal, symmetric):
        assert np.max(np.abs(printed_defect(hiding))) < ROUNDING


def test_relative_residual_of_zeros_is_zero() -> None:
    assert float(relative_residual(np.zeros((2, 2)), np.zeros((2, 2)))) == 0.0


def test_wishart_moment_against_theory() -> None:
    """E M = I, and Var M_ij = (1 + [i = j])/n; tolerance 5 standard errors of 4000 draws."""
    size, order, n = 4000, 4, 9
    moments = wishart_moment(stream(), size, 2, n)
    variance = (1 + np.eye(order)) / n
    error = np.abs(moments.mean(axis=0) - np.eye(order))
    assert np.all(error < 5 * np.sqrt(variance / size))
    # A moment of order four is below 20 variances squared for n = 9, hence the standard error of a variance.
    assert np.all(np.abs(moments.var(axis=0) - variance) < 5 * np.sqrt(20 / size) * variance)


def test_wishart_moment_against_drawn_measurements() -> None:
    """tr M and tr M^2 have the same means by both samplers; tolerance 5 standard errors."""
    size = 3000
    bartlett = wishart_moment(stream(1), size, 2, 6)
    drawn = second_moment(stream(2).standard_normal((size, 6, 2, 2)))
    for power in (1, 2):
        a, b = (np.trace(np.linalg.matrix_power(m, power), axis1=1, axis2=2) for m in (bartlett, drawn))
        assert abs(a.mean() - b.mean()) < 5 * np.sqrt((a.var() + b.var()) / size)


def test_wishart_moment_pairs_sample_sizes() -> None:
    few, many = (wishart_moment(stream(3), 200, 2, n) - np.eye(4) for n in (400, 1600))
    assert np.corrcoef(few.ravel(), many.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (np.ones((2, 3, 4)), r"`factors` must have the shape \(\.\.\., L, d, d\)"),
        ([np.ones((2, 2)), np.ones((3, 3))], "all factors have one size d x d"),
        (np.ones((3, 3)), r"`factors` must have the shape"),
        (np.ones((5, 0, 2, 2)), "`depth` must be an integer of at least 1, got 0"),
        (np.full((1, 1, 2, 2), np.nan), "`factors` must be finite, got 4 entries"),
    ],
)
def test_require_factors_refuses(factors: NDArray[np.float64], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        require_factors(factors)


@pytest.mark.parametrize("depth", [0, -1, 1.5])
def test_require_depth_refuses(depth: float) -> None:
    with pytest.raises(ModelError, match="`depth` must be an integer of at least 1"):
        require_depth(depth)  # type: ignore[arg-type]


def test_wishart_moment_refuses_too_few_measurements() -> None:
    with pytest.raises(ModelError, match=r"`measurements` must be at least d\^2 = 9, got 8"):
        wishart_moment(stream(), 1, 3, 8)


def test_balanced_factors_refuse_negative_values() -> None:
    with pytest.raises(ModelError, match="`singular_values` must be finite and not negative"):
        balanced_factors(random_frames(stream(), 1, 2, 2), np.array([[1.0, -1.0]]))
