"""Residuals of the statements of Problem 1 (a)-(d): what is left when one side is compared with the other.

Every function takes stacks with any leading axes (stored times, replicates) and returns one number for each:
the Frobenius norm, over all factors together, of the difference of both sides over that of the larger side.
A residual between singular vectors is multiplied by the relative gap of the singular values, because vectors are
determined only to (error of the matrix)/gap (Davis, Kahan 1970).
"""

from collections.abc import Callable

import numpy as np

from mcstudy.models.alignment import Frames, factor_velocities, printed_factor_velocities, raw_frames
from mcstudy.models.deep_linear import (
    Array,
    balancedness_defect,
    end_to_end,
    factor_gradients,
    frobenius,
    relative_residual,
    transpose,
)

__all__ = [
    "balance_residual",
    "conservation_residual",
    "exchange_residual",
    "gradient_residual",
    "printed_balance_residual",
    "printed_velocity_residual",
    "raw_agreement",
    "value_residual",
    "vector_residual",
    "velocity_residual",
]

# Of a complex step: its square vanishes against 1 in double precision, so the derivative has no truncation error.
COMPLEX_STEP = 1e-30


def gradient_residual(
    factors: Array, slope: Array, direction: Array, loss: Callable[[Array], Array]
) -> Array:
    """Problem 1 (a): the loss's derivative along a direction, against the gradients' product with it.

    Parameters
    ----------
    factors, direction : arrays (..., L, d, d)
    slope : array (..., d, d)
        dL/dW.
    loss : function
        From end-to-end matrices, which may be complex, to losses; analytic.

    Returns
    -------
    array (...)
        |derivative - <gradients, direction>| / (||gradients|| ||direction||).
    """
    derivative = loss(end_to_end(factors + 1j * COMPLEX_STEP * direction)).imag / COMPLEX_STEP
    gradients = factor_gradients(factors, slope)
    product = np.sum(gradients * direction, axis=(-1, -2, -3))
    return np.asarray(np.abs(derivative - product) / (frobenius(gradients, 3) * frobenius(direction, 3)))


def exchange_residual(factors: Array, velocities: Array) -> Array:
    """Problem 1 (b), first part: W_{k+1}^T dW_{k+1}/dt against dW_k/dt W_k^T."""
    left = transpose(factors[..., 1:, :, :]) @ velocities[..., 1:, :, :]
    right = velocities[..., :-1, :, :] @ transpose(factors[..., :-1, :, :])
    return relative_residual(left, right, 3)


def conservation_residual(factors: Array) -> Array:
    """The change of W_{k+1}^T W_{k+1} - W_k W_k^T since the first of the states (K, ...), over ||W_k W_k^T||."""
    defect = balancedness_defect(factors)
    scale = frobenius(factors @ transpose(factors), 3)
    return np.asarray(frobenius(defect - defect[:1], 3) / scale)


def balance_residual(factors: Array) -> Array:
    """Problem 1 (b) as it must read: W_{k+1}^T W_{k+1} against W_k W_k^T."""
    upper, lower = factors[..., 1:, :, :], factors[..., :-1, :, :]
    return relative_residual(transpose(upper) @ upper, lower @ transpose(lower), 3)


def printed_balance_residual(factors: Array) -> Array:
    """Problem 1 (b) as printed: W_{k+1}^T W_{k+1} against W_k^T W_k."""
    squares = transpose(factors) @ factors
    return relative_residual(squares[..., 1:, :, :], squares[..., :-1, :, :], 3)


def value_residual(frames: Frames) -> Array:
    """Problem 1 (c): the singular values of each factor against those of the next."""
    return relative_residual(frames.values[..., 1:, :], frames.values[..., :-1, :])


def vector_residual(frames: Frames) -> Array:
    """Problem 1 (c): U_k against V_{k+1}; to be multiplied by the relative gap."""
    return relative_residual(frames.left[..., :-1, :, :], frames.right[..., 1:, :, :], 3)


def raw_agreement(factors: Array) -> Array:
    """The share of pairs (U_k, V_{k+1}) that agree when each factor is decomposed by itself; 1 for one factor.

    Columns that differ by signs only are equal or at distance 2, so that half a unit tells them apart.
    """
    raw = raw_frames(factors)
    if factors.shape[-3] == 1:
        return np.ones(factors.shape[:-3])
    distance = np.max(np.abs(raw.left[..., :-1, :, :] - raw.right[..., 1:, :, :]), axis=(-1, -2))
    return np.asarray(np.mean(distance < 0.5 / np.sqrt(factors.shape[-1]), axis=-1))


def velocity_residual(frames: Frames, slope: Array, velocities: Array) -> Array:
    """Problem 1 (d): the velocities written with the singular value decompositions, against -dL/dW_k."""
    return relative_residual(factor_velocities(frames, slope), velocities, 3)


def printed_velocity_residual(frames: Frames, slope: Array, velocities: Array) -> Array:
    """Problem 1 (d) as printed, V_{k-1}^T for V_k^T, for the factors k >= 2 for which it is defined."""
    return relative_residual(printed_factor_velocities(frames, slope), velocities[..., 1:, :, :], 3)
