import itertools
import math

import numpy as np
import pytest

from mcstudy.models import displacements as move
from mcstudy.models import shallow
from mcstudy.models.activations import Array, activation
from mcstudy.models.displacements import Start, draw_start
from mcstudy.models.inputs import sphere


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def start(count: int = 20, width: int = 30, dimension: int = 4, name: str = "tanh") -> Start:
    return draw_start(stream(), sphere(stream(2), (count, dimension), 1.5), width, activation(name))


def weights_error(one: Start, V: Array) -> Array:
    W = one.W0 + V
    f0 = shallow.linearization(W, one.W0, one.a, one.x, one.sigma)
    return np.abs(shallow.network(W, one.a, one.x, one.sigma) - f0)


def test_isotropic_displacements_have_their_norm_and_no_direction() -> None:
    V = move.isotropic(stream(), start(2000, 3, 2), 0.7)
    assert np.sqrt(np.sum(V**2, axis=(1, 2))) == pytest.approx(0.7, rel=1e-13)
    # An entry has variance R^2/(m d); five standard errors.
    assert np.all(np.abs(np.mean(V, axis=0)) < 5 * 0.7 / math.sqrt(6 * 2000))


def test_gaussian_displacements_have_their_norm_in_the_mean_square() -> None:
    V = move.gaussian(stream(), start(2000, 3, 2), 0.7)
    square = np.sum(V**2, axis=(1, 2))
    assert abs(np.mean(square) - 0.49) < 5 * np.std(square) / math.sqrt(2000)


def test_gradient_displacements_are_parallel_to_the_gradient() -> None:
    one = start()
    V, G = move.along_gradient(one, 0.7), shallow.gradient(one.W0, one.a, one.x, one.sigma)
    assert move.norm(V) == pytest.approx(0.7, rel=1e-13)
    assert move.inner(V, G) == pytest.approx(0.7 * move.norm(G), rel=1e-13)


def test_worst_displacements_beat_random_ones_and_their_ceiling_holds() -> None:
    one = start()
    V, ceiling = move.worst(one, 0.7)
    assert np.all(move.norm(V) <= 0.7 * (1 + 1e-12))
    worst = weights_error(one, V)
    assert np.all(worst <= ceiling * (1 + 1e-12))
    for seed in range(50):
        assert np.all(weights_error(one, move.isotropic(stream(seed), one, 0.7)) < worst)


def test_comparison_against_the_definitions() -> None:
    one = start()
    V = stream(3).standard_normal(one.W0.shape)
    found = move.compare(one, V)
    assert np.all(np.abs(found.error - weights_error(one, V)) <= found.rounding)
    assert found.bound == pytest.approx(
        shallow.bound(np.linalg.norm(V, axis=(1, 2)), one.x, 30, one.sigma), rel=1e-13
    )
    assert np.all(found.rounding < 1e-12)


def test_conditional_rms_against_all_signs() -> None:
    """Sixteen networks that differ in the signs only, exactly enumerated."""
    one = start(5, 4)
    V = stream(3).standard_normal(one.W0.shape)
    squares = [
        weights_error(Start(np.tile(signs, (5, 1)) / 2.0, one.W0, one.x, one.sigma), V) ** 2
        for signs in itertools.product((-1.0, 1.0), repeat=4)
    ]
    assert move.conditional_rms(one, V) ** 2 == pytest.approx(np.mean(squares, axis=0), rel=1e-11)


def test_difference_quotient_is_of_fourth_order() -> None:
    """At h = 1e-4, truncation h^4/30 f^(5) is nothing and rounding some 1e-16/h."""
    quotient = move.difference_quotient(lambda h: np.array([math.sin(1.0 + h), math.exp(1.0 + h)]))
    assert quotient == pytest.approx([math.cos(1.0), math.e], abs=1e-11)


@pytest.mark.parametrize(("radius", "hidden"), [(1.0, True), (2.0, False)])
def test_misprint_hides_behind_inputs_of_length_one(radius: float, hidden: bool) -> None:
    """In one dimension sigma'(w) = sigma'(w x) for x = +-1 and even sigma'."""
    one = draw_start(stream(), sphere(stream(2), (50, 1), radius), 30, activation("tanh"))
    V = stream(3).standard_normal(one.W0.shape)
    right = shallow.linearization(one.W0 + V, one.W0, one.a, one.x, one.sigma)
    off = np.abs(move.linearization_as_printed(one, V) - right)
    assert (np.max(off) < 1e-13) == hidden
    assert (np.median(off) > 0.05) == (not hidden)
