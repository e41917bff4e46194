"""The correction for skewness in confidence sequences, against the cubic that it inverts."""

import numpy as np
import pytest
from scipy.special import ndtr, stdtrit

from mcstudy.statistics.sequences import sequence_limits


def hall(t: float, slant: float) -> float:
    """Hall's (1992) transformation of a studentized mean, which takes its skewness away to second order."""
    return t + slant * t**2 / 3 + slant**2 * t**3 / 27 + slant / 6


@pytest.mark.parametrize("skewness", [0.3, 2.0])
@pytest.mark.parametrize("z", [2.0, 4.5])
def test_the_side_of_the_tail_solves_halls_cubic(skewness: float, z: float) -> None:
    t, slant = -float(stdtrit(49, ndtr(-z))), skewness / np.sqrt(50)
    low, high = sequence_limits(0.0, 1.0, skewness, 50, z)
    assert hall(high, -slant) == pytest.approx(t, rel=1e-12)
    assert low == -t
    assert sequence_limits(0.0, 1.0, -skewness, 50, z) == (-high, -low)
