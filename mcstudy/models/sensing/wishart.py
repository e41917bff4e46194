"""Second moments of Gaussian measurement matrices: all that the empirical sensing loss needs to know of them.

n M = sum_i vec(A_i) vec(A_i)^T has the Wishart law with n degrees of freedom.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv

from mcstudy.exceptions import ModelError
from mcstudy.fills import fill
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_count

__all__ = ["second_moment", "wishart_moment"]


def second_moment(matrices: FloatArray) -> FloatArray:
    """M = (1/n) sum_i vec(A_i) vec(A_i)^T.

    Parameters
    ----------
    matrices : array, shape (..., n, d, d)
        The measurement matrices A_i.

    Returns
    -------
    array, shape (..., d^2, d^2)

    Raises
    ------
    ModelError
        If there is no matrix.
    """
    if matrices.ndim < 3 or matrices.shape[-3] < 1:
        msg = f"`matrices` must have shape (..., n, d, d) with n >= 1, got shape {matrices.shape}"
        raise ModelError(msg)
    rows = matrices.reshape(*matrices.shape[:-2], -1)
    return np.asarray(rows.mT @ rows / rows.shape[-2])


def wishart_moment(rng: np.random.Generator, size: int, dimension: int, measurements: int) -> FloatArray:
    """Draws of M for Gaussian measurements, by Bartlett's decomposition: the same law, in O(d^4) numbers.

    n M is T T^T with T lower triangular, T_ij ~ N(0, 1) below the diagonal and T_ii^2 ~ chi-square with
    n - i + 1 degrees of freedom. The diagonal is drawn through quantile functions, so that one state of `rng`
    gives the same uniforms and normals for every n: moments of different n are then paired.

    Parameters
    ----------
    rng : numpy.random.Generator
    size, dimension : int
        How many to draw, and d.
    measurements : int
        n, at least d^2: below that M is singular and has no Bartlett decomposition.

    Returns
    -------
    array, shape (size, d^2, d^2)

    Raises
    ------
    ModelError
        If there are fewer than d^2 measurements.
    """
    order = check_count("dimension", dimension) ** 2
    if measurements < order:
        msg = (
            f"`measurements` must be at least d^2 = {order}, got {measurements}; "
            "draw the matrices and use `second_moment`"
        )
        raise ModelError(msg)
    uniforms = rng.random((size, order))
    triangle = np.tril(fill(rng, np.empty((size, order, order))), -1)
    degrees = measurements - np.arange(order)
    # Twice the inverse incomplete gamma function at half the degrees is the chi-square quantile.
    triangle[:, np.arange(order), np.arange(order)] = np.sqrt(2 * gammaincinv(degrees / 2, uniforms))
    return np.asarray(triangle @ triangle.mT / measurements)
