"""A user's own statistic: any function of arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import Expanded, Expansion
from mcstudy.statistics.jackknife import FEWEST, jackknife
from mcstudy.statistics.several import columns_of
from mcstudy.words import said

__all__ = ["custom"]

# A claim asks for estimate, limits and influences of a sample one by one, a rate for those of all its levels in turn:
# the expansions of so many samples are kept, for each takes as many calls of the function as there are replicates.
KEPT = 16


def custom(
    columns: str | Sequence[str],
    function: Callable[..., Any],
    *,
    influence: Callable[..., Any] | None = None,
    name: str = "",
) -> Expanded:
    """A user's own functional of the law of some columns, its error by the jackknife or by its influence function.

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
    if influence is not None and not callable(influence):
        msg = (
            f"`influence` must be a function of arrays, got {said(influence)}; leave it out for the jackknife"
        )
        raise InputError(msg)
    return _Custom(names[0], names[1:], function, influence, name)


@dataclass(frozen=True)
class _Custom(Expanded):
    others: tuple[str, ...]
    function: Callable[..., Any]
    influence_of: Callable[..., Any] | None
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

    @property
    def fewest(self) -> int:
        return FEWEST

    def expand(self, values: ArrayLike) -> Expansion:
        columns, functions = columns_of(values, self.columns), (self.function, self.influence_of)
        try:
            hash(functions)
        except TypeError:  # an object that is called may hold anything
            return jackknife(self.function, columns, self.influence_of)
        sample = np.stack(columns)
        key = (functions, sample.shape, blake2b(sample.tobytes()).digest())
        if key not in _kept:
            _kept[key] = jackknife(self.function, columns, self.influence_of)
        while len(_kept) > KEPT:
            _kept.pop(next(iter(_kept)))
        return _kept[key]


_kept: dict[tuple[Any, ...], Expansion] = {}
