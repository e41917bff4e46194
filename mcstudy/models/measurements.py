r"""Draws of the empirical sensing loss and its gradient: two samplers of one law.

`sample_full` draws every entry of every measurement matrix. `sample_projected` draws what the loss depends on: the
products <Delta, A_i>, which are independent N(0, ||Delta||^2), and the part of the gradient across Delta, which is
normal given the products. It costs n + d^2 normals a replicate where the other costs n d^2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.sensing import as_stack, check_count, inner

__all__ = [
    "BUFFER",
    "ENSEMBLES",
    "Empirical",
    "batches",
    "fill",
    "gaussian_product",
    "sample_full",
    "sample_projected",
]

FloatArray = npt.NDArray[np.float64]

BUFFER = 2**15  # doubles drawn at once: 256 KiB, which stays in a second-level cache


class Empirical(NamedTuple):
    """The loss on n measurements, shape (size,), and its end-to-end gradient, shape (size, d, d)."""

    loss: FloatArray
    gradient: FloatArray


def _gaussian(rng: np.random.Generator, out: FloatArray) -> None:
    rng.standard_normal(out=out)


def _rademacher(rng: np.random.Generator, out: FloatArray) -> None:
    np.multiply(rng.integers(0, 2, size=out.shape, dtype=np.int8), 2.0, out=out)
    out -= 1.0


def _symmetric(rng: np.random.Generator, out: FloatArray) -> None:
    rng.standard_normal(out=out)
    np.add(out, np.swapaxes(out, -1, -2).copy(), out=out)
    out *= np.sqrt(0.5)


ENSEMBLES: dict[str, Callable[[np.random.Generator, FloatArray], None]] = {
    "gaussian": _gaussian,
    "rademacher": _rademacher,
    "symmetric": _symmetric,
}


def fill(rng: np.random.Generator, out: FloatArray, ensemble: str = "gaussian") -> None:
    """Fill a contiguous stack of shape (..., d, d) with measurement matrices of an ensemble.

    Parameters
    ----------
    rng : numpy.random.Generator
    out : array of float64, shape (..., d, d)
    ensemble : {"gaussian", "rademacher", "symmetric"}
        Independent standard normal entries, as the theory supposes; independent signs; or (G + G^T)/sqrt 2 with G
        gaussian.

    Raises
    ------
    ModelError
        If the ensemble is unknown.
    """
    if ensemble not in ENSEMBLES:
        msg = f"`ensemble` must be one of {', '.join(ENSEMBLES)}, got {ensemble!r}"
        raise ModelError(msg)
    ENSEMBLES[ensemble](rng, out)


def batches(size: int, measurements: int, entries: int) -> Iterator[tuple[slice, int]]:
    """Cut size * measurements matrices into batches of at most `BUFFER` doubles, in the order of replicates.

    Yields
    ------
    replicates : slice
        Several whole replicates, or one replicate of which only a part of the matrices fits.
    count : int
        How many matrices of each of these replicates the batch holds.

    Examples
    --------
    >>> list(batches(3, 4, BUFFER // 8))
    [(slice(0, 2, None), 4), (slice(2, 3, None), 4)]
    >>> list(batches(1, 5, BUFFER // 4))
    [(slice(0, 1, None), 4), (slice(0, 1, None), 1)]
    """
    matrices = max(1, BUFFER // entries)
    together = max(1, matrices // measurements)
    for first in range(0, size, together):
        replicates = slice(first, min(first + together, size))
        for drawn in range(0, measurements, matrices):
            yield replicates, min(matrices, measurements - drawn)


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
        See `fill`.

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
    vectors = stack.reshape(size, entries, 1)
    squares, sums = np.zeros((size, 1, 1)), np.zeros((size, entries, 1))
    buffer = np.empty(max(BUFFER, entries))
    for replicates, count in batches(size, measurements, entries):
        here = vectors[replicates]
        matrices = buffer[: len(here) * count * entries].reshape(len(here), count, dimension, dimension)
        fill(rng, matrices, ensemble)
        rows = matrices.reshape(len(here), count, entries)
        products = rows @ here
        squares[replicates] += products.swapaxes(1, 2) @ products
        sums[replicates] += rows.swapaxes(1, 2) @ products
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
    squares = np.zeros(len(stack))
    buffer = np.empty(BUFFER)
    for replicates, count in batches(len(stack), measurements, 1):
        here = squares[replicates]
        normals = buffer[: len(here) * count].reshape(len(here), count)
        rng.standard_normal(out=normals)
        here += np.einsum("ri,ri->r", normals, normals)
    norm = np.sqrt(inner(stack, stack))
    unit = stack / np.where(norm > 0.0, norm, 1.0)[:, None, None]
    across = rng.standard_normal(stack.shape)
    across -= inner(across, unit)[:, None, None] * unit
    direction = squares[:, None, None] * unit + np.sqrt(squares)[:, None, None] * across
    return Empirical(
        loss=norm**2 * squares / (2 * depth * measurements),
        gradient=norm[:, None, None] * direction / (depth * measurements),
    )


def _checked(delta: npt.ArrayLike, depth: int, measurements: int) -> FloatArray:
    check_count("depth", depth)
    check_count("measurements", measurements)
    stack = as_stack("delta", delta)
    if stack.ndim != 3:
        msg = f"`delta` must have shape (size, d, d), one matrix a replicate, got shape {stack.shape}"
        raise ModelError(msg)
    return stack


def gaussian_product(rng: np.random.Generator, size: int, *, depth: int, dimension: int) -> FloatArray:
    """Draw W = W_L ... W_1 with independent N(0, 1/d) entries in every factor.

    The entries of W have variance 1/d at every depth, so ||W||^2 has mean d.

    Returns
    -------
    array of shape (size, d, d)

    Raises
    ------
    ModelError
        If a count is less than 1.
    """
    for name, count in (("size", size), ("depth", depth), ("dimension", dimension)):
        check_count(name, count)
    product = rng.standard_normal((size, dimension, dimension))
    for _ in range(depth - 1):
        product = rng.standard_normal((size, dimension, dimension)) @ product / np.sqrt(dimension)
    return np.asarray(product / np.sqrt(dimension))
