"""Sums and extremes of large samples, a portion at a time: what is in work at once does not grow with replicates.

A sample that fits into one portion is treated as a whole, so that its sums have the digits that NumPy's have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mcstudy.statistics.paged import leave
from mcstudy.statistics.portions import PORTION, places

__all__ = [
    "Pool",
    "count_where",
    "covariance_of",
    "cube",
    "everywhere",
    "extremes",
    "largest",
    "mean_of",
    "peak_of",
    "place_of_largest",
    "product_of",
    "products_of",
    "total",
]

FloatArray = NDArray[np.float64]


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


def place_of_largest(sample: FloatArray) -> int:
    """Where the largest value is, the first of several.

    Examples
    --------
    >>> place_of_largest(np.array([1.0, 3.0, 3.0]))
    1
    """
    found = []
    for place in places(sample.size):
        index = place.start + int(np.argmax(sample[place]))
        found.append((float(sample[index]), -index))
        leave(sample)
    return int(-max(found)[1])


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


def cube(values: FloatArray) -> FloatArray:
    """Third powers, many times as fast as by the operator.

    Examples
    --------
    >>> cube(np.array([2.0]))
    array([8.])
    """
    return values * values * values


def everywhere(rule: Callable[[FloatArray], NDArray[np.bool_]], sample: FloatArray) -> bool:
    """Whether a rule holds for every value.

    Examples
    --------
    >>> everywhere(np.isfinite, np.array([1.0, np.inf]))
    False
    """
    return all(bool(np.all(rule(portion))) for portion in Pool.of(sample).portions())


def count_where(rule: Callable[..., NDArray[np.bool_]], *samples: FloatArray) -> int:
    """How many values, or places of several samples paired by index, a rule marks.

    Examples
    --------
    >>> count_where(np.less, np.array([1.0, 2.0]), np.array([2.0, 2.0]))
    1
    """
    found = 0
    for place in places(samples[0].size):
        found += int(np.count_nonzero(rule(*(sample[place] for sample in samples))))
        leave(*samples)
    return found


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
    means = np.array([mean_of(sample) for sample in samples])
    return np.asarray(products_of(samples, lambda portion: portion - means[:, np.newaxis]) / (n - 1))


def product_of(one: FloatArray, other: FloatArray) -> float:
    """The inner product of two samples.

    Examples
    --------
    >>> product_of(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    found = 0.0
    for place in places(one.size):
        found += float(np.sum(one[place] * other[place]))
        leave(one, other)
    return found


def products_of(
    samples: Sequence[FloatArray], function: Callable[[FloatArray], FloatArray] = np.positive
) -> FloatArray:
    """Sums of products of k samples of n values each, paired by index: shape (k, k).

    Parameters
    ----------
    samples : sequence of k ndarrays of shape (n,)
    function : callable
        Of a portion, shape (k, m): what the products are taken of, in the same shape.

    Examples
    --------
    >>> products_of([np.array([1.0, 3.0]), np.array([0.0, 4.0])]).tolist()
    [[10.0, 12.0], [12.0, 16.0]]
    """
    products = np.zeros((len(samples), len(samples)))
    for place in places(samples[0].size):
        portion = function(np.stack([sample[place] for sample in samples]))
        products += portion @ portion.T
        leave(*samples)
    return products
