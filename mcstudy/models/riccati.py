"""The closed-form flow of two balanced factors towards any invertible W*, aligned or not (Problem 1, L = 2).

With Q = [W_1^T; W_2], the Gram matrix Q Q^T obeys a matrix Riccati equation whose solution is
e^{Ft/2} Q0 [I + Q0^T (e^{Ft/2} F^{-1} e^{Ft/2} - F^{-1}) Q0 / 2]^{-1} Q0^T e^{Ft/2}, F = [[0, W*^T], [W*, 0]].
"""

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import Array, require_factors, transpose

__all__ = ["two_layer_end_to_end", "two_layer_gram"]


def two_layer_gram(start: Array, target: Array, time: float) -> Array:
    """Q Q^T at a time, shape (..., 2d, 2d): blocks W_1^T W_1, W^T; W, W_2 W_2^T.

    F has the eigenvalues plus and minus the singular values of W*, so every function of F is written with
    those of W*: nothing is inverted, and rounding grows only with the exponentials.

    Parameters
    ----------
    start : array (..., 2, d, d)
        Balanced factors; from an unbalanced start the formula is not the flow.
    target : array (..., d, d)
        W*, invertible.
    time : float
        Moderate: entries grow like e^{s* time} before the inverse brings them back.

    Raises
    ------
    ModelError
        If there are not two factors, or W* is singular to rounding.
    """
    factors = require_factors(start)
    if factors.shape[-3] != 2:
        msg = f"`start` must hold two factors, got {factors.shape[-3]}: the closed form is that of L = 2."
        raise ModelError(msg)
    left, values, right = np.linalg.svd(target)
    right = transpose(right)
    _require_invertible(values)
    half = _even_and_odd(left, right, np.cosh(values * time / 2), np.sinh(values * time / 2))
    growth = np.sinh(values * time) / values
    imbalance = 2 * np.sinh(values * time / 2) ** 2 / values
    kernel = _even_and_odd(left, right, growth, imbalance)
    q0 = np.concatenate([transpose(factors[..., 0, :, :]), factors[..., 1, :, :]], axis=-2)
    moved = half @ q0
    inner = np.eye(q0.shape[-1]) + transpose(q0) @ kernel @ q0 / 2
    return np.asarray(moved @ np.linalg.solve(inner, transpose(moved)))


def two_layer_end_to_end(start: Array, target: Array, time: float) -> Array:
    """The end-to-end matrix W = W_2 W_1 at a time, shape (..., d, d): a block of `two_layer_gram`."""
    d = target.shape[-1]
    return two_layer_gram(start, target, time)[..., d:, :d]


def _even_and_odd(left: Array, right: Array, even: Array, odd: Array) -> Array:
    """f(F) from f's even part (diagonal blocks) and odd part (off them) at the singular values of W*."""
    columns = even[..., None, :], odd[..., None, :]
    upper = [(right * columns[0]) @ transpose(right), (right * columns[1]) @ transpose(left)]
    lower = [(left * columns[1]) @ transpose(right), (left * columns[0]) @ transpose(left)]
    return np.concatenate([np.concatenate(upper, axis=-1), np.concatenate(lower, axis=-1)], axis=-2)


def _require_invertible(values: Array) -> None:
    threshold = values.shape[-1] * np.finfo(np.float64).eps
    worst = float(np.min(values[..., -1] / np.where(values[..., 0] > 0, values[..., 0], 1.0), initial=1.0))
    if worst <= threshold:
        msg = (
            f"`target` must be invertible, got a matrix whose smallest singular value is {worst:.1e} times its "
            "largest; integrate the flow with `gradient_flow` instead."
        )
        raise ModelError(msg)
