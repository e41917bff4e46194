"""Kernels of infinitely wide shallow networks: closed forms, quadrature, and their random-feature estimates.

For (u, v) centred Gaussian with variances q1, q2 and covariance c, the pre-activations of one random row on two
inputs, the kernel is k = E phi(u) phi(v) and the slope kernel kdot = E phi'(u) phi'(v). The tangent kernel of a network
that trains its first layer is x^T x' kdot (Problem 2). All functions broadcast over q1, q2 and c.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.quadrature import gauss_hermite

__all__ = ["closed_forms", "kernel", "product_mean", "slope_kernel"]

Form: TypeAlias = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def kernel(name: str, q1: npt.ArrayLike, q2: npt.ArrayLike, c: npt.ArrayLike) -> FloatArray:
    """The kernel E phi(u) phi(v), by its closed form where there is one and by quadrature elsewhere.

    Parameters
    ----------
    name : str
        The activation's.
    q1, q2, c : array_like, shape (...)
        Variances and covariance of u and v.

    Returns
    -------
    array, shape (...)

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


def slope_kernel(name: str, q1: npt.ArrayLike, q2: npt.ArrayLike, c: npt.ArrayLike) -> FloatArray:
    """The slope kernel E phi'(u) phi'(v); parameters, result and errors are those of `kernel`."""
    return _evaluate(name, 1, q1, q2, c)


def closed_forms() -> tuple[str, ...]:
    """Names of the activations whose kernels are known in closed form."""
    return tuple(_CLOSED)


def product_mean(
    f: Callable[[FloatArray], FloatArray], q1: npt.ArrayLike, q2: npt.ArrayLike, c: npt.ArrayLike
) -> FloatArray:
    """E f(u) f(v) by a Gauss-Hermite product rule of 200 x 200 nodes.

    Parameters
    ----------
    f : callable
        Elementwise and smooth.
    q1, q2, c : array_like, shape (...)
        Variances and covariance of u and v.

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If (q1, q2, c) is no covariance.
    """
    q1, q2, c = _checked_covariance(q1, q2, c)
    nodes, weights = gauss_hermite()
    first = np.sqrt(q1)[..., None] * nodes
    # v given u: mean c u/q1, variance q2 - c^2/q1, which rounding may leave below zero.
    rest = np.sqrt(np.maximum(q2 - c**2 / q1, 0.0))
    second = (c / np.sqrt(q1))[..., None, None] * nodes[:, None] + rest[..., None, None] * nodes
    mean_given_u = f(second) @ weights
    return np.asarray((f(first) * mean_given_u) @ weights)


def _evaluate(
    name: str, derivative: int, q1: npt.ArrayLike, q2: npt.ArrayLike, c: npt.ArrayLike
) -> FloatArray:
    """The kernel, or with `derivative` 1 the slope kernel."""
    sigma = activation(name)
    if name in _CLOSED:
        return _CLOSED[name][derivative](*_checked_covariance(q1, q2, c))
    if not sigma.smooth:
        msg = f"`activation` must be smooth or in closed form ({', '.join(_CLOSED)}), got {name!r}; no kernel is known"
        raise ModelError(msg)
    return product_mean(sigma.slope if derivative else sigma.value, q1, q2, c)


def _checked_covariance(
    q1: npt.ArrayLike, q2: npt.ArrayLike, c: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    first, second, cross = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (q1, q2, c))
    )
    # Inner products of equal inputs may exceed the bound by rounding.
    valid = (first > 0) & (second > 0) & (cross**2 <= first * second * (1 + 1e-12))
    if not np.all(valid):
        msg = (
            f"`q1`, `q2` must be positive and `c`^2 at most q1 q2, as ||x||^2, ||x'||^2 and x^T x' are, "
            f"got q1 = {first[~valid].flat[0]}, q2 = {second[~valid].flat[0]}, c = {cross[~valid].flat[0]}"
        )
        raise ModelError(msg)
    return first, second, cross


class _Closed(NamedTuple):
    kernel: Form
    slope_kernel: Form


def _angle(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return np.arccos(np.clip(c / np.sqrt(q1 * q2), -1.0, 1.0))


def _relu(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    t = _angle(q1, q2, c)
    return np.sqrt(q1 * q2) / (2 * math.pi) * (np.sin(t) + (math.pi - t) * np.cos(t))


def _relu_slope(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return (math.pi - _angle(q1, q2, c)) / (2 * math.pi)


def _erf_determinant(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return (1 + 2 * q1) * (1 + 2 * q2) - 4 * c**2


def _erf(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return (2 / math.pi) * np.arcsin(2 * c / np.sqrt((1 + 2 * q1) * (1 + 2 * q2)))


def _erf_slope(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return (4 / math.pi) / np.sqrt(_erf_determinant(q1, q2, c))


def _sin(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return np.exp(-(q1 + q2) / 2) * np.sinh(c)


def _cos(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return np.exp(-(q1 + q2) / 2) * np.cosh(c)


def _gaussian(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return _erf_determinant(q1, q2, c) ** -0.5


def _gaussian_slope(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    return 4 * c * _erf_determinant(q1, q2, c) ** -1.5


def _gelu_parts(q1: FloatArray, q2: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """E Phi(u) Phi(v), E of the product of the densities, and D = det(I + covariance)."""
    determinant = (1 + q1) * (1 + q2) - c**2
    both = 0.25 + np.arcsin(c / np.sqrt((1 + q1) * (1 + q2))) / (2 * math.pi)
    return both, 1 / (2 * math.pi * np.sqrt(determinant)), determinant


# Stein's lemma, E u g(u, v) = q1 E g_u + c E g_v, on phi(u) phi(v) = u v Phi(u) Phi(v) until only the parts are left.
def _gelu(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
    both, densities, _ = _gelu_parts(q1, q2, c)
    return c * both + densities * (q1 * q2 + c**2 * (1 / (1 + q1) + 1 / (1 + q2) - 1))


def _gelu_slope(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
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
