"""Small things that every part of a draw key is made of: places, joined tokens, refusals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from mcstudy.exceptions import StudyError

__all__ = ["REMEDY", "Place", "inside", "joined", "refusal", "sha256"]

Place = tuple[str, ...]
"""The way from `simulate` to a value, for messages: ("simulate", "helper", "global `cache`")."""

REMEDY = (
    "make it inside of the function that uses it, or keep what it holds as numbers, texts, arrays or containers of "
    "them"
)


def refusal(place: Place, what: str, remedy: str = REMEDY) -> StudyError:
    """The error for a value that has no token."""
    return StudyError(
        f"`simulate` must use only what can be hashed, got {' -> '.join(place)}: {what}; {remedy}"
    )


def inside(place: Place, what: str) -> Place:
    """The place of something that a value holds."""
    return (*place[:-1], place[-1] + what)


def joined(kind: str, tokens: Iterable[str]) -> str:
    """One token for several, in order; no token holds a line break, for texts are escaped."""
    content = "\n".join(tokens)
    return f"{kind}:{sha256(content)}"


def sha256(text: str) -> str:
    """The hexadecimal digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
