"""Scenarios: combinations of factor levels, and how a claim chooses among them."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from mcstudy.exceptions import StudyError
from mcstudy.factors import call_with_factors, unknown_factors
from mcstudy.words import nearest, said

__all__ = ["Level", "Scenario", "Where", "factors_of", "grid", "powers_of_two", "unmatched"]

Level = int | float | str | bool | None
Where = Mapping[str, Any] | Callable[..., bool] | None


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

    def __init__(self, /, **levels: Level) -> None:
        # Python reads identifiers in this normal form, so that a keyword and a string name the same factor.
        named = {unicodedata.normalize("NFKC", name): level for name, level in levels.items()}
        self._levels = {name: _as_level(name, level) for name, level in named.items()}
        # Part of every address and every stream: it must never come to depend on the order of factors.
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
        """Whether the scenario has the levels that `where` names, or satisfies it as a predicate of its factors.

        A factor that the scenario does not have says nothing against it: a line of a rate, which has no level of
        the factor that it runs along, matches what its scenarios match.

        Raises
        ------
        StudyError
            If the predicate names what is no factor, or answers anything but True or False.

        Examples
        --------
        >>> Scenario(width=64).matches({"width": (64, 128)}), Scenario(width=64).matches(lambda width: width > 64)
        (True, False)
        """
        if where is None:
            return True
        if callable(where):
            answer = call_with_factors(where, self)
            if problem := _no_answer(answer, self):
                msg = f"`where` {problem}"
                raise StudyError(msg)
            return bool(answer)
        return all(_among(self[factor], wanted) for factor, wanted in where.items() if factor in self)


def _no_answer(answer: Any, scenario: Scenario) -> str:
    """What is wrong with the answer of a `where`, as the end of a sentence; or nothing."""
    if isinstance(answer, (bool, np.bool_)):
        return ""
    remedy = "give it a `return`" if answer is None else "write a comparison"
    return f"must return True or False, got {said(answer)} at {scenario}; {remedy}"


def _options(wanted: Any) -> Collection[Any]:
    return wanted if isinstance(wanted, (tuple, list, set, frozenset, range, np.ndarray)) else (wanted,)


def _among(level: Level, wanted: Any) -> bool:
    """Whether a level is one of those wanted; ``True`` is no number."""
    return any(
        level == option and isinstance(level, bool) == isinstance(option, (bool, np.bool_))
        for option in _options(wanted)
    )


def _restore(levels: dict[str, Level]) -> Scenario:
    return Scenario(**levels)


def _as_level(name: str, level: Any) -> Level:
    if isinstance(level, np.generic):
        level = level.item()
    if isinstance(level, float) and not math.isfinite(level):
        msg = f"`{name}`: a level must be finite, got {level}; use a string to name a limit"
        raise StudyError(msg)
    if isinstance(level, str) and (strange := _unprintable(level)):
        msg = f"`{name}`: a level must be printable text, got {level!r} with {strange}; name it by letters"
        raise StudyError(msg)
    if level is None or isinstance(level, (bool, int, float, str)):
        return level
    msg = (
        f"`{name}`: a level must be a number, a string, a boolean or None, got {type(level).__name__}; "
        "name the object by a string and build it inside `simulate`"
    )
    raise StudyError(msg)


def _unprintable(text: str) -> str:
    """The first character that would act on a terminal or turn the text around it, by its number; or nothing."""
    # Controls, and format characters, among them the overrides of the reading direction.
    found = next((char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs")), "")
    return f"U+{ord(found):04X}" if found else ""


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
    if isinstance(values, AbstractSet):
        msg = f"`{name}`: levels must be in an order, got a set, which has another one in each run; write `{name}=sorted(...)`"
        raise StudyError(msg)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        msg = f"`{name}`: levels must be a sequence, got {said(values)}; write `{name}=({said(values)},)`"
        raise StudyError(msg)
    if len(values) == 0:
        msg = f"`{name}`: a factor must have at least one level, got an empty grid"
        raise StudyError(msg)
    plain = [_as_level(name, value) for value in values]
    # Equal numbers of different kinds (True, 1, 1.0) would share what is looked up by level.
    if len(set(plain)) < len(plain):
        msg = f"`{name}`: levels must be distinct, got {said(list(values))}"
        raise StudyError(msg)


def factors_of(scenarios: Iterable[Mapping[str, Any]]) -> list[str]:
    """The factors of scenarios, in order of appearance."""
    return list(dict.fromkeys(factor for scenario in scenarios for factor in scenario))


def unmatched(where: Where, scenarios: Sequence[Scenario]) -> str:
    """What `where` names that no scenario has, as the end of a sentence; or nothing."""
    if where is None:
        return ""
    if callable(where):
        unknown = unknown_factors(where, scenarios[0])
        return unknown or next(
            filter(None, (_no_answer(call_with_factors(where, s), s) for s in scenarios)), ""
        )
    for factor, wanted in where.items():
        if factor not in scenarios[0]:
            hint = nearest(factor, scenarios[0])
            return (
                f"must name a factor of the study, got {factor!r}; {hint}factors: {', '.join(scenarios[0])}"
            )
        levels = list(dict.fromkeys(scenario[factor] for scenario in scenarios))
        for option in _options(wanted):
            if not any(_among(level, option) for level in levels):
                hint = nearest(option, map(str, levels)) if isinstance(option, str) else ""
                return f"must name levels of {factor}, got {said(option)}; {hint}levels: {', '.join(map(repr, levels))}"
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
