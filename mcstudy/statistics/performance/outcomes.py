"""What each row says: its interval, and whether its test rejects."""

from typing import Any, NamedTuple

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray, tail_probability
from mcstudy.statistics.performance.columns import Columns

__all__ = ["Decisions", "decide"]


class Decisions(NamedTuple):
    """Intervals and tests, each of shape (rows,), nan where missing; None where nothing defines them.

    Parameters
    ----------
    lower, upper : ndarray, optional
        Limits, infinite where an interval is one-sided.
    width : ndarray, optional
        Upper minus lower, of two-sided intervals.
    rejected : ndarray, optional
        1 where the test rejects, 0 where not.
    """

    lower: FloatArray | None
    upper: FloatArray | None
    width: FloatArray | None
    rejected: FloatArray | None


def decide(
    columns: Columns,
    estimate: FloatArray,
    se: FloatArray | None,
    *,
    lower: Any,
    upper: Any,
    p_value: Any,
    df: Any,
    level: float,
    null: float,
) -> Decisions:
    """Make intervals from limits or standard errors, and tests from p-values or intervals.

    Parameters are those of `summarise`, `estimate` and `se` as arrays.
    """
    if df is not None and se is None:
        msg = f"`df` must come with `se`, got {df!r} alone; own limits need no degrees of freedom"
        raise InputError(msg)
    if lower is not None or upper is not None:
        low, high = columns.limits(lower, upper)
        intervals = Decisions(low, high, None if lower is None or upper is None else high - low, None)
    elif se is not None:
        reach = _critical(None if df is None else columns.degrees(df), level) * se
        intervals = Decisions(
            estimate - reach, estimate + reach, np.where(np.isnan(estimate), np.nan, 2 * reach), None
        )
    else:
        intervals = Decisions(None, None, None, None)
    if p_value is not None:
        return intervals._replace(rejected=_significant(columns.p_values(p_value), level))
    return intervals._replace(rejected=_excludes(intervals, null))


def _critical(df: FloatArray | None, level: float) -> FloatArray:
    """Quantile of the law of a studentized estimate: one number, or one for each row."""
    from scipy.special import ndtri, stdtrit

    tail = tail_probability(level)
    normal = -ndtri(tail)
    if df is None:
        return np.asarray(normal)
    # The quantile of t takes a microsecond: once for each value is enough.
    values, places = np.unique(df, return_inverse=True)
    with_t = np.isfinite(values)
    return np.where(with_t, -stdtrit(np.where(with_t, values, 1.0), tail), normal)[places]


def _significant(p_values: FloatArray, level: float) -> FloatArray:
    # 1 - 0.95 is a little more than 0.05.
    alpha = round(1 - level, 15)
    return np.where(np.isnan(p_values), np.nan, p_values <= alpha)


def _excludes(intervals: Decisions, null: float) -> FloatArray | None:
    lower, upper = intervals.lower, intervals.upper
    if lower is None or upper is None:
        return None
    return np.where(np.isnan(lower) | np.isnan(upper), np.nan, (null < lower) | (upper < null))
