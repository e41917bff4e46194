import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, frobenius, relative_residual
from mcstudy.models.deep_linear.fixed_step import balancedness_kick, gauss_collocation, gradient_descent
from mcstudy.models.deep_linear.flow import Slope, gradient_flow
from mcstudy.models.deep_linear.products import balancedness_defect
from mcstudy.models.deep_linear.starts import (
    balanced_factors,
    gaussian_factors,
    gaussian_matrices,
    haar_frames,
    identity_frames,
)
from mcstudy.models.sensing.loss import sensing_gradient

# A few hundred operations on entries of order 1.
ROUNDING = 1e-13


def problem(depth: int = 3, size: int = 4, dimension: int = 3) -> tuple[FloatArray, Slope]:
    rng = np.random.Generator(np.random.SFC64(depth))
    values = rng.uniform(0.5, 1.2, (size, dimension))
    start = balanced_factors(haar_frames(rng, size, depth, dimension), values)
    target = gaussian_matrices(rng, size, dimension)
    return start, lambda matrix: sensing_gradient(matrix - target, depth)


@pytest.mark.parametrize(("stages", "order"), [(1, 2), (2, 4), (3, 6)])
def test_gauss_collocation_order_against_flow(stages: int, order: int) -> None:
    """Halving the step divides the error by 2^order; higher terms change that by less than a fifth."""
    start, slope = problem()
    exact = gradient_flow(start, slope, [0.0, 1.0], tolerance=1e-13).states[-1]
    errors = [frobenius(gauss_collocation(start, slope, 1 / n, n, stages=stages) - exact, 4) for n in (8, 16)]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.2)


def test_gradient_descent_order_against_flow() -> None:
    start, slope = problem()
    exact = gradient_flow(start, slope, [0.0, 1.0]).states[-1]
    errors = [frobenius(gradient_descent(start, slope, 1 / n, n) - exact, 4) for n in (64, 128)]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_gauss_collocation_keeps_any_defect(stages: int) -> None:
    rng = np.random.Generator(np.random.SFC64(5))
    _, slope = problem()
    start = gaussian_factors(rng, 4, 3, 3)
    end = gauss_collocation(start, slope, 0.05, 20, stages=stages)
    assert np.max(np.abs(balancedness_defect(end) - balancedness_defect(start))) < ROUNDING


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_kick_of_one_step_against_theory(depth: int) -> None:
    """D+ - D = h^2 kick exactly, whatever the step."""
    start, slope = problem(depth)
    for step in (0.01, 0.5, 2.0):
        change = balancedness_defect(gradient_descent(start, slope, step, 1)) - balancedness_defect(start)
        expected = step**2 * balancedness_kick(start, slope)
        np.testing.assert_allclose(change, expected, rtol=0, atol=ROUNDING * max(1, step**2))


def test_kick_mutation_is_caught() -> None:
    start, slope = problem()
    change = balancedness_defect(gradient_descent(start, slope, 0.5, 1)) - balancedness_defect(start)
    assert np.min(relative_residual(change, 0.5 * balancedness_kick(start, slope))) > 0.4


def test_aligned_start_does_not_drift() -> None:
    rng = np.random.Generator(np.random.SFC64(7))
    start = balanced_factors(identity_frames(4, 3, 3), rng.uniform(0.5, 1, (4, 3)))
    target = rng.uniform(1, 2, (4, 3))[:, None, :] * np.eye(3)
    end = gradient_descent(start, lambda matrix: sensing_gradient(matrix - target, 3), 0.1, 20)
    assert np.max(np.abs(balancedness_defect(end))) < ROUNDING


def test_integrators_refuse() -> None:
    start, slope = problem()
    with pytest.raises(ModelError, match="`step` must be so short that the stage equations settle"):
        gauss_collocation(start, slope, 50.0, 1)
    with pytest.raises(ModelError, match="`stages` must be 1, 2 or 3, got 4"):
        gauss_collocation(start, slope, 0.1, 1, stages=4)
    with pytest.raises(ModelError, match=r"`step` must be positive and finite, got -0.1"):
        gradient_descent(start, slope, -0.1, 1)
    with pytest.raises(ModelError, match="`start` must be finite"):
        gradient_descent(start * np.nan, slope, 0.1, 1)
