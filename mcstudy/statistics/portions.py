"""Large arrays made a portion at a time: what is in work at once does not grow with replicates.

An array that fits into one portion is treated as a whole; a larger one lies in a file (`paged`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcstudy.statistics.paged import empty, leave

__all__ = ["PORTION", "appended", "chosen", "filled", "in_portions", "place_of_kept", "places", "scattered"]

FloatArray = NDArray[np.float64]

# Values: a megabyte, which stays in a processor's cache with the two or three results that are made of it.
PORTION = 2**17


def places(size: int) -> Iterator[slice]:
    """Where the portions of so many values lie.

    Examples
    --------
    >>> list(places(5))
    [slice(0, 5, None)]
    """
    return (slice(first, min(first + PORTION, size)) for first in range(0, size, PORTION))


def in_portions(
    function: Callable[..., NDArray[Any]], *samples: NDArray[Any], out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """A function of each value, or of several paired by index: of a distribution function, say, or of differences.

    Parameters
    ----------
    function : callable
        Of portions: an array of their shape.
    samples : ndarrays of shape (n,)
        At least one.
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
    for place in places(size):
        found[place] = function(*(sample[place] for sample in samples))
        leave(found, *samples)
    return found


def filled(size: int, value: float) -> FloatArray:
    """An array of one value, as `numpy.full` gives it.

    Examples
    --------
    >>> filled(2, 0.5)
    array([0.5, 0.5])
    """
    found = empty(size)
    for place in places(size):
        found[place] = value
        leave(found)
    return found


def appended(*samples: FloatArray) -> FloatArray:
    """Samples one after the other, as `numpy.concatenate` joins them.

    Examples
    --------
    >>> appended(np.array([1.0]), np.array([2.0, 3.0]))
    array([1., 2., 3.])
    """
    found, written = empty(sum(sample.size for sample in samples)), 0
    for sample in samples:
        in_portions(np.positive, sample, out=found[written : written + sample.size])
        written += sample.size
    return found


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
    for place in places(sample.size):
        some = sample[place][kept[place]]
        found[written : written + some.size] = some
        written += some.size
        leave(found, sample)
    return found


def scattered(sample: FloatArray, rows: NDArray[np.bool_], weight: float) -> FloatArray:
    """The values, times a weight, at the marked rows; 0 at the others.

    Parameters
    ----------
    sample : ndarray of shape (n,)
    rows : ndarray of bool, shape (m,)
        n of them are marked.
    weight : float

    Returns
    -------
    ndarray of shape (m,)

    Examples
    --------
    >>> scattered(np.array([1.0, 2.0]), np.array([True, False, True]), 3.0)
    array([3., 0., 6.])
    """
    found, read = filled(rows.size, 0.0), 0
    for place in places(rows.size):
        count = int(np.count_nonzero(rows[place]))
        found[place][rows[place]] = sample[read : read + count] * weight
        read += count
        leave(found, sample)
    return found


def place_of_kept(kept: NDArray[np.bool_], number: int) -> int:
    """Where the marked place of a number is, counted from 0.

    Examples
    --------
    >>> place_of_kept(np.array([True, False, True]), 1)
    2
    """
    for place in places(kept.size):
        marked = np.flatnonzero(kept[place])
        if number < marked.size:
            return int(place.start + marked[number])
        number -= marked.size
    msg = f"`number` must be less than the marked places, got {number} more"
    raise IndexError(msg)
