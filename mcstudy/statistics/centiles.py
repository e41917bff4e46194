"""The order in which a zip plot shows intervals: by how far the truth is from their middle."""

import numpy as np
import numpy.typing as npt

from mcstudy.statistics.intervals import FloatArray

__all__ = ["by_centile", "spaced"]


def by_centile(low: FloatArray, high: FloatArray, truth: FloatArray) -> npt.NDArray[np.intp]:
    """Order intervals by the distance of the truth from their middle, in half-widths.

    That is the order of ``|estimate - truth| / se`` where limits are ``estimate ± z se``. Intervals that cover the
    truth come first, whatever rounding makes of a limit that is the truth. As a limit goes to infinity the distance
    goes to 1, and what remains of the order is how far the truth lies beyond the other limit; without any limit the
    distance is 0. Equal ones are ordered by that as well, and then as they were drawn.

    Parameters
    ----------
    low, high, truth : ndarray of shape (n,)
        ``low <= high``; infinite where there is no limit.

    Returns
    -------
    ndarray of int, shape (n,)
        The positions of the intervals, the one that covers best first.

    References
    ----------
    T. P. Morris, I. R. White and M. J. Crowther, "Using simulation studies to evaluate statistical methods",
    Statistics in Medicine 38 (2019) 2074-2102.

    Examples
    --------
    >>> low, high = np.array([-1.0, 1.0, -3.0, -np.inf]), np.array([2.0, 2.0, 3.0, 1.0])
    >>> by_centile(low, high, np.zeros(4))
    array([2, 0, 3, 1])
    """
    misses = ~((low <= truth) & (truth <= high))
    # An infinite truth has no distance from an infinite limit: NaN, which sorts last.
    with np.errstate(invalid="ignore", over="ignore"):
        beyond = np.maximum(low - truth, truth - high)
    return np.lexsort((beyond, _half_widths(low, high, truth), misses))


def _half_widths(low: FloatArray, high: FloatArray, truth: FloatArray) -> FloatArray:
    """Distance of the truth from the middle, in half-widths; NaN where all of it is infinite."""
    # Halves first: the width of an interval may be more than the largest double.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        distance = np.abs(truth - (low / 2 + high / 2)) / (high / 2 - low / 2)
    open_below, open_above = np.isneginf(low) & (low < high), np.isposinf(high) & (low < high)
    cases = [(low == high) & (low == truth), open_below & open_above, open_below | open_above]
    return np.select(cases, [0.0, 0.0, 1.0], distance)


def spaced(count: int, most: int) -> npt.NDArray[np.intp]:
    """Choose ranks at equally spaced centiles: the k-th of K stands at 100 (k + 1/2) / K.

    So the share of the chosen that lie beyond any rank is the share of all, rounded to the nearest K-th.

    Parameters
    ----------
    count : int
        How many ranks there are.
    most : int
        K, if there are more; else all are chosen.

    Returns
    -------
    ndarray of int, shape (min(count, most),)
        Ascending, from 0 to count - 1.

    Examples
    --------
    >>> spaced(1000, 5), spaced(3, 5)
    (array([100, 300, 500, 700, 900]), array([0, 1, 2]))
    """
    chosen = min(count, most)
    return (2 * np.arange(chosen) + 1) * count // (2 * max(chosen, 1))
