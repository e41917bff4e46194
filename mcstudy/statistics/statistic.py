"""What a statistic of a column is: estimate, Monte Carlo standard error, interval, influence."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import InputError
from mcstudy.statistics.algebra import Algebra
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.pools import everywhere
from mcstudy.statistics.sequences import TUNED, Moments, effective_z, influence_limits
from mcstudy.statistics.tails import Condition, Tails, condition

__all__ = ["Estimate", "Limiting", "Limits", "Statistic", "Summary", "believed", "believed_each", "checked"]


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
    """Limits that hold at every number of replicates, and their condition: None where they hold for every law."""

    low: float
    high: float
    condition: Condition | None = None

    @property
    def believed(self) -> bool:
        """Whether a verdict may rest on them."""
        return self.condition is None or self.condition.met


# Limits at a share, tuned to a number of replicates.
Limiting = Callable[[float, float], Limits]


class Summary(NamedTuple):
    """What a claim takes from a sample: the estimate of a statistic, and its limits (`Statistic.limiting`)."""

    estimate: Estimate
    limiting: Limiting


@dataclass(frozen=True)
class Statistic(Algebra, ABC):
    """A functional of the law of one column, or of several, estimated from independent replicates.

    All methods take `values`, array-like of shape (n,) with n >= `fewest`: numbers or booleans, all finite but in
    the columns that are `unbounded`; they raise `InputError` otherwise.

    Parameters
    ----------
    column : str
        Name of the column it is taken of.
    """

    column: str

    def __post_init__(self) -> None:
        if strange := [name for name in self.columns if not isinstance(name, str) or not name]:
            msg = (
                f"`column` must be the name of one, got {strange[0]!r}; name a column that `simulate` returns"
            )
            raise InputError(msg)

    each: ClassVar[bool] = False  # whether a rate takes the line of every replicate by itself
    # Whether claims on equal statistics may share what `limiting` gives: it holds few numbers, and no values.
    shared: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is taken of: of k columns, `values` are of shape (n, k), in this order."""
        return (self.column,)

    @property
    def fewest(self) -> int:
        """The fewest replicates that its methods take."""
        return 2

    @property
    def counts_missing(self) -> bool:
        """Whether missing values, as NaN, are what it counts."""
        return False

    @property
    def counts_failures(self) -> bool:
        """Whether replicates that failed are among them: a method that raises has no value either."""
        return False

    @property
    def unbounded(self) -> tuple[str, ...]:
        """The columns among whose values may be infinite ones."""
        return ()

    def at(self, scenario: Mapping[str, Any]) -> "Statistic":
        """The statistic in a scenario: what is a function of factors becomes a number."""
        return self

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

    @final
    def limits(self, values: ArrayLike, share: float, tuned: float = TUNED) -> Limits:
        """Limits that a verdict may rest on, whenever and however often one looks.

        Parameters
        ----------
        share : float
            The probability that one end ever misses; each end holds at it by itself.
        tuned : float
            The number of replicates at which they are tightest, fixed before drawing.

        Returns
        -------
        Limits
            With the condition on the tails of the influences. Where the tails are barely seen the limits are
            wider: they make room for replicates that were not drawn.
        """
        return self.limiting(values)(share, tuned)

    def limiting(self, values: ArrayLike) -> Limiting:
        """Its `limits` as a function of the share and of `tuned`: what depends on neither is computed once.

        It is this that a subclass replaces which has limits of its own.
        """
        return believed(self.estimate(values).value, self.influence(values))

    def summaries(self, stack: FloatArray) -> list[Summary]:
        """Estimate and limits of each of k samples of n replicates, shape (k, n), n at most `pools.PORTION`.

        What a subclass computes for all of them at once is to the last bit what each has by itself.
        """
        return [self.summary(values) for values in stack]

    @final
    def summary(self, values: ArrayLike) -> Summary:
        """Estimate and limits of one sample."""
        return Summary(self.estimate(values), self.limiting(values))

    def worst_case(self, values: ArrayLike, missing: int) -> tuple[float, float] | None:
        """What the estimate could be if so many replicates more had had values, whatever these are.

        None where nothing bounds it, or only the range of a column that the statistic does not know.
        """
        return None

    def scale(self, value: float) -> float | None:
        """The standard deviation of one influence where the statistic's value implies it; else None."""
        return None

    @abstractmethod
    def influence(self, values: ArrayLike) -> FloatArray:
        """Influence of each replicate, shape (n,), of mean 0.

        ``sd(influence, ddof=1) / sqrt(n)`` is the standard error, to first order for a variance and its root.
        Influences of several columns of the same replicates give the covariance of their estimates.
        """


def checked(values: ArrayLike, *, infinite: bool = False) -> FloatArray:
    """Return the replicates as float64, shape (n,), n >= 2, all finite unless some may be infinite."""
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
    right = _is_number if infinite else np.isfinite
    if not everywhere(right, data):
        index = int(np.argmin(right(data)))
        rule = "not be missing" if infinite else "be finite"
        msg = f"`values` must {rule}, got {data[index]} at index {index}; leave failed replicates out"
        raise InputError(msg)
    return data.astype(np.float64, copy=False)


def _is_number(portion: FloatArray) -> NDArray[np.bool_]:
    return ~np.isnan(portion)


def believed(
    center: float,
    influence: FloatArray,
    *,
    rounding: float = 0.0,
    remainder: float = 0.0,
    degrees: float | None = None,
    replicates: int | None = None,
) -> Limiting:
    """Limits from influences, with the room that their tails ask for.

    What they take from the influences are few numbers, found once: they are held, the influences are not.

    Parameters
    ----------
    center, influence, remainder, degrees
        See `sequences.influence_limits`.
    rounding : float
        See `tails.condition`.
    replicates : int, optional
        The number of replicates that the look is at; default: that of the influences.

    Returns
    -------
    callable
        ``limits(share, tuned)``, see `Statistic.limits`.
    """
    tails = Tails.of(influence, rounding=rounding)
    return _believed(
        center, Moments.of(influence), tails, remainder, replicates or influence.size, degrees=degrees
    )


def believed_each(
    centers: FloatArray, moments: Sequence[Moments], tails: Sequence[Tails], remainders: FloatArray
) -> list[Limiting]:
    """The same of many samples, of whose influences there is already what limits take from them."""
    rows = zip(centers.tolist(), moments, tails, remainders.tolist(), strict=True)
    return [_believed(*row, row[1].size) for row in rows]


def _believed(
    center: float,
    moments: Moments,
    tails: Tails,
    remainder: float,
    count: int,
    *,
    degrees: float | None = None,
) -> Limiting:
    def limits(share: float, tuned: float) -> Limits:
        z = effective_z(count, share, tuned)
        seen = condition(tails, z)
        room = seen.unseen
        return Limits(
            *influence_limits(center, moments, z, remainder=remainder, unseen=room, degrees=degrees), seen
        )

    return limits
