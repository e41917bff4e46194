from functools import partial

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import relative_residual
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.problems import draw_problem, draw_small_start
from mcstudy.models.deep_linear.products import balancedness_defect, end_to_end

# The integrator: local errors of 1e-11 over some fifty steps, with room for growth.
PATH = 1e-8
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
