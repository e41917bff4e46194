"""A statistic of the replicates of one kind: of those that converged, of those that were selected."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import Expanded, Expansion, expansion, undefined
from mcstudy.statistics.intervals import FloatArray, check_confidence
from mcstudy.statistics.pools import count_where
from mcstudy.statistics.portions import chosen, in_portions
from mcstudy.statistics.several import joined, matrix_of, refuse
from mcstudy.statistics.statistic import Estimate, Limiting, Statistic
from mcstudy.words import said

__all__ = ["conditional"]


def conditional(of: Statistic, *, given: str) -> Expanded:
    """Statistic of the replicates where a column is 1.

    These are independent replicates of the conditional law, at a random number of them; limits that hold at every
    number hold at that one. Of fewer than two the value is nan and the limits are infinite.

    Parameters
    ----------
    of : Statistic
        What is taken of them; its columns may hold anything where `given` is 0.
    given : str
        A column of zeros and ones.

    Raises
    ------
    InputError
        If `of` is no statistic, or `given` no name.

    Examples
    --------
    >>> from mcstudy.statistics import mean
    >>> slope = conditional(mean("slope"), given="converged")
    >>> slope.label, slope.estimate([[1.0, 1.0], [float("nan"), 0.0], [2.0, 1.0]])
    ('mean of slope given converged', Estimate(value=1.5, mcse=0.5, replicates=2))
    """
    if not isinstance(of, Statistic):
        msg = f"`of` must be a statistic, got {said(of)}; write mean('x'), sd('x'), ... of a column"
        raise InputError(msg)
    return _Conditional(of.column, of, given)


@dataclass(frozen=True)
class _Conditional(Expanded):
    of: Statistic
    given: str

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def label(self) -> str:
        return f"{self.of.label} given {self.given}"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.of.columns, self.given]))

    @property
    def is_exact(self) -> bool:
        return self.of.is_exact

    @property
    def counts_missing(self) -> bool:
        return self.of.counts_missing

    @property
    def unbounded(self) -> tuple[str, ...]:
        return tuple(name for name in self.of.unbounded if name != self.given)

    def at(self, scenario: Mapping[str, Any]) -> Statistic:
        return replace(self, of=self.of.at(scenario))

    def scale(self, value: float) -> float | None:
        return self.of.scale(value)

    def estimate(self, values: ArrayLike) -> Estimate:
        _, taken = self._chosen(values)
        return (
            self.of.estimate(taken)
            if len(taken) >= self.of.fewest
            else Estimate(math.nan, math.nan, len(taken))
        )

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        _, taken = self._chosen(values)
        check_confidence(confidence)
        return self.of.interval(taken, confidence) if len(taken) >= self.of.fewest else (-math.inf, math.inf)

    def limiting(self, values: ArrayLike) -> Limiting:
        rows, taken = self._chosen(values)
        few = len(taken) < self.of.fewest
        return undefined(rows.size).limiting() if few else self.of.limiting(taken)

    def expand(self, values: ArrayLike) -> Expansion:
        rows, taken = self._chosen(values)
        if len(taken) < self.of.fewest:
            return undefined(rows.size)
        return expansion(self.of, taken).among(rows)

    def _chosen(self, values: ArrayLike) -> tuple[NDArray[np.bool_], FloatArray]:
        """Where `given` is 1, and what the statistic takes there."""
        matrix = matrix_of(values, self.columns)
        given = matrix[:, self.columns.index(self.given)]
        if count_where(_is_neither, given):
            refuse(_is_neither(given), given, f"be 0 or 1 in {self.given}", "return an indicator column")
        rows = in_portions(lambda portion: portion == 1, given, out=np.empty(given.size, np.bool_))
        return rows, joined([chosen(matrix[:, self.columns.index(name)], rows) for name in self.of.columns])


def _is_neither(given: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((given != 0) & (given != 1))
