"""Exact time-uniform limits for probabilities and quantiles: beta-binomial confidence sequences.

They hold for every law and every number of replicates; see `sequences` for what `share` and `tuned` mean.
"""

import math
from bisect import bisect_left

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.sequences import TUNED, check_share, mixture_scale

__all__ = ["at_least_rejected", "proportion_limits", "quantile_limits", "violation_limit"]


def at_least_rejected(
    successes: ArrayLike, trials: int, probability: ArrayLike, *, share: float, tuned: float = TUNED
) -> NDArray[np.bool_]:
    """Whether so few successes reject "the probability is at least p", elementwise; at any number of trials.

    If the statement is true it is ever rejected with probability at most `share`, exactly: the beta-binomial
    mixture of the alternatives below p, Beta(k p, k (1 - p)) cut off at p with k = rho - 1 (`effective_z`), is
    a supermartingale under it. "At most p" is rejected by ``trials - successes`` and ``1 - p``.

    A law is confirmed by this at every point: the distance from the claimed F reaches m somewhere only if
    ``P(X <= x) >= F(x) + m`` or ``P(X >= x) >= 1 - F(x-) + m`` for an x, and one x has to be rejected wrongly.

    Parameters
    ----------
    successes : array-like of int
        Between 0 and `trials`.
    trials : int
        At least 1.
    probability : array-like of float
        p, positive. From 1 on everything is rejected: an event that must happen needs no test of its own.
    share, tuned : float
        See `effective_z`.

    Returns
    -------
    ndarray of bool

    Raises
    ------
    InputError
        If an argument is out of range.

    References
    ----------
    S. R. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence
    sequences", Ann. Statist. 49 (2021) 1055-1080, Proposition 7.

    Examples
    --------
    >>> at_least_rejected([0, 1, 2, 3], 100, 0.1, share=0.01, tuned=100)
    array([ True,  True, False, False])
    """
    counts = _checked_counts(successes, trials)
    p = np.asarray(probability, dtype=np.float64)
    if not np.all(p > 0):
        msg = f"`probability` must be positive, got {float(np.min(p))}; what cannot happen needs no test"
        raise InputError(msg)
    inside = np.where(p < 1, p, 0.5)
    evidence = _evidence(counts, trials, inside, 1 - inside, mixture_scale(share, tuned))
    return np.asarray((p >= 1) | (evidence >= -math.log(share)))


def _evidence(counts: FloatArray, trials: int, p: FloatArray, q: FloatArray, scale: float) -> FloatArray:
    """Logarithm of the mixture over probabilities below p, against p = 1 - q."""
    from scipy.special import betainc, betaln

    # Below one pseudo-observation the prior puts everything at 0 and 1.
    strength = max(scale - 1, 1.0)
    successes, failures = strength * p + counts, strength * q + (trials - counts)
    # Counts that speak for p leave no mass below it: their evidence is minus infinity.
    with np.errstate(divide="ignore"):
        mixed = betaln(successes, failures) + np.log(betainc(successes, failures, p))
    prior = betaln(strength * p, strength * q) + np.log(betainc(strength * p, strength * q, p))
    likelihood = counts * np.log(p) + (trials - counts) * np.log(q)
    return np.asarray(mixed - prior - likelihood)


def proportion_limits(
    successes: ArrayLike, trials: int, *, share: float, tuned: float = TUNED
) -> tuple[FloatArray, FloatArray]:
    """Exact time-uniform limits for a probability, elementwise.

    The probabilities that `at_least_rejected` does not reject, from above and from below.

    Parameters
    ----------
    successes, trials, share, tuned
        See `at_least_rejected`.

    Returns
    -------
    low, high : ndarray of the shape of `successes`
        Each end holds at `share` by itself; 0 without a success, 1 without a failure.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> low, high = proportion_limits(2, 400, share=0.01, tuned=400)
    >>> round(float(low), 5), round(float(high), 4)
    (0.0001, 0.0269)
    """
    counts = _checked_counts(successes, trials)
    high, _ = _highest(counts, trials, share, tuned)
    _, low = _highest(trials - counts, trials, share, tuned)
    return low, high


def _highest(counts: FloatArray, trials: int, share: float, tuned: float) -> tuple[FloatArray, FloatArray]:
    """Largest probability that is not rejected, and its complement (to its own last digits)."""
    from scipy.special import expit, logit

    scale, threshold = mixture_scale(share, tuned), -math.log(share)
    # Half a success is less than the evidence can reject; 45 is 1 - p = 3e-20, where p is 1 as a double.
    left = np.asarray(logit((counts + 0.5) / (trials + 1)) - 1.0)
    right = np.full_like(left, 45.0)
    for _ in range(60):
        middle = (left + right) / 2
        rejected = _evidence(counts, trials, expit(middle), expit(-middle), scale) >= threshold
        left, right = np.where(rejected, left, middle), np.where(rejected, middle, right)
    full = counts == trials
    return np.where(full, 1.0, expit(right)), np.where(full, 0.0, expit(-right))


def violation_limit(trials: int, share: float) -> float:
    """Upper limit on the probability of a violation while none has been seen, at any number of trials.

    ``1 - share ** (1 / trials)``: as for a single look. The first violation ends the matter, so a wrong limit
    at any n is a wrong limit at the first n where ``(1 - p) ** n <= share``, and there is nothing to pay.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> round(violation_limit(6905, 0.001), 6)
    0.001
    """
    check_share(share)
    if trials < 1:
        msg = f"`trials` must be at least 1, got {trials}; draw some"
        raise InputError(msg)
    return -math.expm1(math.log(share) / trials)


def quantile_limits(
    values: FloatArray, probability: float, *, share: float, tuned: float = TUNED
) -> tuple[float, float]:
    """Exact time-uniform limits for a quantile: two order statistics, whatever the law.

    The true quantile has at least ``probability`` of the law at or below it. So it lies below the r-th smallest
    value only if fewer than r values do not exceed it; r is the number of counts that `at_least_rejected` rejects.

    Parameters
    ----------
    values : ndarray of shape (n,), n >= 1
        Independent replicates.
    probability : float
        Strictly between 0 and 1.
    share, tuned : float
        See `effective_z`; each end holds at `share` by itself.

    Returns
    -------
    low, high : float
        Infinite where there are too few replicates.

    Raises
    ------
    InputError
        If an argument is out of range.

    References
    ----------
    S. R. Howard and A. Ramdas, "Sequential estimation of quantiles with applications to A/B testing and
    best-arm identification", Bernoulli 28 (2022) 1704-1728.

    Examples
    --------
    >>> quantile_limits(np.arange(100.0), 0.5, share=0.01, tuned=100)
    (33.0, 66.0)
    """
    if not 0 < probability < 1:
        msg = f"`probability` must lie strictly between 0 and 1, got {probability}; the median is 0.5"
        raise InputError(msg)
    n = values.size
    below = _counts_rejected(n, probability, share, tuned)
    above = _counts_rejected(n, 1 - probability, share, tuned)
    low = _ordered(values, below - 1) if below else -math.inf
    high = _ordered(values, n - above) if above else math.inf
    return low, high


def _ordered(values: FloatArray, rank: int) -> float:
    return float(np.partition(values, rank)[rank])


def _counts_rejected(n: int, probability: float, share: float, tuned: float) -> int:
    def kept(count: int) -> bool:
        return not at_least_rejected(count, n, probability, share=share, tuned=tuned)

    return bisect_left(range(n + 1), True, key=kept)


def _checked_counts(successes: ArrayLike, trials: int) -> FloatArray:
    counts = np.asarray(successes, dtype=np.float64)
    if trials < 1 or not np.all((counts >= 0) & (counts <= trials)):
        msg = f"`successes` must lie between 0 and `trials`, at least 1, got {counts.tolist()} of {trials}; count again"
        raise InputError(msg)
    return counts
