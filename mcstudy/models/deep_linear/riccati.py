"""The closed-form flow of two balanced factors towards any invertible W*, aligned or not (Problem 1, L = 2).

With Q = [W_1^T; W_2], the Gram matrix Q Q^T obeys a matrix Riccati equation whose solution is
e^{Ft/2} Q0 [I + Q0^T (e^{Ft/2} F^{-1} e^{Ft/2} - F^{-1}) Q0 / 2]^{-1} Q0^T e^{Ft/2}, F = [[0, W*^T], [W*, 0]].
"""

from __future__ import annotations

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, as_factors

__all__ = ["two_layer_end_to_end", "two_layer_gram"]


def two_layer_gram(start: FloatArray, target: FloatArray, time: float) -> FloatArray:
    """Q Q^T at a time, of blocks W_1^T W_1, W^T; W, W_2 W_2^T.

    F has the eigenvalues plus and minus the singular values of W*, so every function of F is written with
    those of W*: nothing is inverted, and rounding grows only with the exponentials.

    Parameters
    ----------
    start : array, shape (..., 2, d, d)
        Balanced factors; from an unbalanced start the formula is not the flow.
    target : array, shape (..., d, d)
        W*, invertible.
    time : float
        Moderate: entries grow like e^{s* time} before the inverse brings them back.

    Returns
    -------
    array, shape (..., 2 d, 2 d)

    Raises
    ------
    ModelError
        If there are not two factors, or W* is singular to rounding.
    """
    factors = as_factors("start", start)
    if factors.shape[-3] != 2:
        msg = f"`start` must hold two factors, got {factors.shape[-3]}; the closed form is that of L = 2"
        raise ModelError(msg)
    left, values, right = np.linalg.svd(target)
    right = right.mT
    _check_invertible(values)
    half = _even_and_odd(left, right, np.cosh(values * time / 2), np.sinh(values * time / 2))
    growth = np.sinh(values * time) / values
    # (cosh(s t) - 1)/s without its cancellation at early times.
    imbalance = 2 * np.sinh(values * time / 2) ** 2 / values
    kernel = _even_and_odd(left, right, growth, imbalance)
    q0 = np.concatenate([factors[..., 0, :, :].mT, factors[..., 1, :, :]], axis=-2)
    moved = half @ q0
    damping = np.eye(q0.shape[-1]) + q0.mT @ kernel @ q0 / 2
    return np.asarray(moved @ np.linalg.solve(damping, moved.mT))


def two_layer_end_to_end(start: FloatArray, target: FloatArray, time: float) -> FloatArray:
    """The end-to-end matrix W = W_2 W_1 at a time: a block of `two_layer_gram`.

    Parameters and errors are those of `two_layer_gram`.

    Returns
    -------
    array, shape (..., d, d)
    """
    d = target.shape[-1]
    return two_layer_gram(start, target, time)[..., d:, :d]


def _even_and_odd(left: FloatArray, right: FloatArray, even: FloatArray, odd: FloatArray) -> FloatArray:
    """f(F) from f's even part (diagonal blocks) and odd part (off them) at the singular values of W*."""
    columns = even[..., None, :], odd[..., None, :]
    upper = [(right * columns[0]) @ right.mT, (right * columns[1]) @ left.mT]
    lower = [(left * columns[1]) @ right.mT, (left * columns[0]) @ left.mT]
    return np.concatenate([np.concatenate(upper, axis=-1), np.concatenate(lower, axis=-1)], axis=-2)


def _check_invertible(values: FloatArray) -> None:
    """Refuse singular values, descending, of which the smallest drowns in the rounding of the largest."""
    threshold = values.shape[-1] * np.finfo(np.float64).eps
    worst = float(np.min(values[..., -1] / np.where(values[..., 0] > 0, values[..., 0], 1.0), initial=1.0))
    if worst <= threshold:
        msg = (
            f"`target` must be invertible, got a matrix whose smallest singular value is {worst:.1e} times its "
            "largest; integrate the flow with `gradient_flow`"
        )
        raise ModelError(msg)
