"""Values that only rounding tells apart: 0.1 * 3 and 0.3 are one atom of a law on a lattice."""

import numpy as np
import numpy.typing as npt

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
        before, after = ordered[:-1], ordered[1:]
        # From one infinity to another there is no gap.
        gaps = np.subtract(after, before, out=np.zeros(after.shape), where=after != before)
        starts = np.flatnonzero(np.concatenate([[True], gaps > _rounding(after)]))
        ends = np.append(starts[1:], ordered.size) - 1
        apart = starts.size == ordered.size
        self.low: FloatArray = ordered if apart else ordered[starts]
        self.high: FloatArray = ordered if apart else ordered[ends]
        self.counts = ends - starts + 1
        self.merged = int(np.count_nonzero(gaps)) - (starts.size - 1)


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
    return Clusters(np.sort(np.asarray(values, dtype=np.float64)))


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
