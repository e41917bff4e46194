"""Claims on laws: the Kolmogorov distance with its band, and the deviation of the distribution function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mcstudy.evidence import LawCell
from mcstudy.findings import Finding, Verdict
from mcstudy.report.kinds import (
    Column,
    Kind,
    Summary,
    capital,
    evidence_of,
    leading,
    owned,
    replicates_of,
    varying,
)
from mcstudy.report.numbers import interval, label, percent, plural, shown
from mcstudy.report.style import BLUE, MUTED, mark_zone, number_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KIND", "KINDS", "LawKind", "SameLawKind"]

OTHERS = 16  # the most curves besides the deciding one
POINTS = 51  # about so many points of another curve: it is a thin grey line
HEIGHT = 2.9  # inches
_SIDES = {
    Verdict.CONFIRMED: "lies below",
    Verdict.REFUTED: "lies above",
    Verdict.UNDECIDED: "lies on both sides of",
}


class LawKind(Kind):
    """The distance of a column's law from another; the base of all kinds that compare laws."""

    headings = ("Distance", "Interval", "Margin")
    decided = (
        "Laws",
        "The Kolmogorov distance of the distribution functions against a margin for it: confirmed where at every point "
        "a probability that is off by the margin is rejected, refuted by a band around the whole function; both hold "
        "for every law and at every number of replicates.",
    )
    drawn = (
        "Blue: the deviation of the distribution functions in the deciding cell, with the band that may refute. Grey: "
        "other cells. Green: the margin."
    )
    columns: ClassVar[Mapping[str, Column]] = {
        "distance": owned(lambda own: shown(own.distance, 3)),
        "interval": lambda cell, _: interval(*cell.interval),
        "margin": lambda cell, _: shown(cell.margin, 3),
        "replicates": replicates_of,
    }
    axes_labels: ClassVar[tuple[str, str]] = ("probability under the claimed law", "empirical − claimed")

    def summary(self, finding: Finding) -> Summary:
        """The distance, its interval, the margin."""
        distance, margin = shown(finding.estimate, 3), shown(finding.margin, 3)
        return Summary(distance, interval(*finding.interval), f"≤ {margin}")

    def tell(self, finding: Finding) -> str:
        """Say on which side of the margin the interval of the distance lies."""
        opening, where = self.opening(finding)
        if math.isnan(finding.estimate):
            return opening + capital(f"{where}the {finding.estimand} could not be estimated.")
        side = _SIDES[finding.cells[finding.deciding].zone.verdict(finding.interval)]
        found = f"the {finding.estimand} is {shown(finding.estimate, 3)}"
        ends = f"{percent(finding.confidence)} interval {interval(*finding.interval)}"
        return opening + capital(f"{where}{found}, its {ends} {side} the margin {shown(finding.margin, 3)}.")

    def numbers(self, finding: Finding) -> Mapping[str, float]:
        """The distance has no error of its own, and theory is a law."""
        low, high = finding.interval
        return {"Value": finding.estimate, "Low": low, "High": high, "Margin": finding.margin}

    def diagnosis(self, finding: Finding) -> str:
        """Say how many values of the deciding cell were taken for others."""
        own = evidence_of(finding)
        if not own or not own.merged:
            return ""
        return f"{plural(own.merged, 'value')} taken for others, from which only rounding tells them apart."

    def heights(self, finding: Finding, *, most: int = 40) -> tuple[float, ...]:
        """The same for all."""
        return (HEIGHT,)

    def draw(self, axes: Axes, finding: Finding, *, most: int = 40) -> str:
        """Draw the deviation of every cell, the deciding one with the band that may refute."""
        chosen = leading(finding, min(most, OTHERS + 1))
        mark_zone(axes, 0.0, finding.margin, along="y")
        for index in chosen:
            if index != finding.deciding and (own := evidence_of(finding, index)):
                _draw_other(axes, own)
        if own := evidence_of(finding):
            _draw_deciding(axes, own)
        axes.set_xlim(0.0, 1.0)
        axes.set_xlabel(self.axes_labels[0])
        axes.set_ylabel(self.axes_labels[1])
        number_ticks(axes.xaxis, 6)
        number_ticks(axes.yaxis, 6)
        return _caption(finding, len(chosen) - 1)


def _draw_deciding(axes: Axes, own: LawCell) -> None:
    """Draw every point: the largest deviation, which is the distance, is one of them."""
    x, y = own.probability, own.deviation
    axes.fill_between(x, y - own.band, y + own.band, color=BLUE, alpha=0.18, linewidth=0, zorder=2)
    axes.plot(x, y, color=BLUE, linewidth=1.4, zorder=3)


def _draw_other(axes: Axes, own: LawCell) -> None:
    size = len(own.deviation)
    kept = {*range(0, size, math.ceil(size / POINTS)), size - 1, int(np.argmax(np.abs(own.deviation)))}
    points = sorted(kept)
    style: dict[str, Any] = {"color": MUTED, "alpha": 0.45, "linewidth": 0.7, "zorder": 2}
    axes.plot(own.probability[points], own.deviation[points], **style)


def _caption(finding: Finding, others: int) -> str:
    scenarios = [cell.scenario for cell in finding.cells]
    if len(scenarios) == 1:
        return ""
    cell = label(scenarios[finding.deciding], varying(scenarios))
    every = "the" if others == len(scenarios) - 1 else f"{others} of the"
    return f"Blue is the deciding cell ({cell}); grey are {every} {len(scenarios) - 1} others."


class SameLawKind(LawKind):
    """As for a law, with another sample in place of the claimed one."""

    axes_labels = ("probability under the second law", "first − second law")


KIND = LawKind()
KINDS = {"same_law": SameLawKind()}
