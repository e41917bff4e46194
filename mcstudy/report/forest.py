"""The figure of a claim on values: every cell's interval against its zone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mcstudy.report.canvas import GREEN, MUTED, number_ticks
from mcstudy.report.cells import Finding
from mcstudy.report.drawing import Drawing
from mcstudy.report.numbers import number, shown
from mcstudy.report.rows import Rows, lay_out, marks_caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_forest"]

FAR = 8.0  # margins from theory beyond which the axis becomes logarithmic


def draw_forest(finding: Finding, most: int) -> Drawing:
    """Draw estimate and interval of every cell, and the zone of theory ± margin.

    Where cells differ in theory or margin, all are standardised: (value - theory) / margin, so that the zone is
    [-1, 1] for each.
    """
    rows = lay_out(finding, most)
    cells = [finding["cells"][index] for index in rows.indices]
    zones = {(number(cell["theory"]), number(cell["margin"])) for cell in cells}
    common = len(zones) == 1 and not any(math.isnan(value) for value in next(iter(zones)))
    center, margin = next(iter(zones)) if common else (0.0, 1.0)
    spans = [_span(cell, standardised=not common) for cell in cells]
    _zone(rows.axes, center, margin)
    _limits(rows.axes, spans, center, margin, far=not common)
    for row, span in enumerate(spans):
        _draw_cell(rows, row, span)
    rows.axes.set_xlabel(finding["what"] if common else f"({finding['what']} − theory) / margin")
    interval = "Points: estimates. Lines: intervals at the simultaneous confidence level. Band: the zone"
    caption = (
        f"{interval}, {'theory ± margin' if common else 'standardised to ±1'}, with theory in its middle."
    )
    return Drawing(rows.figure, " ".join(filter(None, [caption, marks_caption(rows), rows.omitted])))


def _span(cell: Finding, *, standardised: bool) -> tuple[float, float, float]:
    """Low end, estimate and high end of a cell, on the figure's axis."""
    values = (number(cell["interval"][0]), number(cell["estimate"]), number(cell["interval"][1]))
    if not standardised:
        return values
    theory, margin = number(cell["theory"]), number(cell["margin"])
    low, estimate, high = ((value - theory) / margin for value in values)
    return low, estimate, high


def _zone(axes: Axes, center: float, margin: float) -> None:
    axes.axvspan(center - margin, center + margin, color=GREEN, alpha=0.16, linewidth=0, zorder=0)
    axes.axvline(center, color=MUTED, linewidth=0.8, zorder=1)


def _limits(
    axes: Axes, spans: list[tuple[float, float, float]], center: float, margin: float, *, far: bool
) -> None:
    values = [value for span in spans for value in span if math.isfinite(value)]
    low, high = min([*values, center - margin]), max([*values, center + margin])
    room = 0.05 * (high - low)
    if far and max(-low, high) > FAR:
        axes.set_xscale("symlog", linthresh=2.0, linscale=1.0)
        power = math.ceil(math.log10(max(-low, high)))
        step = max(1, math.ceil(power / 4))
        sizes = [10.0**k for k in range(0, power + 1, step)]
        ticks = [-size for size in reversed(sizes)] + [0.0, *sizes]
        axes.set_xticks(ticks, [shown(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_xlim(low * 1.3 if low < -1 else -1.5, high * 1.3 if high > 1 else 1.5)
    else:
        number_ticks(axes.xaxis, 4)
        axes.set_xlim(low - room, high + room)


def _draw_cell(rows: Rows, row: int, span: tuple[float, float, float]) -> None:
    low, estimate, high = span
    if math.isnan(estimate):
        rows.remark(row, "not estimated")
        return
    left, right = rows.axes.get_xlim()
    if not math.isnan(low + high):
        rows.line(row, max(low, left), min(high, right))
    if math.isfinite(estimate):
        rows.mark(row, estimate)
