"""Kernels of infinitely wide shallow networks: closed forms, quadrature, and their random-feature estimates.

For (u, v) centred Gaussian with variances q1, q2 and covariance c, the pre-activations of one random row on two
inputs, the kernel is k = E phi(u) phi(v) and the slope kernel kdot = E phi'(u) phi'(v). The tangent kernel of a network
that trains its first layer is x^T x' kdot (Problem 2). All functions broadcast over q1, q2 and c.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import ModelError
from mcstudy.models.activations import Activation, Array, activation

__all__ = ["closed_forms", "gauss_hermite", "kernel", "moment", "product_mean", "slope_kernel"]

Form = Callable[[Array, Array, Array], Array]

_NODES = 200  # reaches rounding for every smooth activation of the package at variances up to about 2


def kernel(name: str, q1: ArrayLike, q2: ArrayLike, c: ArrayLike) -> Array:
    """Return k = E phi(u) phi(v), by its closed form where there is one and by quadrature elsewhere.

    Raises
    ------
    ModelError
        If (q1, q2, c) is no covariance, or the activation is unknown, or neither smooth nor in `closed_forms()`.

    Examples
    --------
    >>> round(float(kernel("relu", 1.0, 1.0, 0.0)) * 2 * math.pi, 12)
    1.0
    """
    return _evaluate(name, 0, q1, q2, c)


def slope_kernel(name: str, q1: ArrayLike, q2: ArrayLike, c: ArrayLike) -> Array:
    """Return kdot = E phi'(u) phi'(v); errors as for `kernel`."""
    return _evaluate(name, 1, q1, q2, c)


def closed_forms() -> tuple[str, ...]:
    """Return the names of the activations whose kernels are known in closed form."""
    return tuple(_CLOSED)


def product_mean(f: Callable[[Array], Array], q1: ArrayLike, q2: ArrayLike, c: ArrayLike) -> Array:
    """Return E f(u) f(v) by a Gauss-Hermite product rule of 200 x 200 nodes, for a smooth `f`."""
    q1, q2, c = _checked_covariance(q1, q2, c)
    nodes, weights = gauss_hermite()
    first = np.sqrt(q1)[..., None] * nodes
    # v given u: mean c u/q1, variance q2 - c^2/q1, which rounding may leave below zero.
    rest = np.sqrt(np.maximum(q2 - c**2 / q1, 0.0))
    second = (c / np.sqrt(q1))[..., None, None] * nodes[:, None] + rest[..., None, None] * nodes
    inner = f(second) @ weights
    return np.asarray((f(first) * inner) @ weights)


def moment(sigma: Activation, variance: float, order: int) -> float:
    """Return E sigma(z)^order for z ~ N(0, variance), by Gauss-Hermite quadrature.

    Exact to rounding for smooth activations, and for the even moments of ReLU too, since its nodes are symmetric.
    """
    nodes, weights = gauss_hermite()
    return float(weights @ sigma.value(math.sqrt(variance) * nodes) ** order)


@cache
def gauss_hermite(count: int = _NODES) -> tuple[Array, Array]:
    """Return nodes and weights, shape (count,), for the mean over a standard normal variable."""
    from scipy.special import roots_hermitenorm

    nodes, weights = roots_hermitenorm(count)
    return nodes, weights / math.sqrt(2.0 * math.pi)


def _evaluate(name: str, derivative: int, q1: ArrayLike, q2: ArrayLike, c: ArrayLike) -> Array:
    sigma = activation(name)
    if name in _CLOSED:
        return _CLOSED[name][derivative](*_checked_covariance(q1, q2, c))
    if not sigma.smooth:
        msg = f"`activation` {name!r} is neither smooth nor in closed form ({', '.join(_CLOSED)}): no kernel is known"
        raise ModelError(msg)
    return product_mean(sigma.slope if derivative else sigma.value, q1, q2, c)


def _checked_covariance(q1: ArrayLike, q2: ArrayLike, c: ArrayLike) -> tuple[Array, Array, Array]:
    first, second, cross = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (q1, q2, c))
    )
    # Inner products of equal inputs may exceed the bound by rounding.
    valid = (first > 0) & (second > 0) & (cross**2 <= first * second * (1 + 1e-12))
    if not np.all(valid):
        msg = (
            f"`q1`, `q2` must be positive and `c`^2 at most q1 q2, as ||x||^2, ||x'||^2 and x^T x' are; "
            f"got q1 = {first[~valid].flat[0]}, q2 = {second[~valid].flat[0]}, c = {cross[~valid].flat[0]}"
        )
        raise ModelError(msg)
    return first, second, cross


class _Closed(NamedTuple):
    kernel: Form
    slope_kernel: Form


def _angle(q1: Array, q2: Array, c: Array) -> Array:
    return np.arccos(np.clip(c / np.sqrt(q1 * q2), -1.0, 1.0))


def _relu(q1: Array, q2: Array, c: Array) -> Array:
    t = _angle(q1, q2, c)
    return np.sqrt(q1 * q2) / (2 * math.pi) * (np.sin(t) + (math.pi - t) * np.cos(t))


def _relu_slope(q1: Array, q2: Array, c: Array) -> Array:
    return (math.pi - _angle(q1, q2, c)) / (2 * math.pi)


def _erf_determinant(q1: Array, q2: Array, c: Array) -> Array:
    return (1 + 2 * q1) * (1 + 2 * q2) - 4 * c**2


def _erf(q1: Array, q2: Array, c: Array) -> Array:
    return (2 / math.pi) * np.arcsin(2 * c / np.sqrt((1 + 2 * q1) * (1 + 2 * q2)))


def _erf_slope(q1: Array, q2: Array, c: Array) -> Array:
    return (4 / math.pi) / np.sqrt(_erf_determinant(q1, q2, c))


def _sin(q1: Array, q2: Array, c: Array) -> Array:
    return np.exp(-(q1 + q2) / 2) * np.sinh(c)


def _cos(q1: Array, q2: Array, c: Array) -> Array:
    return np.exp(-(q1 + q2) / 2) * np.cosh(c)


def _gaussian(q1: Array, q2: Array, c: Array) -> Array:
    return _erf_determinant(q1, q2, c) ** -0.5


def _gaussian_slope(q1: Array, q2: Array, c: Array) -> Array:
    return 4 * c * _erf_determinant(q1, q2, c) ** -1.5


def _gelu_parts(q1: Array, q2: Array, c: Array) -> tuple[Array, Array, Array]:
    """E Phi(u) Phi(v), E of the product of the densities, and D = det(I + covariance)."""
    determinant = (1 + q1) * (1 + q2) - c**2
    both = 0.25 + np.arcsin(c / np.sqrt((1 + q1) * (1 + q2))) / (2 * math.pi)
    return both, 1 / (2 * math.pi * np.sqrt(determinant)), determinant


# Stein's lemma, E u g(u, v) = q1 E g_u + c E g_v, on phi(u) phi(v) = u v Phi(u) Phi(v) until only the parts are left.
def _gelu(q1: Array, q2: Array, c: Array) -> Array:
    both, densities, _ = _gelu_parts(q1, q2, c)
    return c * both + densities * (q1 * q2 + c**2 * (1 / (1 + q1) + 1 / (1 + q2) - 1))


def _gelu_slope(q1: Array, q2: Array, c: Array) -> Array:
    both, densities, determinant = _gelu_parts(q1, q2, c)
    return both + c * densities * (1 / (1 + q1) + 1 / (1 + q2) + 1 / determinant)


_CLOSED = {
    "erf": _Closed(_erf, _erf_slope),
    "relu": _Closed(_relu, _relu_slope),
    "sin": _Closed(_sin, _cos),
    "cos": _Closed(_cos, _sin),
    "gaussian": _Closed(_gaussian, _gaussian_slope),
    "gelu": _Closed(_gelu, _gelu_slope),
}
