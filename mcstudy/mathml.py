r"""One formula: LaTeX to MathML by math-core, refused where the two would not show the same."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import Literal
from xml.etree import ElementTree

from math_core import LatexError, LatexToMathML

from mcstudy.exceptions import InputError
from mcstudy.words import writable_in_xml

__all__ = ["to_mathml"]

# Of its own, the arrow is a combining character, which lands left of the letter, and the colon lacks its space.
_MACROS = {"vec": r"\overrightarrow{#1}", "colon": r"\mathpunct{:}"}
_CONVERTER = LatexToMathML(fancy_error=False, macros=_MACROS)  # fancy errors are drawings of several lines

_PERCENT = re.compile(r"(?<!\\)(?:\\\\)*%")
# These define, number or refer: the converter obeys, but a formula that stands in several places may not.
_OF_A_DOCUMENT = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand|def|let|(?:eq)?ref|label|tag)(?![A-Za-z])"
    r"|\\begin\s*\{(?:align|alignat|equation|flalign|gather|multline)\*?\}"
)
# What the converter says, and what an author does about it.
_REMEDIES = {
    r'Unknown command "\\([A-Za-z]+)"': r"write it with other macros, or \operatorname{{{0}}} if it names a function",
    "Unknown environment": "write pmatrix, bmatrix, vmatrix or cases",
    'Found "&"': r"write \& if meant",
    "Macro parameter": r"write \# if meant",
    "end of input|closing token": r"see that arguments, braces, \left and \right, \begin and \end are complete",
    "text mode": r"end \text{{...}} before the mathematics",
    "": "mend it there",
}
_ACCENT = re.compile(
    "<mo(?=[^>]*>[`´¨¯ˆˇ˘˙˚˜→\N{COMBINING CIRCUMFLEX ACCENT}\N{COMBINING LOW LINE}]</mo></mover>)"
)
_SLASH = re.compile("<mo[^>]*>/</mo>")
_PRIMES = frozenset("′″‴⁗")


def to_mathml(latex: str, display: Literal["inline", "block"] = "inline", name: str = "latex") -> str:
    r"""Translate mathematics into a ``<math>`` element for HTML, which is well-formed XML as well.

    Parameters
    ----------
    latex : str
        Mathematics as a whole, without dollar signs.
    display : {"inline", "block"}
    name : str
        What the message of an error calls it.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If it could not be shown as it was meant: it does not parse, holds a ``%``, which would hide the rest, or what XML forbids,
        belongs to a document (numbers, labels, definitions), or shows nothing.

    Examples
    --------
    >>> print(to_mathml(r"X \sim \chi^2"))
    <math><mi>X</mi><mo form="infix">∼</mo><msup><mi>χ</mi><mn>2</mn></msup></math>
    """
    if problem := _problem(latex):
        msg = f"`{name}` must be LaTeX that a page can show, got {latex!r}: {problem}"
        raise InputError(msg)
    return _convert(latex, display == "block")


def _problem(latex: str) -> str:
    """What is wrong with a formula, and the remedy; nothing if it can be shown."""
    if _PERCENT.search(latex):
        return r"% starts a comment in LaTeX; write \% if meant"
    if alien := _OF_A_DOCUMENT.search(latex):
        return f"{alien[0]} belongs to a document; leave it out of a formula"
    if writable_in_xml(latex) != latex:
        return "it holds a character that no page may; leave that out"
    try:
        shown = re.sub(r"<[^>]*>|\s", "", _convert(latex, large=False))
    except LatexError as error:
        return _explain(str(error))
    return "" if shown else "it shows nothing; write a formula or words"


def _explain(message: str) -> str:
    """Make a place and a remedy of the converter's message "offset: Problem."."""
    offset, _, problem = message.partition(": ")
    found = next(filter(None, (re.search(pattern, problem) for pattern in _REMEDIES)))
    remedy = _REMEDIES[found.re.pattern].format(*found.groups())
    return f"character {int(offset) + 1}: {problem[0].lower()}{problem[1:].removesuffix('.')}; {remedy}"


@lru_cache(maxsize=1024)
def _convert(latex: str, large: bool) -> str:
    return _mend(_CONVERTER.convert_with_local_state(latex, displaystyle=large))


def _mend(math: str) -> str:
    """Mend what XML cannot read, and what Chromium draws badly."""
    math = re.sub(r"&[A-Z]\w+;", lambda entity: html.unescape(entity[0]), math)  # unknown outside HTML
    # Accents touch their letter: without a font for mathematics, the dot of \dot W vanishes in the W.
    math = _ACCENT.sub('<mo style="padding-bottom:0.12em"', math)
    # A stretched slash gets the width of the widest there is, and stands in an empty space.
    math = _SLASH.sub('<mo lspace="0" rspace="0">/</mo>', math)
    return math if _PRIMES.isdisjoint(math) else _set_primes_in_row(math)


def _set_primes_in_row(math: str) -> str:
    """Set primes beside their letter: the glyph is raised already, and as a script it is a thin speck above."""
    root = ElementTree.fromstring(math)
    for element in list(root.iter()):
        if element.tag not in {"msup", "msubsup"} or element[-1].text not in _PRIMES:
            continue
        base, *index, prime = element
        row = ElementTree.Element("mrow")
        row[:] = base, prime
        element.tag, element[:] = ("msub", [row, *index]) if index else ("mrow", [base, prime])
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
