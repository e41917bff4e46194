r"""Draws of the empirical sensing loss and its gradient: two samplers of one law.

`sample_full` draws every entry of every measurement matrix. `sample_projected` draws what the loss depends on: the
products <Delta, A_i>, which are independent N(0, ||Delta||^2), and the part of the gradient across Delta, which is
normal given the products. It costs n + d^2 normals a replicate where the other costs n d^2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcstudy import fills
from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, as_matrices, frobenius, inner
from mcstudy.models.checks import check_count
from mcstudy.models.sensing.ensembles import BUFFER, batches, fill

__all__ = ["Empirical", "sample_full", "sample_projected"]


class Empirical(NamedTuple):
    """The loss on n measurements and its end-to-end gradient.

    Attributes
    ----------
    loss : array, shape (size,)
    gradient : array, shape (size, d, d)
    """

    loss: FloatArray
    gradient: FloatArray


def sample_full(
    rng: np.random.Generator,
    delta: npt.ArrayLike,
    *,
    depth: int,
    measurements: int,
    ensemble: str = "gaussian",
) -> Empirical:
    """Draw every entry of every measurement matrix, a cache-sized buffer at a time.

    Parameters
    ----------
    rng : numpy.random.Generator
    delta : array_like, shape (size, d, d)
        W - W* of each replicate.
    depth : int
        L, the number of factors.
    measurements : int
        n, the matrices drawn for each replicate.
    ensemble : str
        See `mcstudy.models.sensing.ensembles.fill`.

    Returns
    -------
    Empirical

    Raises
    ------
    ModelError
        If `delta` is no finite stack, a count is less than 1 or the ensemble is unknown.
    """
    stack = _checked(delta, depth, measurements)
    size, dimension, _ = stack.shape
    entries = dimension**2
    # Matrices as vectors: the sampler is then two products of matrices, which leave most of the time to the draws.
    vectors = stack.reshape(size, entries, 1)
    squares, sums = np.zeros((size, 1, 1)), np.zeros((size, entries, 1))
    buffer = np.empty(max(BUFFER, entries))
    for replicates, count in batches(size, measurements, entries):
        here = vectors[replicates]
        matrices = buffer[: len(here) * count * entries].reshape(len(here), count, dimension, dimension)
        fill(rng, matrices, ensemble)
        rows = matrices.reshape(len(here), count, entries)
        products = rows @ here
        squares[replicates] += products.mT @ products
        sums[replicates] += rows.mT @ products
    return Empirical(
        loss=squares[:, 0, 0] / (2 * depth * measurements),
        gradient=sums.reshape(stack.shape) / (depth * measurements),
    )


def sample_projected(
    rng: np.random.Generator, delta: npt.ArrayLike, *, depth: int, measurements: int
) -> Empirical:
    """Draw the products <Delta, A_i> = ||Delta|| z_i themselves, and the gradient given them.

    With Q = sum_i z_i^2 and U = Delta/||Delta||, sum_i z_i A_i is Q U plus sqrt(Q) times a standard normal matrix
    projected across U: the entries of A_i across U are independent of z_i.

    Parameters, result and errors are those of `sample_full`, for the gaussian ensemble.
    """
    stack = _checked(delta, depth, measurements)
    squares = _sums_of_squares(rng, len(stack), measurements)
    norm = frobenius(stack)
    # A zero Delta has no direction; its loss and gradient come out 0 whatever stands here.
    unit = stack / np.where(norm > 0.0, norm, 1.0)[:, None, None]
    across = fills.fill(rng, np.empty(stack.shape))
    across -= inner(across, unit)[:, None, None] * unit
    direction = squares[:, None, None] * unit + np.sqrt(squares)[:, None, None] * across
    return Empirical(
        loss=norm**2 * squares / (2 * depth * measurements),
        gradient=norm[:, None, None] * direction / (depth * measurements),
    )


def _sums_of_squares(rng: np.random.Generator, size: int, count: int) -> FloatArray:
    """Sums of `count` squared normals, shape (size,): the normals themselves are drawn, as the other sampler does."""
    squares = np.zeros(size)
    buffer = np.empty(BUFFER)
    for replicates, together in batches(size, count, 1):
        here = squares[replicates]
        normals = buffer[: len(here) * together].reshape(len(here), together)
        fills.fill(rng, normals)
        here += np.vecdot(normals, normals)
    return squares


def _checked(delta: npt.ArrayLike, depth: int, measurements: int) -> FloatArray:
    check_count("depth", depth)
    check_count("measurements", measurements)
    stack = as_matrices("delta", delta)
    if stack.ndim != 3:
        msg = f"`delta` must have shape (size, d, d), one matrix a replicate, got shape {stack.shape}"
        raise ModelError(msg)
    return stack
