"""Sorted samples and their order statistics, also of samples that are larger than the memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mcstudy.statistics.paged import empty, is_paged, leave
from mcstudy.statistics.pools import Pool

__all__ = ["median_of", "order_statistics", "ordered"]

FloatArray = NDArray[np.float64]

RUN = 2**20  # values that are sorted in memory at once, 8 MB
# Values that are looked at to bracket an order statistic, and how many standard deviations of its rank among them are
# left on each side: one bracket in a hundred million is missed, and then it is widened.
LOOKED_AT, BEYOND = 2**16, 6.0


def ordered(values: FloatArray) -> FloatArray:
    """Sort a sample, as `numpy.sort` does: runs in memory, merged between values that part them evenly.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite or infinite.

    Returns
    -------
    ndarray of shape (n,)
        A new one; it lies in a file where `values` do.

    Examples
    --------
    >>> ordered(np.array([2.0, -np.inf, 1.0]))
    array([-inf,   1.,   2.])
    """
    if not is_paged(values):
        return np.sort(values)
    runs, found = empty(values.size), empty(values.size)
    pieces = [runs[first : first + RUN] for first in range(0, values.size, RUN)]
    # As many evenly spaced values of each run as there are runs: between two that part them, no run has more than a
    # piece of the size of RUN over their number.
    spaced: list[FloatArray] = []
    for number, piece in enumerate(pieces):
        run = np.sort(values[number * RUN : number * RUN + piece.size])
        piece[:] = run
        spaced.append(run[:: max(1, run.size // len(pieces))].copy())  # a view would hold the run
        leave(values, runs)
    parting = np.unique(np.sort(np.concatenate(spaced))[:: len(pieces)])
    written = 0
    for merged in _merged(pieces, parting):
        found[written : written + merged.size] = merged
        written += merged.size
        leave(runs, found)
    return found


def _merged(runs: list[FloatArray], parting: FloatArray) -> Iterator[FloatArray]:
    """The values of sorted runs, in ascending order: those between two that part them, and those that are one of them."""
    begin = [0] * len(runs)
    for value in parting:
        places = [_places(run, value) for run in runs]
        yield _joined(runs, begin, [below for below, _ in places])
        # Equal values need no sorting, however many there are.
        for below, through in places:
            yield np.full(through - below, value)
        begin = [through for _, through in places]
    yield _joined(runs, begin, [run.size for run in runs])


def _places(run: FloatArray, value: float) -> tuple[int, int]:
    """How many values of a sorted run are smaller, and how many are at most as large."""
    found = int(np.searchsorted(run, value, side="left")), int(np.searchsorted(run, value, side="right"))
    leave(run)  # each step of a search has mapped the neighbours of a page
    return found


def _joined(runs: list[FloatArray], begin: list[int], end: list[int]) -> FloatArray:
    parts = [run[start:stop] for run, start, stop in zip(runs, begin, end, strict=True)]
    return np.sort(np.concatenate(parts))


def median_of(values: FloatArray) -> float:
    """The median, with the digits of `numpy.median`.

    Examples
    --------
    >>> median_of(np.array([4.0, 1.0, 2.0, 9.0]))
    3.0
    """
    n = values.size
    return float(np.mean(order_statistics(values, (n - 1) // 2, n // 2 + 1)))


def order_statistics(values: FloatArray, first: int, last: int) -> FloatArray:
    """The smallest values but `first`, up to the one of rank `last`, in ascending order.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite or infinite.
    first, last : int
        ``0 <= first < last <= n``.

    Returns
    -------
    ndarray of shape (last - first,)
        ``numpy.sort(values)[first:last]``.

    Examples
    --------
    >>> order_statistics(np.array([3.0, 1.0, 2.0]), 1, 3)
    array([2., 3.])
    """
    if not is_paged(values):
        return np.sort(np.partition(values, (first, last - 1))[first:last])
    step = max(1, values.size // LOOKED_AT)
    looked_at = np.sort(np.concatenate([portion[::step].copy() for portion in Pool.of(values).portions()]))
    share, room = looked_at.size / values.size, BEYOND * math.sqrt(looked_at.size) / 2 + 1
    while True:
        low, high = math.floor(first * share - room), math.ceil(last * share + room)
        bracket = _Bracket(
            -math.inf if low < 0 else float(looked_at[low]),
            math.inf if high >= looked_at.size else float(looked_at[high]),
            values,
        )
        if bracket.holds(first, last):
            return bracket.between(first, last)
        room *= 2


class _Bracket:
    """The values between two of a sample, sorted; those that are one of the two are but counted, for they may be many."""

    def __init__(self, low: float, high: float, values: FloatArray) -> None:
        self._low, self._high = low, high
        inside = [np.empty(0)]
        lows = highs = self._below = 0
        for portion in Pool.of(values).portions():
            self._below += int(np.count_nonzero(portion < low))
            lows += int(np.count_nonzero(portion == low))
            highs += int(np.count_nonzero(portion == high)) if high > low else 0
            inside.append(portion[(portion > low) & (portion < high)])
        self._inside = np.sort(np.concatenate(inside))
        self._ends = lows, lows + self._inside.size, lows + self._inside.size + highs

    def holds(self, first: int, last: int) -> bool:
        """Whether the order statistics of these ranks are here."""
        return self._below <= first and last <= self._below + self._ends[-1]

    def between(self, first: int, last: int) -> FloatArray:
        """The order statistics from one rank to before another."""
        start, stop = first - self._below, last - self._below
        lows, inner, all_ = (min(max(end, start), stop) for end in self._ends)
        inside = self._inside[lows - self._ends[0] : inner - self._ends[0]] if inner > lows else np.empty(0)
        return np.concatenate([np.full(lows - start, self._low), inside, np.full(all_ - inner, self._high)])
