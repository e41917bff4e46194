"""Starts of a gradient flow, balanced or Gaussian, and Gaussian matrices to plant (Problem 1).

A balanced start is W_k = V_{k+1} diag(s) V_k^T with orthogonal frames V_1, ..., V_{L+1}: independent frames make it
generic (no factor is normal, nothing commutes), equal frames make it symmetric, s = 1 makes it orthogonal.
"""

from __future__ import annotations

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.fills import fill
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_count, check_finite

__all__ = [
    "balanced_factors",
    "gaussian_factors",
    "gaussian_matrices",
    "gaussian_product",
    "haar_frames",
    "identity_frames",
]


def haar_frames(rng: np.random.Generator, size: int, depth: int, dimension: int) -> FloatArray:
    """Draw independent orthogonal matrices V_1, ..., V_{L+1} from Haar measure.

    The Q of a Gaussian matrix, with the signs that make R's diagonal positive (without them Q is not Haar).

    Parameters
    ----------
    rng : numpy.random.Generator
    size, depth, dimension : int
        Replicates, L and d.

    Returns
    -------
    array, shape (size, L + 1, d, d)

    Raises
    ------
    ModelError
        If `depth` is less than 1.
    """
    gaussian = fill(rng, np.empty((size, check_count("depth", depth) + 1, dimension, dimension)))
    q, r = np.linalg.qr(gaussian)
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    return np.asarray(q * signs[..., None, :])


def identity_frames(size: int, depth: int, dimension: int) -> FloatArray:
    """Frames that are all the identity: every factor becomes one diagonal matrix.

    Parameters, result and errors are those of `haar_frames`.
    """
    shape = (size, check_count("depth", depth) + 1, dimension, dimension)
    return np.broadcast_to(np.eye(dimension), shape).copy()


def balanced_factors(frames: FloatArray, singular_values: FloatArray) -> FloatArray:
    """The balanced factors W_k = V_{k+1} diag(s) V_k^T.

    Parameters
    ----------
    frames : array, shape (..., L + 1, d, d)
        Orthogonal V_1, ..., V_{L+1}; V_{L+1} is the U_L of Problem 1.
    singular_values : array, shape (..., d)
        Shared by all factors; not negative.

    Returns
    -------
    array, shape (..., L, d, d)

    Raises
    ------
    ModelError
        If a singular value is negative or not finite.

    Examples
    --------
    >>> from mcstudy.models.deep_linear.products import balancedness_defect
    >>> rng = np.random.Generator(np.random.SFC64(1))
    >>> factors = balanced_factors(haar_frames(rng, 1, 3, 2), np.array([[2.0, 1.0]]))
    >>> bool(np.abs(balancedness_defect(factors)).max() < 1e-14)
    True
    """
    smallest = np.min(check_finite("singular_values", singular_values), initial=0.0)
    if smallest < 0:
        msg = f"`singular_values` must not be negative, got {smallest}; signs belong into the frames"
        raise ModelError(msg)
    values = singular_values[..., None, None, :]
    return np.asarray((frames[..., 1:, :, :] * values) @ frames[..., :-1, :, :].mT)


def gaussian_matrices(rng: np.random.Generator, size: int, dimension: int) -> FloatArray:
    """Draw matrices with independent N(0, 1/d) entries; their singular values lie below about 2.

    Parameters
    ----------
    rng : numpy.random.Generator
    size, dimension : int
        How many, and d.

    Returns
    -------
    array, shape (size, d, d)

    Raises
    ------
    ModelError
        If a count is less than 1.
    """
    return gaussian_factors(rng, size, 1, dimension)[:, 0]


def gaussian_factors(rng: np.random.Generator, size: int, depth: int, dimension: int) -> FloatArray:
    """Draw independent factors with N(0, 1/d) entries: a start that is not balanced.

    Parameters and errors are those of `gaussian_product`.

    Returns
    -------
    array, shape (size, L, d, d)
    """
    for name, count in (("size", size), ("depth", depth), ("dimension", dimension)):
        check_count(name, count)
    return np.asarray(fill(rng, np.empty((size, depth, dimension, dimension))) / np.sqrt(dimension))


def gaussian_product(rng: np.random.Generator, size: int, depth: int, dimension: int) -> FloatArray:
    """Draw W = W_L ... W_1 with independent N(0, 1/d) entries in every factor, one factor in memory at a time.

    The entries of W have variance 1/d at every depth, so ||W||^2 has mean d.

    Parameters
    ----------
    rng : numpy.random.Generator
    size, depth, dimension : int
        Replicates, L and d.

    Returns
    -------
    array, shape (size, d, d)

    Raises
    ------
    ModelError
        If a count is less than 1.
    """
    product = gaussian_matrices(rng, size, dimension)
    for _ in range(check_count("depth", depth) - 1):
        product = gaussian_matrices(rng, size, dimension) @ product
    return product
