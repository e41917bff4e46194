import numpy as np
import pytest

from mcstudy.models.sensing.tracy_widom import MEAN, VARIANCE, determinant, tracy_widom

# Percentiles of F_1: Johnstone (2001), table 1.
PERCENTILES = {
    0.01: -3.90, 0.05: -3.18, 0.10: -2.78, 0.30: -1.91, 0.50: -1.27, 0.70: -0.59, 0.90: 0.45, 0.95: 0.98, 0.99: 2.02
}  # fmt: skip


@pytest.mark.parametrize(("probability", "percentile"), PERCENTILES.items())
def test_percentiles_against_reference(probability: float, percentile: float) -> None:
    """The table has two decimals, and F_1 has a density below 0.32."""
    assert tracy_widom(percentile) == pytest.approx(probability, abs=0.32 * 0.005)


def test_interpolant_against_determinant() -> None:
    points = np.linspace(-9.9, 7.9, 37)
    np.testing.assert_allclose(tracy_widom(points), [determinant(float(s)) for s in points], atol=1e-11)


def test_moments_against_reference() -> None:
    """Integration by parts: E T = b F(b) - int F, with the tails beyond the grid below 1e-7."""
    points = np.linspace(-10.0, 8.0, 6001)
    heights = tracy_widom(points)
    mean = 8.0 - np.trapezoid(heights, points)
    variance = 64.0 - 2 * np.trapezoid(points * heights, points) - mean**2
    assert mean == pytest.approx(MEAN, abs=1e-6)
    assert variance == pytest.approx(VARIANCE, abs=1e-4)
    assert mean != pytest.approx(-1.7711, abs=1e-2)  # the law of complex matrices, beta = 2


def test_is_a_distribution_function() -> None:
    heights = tracy_widom([-np.inf, *np.linspace(-12.0, 10.0, 500), np.inf])
    assert heights[0] == 0.0
    assert heights[-1] == 1.0
    assert np.all(np.diff(heights) >= -1e-12)
