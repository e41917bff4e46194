"""What a statistic of a column is: estimate, Monte Carlo standard error, interval, influence."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray, tail_probability
from mcstudy.statistics.tails import Condition, condition

__all__ = ["Estimate", "Limits", "Statistic", "checked", "z_of"]


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
        return Limits(low, high, condition(self.influence(values), z_of(confidence)))

    @abstractmethod
    def influence(self, values: ArrayLike) -> FloatArray:
        """Influence of each replicate, shape (n,), of mean 0.

        ``sd(influence, ddof=1) / sqrt(n)`` is the standard error, to first order for a variance and its root.
        Influences of several columns of the same replicates give the covariance of their estimates.
        """


def checked(values: ArrayLike) -> FloatArray:
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


def z_of(confidence: float) -> float:
    """How many standard errors the ends of an interval lie from its middle, for a normal law."""
    from scipy.special import ndtri

    return -float(ndtri(tail_probability(confidence)))
