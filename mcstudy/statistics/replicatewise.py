"""What each replicate says of a line by itself: the median over replicates, exactly, whatever their law."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.joint import Joint
from mcstudy.statistics.order_statistics import maritz_jarrett, order_statistic_interval
from mcstudy.statistics.ranks import quantile
from mcstudy.statistics.regression import Regression
from mcstudy.statistics.sequences import TUNED
from mcstudy.statistics.statistic import Estimate, Limiting, Limits, Statistic

__all__ = ["Replicatewise", "of_each"]

HALF = 0.5


@dataclass(frozen=True)
class _OfEach(Statistic):
    name = "median"
    each = True

    @property
    def is_exact(self) -> bool:
        return True

    @property
    def _median(self) -> Statistic:
        return quantile(self.column, HALF)

    def estimate(self, values: ArrayLike) -> Estimate:
        return self._median.estimate(values)

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        return self._median.interval(values, confidence)

    def limiting(self, values: ArrayLike) -> Limiting:
        return self._median.limiting(values)

    def influence(self, values: ArrayLike) -> FloatArray:
        return self._median.influence(values)


def of_each(column: str) -> Statistic:
    """The median of a column; in a `Rate` over levels that share their random numbers, that of the replicates' slopes.

    There every replicate has a line of its own, fitted without weights, and the median of their slopes is claimed,
    with the exact limits of a median: whatever a rare replicate would do at a level, it is one replicate.

    Parameters
    ----------
    column : str
        Positive.

    Examples
    --------
    >>> of_each("drift").label
    'median of drift'
    """
    return _OfEach(column)


@dataclass(frozen=True, eq=False)
class Replicatewise(Joint):
    """Logarithms at k levels, replicate by replicate, and medians of their combinations.

    Parameters
    ----------
    logs, errors, influences, names, streams
        See `Joint`; the levels are of one stream, and `influences` are the logarithms less their means.
    own : ndarray of shape (n, k)
        The logarithms of each replicate.
    """

    own: FloatArray = None  # type: ignore[assignment]  # a field after those of the base that have defaults

    @cached_property
    def covariance(self) -> FloatArray:
        """That of the means of the logarithms, with one variance for all levels: weights are no matter of chance."""
        covariance = np.cov(self.own.T) / len(self.own)
        variances = np.diag(covariance)
        scale = np.sqrt(np.mean(variances) / np.where(variances > 0.0, variances, 1.0))
        return np.asarray(covariance * np.outer(scale, scale), dtype=np.float64)

    def combined(self, weights: FloatArray) -> float:
        """The median of the replicates' combinations."""
        return float(np.median(self.own @ weights))

    def spread(self, weights: FloatArray) -> float:
        """Standard error of that median."""
        return maritz_jarrett(self.own @ weights, HALF)

    def limits(self, weights: FloatArray, share: float, tuned: float = TUNED) -> Limits:
        """Exact limits of that median, at any number of replicates."""
        return quantile("own", HALF).limits(self.own @ weights, share, tuned)

    def limits_apart(self, weights: FloatArray, share: float, tuned: float = TUNED) -> Limits:
        """The same: nothing is left that a level alone could tell better."""
        return self.limits(weights, share, tuned)

    def plain_limits(self, weights: FloatArray, z: float) -> tuple[float, float]:
        """Limits of the median from two order statistics, at an effective z."""
        from scipy.special import ndtr

        return order_statistic_interval(self.own @ weights, HALF, float(1.0 - 2.0 * ndtr(-z)))

    def rejects(
        self, fit: Regression, share: float, tuned: float = TUNED, *, known: FloatArray | float = 0.0
    ) -> bool:
        """Whether the median of what deviates most from the model is surely not what is known of it."""
        if not np.any(fit.misfit):
            return False
        low, high, _ = self.limits(fit.misfit, share / 2, tuned)
        return not low <= float(np.sum(fit.misfit * known)) <= high
