r"""LaTeX to MathML: latex2mathml, checked before and repaired after.

latex2mathml passes unknown macros through, turns ``\sim`` into a tilde, leaves ``&`` raw, writes alphabets as
`mathvariant`, which browsers no longer read, and takes relations for identifiers, which then stand without
space. What can be repaired is repaired here; what can't be is refused, when the study is defined.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mcstudy.exceptions import InputError
from mcstudy.report.latex import Piece, check_mathematics, statement_pieces, text_pieces

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["check_latex", "check_text", "to_mathml"]

CHILDREN = {
    "mfrac": 2,
    "msub": 2,
    "msup": 2,
    "mover": 2,
    "munder": 2,
    "mroot": 2,
    "msubsup": 3,
    "munderover": 3,
}
ORDINARY = frozenset("∞∅⊤⊥…⋯⋮⋱∠†′″%&#$_")  # symbols that are nobody's operator
FENCES = {"⟨": "prefix", "⌊": "prefix", "⌈": "prefix", "⟩": "postfix", "⌋": "postfix", "⌉": "postfix"}
BARS = frozenset("|‖")
DELIMITERS = {r"\|": "‖", r"\{": "{", r"\}": "}", r"\lbrace": "{", r"\rbrace": "}", r"\langle": "⟨"}
DELIMITERS |= {r"\rangle": "⟩", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉"}
DELIMITERS |= dict.fromkeys((r"\vert", r"\lvert", r"\rvert"), "|")
DELIMITERS |= dict.fromkeys((r"\Vert", r"\lVert", r"\rVert"), "‖")
LIMITS = frozenset({"sup", "inf", "max", "min", "lim", "limsup", "liminf", "Pr", "argmax", "argmin"})
NARROW = {"^": "ˆ", "~": "˜"}
WIDTHS = {"negativethinmathspace": "-0.167em", "thickmathspace": "0.278em", "thinmathspace": "0.167em"}
ALPHABETS = {
    "double-struck": ("MATHEMATICAL DOUBLE-STRUCK", "DOUBLE-STRUCK"),
    "script": ("MATHEMATICAL SCRIPT", "SCRIPT"),
    "fraktur": ("MATHEMATICAL FRAKTUR", "BLACK-LETTER"),
    "bold": ("MATHEMATICAL BOLD",),
    "bold-italic": ("MATHEMATICAL BOLD ITALIC", "MATHEMATICAL BOLD"),
    "sans-serif": ("MATHEMATICAL SANS-SERIF",),
    "monospace": ("MATHEMATICAL MONOSPACE",),
}
_UPRIGHT = re.compile(r"\\(?:mathrm|textrm)\s*(?:\{([A-Za-z0-9 ]+)\}|([A-Za-z0-9]))")
_THIN = "0.167em"


def check_latex(latex: str, name: str = "statement") -> None:
    r"""Refuse a statement that the report could not show as it was meant.

    A statement is mathematics as a whole, or, if it contains a dollar sign, text with mathematics between
    dollar signs.

    Parameters
    ----------
    latex : str
    name : str
        What the message of an error calls it.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_latex(r"\mathbb{E} \hat L_n = \|\Delta\|^2 / (2L)")
    >>> check_latex(r"$W_k$ stays balanced")
    """
    _convert_all(statement_pieces(latex, name), name)


def check_text(text: str, name: str = "text") -> None:
    """Refuse text whose mathematics, between dollar signs, the report could not show.

    Raises
    ------
    InputError
    """
    _convert_all(text_pieces(text, name), name)


def to_mathml(latex: str, display: str = "inline") -> str:
    r"""Translate mathematics into a ``<math>`` element for HTML.

    Parameters
    ----------
    latex : str
        Mathematics as a whole, without dollar signs.
    display : {"inline", "block"}

    Returns
    -------
    str

    Raises
    ------
    InputError
        If it could not be shown as it was meant.

    Examples
    --------
    >>> print(to_mathml(r"X \sim \chi^2"))
    <math><mi>X</mi><mo>∼</mo><msup><mi>χ</mi><mn>2</mn></msup></math>
    """
    return _convert(latex, display, "latex")


def _convert_all(pieces: list[Piece], name: str) -> None:
    for piece in pieces:
        if piece.mathematics:
            _convert(piece.content, "inline", name)


@lru_cache(maxsize=1024)
def _convert(latex: str, display: str, name: str) -> str:
    from latex2mathml import converter

    check_mathematics(latex, name)
    try:
        math = converter.convert_to_element(_UPRIGHT.sub(_as_text, latex), display=display)
    except Exception as error:  # each version of the library has its own exceptions
        msg = f"`{name}`: {_sentence(error)}; got {latex!r}"
        raise InputError(msg) from error
    for element in math.iter():
        element.text = html.unescape(element.text or "")
    for element in math.iter():
        _check(element, latex, name)
        _repair(element)
    for element in math.iter():
        _space_functions(element)
    math.attrib = {"display": "block"} if display == "block" else {}
    math[:] = list(math[0])
    return ElementTree.tostring(math, encoding="unicode", short_empty_elements=False)


def _as_text(match: re.Match[str]) -> str:
    r"""Write ``\mathrm{op}`` as ``\text{op}``: a single upright letter would come out italic."""
    return rf"\text{{{(match[1] or match[2]).replace(' ', '')}}}"


def _sentence(error: Exception) -> str:
    """Make words of an exception's name: DoubleSubscriptsError is "double subscripts"."""
    words = re.findall("[A-Z][a-z]*", type(error).__name__.removesuffix("Error"))
    return " ".join(words).lower() or "unreadable"


def _check(element: Element, latex: str, name: str) -> None:
    """Refuse what the library let through: elements that lack a child, and macros left as text."""
    reason = ""
    if len(element) != CHILDREN.get(element.tag, len(element)):
        reason = "an argument is missing"
    elif "\\" in (element.text or "") and element.text not in DELIMITERS:
        reason = "a macro stands where none can be read"
    if reason:
        msg = f"`{name}`: {reason}; got {latex!r}"
        raise InputError(msg)


def _repair(element: Element) -> None:
    """Mend one element in place: characters, then its role and spacing."""
    for attribute in ("width", "lspace", "rspace"):
        if element.get(attribute) in WIDTHS:
            element.set(attribute, WIDTHS[element.attrib[attribute]])
    if repair := _REPAIRS.get(element.tag):
        repair(element)


def _repair_identifier(element: Element) -> None:
    text = (element.text or "").replace("~", "∼")
    _set_alphabet(element)
    if len(text) != 1:
        return
    if text in FENCES or (text != ":" and text not in ORDINARY and unicodedata.category(text)[0] in "SP"):
        element.tag, element.text = "mo", text
        _repair_operator(element)
    elif unicodedata.name(element.text or "", "").startswith("GREEK CAPITAL"):
        element.set("mathvariant", "normal")  # upright, as TeX sets it


def _repair_operator(element: Element) -> None:
    element.text = DELIMITERS.get(element.text or "", element.text)
    text = element.text or ""
    sized = {"form", "minsize"} & set(element.attrib)
    if text == "/":
        element.attrib |= {"lspace": "0", "rspace": "0"}  # TeX sets it as a letter
    if text in ORDINARY and not sized:
        element.tag, element.attrib = "mi", {}
    elif text in FENCES and not sized:
        element.attrib = {"form": FENCES[text], "stretchy": "false"}
    elif text in BARS and "form" not in element.attrib:
        element.attrib.pop("fence", None)
        element.attrib.setdefault("stretchy", "false")
        element.attrib |= {"lspace": "0", "rspace": "0"}


def _repair_accent(element: Element) -> None:
    """Give accents their own characters, wide ones over anything but a single letter.

    Without `accent`: browsers then set the mark too low, into the letter, unless a font with the right tables is there.
    """
    mark = element[1]
    if mark.tag == "mo":
        element.attrib.pop("accent", None)
        wide = mark.text == "―" or len("".join(element[0].itertext())) > 1
        mark.text = "‾" if mark.text == "―" else mark.text if wide else NARROW.get(mark.text or "", mark.text)
        mark.attrib = {"stretchy": "true" if wide else "false"}


def _set_alphabet(element: Element) -> None:
    """Replace `mathvariant` by the characters of that alphabet."""
    variant = element.attrib.pop("mathvariant", None)
    if variant == "normal":
        element.set("mathvariant", variant)
    elif variant in ALPHABETS:
        element.text = "".join(_letter(char, ALPHABETS[variant]) for char in element.text or "")


def _letter(char: str, alphabets: tuple[str, ...]) -> str:
    plain = re.sub("LATIN |GREEK |LETTER ", "", unicodedata.name(char, ""))
    for alphabet in alphabets:
        try:
            return unicodedata.lookup(f"{alphabet} {plain}")
        except KeyError:
            continue
    return char


def _space_functions(row: Element) -> None:
    """Set the names of functions as operators: a thin space before and after, none at a parenthesis."""
    siblings = list(row)
    if row.tag not in {"math", "mrow", "mstyle", "mtd", "msqrt"}:
        return
    for position, child in enumerate(siblings):
        name = _core(child)
        if name.tag not in {"mi", "mo"} or not re.fullmatch(
            r"[A-Za-z][A-Za-z\u2006\u2009]+", name.text or ""
        ):
            continue
        before = position > 0 and siblings[position - 1].tag not in {"mo", "mspace", "mtext"}
        after = position + 1 < len(siblings) and (siblings[position + 1].text or "")[:1] not in {"(", "["}
        name.tag = "mo"
        _set_limits(child, name)
        name.attrib |= {"lspace": _THIN if before else "0", "rspace": _THIN if after else "0"}


def _set_limits(element: Element, name: Element) -> None:
    """Put the index of sup, max, lim ... below it, where there is room."""
    if element.tag == "msub" and (name.text or "").replace("\u2006", "") in LIMITS:
        element.tag = "munder"
        name.set("movablelimits", "true")


def _core(element: Element) -> Element:
    """Find the operator that an index or a limit is attached to."""
    while element.tag in {"msub", "msup", "msubsup", "munder", "mover", "munderover"}:
        element = element[0]
    return element


_REPAIRS: dict[str, Callable[[Element], None]] = {
    "mi": _repair_identifier,
    "mn": _set_alphabet,
    "mtext": _set_alphabet,
    "mo": _repair_operator,
    "mover": _repair_accent,
    "munder": _repair_accent,
}
