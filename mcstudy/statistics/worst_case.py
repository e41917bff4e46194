"""What an estimate could be if the replicates without a value had had one, whatever it is.

Nothing is assumed of why they have none, so nothing better can be said: each bound is attained (C. F. Manski,
"Partial Identification of Probability Distributions", Springer 2003, Chapter 1).
"""

import math

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.order_statistics import sample_quantile

__all__ = ["mean_bounds", "quantile_bounds"]


def mean_bounds(
    mean: float, replicates: int, missing: int, within: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Bounds for the mean of a column within a range, by default for a share.

    Parameters
    ----------
    mean : float
        Of those that have a value.
    replicates, missing : int
        How many have one, and how many have none; not both 0.
    within : pair of float
        The range.

    Returns
    -------
    low, high : float
        Where all that are missing lie at its one end, and at the other.

    Raises
    ------
    InputError
        If there are no replicates at all, or fewer than none.

    Examples
    --------
    >>> mean_bounds(0.9, replicates=80, missing=20)
    (0.72, 0.92)
    """
    total = replicates + missing
    if min(replicates, missing) < 0 or total == 0:
        msg = f"`replicates` and `missing` must be counts, not both 0, got {replicates} and {missing}; draw some"
        raise InputError(msg)
    low, high = ((replicates * mean + missing * end) / total for end in within)
    return low, high


def quantile_bounds(values: FloatArray, probability: float, missing: int) -> tuple[float, float]:
    """Bounds for a quantile of any column: all that are missing lie below every value, or above.

    Parameters
    ----------
    values : ndarray of shape (n,), n >= 1
        Those that there are.
    probability : float
        Strictly between 0 and 1.
    missing : int
        How many have none.

    Returns
    -------
    low, high : float
        Infinite where the missing ones could make the quantile what they like.

    Examples
    --------
    >>> quantile_bounds(np.arange(1.0, 10.0), 0.5, missing=2)
    (4.0, 6.0)
    >>> quantile_bounds(np.arange(1.0, 10.0), 0.9, missing=2)
    (8.0, inf)
    """
    low, high = (
        sample_quantile(np.concatenate([values, np.full(missing, end)]), probability)
        for end in (-math.inf, math.inf)
    )
    # Between infinities of both signs lies any number.
    return (-math.inf if math.isnan(low) else low), (math.inf if math.isnan(high) else high)
