"""Estimates at several levels, on a logarithmic scale: limits of their combinations, from influences.

A slope, a prefactor, a residual of a fit: each is a combination ``weights @ log(y)`` of the estimates y. Its
influences are those of the levels, weighted. Where levels share their random numbers they add up replicate by
replicate; independent levels stand side by side, as one sample of all their replicates.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.pools import Pool, covariance_of, peak_of
from mcstudy.statistics.regression import Regression, regress
from mcstudy.statistics.sequences import (
    TUNED,
    Moments,
    effective_z,
    influence_limits,
    mixture_scale,
    sequence_limits,
)
from mcstudy.statistics.statistic import Limits
from mcstudy.statistics.tails import FEWEST, Condition, Tails, condition

__all__ = ["Joint"]

IntArray = npt.NDArray[np.intp]

EPS = float(np.finfo(np.float64).eps)
ALIKE = "all replicates move alike at all levels: none shows what a rare one would do"


@dataclass(frozen=True, eq=False)
class Joint:
    """Logarithms of positive estimates at k levels.

    Parameters
    ----------
    logs : ndarray of shape (k,)
        Logarithms of the estimates.
    errors : ndarray of shape (k,)
        Their standard errors: those of the estimates, relative.
    influences : tuple of k ndarrays of shapes (n_i,)
        Influences of the replicates on the logarithms.
    names : tuple of k str
        What the levels are called: "n = 8".
    streams : tuple of k int
        Levels of the same number share their random numbers: they have equally many replicates, paired by index.
    constant : bool
        Declares that all replicates of a level are equal: then its estimate is exact, but for rounding.
    """

    logs: FloatArray
    errors: FloatArray
    influences: tuple[FloatArray, ...]
    names: tuple[str, ...]
    streams: tuple[int, ...]
    constant: bool = False

    @cached_property
    def covariance(self) -> FloatArray:
        """Covariance of the logarithms, shape (k, k): zero between levels of different streams."""
        covariance = np.diag(self.errors**2)
        for stream in set(self.streams):
            (levels,) = np.nonzero(np.equal(self.streams, stream))
            if levels.size > 1:
                together = [self.influences[i] for i in levels]
                covariance[np.ix_(levels, levels)] = covariance_of(together) / together[0].size
        return covariance

    def replicates(self, weights: ArrayLike) -> int:
        """The fewest replicates of a level that has a weight."""
        return min(self.influences[i].size for i in np.flatnonzero(weights))

    def combined(self, weights: FloatArray) -> float:
        """The combination ``weights @ logs``."""
        return float(weights @ self.logs)

    def spread(self, weights: FloatArray) -> float:
        """Standard error of ``weights @ logs``."""
        return math.sqrt(max(float(weights @ self.covariance @ weights), 0.0))

    def regress(
        self, regressors: FloatArray, levels: IntArray | None = None, *, known: FloatArray | float = 0.0
    ) -> Regression:
        """Regress the logarithms, less what is `known`, on columns of shape (k, p - 1); or those of some levels only.

        Returns
        -------
        Regression
            Its `estimator` and `misfit` have a place for every level, zero where it was left out.
        """
        chosen = np.arange(len(self.logs)) if levels is None else levels
        fitted = regress(
            regressors[chosen],
            (self.logs - known)[chosen],
            self.covariance[np.ix_(chosen, chosen)],
            replicates=None if self.constant else min(self.influences[i].size for i in chosen),
        )
        places = np.zeros((len(fitted.estimator) + 1, len(self.logs)))
        places[:, chosen] = [*fitted.estimator, fitted.misfit]
        return replace(fitted, estimator=places[:-1], misfit=places[-1])

    def limits(self, weights: FloatArray, share: float, tuned: float = TUNED) -> Limits:
        """Limits of ``weights @ logs``, of which each end holds at `share`, at any number of replicates.

        Parameters
        ----------
        weights : ndarray of shape (k,)
            Not all zero.
        share, tuned : float
            See `Statistic.limits`.

        Returns
        -------
        Limits
            With the condition on the tails of the combination, or that of a level of which nothing can be seen.
        """
        return self.limits_at(weights, effective_z(self.replicates(weights), share, tuned))

    def limits_apart(self, weights: FloatArray, share: float, tuned: float = TUNED) -> Limits:
        """The same from the limits of every level by itself, at its part of the share: they hold for any dependence.

        Wide, but they ask for the tails of the levels only. Those of their combination may never be seen, as where
        replicates move alike at all levels but for a few.
        """
        used = np.flatnonzero(weights)
        each = [
            self.limits_at(weights * (np.arange(len(weights)) == i), effective_z(n, share / len(used), tuned))
            for i, n in ((i, self.influences[i].size) for i in used)
        ]
        conditions = [own.condition for own in each if own.condition is not None]
        low, high = math.fsum(own.low for own in each), math.fsum(own.high for own in each)
        return Limits(low, high, min(conditions, key=_least, default=None))

    def limits_at(self, weights: FloatArray, z: float) -> Limits:
        """Limits of ``weights @ logs`` at an effective z (see `sequences.effective_z`)."""
        center = float(weights @ self.logs)
        if self.constant:
            rounding = float(np.abs(weights) @ (1 + np.abs(self.logs))) * 4 * EPS
            return Limits(center - rounding, center + rounding)
        moments, tails = self._influences(weights)
        seen = condition(tails, z)
        low, high = influence_limits(
            center,
            moments,
            z,
            remainder=self._remainder(weights),
            unseen=seen.unseen,
            degrees=self._degrees(weights),
        )
        return Limits(low, high, self._unseen(weights) or replace(seen, reason=_together(seen, weights)))

    def rejects(
        self, fit: Regression, share: float, tuned: float = TUNED, *, known: FloatArray | float = 0.0
    ) -> bool:
        """Whether the model of a fit to these levels, less what is `known`, is surely wrong, whenever one looks.

        The combination that deviates most from the model is compared with the boundary that the chi-square of
        all of them crosses with probability `share`, at any time, and with Hotelling's correction.
        """
        if not np.any(fit.misfit):
            return False
        replicates = self.replicates(fit.misfit)
        bound = _chi_square_boundary(replicates, fit.degrees, share, tuned)
        if self.constant:
            return fit.chi_square > bound
        largest = _hotelling(replicates, fit.degrees, bound)
        if fit.chi_square <= largest:  # the limits are wider than those of a normal law
            return False
        z = _normal(math.sqrt(largest), self._degrees(fit.misfit))
        limits, expected = self.limits_at(fit.misfit, z), float(np.sum(fit.misfit * known))
        return limits.believed and not limits.low <= expected <= limits.high

    def plain_limits(self, weights: FloatArray, z: float) -> tuple[float, float]:
        """Limits at an effective z that trust in normal laws: for pictures, and for what decides nothing alone."""
        center, error = float(weights @ self.logs), self.spread(weights)
        total = math.hypot(error, z * self._remainder(weights))
        degrees = self._degrees(weights)
        return sequence_limits(center, total, 0.0, self.replicates(weights), z, degrees=degrees)

    def _influences(self, weights: FloatArray) -> tuple[Moments, Tails]:
        """What counts of the influences of a combination, found once: its limits are asked for at several shares."""
        key = weights.tobytes()
        if key not in self._found:
            pool = self._pool(weights)
            self._found[key] = Moments.of(pool), Tails.of(pool, rounding=self._rounding(weights))
        return self._found[key]

    @cached_property
    def _found(self) -> dict[bytes, tuple[Moments, Tails]]:
        return {}

    def _pool(self, weights: FloatArray) -> Pool:
        """Influences on a combination, a group for each stream, as one sample."""
        groups = self._streams(weights)
        sizes = [self.influences[levels[0]].size for levels in groups]
        return Pool(
            [[self.influences[i] for i in levels] for levels in groups],
            [
                [weights[i] * (sum(sizes) / n) for i in levels]
                for levels, n in zip(groups, sizes, strict=True)
            ],
        )

    def _degrees(self, weights: FloatArray) -> float:
        """Degrees of freedom of the error of independent streams together: Welch and Satterthwaite's."""
        groups = self._streams(weights)
        freedom = np.array([self.influences[levels[0]].size - 1 for levels in groups])
        squares = [weights[g] @ self.covariance[np.ix_(g, g)] @ weights[g] for g in groups]
        variances = np.maximum(squares, 0.0)
        if not np.any(variances):
            return float(np.sum(freedom))
        parts = variances / np.max(variances)
        return float(np.sum(parts) ** 2 / np.sum(parts**2 / freedom))

    def _remainder(self, weights: FloatArray) -> float:
        """What influences leave out: where an estimate is z errors off, its logarithm is off by half a square more."""
        return sum(self._bend(weights, levels) for levels in self._streams(weights))

    def _bend(self, weights: FloatArray, levels: IntArray) -> float:
        own, c = self.covariance[np.ix_(levels, levels)], weights[levels]
        apart = float(np.abs(c) @ np.diag(own)) / 2
        if levels.size == 1:
            return apart
        # With d_i the deviations of the levels, d their mean and e_i = d_i - d, the sum of c_i d_i^2 / 2 is that of
        # c_i e_i^2 / 2, plus d sum(c_i d_i), minus d^2 sum(c_i) / 2. Pairs have small e_i.
        of_mean = float(np.mean(own))
        aside = np.diag(own) - 2 * np.mean(own, axis=1) + of_mean
        combined = math.sqrt(max(float(c @ own @ c) * of_mean, 0.0))
        together = (
            float(np.abs(c) @ np.maximum(aside, 0.0)) / 2 + combined + abs(float(np.sum(c))) * of_mean / 2
        )
        return min(apart, together)

    def _streams(self, weights: FloatArray) -> list[IntArray]:
        """The levels that have a weight, those together that share their random numbers."""
        used = np.flatnonzero(weights)
        numbers = np.asarray(self.streams)[used]
        return [used[numbers == number] for number in dict.fromkeys(numbers.tolist())]

    def _rounding(self, weights: FloatArray) -> float:
        """Influences on a combination that are no more than rounding."""
        groups = self._streams(weights)
        total = sum(self.influences[levels[0]].size for levels in groups)
        parts = [
            sum(abs(weights[i]) * _rounding(self.influences[i]) for i in levels)
            * (total / self.influences[levels[0]].size)
            for levels in groups
        ]
        return float(max(parts))

    def _unseen(self, weights: FloatArray) -> Condition | None:
        """The condition of a level of which nothing can be seen, if there is one.

        A level without spread has no share of the error, whatever its weight: only its own draws say so. Heavier
        tails than that show in the tails of the combination, as much as the level has a share of its error. To ask
        every level for its own condition besides kept the promise no better: slopes of lognormal, Pareto, t3 and
        two-point columns, at one of five levels or at all, missed at most 0.84 times the share (0.05 and 0.01) with
        and without, but where one level was heavy verdicts could be given at a twentieth to a half of the looks.
        """
        for i in np.flatnonzero(weights):
            influence, name = self.influences[i], self.names[i]
            if influence.size < FEWEST:
                few = f"at {name}, {influence.size} replicates are too few to see their tails: {FEWEST} are the least"
                return Condition(False, influence.size / FEWEST, few)
            if peak_of(influence) <= _rounding(influence):
                equal = f"at {name}, all {influence.size} replicates are equal: declare them constant, or draw more"
                return Condition(False, 0.0, equal)
        return None


def _chi_square_boundary(replicates: int, degrees: int, share: float, tuned: float) -> float:
    """What the squared norm of a Brownian motion over its time ever exceeds with probability `share`."""
    # Robbins's normal mixture in several dimensions: its density at the origin has one factor for each.
    rho = mixture_scale(share, tuned)
    growth = replicates / rho
    return (1 + 1 / growth) * (degrees * math.log1p(growth) - 2 * math.log(share))


def _hotelling(replicates: int, degrees: int, chi_square: float) -> float:
    """Hotelling's T squared at the tail probability of a chi-square."""
    from scipy.special import betaincinv, chdtrc

    left = max(replicates - degrees, 1)
    # F by its beta law, from the end that keeps the digits of a small tail; SciPy's own inverse lost them before 1.15.
    rest = float(betaincinv(left / 2, degrees / 2, float(chdtrc(degrees, chi_square))))
    quantile = left / degrees * (1 - rest) / rest
    return degrees * (replicates - 1) / left * quantile


def _normal(t: float, degrees: float) -> float:
    """The normal quantile at the tail probability of Student's t."""
    from scipy.special import ndtri, stdtr

    return -float(ndtri(stdtr(degrees, -t)))


def _together(seen: Condition, weights: FloatArray) -> str:
    if np.count_nonzero(weights) == 1:
        return seen.reason
    return f"over the levels together, {seen.reason}" if seen.value else ALIKE


def _least(one: Condition) -> tuple[bool, float]:
    return one.met, one.value


def _rounding(influence: FloatArray) -> float:
    return 8 * EPS * (1 + peak_of(influence))
