"""A shallow network, its gradient, its linearization at the start, and the bound between the two (Problem 2).

    f(W) = sum_j a_j sigma(w_j^T x),    a_j = +-1/sqrt(m),    w_{0,j} iid N(0, I_d)

All functions take stacks, one network for each replicate; leading axes broadcast.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, inner
from mcstudy.models.checks import check_count
from mcstudy.models.shallow.activations import Activation, check_smooth

__all__ = [
    "error_bound",
    "gradient",
    "linearization",
    "linearization_by_rows",
    "linearization_error",
    "network",
    "preactivations",
    "squared_norm",
]


def preactivations(W: FloatArray, x: FloatArray) -> FloatArray:
    """w_j^T x for every row of W.

    Parameters
    ----------
    W : array, shape (..., m, d)
    x : array, shape (..., d)

    Returns
    -------
    array, shape (..., m)

    Raises
    ------
    ModelError
        If `x` is zero or not finite, or its length is not the number of columns of `W`.
    """
    check_count("width", W.shape[-2])
    if W.shape[-1] != x.shape[-1]:
        msg = (
            f"`x` must have an entry for each of the {W.shape[-1]} columns of `W`, got {x.shape[-1]} entries"
        )
        raise ModelError(msg)
    squared_norm(x)
    return np.asarray((W @ x[..., None])[..., 0])


def network(W: FloatArray, a: FloatArray, x: FloatArray, sigma: Activation) -> FloatArray:
    """f(W) = sum_j a_j sigma(w_j^T x).

    Parameters
    ----------
    W : array, shape (..., m, d)
        First-layer weights.
    a : array, shape (..., m)
        Outputs.
    x : array, shape (..., d)
        Input.
    sigma : Activation

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If `x` is zero or not finite, or its length is not the number of columns of `W`.
    """
    return np.asarray(np.vecdot(a, sigma.value(preactivations(W, x))))


def gradient(W: FloatArray, a: FloatArray, x: FloatArray, sigma: Activation) -> FloatArray:
    """Grad f(W) = D a x^T with D = diag sigma'(w_j^T x) (Problem 2 (a)).

    Parameters and errors are those of `network`.

    Returns
    -------
    array, shape (..., m, d)
    """
    return (a * sigma.slope(preactivations(W, x)))[..., None] * x[..., None, :]


def linearization(
    W: FloatArray, W0: FloatArray, a: FloatArray, x: FloatArray, sigma: Activation
) -> FloatArray:
    """f_0(W) = f(W_0) + <grad f(W_0), W - W_0>: the definition (Problem 2 (b)).

    Parameters, result and errors are those of `network`, with the start `W0` of the shape of `W`.
    """
    return network(W0, a, x, sigma) + inner(gradient(W0, a, x, sigma), W - W0)


def linearization_by_rows(
    W: FloatArray, W0: FloatArray, a: FloatArray, x: FloatArray, sigma: Activation
) -> FloatArray:
    """f_0(W) = sum_j a_j([sigma(z_j) - sigma'(z_j) z_j] + sigma'(z_j) w_j^T x), z_j = w_{0,j}^T x (Problem 2 (b)).

    Equal to `linearization`; neither f(W_0) nor the gradient is formed. Parameters, result and errors are the same.
    """
    z = preactivations(W0, x)
    slope = sigma.slope(z)
    return np.asarray(np.vecdot(a, sigma.value(z) - slope * z + slope * preactivations(W, x)))


def linearization_error(z: FloatArray, z0: FloatArray, a: FloatArray, sigma: Activation) -> FloatArray:
    """f(W) - f_0(W) from preactivations.

    Parameters
    ----------
    z, z0, a : array, shape (..., m)
        Preactivations at W and at W_0, and outputs.
    sigma : Activation

    Returns
    -------
    array, shape (...)
    """
    line = sigma.value(z0) + sigma.slope(z0) * (z - z0)
    return np.asarray(np.vecdot(a, sigma.value(z)) - np.vecdot(a, line))


def error_bound(distance: npt.ArrayLike, x: FloatArray, width: int, sigma: Activation) -> FloatArray:
    """beta/(2 sqrt m) ||W - W_0||^2 ||x||^2, which |f(W) - f_0(W)| never exceeds (Problem 2 (c)).

    Parameters
    ----------
    distance : array_like, shape (...)
        ||W - W_0|| (Frobenius).
    x : array, shape (..., d)
        Input.
    width : int
        m, the number of rows of W.
    sigma : Activation
        A beta-smooth one.

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If `sigma` is not smooth, `width` is below 1, or `x` is zero or not finite.

    Examples
    --------
    >>> from mcstudy.models.shallow.activations import activation
    >>> float(error_bound(1.0, np.array([0.6, 0.8]), 4, activation("sin")))
    0.25
    """
    constant = check_smooth(sigma).beta / (2.0 * np.sqrt(check_count("width", width)))
    return np.asarray(constant * np.square(distance) * squared_norm(x))


def squared_norm(x: FloatArray) -> FloatArray:
    """||x||^2 of inputs.

    Parameters
    ----------
    x : array, shape (..., d)

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If an input is zero or not finite.
    """
    norm2 = np.asarray(np.vecdot(x, x))
    valid = np.isfinite(norm2) & (norm2 > 0)
    if not valid.all():
        msg = (
            f"`x` must be finite and not zero, got ||x||^2 = {norm2[~valid].flat[0]}; "
            "on a zero input every network is constant in W: drop such rows"
        )
        raise ModelError(msg)
    return norm2
