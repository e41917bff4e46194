import math

import numpy as np
import pytest

from mcstudy.models.shallow.activations import activation, activations
from mcstudy.models.shallow.envelope import Envelope, Grid

SMOOTH = activations(smooth=True)
TANH_PEAK = math.atanh(1 / math.sqrt(3))


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_envelope_finds_the_best_response_against_brute_force(name: str, sign: float) -> None:
    """The gain of every row, moving or not, against a search of all y."""
    sigma = activation(name)
    grid = Grid.over(sigma, -4.0, 4.0, 4001)
    multiplier = 0.5 * sigma.beta / 1.2
    envelope = Envelope.of(grid, sign, multiplier)
    z = np.linspace(-2.5, 2.5, 61)
    gain = np.zeros_like(z)
    rows = envelope.under_bridges(z)
    shift = envelope.best_response(z[rows]) - z[rows]
    gain[rows] = np.maximum(0.0, sign * sigma.remainder(z[rows], shift) - multiplier * shift**2)
    u = np.linspace(-4.0, 4.0, 20_001) - z[:, None]
    brute = np.max(sign * sigma.remainder(z[:, None], u) - multiplier * u**2, axis=1)
    assert np.all(gain <= brute + sigma.beta * 1e-7)  # the search's own spacing squared
    assert np.all(brute <= gain + grid.slack(multiplier))


def test_envelope_that_ignores_the_bridges_is_caught() -> None:
    """The mutation: a row that climbs to the nearest stationary point stays where it is and gains nothing."""
    sigma = activation("tanh")
    envelope = Envelope.of(Grid.over(sigma, -4.0, 4.0, 4001), 1.0, 0.45 * sigma.beta)
    z = np.array([-TANH_PEAK])
    shift = envelope.best_response(z) - z
    assert sigma.remainder(z, shift)[0] - 0.45 * sigma.beta * shift[0] ** 2 > 1e-3
