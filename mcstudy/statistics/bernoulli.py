"""Exact time-uniform limits for probabilities and quantiles: beta-binomial confidence sequences.

They hold for every law and every number of replicates; see `sequences` for what `share` and `tuned` mean.
"""

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.ordering import order_statistics
from mcstudy.statistics.sequences import TUNED, check_share, mixture_scale

__all__ = ["at_least_rejected", "proportion_limits", "quantile_limits", "violation_limit"]

# The logit of a probability p with 1 - p = 3e-20: as a double it is 1.
SURE = 45.0
# Relative: a limit has so many digits. Halving alone would get there from the widest start.
CLOSE, MOST_STEPS = 1e-12, 50


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

    def beyond(place: FloatArray) -> FloatArray:
        return _evidence(counts, trials, expit(place), expit(-place), scale) - threshold

    # Half a success is less than the evidence can reject, at a share of at most 1/2.
    share_seen = (counts + 0.5) / (trials + 1)
    left = np.asarray(logit(share_seen))
    error = 1 / np.sqrt(trials * share_seen * (1 - share_seen))
    right = _first_positive(beyond, left, 4 * error)
    full = counts == trials
    return np.where(full, 1.0, expit(right)), np.where(full, 0.0, expit(-right))


def _first_positive(
    function: Callable[[FloatArray], FloatArray], left: FloatArray, step: FloatArray
) -> FloatArray:
    """Where an increasing function that is negative at `left` becomes positive, from the right; `SURE` if nowhere.

    Elementwise: steps of doubled length, then regula falsi with the Illinois rule: an end that stays twice counts
    half.
    """
    below = function(left)
    right = np.minimum(left + step, SURE)
    above = function(right)
    while np.any(short := (above < 0) & (right < SURE)):
        left, below, step = np.where(short, right, left), np.where(short, above, below), 2 * step
        right = np.where(short, np.minimum(right + step, SURE), right)
        above = function(right)
    left = np.where(above < 0, right, left)
    stayed = np.zeros_like(left)  # 1 where the right end did at the last step, -1 where the left one did
    for _ in range(MOST_STEPS):
        if np.all(right - left <= CLOSE * (1 + np.abs(right))):
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            place = right - above / (above - below) * (right - left)
        place = np.where((place > left) & (place < right), place, (left + right) / 2)
        value = function(place)
        positive = value >= 0
        below, above = (
            np.where(positive, np.where(stayed < 0, below / 2, below), value),
            np.where(positive, value, np.where(stayed > 0, above / 2, above)),
        )
        left, right = np.where(positive, left, place), np.where(positive, place, right)
        stayed = np.where(positive, -1.0, 1.0)
    return right


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
    return float(order_statistics(values, rank, rank + 1)[0])


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
