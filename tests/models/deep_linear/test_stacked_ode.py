import numpy as np

from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear.flow import Slope, gradient_flow
from mcstudy.models.deep_linear.products import end_to_end
from mcstudy.models.deep_linear.stacked_ode import integrate
from mcstudy.models.deep_linear.starts import balanced_factors, gaussian_matrices, haar_frames
from mcstudy.models.sensing.loss import sensing_gradient

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


def test_stack_controls_every_replicate() -> None:
    """A replicate is as good in a block of 32, most of it at rest, as it is alone."""
    rng = stream()
    start, target = balanced_start(rng, 32, 3, 3), gaussian_matrices(rng, 32, 3)
    target[1:] = end_to_end(start)[1:]
    reference = gradient_flow(start[:1], population(target[:1], 3), TIMES, tolerance=1e-13).states[:, 0]
    alone = gradient_flow(start[:1], population(target[:1], 3), TIMES, tolerance=1e-7).states[:, 0]
    stacked = gradient_flow(start, population(target, 3), TIMES, tolerance=1e-7).states[:, 0]
    error = [np.max(relative_residual(states, reference, 3)) for states in (stacked, alone)]
    assert error[0] <= 2 * error[1]


def test_failing_replicate_is_named_and_spares_the_others() -> None:
    """The second replicate runs away: its loss is turned upside down and unbounded below."""
    rng = stream()
    start, target = balanced_start(rng, 3, 3, 2), gaussian_matrices(rng, 3, 2)
    sign = np.array([1.0, -1.0, 1.0])[:, None, None]

    def slope(matrix: FloatArray) -> FloatArray:
        return sign * sensing_gradient(matrix - target, 3)

    flow = gradient_flow(start, slope, [0.0, 20.0])
    assert [bool(reason) for reason in flow.failures] == [False, True, False]
    assert "step size" in flow.failures[1]
    assert np.all(np.isnan(flow.states[:, 1]))
    fine = gradient_flow(start[[0, 2]], population(target[[0, 2]], 3), [0.0, 20.0])
    assert np.max(relative_residual(flow.states[:, [0, 2]], fine.states, 3)) < PATH


def test_integration_gives_up_after_too_many_evaluations() -> None:
    def velocity(state: FloatArray) -> FloatArray:
        return -state

    run = integrate(velocity, np.ones((2, 1)), [0.0, 1.0], tolerance=1e-9, evaluations=5)
    assert run.failures == ("the integrator gave up after 5 evaluations of the velocity",) * 2


def test_small_replicates_are_followed_to_their_own_scale() -> None:
    """Beside one a million times larger, and at rest, a small replicate keeps its digits."""
    rate, start = np.array([[0.0], [1.0]]), np.array([[1e3], [1e-3]])
    path = integrate(lambda state: -rate * state, start, TIMES, tolerance=1e-10)
    np.testing.assert_allclose(path.states[:, 1, 0], 1e-3 * np.exp(-TIMES), rtol=PATH)
