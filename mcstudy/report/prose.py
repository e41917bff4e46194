"""Statements and paragraphs as HTML: text that wraps, with mathematics inside."""

from __future__ import annotations

import html
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mcstudy.report.latex import Piece, statement_pieces, text_pieces
from mcstudy.report.mathml import to_mathml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["statement_html", "text_html"]

NO_BREAK = "\N{NO-BREAK SPACE}"


def statement_html(statement: str, *, display: bool = False) -> str:
    r"""Write a statement for the page.

    Parameters
    ----------
    statement : str
        Mathematics as a whole, or text with mathematics between dollar signs.
    display : bool
        Set mathematics large, for a line of its own.

    Returns
    -------
    str
        HTML; words inside of mathematics are taken out of it, as no browser breaks a line there.

    Examples
    --------
    >>> print(statement_html(r"x \text{ is large}"))
    <math><mi>x</mi></math> is large
    """
    pieces = statement_pieces(statement)
    large = display and len(pieces) == 1
    return "".join(_html(piece, "block" if large else "inline") for piece in pieces)


def text_html(text: str) -> str:
    """Write text with mathematics between dollar signs for the page."""
    return "".join(_html(piece, "inline") for piece in text_pieces(text))


def _html(piece: Piece, display: str) -> str:
    return _wrappable(to_mathml(piece.content, display)) if piece.mathematics else html.escape(piece.content)


def _wrappable(math: str) -> str:
    """Cut mathematics at its words."""
    whole = ElementTree.fromstring(math)
    if not any(map(_is_text, whole)):
        return math
    style = {"displaystyle": "true"} if whole.attrib else {}
    parts = []
    for is_text, group in groupby(whole, key=_is_text):
        if is_text:
            parts += [html.escape((element.text or "").replace(NO_BREAK, " ")) for element in group]
        else:
            part = ElementTree.Element("math", style)
            part.extend(group)
            parts.append(ElementTree.tostring(part, encoding="unicode", short_empty_elements=False))
    return "".join(parts)


def _is_text(element: Element) -> bool:
    """Whether an element holds words with a space beside them, so that a line may break there."""
    text = element.text or ""
    return element.tag == "mtext" and NO_BREAK in text and not text.isspace()
