"""Confidence intervals that stay honest at extreme confidence: for means of influences, and for proportions.

A verdict of a study shares a small error among hundreds of intervals, so a single one runs at a confidence
near 1 - 1e-6. There the skewness of the data decides, not its standard error alone, which is why
`hall_interval` is the default of the package.
"""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mcstudy.exceptions import InputError
from mcstudy.statistics.pools import cube, mean_of, peak_of, total
from mcstudy.statistics.portions import in_portions

__all__ = [
    "check_confidence",
    "clopper_pearson",
    "dkw_band",
    "hall_interval",
    "standard_error",
    "t_interval",
    "t_quantile",
    "tail_probability",
    "upper_limit",
]

FloatArray: TypeAlias = NDArray[np.float64]


def tail_probability(confidence: float) -> float:
    """Probability left to each side of a two-sided interval, ``(1 - confidence) / 2``.

    The subtraction is exact; what is lost is lost in writing a confidence down: 1 - 1e-10 as a double holds
    its distance from 1 to about six digits.

    Raises
    ------
    InputError
        If `confidence` is not strictly between 0 and 1.
    """
    check_confidence(confidence)
    return (1 - confidence) / 2


def check_confidence(confidence: float, name: str = "confidence") -> None:
    """Raise `InputError`, about the argument `name`, unless ``0 < confidence < 1``."""
    if not 0 < confidence < 1:
        msg = f"`{name}` must lie strictly between 0 and 1, got {confidence}; 0.99 is a usual choice"
        raise InputError(msg)


def t_quantile(degrees: int, confidence: float) -> float:
    """Positive t with ``P(|T| <= t) = confidence`` for Student's T on `degrees` degrees of freedom."""
    from scipy.special import stdtrit

    return float(-stdtrit(degrees, tail_probability(confidence)))


def standard_error(influence: FloatArray) -> float:
    """Compute the standard error of an estimator from its influence values.

    Parameters
    ----------
    influence : ndarray of shape (n,)
        Effect of each replicate on the estimator, times n; mean 0 up to rounding.

    Returns
    -------
    float
        ``sd(influence, ddof=1) / sqrt(n)``, without overflow or underflow of the squares; exactly 0 if all
        influences are 0.
    """
    peak, n = peak_of(influence), influence.size
    if peak == 0:
        return 0.0
    mean = total(influence, lambda portion: portion / peak) / n
    squares = total(influence, lambda portion: np.square(portion / peak - mean))
    return peak * math.sqrt(squares / (n - 1)) / math.sqrt(n)


def t_interval(center: float, influence: FloatArray, confidence: float) -> tuple[float, float]:
    """Symmetric interval ``center +- t mcse``: blind to skewness, kept as the yardstick for `hall_interval`.

    Parameters and errors are those of `hall_interval`.
    """
    half_width = t_quantile(influence.size - 1, confidence) * standard_error(influence)
    return center - half_width, center + half_width


def hall_interval(
    center: float, influence: FloatArray, confidence: float, *, mcse: float | None = None
) -> tuple[float, float]:
    """Interval for an estimator that is a mean of influences, corrected for their skewness to second order.

    Hall's monotone cubic makes the studentized estimator symmetric: with g = skewness / sqrt(n),

        y = T + g T^2 / 3 + g^2 T^3 / 27 + g / 6

    follows Student's t with an error of order 1/n in each tail, where T alone is off by 1/sqrt(n). Its
    inverse at +-t gives the ends of the interval.

    Parameters
    ----------
    center : float
        The estimate.
    influence : ndarray of shape (n,), n >= 2
        Influence values of the replicates, mean 0.
    confidence : float
        Two-sided confidence, strictly between 0 and 1.
    mcse : float, optional
        Standard error of the estimate where it is larger than that of the influences.

    Returns
    -------
    low, high : float
        Both equal to `center` where `mcse` is 0.

    Raises
    ------
    InputError
        If `confidence` is not strictly between 0 and 1.

    References
    ----------
    P. Hall, "On the removal of skewness by transformation", J. R. Statist. Soc. B 54 (1992) 221-228.

    Examples
    --------
    >>> low, high = hall_interval(0.0, np.array([-1.0, -1.0, -1.0, 3.0]), 0.95)
    >>> -low < high  # skewed to the right: the truth may lie further to the right
    True
    """
    t = t_quantile(influence.size - 1, confidence)
    error = standard_error(influence) if mcse is None else mcse
    if error == 0:
        return center, center
    n = influence.size
    unit = error * math.sqrt(n)
    skew = mean_of(in_portions(lambda portion: cube(portion / unit), influence)) / math.sqrt(n)
    return center - error * _studentized(t, skew), center - error * _studentized(-t, skew)


def _studentized(y: float, skew: float) -> float:
    """Solve Hall's cubic for T."""
    shifted = y - skew / 6
    root = float(np.cbrt(1 + skew * shifted))
    # The same as 3 (root - 1) / skew, but with nothing to cancel: skew = 0 gives y.
    return 3 * shifted / (1 + root + root**2)


def clopper_pearson(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Exact two-sided interval for a probability; covers at least with `confidence`, at 0 and 1 too.

    Parameters
    ----------
    successes, trials : int
        ``0 <= successes <= trials`` and ``trials >= 1``.
    confidence : float
        Strictly between 0 and 1; each side gets half of the error.

    Raises
    ------
    InputError
        If the counts or the confidence are out of range.

    Examples
    --------
    >>> low, high = clopper_pearson(0, 100, 0.95)
    >>> low, round(high, 4)
    (0.0, 0.0362)
    """
    from scipy.special import betaincinv

    tail = tail_probability(confidence)
    _check_counts(successes, trials)
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    return low, _upper_end(successes, trials, tail)


def upper_limit(successes: int, trials: int, confidence: float) -> float:
    """One-sided Clopper-Pearson limit: the probability is below it, with `confidence`.

    Parameters and errors are those of `clopper_pearson`; the whole error is spent on one side.

    Examples
    --------
    >>> round(upper_limit(0, 300, 0.95), 3)  # the rule of three: 3 / 300
    0.01
    """
    _check_counts(successes, trials)
    return _upper_end(successes, trials, 2 * tail_probability(confidence))


def _upper_end(successes: int, trials: int, tail: float) -> float:
    from scipy.special import betainccinv

    return 1.0 if successes == trials else float(betainccinv(successes + 1, trials - successes, tail))


def _check_counts(successes: int, trials: int) -> None:
    if trials < 1 or not 0 <= successes <= trials:
        msg = (
            f"`successes` must lie between 0 and `trials` and `trials` be at least 1, "
            f"got {successes} of {trials}; count again"
        )
        raise InputError(msg)


def dkw_band(replicates: int, confidence: float) -> float:
    """Half-width of the uniform confidence band around an empirical distribution function.

    The Dvoretzky-Kiefer-Wolfowitz inequality with Massart's constant: the empirical distribution function of
    `replicates` independent draws stays within ``sqrt(log(2 / (1 - confidence)) / (2 replicates))`` of the
    truth everywhere, with at least `confidence`, whatever the distribution.

    Raises
    ------
    InputError
        If `replicates` is below 1 or `confidence` not strictly between 0 and 1.
    """
    tail = tail_probability(confidence)
    if replicates < 1:
        msg = f"`replicates` must be at least 1, got {replicates}; draw some"
        raise InputError(msg)
    return math.sqrt(-math.log(tail) / (2 * replicates))
