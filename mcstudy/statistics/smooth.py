"""Smooth functions of statistics, by the delta method to second order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.checks import is_real
from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import Expanded, Expansion, expansion, undefined
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.jets import Jet, differentiate
from mcstudy.statistics.pools import everywhere
from mcstudy.statistics.portions import filled
from mcstudy.statistics.several import matrix_of, select
from mcstudy.statistics.statistic import Statistic

__all__ = ["Smooth", "combined", "is_operand", "smooth"]

Operand = Statistic | float
SYMBOLS: dict[np.ufunc, str] = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    np.power: "**",
}


@dataclass(frozen=True)
class Smooth(Expanded):
    """A smooth function of statistics and numbers.

    Parameters
    ----------
    column : str
        The first one.
    function : callable
        See `smooth`.
    parts : tuple of Statistic or float
        Its arguments.
    words : str, optional
        What it is; default: its formula.
    """

    function: Callable[..., Any]
    parts: tuple[Operand, ...]
    words: str = ""

    @property
    def name(self) -> str:
        """Its words or its formula, which name the columns."""
        return self.words or _formula(self.function, self.parts)

    @property
    def label(self) -> str:
        """The same."""
        return self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of all parts."""
        names = (name for part in self.parts if isinstance(part, Statistic) for name in part.columns)
        return tuple(dict.fromkeys(names))

    @property
    def fewest(self) -> int:
        """What the part takes that takes most."""
        return max((part.fewest for part in self.parts if isinstance(part, Statistic)), default=2)

    @property
    def counts_missing(self) -> bool:
        """Whether a part does."""
        return any(isinstance(part, Statistic) and part.counts_missing for part in self.parts)

    @property
    def counts_failures(self) -> bool:
        """Whether all parts do: for the others a failed replicate has no value."""
        return all(part.counts_failures for part in self.parts if isinstance(part, Statistic))

    @property
    def unbounded(self) -> tuple[str, ...]:
        """Those that are so in all parts that are taken of them."""
        bounded = [
            name
            for part in self.parts
            if isinstance(part, Statistic)
            for name in part.columns
            if name not in part.unbounded
        ]
        return tuple(name for name in self.columns if name not in bounded)

    def at(self, scenario: Mapping[str, Any]) -> Statistic:
        """All parts in the scenario."""
        bound = (part.at(scenario) if isinstance(part, Statistic) else part for part in self.parts)
        return replace(self, parts=tuple(bound))

    def expand(self, values: ArrayLike) -> Expansion:
        """Expansion by those of the parts; see `combined`."""
        matrix = matrix_of(values, self.columns)
        return combined(self.function, [self._expand(part, matrix) for part in self.parts])

    def _expand(self, part: Operand, matrix: FloatArray) -> Expansion:
        if isinstance(part, Statistic):
            return expansion(part, select(matrix, self.columns, part.columns))
        return Expansion.of(float(part), filled(len(matrix), 0.0))


def combined(function: Callable[..., Any], parts: Sequence[Expansion]) -> Expansion:
    """Expansion of a smooth function of statistics, from theirs.

    Parameters
    ----------
    function : callable
        See `jets.differentiate`.
    parts : sequence of Expansion
        At the same replicates.

    Returns
    -------
    Expansion
        In the means of all parts; `undefined` where the function or a derivative is not finite.
    """
    base = tuple(influence for part in parts for influence in part.base)
    jet = differentiate(function, _placed(parts), len(base))
    if not np.all(np.isfinite([jet.value, *jet.gradient, *jet.hessian.flat])):
        return undefined(parts[0].replicates)
    remainders, roundings = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("remainders", "roundings")
    )
    return Expansion(jet, base, remainders, roundings)


def _placed(parts: Sequence[Expansion]) -> list[Jet | float]:
    """The jets of all parts, as functions of the means of all; a part that does not vary is a number."""
    ends = np.cumsum([len(part.base) for part in parts])
    placed: list[Jet | float] = []
    for part, end in zip(parts, ends, strict=True):
        own = slice(int(end) - len(part.base), int(end))
        gradient, hessian = np.zeros(ends[-1]), np.zeros((ends[-1], ends[-1]))
        gradient[own], hessian[own, own] = part.jet.gradient, part.jet.hessian
        still = all(everywhere(lambda portion: portion == 0, influence) for influence in part.base)
        varies = not still or np.any(part.remainders)
        placed.append(Jet(part.jet.value, gradient, hessian) if varies else np.float64(part.value))
    return placed


def smooth(function: Callable[..., Any], *statistics: Operand, name: str = "") -> Expanded:
    """Smooth function of statistics, its standard error by the delta method.

    Where both sides are statistics of one of the functions here, operators and NumPy's functions say the same:
    ``bias("a", 1) - bias("b", 1)``, ``np.log(mse("x", 0))``.

    Parameters
    ----------
    function : callable
        Made of ``+ - * / **`` and NumPy's exp, log, sqrt, ... (`jets.DERIVATIVES`); takes as many numbers as there
        are `statistics`.
    *statistics : Statistic or float
        Of the same replicates; their influences tell how they vary together.
    name : str, optional
        What it is called; default: its formula.

    Returns
    -------
    Expanded
        A statistic of all columns of `statistics`. Its value is nan where the replicates do not define it: over 0,
        outside of the domain of a logarithm.

    Raises
    ------
    InputError
        If an argument is neither a statistic nor a finite number; by the methods, if `function` is not as said.

    Examples
    --------
    >>> from mcstudy.statistics import mean, sd
    >>> variation = smooth(np.divide, sd("x"), mean("x"))
    >>> variation.label, variation.estimate([1.0, 2.0, 3.0]).value
    ('sd of x / mean of x', 0.5)
    """
    strange = [part for part in statistics if not is_operand(part)]
    if strange or not any(isinstance(part, Statistic) for part in statistics):
        shown = repr(strange[0]) if strange else "none"
        msg = f"`statistics` must be statistics or finite numbers, got {shown}; write mean('x'), sd('x'), ..."
        raise InputError(msg)
    first = next(part for part in statistics if isinstance(part, Statistic))
    return Smooth(first.column, function, statistics, name)


def is_operand(given: Any) -> TypeGuard[Operand]:
    """Whether a function of statistics may be taken of it."""
    return isinstance(given, Statistic) or is_real(given)


def _formula(function: Callable[..., Any], parts: Sequence[Operand]) -> str:
    symbol = SYMBOLS.get(function) if isinstance(function, np.ufunc) else None
    shown = [_shown(part, inside=symbol is not None) for part in parts]
    if symbol:
        return f" {symbol} ".join(shown)
    name = getattr(function, "__name__", "<")
    return f"{'function' if name.startswith('<') else name}({', '.join(shown)})"


def _shown(part: Operand, *, inside: bool) -> str:
    if not isinstance(part, Statistic):
        return f"{part:g}"
    compound = isinstance(part, Smooth) and not part.words and part.function in SYMBOLS
    return f"({part.label})" if inside and compound else part.label
