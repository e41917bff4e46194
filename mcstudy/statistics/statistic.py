"""Statistics of a column of replicates: estimate, Monte Carlo standard error, interval, influence.

The standard errors come from influence functions, so they are right for skewed data: those of a variance or
a standard deviation contain the fourth moment and never assume a normal law.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import (
    FloatArray,
    clopper_pearson,
    hall_interval,
    standard_error,
    tail_probability,
)
from mcstudy.statistics.order_statistics import maritz_jarrett, order_statistic_interval
from mcstudy.statistics.sequences import influence_limits
from mcstudy.statistics.tails import Condition, condition

__all__ = ["Estimate", "Limits", "Statistic", "mean", "proportion", "quantile", "rms", "sd", "variance"]


@dataclass(frozen=True)
class Estimate:
    """An estimate with its Monte Carlo standard error.

    Parameters
    ----------
    value : float
        The estimate.
    mcse : float
        Monte Carlo standard error, in the units of `value`.
    replicates : int
        How many replicates it rests on.
    """

    value: float
    mcse: float
    replicates: int


class Limits(NamedTuple):
    """An interval, and whether it may be believed: None where it holds for every law."""

    low: float
    high: float
    condition: Condition | None


@dataclass(frozen=True)
class Statistic(ABC):
    """A functional of the law of one column, estimated from independent replicates.

    All methods take `values`, array-like of shape (n,) with n >= 2: numbers or booleans, all finite; they
    raise `InputError` otherwise.

    Parameters
    ----------
    column : str
        Name of the column it is taken of.
    """

    column: str

    @property
    @abstractmethod
    def name(self) -> str:
        """What is estimated, without the column: "mean", "0.9 quantile"."""

    @property
    def is_exact(self) -> bool:
        """Whether the interval holds for every law and every number of replicates."""
        return False

    @property
    def label(self) -> str:
        """What is estimated, in words: "mean of error"."""
        return f"{self.name} of {self.column}"

    @abstractmethod
    def estimate(self, values: ArrayLike) -> Estimate:
        """Estimate with its Monte Carlo standard error."""

    @abstractmethod
    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        """Two-sided interval; `InputError` unless ``0 < confidence < 1``.

        Replicates that are all equal are taken as deterministic: the interval is their value, of zero width
        (but not that of a proportion, which never assumes it).
        """

    def limits(self, values: ArrayLike, confidence: float) -> Limits:
        """The interval that a verdict may rest on, with the condition on the tails of the influences.

        Where the tails are barely seen it is wider than `interval`: it makes room for replicates that were not
        drawn.
        """
        low, high = self.interval(values, confidence)
        return Limits(low, high, condition(self.influence(values), _effective_z(confidence)))

    @abstractmethod
    def influence(self, values: ArrayLike) -> FloatArray:
        """Influence of each replicate, shape (n,), of mean 0.

        ``sd(influence, ddof=1) / sqrt(n)`` is the standard error, to first order for a variance and its root.
        Influences of several columns of the same replicates give the covariance of their estimates.
        """


@dataclass(frozen=True)
class _Mean(Statistic):
    name = "mean"

    def estimate(self, values: ArrayLike) -> Estimate:
        data = _checked(values)
        center = _mean(data)
        return Estimate(center, standard_error(data - center), data.size)

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        data = _checked(values)
        center = _mean(data)
        return hall_interval(center, data - center, confidence)

    def limits(self, values: ArrayLike, confidence: float) -> Limits:
        data = _checked(values)
        center = _mean(data)
        return _limits(center, data - center, confidence, rounding=_rounding(data))

    def influence(self, values: ArrayLike) -> FloatArray:
        data = _checked(values)
        return data - _mean(data)


@dataclass(frozen=True)
class _Variance(Statistic):
    name = "variance"

    def estimate(self, values: ArrayLike) -> Estimate:
        return self._estimate(*self._value_and_influence(values))

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        value, influence = self._value_and_influence(values)
        mcse = self._estimate(value, influence).mcse
        return hall_interval(value, influence, confidence, mcse=mcse)

    def limits(self, values: ArrayLike, confidence: float) -> Limits:
        data = _checked(values)
        value, influence = self._value_and_influence(data)
        # A sum of squares is off by the square of what the mean is off.
        return _limits(
            value, influence, confidence, rounding=_rounding(data) ** 2, remainder=value / influence.size
        )

    def influence(self, values: ArrayLike) -> FloatArray:
        return self._value_and_influence(values)[1]

    @staticmethod
    def _estimate(value: float, influence: FloatArray) -> Estimate:
        n = influence.size
        # Var(s^2) = (mu_4 - sigma^4)/n + 2 sigma^4/(n(n - 1)) exactly. The influences see the first term
        # only; the second is all there is where squared deviations are constant, as for random signs.
        second = math.sqrt(2 / (n * (n - 1))) * value
        return Estimate(value, math.hypot(standard_error(influence), second), n)

    @staticmethod
    def _value_and_influence(values: ArrayLike) -> tuple[float, FloatArray]:
        data = _checked(values)
        squares = np.square(data - _mean(data)) * (data.size / (data.size - 1))
        value = _mean(squares)
        return value, squares - value


@dataclass(frozen=True)
class _Root(Statistic):
    """Square root of a statistic of second degree: everything by transformation of that statistic."""

    @abstractmethod
    def _square(self, data: FloatArray) -> tuple[Statistic, FloatArray]:
        """Return the statistic under the root, and what it is taken of."""

    def estimate(self, values: ArrayLike) -> Estimate:
        data, peak = _scaled(values)
        statistic, argument = self._square(data)
        square = statistic.estimate(argument)
        root = math.sqrt(square.value)
        return Estimate(peak * root, peak * square.mcse / (2 * root) if root else 0.0, data.size)

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        data, peak = _scaled(values)
        statistic, argument = self._square(data)
        low, high = statistic.interval(argument, confidence)
        return peak * math.sqrt(max(low, 0.0)), peak * math.sqrt(max(high, 0.0))

    def limits(self, values: ArrayLike, confidence: float) -> Limits:
        data, peak = _scaled(values)
        statistic, argument = self._square(data)
        low, high, believed = statistic.limits(argument, confidence)
        return Limits(peak * math.sqrt(max(low, 0.0)), peak * math.sqrt(max(high, 0.0)), believed)

    def influence(self, values: ArrayLike) -> FloatArray:
        data, peak = _scaled(values)
        statistic, argument = self._square(data)
        root = math.sqrt(statistic.estimate(argument).value)
        return statistic.influence(argument) * (peak / (2 * root) if root else 0.0)


@dataclass(frozen=True)
class _Sd(_Root):
    name = "sd"

    def _square(self, data: FloatArray) -> tuple[Statistic, FloatArray]:
        return _Variance(self.column), data


@dataclass(frozen=True)
class _Rms(_Root):
    name = "rms"

    def _square(self, data: FloatArray) -> tuple[Statistic, FloatArray]:
        return _Mean(self.column), np.square(data)


@dataclass(frozen=True)
class _Quantile(Statistic):
    probability: float

    def __post_init__(self) -> None:
        if not 0 < self.probability < 1:
            msg = (
                f"`probability` must lie strictly between 0 and 1, got {self.probability}; "
                f"the median is 0.5, and the extremes of a law are no quantiles"
            )
            raise InputError(msg)

    @property
    def name(self) -> str:
        return f"{self.probability} quantile"

    @property
    def is_exact(self) -> bool:
        return True

    def estimate(self, values: ArrayLike) -> Estimate:
        data = _checked(values)
        return Estimate(
            float(np.quantile(data, self.probability)), maritz_jarrett(data, self.probability), data.size
        )

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        return order_statistic_interval(_checked(values), self.probability, confidence)

    def limits(self, values: ArrayLike, confidence: float) -> Limits:
        return Limits(*self.interval(values, confidence), None)

    def influence(self, values: ArrayLike) -> FloatArray:
        data = _checked(values)
        estimate = self.estimate(data)
        above = data > estimate.value
        influence = above - np.mean(above)
        error = standard_error(influence)
        # The influence is that of the indicator, divided by the density at the quantile; the density is the
        # one that the Maritz-Jarrett error implies, so that both ways to the standard error agree.
        return influence * (estimate.mcse / error if error else 0.0)


@dataclass(frozen=True)
class _Proportion(Statistic):
    name = "proportion"

    @property
    def is_exact(self) -> bool:
        return True

    def estimate(self, values: ArrayLike) -> Estimate:
        return _Mean(self.column).estimate(self._checked(values))

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        data = self._checked(values)
        return clopper_pearson(int(np.count_nonzero(data)), data.size, confidence)

    def limits(self, values: ArrayLike, confidence: float) -> Limits:
        return Limits(*self.interval(values, confidence), None)

    def influence(self, values: ArrayLike) -> FloatArray:
        return _Mean(self.column).influence(self._checked(values))

    def _checked(self, values: ArrayLike) -> FloatArray:
        data = _checked(values)
        strange = (data != 0) & (data != 1)
        if np.any(strange):
            index = int(np.argmax(strange))
            msg = (
                f"`values` of the {self.label} must be 0 or 1, got {data[index]} at index {index}; "
                f"return an indicator column, or use `mean`"
            )
            raise InputError(msg)
        return data


def mean(column: str) -> Statistic:
    """Mean of a column; its interval is corrected for skewness.

    Examples
    --------
    >>> mean("error").label
    'mean of error'
    >>> mean("error").estimate([1.0, 2.0, 3.0]).value
    2.0
    """
    return _Mean(column)


def variance(column: str) -> Statistic:
    """Unbiased variance of a column (divisor n - 1), its error from the fourth moment."""
    return _Variance(column)


def sd(column: str) -> Statistic:
    """Square root of the `variance` of a column."""
    return _Sd(column)


def rms(column: str) -> Statistic:
    """Root mean square of a column, around 0.

    Examples
    --------
    >>> rms("error").interval([-2.0, 2.0, 2.0], confidence=0.99)
    (2.0, 2.0)
    """
    return _Rms(column)


def quantile(column: str, probability: float) -> Statistic:
    """Quantile of a column, interpolated as `numpy.quantile` does; its interval is distribution-free.

    The interval has an infinite end where the replicates are too few for `probability` and confidence.

    Raises
    ------
    InputError
        If `probability` is not strictly between 0 and 1.
    """
    return _Quantile(column, probability)


def proportion(column: str) -> Statistic:
    """Proportion of ones in a column of zeros and ones; its interval keeps an honest width at 0 and 1."""
    return _Proportion(column)


def _checked(values: ArrayLike) -> FloatArray:
    """Return the replicates as float64, shape (n,), n >= 2, all finite."""
    data = np.asarray(values)
    if data.dtype.kind not in "biuf":
        msg = f"`values` must be real numbers or booleans, got dtype {data.dtype}; convert the column"
        raise InputError(msg)
    if data.ndim != 1:
        msg = f"`values` must be one-dimensional, got shape {data.shape}; pass one column of replicates"
        raise InputError(msg)
    if data.size < 2:
        msg = f"`values` must hold at least 2 replicates, got {data.size}; draw more"
        raise InputError(msg)
    finite = np.isfinite(data)
    if not np.all(finite):
        index = int(np.argmin(finite))
        msg = f"`values` must be finite, got {data[index]} at index {index}; leave failed replicates out"
        raise InputError(msg)
    return data.astype(np.float64, copy=False)


def _limits(
    center: float, influence: FloatArray, confidence: float, *, rounding: float, remainder: float = 0.0
) -> Limits:
    """Limits from influences, with the room that their tails ask for."""
    z = _effective_z(confidence)
    believed = condition(influence, z, rounding=rounding)
    ends = influence_limits(center, influence, z, remainder=remainder, unseen=believed.unseen)
    return Limits(*ends, believed)


def _effective_z(confidence: float) -> float:
    """How many standard errors the ends of an interval lie from its middle, for a normal law."""
    from scipy.special import ndtri

    return -float(ndtri(tail_probability(confidence)))


def _rounding(data: FloatArray) -> float:
    """What a few roundings of the largest replicate come to."""
    return 8 * float(np.spacing(np.max(np.abs(data))))


def _mean(data: FloatArray) -> float:
    """Mean; equal values have exactly that mean, where the rounding of a sum would give them a spread."""
    smallest = float(np.min(data))
    if smallest == np.max(data):
        return smallest
    # A sum may pass the largest double where no mean does.
    share = 1.0 / data.size
    peak = float(np.max(np.abs(data)))
    return float(np.sum(data * share)) if peak > share * np.finfo(np.float64).max else float(np.mean(data))


def _scaled(values: ArrayLike) -> tuple[FloatArray, float]:
    """Return the replicates divided by their largest magnitude, so that no square overflows, and that."""
    data = _checked(values)
    peak = float(np.max(np.abs(data))) or 1.0
    return data / peak, peak
