import math

import numpy as np
import pytest

from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.adversary import worst_displacement
from mcstudy.models.shallow.initialization import draw_outputs
from mcstudy.models.shallow.shortfall import expected_shortfall

TANH_PEAK = math.atanh(1 / math.sqrt(3))


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def draw(size: int, width: int, seed: int = 1) -> tuple[FloatArray, FloatArray]:
    rng = stream(seed)
    return rng.standard_normal((size, width)), draw_outputs(rng, (size, width))


@pytest.mark.parametrize(
    ("name", "peaks", "bend"), [("tanh", (-TANH_PEAK, TANH_PEAK), 2.0), ("cos", (0.0,), 0.5)]
)
@pytest.mark.parametrize("q", [0.5, 1.0])
def test_shortfall_against_theory(name: str, peaks: tuple[float, ...], bend: float, q: float) -> None:
    """The next term is relative m^(-1/3) = 1 % times a constant of order one; cos has further peaks at +-pi."""
    sigma, width, reach = activation(name), 10**6, 0.8
    if name == "cos":
        peaks = (-math.pi, *peaks, math.pi)
    z, a = draw(1, width)
    bracket = worst_displacement(math.sqrt(q) * z, a, reach, sigma)
    shortfall = 1 - bracket.lower[0] / (sigma.beta / 2 / 1e3 * reach**2)
    expected = expected_shortfall(width, reach, q, peaks=peaks, bend=bend)
    assert shortfall == pytest.approx(float(expected), rel=0.03)
    assert abs(shortfall / (expected / 0.6) - 1) > 0.3  # without the factor 3/5 of the integral
