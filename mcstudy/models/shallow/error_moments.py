"""Exact moments of the linearization error at every width, for displacements whose rows are independent.

With r = sum_j a_j h(z_j, u_j), h(z, u) = sigma(z + u) - sigma(z) - sigma'(z) u and z ~ N(0, q), the rows are
independent and identically distributed, so that mean and variance of r are those of one row, m times.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy import special

from mcstudy.exceptions import ModelError
from mcstudy.models.checks import check_count
from mcstudy.models.shallow.activations import Activation
from mcstudy.models.shallow.quadrature import gauss_hermite

__all__ = [
    "ErrorMoments",
    "gaussian_displacement_variance",
    "gradient_step_moments",
    "sin_displacement_variance",
]


class ErrorMoments(NamedTuple):
    """Mean and standard deviation of the error."""

    mean: float
    sd: float


def gaussian_displacement_variance(sigma: Activation, q: float, shift: float) -> float:
    """Variance of the error, at every width, when the u_j are iid N(0, `shift`) and independent of W_0 and a.

    The signs a_j have mean zero, so that Var r = E r^2 = E h^2: by quadrature, for a smooth activation.

    Parameters
    ----------
    sigma : Activation
    q, shift : float
        Variances of z_j and u_j.
    """
    nodes, weights = gauss_hermite()
    h = sigma.remainder(math.sqrt(q) * nodes[:, None], math.sqrt(shift) * nodes)
    return float(weights @ h**2 @ weights)


def sin_displacement_variance(q: float, shift: float) -> float:
    """The same for sigma = sin, in closed form: S E(1 - cos u)^2 + C E(u - sin u)^2 (2d.typical).

    S = E sin^2 z = (1 - e^{-2q})/2, C = E cos^2 z; written with expm1, because both means are of fourth and sixth order
    in u. Parameters `q` and `shift` are those of `gaussian_displacement_variance`.
    """
    sine, cosine = -0.5 * math.expm1(-2 * q), 0.5 * (1 + math.exp(-2 * q))
    e = math.expm1(-shift / 2)
    quartic = e**2 * (3 + 2 * e + e**2 / 2)
    sextic = -(shift + 2 * e) - 2 * shift * e - quartic
    return sine * quartic + cosine * sextic


def gradient_step_moments(sigma: Activation, q: float, step: float, width: int) -> ErrorMoments:
    """Mean and standard deviation of the error after the step W_1 = W_0 + c grad f(W_0), at every width.

    Parameters
    ----------
    sigma : Activation
        A smooth one (quadrature), or ReLU (closed form).
    q : float
        ||x||^2.
    step : float
        c ||x||^2, so that u_j = step a_j sigma'(z_j).
    width : int
        m.

    Returns
    -------
    ErrorMoments

    Raises
    ------
    ModelError
        If the activation is neither smooth nor ReLU, or `width` is below 1.
    """
    size = step / math.sqrt(check_count("width", width))
    up, down, squares = _relu_row(q, size) if sigma.name == "relu" else _smooth_row(sigma, q, size)
    mean = 0.5 * math.sqrt(width) * (up - down)
    return ErrorMoments(mean, math.sqrt(squares - mean**2 / width))


def _smooth_row(sigma: Activation, q: float, size: float) -> tuple[float, float, float]:
    """E h(z, s sigma'(z)), E h(z, -s sigma'(z)), and the mean of both squares."""
    if not sigma.smooth:
        msg = f"`sigma` must be smooth or relu for the moments of a gradient step, got {sigma.name!r}"
        raise ModelError(msg)
    nodes, weights = gauss_hermite()
    z = math.sqrt(q) * nodes
    up, down = (sigma.remainder(z, side * size * sigma.slope(z)) for side in (1.0, -1.0))
    return float(weights @ up), float(weights @ down), float(weights @ (up**2 + down**2)) / 2


def _relu_row(q: float, size: float) -> tuple[float, float, float]:
    """Only rows with 0 < z < |s| that move down change sign; they err by |s| - z."""
    t, root = abs(size), math.sqrt(q)
    b = t / root
    mass = special.ndtr(b) - 0.5
    drop = root * -math.expm1(-b * b / 2) / math.sqrt(2 * math.pi)
    edge = root * t * math.exp(-b * b / 2) / math.sqrt(2 * math.pi)
    first = t * mass - drop
    second = (t * t + q) * mass - 2 * t * drop - edge
    return (0.0, first, second / 2) if size > 0 else (first, 0.0, second / 2)
