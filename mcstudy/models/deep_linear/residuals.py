"""Residuals of the statements of Problem 1 (a)-(d): what is left when one side is compared with the other.

Every function takes stacks with any leading axes (stored times, replicates) and returns one number for each, shape
(...): the Frobenius norm, over all factors together, of the difference of both sides over that of the larger side.
A residual between singular vectors is to be multiplied by the relative gap of the singular values, because vectors
are determined only to (error of the matrix)/gap (Davis, Kahan 1970). What compares neighbouring factors needs two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, frobenius, inner, relative_residual
from mcstudy.models.deep_linear.alignment import SingularVectors, decompose
from mcstudy.models.deep_linear.products import balancedness_defect, end_to_end, factor_gradients
from mcstudy.models.deep_linear.velocities import (
    end_to_end_velocity,
    end_to_end_velocity_by_chain_rule,
    end_to_end_velocity_from_vectors,
    factor_velocities,
    printed_factor_velocities,
)

__all__ = [
    "balance_residual",
    "conservation_residual",
    "end_to_end_residuals",
    "exchange_residual",
    "gradient_residual",
    "printed_balance_residual",
    "printed_velocity_residual",
    "unaligned_agreement",
    "value_residual",
    "vector_residual",
    "velocity_residual",
]

# Of a complex step: its square vanishes against 1 in double precision, so the derivative has no truncation error.
COMPLEX_STEP = 1e-30

ComplexLoss = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def gradient_residual(
    factors: FloatArray, slope: FloatArray, direction: FloatArray, loss: ComplexLoss
) -> FloatArray:
    """Problem 1 (a): the loss's derivative along a direction, against the gradients' product with it.

    Parameters
    ----------
    factors, direction : array, shape (..., L, d, d)
    slope : array, shape (..., d, d)
        dL/dW.
    loss : callable
        From complex end-to-end matrices, shape (..., d, d), to losses, shape (...); analytic.

    Returns
    -------
    array, shape (...)
        |derivative - <gradients, direction>| / (||gradients|| ||direction||).
    """
    moved: npt.NDArray[Any] = factors + 1j * COMPLEX_STEP * direction
    derivative = loss(end_to_end(moved)).imag / COMPLEX_STEP
    gradients = factor_gradients(factors, slope)
    difference = np.abs(derivative - inner(gradients, direction, 3))
    return np.asarray(difference / (frobenius(gradients, 3) * frobenius(direction, 3)))


def exchange_residual(factors: FloatArray, velocities: FloatArray) -> FloatArray:
    """Problem 1 (b), first part: W_{k+1}^T dW_{k+1}/dt against dW_k/dt W_k^T, balanced or not.

    Parameters
    ----------
    factors, velocities : array, shape (..., L, d, d)

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If there is only one factor.
    """
    lower, upper = _neighbours(factors)
    return relative_residual(
        upper.mT @ velocities[..., 1:, :, :], velocities[..., :-1, :, :] @ lower.mT, axes=3
    )


def conservation_residual(factors: FloatArray) -> FloatArray:
    """The change of W_{k+1}^T W_{k+1} - W_k W_k^T since the first of the states, over ||W_k W_k^T||.

    Parameters
    ----------
    factors : array, shape (K, ..., L, d, d)
        States at K times.

    Returns
    -------
    array, shape (K, ...)
        0 at the first time.

    Raises
    ------
    ModelError
        If there is only one factor.
    """
    _neighbours(factors)
    defect = balancedness_defect(factors)
    return np.asarray(frobenius(defect - defect[:1], 3) / frobenius(factors @ factors.mT, 3))


def balance_residual(factors: FloatArray) -> FloatArray:
    """Problem 1 (b) as it must read: W_{k+1}^T W_{k+1} against W_k W_k^T.

    Parameters
    ----------
    factors : array, shape (..., L, d, d)

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If there is only one factor.
    """
    lower, upper = _neighbours(factors)
    return relative_residual(upper.mT @ upper, lower @ lower.mT, axes=3)


def printed_balance_residual(factors: FloatArray) -> FloatArray:
    """Problem 1 (b) as printed: W_{k+1}^T W_{k+1} against W_k^T W_k.

    Parameters, result and errors are those of `balance_residual`.
    """
    lower, upper = _neighbours(factors)
    return relative_residual(upper.mT @ upper, lower.mT @ lower, axes=3)


def value_residual(vectors: SingularVectors) -> FloatArray:
    """Problem 1 (c): the singular values of each factor against those of the next.

    Parameters
    ----------
    vectors : SingularVectors

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If there is only one factor.
    """
    _neighbours(vectors.left)
    return relative_residual(vectors.values[..., 1:, :], vectors.values[..., :-1, :])


def vector_residual(vectors: SingularVectors) -> FloatArray:
    """Problem 1 (c): U_k against V_{k+1}, for aligned decompositions; to be multiplied by the relative gap.

    Parameters, result and errors are those of `value_residual`.
    """
    left, _ = _neighbours(vectors.left)
    _, right = _neighbours(vectors.right)
    return relative_residual(left, right, axes=3)


def unaligned_agreement(factors: FloatArray) -> FloatArray:
    """The share of pairs (U_k, V_{k+1}) that agree when each factor is decomposed by itself.

    Columns that differ by signs only are equal or at distance 2, so that half a unit tells them apart.

    Parameters, result and errors are those of `balance_residual`.
    """
    raw = decompose(factors)
    (left, _), (_, right) = _neighbours(raw.left), _neighbours(raw.right)
    distance = np.max(np.abs(left - right), axis=(-1, -2))
    return np.asarray(np.mean(distance < 0.5 / np.sqrt(factors.shape[-1]), axis=-1))


def velocity_residual(vectors: SingularVectors, slope: FloatArray, velocities: FloatArray) -> FloatArray:
    """Problem 1 (d): the velocities written with the singular value decompositions, against -dL/dW_k.

    To be multiplied by the relative gap.

    Parameters
    ----------
    vectors : SingularVectors
        Aligned.
    slope : array, shape (..., d, d)
        dL/dW.
    velocities : array, shape (..., L, d, d)

    Returns
    -------
    array, shape (...)
    """
    return relative_residual(factor_velocities(vectors, slope), velocities, axes=3)


def printed_velocity_residual(
    vectors: SingularVectors, slope: FloatArray, velocities: FloatArray
) -> FloatArray:
    """Problem 1 (d) as printed, V_{k-1}^T for V_k^T, for the factors k >= 2 for which it is defined.

    Parameters and result are those of `velocity_residual`.

    Raises
    ------
    ModelError
        If there is only one factor.
    """
    _, later = _neighbours(velocities)
    return relative_residual(printed_factor_velocities(vectors, slope), later, axes=3)


def end_to_end_residuals(
    vectors: SingularVectors, slope: FloatArray, factors: FloatArray
) -> dict[str, FloatArray]:
    """Residuals of the velocity of the end-to-end matrix, Problem 1 (e) and (f), against the chain rule.

    Parameters
    ----------
    vectors : SingularVectors
        Of the factors.
    slope : array, shape (..., d, d)
        L times the gradient of the loss at the end-to-end matrix.
    factors : array, shape (..., L, d, d)

    Returns
    -------
    dict from str to array of shape (...)
        ``with_vectors``, the right side of (e), and ``with_product``, that of (f).
    """
    moved = end_to_end_velocity_by_chain_rule(factors, -factor_gradients(factors, slope))
    sides = {
        "with_vectors": end_to_end_velocity_from_vectors(vectors, slope),
        "with_product": end_to_end_velocity(end_to_end(factors), slope, factors.shape[-3]),
    }
    return {name: relative_residual(side, moved) for name, side in sides.items()}


def _neighbours(stack: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What belongs to the factors 1, ..., L - 1, and to 2, ..., L; refused where there is no such pair."""
    if stack.shape[-3] < 2:
        msg = (
            "`factors` must be two or more to have neighbours, got one a network; "
            "a statement about neighbouring factors says nothing for L = 1"
        )
        raise ModelError(msg)
    return stack[..., :-1, :, :], stack[..., 1:, :, :]
