"""Deep linear networks W = W_L ... W_1: products, losses and their gradients, balancedness (Problem 1).

Every function works on stacks: factors have the shape (..., L, d, d) with `factors[..., k - 1, :, :]` holding
W_k, end-to-end matrices the shape (..., d, d). A loss enters only through its end-to-end gradient dL/dW, so
that what holds for every loss can be tried on the population loss and on an empirical one.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import ModelError

__all__ = [
    "balancedness_defect",
    "end_to_end",
    "end_to_end_velocity_by_chain_rule",
    "factor_gradients",
    "frobenius",
    "printed_defect",
    "relative_residual",
    "require_depth",
    "require_factors",
    "sensing_gradient",
    "sensing_loss",
    "transpose",
]

Array: TypeAlias = NDArray[Any]


def transpose(matrices: Array) -> Array:
    """Matrices (..., d, d) transposed in the last two axes."""
    return np.swapaxes(matrices, -1, -2)


def frobenius(stack: Array, axes: int = 2) -> Array:
    """Euclidean norm over the last `axes` axes of a stack: the Frobenius norm of matrices for 2."""
    return np.sqrt(np.sum(np.abs(stack) ** 2, axis=tuple(range(-axes, 0))))


def relative_residual(left: Array, right: Array, axes: int = 2) -> Array:
    """||left - right|| / max(||left||, ||right||) over the last `axes` axes; 0 where both sides vanish.

    Examples
    --------
    >>> import numpy as np
    >>> float(relative_residual(np.eye(2), 0.5 * np.eye(2)))
    0.5
    """
    scale = np.maximum(frobenius(left, axes), frobenius(right, axes))
    return frobenius(left - right, axes) / np.where(scale > 0, scale, 1.0)


def require_depth(depth: int) -> int:
    """The depth L, the number of factors, if it is an integer of at least 1.

    Raises
    ------
    ModelError
        If `depth` is below 1 or no integer.
    """
    if depth < 1 or depth != int(depth):
        msg = f"`depth` must be an integer of at least 1, got {depth!r}; a network has at least one factor."
        raise ModelError(msg)
    return int(depth)


def require_factors(factors: ArrayLike) -> Array:
    """The factors as an array (..., L, d, d), if they can be multiplied and are finite.

    Raises
    ------
    ModelError
        If the factors are ragged, fewer than one, not square or not finite.
    """
    try:
        stack = np.asarray(factors)
        stack = stack if np.iscomplexobj(stack) else stack.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        msg = f"`factors` must be one array (..., L, d, d): all factors have one size d x d. NumPy says: {error}"
        raise ModelError(msg) from error
    if stack.ndim < 3 or stack.shape[-1] != stack.shape[-2] or stack.shape[-1] < 1:
        msg = f"`factors` must have the shape (..., L, d, d) of square matrices, got {stack.shape}."
        raise ModelError(msg)
    require_depth(stack.shape[-3])
    if not np.all(np.isfinite(stack)):
        msg = f"`factors` must be finite, got {np.sum(~np.isfinite(stack))} entries that are not."
        raise ModelError(msg)
    return stack


def end_to_end(factors: Array) -> Array:
    """The end-to-end matrix W = W_L ... W_1, shape (..., d, d).

    Examples
    --------
    >>> import numpy as np
    >>> first, second = np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> end_to_end(np.stack([first, second]))
    array([[0., 2.],
           [1., 0.]])
    """
    product = factors[..., 0, :, :]
    for k in range(1, factors.shape[-3]):
        product = factors[..., k, :, :] @ product
    return product


def factor_gradients(factors: Array, slope: Array) -> Array:
    """Gradients of a loss in every factor, dL/dW_k = W_{L:k+1}^T (dL/dW) W_{k-1:1}^T (Problem 1 (a)).

    Parameters
    ----------
    factors : array (..., L, d, d)
    slope : array (..., d, d)
        The end-to-end gradient dL/dW at W = W_L ... W_1; (W - W*)/L for the population loss.

    Returns
    -------
    array (..., L, d, d)
        Its negative is the velocity of the gradient flow.
    """
    depth = factors.shape[-3]
    below = [factors[..., 0, :, :]]
    for k in range(1, depth - 1):
        below.append(factors[..., k, :, :] @ below[-1])
    shape = np.broadcast_shapes(factors.shape[:-3], slope.shape[:-2]) + factors.shape[-3:]
    gradients = np.empty(shape, dtype=np.result_type(factors, slope))
    from_above = slope
    for k in range(depth - 1, 0, -1):
        np.matmul(from_above, transpose(below[k - 1]), out=gradients[..., k, :, :])
        from_above = transpose(factors[..., k, :, :]) @ from_above
    gradients[..., 0, :, :] = from_above
    return gradients


def end_to_end_velocity_by_chain_rule(factors: Array, velocities: Array) -> Array:
    """The velocity of the product, dW/dt = sum_k W_{L:k+1} (dW_k/dt) W_{k-1:1}, shape (..., d, d).

    Parameters
    ----------
    factors, velocities : arrays (..., L, d, d)
    """
    product, velocity = factors[..., 0, :, :], velocities[..., 0, :, :]
    for k in range(1, factors.shape[-3]):
        velocity = velocities[..., k, :, :] @ product + factors[..., k, :, :] @ velocity
        product = factors[..., k, :, :] @ product
    return velocity


def sensing_loss(matrix: Array, target: Array, depth: int, moment: Array | None = None) -> Array:
    """The sensing loss (1/2L) vec(W - W*)^T M vec(W - W*), shape (...,).

    Parameters
    ----------
    matrix, target : arrays (..., d, d)
        The end-to-end matrix W and the planted W*.
    depth : int
        L, in the loss only as the factor 1/(2L).
    moment : array (..., d^2, d^2), optional
        The measurements' second moment M, see `mcstudy.models.moments`. Without it M is the identity and
        the loss is the population loss ||W - W*||^2/(2L).
    """
    error = matrix - target
    return np.asarray(np.sum(error * _apply(moment, error), axis=(-1, -2)) / (2 * depth))


def sensing_gradient(matrix: Array, target: Array, depth: int, moment: Array | None = None) -> Array:
    """The end-to-end gradient dL/dW of `sensing_loss`: (W - W*)/L, or M applied to it; shape (..., d, d)."""
    return _apply(moment, matrix - target) / depth


def _apply(moment: Array | None, error: Array) -> Array:
    """M vec(error), folded back to (..., d, d)."""
    if moment is None:
        return error
    d = error.shape[-1]
    flat = error.reshape(*error.shape[:-2], d * d, 1)
    product: Array = moment @ flat
    return product.reshape(*product.shape[:-2], d, d)


def balancedness_defect(factors: Array) -> Array:
    """W_{k+1}^T W_{k+1} - W_k W_k^T for k = 1 .. L-1, shape (..., L-1, d, d).

    Constant along every gradient flow, and zero along one from a balanced start (Problem 1 (b), as it
    must read).
    """
    upper, lower = factors[..., 1:, :, :], factors[..., :-1, :, :]
    return np.asarray(transpose(upper) @ upper - lower @ transpose(lower))


def printed_defect(factors: Array) -> Array:
    """W_{k+1}^T W_{k+1} - W_k^T W_k, what Problem 1 (b) prints to vanish; shape (..., L-1, d, d)."""
    squares = transpose(factors) @ factors
    difference: Array = squares[..., 1:, :, :] - squares[..., :-1, :, :]
    return difference
