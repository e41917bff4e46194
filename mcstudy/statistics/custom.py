"""A user's own statistic: any function of arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import Expanded, Expansion
from mcstudy.statistics.jackknife import jackknife
from mcstudy.statistics.several import columns_of
from mcstudy.words import said

__all__ = ["custom"]


def custom(columns: str | Sequence[str], function: Callable[..., Any], *, name: str = "") -> Expanded:
    """A user's own functional of the law of some columns, its error by the jackknife.

    The functional may use the whole sample: an eigenvalue, a distance. Where it has no derivative, as a distance of
    0, neither it nor its standard error has a normal law, and the remainder keeps its limits wide. For quantiles take
    `quantile`: their jackknife error is wrong at any number of replicates.

    Parameters
    ----------
    columns : str or sequence of str
        One column or several.
    function : callable
        Takes an array of shape (m,) for each column, in this order; returns a number. It is called on samples of
        different sizes m and must estimate the same quantity on all of them. Replicates come in any order.
    name : str, optional
        What it is called; default: the function's name.

    Returns
    -------
    Expanded
        A call of its methods makes about n calls of `function`, on at most `jackknife.BLOCK` replicates each.

    Raises
    ------
    InputError
        If there is no column, or `function` is none; by the methods, if it raises or returns no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> spread = custom("x", np.ptp, name="range")
    >>> spread.label, spread.estimate([1.0, 2.0, 3.0, 5.0]).value
    ('range of x', 4.0)
    """
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    if not names or not all(isinstance(column, str) for column in names):
        msg = f"`columns` must be names of columns, got {said(columns)}; name what `function` takes"
        raise InputError(msg)
    if not callable(function):
        msg = (
            f"`function` must be a function of arrays, got {said(function)}; write custom(columns, function)"
        )
        raise InputError(msg)
    return _Custom(names[0], names[1:], function, name)


@dataclass(frozen=True)
class _Custom(Expanded):
    others: tuple[str, ...]
    function: Callable[..., Any]
    given_name: str

    @property
    def name(self) -> str:
        return self.given_name or getattr(self.function, "__name__", "statistic")

    @property
    def label(self) -> str:
        return f"{self.name} of {', '.join(self.columns)}"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.column, *self.others

    def expand(self, values: ArrayLike) -> Expansion:
        return jackknife(self.function, columns_of(values, self.columns))
