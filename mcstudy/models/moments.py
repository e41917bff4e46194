"""Second moments of Gaussian measurement matrices: all that the empirical sensing loss needs to know of them.

The loss (1/2Ln) sum <W - W*, A_i>^2 is the quadratic form of M = (1/n) sum vec(A_i) vec(A_i)^T. Its expectation
is the identity, which gives the population loss.
"""

import numpy as np
from scipy.special import gammaincinv

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import Array

__all__ = ["second_moment", "wishart_moment"]


def second_moment(measurements: Array) -> Array:
    """M = (1/n) sum vec(A_i) vec(A_i)^T of the measurements (..., n, d, d), shape (..., d^2, d^2)."""
    rows = measurements.reshape(*measurements.shape[:-2], -1)
    moment: Array = np.swapaxes(rows, -1, -2) @ rows / rows.shape[-2]
    return moment


def wishart_moment(rng: np.random.Generator, size: int, dimension: int, measurements: int) -> Array:
    """Draws of M for Gaussian measurements, by Bartlett's decomposition: the same law, in O(d^4) numbers.

    n M is T T^T with T lower triangular, T_ij ~ N(0, 1) below the diagonal and T_ii^2 ~ chi-square with
    n - i + 1 degrees of freedom. The diagonal is drawn through quantile functions, so that one state of `rng`
    gives the same uniforms and normals for every n: moments of different n are then paired.

    Parameters
    ----------
    rng : Generator
    size : int
    dimension : int
        d; the moment is d^2 x d^2.
    measurements : int
        n, at least d^2: below that M is singular and has no Bartlett decomposition.

    Returns
    -------
    array (size, d^2, d^2)

    Raises
    ------
    ModelError
        If there are fewer than d^2 measurements.
    """
    order = dimension**2
    if measurements < order:
        msg = (
            f"`measurements` must be at least d^2 = {order}, got {measurements}; "
            "draw the matrices and use `second_moment` for fewer."
        )
        raise ModelError(msg)
    uniforms = rng.random((size, order))
    triangle = np.tril(rng.standard_normal((size, order, order)), -1)
    degrees = measurements - np.arange(order)
    diagonal = np.sqrt(2 * gammaincinv(degrees / 2, uniforms))
    triangle[:, np.arange(order), np.arange(order)] = diagonal
    moment: Array = triangle @ np.swapaxes(triangle, -1, -2) / measurements
    return moment
