"""Smooth functions of statistics, by the delta method to second order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.checks import is_real
from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import Expanded, Expansion, expansion, undefined
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.jets import differentiate
from mcstudy.statistics.several import matrix_of, select
from mcstudy.statistics.statistic import Statistic

__all__ = ["Smooth", "combined", "is_operand", "smooth"]

Operand = Statistic | float
SYMBOLS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.power: "**"}


@dataclass(frozen=True)
class Smooth(Expanded):
    """A smooth function of statistics and numbers; `words` say what it is, where the function does not."""

    function: Callable[..., Any]
    parts: tuple[Operand, ...]
    words: str = ""

    @property
    def name(self) -> str:
        return self.words or _formula(self.function, self.parts)

    @property
    def label(self) -> str:
        return self.name

    @property
    def columns(self) -> tuple[str, ...]:
        names = (name for part in self.parts if isinstance(part, Statistic) for name in part.columns)
        return tuple(dict.fromkeys(names))

    @property
    def counts_missing(self) -> bool:
        return any(getattr(part, "counts_missing", False) for part in self.parts)

    def at(self, scenario: Any) -> Statistic:
        bound = (part.at(scenario) if isinstance(part, Statistic) else part for part in self.parts)
        return replace(self, parts=tuple(bound))

    def expand(self, values: ArrayLike) -> Expansion:
        matrix = matrix_of(values, self.columns)
        return combined(self.function, [self._expand(part, matrix) for part in self.parts])

    def _expand(self, part: Operand, matrix: FloatArray) -> Expansion:
        if isinstance(part, Statistic):
            return expansion(part, select(matrix, self.columns, part.columns))
        return Expansion(float(part), np.zeros(len(matrix)))


def combined(function: Callable[..., Any], parts: Sequence[Expansion]) -> Expansion:
    """Expansion of a smooth function, from those of its arguments at the same replicates.

    With gradient g and Hessian H of the function, its influences are ``u @ g``, for the influences u of the
    arguments. What they leave out is ``d' H d / 2`` where the arguments are off by d: over all d that are z errors
    off, of covariance S, at most ``z^2 / 2`` times the largest absolute eigenvalue of S H. The arguments' own
    remainders are passed on by g.

    Parameters
    ----------
    function : callable
        See `jets.differentiate`.
    parts : sequence of Expansion
        With influences of one shape (n,).

    Returns
    -------
    Expansion
        `undefined` where the function or a derivative is not finite.
    """
    spreads = np.array([part.spread for part in parts])
    # In units of the spreads the covariances are correlations, whatever the units of the columns are.
    jet = differentiate(function, [part.value for part in parts], spreads.tolist())
    if not np.all(np.isfinite([jet.value, *jet.gradient, *jet.hessian.flat])):
        return undefined(parts[0].influence.size)
    units = np.where(spreads > 0, spreads, 1.0)
    places = np.stack([part.influence for part in parts]) / units[:, np.newaxis]
    slopes = np.abs(jet.gradient) / units
    remainder = slopes @ [part.remainder for part in parts] + _curvature(jet.hessian, places)
    rounding = slopes @ [part.rounding for part in parts]
    return Expansion(float(jet.value), jet.gradient @ places, float(remainder), float(rounding))


def _curvature(hessian: FloatArray, places: FloatArray) -> float:
    if not np.any(hessian):
        return 0.0
    replicates = places.shape[1]
    covariance = places @ places.T / (replicates * (replicates - 1))
    return float(np.max(np.abs(np.linalg.eigvals(covariance @ hessian)))) / 2


def smooth(function: Callable[..., Any], *statistics: Operand, name: str = "") -> Statistic:
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
    Statistic
        Of all columns of `statistics`. Its value is nan where the replicates do not define it: over 0, outside of
        the domain of a logarithm.

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
