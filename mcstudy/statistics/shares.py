"""Shares of replicates: whose interval covers the truth, whose test rejects, whose value is missing."""

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.derived import Quantity, as_estimate, derived, operands, quantity_of
from mcstudy.statistics.expansion import Expanded
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.performance import measures
from mcstudy.statistics.performance.groups import Groups, Sample
from mcstudy.statistics.pools import count_where, total
from mcstudy.statistics.ranks import proportion
from mcstudy.statistics.several import refuse
from mcstudy.statistics.statistic import Estimate, Statistic
from mcstudy.statistics.truth import Truth

__all__ = ["check_ordered", "coverage", "covering", "is_coverage", "power", "share_missing", "share_of"]


def coverage(lower: str, upper: str, truth: Truth) -> Expanded:
    """Share of intervals with ``lower <= truth <= upper``.

    Its limits hold for every law and every number of replicates. A share of 0 or 1 has a standard error too, as in
    `performance.summarise`.

    Parameters
    ----------
    lower, upper : str
        Columns of the limits; infinite where an interval is one-sided.
    truth : float, str or callable
        A number; a column; a function of the factors that it names, which `Statistic.at` evaluates.

    Raises
    ------
    InputError
        If `truth` is none of these.

    Examples
    --------
    >>> coverage("low", "high", 0.0).estimate([[-1.0, 1.0], [0.5, 2.0], [-2.0, 0.0], [-1.0, 2.0]]).value
    0.75
    """
    return derived(_COVERAGE, lower, upper, against=truth)


def is_coverage(statistic: Statistic) -> bool:
    """Whether a statistic is a `coverage`."""
    return quantity_of(statistic) == _COVERAGE


def covering(statistic: Statistic, values: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the intervals of which a `coverage` is taken, and the truth beside each.

    Parameters
    ----------
    statistic : Statistic
        A `coverage`, bound to a scenario by `Statistic.at`.
    values : array-like of shape (n, 2), or (n, 3) where the truth is a column

    Returns
    -------
    low, high, truth : ndarray of shape (n,)
    """
    low, high, truth = np.broadcast_arrays(*operands(statistic, values))
    return low, high, truth


def power(p_value: str, level: Truth = 0.05) -> Expanded:
    """Share of tests that reject: ``p_value <= level``.

    Parameters
    ----------
    p_value : str
        Column of p-values, between 0 and 1.
    level : float, str or callable
        Significance level, in (0, 1/2]; or a column or a function of factors, as the truth of `coverage`.

    Raises
    ------
    InputError
        If `level` is none of these.
    """
    return derived(_POWER, p_value, against=level)


def share_missing(x: str) -> Expanded:
    """Share of replicates without a value of `x`: where it is missing, and where they failed."""
    return derived(_SHARE_MISSING, x)


def check_ordered(lower: FloatArray, upper: FloatArray) -> None:
    """Raise `InputError` where an upper limit lies below the lower one."""
    if count_where(np.less, upper, lower):
        refuse(upper < lower, upper, "have no upper limit below the lower one", "exchange the two columns")


def share_of(hits: FloatArray) -> Estimate:
    """The share of ones, as `performance.summarise` has it, with its standard error.

    Parameters
    ----------
    hits : ndarray of shape (n,)
        Zeros and ones.
    """
    # Counted from the last, as `performance` does: in one pass, to the same last bit.
    n, origin = float(hits.size), float(hits[-1])
    share = origin + (total(hits, np.positive) - origin * n) / n
    group = Groups(np.zeros(0, dtype=np.int64), 1)
    return as_estimate(
        measures.proportion, Sample(group, np.array([n]), np.array([share]), deviations=np.zeros(0))
    )


def _covered(lower: FloatArray, upper: FloatArray, truth: FloatArray | float) -> FloatArray:
    check_ordered(lower, upper)
    return measures.covered(lower, upper, np.asarray(truth))


def _significant(p_value: FloatArray, level: FloatArray | float) -> FloatArray:
    refuse((p_value < 0) | (p_value > 1), p_value, "be p-values between 0 and 1", "name their column")
    return np.asarray(p_value <= level, dtype=np.float64)


def _is_level(level: float) -> None:
    if not 0 < level <= 0.5:
        msg = f"`level` must be a significance level in (0, 1/2], got {level}; 0.05 is a usual choice"
        raise InputError(msg)


def _missing(x: FloatArray) -> FloatArray:
    return np.asarray(np.isnan(x), dtype=np.float64)


_COVERAGE = Quantity("coverage", _covered, proportion, share_of, argument="truth", infinite=True)
_POWER = Quantity("power", _significant, proportion, share_of, argument="level", check=_is_level)
_SHARE_MISSING = Quantity("missing share", _missing, proportion, share_of, infinite=True, missing=True)
