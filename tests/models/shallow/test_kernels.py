import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow.activations import activation, activations
from mcstudy.models.shallow.kernels import closed_forms, kernel, product_mean, slope_kernel

Q1 = np.array([1.0, 0.5, 2.0, 1.0, 0.3, 1.0, 1.0])
Q2 = np.array([1.0, 1.3, 0.7, 1.0, 0.2, 1.0, 1.0])
C = np.array([0.5, -0.3, 1.1, 0.0, 0.1, 1.0, -1.0])
QUADRATURE = 1e-13  # absolute, of means of order one: rounding of 200 x 200 weighted terms


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


@pytest.mark.parametrize("name", sorted(set(closed_forms()) - {"relu"}))
def test_closed_forms_against_quadrature(name: str) -> None:
    sigma = activation(name)
    assert np.max(np.abs(kernel(name, Q1, Q2, C) - product_mean(sigma.value, Q1, Q2, C))) < QUADRATURE
    assert np.max(np.abs(slope_kernel(name, Q1, Q2, C) - product_mean(sigma.slope, Q1, Q2, C))) < QUADRATURE


def _angular(f: Callable[[Any, Any], Any], q1: float, q2: float, c: float) -> float:
    """(1/2 pi) int of f over the angles at which both u and v are positive, in polar coordinates of the plane."""
    correlation = c / math.sqrt(q1 * q2)
    t = math.acos(correlation)
    # u = sqrt(q1) r cos(phi), v = sqrt(q2) r cos(phi - t): both positive for t - pi/2 < phi < pi/2.
    with mpmath.workdps(30):
        integral = mpmath.quad(
            lambda phi: f(math.sqrt(q1) * mpmath.cos(phi), math.sqrt(q2) * mpmath.cos(phi - t)),
            [mpmath.mpf(t) - mpmath.pi / 2, mpmath.pi / 2],
        )
    return float(integral / (2 * mpmath.pi))


@pytest.mark.parametrize(
    ("q1", "q2", "c"), [(1.0, 1.0, 0.5), (0.5, 1.3, -0.3), (2.0, 0.7, 1.1), (1.0, 1.0, 0.0)]
)
def test_relu_against_quadrature_in_angles(q1: float, q2: float, c: float) -> None:
    """The radial integral of r^2 with the density r exp(-r^2/2) is 2."""
    assert float(kernel("relu", q1, q2, c)) == pytest.approx(
        2 * _angular(lambda u, v: u * v, q1, q2, c), abs=1e-13
    )
    assert float(slope_kernel("relu", q1, q2, c)) == pytest.approx(
        _angular(lambda u, v: 1, q1, q2, c), abs=1e-13
    )


@pytest.mark.parametrize("name", activations(smooth=True))
def test_kernels_against_random_features(name: str) -> None:
    """Every smooth activation, closed form or not, within five standard errors of a plain mean."""
    rng, sigma = stream(), activation(name)
    u, rest = rng.standard_normal((2, 200_000))
    v = -0.4 * u + math.sqrt(0.8 - 0.16) * rest
    for exact, products in (
        (kernel(name, 1.0, 0.8, -0.4), sigma.value(u) * sigma.value(v)),
        (slope_kernel(name, 1.0, 0.8, -0.4), sigma.slope(u) * sigma.slope(v)),
    ):
        assert abs(np.mean(products) - float(exact)) < 5 * np.std(products) / math.sqrt(u.size) + 1e-12


@pytest.mark.parametrize("name", closed_forms())
def test_kernels_of_other_activations_are_told_apart(name: str) -> None:
    """The mutation: a formula swapped for another one is off by far more than any tolerance here."""
    others = [kernel(other, 1.0, 0.8, -0.4) for other in closed_forms() if other != name]
    assert np.min(np.abs(np.array(others) - kernel(name, 1.0, 0.8, -0.4))) > 1e-3


def test_slope_kernel_is_the_derivative_in_the_covariance() -> None:
    """Price's theorem: dk/dc = kdot, checked by central differences of fourth order."""
    h = 1e-3
    for name in closed_forms():
        values = [kernel(name, 1.0, 0.8, -0.4 + k * h) for k in (-2, -1, 1, 2)]
        derivative = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        assert float(derivative) == pytest.approx(float(slope_kernel(name, 1.0, 0.8, -0.4)), rel=1e-9), name


def test_kernels_broadcast() -> None:
    assert kernel("erf", Q1[:, None], Q2[None, :] + 2, 0.1).shape == (7, 7)


@pytest.mark.parametrize(
    ("q1", "q2", "c"),
    [(0.0, 1.0, 0.0), (1.0, -1.0, 0.0), (1.0, 1.0, 1.1), (math.nan, 1.0, 0.0), (1.0, 1.0, math.nan)],
)
@pytest.mark.parametrize("function", [kernel, slope_kernel])
def test_what_is_no_covariance_is_refused(
    function: Callable[..., FloatArray], q1: float, q2: float, c: float
) -> None:
    with pytest.raises(ModelError, match=r"`q1`, `q2` must be positive and `c`\^2 at most q1 q2"):
        function("erf", q1, q2, c)


def test_unknown_kernels_are_refused() -> None:
    with pytest.raises(ModelError, match=r"`activation` must be one of"):
        kernel("swish", 1.0, 1.0, 0.0)
    with pytest.raises(
        ModelError,
        match=r"`activation` must be smooth or in closed form \(erf, relu, .*\), got 'leaky_relu'; no kernel is known",
    ):
        kernel("leaky_relu", 1.0, 1.0, 0.0)
