import math
from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow import networks
from mcstudy.models.shallow.activations import activation, activations
from mcstudy.models.shallow.initialization import draw_outputs, draw_weights
from mcstudy.models.shallow.inputs import sphere
from mcstudy.models.shallow.networks import error_bound

ANALYTIC = (
    "tanh",
    "erf",
    "sin",
    "cos",
    "arctan",
    "gaussian",
    "quadratic",
)  # their values take complex numbers


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def start(size: int = 3, width: int = 7, dimension: int = 4) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = stream()
    W0 = draw_weights(rng, (size, width, dimension))
    return W0, draw_outputs(rng, (size, width)), sphere(rng, (size, dimension), 1.3)


def test_network_against_the_sum() -> None:
    W0, a, x = start()
    f = networks.network(W0, a, x, activation("tanh"))
    for n in range(3):
        terms = [a[n, j] * math.tanh(sum(W0[n, j] * x[n])) for j in range(7)]
        assert f[n] == pytest.approx(sum(terms), rel=1e-13)


@pytest.mark.parametrize("name", ANALYTIC)
def test_gradient_against_complex_step(name: str) -> None:
    """No difference is taken, so that every entry is exact to rounding."""
    W0, a, x = start()
    sigma = activation(name)
    gradient = networks.gradient(W0, a, x, sigma)
    for j, k in np.ndindex(7, 4):
        moved = W0.astype(complex)
        moved[:, j, k] += 1e-30j
        derivative = (a * sigma.value((moved @ x[..., None])[..., 0])).sum(axis=-1).imag / 1e-30
        assert gradient[:, j, k] == pytest.approx(derivative, rel=1e-13, abs=1e-15)


def test_gradient_without_slopes_is_caught() -> None:
    """The control: a x^T in place of D a x^T is off by the slopes, which lie between 0 and 1."""
    W0, a, x = start()
    gradient = networks.gradient(W0, a, x, activation("tanh"))
    careless = a[..., None] * x[..., None, :]
    assert np.max(np.abs(gradient - careless)) > 0.1


@pytest.mark.parametrize("name", activations(smooth=True))
def test_linearizations_agree(name: str) -> None:
    W0, a, x = start(size=20)
    W = W0 + stream(2).standard_normal(W0.shape)
    sigma = activation(name)
    by_definition = networks.linearization(W, W0, a, x, sigma)
    by_rows = networks.linearization_by_rows(W, W0, a, x, sigma)
    assert by_rows == pytest.approx(by_definition, rel=1e-13, abs=1e-14)
    z, z0 = networks.preactivations(W, x), networks.preactivations(W0, x)
    error = networks.network(W, a, x, sigma) - by_definition
    assert networks.linearization_error(z, z0, a, sigma) == pytest.approx(error, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", activations(smooth=True))
@pytest.mark.parametrize("radius", [0.01, 1.0, 30.0])
def test_bound_is_never_exceeded(name: str, radius: float) -> None:
    """Ten thousand networks; rounding of the values compared is the only slack."""
    rng = stream()
    W0, a, x = (
        draw_weights(rng, (2000, 3, 2)),
        draw_outputs(rng, (2000, 3)),
        sphere(rng, (2000, 2), 1.5),
    )
    V = rng.standard_normal(W0.shape)
    W = W0 + radius * V
    sigma = activation(name)
    error = np.abs(networks.network(W, a, x, sigma) - networks.linearization(W, W0, a, x, sigma))
    limit = error_bound(radius * np.linalg.matrix_norm(V), x, 3, sigma)
    assert np.all(error <= limit * (1 + 1e-12) + 1e-13 * radius)


def test_bound_scales() -> None:
    sigma, x = activation("tanh"), np.array([0.3, 0.4])
    one = float(error_bound(1.0, x, 4, sigma))
    assert one == pytest.approx(sigma.beta / 2 / 2 * 0.25, rel=1e-15)
    assert float(error_bound(2.0, x, 4, sigma)) == pytest.approx(4 * one, rel=1e-15)
    assert float(error_bound(1.0, 3 * x, 4, sigma)) == pytest.approx(9 * one, rel=1e-15)
    assert float(error_bound(1.0, x, 16, sigma)) == pytest.approx(one / 2, rel=1e-15)


@pytest.mark.parametrize("name", activations(smooth=False))
def test_bound_refuses_an_activation_with_a_kink(name: str) -> None:
    with pytest.raises(
        ModelError,
        match=rf"`activation` must be beta-smooth for the bound, got '{name}' without a finite beta",
    ):
        error_bound(1.0, np.ones(2), 4, activation(name))


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: draw_outputs(stream(), (3, 0)),
        lambda: draw_weights(stream(), (3, 0, 2)),
        lambda: error_bound(1.0, np.ones(2), 0, activation("tanh")),
        lambda: networks.network(np.ones((0, 2)), np.ones(0), np.ones(2), activation("tanh")),
    ],
    ids=["outputs", "weights", "bound", "network"],
)
def test_a_width_below_one_is_refused(attempt: Callable[[], FloatArray]) -> None:
    with pytest.raises(ModelError, match="`width` must be a whole number, at least 1, got 0"):
        attempt()


@pytest.mark.parametrize("entry", [0.0, math.nan, math.inf])
def test_a_zero_or_infinite_input_is_refused(entry: float) -> None:
    W0, a, _ = start()
    x = np.full(4, entry)
    with pytest.raises(
        ModelError, match=r"`x` must be finite and not zero, got \|\|x\|\|\^2 = .*: drop such rows"
    ):
        networks.network(W0, a, x, activation("tanh"))
    with pytest.raises(
        ModelError, match=r"`x` must be finite and not zero, got \|\|x\|\|\^2 = .*: drop such rows"
    ):
        error_bound(1.0, x, 7, activation("tanh"))


def test_an_input_of_the_wrong_length_is_refused() -> None:
    W0, a, _ = start()
    with pytest.raises(
        ModelError, match="`x` must have an entry for each of the 4 columns of `W`, got 3 entries"
    ):
        networks.network(W0, a, np.ones(3), activation("tanh"))
