"""Statistics of a quantity that is computed from the columns of each replicate: an error, a hit, a width."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.checks import is_real
from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import Expanded, Expansion, expansion
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.performance.groups import Groups, Sample, sample
from mcstudy.statistics.performance.measures import Measured
from mcstudy.statistics.portions import in_portions
from mcstudy.statistics.several import columns_of
from mcstudy.statistics.statistic import Estimate, Limiting, Statistic
from mcstudy.statistics.truth import Truth, bound, check_truth

__all__ = ["Quantity", "as_estimate", "as_large_estimate", "derived", "one_group", "operands", "quantity_of"]


def _anything(number: Any) -> None:
    """Every number will do."""


@dataclass(frozen=True)
class Quantity:
    """What is computed of each replicate, and the statistic that is taken of it.

    Parameters
    ----------
    name : str
        The name of the result: "bias".
    rows : callable
        Of the columns, each of shape (n,), and of a number or column that they are compared with.
    of : callable
        Makes the statistic of the rows: `mean`, `rms`, `proportion`.
    estimate : callable, optional
        Where `summarise` has another standard error: the estimate of the rows, with that.
    argument : str, optional
        Name of the argument that the columns are compared with; empty where there is none.
    check : callable
        Raises `InputError` where such a number is none that can be compared with.
    infinite, missing : bool
        Whether infinite values, and NaN, may be among the columns.
    """

    name: str
    rows: Callable[..., FloatArray] = field(repr=False)
    of: Callable[[str], Statistic] = field(repr=False)
    estimate: Callable[[FloatArray], Estimate] | None = field(default=None, repr=False)
    argument: str = field(default="", repr=False)
    check: Callable[[Any], None] = field(default=_anything, repr=False)
    infinite: bool = field(default=False, repr=False)
    missing: bool = field(default=False, repr=False)


def derived(quantity: Quantity, column: str, *others: str, against: Truth | None = None) -> Expanded:
    """Statistic of a quantity of one or several columns, and of what they are held against, if anything.

    Raises
    ------
    InputError
        If `against` is no number that the quantity can be held against, no column and no function of factors.
    """
    return _Derived(column, others, quantity, against)


@dataclass(frozen=True)
class _Derived(Expanded):
    others: tuple[str, ...]
    quantity: Quantity
    against: Truth | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.quantity.argument:
            return
        check_truth(self.quantity.argument, self.against)
        if is_real(self.against):
            self.quantity.check(self.against)

    @property
    def name(self) -> str:
        return self.quantity.name

    @property
    def label(self) -> str:
        return f"{self.name} of {', '.join([self.column, *self.others])}"

    @property
    def columns(self) -> tuple[str, ...]:
        named = (self.against,) if isinstance(self.against, str) else ()
        return (self.column, *self.others, *named)

    @property
    def is_exact(self) -> bool:
        return self._inner.is_exact

    @property
    def counts_missing(self) -> bool:
        return self.quantity.missing

    @property
    def counts_failures(self) -> bool:
        return self.quantity.missing

    @property
    def unbounded(self) -> tuple[str, ...]:
        return self.columns if self.quantity.infinite else ()

    def at(self, scenario: Mapping[str, Any]) -> Statistic:
        if not callable(self.against):
            return self
        return replace(self, against=bound(self.quantity.argument, self.against, scenario))

    @property
    def _inner(self) -> Statistic:
        return self.quantity.of(self.column)

    def _operands(self, values: ArrayLike) -> list[FloatArray | float]:
        """The columns, and the number that they are held against, if it is one."""
        if callable(self.against):
            msg = (
                f"`{self.quantity.argument}` of the {self.label} must be bound to a scenario, "
                f"got a function of factors; call statistic.at(scenario)"
            )
            raise InputError(msg)
        wide, gaps = self.quantity.infinite, self.quantity.missing
        columns = columns_of(values, self.columns, infinite=wide, missing=gaps)
        constant: tuple[Any, ...] = (self.against,) if is_real(self.against) else ()
        return [*columns, *constant]

    def _rows(self, values: ArrayLike) -> FloatArray:
        operands = self._operands(values)
        columns = [given for given in operands if isinstance(given, np.ndarray)]
        constant = [given for given in operands if not isinstance(given, np.ndarray)]
        # What overflows is refused as infinite.
        with np.errstate(over="ignore"):
            try:
                return in_portions(lambda *portions: self.quantity.rows(*portions, *constant), *columns)
            except InputError:
                # What is refused is told with its index, which a portion does not know.
                return self.quantity.rows(*operands)

    def expand(self, values: ArrayLike) -> Expansion:
        return expansion(self._inner, self._rows(values))

    def estimate(self, values: ArrayLike) -> Estimate:
        return (self.quantity.estimate or self._inner.estimate)(self._rows(values))

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        return self._inner.interval(self._rows(values), confidence)

    def limiting(self, values: ArrayLike) -> Limiting:
        return self._inner.limiting(self._rows(values))

    def worst_case(self, values: ArrayLike, missing: int) -> tuple[float, float] | None:
        return self._inner.worst_case(self._rows(values), missing)

    def scale(self, value: float) -> float | None:
        return self._inner.scale(value)


def quantity_of(statistic: Statistic) -> Quantity | None:
    """The quantity of which `derived` has made a statistic; None of any other statistic."""
    return statistic.quantity if isinstance(statistic, _Derived) else None


def operands(statistic: Statistic, values: ArrayLike) -> list[FloatArray | float]:
    """What the quantity of a statistic is computed of: columns of shape (n,), and a number that they are held against.

    Empty where `quantity_of` is None.

    Raises
    ------
    InputError
        If the values are of another shape or kind, or the statistic hangs on factors and is bound to no scenario.
    """
    return statistic._operands(values) if isinstance(statistic, _Derived) else []


def one_group(rows: FloatArray) -> Sample:
    """Rows as `performance` takes them, all of one group."""
    return sample(Groups(np.zeros(rows.size, dtype=np.int64), 1), rows)


def as_large_estimate(
    measure: Callable[..., tuple[np.float64, np.float64]], *columns: FloatArray
) -> Estimate:
    """Return what a measure of `performance.large` gives of columns of shape (n,)."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value, mcse = measure(*columns)
    return Estimate(float(value), float(mcse), columns[0].size)


def as_estimate(measure: Callable[..., Measured], *samples: Sample) -> Estimate:
    """Return what a measure of `performance` gives of its first group."""
    # nan is its documented answer where the measure is not defined.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        measured = measure(*samples)
    return Estimate(float(measured.estimate[0]), float(measured.mcse[0]), int(samples[0].size[0]))
