"""A statistic of a sample to second order, from which all that is asked of it follows."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.statistics.algebra import Algebra
from mcstudy.statistics.intervals import FloatArray, check_confidence, hall_interval, standard_error
from mcstudy.statistics.sequences import TUNED
from mcstudy.statistics.statistic import Estimate, Limits, Statistic, believed_limits
from mcstudy.statistics.tails import Condition

__all__ = ["Expanded", "Expansion", "expansion", "side_by_side", "undefined"]

# A sum of a few terms is off by a few units in the last place.
ROUNDING = 8 * float(np.finfo(np.float64).eps)


class Expansion(NamedTuple):
    """What a sample says of a statistic: to first order its estimate is off by the mean of the influences.

    Parameters
    ----------
    value : float
        The estimate; nan where these replicates do not define it.
    influence : ndarray of shape (n,)
        Influence of each replicate, of mean 0.
    remainder : float
        Where the estimate is z errors off, the mean of the influences is off by about ``z^2 remainder`` more.
    rounding : float
        Influences of at most this magnitude are rounding errors of 0.
    """

    value: float
    influence: FloatArray
    remainder: float = 0.0
    rounding: float = 0.0

    @property
    def spread(self) -> float:
        """Standard error to second order: ``remainder * Z**2``, for a normal Z, varies too."""
        return math.hypot(standard_error(self.influence), math.sqrt(2) * self.remainder)

    def limits(self, share: float, tuned: float = TUNED, *, replicates: int | None = None) -> Limits:
        """Limits at any number of replicates.

        Parameters
        ----------
        share, tuned : float
            See `Statistic.limits`.
        replicates : int, optional
            The number of replicates that the look is at; default: that of the influences.
        """
        if math.isnan(self.value):
            reason = f"these {self.influence.size} replicates do not define it"
            return Limits(-math.inf, math.inf, Condition(False, 0.0, reason))
        return believed_limits(
            self.value,
            self.influence,
            share,
            tuned,
            rounding=self.rounding,
            remainder=self.remainder,
            replicates=replicates,
        )


@dataclass(frozen=True)
class Expanded(Statistic, Algebra):
    """A statistic of one or several columns, of which a subclass says the expansion."""

    @property
    def counts_missing(self) -> bool:
        """Whether missing values, as NaN, are what it counts."""
        return False

    @abstractmethod
    def expand(self, values: ArrayLike) -> Expansion:
        """Expansion at a sample."""

    def estimate(self, values: ArrayLike) -> Estimate:
        found = self.expand(values)
        error = math.nan if math.isnan(found.value) else standard_error(found.influence)
        return Estimate(found.value, error, found.influence.size)

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        found = self.expand(values)
        if math.isnan(found.value):
            check_confidence(confidence)
            return -math.inf, math.inf
        return hall_interval(found.value, found.influence, confidence, mcse=found.spread)

    def limits(self, values: ArrayLike, share: float, tuned: float = TUNED) -> Limits:
        return self.expand(values).limits(share, tuned)

    def influence(self, values: ArrayLike) -> FloatArray:
        return self.expand(values).influence


def undefined(replicates: int) -> Expansion:
    """Expansion of what a sample does not define, such as a ratio to 0."""
    return Expansion(math.nan, np.zeros(replicates))


def expansion(statistic: Statistic, values: ArrayLike) -> Expansion:
    """Expansion of any statistic at a sample.

    Examples
    --------
    >>> from mcstudy.statistics import variance
    >>> found = expansion(variance("sign"), [-1.0, 1.0, -1.0, 1.0])
    >>> found.influence.tolist(), round(found.remainder, 3)  # the variance over the square root of n (n - 1)
    ([0.0, 0.0, 0.0, 0.0], 0.385)
    """
    if isinstance(statistic, Expanded):
        return statistic.expand(values)
    estimate, influence = statistic.estimate(values), statistic.influence(values)
    rounding = ROUNDING * (abs(estimate.value) + float(np.max(np.abs(influence))))
    return Expansion(estimate.value, influence, _beyond(estimate.mcse, standard_error(influence)), rounding)


def _beyond(mcse: float, first_order: float) -> float:
    """Remainder of a statistic whose standard error goes beyond first order, as that of a variance does."""
    # Such a standard error is a spread: the root of the squares of first_order and sqrt(2) remainder.
    return math.sqrt(max(mcse - first_order, 0.0)) * math.sqrt(mcse + first_order) / math.sqrt(2)


def side_by_side(parts: Sequence[Expansion]) -> list[Expansion]:
    """Expansions at independent samples as expansions at one sample, of all their replicates.

    Examples
    --------
    >>> one = Expansion(1.0, np.array([-1.0, 1.0])), Expansion(2.0, np.array([-3.0, 3.0]))
    >>> [part.influence.tolist() for part in side_by_side(one)]
    [[-2.0, 2.0, 0.0, 0.0], [0.0, 0.0, -6.0, 6.0]]
    """
    ends = np.cumsum([part.influence.size for part in parts])
    placed = []
    for part, end in zip(parts, ends, strict=True):
        size, influence = part.influence.size, np.zeros(int(ends[-1]))
        weight = influence.size / size
        influence[end - size : end] = part.influence * weight
        placed.append(part._replace(influence=influence, rounding=part.rounding * weight))
    return placed
