"""How many replicates a scenario gets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from mcstudy.checks import is_count, is_positive
from mcstudy.defaults import PROFILES
from mcstudy.exceptions import StudyError
from mcstudy.statistics.tails import FEWEST
from mcstudy.words import said

__all__ = ["Precision", "Replicates", "mcse"]

# What is left out becomes a number when the object is made.
_LEFT_OUT = cast(int, None)


@dataclass(frozen=True)
class Precision:
    """A Monte Carlo standard error that is to be reached; see `mcse`."""

    target: float
    of: tuple[str, ...] = ()
    relative: bool = False

    def aims_at(self, name: str) -> bool:
        """Whether a measure or a claim of this id is to be so precise."""
        return not self.of or name in self.of

    def lacks(self, estimate: float, error: float) -> float:
        """How many times too large a standard error is; NaN where there is none."""
        return error / (self.target * abs(estimate)) if self.relative and estimate else error / self.target


def mcse(target: float, *, of: str | Sequence[str] = (), relative: bool = False) -> Precision:
    """Draw until the Monte Carlo standard error is small: ``Replicates(until=mcse(0.005), at_most=100_000)``.

    Parameters
    ----------
    target : float
        The largest standard error, in the unit of the estimate.
    of : str or sequence of str
        Ids of measures, or of claims on a statistic; default: all measures, and where there is none all claims.
    relative : bool
        Whether `target` is a part of the estimate; an estimate of 0 is held to `target` itself.

    Raises
    ------
    StudyError
        If `target` is no positive number, or `of` holds no names.
    """
    if not is_positive(target) or not math.isfinite(target):
        msg = f"`target` must be a positive number, got {said(target)}; write mcse(0.005)"
        raise StudyError(msg)
    names = (of,) if isinstance(of, str) else tuple(of)
    if not all(isinstance(name, str) for name in names):
        msg = f"`of` must be ids of measures or claims, got {said(of)}"
        raise StudyError(msg)
    return Precision(float(target), names, bool(relative))


@dataclass(frozen=True)
class Replicates:
    """How many replicates a scenario gets: all have the first, those of undecided claims more, up to the profile's.

    Parameters
    ----------
    first : int
        Replicates before the first look.
    quick, full : int
        The most that the profiles draw; default: `first`.
    until : Precision
        Go on until estimates are so precise (`mcse`), and claims are decided; `first` is 64 then, in whole blocks.
    at_most : int
        With `until`, the most that a scenario gets, in either profile. Else the most that the full profile gives to
        scenarios of claims which `full` leaves open: others need no more, however many one hard claim takes.

    Raises
    ------
    StudyError
        If a number is none, or they do not ascend, or `until` is given without `at_most`.

    Examples
    --------
    >>> Replicates(1000).full
    1000
    >>> Replicates(until=mcse(0.005), at_most=100_000).first
    64
    >>> Replicates(256, full=2048, at_most=16_384).most("full")
    16384
    """

    first: int = _LEFT_OUT
    quick: int = field(default=_LEFT_OUT, kw_only=True)
    full: int = field(default=_LEFT_OUT, kw_only=True)
    until: Precision | None = field(default=None, kw_only=True)
    at_most: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        given: dict[str, Any] = {name: getattr(self, name) for name in ("first", *PROFILES)}
        if self.until is not None:
            given = self._up_to_a_precision(given)
        elif self.at_most is not None:
            self._check_at_most(given["first"])
        before: Any = None
        for name, count in given.items():
            number = before if count is None else count
            if not is_count(number):
                msg = f"`{name}` must be a positive whole number of replicates, got {number!r}"
                raise StudyError(msg)
            object.__setattr__(self, name, int(number))
            before = number
        for name, fewer in (("quick", "first"), ("full", "quick"), ("at_most", "full")):
            if getattr(self, name) is not None and getattr(self, name) < getattr(self, fewer):
                msg = (
                    f"`{name}` must be at least `{fewer}` ({getattr(self, fewer)}), got {getattr(self, name)}"
                )
                raise StudyError(msg)

    def _check_at_most(self, first: int | None) -> None:
        if not is_count(self.at_most):
            msg = f"`at_most` must be a positive whole number of replicates, got {self.at_most!r}"
            raise StudyError(msg)
        if first is None:
            msg = f"`at_most` must go with `until` or with `first`, got {self.at_most!r} alone; write until=mcse(0.005), or Replicates(256, full=2048, at_most=...)"
            raise StudyError(msg)
        object.__setattr__(self, "at_most", int(cast(int, self.at_most)))

    def _up_to_a_precision(self, given: dict[str, Any]) -> dict[str, Any]:
        """The numbers where a precision ends the drawing."""
        if not isinstance(self.until, Precision):
            msg = f"`until` must be a precision, got {said(self.until)}; write until=mcse(0.005), at_most=100_000"
            raise StudyError(msg)
        if not is_count(self.at_most):
            msg = (
                f"`at_most` must be a positive whole number of replicates with `until`, got {self.at_most!r}"
            )
            raise StudyError(msg)
        if profiles := [name for name in PROFILES if given[name] is not None]:
            msg = f"`{profiles[0]}` must be left out with `until`, got {given[profiles[0]]!r}; `at_most` ends both profiles"
            raise StudyError(msg)
        object.__setattr__(self, "at_most", int(cast(int, self.at_most)))
        first = min(FEWEST, cast(int, self.at_most)) if given["first"] is None else given["first"]
        return {"first": first, "quick": self.at_most, "full": self.at_most}

    def most(self, profile: str) -> int:
        """The most replicates of a scenario in a profile."""
        further = profile == PROFILES[-1] and self.at_most is not None
        return int(getattr(self, "at_most" if further else profile))

    def planned(self, profile: str) -> int:
        """The replicates of every scenario in a profile, where nothing is decided sooner or left open."""
        return int(getattr(self, profile))

    @property
    def tuned(self) -> float:
        """Where limits are tightest: in the middle of the quick profile's looks, as they double."""
        return max(FEWEST, math.sqrt(self.first * self.quick))
