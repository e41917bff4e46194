r"""A study's answer in its own words: a template, checked when the study is built and filled from its ledger.

``"The worst error falls as $m^{{{2d.worst}}}$"`` becomes "The worst error falls as $m^{-0.4984 \pm 0.0007}$". In braces
stands the id of a claim, for what was found with its error; an attribute may follow after a dot (`ATTRIBUTES`), and
after a colon a format of Python, as in ``{2d.worst:.3f}`` or ``{2c.violations:d}``. Braces of LaTeX are doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any, NamedTuple

from mcstudy.exceptions import InputError, StudyError
from mcstudy.findings import Finding
from mcstudy.ledger import Ledger
from mcstudy.words import nearest

__all__ = ["ATTRIBUTES", "answered", "check_answer"]

# What may follow the id of a claim, with a value of its type.
ATTRIBUTES: Mapping[str, Any] = {
    **dict.fromkeys(
        ("estimate", "mcse", "low", "high", "theory", "margin", "confidence", "largest_ratio"), 1.0
    ),
    **dict.fromkeys(("replicates", "drawn", "violations"), 1),
    "verdict": "confirmed",
}
_DOLLAR = re.compile(r"(?<!\\)\$")
_POWER = re.compile(r"e([+-])0*(\d+)")


class _Place(NamedTuple):
    """Where a number goes: of which claim, which of its numbers (all, if empty), in which format."""

    claim: str
    attribute: str
    spec: str


def check_answer(template: str, claims: Mapping[str, bool]) -> None:
    """Refuse a template that can't be filled.

    Parameters
    ----------
    template : str
        Nothing is fine.
    claims : mapping from str to bool
        The ids of the study's claims, and whether every profile judges them.

    Raises
    ------
    StudyError
        If it is malformed, or names something that there is not.

    Examples
    --------
    >>> check_answer("It falls as $n^{{{rate}}}$", {"rate": True})
    >>> check_answer("It falls as {rat}", {"rate": True})
    Traceback (most recent call last):
    ...
    mcstudy.exceptions.StudyError: `answer` must name a claim of the study in braces, got 'rat'; did you mean rate? ...
    """
    if not isinstance(template, str):
        msg = f"`answer` must be a text, got {template!r}"
        raise StudyError(msg)
    dollars = 0
    for text, place in _parts(template, claims):
        dollars += len(_DOLLAR.findall(text))
        if place:
            _check_place(place, judged_always=claims[place.claim])
    if dollars % 2:
        msg = rf"`answer` must have its dollar signs in pairs, got {template!r}; write \$ for a dollar"
        raise StudyError(msg)


def answered(template: str, ledger: Ledger) -> str:
    """Fill a template with what was found; mathematics stays between its dollar signs.

    Raises
    ------
    StudyError
        If a claim has no such number, or the result is nothing that a page can show.
    """
    from mcstudy.report.mathematics import check_text
    from mcstudy.report.paper import latex

    written, dollars = "", 0
    try:
        for text, place in _parts(template, dict.fromkeys(ledger, True)):
            written += text
            dollars += len(_DOLLAR.findall(text))
            if place:
                number = _written(ledger[place.claim], place)
                written += latex(number) if dollars % 2 else number
        check_text(written, "answer")
    except InputError as error:
        msg = f"`answer` must be filled from the study's claims, got {error}; mend it and run again: the draws are kept"
        raise StudyError(msg) from error
    return written


def _parts(template: str, claims: Mapping[str, bool]) -> Iterator[tuple[str, _Place | None]]:
    """The texts of a template, each with the place behind it."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        msg = (
            f"`answer` must have its braces in pairs, got {template!r} ({error}); double the braces of LaTeX"
        )
        raise StudyError(msg) from error
    for text, name, spec, conversion in parts:
        if conversion:
            msg = f"`answer` must have formats after a colon only, got !{conversion} in {template!r}"
            raise StudyError(msg)
        yield text, None if name is None else _place(name, spec or "", claims)


def _place(name: str, spec: str, claims: Mapping[str, bool]) -> _Place:
    if name in claims:
        return _Place(name, "", spec)
    claim, _, attribute = name.rpartition(".")
    if claim in claims and attribute in ATTRIBUTES:
        return _Place(claim, attribute, spec)
    known = [*claims, *(f"{claim}.{word}" for word in ATTRIBUTES if claim in claims)]
    hint = nearest(name, known) or "double the braces of LaTeX; "
    msg = f"`answer` must name a claim of the study in braces, got {name!r}; {hint}after an id may stand {', '.join(f'.{word}' for word in ATTRIBUTES)}"
    raise StudyError(msg)


def _check_place(place: _Place, *, judged_always: bool) -> None:
    if not judged_always:
        msg = f"`answer` must name claims that every profile judges, got {place.claim!r}, whose scenarios are in `full` only"
        raise StudyError(msg)
    try:
        format(ATTRIBUTES[place.attribute or "estimate"], place.spec)
    except ValueError as error:
        msg = f"`answer` must have formats that Python knows, got {place.spec!r} for claim {place.claim} ({error})"
        raise StudyError(msg) from error


def _written(finding: Finding, place: _Place) -> str:
    """A number for text that knows no markup."""
    from mcstudy.report.kinds import kind_of
    from mcstudy.report.numbers import MINUS, THIN, count, shown, superscript

    if not (place.attribute or place.spec):
        return kind_of(finding.kind).summary(finding).found
    value = _value(finding, place.attribute or "estimate")
    if place.spec or isinstance(value, str):
        text = format(value, place.spec)
        text = _POWER.sub(lambda match: f"×{superscript(int(match[1] + match[2]))}", text)
        return text if isinstance(value, str) else text.replace("-", MINUS).replace("%", f"{THIN}%")
    return count(value) if isinstance(value, int) else shown(value)


def _value(finding: Finding, attribute: str) -> Any:
    ends: dict[str, Any] = dict(zip(("low", "high"), finding.interval, strict=True))
    if attribute == "verdict":
        return finding.verdict.lower()
    return ends[attribute] if attribute in ends else getattr(finding, attribute)
