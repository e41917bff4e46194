"""What each row says: its interval, and whether its test rejects."""

from typing import Any, NamedTuple

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray, tail_probability
from mcstudy.statistics.performance.columns import Columns

__all__ = ["Decisions", "Rules", "decide"]


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


class Rules(NamedTuple):
    """How intervals and tests come about; the fields are the arguments of `summarise`."""

    lower: Any
    upper: Any
    p_value: Any
    df: Any
    level: float
    null: float


def decide(columns: Columns, estimate: FloatArray, se: FloatArray | None, rules: Rules) -> Decisions:
    """Make intervals of limits or standard errors, and tests of p-values or intervals.

    Raises
    ------
    InputError
        If a column cannot be read, or degrees of freedom come without standard errors.
    """
    if rules.df is not None and se is None:
        msg = f"`df` must come with `se`, got {rules.df!r} alone; own limits need no degrees of freedom"
        raise InputError(msg)
    intervals = _intervals(columns, estimate, se, rules)
    if rules.p_value is None:
        return intervals._replace(rejected=_excludes(intervals, rules.null))
    return intervals._replace(rejected=_significant(columns.p_values(rules.p_value), rules.level))


def _intervals(columns: Columns, estimate: FloatArray, se: FloatArray | None, rules: Rules) -> Decisions:
    if rules.lower is not None or rules.upper is not None:
        lower, upper = columns.limits(rules.lower, rules.upper)
        two_sided = rules.lower is not None and rules.upper is not None
        return Decisions(lower, upper, upper - lower if two_sided else None, None)
    if se is None:
        return Decisions(None, None, None, None)
    reach = _critical(None if rules.df is None else columns.degrees(rules.df), rules.level) * se
    width = np.where(np.isnan(estimate), np.nan, 2 * reach)
    return Decisions(estimate - reach, estimate + reach, width, None)


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
