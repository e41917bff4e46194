import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import (
    Array,
    balancedness_defect,
    end_to_end,
    factor_gradients,
    frobenius,
    relative_residual,
    sensing_gradient,
)
from mcstudy.models.flow import Slope, end_to_end_flow, gradient_flow, integrate
from mcstudy.models.moments import wishart_moment
from mcstudy.models.riccati import two_layer_end_to_end, two_layer_gram
from mcstudy.models.starts import balanced_factors, gaussian_factors, gaussian_target, random_frames

# Local errors of 1e-11 a step, some fifty steps, a growth of errors by less than ten on the way.
PATH = 1e-8
TIMES = np.linspace(0, 2, 5)


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def population(target: Array, depth: int) -> Slope:
    return lambda matrix: sensing_gradient(matrix, target, depth)


def balanced_start(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Array:
    values = rng.uniform(0.5, 1.2, (size, dimension))
    return balanced_factors(random_frames(rng, size, depth, dimension), values)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_gradient_flow_against_separate_solves(depth: int) -> None:
    """Each replicate by itself, through another integrator."""
    rng = stream(depth)
    start, target = gaussian_factors(rng, 3, depth, 3), gaussian_target(rng, 3, 3)
    flow = gradient_flow(start, population(target, depth), TIMES)
    for replicate in range(3):
        slope = population(target[replicate], depth)

        def velocity(_: float, flat: Array, slope: Slope = slope) -> Array:
            factors = flat.reshape(start.shape[1:])
            return -factor_gradients(factors, slope(end_to_end(factors))).ravel()

        alone = solve_ivp(
            velocity, (0, 2), start[replicate].ravel(), method="LSODA", t_eval=TIMES, rtol=1e-11, atol=1e-12
        )
        expected = alone.y.T.reshape(5, *start.shape[1:])
        assert np.max(relative_residual(flow.states[:, replicate], expected, 3)) < PATH


def test_gradient_flow_of_one_factor_against_theory() -> None:
    rng = stream()
    start, target = gaussian_factors(rng, 4, 1, 3), gaussian_target(rng, 4, 3)
    flow = gradient_flow(start, population(target, 1), TIMES)
    expected = target + (start[:, 0] - target) * np.exp(-TIMES)[:, None, None, None]
    assert np.max(relative_residual(flow.states[:, :, 0], expected)) < PATH


@pytest.mark.parametrize("empirical", [False, True])
def test_balancedness_is_conserved_from_any_start(empirical: bool) -> None:
    rng = stream()
    start, target = gaussian_factors(rng, 5, 3, 3), gaussian_target(rng, 5, 3)
    moment = wishart_moment(rng, 5, 3, 20) if empirical else None
    flow = gradient_flow(start, lambda matrix: sensing_gradient(matrix, target, 3, moment), TIMES)
    defect = balancedness_defect(flow.states)
    assert np.max(frobenius(defect - defect[0])) < PATH
    assert np.min(frobenius(defect)) > 0.1


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_end_to_end_flow_against_factors(depth: int) -> None:
    rng = stream(depth)
    start, target = balanced_start(rng, 4, depth, 3), gaussian_target(rng, 4, 3)
    factors = gradient_flow(start, population(target, depth), TIMES).states
    matrices = end_to_end_flow(end_to_end(start), population(target, depth), depth, TIMES).states
    assert np.max(relative_residual(matrices, end_to_end(factors))) < PATH


def test_end_to_end_flow_fails_from_unbalanced_start() -> None:
    rng = stream()
    start, target = gaussian_factors(rng, 10, 3, 3), gaussian_target(rng, 10, 3)
    factors = gradient_flow(start, population(target, 3), TIMES).states
    matrices = end_to_end_flow(end_to_end(start), population(target, 3), 3, TIMES).states
    assert np.min(relative_residual(matrices, end_to_end(factors))[-1]) > 0.01


def test_stack_controls_every_replicate() -> None:
    """A replicate is as good in a block of 32, most of it at rest, as it is alone."""
    rng = stream()
    start, target = balanced_start(rng, 32, 3, 3), gaussian_target(rng, 32, 3)
    target[1:] = end_to_end(start)[1:]
    reference = gradient_flow(start[:1], population(target[:1], 3), TIMES, tolerance=1e-13).states[:, 0]
    alone = gradient_flow(start[:1], population(target[:1], 3), TIMES, tolerance=1e-7).states[:, 0]
    stacked = gradient_flow(start, population(target, 3), TIMES, tolerance=1e-7).states[:, 0]
    error = [np.max(relative_residual(states, reference, 3)) for states in (stacked, alone)]
    assert error[0] <= 2 * error[1]


def test_failing_replicate_is_named_and_spares_the_others() -> None:
    """The second replicate runs away: its loss is turned upside down and unbounded below."""
    rng = stream()
    start, target = balanced_start(rng, 3, 3, 2), gaussian_target(rng, 3, 2)
    sign = np.array([1.0, -1.0, 1.0])[:, None, None]

    def slope(matrix: Array) -> Array:
        return sign * sensing_gradient(matrix, target, 3)

    flow = gradient_flow(start, slope, [0.0, 20.0])
    assert [bool(reason) for reason in flow.failures] == [False, True, False]
    assert "step size" in flow.failures[1]
    assert np.all(np.isnan(flow.states[:, 1]))
    fine = gradient_flow(start[[0, 2]], population(target[[0, 2]], 3), [0.0, 20.0])
    assert np.max(relative_residual(flow.states[:, [0, 2]], fine.states, 3)) < PATH


def test_integration_gives_up_after_too_many_evaluations() -> None:
    def velocity(state: Array) -> Array:
        return -state

    run = integrate(velocity, np.ones((2, 1)), [0.0, 1.0], tolerance=1e-9, evaluations=5)
    assert run.failures == ("the integrator gave up after 5 evaluations of the velocity",) * 2


@pytest.mark.parametrize("time", [0.0, 0.7, 3.0])
def test_two_layer_solution_against_gradient_flow(time: float) -> None:
    rng = stream()
    start, target = balanced_start(rng, 6, 2, 3), gaussian_target(rng, 6, 3)
    state = gradient_flow(start, population(target, 2), [0.0, time + 1e-300]).states[-1]
    assert np.max(relative_residual(two_layer_end_to_end(start, target, time), end_to_end(state))) < PATH
    q = np.concatenate([np.swapaxes(state[:, 0], -1, -2), state[:, 1]], axis=-2)
    gram = two_layer_gram(start, target, time)
    assert np.max(relative_residual(gram, q @ np.swapaxes(q, -1, -2))) < PATH


def test_two_layer_solution_against_the_formula_as_written() -> None:
    rng = stream()
    start, target, time = balanced_start(rng, 1, 2, 3), gaussian_target(rng, 1, 3), 1.3
    zero = np.zeros((3, 3))
    f = np.block([[zero, target[0].T], [target[0], zero]])
    q0 = np.concatenate([start[0, 0].T, start[0, 1]])
    half, inverse = expm(f * time / 2), np.linalg.inv(f)
    inner = np.eye(3) + q0.T @ (half @ inverse @ half - inverse) @ q0 / 2
    expected = half @ q0 @ np.linalg.inv(inner) @ q0.T @ half
    np.testing.assert_allclose(two_layer_gram(start, target, time)[0], expected, rtol=0, atol=1e-12)


def test_two_layer_solution_fails_from_unbalanced_start() -> None:
    rng = stream()
    start, target = gaussian_factors(rng, 10, 2, 3), gaussian_target(rng, 10, 3)
    state = gradient_flow(start, population(target, 2), [0.0, 1.0]).states[-1]
    assert np.min(relative_residual(two_layer_end_to_end(start, target, 1.0), end_to_end(state))) > 0.01


def test_two_layer_solution_refuses() -> None:
    start = balanced_start(stream(), 2, 2, 3)
    with pytest.raises(ModelError, match="`target` must be invertible"):
        two_layer_gram(start, np.ones((2, 3, 3)), 1.0)
    with pytest.raises(ModelError, match="`target` must be invertible"):
        two_layer_gram(start, np.zeros((2, 3, 3)), 1.0)
    with pytest.raises(ModelError, match="`start` must hold two factors, got 3"):
        two_layer_gram(balanced_start(stream(), 2, 3, 3), np.ones((2, 3, 3)), 1.0)


def test_gradient_flow_refuses() -> None:
    start, target = balanced_start(stream(), 2, 2, 3), gaussian_target(stream(), 2, 3)
    slope = population(target, 2)
    with pytest.raises(ModelError, match=r"`start` must be a stack \(size, L, d, d\)"):
        gradient_flow(start[0], slope, TIMES)
    with pytest.raises(ModelError, match="`factors` must be finite"):
        gradient_flow(np.full((1, 2, 3, 3), np.inf), slope, TIMES)
    with pytest.raises(ModelError, match="`factors` must have the shape"):
        gradient_flow(np.ones((1, 2, 3, 4)), slope, TIMES)
    with pytest.raises(ModelError, match="`times` must be at least two finite times that increase"):
        gradient_flow(start, slope, [0.0, 0.0])
    with pytest.raises(ModelError, match="`tolerance` must lie between"):
        gradient_flow(start, slope, TIMES, tolerance=1e-15)
    with pytest.raises(ModelError, match="`depth` must be an integer of at least 1"):
        end_to_end_flow(end_to_end(start), slope, 0, TIMES)
