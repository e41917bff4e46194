"""Deep linear networks W = W_L ... W_1: the product, gradients of a loss in its factors, balancedness (Problem 1).

Factors have the shape (..., L, d, d) with `factors[..., k - 1, :, :]` holding W_k, end-to-end matrices the shape
(..., d, d). A loss enters only through its end-to-end gradient dL/dW, called `slope`, so that what holds for every
loss can be tried on the population loss and on an empirical one.
"""

from __future__ import annotations

import numpy as np

from mcstudy.models.arrays import FloatArray

__all__ = ["balancedness_defect", "end_to_end", "factor_gradients"]


def end_to_end(factors: FloatArray) -> FloatArray:
    """The end-to-end matrix W = W_L ... W_1.

    Parameters
    ----------
    factors : array, shape (..., L, d, d)
        They may be complex.

    Returns
    -------
    array, shape (..., d, d)

    Examples
    --------
    >>> first, second = np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> end_to_end(np.stack([first, second]))
    array([[0., 2.],
           [1., 0.]])
    """
    product = factors[..., 0, :, :]
    for k in range(1, factors.shape[-3]):
        product = factors[..., k, :, :] @ product
    return product


def factor_gradients(factors: FloatArray, slope: FloatArray) -> FloatArray:
    """Gradients of a loss in every factor, dL/dW_k = W_{L:k+1}^T (dL/dW) W_{k-1:1}^T (Problem 1 (a)).

    Parameters
    ----------
    factors : array, shape (..., L, d, d)
    slope : array, shape (..., d, d)
        The end-to-end gradient dL/dW at W = W_L ... W_1; (W - W*)/L for the population loss.

    Returns
    -------
    array, shape (..., L, d, d)
        Its negative is the velocity of the gradient flow.
    """
    depth = factors.shape[-3]
    below = [factors[..., 0, :, :]]
    for k in range(1, depth - 1):
        below.append(factors[..., k, :, :] @ below[-1])
    shape = np.broadcast_shapes(factors.shape[:-3], slope.shape[:-2]) + factors.shape[-3:]
    gradients = np.empty(shape)
    from_above = slope
    for k in range(depth - 1, 0, -1):
        np.matmul(from_above, below[k - 1].mT, out=gradients[..., k, :, :])
        from_above = factors[..., k, :, :].mT @ from_above
    gradients[..., 0, :, :] = from_above
    return gradients


def balancedness_defect(factors: FloatArray) -> FloatArray:
    """W_{k+1}^T W_{k+1} - W_k W_k^T for k = 1, ..., L - 1.

    Constant along every gradient flow, and zero along one from a balanced start (Problem 1 (b), as it must read).

    Parameters
    ----------
    factors : array, shape (..., L, d, d)

    Returns
    -------
    array, shape (..., L - 1, d, d)
    """
    upper, lower = factors[..., 1:, :, :], factors[..., :-1, :, :]
    return np.asarray(upper.mT @ upper - lower @ lower.mT)
