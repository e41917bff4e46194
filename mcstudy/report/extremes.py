"""The figures of claims on every draw: the largest ratio to a bound, the largest residual of an identity."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mcstudy.report.canvas import MUTED, VERMILLION, WIDTH, decades, number_ticks
from mcstudy.report.cells import Finding, evidence
from mcstudy.report.drawing import Drawing
from mcstudy.report.numbers import number, shown
from mcstudy.report.rows import Rows, lay_out, marks_caption

__all__ = ["draw_bound", "draw_identity"]

TICK = 0.55  # inches: the least between two ticks
WIDE = 4.0  # the ratio from which on its axis is logarithmic


def draw_bound(finding: Finding, most: int) -> Drawing:
    """Draw the largest ratio of the column to its bound in every cell; the bound is at 1."""
    rows = lay_out(finding, most)
    ratios = [number(evidence(finding, index).get("largest_ratio")) for index in rows.indices]
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    if max(finite, default=0.0) > WIDE or any(math.isinf(ratio) for ratio in ratios):
        _logarithmic(rows, [*finite, 1.0])
    else:
        rows.axes.set_xlim(0.0, max([1.1, *(1.08 * ratio for ratio in finite)]))
        number_ticks(rows.axes.xaxis, 6)
    _limit(rows, 1.0)
    for row, ratio in enumerate(ratios):
        _draw_extreme(rows, row, ratio, None)
    rows.axes.set_xlabel("largest ratio to the bound")
    caption = (
        "Points: the largest ratio of any draw to its bound. Line: the bound; the shaded side violates it."
    )
    return Drawing(rows.figure, " ".join(filter(None, [caption, marks_caption(rows), rows.omitted])))


def draw_identity(finding: Finding, most: int) -> Drawing:
    """Draw the median and the largest relative residual in every cell, against the tolerance."""
    rows = lay_out(finding, most)
    own = [evidence(finding, index) for index in rows.indices]
    largest = [number(item.get("largest")) for item in own]
    medians = [number(item.get("median")) for item in own]
    tolerance = number(finding["diagnostics"]["tolerance"])
    _logarithmic(rows, [*largest, *medians, tolerance])
    _limit(rows, tolerance)
    for row, (high, middle) in enumerate(zip(largest, medians, strict=True)):
        _draw_extreme(rows, row, high, middle)
    rows.axes.set_xlabel("relative residual")
    caption = (
        "Full marks: the largest residual of any draw; hollow marks: the median. "
        "Line: the tolerance; the shaded side exceeds it."
    )
    return Drawing(rows.figure, " ".join(filter(None, [caption, marks_caption(rows), rows.omitted])))


def _logarithmic(rows: Rows, values: Sequence[float]) -> None:
    """Make the axis logarithmic around all positive values, with room for what is 0 or infinite at its ends."""
    positive = [value for value in values if math.isfinite(value) and value > 0.0]
    low, high = math.log10(min(positive)), math.log10(max(positive))
    room = max(0.4, 0.08 * (high - low))
    limits = (10.0 ** max(low - room, -307.0), 10.0 ** min(high + room, 307.0))
    rows.axes.set_xscale("log")
    rows.axes.set_xlim(*limits)
    inches = rows.axes.get_position().width * WIDTH
    rows.axes.set_xticks(*decades(*limits, most=int(inches / TICK)))
    rows.axes.minorticks_off()


def _limit(rows: Rows, limit: float) -> None:
    rows.axes.axvspan(limit, rows.axes.get_xlim()[1], color=VERMILLION, alpha=0.1, linewidth=0, zorder=0)
    rows.axes.axvline(limit, color=VERMILLION, linewidth=1.0, zorder=1)


def _draw_extreme(rows: Rows, row: int, largest: float, median: float | None) -> None:
    left, right = rows.axes.get_xlim()
    if math.isnan(largest):
        rows.remark(row, "not judged")
        return
    at = min(max(largest, left), right)
    if median is not None and not math.isnan(median):
        rows.line(row, min(max(median, left), right), at)
        rows.mark(row, min(max(median, left), right), hollow=True)
    rows.mark(row, at)
    if largest == 0.0 or math.isinf(largest):
        side = "left" if largest == 0.0 else "right"
        rows.axes.annotate(
            shown(largest),
            (at, -row),
            xytext=(6 if side == "left" else -6, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            color=MUTED,
            fontsize=8,
        )
