import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import relative_residual
from mcstudy.models.deep_linear.descent import FIRST_ITERATIONS, ITERATIONS, _stiffest, descend
from mcstudy.models.deep_linear.few_measurements import Completion, FewMeasurements, GaussianSensing
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.low_rank import low_rank_target, small_factors
from mcstudy.models.deep_linear.products import end_to_end


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def drawn(kind: str, size: int = 3, dimension: int = 6, measurements: int = 20) -> FewMeasurements:
    target = low_rank_target(stream(), size, dimension, 1)
    if kind == "sensing":
        return GaussianSensing.draw(stream(2), target, measurements)
    return Completion.draw(stream(2), target, measurements)


@pytest.mark.parametrize("kind", ["sensing", "completion"])
def test_one_factor_ends_at_the_projection(kind: str) -> None:
    """The flow of one factor ends at the start plus the least change that fits the measurements."""
    problem = drawn(kind)
    start = small_factors(stream(4), 3, 1, 6, 1.0)
    end = descend(start, problem, fit=1e-24).matrices
    hessian = np.stack(
        [
            problem.slope(unit + np.zeros((3, 6, 6))) - problem.slope(np.zeros((3, 6, 6)))
            for unit in np.eye(36).reshape(36, 6, 6)
        ]
    )
    for replicate in range(3):
        matrix = hessian[:, replicate].reshape(36, 36)
        change = -np.linalg.pinv(matrix, rcond=1e-10) @ problem.slope(start[:, 0])[replicate].ravel()
        expected = start[replicate, 0] + change.reshape(6, 6)
        # A loss of 1e-24 leaves 1e-12 in the data; the smallest eigenvalue that is not 0 is above 1e-2.
        np.testing.assert_allclose(end[replicate], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("depth", [2, 3])
def test_descent_ends_where_the_flow_ends(depth: int) -> None:
    """Within a fifth of the 5 % that a recovery may be off, although steps are as long as they can be."""
    problem, start = (
        drawn("completion", dimension=8, measurements=40),
        small_factors(stream(5), 3, depth, 8, 1e-3),
    )
    flow = gradient_flow(start, problem.slope, [0.0, 3e4], tolerance=1e-8)
    assert np.all(problem.loss(end_to_end(flow.states[-1])) < 1e-6 * problem.loss(np.zeros((3, 8, 8))))
    end = descend(start, problem, fit=1e-6)
    assert np.max(relative_residual(end.matrices, end_to_end(flow.states[-1]))) < 0.01


@pytest.mark.parametrize("kind", ["sensing", "completion"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_curvature_against_eigenvalues(kind: str, depth: int) -> None:
    """Of the Gauss-Newton matrix written out; too low by a half it would double the step, beyond which steps overshoot."""
    problem = drawn(kind)
    factors = small_factors(stream(4), 3, depth, 6, 0.5)
    guess, _ = _stiffest(factors, problem, factors, FIRST_ITERATIONS)
    _, found = _stiffest(factors, problem, guess, ITERATIONS)
    for replicate in range(3):
        largest = _largest_eigenvalue(problem.take(np.array([replicate])), factors[replicate])
        assert 0.8 * largest < found[replicate] < largest * (1 + 1e-9)


def _largest_eigenvalue(problem: FewMeasurements, factors: np.ndarray) -> float:
    """Of J^T H J, J the derivative of the product, by differences, and H the matrix of the end-to-end loss."""
    units = np.eye(factors.size).reshape(-1, *factors.shape)
    jacobian = np.stack(
        [(end_to_end(factors + 1e-6 * u) - end_to_end(factors - 1e-6 * u)) / 2e-6 for u in units]
    )
    offset = problem.slope(np.zeros((1, 6, 6)))
    matrix = np.stack([(problem.slope(unit[None]) - offset)[0] for unit in np.eye(36).reshape(36, 6, 6)])
    flat = jacobian.reshape(len(units), 36)
    return float(np.linalg.eigvalsh(flat @ matrix.reshape(36, 36) @ flat.T)[-1])


def test_from_zero_factors_nothing_moves_and_nothing_warns() -> None:
    """There all gradients of two factors vanish, and so does the curvature: a stationary point, which is a failure."""
    end = descend(np.zeros((3, 2, 6, 6)), drawn("completion"), steps=50)
    assert all(end.failures)
    assert not end.matrices.any()


def test_shorter_steps_end_nearby() -> None:
    """The end depends on the length of steps by less than a tenth of what recovery may be off."""
    problem, start = (
        drawn("completion", dimension=8, measurements=40),
        small_factors(stream(5), 3, 3, 8, 1e-3),
    )
    one, other = (descend(start, problem, fit=1e-6, courant=courant).matrices for courant in (1.0, 0.25))
    assert np.max(relative_residual(one, other)) < 0.005


def test_replicates_do_not_act_on_each_other() -> None:
    problem, start = drawn("completion"), small_factors(stream(5), 3, 3, 6, 1e-2)
    together = descend(start, problem, fit=1e-4)
    for replicate in range(3):
        only = np.array([replicate])
        alone = descend(start[only], problem.take(only), fit=1e-4)
        np.testing.assert_allclose(alone.matrices[0], together.matrices[replicate], rtol=1e-9, atol=1e-12)
        assert alone.steps[0] == together.steps[replicate]


def test_unfitted_replicate_is_a_failure() -> None:
    problem, start = drawn("completion"), small_factors(stream(5), 3, 2, 6, 1e-3)
    end = descend(start, problem, steps=50)
    assert end.failures == ("the measurements are not fitted to 1e-06 of the loss at 0 after 50 steps",) * 3


def test_descend_refuses() -> None:
    problem = drawn("sensing", size=2, dimension=4, measurements=8)
    with pytest.raises(ModelError, match=r"`courant` must lie in \(0, 2\], got 3; beyond 2 steps overshoot"):
        descend(small_factors(stream(), 2, 2, 4, 1.0), problem, courant=3)
    with pytest.raises(ModelError, match="`start` must be finite"):
        descend(np.full((2, 2, 4, 4), np.nan), problem)


def test_fit_is_relative_to_the_loss_at_zero() -> None:
    """Of a target a thousand times smaller the loss at 0 is below `fit` itself: nothing would be left to do."""
    problem = Completion.draw(stream(2), low_rank_target(stream(), 3, 6, 1) / 1000, 20)
    zero = problem.loss(np.zeros((3, 6, 6)))
    assert np.all(zero < 1e-4)
    end = descend(small_factors(stream(5), 3, 2, 6, 1e-5), problem, fit=1e-4)
    assert np.all(problem.loss(end.matrices) <= 1e-4 * zero)


def test_steps_are_those_after_which_a_replicate_fits() -> None:
    problem, start = drawn("completion"), small_factors(stream(5), 3, 2, 6, 1e-2)
    (taken,) = set(descend(start[:1], problem.take(np.array([0])), fit=1e-4).steps.tolist())
    for steps, fitted in ((taken + 1, True), (taken, False)):
        end = descend(start[:1], problem.take(np.array([0])), fit=1e-4, steps=steps)
        assert (end.failures == ("",)) is fitted
        assert end.steps.tolist() == [taken]


def test_one_factor_near_a_fit_reaches_it_in_one_step() -> None:
    """The loss of one factor is quadratic with curvature 1/n in every entry seen; only the way there is cut short."""
    end = descend(small_factors(stream(4), 3, 1, 6, 1.0), drawn("completion"), fit=1e-25, steps=200)
    assert end.failures == ("",) * 3
