from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.sensing.marchenko_pastur import GapLaw, edges, largest_centre, log_smallest_centre
from mcstudy.models.sensing.tracy_widom import tracy_widom


def test_edges_against_theory() -> None:
    assert edges(measurements=400, parameters=4) == pytest.approx((0.81, 1.21))
    assert edges(measurements=7, parameters=7) == (0.0, 4.0)


def test_centres_tend_to_the_edges() -> None:
    """To first order the half integers move an edge by (s1 + s2)/(2n), s1 and s2 its slopes in n and p.

    At p/n = 1/4 the slopes of (sqrt n + sqrt p)^2 are 3/2 and 3, those of (sqrt n - sqrt p)^2 are 1/2 and -1.
    """
    n = 10**8
    lower, upper = edges(n, n // 4)
    largest, smallest = largest_centre(n, n // 4), log_smallest_centre(n, n // 4)
    assert n * (upper - largest.centre) == pytest.approx(2.25, rel=1e-4)
    without_skewness = np.exp(smallest.centre - smallest.scale**2 / 8)
    assert n * (without_skewness - lower) == pytest.approx(0.25, rel=1e-4)
    assert n ** (2 / 3) * largest.scale == pytest.approx(1.5 * 3 ** (1 / 3), rel=1e-4)
    assert n ** (2 / 3) * smallest.scale == pytest.approx(0.5 / 0.25, rel=1e-4)


def test_gap_law_turns_the_law_of_the_eigenvalue_around() -> None:
    x = np.linspace(-1.0, 3.0, 9)
    np.testing.assert_allclose(GapLaw(0.5).cdf(x), 1.0 - tracy_widom(-2 * x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edges(3, 4), "`parameters` must be at most `measurements` = 3, got 4"),
        (lambda: edges(3, 0), "`parameters` must be a whole number, at least 1, got 0"),
        (lambda: log_smallest_centre(4, 4), r"`parameters` must be less than `measurements` \(4\) .* got 4"),
        (lambda: largest_centre(0, 4), "`measurements` must be a whole number"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()
