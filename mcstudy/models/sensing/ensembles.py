"""Ensembles of measurement matrices, and the batches in which a cache-sized buffer takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mcstudy import fills
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_choice

__all__ = ["BUFFER", "ENSEMBLES", "batches", "fill"]

BUFFER = 2**15  # doubles drawn at once: 256 KiB, which stays in a second-level cache


def _gaussian(rng: np.random.Generator, out: FloatArray) -> None:
    fills.fill(rng, out)


def _rademacher(rng: np.random.Generator, out: FloatArray) -> None:
    # The top bit of each byte, which is what rng.integers(0, 2, dtype=np.int8) takes as well, in twice the time.
    ones = np.frombuffer(rng.bytes(out.size), np.int8).reshape(out.shape) >> 7  # as -1
    np.multiply(ones, -2.0, out=out)
    out -= 1.0


def _symmetric(rng: np.random.Generator, out: FloatArray) -> None:
    fills.fill(rng, out)
    # Without the copy entries would be added that are sums already.
    np.add(out, out.mT.copy(), out=out)
    out *= np.sqrt(0.5)


ENSEMBLES: dict[str, Callable[[np.random.Generator, FloatArray], None]] = {
    "gaussian": _gaussian,
    "rademacher": _rademacher,
    "symmetric": _symmetric,
}


def fill(rng: np.random.Generator, out: FloatArray, ensemble: str = "gaussian") -> None:
    """Fill a stack with measurement matrices of an ensemble.

    Parameters
    ----------
    rng : numpy.random.Generator
    out : array, shape (..., d, d)
        Contiguous, of dtype float64; written to.
    ensemble : {"gaussian", "rademacher", "symmetric"}
        Independent standard normal entries, as the theory supposes; independent signs; or (G + G^T)/sqrt 2 with G
        gaussian.

    Raises
    ------
    ModelError
        If the ensemble is unknown.
    """
    ENSEMBLES[check_choice("ensemble", ensemble, ENSEMBLES)](rng, out)


def batches(size: int, measurements: int, entries: int) -> Iterator[tuple[slice, int]]:
    """Cut size * measurements matrices into batches of at most `BUFFER` doubles, in the order of replicates.

    Parameters
    ----------
    size, measurements : int
        Replicates, and matrices of each.
    entries : int
        Doubles in a matrix.

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
