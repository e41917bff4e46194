"""Sums and extremes of large samples, a portion at a time: what is in work at once does not grow with replicates.

A sample that fits into one portion is treated as a whole, so that its sums have the digits that NumPy's have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mcstudy.statistics.paged import empty, leave

__all__ = [
    "PORTION",
    "Pool",
    "chosen",
    "covariance_of",
    "cube",
    "everywhere",
    "extremes",
    "in_portions",
    "largest",
    "mean_of",
]
__all__ += ["peak_of", "total"]

FloatArray = NDArray[np.float64]

# Values: a megabyte, which stays in a processor's cache with the two or three results that are made of it.
PORTION = 2**17


class Pool:
    """Samples that count as one; joined only where they are small.

    Parameters
    ----------
    groups : sequence of sequences of ndarrays
        The arrays of a group are of one shape (n_i,): their values add up, each times its weight.
    weights : sequence of sequences of float
        As many as there are arrays.

    Attributes
    ----------
    size : int
        How many values it has.
    """

    def __init__(self, groups: Sequence[Sequence[FloatArray]], weights: Sequence[Sequence[float]]) -> None:
        parts = [(tuple(arrays), tuple(own)) for arrays, own in zip(groups, weights, strict=True)]
        self.size = sum(arrays[0].size for arrays, _ in parts)
        if self.size <= PORTION and (len(parts) > 1 or parts[0][1] != (1.0,)):
            parts = [((np.concatenate([_weighed(*part) for part in parts]),), (1.0,))]
        self._parts = parts

    @classmethod
    def of(cls, sample: FloatArray | Pool) -> Pool:
        """A sample, or the pool that it is."""
        return sample if isinstance(sample, Pool) else cls([[sample]], [[1.0]])

    def portions(self) -> Iterator[FloatArray]:
        """Its values, in order: arrays of at most `PORTION`."""
        for arrays, weights in self._parts:
            for first in range(0, arrays[0].size, PORTION):
                yield _weighed([array[first : first + PORTION] for array in arrays], weights)
                leave(*arrays)


def _weighed(arrays: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    terms = [
        array if weight == 1.0 else weight * array for array, weight in zip(arrays, weights, strict=True)
    ]
    return terms[0] if len(terms) == 1 else np.sum(terms, axis=0)


def total(
    sample: FloatArray | Pool, function: Callable[[FloatArray], FloatArray | np.floating | np.integer]
) -> float:
    """The sum of a function over a sample.

    Parameters
    ----------
    sample : ndarray of shape (n,), or Pool
    function : callable
        Of a portion: the values that are summed, or their sum.

    Examples
    --------
    >>> total(np.arange(4.0), np.square)
    14.0
    """
    return float(sum(np.sum(function(portion)) for portion in Pool.of(sample).portions()))


def peak_of(sample: FloatArray | Pool) -> float:
    """The largest magnitude.

    Examples
    --------
    >>> peak_of(np.array([1.0, -3.0]))
    3.0
    """
    low, high = extremes(sample)
    return max(-low, high)


def extremes(sample: FloatArray | Pool) -> tuple[float, float]:
    """The smallest value and the largest."""
    found = [(np.min(portion), np.max(portion)) for portion in Pool.of(sample).portions()]
    return float(np.min([low for low, _ in found])), float(np.max([high for _, high in found]))


def largest(sample: FloatArray | Pool, count: int, *, sign: float = 1.0) -> FloatArray:
    """The largest values, in ascending order; of their negatives where `sign` is -1.

    Parameters
    ----------
    sample : ndarray of shape (n,), or Pool
    count : int
        At most n.

    Returns
    -------
    ndarray of shape (count,)

    Examples
    --------
    >>> largest(np.array([3.0, 1.0, 2.0]), 2)
    array([2., 3.])
    """
    found = np.empty(0)
    for portion in Pool.of(sample).portions():
        found = np.concatenate([found, sign * portion])
        if found.size > count:
            found = np.partition(found, found.size - count)[found.size - count :]
    return np.sort(found)


def in_portions(
    function: Callable[..., FloatArray], *samples: FloatArray, out: FloatArray | None = None
) -> FloatArray:
    """A function of each value, or of several paired by index: of a distribution function, say, or of differences.

    Parameters
    ----------
    function : callable
        Of portions: an array of their shape.
    samples : ndarrays of shape (n,)
    out : ndarray of shape (n,), optional
        Written into, and returned; it may be a sample.

    Examples
    --------
    >>> in_portions(np.sqrt, np.array([4.0, 9.0]))
    array([2., 3.])
    """
    size = samples[0].size
    if size <= PORTION and out is None:
        return function(*samples)
    found = empty(size) if out is None else out
    for first in range(0, size, PORTION):
        place = slice(first, first + PORTION)
        found[place] = function(*(sample[place] for sample in samples))
        leave(found, *samples)
    return found


def cube(values: FloatArray) -> FloatArray:
    """Third powers, many times as fast as by the operator.

    Examples
    --------
    >>> cube(np.array([2.0]))
    array([8.])
    """
    return values * values * values


def chosen(sample: FloatArray, kept: NDArray[np.bool_]) -> FloatArray:
    """The values that are kept, as ``sample[kept]``.

    Examples
    --------
    >>> chosen(np.array([4.0, 9.0]), np.array([False, True]))
    array([9.])
    """
    if sample.size <= PORTION:
        return sample[kept]
    found, written = empty(int(np.count_nonzero(kept))), 0
    for first in range(0, sample.size, PORTION):
        some = sample[first : first + PORTION][kept[first : first + PORTION]]
        found[written : written + some.size] = some
        written += some.size
        leave(found, sample)
    return found


def everywhere(rule: Callable[[FloatArray], NDArray[np.bool_]], sample: FloatArray) -> bool:
    """Whether a rule holds for every value.

    Examples
    --------
    >>> everywhere(np.isfinite, np.array([1.0, np.inf]))
    False
    """
    return all(bool(np.all(rule(portion))) for portion in Pool.of(sample).portions())


def mean_of(sample: FloatArray) -> float:
    """The mean, with the digits of `numpy.mean`.

    Examples
    --------
    >>> mean_of(np.array([1.0, 2.0]))
    1.5
    """
    return float(_pairwise(sample) / sample.size)


def _pairwise(sample: FloatArray) -> np.floating:
    """The sum as NumPy finds it, which halves a sample down to pieces of 128 values."""
    if sample.size <= PORTION:
        found: np.floating = np.sum(sample)
        leave(sample)
        return found
    half = sample.size // 2
    half -= half % 8
    return _pairwise(sample[:half]) + _pairwise(sample[half:])


def covariance_of(samples: Sequence[FloatArray]) -> FloatArray:
    """Covariance matrix of k samples of n values each, paired by index: shape (k, k), divisor n - 1.

    Examples
    --------
    >>> covariance_of([np.array([1.0, 3.0]), np.array([0.0, 4.0])]).tolist()
    [[2.0, 4.0], [4.0, 8.0]]
    """
    n = samples[0].size
    if n <= PORTION:
        return np.atleast_2d(np.cov(np.stack(samples)))
    means = [mean_of(sample) for sample in samples]
    products = np.zeros((len(samples), len(samples)))
    for first in range(0, n, PORTION):
        place = slice(first, first + PORTION)
        centered = np.stack([sample[place] - mean for sample, mean in zip(samples, means, strict=True)])
        products += centered @ centered.T
        leave(*samples)
    return np.asarray(products / (n - 1))
