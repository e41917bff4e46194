"""How many replicates a scenario gets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from mcstudy.checks import is_count
from mcstudy.defaults import PROFILES
from mcstudy.exceptions import StudyError
from mcstudy.statistics.tails import FEWEST

__all__ = ["Replicates"]


@dataclass(frozen=True)
class Replicates:
    """How many replicates a scenario gets: all have the first, those of undecided claims more, up to the profile's.

    Parameters
    ----------
    first : int
        Replicates before the first look.
    quick, full : int
        The most that the profiles draw; default: `first`.

    Raises
    ------
    StudyError
        If a number is none, or they do not ascend.

    Examples
    --------
    >>> Replicates(1000)
    Replicates(first=1000, quick=1000, full=1000)
    """

    first: int
    quick: int = field(default=0, kw_only=True)
    full: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        given: dict[str, Any] = {name: getattr(self, name) for name in ("first", *PROFILES)}
        for name, count in given.items():
            if name != "first" and count == 0 and not isinstance(count, bool):
                given[name] = count = max(given["first"], given["quick"] if name == "full" else 0)
            if not is_count(count):
                msg = f"`{name}` must be a positive whole number of replicates, got {count!r}"
                raise StudyError(msg)
            object.__setattr__(self, name, int(count))
        for name, fewer in (("quick", "first"), ("full", "quick")):
            if getattr(self, name) < getattr(self, fewer):
                msg = (
                    f"`{name}` must be at least `{fewer}` ({getattr(self, fewer)}), got {getattr(self, name)}"
                )
                raise StudyError(msg)

    def most(self, profile: str) -> int:
        """The most replicates of a scenario in a profile."""
        return int(getattr(self, profile))

    @property
    def tuned(self) -> float:
        """Where limits are tightest: in the middle of the quick profile's looks, as they double."""
        return max(FEWEST, math.sqrt(self.first * self.quick))
