"""Stacks of matrices: the array type, products and norms over the last axes, and what may enter as a stack."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.checks import check_finite

__all__ = ["FloatArray", "as_factors", "as_matrices", "frobenius", "inner", "relative_residual"]

FloatArray: TypeAlias = npt.NDArray[np.float64]


def inner(a: FloatArray, b: FloatArray, axes: int = 2) -> FloatArray:
    """Inner product over the last axes of two stacks, for matrices the Frobenius product <a, b>.

    Parameters
    ----------
    a, b : array, shape (..., d_1, ..., d_axes)
        Real; leading axes broadcast.
    axes : int
        How many axes the product runs over.

    Returns
    -------
    array, shape (...)

    Examples
    --------
    >>> float(inner(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]])))
    5.0
    """
    return np.asarray(np.vecdot(_flat(a, axes), _flat(b, axes)))


def frobenius(stack: FloatArray, axes: int = 2) -> FloatArray:
    """Euclidean norm over the last axes of a stack, for matrices the Frobenius norm.

    Parameters
    ----------
    stack : array, shape (..., d_1, ..., d_axes)
    axes : int
        3 takes the norm of all factors of a network together.

    Returns
    -------
    array, shape (...)
    """
    return np.asarray(np.linalg.vector_norm(_flat(stack, axes), axis=-1))


def relative_residual(left: FloatArray, right: FloatArray, axes: int = 2) -> FloatArray:
    """||left - right|| / max(||left||, ||right||) over the last axes; 0 where both sides vanish.

    Parameters
    ----------
    left, right : array, shape (..., d_1, ..., d_axes)
        Leading axes broadcast.
    axes : int

    Returns
    -------
    array, shape (...)

    Examples
    --------
    >>> float(relative_residual(np.eye(2), 0.5 * np.eye(2)))
    0.5
    """
    scale = np.maximum(frobenius(left, axes), frobenius(right, axes))
    return np.asarray(frobenius(left - right, axes) / np.where(scale > 0, scale, 1.0))


def as_matrices(name: str, matrices: npt.ArrayLike) -> FloatArray:
    """Square matrices as a float64 stack.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    matrices : array_like, shape (..., d, d)

    Returns
    -------
    array, shape (..., d, d)

    Raises
    ------
    ModelError
        If the matrices are ragged, not square, empty or not finite.
    """
    stack = _stack(name, matrices)
    if stack.ndim < 2 or not _square(stack):
        msg = (
            f"`{name}` must be a square matrix or a stack of them, shape (..., d, d), got shape {stack.shape}"
        )
        raise ModelError(msg)
    return check_finite(name, stack)


def as_factors(name: str, factors: npt.ArrayLike) -> FloatArray:
    """The factors W_1, ..., W_L of deep linear networks as a float64 stack.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    factors : array_like, shape (..., L, d, d)

    Returns
    -------
    array, shape (..., L, d, d)

    Raises
    ------
    ModelError
        If the factors are ragged, none, not square or not finite.
    """
    stack = _stack(name, factors)
    if stack.ndim < 3 or stack.shape[-3] < 1 or not _square(stack):
        msg = f"`{name}` must be square factors, shape (..., L, d, d) with L >= 1, got shape {stack.shape}"
        raise ModelError(msg)
    return check_finite(name, stack)


def _flat(stack: FloatArray, axes: int) -> FloatArray:
    """The last axes as one."""
    return stack.reshape(*stack.shape[: stack.ndim - axes], -1)


def _stack(name: str, matrices: npt.ArrayLike) -> FloatArray:
    try:
        # "same_kind" takes integers and refuses complex numbers, whose imaginary parts would be lost.
        return np.asarray(matrices).astype(np.float64, casting="same_kind", copy=False)
    except (TypeError, ValueError) as error:
        msg = f"`{name}` must be one array of real numbers, got {error}; give all matrices one size d x d"
        raise ModelError(msg) from error


def _square(stack: FloatArray) -> bool:
    rows, columns = stack.shape[-2:]
    return bool(rows == columns >= 1)
