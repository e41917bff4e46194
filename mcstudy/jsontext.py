"""The JSON text of plain values, a piece at a time: of 100,000 cells no text is ever whole in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from mcstudy.codec import Deferred

__all__ = ["laid_out", "lines", "pieces"]

# Items that are written at once: some hundred kilobytes of cells, beside which a call of the encoder costs nothing.
TOGETHER = 256
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=list).encode
_LINE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=list).encode


def pieces(value: Any) -> Iterator[str]:
    """The canonical JSON text of plain values, a piece at a time: keys in order, nothing between."""
    if not _defers(value):
        yield _CANONICAL(value)
    elif isinstance(value, dict):
        for number, name in enumerate(sorted(value)):
            yield f"{',' if number else '{'}{_CANONICAL(name)}:"
            yield from pieces(value[name])
        yield "}"
    elif isinstance(value, Deferred):
        items = iter(value)
        for number, some in enumerate(iter(lambda: list(islice(items, TOGETHER)), [])):
            yield f"{',' if number else '['}{_CANONICAL(some)[1:-1]}"
        yield "]"
    else:
        for number, item in enumerate(value):
            yield "," if number else "["
            yield from pieces(item)
        yield "]"


def _defers(value: Any) -> bool:
    """Whether anything among plain values is deferred."""
    if isinstance(value, dict):
        return any(map(_defers, value.values()))
    return any(map(_defers, value)) if isinstance(value, list) else isinstance(value, Deferred)


def laid_out(value: Any, levels: int) -> str:
    """The JSON text of plain values: a line for each item of the outer levels, and one for what is deeper.

    What is on one line is written by the standard library's C; with line breaks everywhere nothing is.

    Examples
    --------
    >>> print(laid_out({"cells": [{"n": 8}, {"n": 16}]}, levels=2))
    {
     "cells": [
      {"n": 8},
      {"n": 16}
     ]
    }
    """
    return "".join(lines(value, levels))


def lines(value: Any, levels: int, indent: str = "") -> Iterator[str]:
    """The text of `laid_out`, a piece at a time."""
    if not levels or not isinstance(value, (dict, list, Deferred)) or not value:
        yield _LINE(value)
        return
    inner = indent + " "
    left, right = "{}" if isinstance(value, dict) else "[]"
    yield left
    named = value.items() if isinstance(value, dict) else (("", item) for item in value)
    for number, (name, item) in enumerate(named):
        yield f"{',' if number else ''}\n{inner}"
        if isinstance(value, dict):
            yield f"{json.dumps(name, ensure_ascii=False)}: "
        yield from lines(item, levels - 1, inner)
    yield f"\n{indent}{right}"
