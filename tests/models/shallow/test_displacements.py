import math

import numpy as np
import pytest

from mcstudy.models.arrays import FloatArray, frobenius, inner
from mcstudy.models.shallow import displacements, networks
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.initialization import Initialization, draw_initialization
from mcstudy.models.shallow.inputs import sphere


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def start(count: int = 20, width: int = 30, dimension: int = 4, name: str = "tanh") -> Initialization:
    return draw_initialization(stream(), sphere(stream(2), (count, dimension), 1.5), width, activation(name))


def weights_error(one: Initialization, V: FloatArray) -> FloatArray:
    W = one.W0 + V
    f0 = networks.linearization(W, one.W0, one.a, one.x, one.sigma)
    return np.abs(networks.network(W, one.a, one.x, one.sigma) - f0)


def test_isotropic_displacements_have_their_norm_and_no_direction() -> None:
    V = displacements.isotropic(stream(), start(2000, 3, 2), 0.7)
    assert np.sqrt(np.sum(V**2, axis=(1, 2))) == pytest.approx(0.7, rel=1e-13)
    # An entry has variance R^2/(m d); five standard errors.
    assert np.all(np.abs(np.mean(V, axis=0)) < 5 * 0.7 / math.sqrt(6 * 2000))


def test_gaussian_displacements_have_their_norm_in_the_mean_square() -> None:
    V = displacements.gaussian(stream(), start(2000, 3, 2), 0.7)
    square = np.sum(V**2, axis=(1, 2))
    assert abs(np.mean(square) - 0.49) < 5 * np.std(square) / math.sqrt(2000)


def test_gradient_displacements_are_parallel_to_the_gradient() -> None:
    one = start()
    V, G = displacements.along_gradient(one, 0.7), networks.gradient(one.W0, one.a, one.x, one.sigma)
    assert frobenius(V) == pytest.approx(0.7, rel=1e-13)
    assert inner(V, G) == pytest.approx(0.7 * frobenius(G), rel=1e-13)


def test_worst_displacements_beat_random_ones_and_their_ceiling_holds() -> None:
    one = start()
    V, ceiling = displacements.worst(one, 0.7)
    assert np.all(frobenius(V) <= 0.7 * (1 + 1e-12))
    worst = weights_error(one, V)
    assert np.all(worst <= ceiling * (1 + 1e-12))
    for seed in range(50):
        assert np.all(weights_error(one, displacements.isotropic(stream(seed), one, 0.7)) < worst)
