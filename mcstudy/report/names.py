"""Names and texts made safe for a path, an anchor, LaTeX and BibTeX."""

from __future__ import annotations

import hashlib
import re

__all__ = ["escape_tex", "file_name", "macro_name"]

DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "{}$&#_%"},
}


def file_name(prefix: str, name: str) -> str:
    """Make the stem of a file, and the anchor of a section, from a claim's id.

    An id of letters, digits, dots, dashes and underscores is kept; in any other one the rest is replaced, and a
    digest keeps it apart from its like.

    Examples
    --------
    >>> file_name("claim", "2d.worst")
    'claim-2d.worst'
    >>> file_name("claim", "../x")
    'claim-.._x-d6b96a97'
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    digest = "" if safe == name else f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{prefix}-{safe}{digest}"


def macro_name(name: str) -> str:
    r"""Spell a name in letters only, as LaTeX wants a macro's: digits as words, a capital after a separator.

    Examples
    --------
    >>> macro_name("2d.worst"), macro_name("deep_linear")
    ('TwoDWorst', 'DeepLinear')
    """
    spelled = re.sub(r"\d", lambda match: f" {DIGITS[int(match[0])]} ", name)
    words = re.findall("[A-Za-z]+", spelled)
    return "".join(word[0].upper() + word[1:] for word in words)


def escape_tex(text: str) -> str:
    r"""Write text so that TeX and BibTeX print it as it is.

    Examples
    --------
    >>> print(escape_tex("50 % of deep_linear"))
    50 \% of deep\_linear
    """
    return "".join(_ESCAPES.get(char, char) for char in text)
