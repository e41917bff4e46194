r"""Statements and texts: words and mathematics told apart, checked, and written for the page.

A statement is mathematics as a whole; or, if it contains a dollar sign, text with mathematics between dollar
signs; or, if it has words and no sign of LaTeX, text. Every other text (questions, reasons, sections) is text, with
or without mathematics between dollar signs; ``\$`` is a dollar. Words that a formula holds in ``\text{...}`` are
taken out of it, since no browser breaks a line inside a formula.
"""

from __future__ import annotations

import html
import re
from typing import Literal, NamedTuple

from mcstudy.exceptions import InputError
from mcstudy.mathml import to_mathml

__all__ = [
    "Piece",
    "check_latex",
    "check_text",
    "plain_text",
    "statement_html",
    "statement_pieces",
    "text_html",
    "text_pieces",
]

_DOLLAR = re.compile(r"(?<!\\)\$")
# Words with spaces between and no sign of LaTeX: in mathematics they would run together in italics.
_PLAIN_WORDS = re.compile(r"(?=.*(?:[A-Za-z]{2,}\s|\s[A-Za-z]{2,}))[^\\^_{}$]+", re.DOTALL)
# Without a blank there is no place for a line to break; with a macro the words are not their own HTML.
_WORDS = re.compile(r"(?<!\\)\\text\s*\{([^\\{}$%&#_^~]*\s[^\\{}$%&#_^~]*)\}")

# Where a formula may break: before what stands between its sides.
_RELATIONS = re.compile(r"[=<>]|\\(?:leq?|geq?|propto|sim|approx|in|quad)(?![A-Za-z])")
_CHARACTERS = {
    r"\pm": "±",
    r"\times": "×",
    r"\sqrt": "√",
    r"\le": "≤",
    r"\ge": "≥",
    r"\propto": "∝",
    r"\,": " ",
    r"\%": "%",
}
_CHARACTERS |= {r"\sigma": "σ", r"\alpha": "α", r"\approx": "≈", r"\infty": "∞", r"\cdot": "·", r"\to": "→"}
LONG, LONGER = 40, 60  # characters of a formula that may be wider than a phone; and that are, without a break


class Piece(NamedTuple):
    """A stretch of text, or of mathematics without its dollar signs."""

    content: str
    mathematics: bool


def check_latex(latex: str, name: str = "statement") -> None:
    r"""Refuse a statement that the report could not show as it was meant.

    Parameters
    ----------
    latex : str
        Mathematics as a whole, or text with mathematics between dollar signs.
    name : str
        What the message of an error calls it.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_latex(r"\mathbb{E} \hat L_n = \|\Delta\|^2 / (2L)")
    >>> check_latex(r"$W_k$ stays balanced")
    >>> check_latex(r"\foo x")
    Traceback (most recent call last):
    ...
    mcstudy.exceptions.InputError: `statement` must be LaTeX that a page can show, got '\\foo x': ...
    """
    statement_pieces(latex, name)


def check_text(text: str, name: str = "text") -> None:
    """Refuse text whose mathematics, between dollar signs, the report could not show.

    Raises
    ------
    InputError
    """
    text_pieces(text, name)


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
        HTML.

    Raises
    ------
    InputError
        If it could not be shown as it was meant.

    Examples
    --------
    >>> print(statement_html(r"x \text{ is large}"))
    <math><mi>x</mi></math> is large
    """
    pieces = statement_pieces(statement)
    if any(piece.mathematics and len(piece.content) > LONG for piece in pieces):
        pieces = [part for piece in pieces for part in _cut_at_relations(piece)]
    written = "".join(_html(piece, "block" if display else "inline") for piece in pieces)
    if len(pieces) > 1:
        # A block takes a line to itself: beside words, mathematics is as large, but stays in theirs.
        written = written.replace(' display="block"', ' displaystyle="true"')
    longer = any(piece.mathematics and len(piece.content) > LONGER for piece in pieces)
    return f'<span class="long">{written}</span>' if longer else written


def text_html(text: str) -> str:
    """Write text with mathematics between dollar signs for the page.

    Raises
    ------
    InputError
        If its mathematics could not be shown as it was meant.
    """
    return "".join(_html(piece) for piece in text_pieces(text))


def plain_text(text: str) -> str:
    r"""Write text with mathematics between dollar signs for a terminal, as near as its characters come.

    Examples
    --------
    >>> plain_text(r"it falls as $m^{-0.4984 \pm 0.0007}$, by $3 \times 10^{-4}$")
    'it falls as m^(-0.4984 ± 0.0007), by 3×10^-4'
    """
    return "".join(
        _characters(piece.content) if piece.mathematics else piece.content for piece in text_pieces(text)
    )


def _characters(latex: str) -> str:
    """The characters that stand for the macros of a formula; braces that hold more than a word become brackets."""
    for macro, character in _CHARACTERS.items():
        latex = re.sub(rf"{re.escape(macro)}(?![A-Za-z])", character, latex)
    latex = re.sub(r"\\(?:text|mathrm|operatorname)\{([^{}]*)\}", r"\1", latex)
    latex = re.sub(r"(?<=[\^_])\{([^{} ]*)\}", r"\1", latex)
    latex = re.sub(r"(?<=[\^_√])\{([^{}]*)\}", r"(\1)", latex)
    return re.sub(r" ?× ?", "×", latex).replace("{}", "")


def statement_pieces(statement: str, name: str = "statement") -> list[Piece]:
    r"""Split a statement into its words and its mathematics.

    Parameters
    ----------
    statement : str
    name : str
        What the message of an error calls it.

    Returns
    -------
    list of Piece

    Raises
    ------
    InputError
        If it is empty, a dollar sign has no partner, its text contains a macro, or its mathematics could not
        be shown as it was meant.

    Examples
    --------
    >>> statement_pieces(r"x \le 1"), statement_pieces(r"balanced: $x \le 1$")[1]
    ([Piece(content='x \\le 1', mathematics=True)], Piece(content='x \\le 1', mathematics=True))
    >>> statement_pieces("off by 3 %")
    [Piece(content='off by 3 %', mathematics=False)]
    """
    if _PLAIN_WORDS.fullmatch(statement):
        return [Piece(statement, mathematics=False)]
    if not _DOLLAR.search(statement):
        return _cut_at_words(statement, name)
    for words in _DOLLAR.split(statement)[::2]:
        if macro := re.search(r"\\[A-Za-z]+", words):
            msg = f"`{name}` must have its mathematics between dollar signs, got {words!r}; put {macro[0]} there"
            raise InputError(msg)
    return text_pieces(statement, name)


def text_pieces(text: str, name: str = "text") -> list[Piece]:
    r"""Split text into its words and its mathematics, which stands between dollar signs.

    Parameters
    ----------
    text : str
    name : str
        What the message of an error calls it.

    Returns
    -------
    list of Piece

    Raises
    ------
    InputError
        If a dollar sign has no partner, or its mathematics could not be shown as it was meant.

    Examples
    --------
    >>> [piece.content for piece in text_pieces(r"costs \$5 for $n$")]
    ['costs $5 for ', 'n']
    """
    parts = _DOLLAR.split(text)
    if len(parts) % 2 == 0:
        msg = rf"`{name}` must have its dollar signs in pairs, got {text!r}; write \$ for a dollar"
        raise InputError(msg)
    pieces: list[Piece] = []
    for position, part in enumerate(parts):
        if position % 2:
            pieces += _cut_at_words(part, name)
        elif part:
            pieces.append(Piece(part.replace(r"\$", "$"), mathematics=False))
    return pieces


def _cut_at_words(latex: str, name: str) -> list[Piece]:
    r"""Take the words in ``\text{...}`` out of a formula, but for those inside a script, a root, a bracket."""
    to_mathml(latex, name=name)
    formula, *rest = _WORDS.split(latex)
    pieces: list[Piece] = []
    for words, after in zip(rest[::2], rest[1::2], strict=True):
        if _stands_alone(formula):
            # An empty atom keeps the space of a relation that stands beside a word, as in {}\le 1.
            before = formula + "{}" if formula.strip() and words[0].isalnum() else formula
            pieces += [Piece(before.strip(), mathematics=True), Piece(words, mathematics=False)]
            formula = "{}" + after if after.strip() and words[-1].isalnum() else after
        else:
            formula += rf"\text{{{words}}}{after}"
    if not _stands_alone(formula):  # nothing but space, say: then all stays one formula
        return [Piece(latex.strip(), mathematics=True)]
    pieces.append(Piece(formula.strip(), mathematics=True))
    return [piece for piece in pieces if piece.content]


def _cut_at_relations(piece: Piece) -> list[Piece]:
    r"""Cut a formula before its relations, but for those inside of brackets, so that its lines can break there."""
    if not piece.mathematics:
        return [piece]
    parts, start = [], 0
    for match in _RELATIONS.finditer(piece.content):
        before, after = piece.content[start : match.start()], piece.content[match.start() :]
        if before.strip() and _stands_alone(before) and _stands_alone("{}" + after):
            parts.append(before)
            start = match.start()
    parts.append(piece.content[start:])
    # An empty atom keeps the space of a relation at the beginning.
    return [Piece("{}" * (index > 0) + part.strip(), mathematics=True) for index, part in enumerate(parts)]


def _stands_alone(latex: str) -> bool:
    """Whether a part of a formula is a formula, or nothing: all that it opens is closed."""
    try:
        return not latex.strip() or bool(to_mathml(latex))
    except InputError:
        return False


def _html(piece: Piece, display: Literal["inline", "block"] = "inline") -> str:
    return to_mathml(piece.content, display) if piece.mathematics else html.escape(piece.content)
