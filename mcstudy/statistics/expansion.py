"""A statistic of a sample to second order, from which all that is asked of it follows."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.statistics.intervals import FloatArray, check_confidence, hall_interval, standard_error
from mcstudy.statistics.jets import Jet
from mcstudy.statistics.pools import peak_of, products_of
from mcstudy.statistics.portions import filled, in_portions, scattered
from mcstudy.statistics.sequences import TUNED
from mcstudy.statistics.statistic import Estimate, Limiting, Limits, Statistic, believed
from mcstudy.statistics.tails import Condition

__all__ = ["Expanded", "Expansion", "expansion", "side_by_side", "undefined"]

# A sum of a few terms is off by a few units in the last place.
ROUNDING = 8 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Expansion:
    """What a sample says of a statistic: a function of means, to second order.

    To first order the estimate is off by the mean of its influences; what these leave out is of second order.

    Parameters
    ----------
    jet : Jet
        The estimate, with gradient and Hessian by k means; nan where the replicates do not define it.
    base : tuple of k ndarrays of shape (n,)
        Influences of the replicates on these means.
    remainders : ndarray of shape (k,)
        Where such a mean is z errors off, that of its influences is off by about ``z^2`` remainders more.
    roundings : ndarray of shape (k,)
        Influences of at most this magnitude are rounding errors of 0.
    """

    jet: Jet
    base: tuple[FloatArray, ...]
    remainders: FloatArray
    roundings: FloatArray

    @staticmethod
    def of(
        value: float, influence: FloatArray, *, remainder: float = 0.0, rounding: float = 0.0
    ) -> "Expansion":
        """Expansion of a statistic of which only the influences are known, shape (n,)."""
        jet = Jet(np.float64(value), np.ones(1), np.zeros((1, 1)))
        return Expansion(jet, (influence,), np.array([remainder]), np.array([rounding]))

    @property
    def value(self) -> float:
        """The estimate."""
        return float(self.jet.value)

    @property
    def replicates(self) -> int:
        """How many there are."""
        return self.base[0].size

    @cached_property
    def influence(self) -> FloatArray:
        """Influence of each replicate on the estimate, shape (n,), of mean 0."""
        gradient = self.jet.gradient[:, np.newaxis]
        # Equal parts cancel exactly, as they need not in a matrix product.
        return in_portions(lambda *base: np.sum(gradient * np.stack(base), axis=0), *self.base)

    @cached_property
    def remainder(self) -> float:
        """Where the estimate is z errors off, the mean of its influences is off by about ``z^2`` times this more.

        With the Hessian H it is ``d' H d / 2`` where the means are off by d: over all d that are z errors off, of
        covariance S, at most ``z^2 / 2`` times the largest absolute eigenvalue of S H.
        """
        return _curvature(self.jet.hessian, self.base) + float(np.abs(self.jet.gradient) @ self.remainders)

    @property
    def rounding(self) -> float:
        """Influences of at most this magnitude are rounding errors of 0."""
        return float(np.abs(self.jet.gradient) @ self.roundings)

    @property
    def spread(self) -> float:
        """Standard error to second order: ``remainder * Z**2``, for a normal Z, varies too."""
        return math.hypot(standard_error(self.influence), math.sqrt(2) * self.remainder)

    def among(self, rows: NDArray[np.bool_]) -> "Expansion":
        """The expansion at a larger sample, of which the marked rows are these replicates."""
        # Of all replicates only a part has a say, which counts for as much more.
        weight = rows.size / self.replicates
        base = tuple(scattered(influence, rows, weight) for influence in self.base)
        return Expansion(self.jet, base, self.remainders, self.roundings * weight)

    def limits(self, share: float, tuned: float = TUNED, *, replicates: int | None = None) -> Limits:
        """Limits at one share; see `limiting`."""
        return self.limiting(replicates=replicates)(share, tuned)

    def limiting(self, *, replicates: int | None = None) -> Limiting:
        """Limits at any number of replicates, as a function of share and tuned; see `Statistic.limits`.

        Parameters
        ----------
        replicates : int, optional
            The number of replicates that the look is at; default: that of the influences.
        """
        if math.isnan(self.value):
            reason = f"these {self.replicates} replicates do not define it"
            unknown = Limits(-math.inf, math.inf, Condition(False, 0.0, reason))
            return lambda share, tuned: unknown
        return believed(
            self.value,
            self.influence,
            rounding=self.rounding,
            remainder=self.remainder,
            replicates=replicates,
        )


@dataclass(frozen=True)
class Expanded(Statistic):
    """A statistic of one or several columns, of which a subclass says the expansion."""

    @abstractmethod
    def expand(self, values: ArrayLike) -> Expansion:
        """Expansion at a sample."""

    def estimate(self, values: ArrayLike) -> Estimate:
        """Value with its standard error of first order; both nan where the replicates do not define it."""
        found = self.expand(values)
        error = math.nan if math.isnan(found.value) else standard_error(found.influence)
        return Estimate(found.value, error, found.replicates)

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        """Interval that is corrected for skewness, with the error of second order."""
        found = self.expand(values)
        if math.isnan(found.value):
            check_confidence(confidence)
            return -math.inf, math.inf
        return hall_interval(found.value, found.influence, confidence, mcse=found.spread)

    def limiting(self, values: ArrayLike) -> Limiting:
        """The limits, of one expansion."""
        return self.expand(values).limiting()

    def influence(self, values: ArrayLike) -> FloatArray:
        """Influence of each replicate, shape (n,), of mean 0."""
        return self.expand(values).influence


def undefined(replicates: int) -> Expansion:
    """Expansion of what a sample does not define, such as a ratio to 0."""
    return Expansion.of(math.nan, filled(replicates, 0.0))


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
    estimate = statistic.estimate(values)
    # Of infinite values a quantile may be one, or as far from certain.
    if not math.isfinite(estimate.value + estimate.mcse):
        return undefined(estimate.replicates)
    influence = statistic.influence(values)
    rounding = ROUNDING * (abs(estimate.value) + peak_of(influence))
    remainder = _beyond(estimate.mcse, standard_error(influence))
    return Expansion.of(estimate.value, influence, remainder=remainder, rounding=rounding)


def _beyond(mcse: float, first_order: float) -> float:
    """Remainder of a statistic whose standard error goes beyond first order, as that of a variance does."""
    # Such a standard error is a spread: the root of the squares of first_order and sqrt(2) remainder.
    return math.sqrt(max(mcse - first_order, 0.0)) * math.sqrt(mcse + first_order) / math.sqrt(2)


def _curvature(hessian: FloatArray, base: Sequence[FloatArray]) -> float:
    if not np.any(hessian):
        return 0.0
    # In units of the errors the covariance is a correlation, whatever the units of the columns are.
    units = np.array([standard_error(influence) for influence in base])
    scale, replicates = np.where(units > 0, units, 1.0)[:, np.newaxis], base[0].size
    covariance = products_of(base, lambda portion: portion / scale) / (replicates * (replicates - 1))
    with np.errstate(over="ignore", invalid="ignore"):
        # A product of units may pass the largest double where the Hessian has a zero.
        product = covariance @ np.where(hessian != 0, hessian * np.outer(units, units), 0.0)
    if not np.all(np.isfinite(product)):  # nobody knows how far it bends
        return math.inf
    return float(np.max(np.abs(np.linalg.eigvals(product)))) / 2


def side_by_side(parts: Sequence[Expansion]) -> list[Expansion]:
    """Expansions at independent samples as expansions at one sample, of all their replicates.

    Examples
    --------
    >>> one = Expansion.of(1.0, np.array([-1.0, 1.0])), Expansion.of(2.0, np.array([-3.0, 3.0]))
    >>> [part.influence.tolist() for part in side_by_side(one)]
    [[-2.0, 2.0, 0.0, 0.0], [0.0, 0.0, -6.0, 6.0]]
    """
    found, end = [], 0
    for part in parts:
        rows = np.zeros(sum(each.replicates for each in parts), dtype=np.bool_)
        rows[end : end + part.replicates] = True
        end += part.replicates
        found.append(part.among(rows))
    return found
