from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.problems import AlignedModes, draw_problem, draw_small_start
from mcstudy.models.deep_linear.products import balancedness_defect, end_to_end

# The integrator: local errors of 1e-11 over some fifty steps, with room for growth.
PATH = 1e-8
ROUNDING = 1e-14  # of entries of order 1, after a product or two
TIMES = np.array([0.0, 0.5, 1.0, 2.0])


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_modes_of_crossing_problem_meet_at_time_one(depth: int) -> None:
    problem = draw_problem(stream(depth), 5, depth=depth, dimension=3, start="crossing")
    closed = problem.closed_form(TIMES)
    assert problem.modes is not None
    values = np.diagonal(problem.modes.left.mT @ closed @ problem.modes.right, axis1=-2, axis2=-1)
    ahead = values[:, :, 0] - values[:, :, 1]
    assert np.max(np.abs(ahead[2])) < 1e-9  # a value fixes its time to a few digits less than its own
    assert np.all(ahead[:2] > 0)
    assert np.all(ahead[3] < 0)


@pytest.mark.parametrize(
    ("start", "depth"), [("crossing", 1), ("crossing", 3), ("crossing", 4), ("balanced", 2)]
)
def test_closed_form_against_gradient_flow(start: str, depth: int) -> None:
    problem = draw_problem(stream(depth), 5, depth=depth, dimension=3, start=start)
    flow = gradient_flow(problem.start, problem.slope, TIMES)
    closed = problem.closed_form(TIMES)
    assert np.max(relative_residual(closed, end_to_end(flow.states))) < PATH


def test_closed_form_is_refused_where_there_is_none() -> None:
    draw = partial(draw_problem, stream(), 2, dimension=3)
    for problem in (
        draw(depth=3, start="balanced"),
        draw(depth=2, start="balanced", loss="empirical"),
        draw(depth=3, start="crossing", imbalance=1.0),
        draw(depth=2, start="crossing", imbalance=1.0),
        draw_small_start(stream(), 2, depth=3, dimension=3, scale=1e-3, aligned=False),
    ):
        assert not problem.has_closed_form
        with pytest.raises(ModelError, match="must be aligned, or have two factors and the population loss"):
            problem.closed_form(TIMES)


def test_closed_form_of_a_small_aligned_start_against_gradient_flow() -> None:
    problem = draw_small_start(stream(), 3, depth=3, dimension=2, scale=0.1, aligned=True)
    flow = gradient_flow(problem.start, problem.slope, TIMES)
    assert np.max(relative_residual(problem.closed_form(TIMES), end_to_end(flow.states))) < PATH


def test_clock_scales_loss_and_slope_alike() -> None:
    """The slope is the loss's derivative, clock and moment included: complex step along a direction."""
    problem = draw_problem(stream(), 4, depth=3, dimension=3, start="crossing")
    matrix, direction = stream(2).standard_normal((2, 4, 3, 3))
    derivative = problem.loss(matrix + 1e-30j * direction).imag / 1e-30
    np.testing.assert_allclose(
        np.sum(problem.slope(matrix) * direction, axis=(-1, -2)), derivative, rtol=1e-12
    )


def test_imbalance_is_linear_in_the_defect() -> None:
    """Halving a small imbalance halves the defect, to a part of the order of the imbalance."""
    defects = [
        balancedness_defect(
            draw_problem(stream(), 4, depth=3, dimension=3, start="balanced", imbalance=size).start
        )
        for size in (2e-6, 1e-6)
    ]
    np.testing.assert_allclose(defects[0], 2 * defects[1], rtol=0, atol=1e-10)


def test_draw_problem_refuses() -> None:
    with pytest.raises(
        ModelError, match=r"`start` must be one of balanced, near_degenerate, crossing, .* got 'random'"
    ):
        draw_problem(stream(), 1, depth=2, dimension=2, start="random")
    with pytest.raises(ModelError, match="`loss` must be one of population, empirical, got 'real'"):
        draw_problem(stream(), 1, depth=2, dimension=2, start="balanced", loss="real")
    with pytest.raises(ModelError, match="`depth` must be a whole number, at least 1, got 0"):
        draw_problem(stream(), 1, depth=0, dimension=2, start="balanced")


def test_empirical_losses_have_twice_as_many_measurements_as_entries() -> None:
    """Off its diagonal M has variance 1/n, n = 2 d^2 = 18; with n = d^2 it would be twice that."""
    problem = draw_problem(stream(), 1000, depth=2, dimension=3, start="balanced", loss="empirical")
    assert problem.moment is not None
    squares = np.mean(problem.moment[:, *np.triu_indices(9, 1)] ** 2, axis=1)
    error = 5 * np.std(squares) / np.sqrt(1000)  # five standard errors
    assert error < 0.1 / 18
    assert np.mean(squares) == pytest.approx(1 / 18, abs=error)


def test_starts_are_what_their_names_say() -> None:
    draw = partial(draw_problem, stream(), 5, depth=3, dimension=4)
    values = np.linalg.svdvals(draw(start="near_degenerate").start)
    np.testing.assert_allclose(values / values[..., -1:], np.tile([1.003, 1.002, 1.001, 1.0], (5, 3, 1)))
    factors = draw(start="identity").start
    np.testing.assert_array_equal(factors, factors[:, :, :1, :1] * np.eye(4))
    np.testing.assert_array_equal(factors, np.repeat(factors[:, :1], 3, axis=1))
    factors = draw(start="symmetric").start
    assert np.max(np.abs(factors - factors[:, :1].mT)) < ROUNDING
    factors = draw(start="orthogonal").start
    assert np.max(np.abs(factors.mT @ factors - np.eye(4))) < ROUNDING


def test_identity_starts_have_targets_of_the_orthogonal_ensemble() -> None:
    """Symmetric, with entries of variance 1/d off the diagonal and twice that on it; five standard errors."""
    target = draw_problem(stream(), 4000, depth=2, dimension=3, start="identity").target
    np.testing.assert_array_equal(target, target.mT)
    off, on = target[:, *np.triu_indices(3, 1)], np.diagonal(target, axis1=-2, axis2=-1)
    assert np.mean(off**2) == pytest.approx(1 / 3, rel=5 * np.sqrt(2 / off.size))
    assert np.mean(on**2) == pytest.approx(2 / 3, rel=5 * np.sqrt(2 / on.size))


def singular_values(start: str) -> FloatArray:
    return np.linalg.svdvals(draw_problem(stream(), 2000, depth=2, dimension=2, start=start).start[:, 0])


def crossing() -> AlignedModes:
    problem = draw_problem(stream(), 2000, depth=2, dimension=4, start="crossing")
    assert problem.modes is not None
    return problem.modes


def escaping() -> AlignedModes:
    problem = draw_small_start(stream(), 2000, depth=2, dimension=4, scale=1e-3, aligned=True)
    assert problem.modes is not None
    return problem.modes


RANGES: dict[str, tuple[Callable[[], FloatArray], float, float]] = {
    "balanced": (lambda: singular_values("balanced"), 0.5, 1.2),
    "symmetric": (lambda: singular_values("symmetric"), 0.5, 1.2),
    "identity": (lambda: singular_values("identity"), 0.6, 1.1),
    "near-degenerate, the smaller": (lambda: singular_values("near_degenerate")[:, 1], 0.6, 1.1),
    "crossing, ahead": (lambda: crossing().start[:, 0], 0.4, 0.6),
    "crossing, behind": (lambda: crossing().start[:, 1], 0.2, 0.3),
    "crossing, the others": (lambda: crossing().start[:, 2:], 0.2, 0.6),
    "crossing, target ahead": (lambda: crossing().target[:, 0], 0.8, 1.0),
    "crossing, target behind": (lambda: crossing().target[:, 1], 1.5, 2.0),
    "crossing, the other targets": (lambda: crossing().target[:, 2:], 0.8, 2.0),
    "escaping, the leading target": (lambda: escaping().target[:, 0], 1.5, 2.0),
    "escaping, the other targets": (lambda: escaping().target[:, 1:], 0.5, 1.0),
}


@pytest.mark.parametrize("name", RANGES)
def test_singular_values_fill_their_range(name: str) -> None:
    """All within, and of 2000 uniform ones the ends miss a hundredth of it with probability 2e-9."""
    draw, low, high = RANGES[name]
    values, near = draw(), (high - low) / 100
    assert low * (1 - 1e-12) <= np.min(values) < low + near
    assert high - near < np.max(values) <= high * (1 + 1e-12)
