import numpy as np
import pytest

from mcstudy.models.deep_linear.escape import follow_escape
from mcstudy.models.deep_linear.mode_dynamics import mode_time
from mcstudy.models.deep_linear.problems import draw_small_start


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


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
