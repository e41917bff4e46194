"""Low-rank matrices to recover, the small starts that find them, and how to tell the rank of what was found."""

from __future__ import annotations

import numpy as np

from mcstudy.fills import fill
from mcstudy.models.arrays import FloatArray, frobenius
from mcstudy.models.checks import check_at_most, check_count, check_positive

__all__ = ["effective_rank", "low_rank_target", "small_factors"]


def effective_rank(matrix: FloatArray) -> FloatArray:
    """Exponential of the entropy of the singular values divided by their sum (Roy, Vetterli 2007).

    Parameters
    ----------
    matrix : array, shape (..., d, d)

    Returns
    -------
    array, shape (...)
        Between 1 and d.

    Examples
    --------
    >>> round(float(effective_rank(np.diag([3.0, 3.0, 0.0]))), 12)
    2.0
    """
    values = np.linalg.svdvals(matrix)
    shares = values / np.sum(values, axis=-1, keepdims=True)
    # 0 log 0 counts as 0.
    logarithms = np.log(np.where(shares > 0, shares, 1.0))
    return np.asarray(np.exp(-np.vecdot(shares, logarithms)))


def low_rank_target(rng: np.random.Generator, size: int, dimension: int, rank: int) -> FloatArray:
    """Draw W* = A B^T with Gaussian A, B of shape (d, r), scaled to entries of unit mean square.

    Parameters
    ----------
    rng : numpy.random.Generator
    size, dimension, rank : int
        How many to draw, d and r <= d.

    Returns
    -------
    array, shape (size, d, d)

    Raises
    ------
    ModelError
        If the rank is less than 1 or exceeds the dimension.
    """
    check_at_most("rank", rank, dimension, "the dimension d")
    left, right = fill(rng, np.empty((2, size, dimension, rank)))
    product = left @ right.mT
    return np.asarray(dimension * product / frobenius(product)[:, None, None])


def small_factors(
    rng: np.random.Generator, size: int, depth: int, dimension: int, scale: float
) -> FloatArray:
    """Draw Gaussian factors whose product has singular values of order `scale`.

    Parameters
    ----------
    rng : numpy.random.Generator
    size, depth, dimension : int
        Replicates, L and d.
    scale : float

    Returns
    -------
    array, shape (size, L, d, d)

    Raises
    ------
    ModelError
        If `depth` is less than 1 or `scale` is not positive.
    """
    check_positive("scale", scale)
    deviation = scale ** (1 / check_count("depth", depth)) / np.sqrt(dimension)
    return np.asarray(deviation * fill(rng, np.empty((size, depth, dimension, dimension))))
