import math

import numpy as np

from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.initialization import draw_initialization, draw_outputs, draw_weights
from mcstudy.models.shallow.networks import preactivations


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def test_outputs_are_two_points_of_equal_probability() -> None:
    a = draw_outputs(stream(), (4000, 25))
    assert set(np.unique(a)) == {-0.2, 0.2}
    assert abs(np.mean(a > 0) - 0.5) < 5 * 0.5 / math.sqrt(a.size)  # five standard errors


def test_a_network_for_each_input_from_one_stream() -> None:
    """Signs come first, then weights: an order that stored draws depend on."""
    x = stream(2).standard_normal((3, 4))
    initial = draw_initialization(stream(), x, 7, activation("tanh"))
    rng = stream()
    np.testing.assert_array_equal(initial.a, draw_outputs(rng, (3, 7)))
    np.testing.assert_array_equal(initial.W0, draw_weights(rng, (3, 7, 4)))
    np.testing.assert_array_equal(initial.z0, preactivations(initial.W0, x))
    assert initial.width == 7
