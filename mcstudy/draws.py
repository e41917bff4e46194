"""Scenarios, and the columns that were drawn under them."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import StudyError

__all__ = ["Draws", "Failure", "Level", "Sample", "Scenario", "Where", "grid", "powers_of_two", "unmatched"]

Level = int | float | str | bool | None
FloatArray = npt.NDArray[np.float64]
Where = Mapping[str, Any] | Callable[["Scenario"], bool] | None


class Scenario(Mapping[str, Level]):
    """One combination of factor levels: an immutable mapping from factor to level.

    Two scenarios with the same factors and levels are equal, in whatever order they were written; 64 and
    64.0 are different levels, because they are different JSON.

    Examples
    --------
    >>> Scenario(width=64, displacement="worst").key
    '{"displacement":"worst","width":64}'
    """

    __slots__ = ("_levels", "key")

    def __init__(self, **levels: Level) -> None:
        self._levels = {name: _as_level(name, level) for name, level in levels.items()}
        self.key = json.dumps(self._levels, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def __getitem__(self, factor: str) -> Level:
        return self._levels[factor]

    def __iter__(self) -> Iterator[str]:
        return iter(self._levels)

    def __len__(self) -> int:
        return len(self._levels)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self.key == other.key

    def __repr__(self) -> str:
        return f"Scenario({', '.join(f'{name}={level!r}' for name, level in self.items())})"

    def __str__(self) -> str:
        return ", ".join(f"{name}={level}" for name, level in self.items()) or "the only scenario"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._levels,)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that name the scenario on a command line."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]

    def without(self, *factors: str) -> Scenario:
        """The scenario with some factors left out."""
        return Scenario(**{name: level for name, level in self.items() if name not in factors})

    def matches(self, where: Where) -> bool:
        """Whether the scenario has the levels that `where` names, or satisfies it as a predicate."""
        if where is None:
            return True
        if callable(where):
            return bool(where(self))
        return all(self._has(factor, wanted) for factor, wanted in where.items())

    def _has(self, factor: str, wanted: Any) -> bool:
        return any(self[factor] == option for option in _options(wanted))


def _options(wanted: Any) -> Collection[Any]:
    return wanted if isinstance(wanted, (tuple, list, set, frozenset, range)) else (wanted,)


def _restore(levels: dict[str, Level]) -> Scenario:
    return Scenario(**levels)


def _as_level(name: str, level: Any) -> Level:
    if isinstance(level, np.generic):
        level = level.item()
    if isinstance(level, float) and not math.isfinite(level):
        msg = f"`{name}`: a level must be finite, got {level}; use a string to name a limit"
        raise StudyError(msg)
    if level is None or isinstance(level, (bool, int, float, str)):
        return level
    msg = (
        f"`{name}`: a level must be a number, a string, a boolean or None, got {type(level).__name__}; "
        "name the object by a string and build it inside `simulate`"
    )
    raise StudyError(msg)


def grid(**levels: Any) -> tuple[Scenario, ...]:
    """All combinations of the levels of the factors, the last factor running fastest.

    Grids over the same factors can be added: ``grid(n=(8, 16), d=(2,)) + grid(n=(8,), d=(4,))``.

    Parameters
    ----------
    **levels
        For each factor a sequence of levels: numbers, strings, booleans.

    Returns
    -------
    tuple of Scenario

    Raises
    ------
    StudyError
        If there is no factor, a factor has no level, a level stands twice, or `levels` is no sequence.

    Examples
    --------
    >>> len(grid(width=(64, 128), displacement=("worst", "isotropic")))
    4
    """
    if not levels:
        msg = "`grid` needs at least one factor with at least one level, got none"
        raise StudyError(msg)
    for name, values in levels.items():
        _check_levels(name, values)
    names = list(levels)
    return tuple(
        Scenario(**dict(zip(names, combination, strict=True)))
        for combination in itertools.product(*levels.values())
    )


def _check_levels(name: str, values: Any) -> None:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        msg = f"`{name}`: levels must be a sequence, got {values!r}; write `{name}=({values!r},)`"
        raise StudyError(msg)
    if len(values) == 0:
        msg = f"`{name}`: a factor must have at least one level, got an empty grid"
        raise StudyError(msg)
    keys = [Scenario(**{name: value}).key for value in values]
    if len(set(keys)) < len(keys):
        msg = f"`{name}`: levels must be distinct, got {list(values)}"
        raise StudyError(msg)


def unmatched(where: Where, scenarios: Sequence[Scenario]) -> str:
    """What a mapping of factors to levels names that no scenario has, as the end of a sentence; or nothing."""
    if not isinstance(where, Mapping):
        return ""
    for factor, wanted in where.items():
        if factor not in scenarios[0]:
            return f"must name a factor of the study, got {factor!r}; factors: {', '.join(scenarios[0])}"
        levels = list(dict.fromkeys(scenario[factor] for scenario in scenarios))
        for level in _options(wanted):
            if level not in levels:
                return f"must name levels of {factor}, got {level!r}; levels: {', '.join(map(repr, levels))}"
    return ""


def powers_of_two(low: int, high: int) -> tuple[int, ...]:
    """The levels 2**low, ..., 2**high.

    Examples
    --------
    >>> powers_of_two(6, 8)
    (64, 128, 256)
    """
    if not 0 <= low <= high:
        msg = f"`low`, `high`: exponents must satisfy 0 <= low <= high, got {low} and {high}"
        raise StudyError(msg)
    return tuple(2**power for power in range(low, high + 1))


@dataclass(frozen=True)
class Failure:
    """A replicate, or with `index` None a whole block, that gave no numbers."""

    scenario: Scenario
    block: int
    index: int | None
    reason: str
    traceback: str = ""


@dataclass(frozen=True)
class Sample:
    """The draws of one scenario.

    Attributes
    ----------
    scenario : Scenario
    columns : mapping from str to array of shape (replicates,)
        In the order of block and index; NaN where `valid` is False.
    valid : array of bool, shape (replicates,)
        False for the replicates that failed.
    block : int
        Replicates a block: position p is replicate ``p % block`` of block ``p // block``.
    """

    scenario: Scenario
    columns: Mapping[str, FloatArray]
    valid: npt.NDArray[np.bool_]
    block: int

    @property
    def replicates(self) -> int:
        """How many replicates were drawn, failed ones included."""
        return len(self.valid)

    @property
    def failures(self) -> int:
        """How many replicates failed."""
        return int(np.count_nonzero(~self.valid))

    def values(self, column: str) -> FloatArray:
        """The column's values at the replicates that did not fail."""
        if self.valid.all():
            return self.columns[column]
        return self.columns[column][self.valid] if column in self.columns else np.empty(0)

    def limited(self, keep: npt.NDArray[np.bool_]) -> Sample:
        """The sample without the replicates beyond `keep`, shape (k,), or where it is False."""
        columns = {name: values[: len(keep)][keep] for name, values in self.columns.items()}
        return Sample(self.scenario, columns, self.valid[: len(keep)][keep], self.block)

    def locate(self, column_position: int) -> tuple[int, int]:
        """Block and index of the replicate at a position of `values`."""
        position = int(np.flatnonzero(self.valid)[column_position])
        return position // self.block, position % self.block


@dataclass(frozen=True)
class Draws:
    """The columns of a study by scenario, as claims read them.

    Attributes
    ----------
    samples : mapping from Scenario to Sample
    first : int
        Replicates of the first stage: the look at ``first * 2**j`` replicates is number ``j + 1``.
    common : tuple of str
        Factors whose levels share their random numbers, so that replicates are paired across them.
    replay : str
        The command that draws a block again, up to the block's name.
    """

    samples: Mapping[Scenario, Sample]
    first: int
    common: tuple[str, ...] = ()
    replay: str = "mcstudy replay STUDY"

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios that were drawn."""
        return tuple(self.samples)

    def replay_command(self, scenario: Scenario, block: int, index: int | None = None) -> str:
        """The command that draws a block, or one replicate of it, again."""
        token = f"{scenario.digest}:{block}"
        return f"{self.replay} {token}" if index is None else f"{self.replay} {token}:{index}"

    def look(self, replicates: int) -> int:
        """The number of the look at which a scenario has `replicates` replicates."""
        return max(0, math.floor(math.log2(replicates / self.first))) + 1 if replicates else 1
