"""Sampling error of a quantile from order statistics alone: no density is estimated, no law assumed."""

import math
from typing import Any

import numpy as np

from mcstudy.statistics.intervals import FloatArray, check_confidence
from mcstudy.statistics.ordering import order_statistics

__all__ = ["maritz_jarrett", "order_statistic_interval", "sample_quantile"]

# Infinite values that hold the quantile in fewer than one of a thousand samples are none of its usual error.
RARE = 1e-3


def sample_quantile(values: FloatArray, probability: float) -> float:
    """Interpolate a quantile as `numpy.quantile` does, also where infinite values are near.

    Parameters
    ----------
    values : ndarray of shape (n,), n >= 1
        Finite or infinite.
    probability : float
        p, strictly between 0 and 1.

    Returns
    -------
    float
        Infinite where it lies at or beside an infinite value; nan where it lies between two of different sign.

    Examples
    --------
    >>> sample_quantile(np.array([-np.inf, 0.0, 1.0, np.inf]), 0.5)
    0.5
    >>> sample_quantile(np.array([-np.inf, 0.0, 1.0, np.inf]), 0.1)
    -inf
    """
    place = probability * (values.size - 1)
    rank = min(math.floor(place), values.size - 2) if values.size > 1 else 0
    neighbours = order_statistics(values, rank, min(rank + 2, values.size))
    # Of two values the quantile between them is where it lies between their ranks.
    with np.errstate(invalid="ignore"):
        found = float(np.quantile(neighbours, place - rank))
    if not math.isnan(found):
        return found
    below, above = float(neighbours[0]), float(neighbours[math.ceil(place) - rank])
    if math.isinf(below) and math.isinf(above):
        return below if below == above else math.nan
    return below if math.isinf(below) else above


def maritz_jarrett(values: FloatArray, probability: float) -> float:
    """Compute the standard error of a sample quantile.

    The quantile of n uniform draws is nearly Beta((n+1)p, (n+1)(1-p)); the standard error is the standard
    deviation of the ordered data under the weights this law gives to the n steps of the empirical quantile
    function.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Independent replicates, finite or infinite.
    probability : float
        p, strictly between 0 and 1.

    Returns
    -------
    float
        Standard error in the units of `values`; 0 where all order statistics of positive weight are equal. Infinite
        where those that are infinite have a weight of more than `RARE`; with less they count as the furthest others.

    References
    ----------
    J. S. Maritz and R. G. Jarrett, "A note on estimating the variance of the sample median", J. Am.
    Statist. Ass. 73 (1978) 194-196; with the weights of F. E. Harrell and C. E. Davis, Biometrika 69 (1982)
    635-640.
    """
    from scipy.special import betainc, betainccinv, betaincinv

    n = values.size
    law = ((n + 1) * probability, (n + 1) * (1 - probability))
    # Outside of this window the weights sum to less than one rounding of the total.
    first = math.floor(n * betaincinv(*law, np.finfo(float).eps))
    last = math.ceil(n * betainccinv(*law, np.finfo(float).eps))
    weights = np.diff(betainc(*law, np.arange(first, last + 1) / n))
    ordered = order_statistics(values, first, last)
    finite = np.isfinite(ordered)
    if not np.all(finite):
        if weights @ ~finite > RARE:
            return 0.0 if ordered[0] == ordered[-1] else math.inf
        ordered = np.clip(ordered, ordered[finite][0], ordered[finite][-1])
    spread = float(ordered[-1] - ordered[0])
    if spread == 0:
        return 0.0
    places = (ordered - ordered[0]) / spread
    deviations = places - weights @ places
    return spread * math.sqrt(weights @ deviations**2)


def order_statistic_interval(
    values: FloatArray, probability: float, confidence: float
) -> tuple[float, float]:
    """Bracket a quantile by two order statistics, whose ranks come from the binomial law.

    It is the interval of `scipy.stats.quantile_test`.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Independent replicates of any law.
    probability : float
        p, strictly between 0 and 1.
    confidence : float
        Strictly between 0 and 1; each side gets half of the error, so the interval covers at least with
        `confidence`.

    Returns
    -------
    low, high : float
        An end is infinite where n replicates cannot bound the quantile at this confidence. Data without any
        spread are taken as deterministic: both ends are their value.

    Raises
    ------
    InputError
        If `confidence` is not strictly between 0 and 1.

    Examples
    --------
    >>> order_statistic_interval(np.arange(1.0, 11.0), 0.5, 0.95)
    (2.0, 9.0)
    """
    from scipy.stats import quantile_test

    check_confidence(confidence)
    smallest, largest = float(np.min(values)), float(np.max(values))
    if smallest == largest:
        return smallest, largest
    # The stubs of SciPy take the interval for a number.
    limits: Any = quantile_test(values, p=probability).confidence_interval(confidence)
    low, high = float(limits.low), float(limits.high)
    # SciPy says nan where no order statistic lies far enough out.
    return -math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high
