"""Confidence limits that hold at every number of replicates at once: confidence sequences.

A limit of this kind misses the truth at some n, whenever and however often one looks, stops, resumes or merges,
with probability at most `share`. Each end holds at `share` by itself: that is what an intersection of one-sided
tests needs. A two-sided statement gives half of its share to each end, which costs next to nothing against a
mixture over both signs.

All are mixture martingales (Robbins 1970): normal ones here, for statistics with influences, beta-binomial in
`bernoulli`, gamma-exponential in `bounded`. All are tuned alike: `tuned` is the number of replicates at which
the limits are tightest, and it must be fixed before drawing. From a quarter of it to sixteen times as much they
take at most a sixth more replicates than that optimum; long before it they are wide.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.pools import Pool, cube, extremes, total

__all__ = [
    "TUNED",
    "Moments",
    "check_share",
    "effective_z",
    "influence_limits",
    "law_band",
    "mixture_scale",
    "replicates_for",
    "sequence_limits",
]

# Margins from 0.05 to 0.2 standard deviations take 10,000 to 600 replicates.
TUNED = 2048


def check_share(share: float) -> None:
    """Refuse a share of the error that is none.

    Raises
    ------
    InputError
        If `share` is not in (0, 1/2].
    """
    if not 0 < share <= 0.5:
        msg = f"`share` must lie in (0, 1/2], got {share}; it is a probability of error on one side"
        raise InputError(msg)


def mixture_scale(share: float, tuned: float) -> float:
    """Variance of the mixing law, inverted, in replicates: the same for every kind of mixture.

    ``rho = tuned / (L + log(1 + L))`` with ``L = 2 log(1 / share)``, which makes the limits tightest at `tuned`.

    Raises
    ------
    InputError
        If `share` is not in (0, 1/2], or `tuned` below 1.
    """
    check_share(share)
    if not 1 <= tuned < math.inf:
        msg = f"`tuned` must be at least 1 and finite, got {tuned}; give a number of replicates"
        raise InputError(msg)
    length = -2 * math.log(share)
    return tuned / (length + math.log1p(length))


@lru_cache(maxsize=1024)  # the samples of a study are often of one size
def effective_z(replicates: int, share: float, tuned: float = TUNED) -> float:
    """How many standard errors a time-uniform limit lies from the estimate at `replicates`.

    The one-sided normal-mixture boundary: with rho = tuned / (L + log(1 + L)), L = 2 log(1 / share),

        z^2 = 2 (1 + rho / n) log(1 + sqrt(1 + n / rho) / (2 share)).

    A standard Brownian motion W ever exceeds ``z sqrt(n)`` with probability at most `share`, and so does a sum
    of n centered terms that are sub-Gaussian of variance 1, at any n. For means and other statistics with
    influences it holds asymptotically.

    Parameters
    ----------
    replicates : int
        n, at least 1.
    share : float
        Probability of ever missing on this side, in (0, 1/2].
    tuned : float
        Number of replicates at which z is smallest.

    Raises
    ------
    InputError
        If an argument is out of range.

    References
    ----------
    I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas, "Time-uniform central limit theory and
    asymptotic confidence sequences", Ann. Statist. 52 (2024) 2613-2640.

    Examples
    --------
    >>> round(effective_z(2048, 0.001), 2)  # a normal quantile, for one look, would be 3.09
    4.03
    """
    if replicates < 1:
        msg = f"`replicates` must be at least 1, got {replicates}; draw some"
        raise InputError(msg)
    ratio = replicates / mixture_scale(share, tuned)
    return math.sqrt(2 * (1 + 1 / ratio) * math.log1p(math.sqrt(1 + ratio) / (2 * share)))


def replicates_for(distance: float, share: float) -> int:
    """Number of replicates at which limits tuned to it lie `distance` standard deviations from the estimate.

    Serves to choose `tuned` where the standard deviation is known beforehand (1/2 for a distribution function,
    ``sqrt(p (1 - p))`` for a proportion), and to say how many replicates a verdict will probably take.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> replicates_for(0.04, 0.01 / 40)
    11973
    """
    if not 0 < distance < math.inf:
        msg = f"`distance` must be positive and finite, got {distance}; give it in standard deviations"
        raise InputError(msg)
    # Boundaries of all tunings are one curve in n / tuned.
    return math.ceil((effective_z(1, share, tuned=1) / distance) ** 2)


def sequence_limits(
    center: float,
    error: float,
    skewness: float,
    replicates: int,
    z: float,
    *,
    degrees: float | None = None,
) -> tuple[float, float]:
    """Time-uniform limits for an estimator that is, nearly, a mean of influences.

    The boundary's effective z takes the place of a normal quantile: it becomes Student's t at the same tail
    probability, and Hall's cubic (see `intervals.hall_interval`) corrects for skewness, on the side where that
    widens. The other side is left as it is: skewness that was estimated from heavy symmetric tails would shorten
    at random (the mean of t3 missed about three times too often at a share of 1e-4).

    Parameters
    ----------
    center, error : float
        The estimate and its standard error.
    skewness : float
        Third standardised moment of the influences.
    replicates : int
        How many influences there are, at least 2.
    z : float
        Effective z (`effective_z`): each end holds at its share by itself.
    degrees : float, optional
        Degrees of freedom of `error`. Default: ``replicates - 1``.

    Returns
    -------
    low, high : float
        Infinite where t is.

    Raises
    ------
    InputError
        If there are fewer than two replicates.

    Examples
    --------
    >>> low, high = sequence_limits(0.0, 1.0, 2.0, 1000, z=4.0)
    >>> round(low, 2), round(high, 2)
    (-4.02, 4.43)
    """
    if replicates < 2:
        msg = f"`replicates` must be at least 2, got {replicates}; draw more"
        raise InputError(msg)
    t = _student(replicates - 1 if degrees is None else degrees, z)
    if not math.isfinite(t):
        return -math.inf, math.inf
    slant = skewness / math.sqrt(replicates)
    return center - error * max(t, _hall(t, slant)), center + error * max(t, _hall(t, -slant))


@lru_cache(maxsize=1024)  # the samples of a study are often of one size
def _student(degrees: float, z: float) -> float:
    """Student's t at the tail probability of z."""
    from scipy.special import ndtr, stdtrit

    return -float(stdtrit(degrees, float(ndtr(-z))))


def _hall(t: float, slant: float) -> float:
    """Solve Hall's cubic for the studentized estimator; see `intervals.hall_interval`."""
    shifted = t - slant / 6
    root = float(np.cbrt(1 + slant * shifted))
    return 3 * shifted / (1 + root + root**2)


class Moments(NamedTuple):
    """What limits take from influences: their ends, and their sums in units of the largest, `peak`.

    Attributes
    ----------
    size : int
    low, high : float
        The smallest and the largest.
    mean, second, third : float
        Their mean, and the sums of squares and of cubes about it, so that no cube over- or underflows.
    """

    size: int
    low: float
    high: float
    mean: float
    second: float
    third: float

    @classmethod
    def of(cls, influence: FloatArray | Pool) -> Moments:
        """Those of influences, shape (n,)."""
        pool = Pool.of(influence)
        low, high = extremes(pool)
        peak = max(-low, high)
        if peak == 0:
            return cls(pool.size, low, high, 0.0, 0.0, 0.0)
        mean = total(pool, lambda portion: portion / peak) / pool.size
        second = total(pool, lambda portion: np.square(portion / peak - mean))
        third = total(pool, lambda portion: cube(portion / peak - mean))
        return cls(pool.size, low, high, mean, second, third)

    @classmethod
    def each(cls, stack: FloatArray) -> list[Moments]:
        """Those of each row of a stack, shape (k, n), n at most `pools.PORTION`: as `of` gives them, to the last bit."""
        lows, highs = np.min(stack, axis=1), np.max(stack, axis=1)
        peaks = np.maximum(-lows, highs)
        places = stack / np.where(peaks == 0, 1.0, peaks)[:, None]
        means = np.sum(places, axis=1) / stack.shape[1]
        places -= means[:, None]
        sums = means, np.sum(np.square(places), axis=1), np.sum(cube(places), axis=1)
        rows = zip(lows.tolist(), highs.tolist(), *(each.tolist() for each in sums), strict=True)
        return [cls(stack.shape[1], *row) for row in rows]

    @property
    def standard_error(self) -> float:
        """That of the mean of the influences, see `intervals.standard_error`."""
        if self.peak == 0:
            return 0.0
        return self.peak * math.sqrt(self.second / (self.size - 1)) / math.sqrt(self.size)

    @property
    def peak(self) -> float:
        """The largest magnitude."""
        return max(-self.low, self.high)

    def with_phantoms(self, phantom: float, weight: float) -> tuple[float, float, float]:
        """Mean, standard error and skewness of the influences with `weight` phantoms added."""
        if self.peak == 0:
            return 0.0, 0.0, 0.0
        place, count = phantom / self.peak, self.size + weight
        # How far the phantoms move the mean: the sums about it follow from those about the old one.
        moved = weight * (place - self.mean) / count
        place -= self.mean + moved
        second = (self.second + self.size * moved**2 + weight * place**2) / count
        if second == 0:
            return self.peak * self.mean, 0.0, 0.0
        sum_of_cubes = self.third - moved * (3 * self.second + self.size * moved**2)
        third = (sum_of_cubes + weight * place**3) / count
        mean = self.mean + moved
        return self.peak * mean, self.peak * math.sqrt(second / (count - 1)), third / second**1.5


def influence_limits(
    center: float,
    influence: FloatArray | Pool | Moments,
    z: float,
    *,
    remainder: float = 0.0,
    unseen: float = 0.0,
    degrees: float | None = None,
) -> tuple[float, float]:
    """Time-uniform limits for a statistic, from the influences of its replicates.

    Whether they may be believed is another question, which `tails.condition` answers.

    Parameters
    ----------
    center : float
        The estimate.
    influence : ndarray of shape (n,), n >= 2, or Pool, or Moments
        Influence values, of mean 0; or what counts of them, where limits are asked for more than once.
    z, degrees : float
        See `sequence_limits`.
    remainder : float
        What the influences leave out: where the estimate is z errors off, their mean is off by about
        ``z^2 remainder`` more. For a variance it is ``s^2 / n``: its influences vanish for random signs, its
        error does not.
    unseen : float
        So many replicates more are assumed to lie at twice the largest influence, for each end on its side.

    Returns
    -------
    low, high : float
        Both equal to `center` where nothing varies and nothing is left out.

    Raises
    ------
    InputError
        If there are fewer than two influences.

    Examples
    --------
    >>> influence = np.tile([-1.0, 1.0], 128)
    >>> low, high = influence_limits(0.0, influence, effective_z(256, share=0.01, tuned=256))
    >>> round(low, 3), round(high, 3)
    (-0.213, 0.213)
    """
    moments = influence if isinstance(influence, Moments) else Moments.of(influence)
    if not unseen:
        return _one_sided(center, moments, 0.0, z, remainder, unseen, degrees)
    low, _ = _one_sided(center, moments, min(moments.low, 0.0), z, remainder, unseen, degrees)
    _, high = _one_sided(center, moments, max(moments.high, 0.0), z, remainder, unseen, degrees)
    return low, high


def _one_sided(
    center: float,
    moments: Moments,
    end: float,
    z: float,
    remainder: float,
    unseen: float,
    degrees: float | None,
) -> tuple[float, float]:
    """Limits of which the one on the side of the outermost influence, `end`, counts."""
    # At once the largest, variances of t3 miss 1.5 times as often as a share of 0.01 allows; at twice, 0.04 times.
    shift, error, skewness = moments.with_phantoms(2 * end, unseen)
    total = math.hypot(error, z * remainder)
    if total == 0:
        return center, center
    # The remainder is symmetric: it dilutes the skewness.
    diluted = skewness * (error / total) ** 3
    return sequence_limits(center + shift, total, diluted, moments.size, z, degrees=degrees)


def law_band(replicates: int, share: float, first: int = 64) -> float:
    """Half-width of a band around the empirical distribution function that holds everywhere and at every n.

    ``0.85 sqrt((log(1 + log(n / first)) + 0.8 log(1612 / share)) / n)``, for every law: the band that refutes.
    Infinite before `first`, which is the earliest look that counts. (Confirming takes no band, see
    `at_least_rejected`.)

    Raises
    ------
    InputError
        If an argument is out of range.

    References
    ----------
    S. R. Howard and A. Ramdas, Bernoulli 28 (2022) 1704-1728, Corollary 2.

    Examples
    --------
    >>> round(law_band(10_000, 0.001), 4)
    0.0309
    """
    check_share(share)
    if first < 1:
        msg = f"`first` must be at least 1, got {first}; it is a number of replicates"
        raise InputError(msg)
    if replicates < first:
        return math.inf
    iterated = math.log1p(math.log(replicates / first))
    return 0.85 * math.sqrt((iterated + 0.8 * math.log(1612 / share)) / replicates)
