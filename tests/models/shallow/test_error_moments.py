import math

import numpy as np
import pytest
from scipy.integrate import quad

from mcstudy.exceptions import ModelError
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.error_moments import (
    gaussian_displacement_variance,
    gradient_step_moments,
    sin_displacement_variance,
)
from mcstudy.models.shallow.initialization import draw_outputs


def printed_variance(q: float, s: float) -> float:
    """2d.typical as the register writes it, with t^2 = s; it cancels for small s."""
    return (
        (1 - math.exp(-2 * (q + s))) / 2
        + (1 - math.exp(-2 * q)) / 2
        + s * (1 + math.exp(-2 * q)) / 2
        - (1 - math.exp(-2 * q)) * math.exp(-s / 2)
        - s * (1 + math.exp(-2 * q)) * math.exp(-s / 2)
    )


@pytest.mark.parametrize(("q", "s"), [(1.0, 0.5), (0.3, 1.7), (2.0, 0.1)])
def test_sin_variance_against_the_printed_formula(q: float, s: float) -> None:
    assert sin_displacement_variance(q, s) == pytest.approx(printed_variance(q, s), rel=1e-11)


@pytest.mark.parametrize("s", [1.0, 1e-2, 1e-4, 1e-6, 1e-8])
def test_sin_variance_against_quadrature(s: float) -> None:
    """Differences of sines of order one lose what their square, 3/4 s^2, has less than 1e-16."""
    expected = gaussian_displacement_variance(activation("sin"), 0.7, s)
    assert sin_displacement_variance(0.7, s) == pytest.approx(expected, rel=1e-11 + 1e-15 / s)


@pytest.mark.parametrize("s", [1e-8, 1e-10])
def test_sin_variance_against_its_leading_term(s: float) -> None:
    leading = 0.75 * s**2 * (1 - math.exp(-1.4)) / 2
    assert sin_displacement_variance(0.7, s) == pytest.approx(leading, rel=10 * s + 1e-15 / s)


@pytest.mark.parametrize("name", ["tanh", "sin", "gelu", "relu"])
@pytest.mark.parametrize("step", [1.0, -0.8])
def test_gradient_step_against_plain_simulation(name: str, step: float) -> None:
    """Five standard errors, of the mean and of the standard deviation (by its fourth moment)."""
    rng, sigma, width = np.random.Generator(np.random.SFC64(1)), activation(name), 16
    z, a = math.sqrt(0.7) * rng.standard_normal((100_000, width)), draw_outputs(rng, (100_000, width))
    error = np.vecdot(a, sigma.remainder(z, step * a * sigma.slope(z)))
    exact = gradient_step_moments(sigma, 0.7, step, width)
    assert abs(np.mean(error) - exact.mean) < 5 * exact.sd / math.sqrt(error.size)
    square = (error - np.mean(error)) ** 2
    assert abs(np.mean(square) - exact.sd**2) < 5 * np.std(square) / math.sqrt(error.size)


@pytest.mark.parametrize("width", [4, 1024, 2**20])
def test_relu_step_against_integrals(width: int) -> None:
    t, q = 1.3 / math.sqrt(width), 0.7
    first, second = (
        quad(lambda z, k=k: (t - z) ** k * math.exp(-z * z / (2 * q)) / math.sqrt(2 * math.pi * q), 0, t)[0]
        for k in (1, 2)
    )
    exact = gradient_step_moments(activation("relu"), q, -1.3, width)
    assert exact.mean == pytest.approx(math.sqrt(width) / 2 * first, rel=1e-9)
    assert exact.sd == pytest.approx(math.sqrt(second / 2 - first**2 / 4), rel=1e-7)


def test_orders_of_the_gradient_step() -> None:
    """Smooth: mean and sd 1/m. ReLU: mean m^(-1/2), sd m^(-3/4). Four times the width, in the limit."""
    for name, mean_factor, sd_factor in (("tanh", 4.0, 4.0), ("relu", 2.0, 4**0.75)):
        near = gradient_step_moments(activation(name), 1.0, -1.0, 2**20)
        far = gradient_step_moments(activation(name), 1.0, -1.0, 2**22)
        assert near.mean / far.mean == pytest.approx(mean_factor, rel=1e-3), name
        assert near.sd / far.sd == pytest.approx(sd_factor, rel=1e-3), name


def test_leaky_relu_is_refused() -> None:
    with pytest.raises(
        ModelError,
        match="`sigma` must be smooth or relu for the moments of a gradient step, got 'leaky_relu'",
    ):
        gradient_step_moments(activation("leaky_relu"), 1.0, 1.0, 10)
