import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power

from mcstudy.exceptions import ModelError
from mcstudy.models.alignment import (
    Frames,
    aligned_frames,
    end_to_end_velocity,
    end_to_end_velocity_from_frames,
    factor_velocities,
    gram_power,
    printed_factor_velocities,
    raw_frames,
)
from mcstudy.models.deep_linear import (
    Array,
    end_to_end,
    end_to_end_velocity_by_chain_rule,
    factor_gradients,
    frobenius,
    relative_residual,
    sensing_gradient,
    transpose,
)
from mcstudy.models.starts import balanced_factors, gaussian_factors, gaussian_target, random_frames

# Well separated singular values between 1 and 2: a few thousand roundings.
ROUNDING = 1e-12
DEPTHS = [1, 2, 3, 4]


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def balanced(depth: int, size: int = 5, dimension: int = 4) -> tuple[Array, Array, Array, Array]:
    """Balanced factors with values 1, ..., 2, the slope, the factors' velocities and dW/dt by the chain rule."""
    rng = stream(depth)
    values = np.linspace(2, 1, dimension) * rng.uniform(0.9, 1.1, (size, 1))
    factors = balanced_factors(random_frames(rng, size, depth, dimension), values)
    slope = sensing_gradient(end_to_end(factors), gaussian_target(rng, size, dimension), depth)
    velocities = -factor_gradients(factors, slope)
    return factors, slope, velocities, end_to_end_velocity_by_chain_rule(factors, velocities)


@pytest.mark.parametrize("depth", DEPTHS)
def test_aligned_frames_rebuild_factors_and_agree(depth: int) -> None:
    factors = balanced(depth)[0]
    frames = aligned_frames(factors)
    rebuilt = (frames.left * frames.values[..., None, :]) @ transpose(frames.right)
    assert np.max(relative_residual(rebuilt, factors, 3)) < ROUNDING
    assert np.max(np.abs(frames.left[:, :-1] - frames.right[:, 1:]), initial=0) < ROUNDING
    assert np.max(np.abs(frames.values - frames.values[:, :1])) < ROUNDING


def test_raw_frames_do_not_agree() -> None:
    """The control: without a choice of signs nearly every pair of 4 x 4 factors disagrees."""
    raw = raw_frames(balanced(3, size=100)[0])
    agree = np.max(np.abs(raw.left[:, :-1] - raw.right[:, 1:]), axis=(-1, -2)) < 0.5
    assert np.mean(agree) < 0.2


@pytest.mark.parametrize("depth", DEPTHS)
def test_factor_velocities_against_gradients(depth: int) -> None:
    factors, slope, velocities, _ = balanced(depth)
    computed = factor_velocities(aligned_frames(factors), slope)
    assert np.max(relative_residual(computed, velocities, 3)) < ROUNDING


def test_printed_factor_velocities_are_wrong() -> None:
    factors, slope, velocities, _ = balanced(3)
    printed = printed_factor_velocities(aligned_frames(factors), slope)
    assert printed.shape == velocities[:, 1:].shape
    assert np.min(relative_residual(printed, velocities[:, 1:])) > 0.5


def test_printed_factor_velocities_are_hidden_by_a_symmetric_start() -> None:
    rng = stream()
    frames = np.repeat(random_frames(rng, 5, 1, 4)[:, :1], 4, axis=1)
    factors = balanced_factors(frames, np.tile(np.linspace(2, 1, 4), (5, 1)))
    slope = gaussian_target(rng, 5, 4)
    printed = printed_factor_velocities(aligned_frames(factors), slope)
    assert np.max(relative_residual(printed, -factor_gradients(factors, slope)[:, 1:])) < ROUNDING


@pytest.mark.parametrize("depth", DEPTHS)
def test_end_to_end_velocities_against_chain_rule(depth: int) -> None:
    factors, slope, _, velocity = balanced(depth)
    from_frames = end_to_end_velocity_from_frames(aligned_frames(factors), slope)
    from_product = end_to_end_velocity(end_to_end(factors), slope, depth)
    assert np.max(relative_residual(from_frames, velocity)) < ROUNDING
    assert np.max(relative_residual(from_product, velocity)) < ROUNDING


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_end_to_end_velocity_against_matrix_powers(depth: int) -> None:
    """The sum of Problem 1 (f), term by term."""
    factors, slope, _, _ = balanced(depth)
    matrix = end_to_end(factors)
    terms = [
        gram_power(matrix, (depth - k) / depth) @ slope @ gram_power(transpose(matrix), (k - 1) / depth)
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
    slope = sensing_gradient(end_to_end(factors), gaussian_target(rng, 20, 4), 3)
    velocity = end_to_end_velocity_by_chain_rule(factors, -factor_gradients(factors, slope))
    assert np.min(relative_residual(end_to_end_velocity(end_to_end(factors), slope, 3), velocity)) > 0.05


@pytest.mark.parametrize("exponent", [0.0, 1 / 3, 0.5, 1.0])
def test_gram_power_against_scipy(exponent: float) -> None:
    matrix = gaussian_target(stream(), 1, 4)[0]
    expected = fractional_matrix_power(matrix @ matrix.T, exponent)
    np.testing.assert_allclose(gram_power(matrix, exponent), expected, rtol=0, atol=ROUNDING)


def test_gram_power_keeps_small_singular_values() -> None:
    """Forming W W^T loses a value of 1e-9 whose cube root 1e-3 matters; W's own values do not."""
    matrix = np.diag([1.0, 1e-9])
    np.testing.assert_allclose(np.diag(gram_power(matrix, 1 / 6)), [1.0, 1e-3], rtol=ROUNDING)


def test_aligned_frames_refuse_coinciding_values() -> None:
    frames = random_frames(stream(), 2, 3, 3)
    factors = balanced_factors(frames, np.array([[2.0, 1.0, 1.0], [3.0, 2.0, 1.0]]))
    with pytest.raises(ModelError, match="`factors` must have distinct singular values"):
        aligned_frames(factors)
    assert isinstance(aligned_frames(factors, smallest_gap=0.0), Frames)


def test_end_to_end_velocity_needs_no_distinct_values() -> None:
    factors = balanced_factors(random_frames(stream(), 3, 3, 3), np.ones((3, 3)))
    slope = gaussian_target(stream(2), 3, 3)
    velocity = end_to_end_velocity_by_chain_rule(factors, -factor_gradients(factors, slope))
    assert np.max(relative_residual(end_to_end_velocity(end_to_end(factors), slope, 3), velocity)) < ROUNDING


def test_relative_gap_against_brute_force() -> None:
    frames = raw_frames(gaussian_factors(stream(), 3, 2, 4))
    for replicate in range(3):
        gaps = [-np.diff(values) / values[0] for values in frames.values[replicate]]
        assert frames.relative_gap[replicate] == np.min(gaps)
    assert raw_frames(np.ones((2, 1, 1, 1))).relative_gap.tolist() == [1.0, 1.0]


def test_frobenius_of_orthogonal_frames() -> None:
    frames = random_frames(stream(), 10, 2, 5)
    identity = transpose(frames) @ frames
    assert np.max(frobenius(identity - np.eye(5))) < ROUNDING
