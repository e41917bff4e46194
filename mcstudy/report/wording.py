"""What the findings say, in sentences made from the ledger's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mcstudy.report.cells import Finding, deciding, evidence, label, varying
from mcstudy.report.numbers import count, interval, number, percent, shown, uncertain, zone

__all__ = ["Summary", "answer", "diagnosis", "headline", "reading", "summary", "verdict"]

NAMED = 8  # the most claims that the answer names in one list
CONFIRMED, REFUTED, UNDECIDED = "CONFIRMED", "REFUTED", "UNDECIDED"


class Summary(NamedTuple):
    """A finding in three short texts: what was found, how surely, and what theory says."""

    estimate: str
    interval: str
    theory: str


def answer(ledger: Mapping[str, Any]) -> str:
    """Answer a study's question in one sentence, from its verdicts.

    Parameters
    ----------
    ledger : mapping
        The content of ``ledger.json``.

    Returns
    -------
    str
        Plain text.
    """
    findings = ledger["findings"]
    wrong = [f for f in findings if f["verdict"] != UNDECIDED and not f["as_expected"]]
    open_ = [f for f in findings if f["verdict"] == UNDECIDED]
    confirmed = [f for f in findings if f["as_expected"] and f["verdict"] == CONFIRMED]
    refuted = [f for f in findings if f["as_expected"] and f["verdict"] == REFUTED]
    theory = ledger["study"]["source"] or "the theory"
    if wrong:
        start = f"No: the draws contradict {theory} as it was put to the test; {_contradictions(wrong)}"
    elif open_:
        start = f"Not settled: nothing contradicts {theory}"
    else:
        start = f"Yes: the draws agree with {theory}"
    parts = [start, *_agreements(confirmed, refuted)]
    if open_:
        parts.append(f"{_claims(open_)} {_are(open_)} still undecided")
    return "; ".join(parts) + "."


def _contradictions(wrong: Sequence[Finding]) -> str:
    refuted = [f for f in wrong if f["verdict"] == REFUTED]
    confirmed = [f for f in wrong if f["verdict"] == CONFIRMED]
    parts = []
    if refuted:
        parts.append(f"{_claims(refuted)} {_are(refuted)} refuted")
    if confirmed:
        parts.append(f"{_claims(confirmed)}, expected to be refuted, {_are(confirmed)} confirmed")
    return " and ".join(parts)


def _agreements(confirmed: Sequence[Finding], refuted: Sequence[Finding]) -> list[str]:
    parts = []
    if confirmed:
        parts.append(f"{_number_of(confirmed)} {_are(confirmed)} confirmed")
    if refuted:
        names = _claims(refuted)
        should = (
            "it should be: a misprint or a control"
            if len(refuted) == 1
            else "they should be: misprints or controls"
        )
        parts.append(f"{names} {_are(refuted)} refuted, as {should}")
    return parts


def _number_of(findings: Sequence[Finding]) -> str:
    return f"claim {findings[0]['id']}" if len(findings) == 1 else f"{len(findings)} claims"


def _claims(findings: Sequence[Finding]) -> str:
    names = [finding["id"] for finding in findings]
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"claim{'' if len(findings) == 1 else 's'} {listed}"


def _are(findings: Sequence[Finding]) -> str:
    return "is" if len(findings) == 1 else "are"


def verdict(finding: Finding) -> tuple[str, str]:
    """Name a verdict, and say whether it is the expected one.

    Examples
    --------
    >>> verdict({"verdict": "REFUTED", "as_expected": True})
    ('Refuted', 'as expected')
    """
    if finding["verdict"] == UNDECIDED:
        return "Undecided", ""
    if not finding["as_expected"]:
        return finding["verdict"].capitalize(), "not expected"
    return finding["verdict"].capitalize(), "as expected" if finding["verdict"] == REFUTED else ""


def headline(finding: Finding) -> str:
    """Name a claim and its verdict, for the title of its figure."""
    return f"Claim {finding['id']}: {', '.join(filter(None, verdict(finding))).lower()}"


def summary(finding: Finding) -> Summary:
    """Write a finding's numbers as its kind wants them."""
    own = evidence(finding, deciding(finding))
    low, high = finding["interval"]
    if finding["kind"] == "bound":
        ratio = shown(_largest(finding, "largest_ratio"))
        risk = f"P(violation) ≤ {shown(own.get('upper_limit'), 2)}"
        if violations := _total(finding, "violations"):
            risk = f"{count(violations)} violation{'' if violations == 1 else 's'}"
        return Summary(f"ratio {ratio}", risk, "ratio ≤ 1")
    if finding["kind"] == "identity":
        median = shown(_largest(finding, "median"), 2)
        return Summary(shown(finding["estimate"], 2), f"median {median}", f"≤ {shown(finding['margin'], 3)}")
    if finding["kind"] in {"law", "same_law"}:
        return Summary(shown(finding["estimate"], 3), interval(low, high), f"≤ {shown(finding['margin'], 3)}")
    estimate = uncertain(finding["estimate"], finding["mcse"])
    return Summary(estimate, interval(low, high), zone(finding["theory"], finding["margin"]))


def reading(finding: Finding) -> str:
    """Say in words what was found: the estimate, its interval and how it lies to the zone.

    Parameters
    ----------
    finding : mapping
        One of the ledger's findings.

    Returns
    -------
    str
        Plain text, one to three sentences.
    """
    read = _READINGS.get(finding["kind"], _read_value)
    return " ".join(filter(None, [read(finding), _failures(finding)]))


def _read_value(finding: Finding) -> str:
    lead, where = _lead(finding)
    if math.isnan(number(finding["estimate"])):
        return lead + _sentence(f"{where}the {finding['what']} could not be estimated.")
    estimate = uncertain(finding["estimate"], finding["mcse"])
    place = _place(finding["interval"], finding["theory"], finding["margin"])
    text = f"the {finding['what']} is {estimate}, its {_interval(finding)} {place}."
    return lead + _sentence(where + text)


def _read_rate(finding: Finding) -> str:
    own = evidence(finding, deciding(finding))
    text = _read_value(finding)
    if "upper_half" in own:
        top = own["upper_half"]
        place = _place(top["interval"], finding["theory"], finding["margin"])
        ends = interval(*top["interval"])
        half = "half of the levels nearest to zero" if _near_zero(finding) else "upper half of the levels"
        text += f" The {half} alone has slope {shown(top['exponent'])}, its interval {ends} {place}."
    note = finding["diagnostics"].get("note", "")
    return f"{text} {_sentence(note)}." if note else text


def _near_zero(finding: Finding) -> bool:
    """Whether a rate is asymptotic towards zero."""
    return bool(finding["diagnostics"].get("limit") == "zero")


def _read_law(finding: Finding) -> str:
    lead, where = _lead(finding)
    if math.isnan(number(finding["estimate"])):
        return lead + _sentence(f"{where}the {finding['what']} could not be estimated.")
    places = {"inside": "lies below", "outside": "lies above", "across": "lies on both sides of"}
    side = places[_relation(finding["interval"], finding["theory"], finding["margin"])]
    text = f"the {finding['what']} is {shown(finding['estimate'], 3)}, its {_interval(finding)} {side} the margin"
    return lead + _sentence(f"{where}{text} {shown(finding['margin'], 3)}.")


def _read_bound(finding: Finding) -> str:
    violations, draws = _total(finding, "violations"), _draws(finding)
    diagnostics, own = finding["diagnostics"], evidence(finding, deciding(finding))
    if violations and (witness := diagnostics.get("witness")):
        worst = f"the worst is {shown(witness['value'])} where the bound is {shown(witness['bound'])}"
        exceed = "exceeds" if violations == 1 else "exceed"
        return f"{count(violations)} of {count(draws)} draws {exceed} the bound; {worst}{_at(witness['scenario'])}."
    if not (tightest := diagnostics.get("tightest")):
        return "No draw could be compared with the bound."
    text = (
        f"None of {count(draws)} draws exceeds the bound; the largest ratio to it is {shown(tightest['ratio'])}"
        f"{_at(tightest['scenario'])}."
    )
    limit, allowed = shown(own.get("upper_limit"), 2), shown(finding["margin"], 2)
    relation = "within" if finding["verdict"] == CONFIRMED else "which is not yet within"
    return (
        f"{text} At confidence {percent(finding['confidence'])} a draw exceeds it with probability at most {limit}, "
        f"{relation} the {allowed} that the claim allows."
    )


def _read_identity(finding: Finding) -> str:
    violations, draws = _total(finding, "violations"), _draws(finding)
    witness = finding["diagnostics"].get("witness")
    if not witness:
        return "No residual could be computed."
    tolerance = shown(finding["margin"], 3)
    largest = f"{shown(witness['value'], 2)}{_at(witness['scenario'])}"
    if violations:
        exceed = "exceeds" if violations == 1 else "exceed"
        return f"{count(violations)} of {count(draws)} residuals {exceed} the tolerance {tolerance}; the largest is {largest}."
    return f"The largest of {count(draws)} residuals is {largest}: not above the tolerance {tolerance}."


def diagnosis(finding: Finding) -> str:
    """Say how well the deciding line of a rate fits; nothing for other kinds."""
    own = evidence(finding, deciding(finding))
    if finding["kind"] != "rate" or "chi_square" not in own:
        return ""
    curvature = uncertain(own["curvature"]["estimate"], own["curvature"]["mcse"])
    return (
        f"Goodness of fit: χ² = {shown(own['chi_square'], 3)} on {own['degrees']} degrees of freedom, "
        f"p = {shown(own['p_value'], 2)}; curvature {curvature}. Standard error of the slope: "
        f"{shown(own['sampling_error'], 2)} from the draws, {shown(own['robust_error'], 2)} from the residuals; "
        "the larger one is used."
    )


_READINGS: dict[str, Callable[[Finding], str]] = {
    "rate": _read_rate,
    "law": _read_law,
    "same_law": _read_law,
    "bound": _read_bound,
    "identity": _read_identity,
}


def _lead(finding: Finding) -> tuple[str, str]:
    """Say how many cells share the verdict, and where the deciding one stands; both empty for a single cell."""
    cells = finding["cells"]
    if len(cells) == 1:
        return "", ""
    same = sum(cell["verdict"] == finding["verdict"] for cell in cells)
    every = "both" if len(cells) == 2 else f"all {len(cells)}"
    many = every if same == len(cells) else f"{same} of {len(cells)}"
    name = "lines" if finding["kind"] == "rate" else "cells"
    outcome = {CONFIRMED: "is confirmed", REFUTED: "is refuted", UNDECIDED: "stays open"}[finding["verdict"]]
    where = label(cells[deciding(finding)]["scenario"], varying([cell["scenario"] for cell in cells]))
    return f"In {many} {name} the claim {outcome}. ", f"at {where}, "


def _interval(finding: Finding) -> str:
    low, high = finding["interval"]
    return f"{percent(finding['confidence'])} interval {interval(low, high)}"


def _relation(ends: Sequence[Any], theory: Any, margin: Any) -> str:
    low, high = (number(end) - number(theory) for end in ends)
    width = number(margin)
    if -width <= low and high <= width:
        return "inside"
    return "outside" if low > width or high < -width else "across"


def _place(ends: Sequence[Any], theory: Any, margin: Any) -> str:
    words = {"inside": "lies inside", "outside": "lies outside", "across": "neither lies inside nor avoids"}
    return f"{words[_relation(ends, theory, margin)]} {zone(theory, margin)}"


def _failures(finding: Finding) -> str:
    failures = sum(int(cell.get("failures", 0)) for cell in finding["cells"])
    if not failures:
        return ""
    replicates = "replicate" if failures == 1 else "replicates"
    end = ", which leaves the claim undecided" if finding["verdict"] == UNDECIDED else ""
    return f"{count(failures)} {replicates} failed{end}."


def _values(finding: Finding, key: str) -> list[float]:
    return [number(evidence(finding, index).get(key)) for index in range(len(finding["cells"]))]


def _largest(finding: Finding, key: str) -> float:
    return max((value for value in _values(finding, key) if not math.isnan(value)), default=math.nan)


def _total(finding: Finding, key: str) -> int:
    return int(sum(value for value in _values(finding, key) if not math.isnan(value)))


def _draws(finding: Finding) -> int:
    return sum(int(cell["replicates"]) - int(cell.get("failures", 0)) for cell in finding["cells"])


def _at(scenario: Mapping[str, Any]) -> str:
    return f" (at {label(scenario)})" if scenario else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
