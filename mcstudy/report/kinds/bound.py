"""Claims on every draw: bounds that none exceeds, and identities that hold up to a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from mcstudy.evidence import BoundEvidence, IdentityEvidence
from mcstudy.findings import Finding, Verdict
from mcstudy.report.kinds import (
    Column,
    Kind,
    Replicate,
    Summary,
    at,
    evidence_of,
    judged,
    owned,
    replicates_of,
)
from mcstudy.report.numbers import count, percent, plural, shown
from mcstudy.report.rows import Rows, height_of_rows, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KIND", "KINDS", "BoundKind", "IdentityKind"]

WIDE = 4.0  # the ratio from which on its axis is logarithmic
SHARP = 0.9  # the ratio from which on its distance from the bound is drawn
FINEST = 1e-16  # half the distance of doubles at 1: nothing is seen of a smaller one


class BoundKind(Kind):
    """The largest ratio of a column to its bound."""

    headings = ("Largest ratio", "Violations", "Allowed")
    decided = (
        "Bounds",
        "One violation beyond rounding refutes, and is kept as a witness. Without one, the claim is confirmed once "
        "the upper confidence limit of the probability of a violation is small enough.",
    )
    drawn = (
        "Points: the largest ratio of any draw to its bound. Vertical line: the bound; the shaded side violates it. "
        "Where no draw does but some come near, what the ratio lacks to 1 is drawn instead, smaller to the right."
    )
    columns: ClassVar[Mapping[str, Column]] = {
        "largest ratio": owned(lambda own: _ratio(own.largest_ratio)),
        "violations": owned(lambda own: count(own.violations)),
        "P(violation) ≤": owned(lambda own: shown(own.upper_limit, 2)),
        "replicates": replicates_of,
    }

    def summary(self, finding: Finding) -> Summary:
        """The largest ratio, the violations or the limit of their probability."""
        found = max((item.largest_ratio for item in judged(finding)), default=math.nan)
        violations = sum(item.violations for item in judged(finding))
        own = evidence_of(finding)
        limit = f"P(violation) ≤ {shown(own.upper_limit if own else math.nan, 2)}"
        return Summary(_ratio(found), plural(violations, "violation") if violations else limit, "≤ 1")

    def tell(self, finding: Finding) -> str:
        """Say how many draws exceed the bound, or how near they come and how sure that is."""
        evidence = cast(BoundEvidence, finding.evidence)
        violations = sum(item.violations for item in judged(finding))
        if (worst := evidence.witness) and worst.bound is not None:
            exceed = "exceeds" if violations == 1 else "exceed"
            many = f"{count(violations)} of {plural(finding.drawn, 'draw')} {exceed} the bound"
            bound = f"{shown(worst.value)} where the bound is {shown(worst.bound)}"
            return f"{many}; the worst is {bound}{at(worst.scenario, finding)}."
        if not (tightest := evidence.tightest):
            return "No draw could be compared with the bound."
        none = f"None of {plural(finding.drawn, 'draw')} exceeds the bound"
        ratio = f"the largest ratio to it is {_ratio(tightest.ratio)}{at(tightest.scenario, finding)}"
        return f"{none}; {ratio}. {_surely(finding)}"

    def replicate(self, finding: Finding) -> Replicate | None:
        """The worst violation, or the draw that comes closest."""
        evidence = cast(BoundEvidence, finding.evidence)
        chosen = evidence.witness or evidence.tightest
        if chosen is None or chosen.bound is None:
            return None
        title = "Witness" if evidence.witness else "Closest to the bound"
        where = f"Replicate {chosen.index} of block {chosen.block}{at(chosen.scenario, finding)}"
        found = f"has the value {shown(chosen.value)} where the bound is {shown(chosen.bound)}"
        return Replicate(title, f"{where} {found}, a ratio of {_ratio(chosen.ratio)}.", chosen.token)

    def numbers(self, finding: Finding) -> Mapping[str, float]:
        """The largest ratio, and the upper limit of the probability of a violation with what is allowed of it."""
        own = evidence_of(finding)
        ratio = max((item.largest_ratio for item in judged(finding)), default=math.nan)
        return {"Value": ratio, "High": own.upper_limit if own else math.nan, "Margin": finding.margin}

    def is_comparable(self, finding: Finding, other: Finding) -> bool:
        """Ratios to bounds always are."""
        return True

    def heights(self, finding: Finding, *, most: int = 40) -> tuple[float, ...]:
        """A row for every cell."""
        return (height_of_rows(finding, most),)

    def draw(self, axes: Axes, finding: Finding, *, most: int = 40) -> str:
        """Draw the largest ratio of the column to its bound in every cell: the bound is at 1.

        Where ratios come near to 1 without a violation, what they lack is drawn, on a logarithmic axis.
        """
        rows = lay_out(axes, finding, most)
        items = [evidence_of(finding, index) for index in rows.indices]
        ratios = [item.largest_ratio if item else math.nan for item in items]
        if _is_sharp(finding, ratios):
            return _draw_gaps(rows, ratios)
        _set_axis(rows, ratios)
        rows.limit(1.0)
        rows.extremes(ratios)
        axes.set_xlabel("largest ratio to the bound")
        return rows.caption()


def _ratio(ratio: float) -> str:
    """Write a ratio so that one which is nearly 1 is not taken for 1."""
    return f"1 − {shown(1.0 - ratio, 2)}" if 0.999 < ratio < 1.0 else shown(ratio)


def _surely(finding: Finding) -> str:
    own = evidence_of(finding)
    limit = shown(own.upper_limit if own else math.nan, 2)
    within = "within" if finding.verdict is Verdict.CONFIRMED else "which is not yet within"
    allowed = f"{within} the {shown(finding.margin, 2)} that the claim allows"
    risk = f"a draw exceeds it with probability at most {limit}"
    return f"At confidence {percent(finding.confidence)} {risk}, {allowed}."


def _is_sharp(finding: Finding, ratios: list[float]) -> bool:
    """Whether marks at the bound would hide how near the draws come."""
    violated = any(item.violations for item in judged(finding))
    return not violated and max((ratio for ratio in ratios if ratio < math.inf), default=0.0) > SHARP


def _draw_gaps(rows: Rows, ratios: list[float]) -> str:
    """Draw 1 - ratio, nearer to the bound at the right; what rounding lifts to 1 or beyond stands at the end."""
    gaps = [max(1.0 - ratio, FINEST) if ratio > -math.inf else math.nan for ratio in ratios]
    rows.make_logarithmic(gaps)
    rows.axes.invert_xaxis()
    rows.extremes(gaps)
    rows.axes.set_xlabel("1 − largest ratio to the bound")
    return rows.caption("No draw lies above the bound: drawn is what the largest ratio lacks to 1.")


def _set_axis(rows: Rows, ratios: list[float]) -> None:
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    if max(finite, default=0.0) > WIDE or any(math.isinf(ratio) for ratio in ratios):
        rows.make_logarithmic([*finite, 1.0])
    else:
        rows.make_linear(0.0, max([1.1, *(1.08 * ratio for ratio in finite)]), ticks=6)


class IdentityKind(Kind):
    """The largest residual of any draw, and the median."""

    headings = ("Largest residual", "Typical", "Tolerance")
    decided = (
        "Identities",
        "The largest relative residual of any replicate, against a tolerance that rounding or an integrator "
        "explains.",
    )
    drawn = (
        "Full marks: the largest residual of any draw. Hollow marks: the median. Vertical line: the tolerance; the "
        "shaded side exceeds it."
    )
    columns: ClassVar[Mapping[str, Column]] = {
        "median residual": owned(lambda own: shown(own.median, 2)),
        "largest residual": owned(lambda own: shown(own.largest, 2)),
        "tolerance": lambda cell, _: shown(cell.margin, 3),
        "violations": owned(lambda own: count(own.violations)),
        "replicates": replicates_of,
    }

    def summary(self, finding: Finding) -> Summary:
        """The largest residual, the largest median, the tolerance."""
        median = max((item.median for item in judged(finding)), default=math.nan)
        return Summary(
            shown(finding.estimate, 2), f"median {shown(median, 2)}", f"≤ {shown(finding.margin, 3)}"
        )

    def tell(self, finding: Finding) -> str:
        """Say how large the residuals are, and how many exceed the tolerance."""
        witness = cast(IdentityEvidence, finding.evidence).witness
        if witness is None:
            return "No residual could be computed."
        violations = sum(item.violations for item in judged(finding))
        residuals, tolerance = plural(finding.drawn, "residual"), f"the tolerance {shown(finding.margin, 3)}"
        largest = f"{shown(witness.value, 2)}{at(witness.scenario, finding)}"
        if violations:
            exceed = "exceeds" if violations == 1 else "exceed"
            return f"{count(violations)} of {residuals} {exceed} {tolerance}; the largest is {largest}."
        return f"The largest of {residuals} is {largest}: not above {tolerance}."

    def replicate(self, finding: Finding) -> Replicate | None:
        """The replicate with the largest residual."""
        witness = cast(IdentityEvidence, finding.evidence).witness
        if witness is None:
            return None
        violated = any(item.violations for item in judged(finding))
        where = f"Replicate {witness.index} of block {witness.block}{at(witness.scenario, finding)}"
        sentence = f"{where} has the residual {shown(witness.value)}."
        return Replicate("Witness" if violated else "Largest residual", sentence, witness.token)

    def numbers(self, finding: Finding) -> Mapping[str, float]:
        """The largest residual and the tolerance."""
        return {"Value": finding.estimate, "Margin": finding.margin}

    def is_comparable(self, finding: Finding, other: Finding) -> bool:
        """Relative residuals are, against one tolerance."""
        return finding.margin == other.margin

    def heights(self, finding: Finding, *, most: int = 40) -> tuple[float, ...]:
        """A row for every cell."""
        return (height_of_rows(finding, most),)

    def draw(self, axes: Axes, finding: Finding, *, most: int = 40) -> str:
        """Draw the median and the largest residual in every cell, against the tolerance."""
        rows = lay_out(axes, finding, most)
        items = [evidence_of(finding, index) for index in rows.indices]
        largest = [own.largest if own else math.nan for own in items]
        medians = [own.median if own else math.nan for own in items]
        # A cell without a residual has no tolerance either.
        tolerance = max((cell.margin for cell in finding.cells if not math.isnan(cell.margin)), default=1.0)
        rows.make_logarithmic([tolerance, *largest, *medians])
        rows.limit(tolerance)
        rows.extremes(largest, medians)
        axes.set_xlabel("relative residual")
        return rows.caption()


KIND = BoundKind()
KINDS = {"identity": IdentityKind()}
