"""Claims on values: an estimate and its interval, against theory ± margin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from mcstudy.findings import Cell, Finding
from mcstudy.report.kinds import Column, Kind, Summary, allowed, capital, place, replicates_of
from mcstudy.report.numbers import interval, percent, shown, uncertain
from mcstudy.report.rows import Rows, height_of_rows, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KIND", "KINDS", "ContrastKind", "OneSidedKind", "ValueKind"]

FAR = 8.0  # margins from theory beyond which the axis becomes logarithmic


class ValueKind(Kind):
    """Estimates with intervals; also the base of other kinds that have both."""

    decided = (
        "Values",
        "A statistic of the draws with an interval that holds at every number of replicates, against theory ± margin. "
        "Its guarantee is exact where the interval holds for every law: for proportions, quantiles and declared "
        "ranges; else it is asymptotic, and waits until the tails of the replicates have been seen.",
    )
    drawn = (
        "Points: estimates. Lines: their intervals. Green band: theory ± margin, with theory in its middle."
    )
    columns: ClassVar[Mapping[str, Column]] = {
        "estimate ± MCSE": lambda cell, _: uncertain(cell.estimate, cell.mcse),
        "interval": lambda cell, _: interval(*cell.interval),
        "theory ± margin": lambda cell, _: allowed(cell),
        "replicates": replicates_of,
    }

    def summary(self, finding: Finding) -> Summary:
        """The estimate, its interval, the zone."""
        estimate = uncertain(finding.estimate, finding.mcse)
        deciding = finding.cells[finding.deciding]
        return Summary(estimate, interval(*finding.interval), allowed(deciding))

    def tell(self, finding: Finding) -> str:
        """Say where the deciding estimate and its interval lie."""
        opening, where = self.opening(finding)
        if math.isnan(finding.estimate):
            return opening + capital(f"{where}the {finding.estimand} could not be estimated.")
        found = f"the {finding.estimand} is {uncertain(finding.estimate, finding.mcse)}"
        lies = place(finding.cells[finding.deciding], finding.interval)
        return opening + capital(f"{where}{found}, its {percent(finding.confidence)} interval {lies}.")

    def is_comparable(self, finding: Finding, other: Finding) -> bool:
        """The same quantity is."""
        return finding.estimand == other.estimand

    def heights(self, finding: Finding, *, most: int = 40) -> tuple[float, ...]:
        """A row for every cell."""
        return (height_of_rows(finding, most),)

    def draw(self, axes: Axes, finding: Finding, *, most: int = 40) -> str:
        """Draw estimate and interval of every cell against the zone of theory ± margin.

        Where cells differ in theory or margin, all are standardised: (value - theory) / margin, so that the zone
        is [-1, 1] for each.
        """
        rows = lay_out(axes, finding, most)
        zones = {(cell.theory, cell.margin) for cell in rows.cells}
        center, margin = next(iter(zones))
        common = len(zones) == 1 and not math.isnan(center + margin)
        if not common:
            center, margin = 0.0, 1.0 if margin else 0.0
        spans = [_span(cell, standardised=not common) for cell in rows.cells]
        rows.zone(center, margin)
        _set_limits(rows, spans, center, margin, far=not common)
        _draw_spans(rows, spans)
        scaled = f"({finding.estimand} − theory) / margin" if margin else f"{finding.estimand} − theory"
        axes.set_xlabel(finding.estimand if common else scaled)
        return rows.caption(
            ""
            if common
            else f"Cells differ in theory: all are {'standardised to 0 ± 1' if margin else 'shown less it'}."
        )


class _Span(NamedTuple):
    """A cell on the figure's axis."""

    low: float
    estimate: float
    high: float


def _span(cell: Cell, *, standardised: bool) -> _Span:
    # A bound has no margin to measure in.
    center, unit = (cell.theory, cell.margin or 1.0) if standardised else (0.0, 1.0)
    low, estimate, high = (
        (value - center) / unit for value in (cell.interval[0], cell.estimate, cell.interval[1])
    )
    return _Span(low, estimate, high)


def _set_limits(rows: Rows, spans: list[_Span], center: float, margin: float, *, far: bool) -> None:
    values = [value for span in spans for value in span if math.isfinite(value)]
    low, high = min([*values, center - margin]), max([*values, center + margin])
    if low == high:  # one value, on its bound
        low, high = low - 1.0, high + 1.0
    if far and max(-low, high) > FAR:
        _set_symmetric_logarithmic(rows.axes, low, high)
        return
    room = 0.05 * (high - low)
    rows.make_linear(low - room, high + room, ticks=4)


def _set_symmetric_logarithmic(axes: Axes, low: float, high: float) -> None:
    """Make an axis of margins logarithmic on either side of the zone."""
    axes.set_xscale("symlog", linthresh=2.0, linscale=1.0)
    power = math.ceil(math.log10(max(-low, high)))
    step = max(1, math.ceil(power / 4))
    sizes = [10.0**exponent for exponent in range(0, power + 1, step)]
    ticks = [-size for size in reversed(sizes)] + [0.0, *sizes]
    axes.set_xticks(ticks, [shown(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(low * 1.3 if low < -1 else -1.5, high * 1.3 if high > 1 else 1.5)


def _draw_spans(rows: Rows, spans: list[_Span]) -> None:
    """Draw estimates and intervals; an interval that has no end goes to that of the axis."""
    left, right = rows.axes.get_xlim()
    known = {row: span for row, span in enumerate(spans) if not math.isnan(span.estimate)}
    for row in range(len(spans)):
        if row not in known:
            rows.remark(row, "not estimated")
    ends = {row: span for row, span in known.items() if not math.isnan(span.low + span.high)}
    rows.lines({row: (max(span.low, left), min(span.high, right)) for row, span in ends.items()})
    rows.marks({row: span.estimate for row, span in known.items() if math.isfinite(span.estimate)})


_ALLOWED: Mapping[str, Column] = {
    **{name: column for name, column in ValueKind.columns.items() if name != "theory ± margin"},
    "allowed": lambda cell, _: allowed(cell),
}


class OneSidedKind(ValueKind):
    """Estimates with intervals, against a bound."""

    headings = ("Estimate", "Interval", "Allowed")
    decided = (
        "Statistics with a bound",
        "A statistic of the draws is at most, or at least, a number: one end of its interval decides, and there is no "
        "margin. Guarantees are those of values.",
    )
    drawn = "Points: estimates. Lines: intervals. Vertical line: the bound."
    columns = _ALLOWED


class ContrastKind(ValueKind):
    """Differences and ratios with intervals."""

    headings = ("Estimate", "Interval", "Allowed")
    cell = "pair"
    sample = "level"
    decided = (
        "Contrasts",
        "A statistic at one level of a factor minus, or over, that at another, with the interval of what is compared: "
        "replicate by replicate where the levels share their random numbers.",
    )
    drawn = "Points: differences or ratios. Lines: intervals. Green: what is allowed."
    columns = _ALLOWED


KIND = ValueKind()
KINDS = {"at_most": OneSidedKind(), "at_least": OneSidedKind(), "contrast": ContrastKind()}
