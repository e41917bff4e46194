"""Texts that a journal keeps, each behind its own checksum: one that a disk has damaged is not taken for another."""

from __future__ import annotations

import json
import zlib
from typing import Any

__all__ = ["noted", "opened", "sealed", "seen_and_made"]


def sealed(text: str) -> str:
    """A text behind its own checksum."""
    return f"{zlib.crc32(text.encode(errors='surrogateescape')):08x}{text}"


def opened(text: Any) -> str | None:
    """The text of `sealed`; None where it was damaged."""
    content = text[8:] if isinstance(text, str) else ""
    return content if text == sealed(content) else None


def noted(seen: int, made: str) -> str:
    """What was to be made of draws, as it is kept, with the replicates that had been seen by then."""
    return sealed(json.dumps([seen, made]))


def seen_and_made(seen: int, kept: Any) -> tuple[int, str] | None:
    """What `noted` was told; None where it was damaged. At first the number stood beside it alone, without a seal."""
    text = opened(kept)
    if text is None or not text.startswith("["):
        return None if text is None else (seen, text)
    own, made = json.loads(text)
    return own, made
