import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import balancedness_defect, end_to_end, relative_residual, transpose
from mcstudy.models.escape import follow_escape
from mcstudy.models.flow import gradient_flow
from mcstudy.models.modes import mode_time
from mcstudy.models.problems import draw_problem, draw_small_start

# The integrator: local errors of 1e-11 over some fifty steps, with room for growth.
PATH = 1e-8
TIMES = np.array([0.0, 0.5, 1.0, 2.0])


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_modes_of_crossing_problem_meet_at_time_one(depth: int) -> None:
    problem = draw_problem(stream(depth), 5, depth=depth, dimension=3, start="crossing")
    closed = problem.closed_form(TIMES)
    assert closed is not None
    assert problem.modes is not None
    values = np.diagonal(transpose(problem.modes.left) @ closed @ problem.modes.right, axis1=-2, axis2=-1)
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
    assert closed is not None
    assert np.max(relative_residual(closed, end_to_end(flow.states))) < PATH


def test_closed_form_is_absent_where_there_is_none() -> None:
    assert draw_problem(stream(), 2, depth=3, dimension=3, start="balanced").closed_form(TIMES) is None
    empirical = draw_problem(stream(), 2, depth=2, dimension=3, start="balanced", loss="empirical")
    assert empirical.closed_form(TIMES) is None


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
    with pytest.raises(ModelError, match="`start` must be one of balanced, near_degenerate, crossing"):
        draw_problem(stream(), 1, depth=2, dimension=2, start="random")
    with pytest.raises(ModelError, match="`loss` population or empirical, got 'balanced' and 'real'"):
        draw_problem(stream(), 1, depth=2, dimension=2, start="balanced", loss="real")
    with pytest.raises(ModelError, match="`depth` must be an integer of at least 1"):
        draw_problem(stream(), 1, depth=0, dimension=2, start="balanced")


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_escape_against_closed_form(depth: int) -> None:
    """Linear interpolation between states 0.1 apart in tau errs by less than 1e-3 of the time scale 1/s*."""
    problem = draw_small_start(stream(), 4, depth=depth, dimension=3, scale=1e-6, aligned=True)
    escape = follow_escape(problem.start, problem.target, problem.slope)
    assert problem.modes is not None
    largest = problem.modes.target[:, 0]
    expected = mode_time(1e-6, largest / 2, largest, depth)
    assert escape.failures == ("",) * 4
    np.testing.assert_allclose(escape.escape_time, expected, rtol=0, atol=2e-3)


def test_escape_from_generic_start_scales_with_theory() -> None:
    """The local exponent at 1e-8 is -1/2 for four factors; corrections are of order 1e-4."""
    times = []
    for scale in (1e-8, 1e-7):
        problem = draw_small_start(stream(), 4, depth=4, dimension=3, scale=scale, aligned=False)
        times.append(follow_escape(problem.start, problem.target, problem.slope).escape_time)
    np.testing.assert_allclose(np.log10(times[0] / times[1]), 0.5, rtol=0, atol=1e-3)


def test_start_that_cannot_escape_is_a_failure() -> None:
    """A start against the leading mode of a 1 x 1 problem decays to zero and stays."""
    escape = follow_escape(
        np.array([[[[-0.1]], [[0.1]], [[0.1]]]]), np.ones((1, 1, 1)), lambda matrix: (matrix - 1) / 3
    )
    assert np.isnan(escape.escape_time[0])
    assert escape.failures[0]
