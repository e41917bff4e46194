"""Values that only rounding tells apart: 0.1 * 3 and 0.3 are one atom of a law on a lattice."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mcstudy.statistics.ordering import ordered
from mcstudy.statistics.paged import empty, leave
from mcstudy.statistics.portions import PORTION

__all__ = ["ULPS", "Clusters", "clusters", "widened"]

FloatArray = npt.NDArray[np.float64]

# A product, a quotient and a sum of a few terms differ by a few units in the last place; two draws of a law with
# a density come that close once in 10^14 pairs.
ULPS = 8
LARGEST = float(np.finfo(np.float64).max)


class Clusters:
    """Groups of sorted values, each value within `ULPS` units in the last place of its neighbour.

    Attributes
    ----------
    low, high : array, shape (k,)
        The ends of each group.
    counts : array of int, shape (k,)
        How many values it holds.
    merged : int
        How many different values were taken for one of their group's.
    """

    def __init__(self, ordered: FloatArray) -> None:
        self.low: FloatArray = ordered
        self.high: FloatArray = ordered
        self.counts: npt.NDArray[np.intp] = np.broadcast_to(np.intp(1), ordered.size)
        groups = different = 0
        for starts, gaps in _starts(ordered):
            groups, different = groups + starts.size, different + gaps
        self.merged = different - (groups - 1)
        if groups < ordered.size:
            self.low, self.high, self.counts = empty(groups), empty(groups), empty(groups, np.intp)
            self._fill(ordered)

    def _fill(self, ordered: FloatArray) -> None:
        """Set the groups; each ends where the next one starts."""
        begun = last = 0  # groups that have begun, and where the last of them has
        for starts, _ in _starts(ordered):
            self.low[begun : begun + starts.size] = ordered[starts]
            ended = slice(max(begun - 1, 0), begun - 1 + starts.size)
            following = starts if begun else starts[1:]
            self.high[ended] = ordered[following - 1]
            self.counts[ended] = np.diff(starts, prepend=last) if begun else np.diff(starts)
            begun += starts.size
            last = int(starts[-1]) if starts.size else last
            leave(ordered, self.low, self.high, self.counts)
        self.high[-1], self.counts[-1] = ordered[-1], ordered.size - last


def _starts(ordered: FloatArray) -> Iterator[tuple[npt.NDArray[np.intp], int]]:
    """Where groups start, portion by portion, and how many values differ from the one before."""
    for first in range(0, ordered.size, PORTION):
        portion = ordered[max(first - 1, 0) : first + PORTION]
        before, after = portion[:-1], portion[1:]
        # From one infinity to another there is no gap.
        gaps = np.subtract(after, before, out=np.zeros(after.shape), where=after != before)
        starts = max(first, 1) + np.flatnonzero(gaps > _rounding(after))
        yield np.append(0, starts) if first == 0 else starts, int(np.count_nonzero(gaps))
        leave(ordered)


def clusters(values: npt.ArrayLike) -> Clusters:
    """Group values that only rounding tells apart.

    Parameters
    ----------
    values : array_like, shape (n,)
        At least one, finite or infinite.

    Examples
    --------
    >>> found = clusters([0.3, 0.1 * 3, 0.5])
    >>> found.counts.tolist(), found.merged
    ([2, 1], 1)
    """
    return Clusters(ordered(np.asarray(values, dtype=np.float64)))


def widened(points: FloatArray, direction: int) -> FloatArray:
    """Points moved up (1) or down (-1) by `ULPS` units in the last place, beyond an atom that is one of them.

    From an infinity the way leads to the largest doubles; beyond it there is nothing.

    Examples
    --------
    >>> widened(np.array([np.inf]), 1), widened(np.array([np.inf]), -1) < np.inf
    (array([inf]), array([ True]))
    """
    near = np.clip(points, -LARGEST, LARGEST)
    with np.errstate(over="ignore"):
        moved: FloatArray = near + direction * _rounding(near)
    return moved


def _rounding(points: FloatArray) -> FloatArray:
    """`ULPS` units in the last place of points, finite or infinite."""
    # Of the largest doubles NumPy finds no spacing.
    rounding: FloatArray = ULPS * np.spacing(np.minimum(np.abs(points), LARGEST / 2))
    return rounding
