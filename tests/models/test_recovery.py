import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import end_to_end, frobenius, relative_residual
from mcstudy.models.flow import gradient_flow
from mcstudy.models.recovery import (
    Completion,
    FewMeasurements,
    Sensing,
    descend,
    effective_rank,
    low_rank_target,
    small_factors,
)

ROUNDING = 1e-12


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def drawn(kind: str, size: int = 3, dimension: int = 6, measurements: int = 20) -> FewMeasurements:
    target = low_rank_target(stream(), size, dimension, 1)
    if kind == "sensing":
        return Sensing.draw(stream(2), target, measurements)
    return Completion.draw(stream(2), target, measurements)


@pytest.mark.parametrize("kind", ["sensing", "completion"])
def test_slope_against_complex_step(kind: str) -> None:
    problem = drawn(kind)
    matrix, direction = stream(3).standard_normal((2, 3, 6, 6))
    derivative = problem.loss(matrix + 1e-30j * direction).imag / 1e-30
    product = np.sum(problem.slope(matrix) * direction, axis=(-1, -2))
    np.testing.assert_allclose(product, derivative, rtol=ROUNDING)


def test_completion_loss_against_brute_force() -> None:
    target = low_rank_target(stream(), 2, 5, 2)
    problem = Completion.draw(stream(2), target, 7)
    assert problem.observed.sum(axis=(1, 2)).tolist() == [7, 7]
    expected = [np.sum(t[seen] ** 2) / 14 for t, seen in zip(target, problem.observed, strict=True)]
    np.testing.assert_allclose(problem.loss(np.zeros_like(target)), expected, rtol=ROUNDING)


def test_completion_sees_every_entry_equally_often() -> None:
    """Each of 16 entries is seen with probability 5/16; tolerance 5 standard errors of 4000 draws."""
    problem = Completion.draw(stream(), np.ones((4000, 4, 4)), 5)
    share = problem.observed.mean(axis=0)
    assert np.all(np.abs(share - 5 / 16) < 5 * np.sqrt(5 / 16 * 11 / 16 / 4000))


@pytest.mark.parametrize(("kind", "room"), [("completion", 1 + ROUNDING), ("sensing", 1.5)])
def test_curvature_against_eigenvalues(kind: str, room: float) -> None:
    """Exact for a completion; the Marchenko-Pastur edge for Gaussian measurements of a moderate size."""
    problem = drawn(kind)
    units = np.eye(36).reshape(36, 6, 6)
    columns = [problem.slope(unit + 0 * problem.slope(np.zeros((3, 6, 6)))) for unit in units]
    offset = problem.slope(np.zeros((3, 6, 6)))
    hessian = np.stack([(column - offset)[0].ravel() for column in columns])
    largest = np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1]
    assert largest / room <= problem.curvature <= largest * room


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


def test_effective_rank_against_theory() -> None:
    assert float(effective_rank(np.eye(4))) == pytest.approx(4.0, rel=ROUNDING)
    values = np.array([3.0, 1.0])
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert float(effective_rank(np.diag(values))) == pytest.approx(np.exp(entropy), rel=ROUNDING)
    assert np.all(effective_rank(low_rank_target(stream(), 5, 8, 2)) <= 2 + 1e-9)


def test_low_rank_target_has_unit_entries_and_its_rank() -> None:
    target = low_rank_target(stream(), 4, 8, 3)
    np.testing.assert_allclose(frobenius(target), 8.0, rtol=ROUNDING)
    assert np.linalg.matrix_rank(target).tolist() == [3] * 4


def test_small_factors_have_the_scale() -> None:
    """E ||W||^2 = scale^2 d for independent factors; 5 standard errors of 500 draws of a spread below 1/2."""
    products = end_to_end(small_factors(stream(), 500, 3, 20, 1e-3))
    ratio = np.mean(frobenius(products) ** 2) / (1e-6 * 20)
    assert abs(ratio - 1) < 5 * 0.5 / np.sqrt(500)


def test_recovery_refuses() -> None:
    target = low_rank_target(stream(), 2, 4, 1)
    with pytest.raises(ModelError, match="`rank` must lie between 1 and the dimension 4, got 5"):
        low_rank_target(stream(), 2, 4, 5)
    with pytest.raises(ModelError, match=r"`measurements` must lie between 1 and d\^2 = 16"):
        Completion.draw(stream(), target, 17)
    with pytest.raises(ModelError, match="`measurements` must be at least 1, got 0"):
        Sensing.draw(stream(), target, 0)
    problem = Sensing.draw(stream(), target, 8)
    with pytest.raises(ModelError, match=r"`courant` must lie in \(0, 2\], got 3"):
        descend(small_factors(stream(), 2, 2, 4, 1.0), problem, courant=3)
    with pytest.raises(ModelError, match="`factors` must be finite"):
        descend(np.full((2, 2, 4, 4), np.nan), problem)
    with pytest.raises(ModelError, match="`depth` must be an integer of at least 1"):
        small_factors(stream(), 2, 0, 4, 1.0)
