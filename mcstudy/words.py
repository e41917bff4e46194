"""Words of messages: what may have been meant, values as people name them; and what no text may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

__all__ = ["acting", "encodable", "nearest", "said", "told", "writable_in_xml"]

# They turn what stands around them from left to right, in a terminal as on a page.
_OVERRIDES = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def acting(text: str) -> str:
    r"""The number of the first character of a text that acts on a terminal or turns the text around it; or nothing.

    Examples
    --------
    >>> acting("Errors of order\n1/n"), acting("\x1b[2J")
    ('', 'U+001B')
    """
    acts = (c for c in text if c in _OVERRIDES or (unicodedata.category(c) == "Cc" and c not in "\n\t"))
    return next((f"U+{ord(char):04X}" for char in acts), "")


def encodable(text: str) -> str:
    r"""A text that every file takes: half characters, which no encoding has, as their escapes.

    Examples
    --------
    >>> encodable("a\ud800b")
    'a\\ud800b'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def told(error: BaseException) -> str:
    """The text of an exception; what came in its way where it can't be made."""
    try:
        return encodable(str(error))
    except Exception as another:
        return f"(its text can't be made: {type(another).__name__})"


def nearest(word: object, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """What may have been meant, as a question with a space behind it; or nothing.

    Parameters
    ----------
    word : object
        What was typed.
    known : iterable of str
        What there is.
    cutoff : float
        How alike the two must be, from 0 to 1; see `difflib.get_close_matches`.

    Examples
    --------
    >>> nearest("--prof", ["--profile", "--jobs"])
    'did you mean --profile? '
    """
    import difflib

    # The dashes that all options have in common make none more like another.
    bare = {name.lstrip("-") or name: name for name in known}
    found = difflib.get_close_matches(str(word).lstrip("-"), list(bare), n=1, cutoff=cutoff)
    return f"did you mean {bare[found[0]]}? " if found else ""


def said(value: object) -> str:
    """A value for a message: functions by their name and place, anything else by its `repr` without an address.

    Examples
    --------
    >>> said(nearest)
    'the function `nearest` (words.py, line 52)'
    >>> said({"of": "x", "where": None})
    "{'of': 'x', 'where': None}"
    """
    if isinstance(value, partial):
        return f"a partial of {said(value.func)}"
    if isinstance(value, MethodType):
        return f"the method `{value.__func__.__qualname__}` of {_kind(value.__self__)}"
    if isinstance(value, FunctionType):
        name = "a lambda" if value.__name__ == "<lambda>" else f"the function `{value.__name__}`"
        return f"{name} ({Path(value.__code__.co_filename).name}, line {value.__code__.co_firstlineno})"
    if isinstance(value, type):
        return f"the class `{value.__qualname__}`"
    return repr(value) if isinstance(value, str) else _ADDRESS.sub("", repr(value))


def _kind(value: Any) -> str:
    return said(value) if isinstance(value, type) else f"an object of class `{type(value).__qualname__}`"


def writable_in_xml(text: str) -> str:
    r"""A text that XML takes: the characters that it forbids, as their escapes.

    Examples
    --------
    >>> writable_in_xml("<b>\x1b\t\uffff")
    '<b>\\x1b\t\\uffff'
    """
    return _NO_XML.sub(lambda found: ascii(found[0])[1:-1], text)
