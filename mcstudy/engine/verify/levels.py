"""What a verification finds on each of its levels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Level", "Outcome"]


class Outcome(StrEnum):
    """Whether something is as it is claimed to be."""

    VERIFIED = "verified"
    DIFFERS = "differs"
    UNKNOWN = "not verified"  # nothing speaks against it, but something that was needed is not there


@dataclass(frozen=True)
class Level:
    """One level of a verification.

    Attributes
    ----------
    name : str
        "intact", "same source", "drawn again".
    outcome : Outcome
    text : str
        What was found, in a line.
    details : tuple of str
        What differs, a line each.
    """

    name: str
    outcome: Outcome
    text: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name:<12} {self.outcome}: {self.text}"
