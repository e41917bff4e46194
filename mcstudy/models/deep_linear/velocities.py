"""Velocities under gradient flow, written in the ways of Problem 1 (d)-(f), and as printed where that is wrong.

`slope` is the end-to-end gradient dL/dW everywhere, shape (..., d, d); (W - W*)/L for the population loss.
"""

from __future__ import annotations

import numpy as np

from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_count
from mcstudy.models.deep_linear.alignment import SingularVectors

__all__ = [
    "end_to_end_velocity",
    "end_to_end_velocity_by_chain_rule",
    "end_to_end_velocity_from_vectors",
    "factor_velocities",
    "printed_factor_velocities",
]


def factor_velocities(vectors: SingularVectors, slope: FloatArray) -> FloatArray:
    """dW_k/dt = -V_{k+1} S^{L-k} U_L^T (dL/dW) V_1 S^{k-1} V_k^T, with V_{L+1} := U_L (Problem 1 (d)).

    Parameters
    ----------
    vectors : SingularVectors
        Aligned decompositions of balanced factors; S is taken from the first factor.
    slope : array, shape (..., d, d)

    Returns
    -------
    array, shape (..., L, d, d)
    """
    return _factor_velocities(vectors, slope, vectors.right)


def printed_factor_velocities(vectors: SingularVectors, slope: FloatArray) -> FloatArray:
    """Problem 1 (d) as printed, ending in V_{k-1}^T, for the factors k = 2, ..., L where that exists.

    Parameters are those of `factor_velocities`.

    Returns
    -------
    array, shape (..., L - 1, d, d)
    """
    last = np.concatenate([vectors.right[..., :1, :, :], vectors.right[..., :-1, :, :]], axis=-3)
    return _factor_velocities(vectors, slope, last)[..., 1:, :, :]


def _factor_velocities(vectors: SingularVectors, slope: FloatArray, last: FloatArray) -> FloatArray:
    """The velocities with `last`[..., k - 1, :, :] as the matrix whose transpose ends the k-th."""
    depth = vectors.left.shape[-3]
    top = vectors.left[..., -1, :, :]
    first = np.concatenate([vectors.right[..., 1:, :, :], top[..., None, :, :]], axis=-3)
    middle = (top.mT @ slope @ vectors.right[..., 0, :, :])[..., None, :, :]
    rising = vectors.values[..., :1, :] ** np.arange(depth)[:, None]
    core = rising[..., ::-1, :, None] * middle * rising[..., None, :]
    return np.asarray(-first @ core @ last.mT)


def end_to_end_velocity_by_chain_rule(factors: FloatArray, velocities: FloatArray) -> FloatArray:
    """The velocity of the product, dW/dt = sum_k W_{L:k+1} (dW_k/dt) W_{k-1:1}, from any start.

    Parameters
    ----------
    factors, velocities : array, shape (..., L, d, d)

    Returns
    -------
    array, shape (..., d, d)
    """
    product, velocity = factors[..., 0, :, :], velocities[..., 0, :, :]
    for k in range(1, factors.shape[-3]):
        velocity = velocities[..., k, :, :] @ product + factors[..., k, :, :] @ velocity
        product = factors[..., k, :, :] @ product
    return velocity


def end_to_end_velocity_from_vectors(vectors: SingularVectors, slope: FloatArray) -> FloatArray:
    """dW/dt = -sum_k U_L S^{2L-2k} U_L^T (dL/dW) V_1 S^{2k-2} V_1^T of a balanced flow (Problem 1 (e)).

    Parameters
    ----------
    vectors : SingularVectors
        Of balanced factors; S is taken from the first factor.
    slope : array, shape (..., d, d)

    Returns
    -------
    array, shape (..., d, d)
    """
    depth = vectors.left.shape[-3]
    squares = vectors.values[..., 0, :] ** 2
    return _sandwich(vectors.left[..., -1, :, :], squares, vectors.right[..., 0, :, :], slope, depth)


def end_to_end_velocity(matrix: FloatArray, slope: FloatArray, depth: int) -> FloatArray:
    """dW/dt = -sum_k [W W^T]^{(L-k)/L} (dL/dW) [W^T W]^{(k-1)/L} of a balanced flow (Problem 1 (f)).

    The fractional powers come from the singular values of W itself: W W^T is never formed, whose small
    eigenvalues would drown in rounding. With two factors only the square roots occur, with one none.

    Parameters
    ----------
    matrix : array, shape (..., d, d)
        The end-to-end matrix W.
    slope : array, shape (..., d, d)
    depth : int
        L.

    Returns
    -------
    array, shape (..., d, d)

    Raises
    ------
    ModelError
        If `depth` is less than 1.
    """
    if check_count("depth", depth) == 1:
        return -slope
    left, values, right = np.linalg.svd(matrix)
    return _sandwich(left, values ** (2 / depth), right.mT, slope, depth)


def _sandwich(
    left: FloatArray, values: FloatArray, right: FloatArray, slope: FloatArray, depth: int
) -> FloatArray:
    """-sum_k left diag(values^{L-k}) left^T slope right diag(values^{k-1}) right^T."""
    middle = left.mT @ slope @ right
    # Whole powers by multiplication, the only ones there are once the L-th root has been taken.
    powers = [values**k for k in range(depth)]
    weights = sum(
        (powers[depth - 1 - k][..., :, None] * powers[k][..., None, :] for k in range(depth)),
        start=np.zeros(1),
    )
    return np.asarray(-left @ (weights * middle) @ right.mT)
