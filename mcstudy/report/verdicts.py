"""The words of verdicts: their names, marks and tones; the tally of a ledger, and the answer it gives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mcstudy.findings import Finding, Role, Verdict
from mcstudy.ledger import Ledger
from mcstudy.report.numbers import MINUS, count, plural, shown, span

__all__ = [
    "WORDS",
    "Badge",
    "Share",
    "Words",
    "alerts",
    "answer",
    "badge",
    "is_easy",
    "losses",
    "outlook",
    "share",
    "summary",
    "tally",
]

NAMED = 8  # the most claims that the answer names in one list
DECADES = 3.0  # that the axis of shares has on either side of 1
EASY = 0.01  # a claim that uses less of what theory allows is told in a line: there is nothing to see


class Words(NamedTuple):
    """What a verdict says of a claim, and of how an interval lies to the zone."""

    outcome: str
    place: str


WORDS = {
    Verdict.CONFIRMED: Words("is confirmed", "lies inside"),
    Verdict.REFUTED: Words("is refuted", "lies outside"),
    Verdict.UNDECIDED: Words("stays open", "neither lies inside nor avoids"),
}
_REMARKS = {
    Role.MISPRINT: "misprint, as expected",
    Role.CONTROL: "control, as expected",
    Role.THEORY: "as expected",
    Role.REFUTATION: "as expected",
}


class Badge(NamedTuple):
    """A verdict, or a number of them: a mark, a tone (good, neutral, open or bad) and words."""

    mark: str
    tone: str
    name: str
    remark: str = ""

    @property
    def text(self) -> str:
        """The words in one line."""
        return ", ".join(filter(None, [self.name, self.remark]))


def badge(finding: Finding) -> Badge:
    """Name the verdict on a claim, and say whether it is the expected one."""
    name = finding.verdict.capitalize()
    if finding.verdict is Verdict.UNDECIDED:
        return Badge("undecided", "open", name)
    if not finding.as_expected:
        return Badge("unexpected", "bad", name, "not expected")
    if finding.verdict is Verdict.CONFIRMED:
        return Badge("confirmed", "good", name)
    return Badge("refuted", "neutral", name, _REMARKS[finding.role])


def outlook(ledger: Ledger, finding: Finding) -> str:
    """How many replicates more would probably decide an undecided claim, and in which time; or nothing."""
    if finding.verdict is not Verdict.UNDECIDED:
        return ""
    further = ledger.further(finding)
    open_ = [cell for cell in finding.cells if cell.verdict is Verdict.UNDECIDED]
    if any(cell.condition == 0.0 for cell in open_):
        return "How many replicates more would decide it these do not tell."
    if not further.replicates or any(cell.needed <= cell.replicates for cell in open_):
        return "More draws alone would not decide it."
    rounded = round(further.replicates, 2 - len(str(further.replicates)))
    where = f" in {plural(len(open_), 'cell')}" if len(open_) > 1 else ""
    more = f"{plural(rounded, 'replicate')} more{where}"
    return f"Probably decided by about {more}, {span(further.seconds)} of processor time."


class Share(NamedTuple):
    """What share of what theory allows a claim uses: where on the axis, in percent, and in words."""

    place: float
    text: str


def share(finding: Finding) -> Share:
    """Place the deciding cell of a claim on the logarithmic axis that all claims share: 50 % is the edge, at 1.

    What lies beyond an end of the axis stands at this end.
    """
    reach = finding.cells[finding.deciding].reach
    if not reach >= 0.0:  # nothing to judge; a NaN as well
        return Share(50.0, "not judged")
    power = math.log10(reach) if 0.0 < reach < math.inf else math.copysign(math.inf, reach - 1.0)
    place = 50.0 + 50.0 * max(-1.0, min(1.0, power / DECADES))
    near = 0.0 < abs(reach - 1.0) < 0.05  # would be written as 1, on which side of it nobody knew
    text = f"1 {'+' if reach > 1.0 else MINUS} {shown(abs(reach - 1.0), 1)}" if near else shown(reach, 2)
    return Share(round(place, 1), text)


def is_easy(finding: Finding) -> bool:
    """Whether a claim is confirmed, as expected, by two orders of magnitude."""
    return badge(finding).tone == "good" and 0.0 <= finding.cells[finding.deciding].reach <= EASY


def tally(ledger: Ledger) -> list[Badge]:
    """Count the outcomes of a ledger; misprints and controls apart, and failures if there are any."""
    confirmed, refuted, unexpected, undecided = _sorted(ledger)
    badges = [
        (len(confirmed), Badge("confirmed", "good", f"{len(confirmed)} confirmed")),
        (len(refuted), Badge("refuted", "neutral", f"{_list(_of_roles(refuted))} refuted", "as expected")),
        (len(unexpected), Badge("unexpected", "bad", f"{len(unexpected)} not as expected")),
        (len(undecided), Badge("undecided", "open", f"{len(undecided)} undecided")),
        (ledger.run.failures, Badge("unexpected", "bad", losses(ledger))),
    ]
    return [badge for number, badge in badges if number]


def losses(ledger: Ledger) -> str:
    """Say how many replicates failed; nothing if none did."""
    failures, replicates = ledger.run.failures, ledger.run.replicates
    return f"{count(failures)} of {plural(replicates, 'replicate')} failed" if failures else ""


def answer(ledger: Ledger) -> str:
    """Say in plain text what came out: what needs a look before all else.

    Parameters
    ----------
    ledger : Ledger

    Returns
    -------
    str
    """
    return " ".join(filter(None, [*alerts(ledger), summary(ledger)]))


def alerts(ledger: Ledger) -> list[str]:
    """Say what needs a look: verdicts that are not expected, or still open; replicates that failed."""
    _, _, unexpected, undecided = _sorted(ledger)
    told = list(_surprises(unexpected))
    if undecided:
        told.append(f"{_claims(undecided)} {_are(undecided)} still undecided")
    if failed := losses(ledger):
        told.append(failed)
    return [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in told]


def summary(ledger: Ledger) -> str:
    """Count what came out as expected, or say that nothing is claimed; nothing if nothing came out so."""
    if ledger.measures and not ledger.findings:
        return f"Nothing is claimed here: {_reported(ledger)}."
    confirmed, refuted, _, _ = _sorted(ledger)
    outcome = [f"{len(confirmed)} confirmed"] if confirmed else []
    outcome += [f"{_list(_of_roles(refuted))} refuted, as planned"] if refuted else []
    if not outcome:
        return ""
    subject = _subject(len(confirmed) + len(refuted), len(ledger))
    return f"{subject[:1].upper()}{subject[1:]} came out as expected: {'; '.join(outcome)}."


def _reported(ledger: Ledger) -> str:
    """Say how many measures a study reports, and where."""
    measures, scenarios = len(ledger.measures), plural(ledger.design.scenarios, "scenario")
    are = "is" if measures == 1 else "are"
    return f"{plural(measures, 'measure')} {are} estimated in {scenarios}, with Monte Carlo standard errors"


def _sorted(ledger: Ledger) -> tuple[list[Finding], list[Finding], list[Finding], list[Finding]]:
    """The findings confirmed and refuted as expected, those not as expected, and the undecided ones."""
    kinds: dict[str, list[Finding]] = {
        mark: [] for mark in ("confirmed", "refuted", "unexpected", "undecided")
    }
    for finding in ledger.findings:
        kinds[badge(finding).mark].append(finding)
    return kinds["confirmed"], kinds["refuted"], kinds["unexpected"], kinds["undecided"]


def _of_roles(refuted: Sequence[Finding]) -> list[str]:
    """Count what was expected to be refuted, by what it is there for."""
    roles = [finding.role for finding in refuted]
    named = [plural(roles.count(role), role.value) for role in (Role.MISPRINT, Role.CONTROL) if role in roles]
    if others := len(roles) - roles.count(Role.MISPRINT) - roles.count(Role.CONTROL):
        named.append(plural(others, "other") if named else str(others))
    return named


def _subject(fine: int, total: int) -> str:
    every = "the" if total == 1 else "all" if fine == total else "the other"
    return f"{every} claim" if fine == 1 else f"{every} {fine} claims"


def _surprises(unexpected: Sequence[Finding]) -> Iterator[str]:
    refuted = [finding for finding in unexpected if finding.verdict is Verdict.REFUTED]
    confirmed = [finding for finding in unexpected if finding.verdict is Verdict.CONFIRMED]
    if refuted:
        yield f"{_claims(refuted)} {_are(refuted)} refuted, which is not expected"
    if confirmed:
        yield f"{_claims(confirmed)} {_are(confirmed)} confirmed, but expected to be refuted"


def _claims(findings: Sequence[Finding]) -> str:
    names = [finding.id for finding in findings]
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    return f"claim{'' if len(findings) == 1 else 's'} {_list(names)}"


def _list(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _are(findings: Sequence[Finding]) -> str:
    return "is" if len(findings) == 1 else "are"
