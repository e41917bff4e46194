r"""The LaTeX that statements may use, and how text and mathematics are told apart.

A statement is mathematics as a whole; or, if it contains a dollar sign, text with mathematics between dollar
signs; or, if it has words and no sign of LaTeX, text. Reasons and paragraphs are text, with or without mathematics. In text, ``\$`` is a dollar.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from mcstudy.exceptions import InputError

__all__ = ["MACROS", "Piece", "check_mathematics", "statement_pieces", "text_pieces"]

SYMBOLS = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho
    varrho sigma varsigma tau upsilon phi varphi chi psi omega
    Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    le leq ge geq ne neq ll gg sim simeq approx cong equiv asymp propto doteq prec succ preceq succeq lesssim
    gtrsim perp parallel mid nmid in notin ni subset subseteq supset supseteq
    pm mp times div cdot circ bullet ast star oplus otimes odot cup cap setminus wedge vee
    to gets rightarrow leftarrow leftrightarrow longrightarrow Rightarrow Leftarrow Leftrightarrow
    Longrightarrow iff implies mapsto uparrow downarrow nearrow searrow hookrightarrow
    sum prod int iint oint bigcup bigcap bigoplus bigotimes
    infty partial nabla forall exists neg top bot emptyset varnothing ell hbar Re Im prime dagger angle
    dots ldots cdots vdots ddots colon
    langle rangle lfloor rfloor lceil rceil lvert rvert lVert rVert vert Vert lbrace rbrace
"""
FUNCTIONS = """
    arccos arcsin arctan cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max
    min Pr sec sin sinh sup tan tanh
"""
STRUCTURES = """
    frac dfrac tfrac binom sqrt overset underset stackrel overline underline overbrace underbrace
    hat widehat bar tilde widetilde dot ddot vec check breve acute grave
    mathrm mathbf mathbb mathcal mathscr mathfrak mathsf mathtt mathit boldsymbol text textbf textit textrm
    operatorname left right big Big bigg Bigg bigl bigr bigm Bigl Bigr Bigm biggl biggr Biggl Biggr
    limits nolimits displaystyle textstyle begin end quad qquad
"""
MACROS = frozenset(f"{SYMBOLS} {FUNCTIONS} {STRUCTURES}".split())
CHARACTERS = frozenset(r"\|{},;:!>_%&#$ ")
ENVIRONMENTS = frozenset({"matrix", "pmatrix", "bmatrix", "vmatrix", "Vmatrix", "cases"})

_TOKEN = re.compile(
    r"(?P<environment>\\(?:begin|end)\s*\{[^}]*\})|(?P<operator>\\operatorname(?!\s*\{[A-Za-z ]+\}))"
    r"|\\(?P<macro>[A-Za-z]+|.?)|(?P<character>[{}$%#&])",
    re.DOTALL,
)
# Words with spaces between and no sign of LaTeX: in mathematics they would run together in italics.
_WORDS = re.compile(r"(?=.*(?:[A-Za-z]{2,}\s|\s[A-Za-z]{2,}))[^\\^_{}$]+", re.DOTALL)
_DOLLAR = re.compile(r"(?<!\\)\$")


class Piece(NamedTuple):
    """A stretch of text, or of mathematics without its dollar signs."""

    content: str
    mathematics: bool


def statement_pieces(statement: str, name: str = "statement") -> list[Piece]:
    r"""Split a statement: mathematics as a whole, or text with mathematics between dollar signs, or words.

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
        If it is empty, a dollar sign has no partner, or its text contains a macro.

    Examples
    --------
    >>> statement_pieces(r"x \le 1"), statement_pieces(r"balanced: $x \le 1$")[1]
    ([Piece(content='x \\le 1', mathematics=True)], Piece(content='x \\le 1', mathematics=True))
    >>> statement_pieces("off by 3 %")
    [Piece(content='off by 3 %', mathematics=False)]
    """
    if _WORDS.fullmatch(statement):
        return [Piece(statement, mathematics=False)]
    if not statement.strip():
        msg = f"`{name}` must say something in LaTeX, got {statement!r}"
        raise InputError(msg)
    if not _DOLLAR.search(statement):
        return [Piece(statement, mathematics=True)]
    pieces = text_pieces(statement, name)
    for piece in pieces:
        if not piece.mathematics and (macro := re.search(r"\\[A-Za-z]+", piece.content)):
            _refuse(piece.content, name, f"mathematics must stand between dollar signs, not so {macro[0]}")
    return pieces


def text_pieces(text: str, name: str = "text") -> list[Piece]:
    r"""Split text with mathematics between dollar signs.

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
        If a dollar sign has no partner.

    Examples
    --------
    >>> [piece.content for piece in text_pieces(r"costs \$5 for $n$")]
    ['costs $5 for ', 'n']
    """
    parts = _DOLLAR.split(text)
    if len(parts) % 2 == 0:
        msg = rf"`{name}`: dollar signs must come in pairs, got {text!r}; write \$ for a dollar"
        raise InputError(msg)
    pieces = [
        Piece(part if position % 2 else part.replace(r"\$", "$"), mathematics=bool(position % 2))
        for position, part in enumerate(parts)
    ]
    return [piece for piece in pieces if piece.content]


def check_mathematics(latex: str, name: str = "statement") -> None:
    r"""Refuse mathematics that could not be shown as it was meant.

    Raises
    ------
    InputError
        If a macro or an environment is none of those known to be translated faithfully, a brace has no
        partner, or a character of TeX's own stands where it means nothing.

    Examples
    --------
    >>> check_mathematics(r"\foo")
    Traceback (most recent call last):
    ...
    mcstudy.exceptions.InputError: `statement`: ...
    """
    depth = environments = 0
    for token in _TOKEN.finditer(latex):
        if token["environment"]:
            environments += _check_environment(token["environment"], name)
        elif token["operator"]:
            _refuse(latex, name, r"\operatorname must be followed by letters in braces")
        elif token["macro"] is not None:
            _check_macro(token["macro"], name)
        elif token["character"] in "{}":
            depth += 1 if token["character"] == "{" else -1
            if depth < 0:
                _refuse(latex, name, "a closing brace has no opening one")
        elif token["character"] != "&" or not environments:
            _refuse(
                latex,
                name,
                rf"{token['character']} has no meaning here; write \{token['character']} if meant",
            )
    if depth:
        _refuse(latex, name, "an opening brace has no closing one")
    if environments:
        _refuse(latex, name, r"\begin and \end must come in pairs")


def _check_environment(token: str, name: str) -> int:
    environment = token[token.index("{") + 1 : -1]
    if environment not in ENVIRONMENTS:
        msg = (
            f"`{name}`: an environment must be one of {', '.join(sorted(ENVIRONMENTS))}; got {environment!r}"
        )
        raise InputError(msg)
    return 1 if token.startswith(r"\begin") else -1


def _check_macro(macro: str, name: str) -> None:
    if macro in MACROS or (macro and macro in CHARACTERS):
        return
    spelled = macro if macro.isalpha() else "name"
    msg = (
        rf"`{name}`: \{macro} can't be shown in a report; write it with other macros, "
        rf"or as \operatorname{{{spelled}}} if it names a function"
    )
    raise InputError(msg)


def _refuse(latex: str, name: str, reason: str) -> NoReturn:
    msg = f"`{name}`: {reason}; got {latex!r}"
    raise InputError(msg)
