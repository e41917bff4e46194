"""Claims on identities that hold in every draw: the residuals, against a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from mcstudy.evidence import IdentityEvidence
from mcstudy.findings import Finding
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
from mcstudy.report.numbers import count, plural, shown
from mcstudy.report.rows import height_of_rows, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KIND", "IdentityKind"]


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


KIND = IdentityKind()
