import numpy as np
import pytest
from scipy.integrate import solve_ivp

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, frobenius, relative_residual
from mcstudy.models.deep_linear.flow import Slope, end_to_end_flow, gradient_flow
from mcstudy.models.deep_linear.products import balancedness_defect, end_to_end, factor_gradients
from mcstudy.models.deep_linear.starts import (
    balanced_factors,
    gaussian_factors,
    gaussian_matrices,
    haar_frames,
)
from mcstudy.models.sensing.loss import sensing_gradient
from mcstudy.models.sensing.wishart import wishart_moment

# Local errors of 1e-11 a step, some fifty steps, a growth of errors by less than ten on the way.
PATH = 1e-8
TIMES = np.linspace(0, 2, 5)


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def population(target: FloatArray, depth: int) -> Slope:
    return lambda matrix: sensing_gradient(matrix - target, depth)


def balanced_start(rng: np.random.Generator, size: int, depth: int, dimension: int) -> FloatArray:
    values = rng.uniform(0.5, 1.2, (size, dimension))
    return balanced_factors(haar_frames(rng, size, depth, dimension), values)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_gradient_flow_against_separate_solves(depth: int) -> None:
    """Each replicate by itself, through another integrator."""
    rng = stream(depth)
    start, target = gaussian_factors(rng, 3, depth, 3), gaussian_matrices(rng, 3, 3)
    flow = gradient_flow(start, population(target, depth), TIMES)
    for replicate in range(3):
        slope = population(target[replicate], depth)

        def velocity(_: float, flat: FloatArray, slope: Slope = slope) -> FloatArray:
            factors = flat.reshape(start.shape[1:])
            return -factor_gradients(factors, slope(end_to_end(factors))).ravel()

        alone = solve_ivp(
            velocity, (0, 2), start[replicate].ravel(), method="LSODA", t_eval=TIMES, rtol=1e-11, atol=1e-12
        )
        expected = alone.y.T.reshape(5, *start.shape[1:])
        assert np.max(relative_residual(flow.states[:, replicate], expected, 3)) < PATH


def test_gradient_flow_of_one_factor_against_theory() -> None:
    rng = stream()
    start, target = gaussian_factors(rng, 4, 1, 3), gaussian_matrices(rng, 4, 3)
    flow = gradient_flow(start, population(target, 1), TIMES)
    expected = target + (start[:, 0] - target) * np.exp(-TIMES)[:, None, None, None]
    assert np.max(relative_residual(flow.states[:, :, 0], expected)) < PATH


@pytest.mark.parametrize("empirical", [False, True])
def test_balancedness_is_conserved_from_any_start(empirical: bool) -> None:
    rng = stream()
    start, target = gaussian_factors(rng, 5, 3, 3), gaussian_matrices(rng, 5, 3)
    moment = wishart_moment(rng, 5, 3, 20) if empirical else None
    flow = gradient_flow(start, lambda matrix: sensing_gradient(matrix - target, 3, moment), TIMES)
    defect = balancedness_defect(flow.states)
    assert np.max(frobenius(defect - defect[0])) < PATH
    assert np.min(frobenius(defect)) > 0.1


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_end_to_end_flow_against_factors(depth: int) -> None:
    rng = stream(depth)
    start, target = balanced_start(rng, 4, depth, 3), gaussian_matrices(rng, 4, 3)
    factors = gradient_flow(start, population(target, depth), TIMES).states
    matrices = end_to_end_flow(end_to_end(start), population(target, depth), depth, TIMES).states
    assert np.max(relative_residual(matrices, end_to_end(factors))) < PATH


def test_end_to_end_flow_fails_from_unbalanced_start() -> None:
    rng = stream()
    start, target = gaussian_factors(rng, 10, 3, 3), gaussian_matrices(rng, 10, 3)
    factors = gradient_flow(start, population(target, 3), TIMES).states
    matrices = end_to_end_flow(end_to_end(start), population(target, 3), 3, TIMES).states
    assert np.min(relative_residual(matrices, end_to_end(factors))[-1]) > 0.01


def test_gradient_flow_refuses() -> None:
    start, target = balanced_start(stream(), 2, 2, 3), gaussian_matrices(stream(), 2, 3)
    slope = population(target, 2)
    with pytest.raises(
        ModelError, match=r"`start` must have shape \(size, L, d, d\), one network a replicate, got shape"
    ):
        gradient_flow(start[0], slope, TIMES)
    with pytest.raises(ModelError, match="`start` must be finite"):
        gradient_flow(np.full((1, 2, 3, 3), np.inf), slope, TIMES)
    with pytest.raises(ModelError, match="`start` must be square factors"):
        gradient_flow(np.ones((1, 2, 3, 4)), slope, TIMES)
    with pytest.raises(ModelError, match="`times` must be at least two finite times that increase"):
        gradient_flow(start, slope, [0.0, 0.0])
    with pytest.raises(ModelError, match="`tolerance` must lie between"):
        gradient_flow(start, slope, TIMES, tolerance=1e-15)
    with pytest.raises(ModelError, match="`depth` must be a whole number, at least 1, got 0"):
        end_to_end_flow(end_to_end(start), slope, 0, TIMES)
