from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.deep_linear.alignment import SingularVectors, aligned_decompositions
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.problems import STARTS, Problem, draw_problem
from mcstudy.models.deep_linear.products import end_to_end, factor_gradients
from mcstudy.models.deep_linear.residuals import (
    balance_residual,
    conservation_residual,
    exchange_residual,
    gradient_residual,
    printed_balance_residual,
    printed_velocity_residual,
    unaligned_agreement,
    value_residual,
    vector_residual,
    velocity_residual,
)

# Products of a few 4 x 4 matrices with well separated singular values: a few thousand roundings.
ROUNDING = 1e-12
OF_ORDER_ONE = 0.1


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def drawn(start: str, depth: int = 3, imbalance: float = 0.0, loss: str = "population") -> Problem:
    return draw_problem(
        stream(depth), 6, depth=depth, dimension=4, start=start, imbalance=imbalance, loss=loss
    )


def at_start(problem: Problem) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Factors, slope and velocities at time 0."""
    slope = problem.slope(end_to_end(problem.start))
    return problem.start, slope, -factor_gradients(problem.start, slope)


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("loss", ["population", "empirical"])
def test_pointwise_statements_hold_from_any_start(depth: int, loss: str) -> None:
    problem = drawn("balanced", depth, imbalance=1.0, loss=loss)
    factors, slope, velocities = at_start(problem)
    direction = stream().standard_normal(factors.shape)
    residual = gradient_residual(factors, slope, direction, problem.loss)
    assert np.max(residual) < ROUNDING
    assert np.max(exchange_residual(factors, velocities)) < ROUNDING


def test_gradient_residual_catches_missing_depth_and_transposed_slope() -> None:
    problem = drawn("balanced")
    factors, slope, _ = at_start(problem)
    direction = stream().standard_normal(factors.shape)
    for wrong in (problem.depth * slope, slope.mT):
        assert np.max(gradient_residual(factors, wrong, direction, problem.loss)) > 0.01


def test_exchange_residual_catches_swapped_factors() -> None:
    factors, _, velocities = at_start(drawn("balanced", imbalance=1.0))
    swapped = velocities[:, ::-1]
    assert np.min(exchange_residual(factors, swapped)) > OF_ORDER_ONE


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_balanced_statements_hold_from_generic_start(depth: int) -> None:
    factors, slope, velocities = at_start(drawn("balanced", depth))
    vectors = aligned_decompositions(factors)
    assert np.max(balance_residual(factors)) < ROUNDING
    assert np.max(value_residual(vectors)) < ROUNDING
    assert np.max(vectors.relative_gap * vector_residual(vectors)) < ROUNDING
    assert np.max(vectors.relative_gap * velocity_residual(vectors, slope, velocities)) < ROUNDING


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_printed_statements_fail_from_generic_start(depth: int) -> None:
    factors, slope, velocities = at_start(drawn("balanced", depth))
    printed = printed_velocity_residual(aligned_decompositions(factors), slope, velocities)
    assert np.min(printed_balance_residual(factors)) > OF_ORDER_ONE
    assert np.min(printed) > OF_ORDER_ONE


@pytest.mark.parametrize("start", ["identity", "symmetric", "orthogonal"])
def test_printed_balance_is_hidden_at_the_start(start: str) -> None:
    assert np.max(printed_balance_residual(drawn(start).start)) < ROUNDING


def test_printed_velocity_is_hidden_by_a_symmetric_start() -> None:
    factors, slope, velocities = at_start(drawn("symmetric"))
    printed = printed_velocity_residual(aligned_decompositions(factors), slope, velocities)
    assert np.max(printed) < ROUNDING


def test_conservation_residual_against_brute_force() -> None:
    states = stream().standard_normal((2, 1, 2, 3, 3))
    defects = [state[0, 1].T @ state[0, 1] - state[0, 0] @ state[0, 0].T for state in states]
    scale = np.sqrt(sum(np.sum((w @ w.T) ** 2) for w in states[1, 0]))
    expected = np.linalg.norm(defects[1] - defects[0]) / scale
    residual = conservation_residual(states)
    assert residual[0, 0] == 0.0
    assert residual[1, 0] == pytest.approx(expected, rel=ROUNDING)


def test_vector_residual_of_opposite_vectors() -> None:
    """A pair of opposite bases is at distance 2 in units of either."""
    identity = np.eye(3)
    vectors = SingularVectors(
        np.stack([identity, identity]), np.ones((2, 3)), np.stack([identity, -identity])
    )
    assert float(vector_residual(vectors)) == pytest.approx(2.0, rel=ROUNDING)


def test_unaligned_agreement_against_theory() -> None:
    """Signs are fair: a pair of 2 x 2 factors agrees with probability 1/4; 5 standard errors of 4000 pairs."""
    problem = draw_problem(stream(), 4000, depth=2, dimension=2, start="balanced")
    share = np.mean(unaligned_agreement(problem.start))
    assert abs(share - 1 / 4) < 5 * np.sqrt(3 / 16 / 4000)


@pytest.mark.parametrize("start", STARTS)
def test_every_start_is_balanced_and_stays_so(start: str) -> None:
    """1e-8: the integrator's tolerance of 1e-11 in some fifty steps, with room for growth."""
    problem = drawn(start)
    flow = gradient_flow(problem.start, problem.slope, [0.0, 1.0])
    assert np.max(balance_residual(flow.states)) < 1e-8


def test_one_factor_has_no_neighbours() -> None:
    """What compares a factor with the next is refused for L = 1; what does not is not."""
    problem = drawn("balanced", depth=1)
    factors, slope, velocities = at_start(problem)
    vectors = aligned_decompositions(factors)
    void: tuple[Callable[[], FloatArray], ...] = (
        lambda: exchange_residual(factors, velocities),
        lambda: conservation_residual(factors),
        lambda: balance_residual(factors),
        lambda: printed_balance_residual(factors),
        lambda: value_residual(vectors),
        lambda: vector_residual(vectors),
        lambda: unaligned_agreement(factors),
        lambda: printed_velocity_residual(vectors, slope, velocities),
    )
    for residual in void:
        with pytest.raises(
            ModelError, match="`factors` must be two or more to have neighbours, got one a network"
        ):
            residual()
    assert np.max(velocity_residual(vectors, slope, velocities)) < ROUNDING
    direction = stream().standard_normal(factors.shape)
    assert np.max(gradient_residual(factors, slope, direction, problem.loss)) < ROUNDING


def test_replicates_have_residuals_of_their_own() -> None:
    """From an unbalanced start, where none of them vanishes for want of anything to compare."""
    factors, slope, velocities = at_start(drawn("balanced", imbalance=1.0))

    def residuals(kept: slice) -> list[FloatArray]:
        own, vectors = factors[kept], aligned_decompositions(factors[kept])
        return [
            exchange_residual(own, 1.5 * velocities[kept][:, ::-1]),
            balance_residual(own),
            printed_balance_residual(own),
            vector_residual(vectors),
            velocity_residual(vectors, slope[kept], velocities[kept]),
            printed_velocity_residual(vectors, slope[kept], velocities[kept]),
        ]

    for together, alone in zip(residuals(slice(None)), residuals(slice(2, 3)), strict=True):
        assert together.shape == (6,)
        assert together[2] == pytest.approx(alone[0], rel=ROUNDING)
        assert together[2] > OF_ORDER_ONE


def test_gradient_residual_is_relative_to_gradients_and_direction() -> None:
    """Of a slope three times too large the two sides differ by two thirds of the larger one."""
    problem = drawn("balanced")
    factors, slope, velocities = at_start(problem)
    direction = 7 * stream().standard_normal(factors.shape)
    along = np.sum(velocities * direction, axis=(1, 2, 3))
    sizes = np.sqrt(np.sum(velocities**2, axis=(1, 2, 3)) * np.sum(direction**2, axis=(1, 2, 3)))
    found = gradient_residual(factors, 3 * slope, direction, problem.loss)
    np.testing.assert_allclose(found, 2 / 3 * np.abs(along) / sizes, rtol=1e-10)
