"""What limits of combined levels allow for: logarithms that bend, levels by themselves, covariances from few draws."""

import math

import numpy as np
import pytest
from scipy.special import chdtrc, fdtrc, ndtr, stdtrit

from mcstudy.statistics.joint import Joint, _hotelling

# Alternating signs: no skewness.
SIGNS = np.tile([-1.0, 1.0], 128)


def independent(*errors: float) -> Joint:
    """Levels of 256 replicates each, with these relative errors."""
    influences = tuple(error * math.sqrt(255) * SIGNS for error in errors)
    names = tuple(f"n = {k}" for k in range(len(errors)))
    return Joint(np.zeros(len(errors)), np.array(errors), influences, names, tuple(range(len(errors))))


def test_the_logarithm_bends_by_half_the_square_of_a_relative_error() -> None:
    """An estimate z errors off has a logarithm that is off by z^2 e^2 / 2 more than by z e."""
    error, z = 0.2, 3.0
    low, high = independent(error).plain_limits(np.ones(1), z)
    t = -float(stdtrit(255, ndtr(-z)))
    assert high == pytest.approx(t * math.hypot(error, z * error**2 / 2))
    assert low == pytest.approx(-high)


def test_levels_apart_share_what_may_go_wrong() -> None:
    levels, weights = independent(1e-3, 2e-3, 3e-3), np.array([1.0, 0.0, -2.0])
    together = levels.limits_apart(weights, 0.02)
    own = [levels.limits(np.where(np.arange(3) == k, weights, 0.0), 0.01) for k in (0, 2)]
    assert together.low == pytest.approx(own[0].low + own[1].low)
    assert together.high == pytest.approx(own[0].high + own[1].high)


@pytest.mark.parametrize("degrees", [1, 4])
@pytest.mark.parametrize("replicates", [12, 400])
def test_hotellings_statistic_has_the_tail_of_the_chi_square(degrees: int, replicates: int) -> None:
    """T^2 (n - d) / (d (n - 1)) is of the F law, with the covariance estimated from n replicates."""
    for chi_square in (1.0, 12.0, 30.0):
        square = _hotelling(replicates, degrees, chi_square)
        ratio = square * (replicates - degrees) / (degrees * (replicates - 1))
        assert fdtrc(degrees, replicates - degrees, ratio) == pytest.approx(chdtrc(degrees, chi_square))
        assert square > chi_square
