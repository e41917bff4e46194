"""A shallow network, its gradient, its linearization at the start, and the bound between the two (Problem 2).

    f(W) = sum_j a_j sigma(w_j^T x),    a_j = +-1/sqrt(m),    w_{0,j} iid N(0, I_d)

All functions take stacks: weights `W` of shape (..., m, d), outputs `a` of shape (..., m), an input `x` of
shape (..., d); leading axes broadcast, one network for each replicate. Everything is float64.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import ModelError
from mcstudy.models.activations import Activation, Array

__all__ = [
    "bound",
    "draw_outputs",
    "draw_weights",
    "gradient",
    "linearization",
    "linearization_by_rows",
    "linearization_error",
    "network",
    "preactivations",
    "squared_norm",
]


def draw_outputs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw output weights a_j = +-1/sqrt(m), each sign with probability 1/2; `shape` is (..., m)."""
    width = _checked_width(shape[-1])
    signs = rng.integers(0, 2, size=shape, dtype=np.int8)
    return np.asarray((2.0 * signs - 1.0) / np.sqrt(width), dtype=np.float64)


def draw_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw first-layer weights with iid N(0, 1) entries; `shape` is (..., m, d)."""
    _checked_width(shape[-2])
    return rng.standard_normal(shape)


def preactivations(W: Array, x: Array) -> Array:
    """Return w_j^T x, shape (..., m).

    Raises
    ------
    ModelError
        If `x` is zero or not finite, or its length is not the number of columns of `W`.
    """
    _check_input(W, x)
    return np.asarray((W @ x[..., None])[..., 0])


def network(W: Array, a: Array, x: Array, sigma: Activation) -> Array:
    """Return f(W), shape (...)."""
    return np.asarray(np.vecdot(a, sigma.value(preactivations(W, x))))


def gradient(W: Array, a: Array, x: Array, sigma: Activation) -> Array:
    """Return grad f(W) = D a x^T with D = diag sigma'(w_j^T x), shape (..., m, d) (Problem 2 (a))."""
    return (a * sigma.slope(preactivations(W, x)))[..., None] * x[..., None, :]


def linearization(W: Array, W0: Array, a: Array, x: Array, sigma: Activation) -> Array:
    """Return f_0(W) = f(W_0) + <grad f(W_0), W - W_0>, shape (...): the definition (Problem 2 (b))."""
    step = np.sum(gradient(W0, a, x, sigma) * (W - W0), axis=(-2, -1))
    return network(W0, a, x, sigma) + step


def linearization_by_rows(W: Array, W0: Array, a: Array, x: Array, sigma: Activation) -> Array:
    """Return sum_j a_j([sigma(z_j) - sigma'(z_j) z_j] + sigma'(z_j) w_j^T x), z_j = w_{0,j}^T x (Problem 2 (b)).

    Equal to `linearization`; neither f(W_0) nor the gradient is formed.
    """
    z = preactivations(W0, x)
    slope = sigma.slope(z)
    return np.asarray(np.vecdot(a, sigma.value(z) - slope * z + slope * preactivations(W, x)))


def linearization_error(z: Array, z0: Array, a: Array, sigma: Activation) -> Array:
    """Return f(W) - f_0(W) from the preactivations at W and at W_0, each of shape (..., m)."""
    return np.asarray(
        np.vecdot(a, sigma.value(z)) - np.vecdot(a, sigma.value(z0) + sigma.slope(z0) * (z - z0))
    )


def bound(distance: ArrayLike, x: Array, width: int, sigma: Activation) -> NDArray[np.float64]:
    """Return beta/(2 sqrt m) ||W - W_0||^2 ||x||^2, which |f(W) - f_0(W)| never exceeds (Problem 2 (c)).

    Parameters
    ----------
    distance
        ||W - W_0|| (Frobenius), shape (...).
    x
        Input, shape (..., d).
    width
        m, the number of rows of W.
    sigma
        A beta-smooth activation.

    Raises
    ------
    ModelError
        If `sigma` is not smooth, `width` is below 1, or `x` is zero.

    Examples
    --------
    >>> from mcstudy.models.activations import activation
    >>> float(bound(1.0, np.array([0.6, 0.8]), 4, activation("sin")))
    0.25
    """
    require_smooth(sigma)
    norm2 = squared_norm(x)
    return np.asarray(sigma.beta / (2.0 * np.sqrt(_checked_width(width))) * np.square(distance) * norm2)


def squared_norm(x: Array) -> Array:
    """Return ||x||^2, shape (...); a zero or non-finite `x` is refused."""
    norm2 = np.vecdot(x, x)
    if not (np.all(np.isfinite(norm2)) and np.all(norm2 > 0)):
        msg = (
            "`x` must be finite and not zero: on a zero input every network is constant in W; drop such rows"
        )
        raise ModelError(msg)
    return np.asarray(norm2)


def require_smooth(sigma: Activation) -> None:
    """Raise `ModelError` when `sigma` has no finite beta."""
    if not sigma.smooth:
        msg = (
            f"the bound needs a beta-smooth `activation`; {sigma.name!r} has no finite beta ({sigma.source})"
        )
        raise ModelError(msg)


def _checked_width(width: int) -> int:
    if width < 1:
        msg = f"`width` must be at least 1; got m = {width}"
        raise ModelError(msg)
    return width


def _check_input(W: Array, x: Array) -> None:
    _checked_width(W.shape[-2])
    if W.shape[-1] != x.shape[-1]:
        msg = f"`x` must have one entry for each column of `W`; got {x.shape[-1]} entries for {W.shape[-1]} columns"
        raise ModelError(msg)
    squared_norm(x)
