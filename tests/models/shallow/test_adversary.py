import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow import adversary, networks
from mcstudy.models.shallow.activations import Activation, activation, activations
from mcstudy.models.shallow.adversary import displaced, worst_displacement
from mcstudy.models.shallow.envelope import Grid
from mcstudy.models.shallow.initialization import draw_outputs
from mcstudy.models.shallow.inputs import sphere

SMOOTH = activations(smooth=True)


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def draw(size: int, width: int, seed: int = 1) -> tuple[FloatArray, FloatArray]:
    rng = stream(seed)
    return rng.standard_normal((size, width)), draw_outputs(rng, (size, width))


def error(z: FloatArray, a: FloatArray, shift: FloatArray, sigma: Activation) -> FloatArray:
    return np.asarray(np.abs(np.vecdot(a, sigma.remainder(z, shift))))


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("reach", [0.3, 1.0, 4.0])
def test_bracket_against_brute_force_with_two_rows(name: str, reach: float) -> None:
    """Every displacement on a polar grid of the disc; the bracket holds and its lower end is attained."""
    sigma = activation(name)
    z, a = draw(6, 2)
    bracket = worst_displacement(z, a, reach, sigma)
    radius, angle = np.meshgrid(np.linspace(0, reach, 101), np.linspace(0, 2 * np.pi, 361))
    disc = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1, 1, 2)
    brute = np.max(error(z, a, disc, sigma), axis=0)
    assert np.all(brute <= bracket.upper * (1 + 1e-12))
    assert np.all(np.sum(bracket.shift**2, axis=-1) <= reach**2 * (1 + 1e-12))
    assert error(z, a, bracket.shift, sigma) == pytest.approx(bracket.lower, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("name", ["tanh", "sin", "gelu", "gaussian", "softsign"])
def test_bracket_against_local_search(name: str) -> None:
    """Forty rows, a local optimizer from thirty starts: never above the bracket, and hardly above its lower end."""
    sigma = activation(name)
    (z,), (a,) = draw(1, 40)
    bracket = worst_displacement(z, a, 1.0, sigma)

    def negative(v: FloatArray, side: float) -> tuple[float, FloatArray]:
        """Minus the signed error of v scaled onto the sphere, with its derivative."""
        u = v / np.linalg.norm(v)
        slope = a * (sigma.slope(z + u) - sigma.slope(z))
        along = (slope - u * (u @ slope)) / np.linalg.norm(v)
        return -side * float(a @ sigma.remainder(z, u)), -side * along

    starts = stream(3).standard_normal((15, 40))
    best = max(
        -minimize(negative, start, args=(side,), jac=True).fun
        for start, side in itertools.product(starts, (1.0, -1.0))
    )
    assert best <= bracket.upper
    # At so few rows a duality gap is real: one row's non-convexity in forty.
    assert bracket.lower > 0.97 * best


@pytest.mark.parametrize("name", SMOOTH)
def test_no_random_displacement_exceeds_the_bracket(name: str) -> None:
    sigma = activation(name)
    z, a = draw(50, 16)
    bracket = worst_displacement(z, a, 2.0, sigma)
    shift = stream(2).standard_normal((100, 50, 16))
    shift *= 2.0 / np.linalg.norm(shift, axis=-1, keepdims=True)
    assert np.all(error(z, a, shift, sigma) <= bracket.upper)
    assert np.all(error(z, a, shift, sigma) <= bracket.lower)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("width", [1, 2, 5, 100])
def test_bracket_lies_below_the_bound(name: str, width: int) -> None:
    sigma = activation(name)
    z, a = draw(20, width)
    bracket = worst_displacement(z, a, 1.5, sigma)
    limit = sigma.beta / (2 * math.sqrt(width)) * 1.5**2
    assert np.all(bracket.lower <= bracket.upper * (1 + 1e-12))
    assert np.all(bracket.upper <= limit * (1 + 1e-12))


def test_constant_is_sharp_for_tanh() -> None:
    """At m = 4096 the bracket is closed to 0.2 % and within 0.5 % of the bound."""
    sigma = activation("tanh")
    z, a = draw(20, 4096)
    bracket = worst_displacement(z, a, 1.0, sigma)
    limit = sigma.beta / 2 / 64
    assert np.min(bracket.lower) > 0.995 * limit
    assert np.max(bracket.upper / bracket.lower) < 1.002


def test_constant_is_attained_by_the_quadratic() -> None:
    z, a = draw(20, 100)
    bracket = worst_displacement(z, a, 0.7, activation("quadratic"))
    assert bracket.lower == pytest.approx(0.7**2 / 20, rel=1e-13)
    assert bracket.upper == pytest.approx(0.7**2 / 20, rel=1e-13)


def test_smaller_constant_is_beaten_by_the_adversary_only() -> None:
    """0.9 beta/2 in place of beta/2: the worst displacement exceeds it, ten thousand isotropic ones do not."""
    sigma = activation("tanh")
    z, a = draw(1, 256)
    reduced = 0.9 * sigma.beta / (2 * 16)
    assert worst_displacement(z, a, 1.0, sigma).lower[0] > reduced
    shift = stream(2).standard_normal((10_000, 256))
    shift /= np.linalg.norm(shift, axis=-1, keepdims=True)
    assert np.max(error(z, a, shift, sigma)) < reduced


def test_stacks_are_solved_one_by_one() -> None:
    """Stacking changes the common grid only, which the bracket allows for."""
    sigma = activation("gelu")
    z, a = draw(6, 30)
    reach = np.array([[0.2, 0.5, 1.0], [1.5, 2.0, 4.0]])
    together = worst_displacement(z.reshape(2, 3, 30), a.reshape(2, 3, 30), reach, sigma)
    assert together.shift.shape == (2, 3, 30)
    for n, (i, j) in enumerate(np.ndindex(2, 3)):
        alone = worst_displacement(z[n], a[n], reach[i, j], sigma)
        assert alone.lower <= together.upper[i, j] * (1 + 1e-12)
        assert together.lower[i, j] <= alone.upper * (1 + 1e-12)


def test_displaced_weights_attain_the_bracket() -> None:
    rng = stream()
    W0, a, x = rng.standard_normal((3, 50, 4)), draw_outputs(rng, (3, 50)), sphere(rng, (3, 4), 1.7)
    sigma, radius = activation("tanh"), 0.9
    bracket = worst_displacement(networks.preactivations(W0, x), a, 1.7 * radius, sigma)
    W = displaced(W0, bracket.shift, x)
    assert np.linalg.matrix_norm(W - W0) == pytest.approx(radius, rel=1e-12)
    attained = np.abs(networks.network(W, a, x, sigma) - networks.linearization(W, W0, a, x, sigma))
    assert attained == pytest.approx(bracket.lower, rel=1e-10)


def test_a_kink_is_refused() -> None:
    with pytest.raises(
        ModelError, match="`activation` must be beta-smooth for the bound, got 'relu' without a finite beta"
    ):
        worst_displacement(*draw(1, 3), 1.0, activation("relu"))


@pytest.mark.parametrize("reach", [0.0, -1.0, math.nan, math.inf])
def test_a_reach_that_is_no_radius_is_refused(reach: float) -> None:
    with pytest.raises(ModelError, match=r"`reach` must be positive and finite, got .*; it is R \|\|x\|\|"):
        worst_displacement(*draw(1, 3), reach, activation("tanh"))


def test_outputs_of_different_sizes_are_refused() -> None:
    with pytest.raises(
        ModelError, match=r"`a` must be \+-1/sqrt\(m\), all of one size, got sizes from 0\.5 to 1"
    ):
        worst_displacement(np.zeros(3), np.array([1.0, -1.0, 0.5]), 1.0, activation("tanh"))


def test_upper_end_holds_on_a_grid_that_hides_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    """With twenty nodes some rows lie under bridges that no node shows; without the grid's slack the bound is none."""

    def coarse(z: FloatArray, rho: FloatArray, sigma: Activation) -> Grid:
        return Grid.over(sigma, float(np.min(z) - np.max(rho)), float(np.max(z) + np.max(rho)), 20)

    monkeypatch.setattr(adversary, "_grid", coarse)
    sigma, reach = activation("tanh"), 0.3
    z, a = draw(40, 2)
    angle = np.linspace(0, 2 * np.pi, 361)[:, None]
    circle = reach * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    brute = np.max(error(z, a, circle, sigma), axis=0)
    assert np.all(brute <= worst_displacement(z, a, reach, sigma).upper)
    monkeypatch.setattr(Grid, "slack", lambda grid, multiplier: 0.0)
    assert np.any(brute > worst_displacement(z, a, reach, sigma).upper)
