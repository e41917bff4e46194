"""Log-log drawings: lines with fits and errors, local slopes below them, and lines of several claims together."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from mcstudy.evidence import Line, RateEvidence
from mcstudy.findings import Cell, Finding
from mcstudy.report.kinds import evidence_of, varying
from mcstudy.report.numbers import NO_BREAK, label, level, shown, uncertain
from mcstudy.report.style import (
    CHARACTER,
    COLOURS,
    INK,
    MARKERS,
    MUTED,
    PAPER,
    SMALL,
    bars,
    decades,
    look,
    mark_levels,
    mark_ticks,
    mark_zone,
    number_ticks,
    tell,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mcstudy.ledger import Overlay

__all__ = [
    "DISTINCT",
    "Curve",
    "curves_of",
    "draw_curves",
    "draw_dotted",
    "draw_local_slopes",
    "draw_overlay",
    "height_of_curves",
    "overlay_curves",
]

FloatArray = npt.NDArray[np.float64]

DODGE = 1.05  # the shift along the axis that keeps the local slopes of lines apart
DISTINCT = 8  # lines told apart by colour, mark and dash; further ones are grey
MAIN, ENTRY = 2.0, 0.17  # inches: axes with labels, a legend's entry
ROOM = 3.4  # inches: the width of a legend
TITLE, NAME = 34, 38  # letters of a line of an axis's label and of a legend
NUMBERED = 3  # lines whose slopes a legend has room for; those of more are in the table
LEAST = math.sqrt(10.0)  # the range of an axis at least: on a narrower one, errors look like slopes


@dataclass(frozen=True)
class Curve:
    """A line of a finding with its cell, and what it is called."""

    text: str
    cell: Cell
    line: Line
    heading: str = ""  # the factors, where `text` has nothing but levels

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the line on logarithmic axes: where it meets theory's guide."""
        kept = self.line.y > 0.0
        x, y = (np.exp(np.mean(np.log(values[kept]))) for values in (self.line.x, self.line.y))
        return float(x), float(y)


def curves_of(finding: Finding, indices: Sequence[int], *, name: str = "") -> list[Curve]:
    """The lines of a finding that have anything positive to draw, named by what tells them apart.

    A few by their factors, levels and slopes; more of them by the levels alone, the factors being a heading.
    """
    factors = varying([finding.cells[index].scenario for index in indices])
    few = len(indices) <= NUMBERED
    curves = []
    # The first have names in the legend: the deciding one is always among them.
    for index in sorted(indices, key=lambda i: i != finding.deciding or i in indices[:DISTINCT]):
        cell, line = finding.cells[index], evidence_of(finding, index)
        if line is not None and np.any(line.y > 0.0):
            levels = label(cell.scenario, factors) if few else _levels_of(cell, factors)
            words = " · ".join(filter(None, [name, levels, _slope(cell, line) if few else ""]))
            curves.append(Curve(textwrap.fill(words, NAME), cell, line, "" if few else ", ".join(factors)))
    return curves


def _levels_of(cell: Cell, factors: Sequence[str]) -> str:
    return ", ".join(level(cell.scenario[name]) if name in cell.scenario else "–" for name in factors)


def _slope(cell: Cell, line: Line) -> str:
    """Write a line's slope, in one piece."""
    slope = f"slope {uncertain(cell.estimate, cell.mcse)}" if line.fit else "no fit"
    return slope.replace(" ", NO_BREAK)


def height_of_curves(curves: Sequence[Curve]) -> float:
    """Inches that `draw_curves` wants, its legend included."""
    slopes = len({curve.cell.theory for curve in curves[:DISTINCT]})
    lines = sum(1 + curve.text.count("\n") for curve in curves[:DISTINCT]) + slopes + bool(_heading(curves))
    return MAIN + ENTRY * math.ceil(lines / _legend_columns(curves))


def draw_curves(axes: Axes, curves: Sequence[Curve], *, statistic: str, against: str) -> None:
    """Draw points, errors and fits on logarithmic axes, a guide for each theoretical slope, and a legend above."""
    axes.set_yscale("log")
    axes.set_xscale("log")
    handles = [_draw_curve(axes, curve, position) for position, curve in enumerate(curves)][:DISTINCT]
    lowest = sorted(curves[:DISTINCT], key=lambda curve: -curve.center[1])
    guided = {curve.cell.theory: curve for curve in lowest if not math.isnan(curve.cell.theory)}
    handles += [_draw_guide(axes, curve) for curve in guided.values()]
    _mark_values(axes)
    _draw_nonpositive(axes, curves)
    mark_levels(axes, _levels(curves))
    axes.set_xlabel(against)
    axes.set_ylabel(textwrap.fill(statistic, TITLE))
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.02), "borderaxespad": 0.0}
    style: dict[str, Any] = {"ncols": _legend_columns(curves), "handlelength": 2.6, "labelspacing": 0.3}
    style |= {"title": _heading(curves) or None, "title_fontsize": SMALL, "alignment": "left"}
    axes.legend(handles=handles, **place, **style)


def draw_local_slopes(axes: Axes, curves: Sequence[Curve], *, against: str) -> None:
    """Draw the slopes between neighbouring levels against the zone; relative to theory where lines differ in it."""
    together = len({(curve.cell.theory, curve.cell.margin) for curve in curves}) == 1
    axes.set_xscale("log")
    for position, curve in reversed(list(enumerate(curves))):
        if curve.line.fit:
            _draw_slopes(axes, curve, position, min(len(curves), DISTINCT), relative=not together)
    for theory, margin in {(c.cell.theory if together else 0.0, c.cell.margin) for c in curves}:
        mark_zone(axes, theory, margin, along="y")
    number_ticks(axes.yaxis, 4)
    mark_levels(axes, _levels(curves))
    axes.set_xlabel(against)
    axes.set_ylabel("local slope" if together else "slope − theory")


def draw_overlay(axes: Axes, overlay: Overlay, findings: Sequence[Finding], *, most: int = 40) -> str:
    """Draw the lines of several claims, kept to the scenarios that the overlay names, and return its caption."""
    curves = overlay_curves(overlay, findings, most)
    evidence = [cast(RateEvidence, finding.evidence) for finding in findings]
    statistics = list(dict.fromkeys(own.statistic for own in evidence))
    title = statistics[0] if len(statistics) == 1 else "statistic, as the legend says"
    draw_curves(
        axes, curves, statistic=title, against=" / ".join(dict.fromkeys(own.against for own in evidence))
    )
    return overlay.caption


def overlay_curves(overlay: Overlay, findings: Sequence[Finding], most: int = 40) -> list[Curve]:
    """The lines that an overlay draws, named by their claims."""
    statistics = {cast(RateEvidence, finding.evidence).statistic for finding in findings}
    curves: list[Curve] = []
    for finding in findings:
        own = f"{finding.id}: {cast(RateEvidence, finding.evidence).statistic}"
        matching = [i for i, cell in enumerate(finding.cells) if cell.scenario.matches(overlay.where)]
        curves += curves_of(finding, matching, name=finding.id if len(statistics) == 1 else own)
    return curves[:most]


def _heading(curves: Sequence[Curve]) -> str:
    """What the levels in a legend are of, if it is the same for all its lines."""
    headings = {curve.heading for curve in curves[:DISTINCT]}
    return textwrap.fill(headings.pop(), NAME) if len(headings) == 1 else ""


def _legend_columns(curves: Sequence[Curve]) -> int:
    longest = max((len(curve.text) for curve in curves[:DISTINCT]), default=0)
    return 2 if longest * CHARACTER < 0.5 * ROOM - 0.5 else 1


def _draw_curve(axes: Axes, curve: Curve, position: int) -> Any:
    """Draw one line and return its legend's handle."""
    from matplotlib.lines import Line2D

    line, grey = curve.line, position >= DISTINCT
    kept = line.y > 0.0
    x, y, error = line.x[kept], line.y[kept], line.mcse[kept]
    style = look(position) | {"linewidth": 1.2}
    marker, colour = style.pop("marker"), MUTED if grey else style["color"]
    style["color"] = colour
    opacity = 0.5 if grey else 1.0
    # An error as large as its value would reach down to 0, which is nowhere on these axes.
    low = np.maximum(y - 2.0 * error, y / 10.0)
    bars(axes, x, low, y + 2.0 * error, color=colour, linewidth=1.0, alpha=opacity)
    if line.fit and line.fitted.size:  # with a correction it is no straight line
        axes.plot(x, line.fitted[kept], **style, alpha=opacity)
    elif line.fit:
        ends = x[[0, -1]]
        axes.plot(ends, line.fit.constant * ends**line.fit.exponent, **style, alpha=opacity)
    edge: dict[str, Any] = {
        "markeredgecolor": PAPER,
        "markeredgewidth": 0.4,
        "markersize": 2.5 if grey else 4.5,
    }
    marks = axes.plot(x, y, marker, color=colour, **edge)
    points = zip(x, y, error, strict=True)
    tell(marks, [f"{uncertain(value, mcse)} at {shown(at)}" for at, value, mcse in points])
    return Line2D([], [], marker=marker, markersize=4.5, label=curve.text, **style)


def _draw_guide(axes: Axes, curve: Curve) -> Any:
    """Draw theory's slope a little below a line and return the legend's handle."""
    bottom, top = axes.get_ylim()
    x, y = curve.center
    ends = curve.line.x[[0, -1]]
    heights = y / (top / bottom) ** 0.08 * (ends / x) ** curve.cell.theory
    style: dict[str, Any] = {"color": MUTED, "linewidth": 1.0, "linestyle": (0, (2.5, 2.5)), "zorder": 1}
    (handle,) = axes.plot(ends, heights, label=f"theory · slope {shown(curve.cell.theory)}", **style)
    return handle


def _mark_values(axes: Axes) -> None:
    """Give the vertical axis the least range and its ticks."""
    low, high = axes.get_ylim()
    if high < LEAST * low:
        middle = math.sqrt(low * high)
        axes.set_ylim(middle / math.sqrt(LEAST), middle * math.sqrt(LEAST))
    mark_ticks(axes.yaxis, *decades(*axes.get_ylim()))


def _levels(curves: Sequence[Curve]) -> list[float]:
    """All levels along which curves run; any two where there are none."""
    return sorted({float(x) for curve in curves for x in curve.line.x}) or [1.0, 2.0]


def _draw_nonpositive(axes: Axes, curves: Sequence[Curve]) -> None:
    """Put an open triangle at the lower edge for every value that a logarithmic axis has no place for."""
    x = [x for curve in curves for x in curve.line.x[~(curve.line.y > 0.0)]]
    style: dict[str, Any] = {"color": MUTED, "markerfacecolor": PAPER, "markersize": 5, "clip_on": False}
    if x:  # an empty line would count as a point at the figure's corner when room is made for labels
        axes.plot(x, [axes.get_ylim()[0]] * len(x), "v", **style)


def _draw_slopes(axes: Axes, curve: Curve, position: int, lines: int, *, relative: bool) -> None:
    fit = cast(Any, curve.line.fit)
    aside = DODGE ** (position - (lines - 1) / 2) if position < DISTINCT else 1.0
    x = aside * np.sqrt(curve.line.x[:-1] * curve.line.x[1:])
    slopes = fit.local_slopes - (curve.cell.theory if relative else 0.0)
    colour = COLOURS[position % len(COLOURS)] if position < DISTINCT else MUTED
    error = 2.0 * fit.local_mcse
    bars(axes, x, slopes - error, slopes + error, color=colour, linewidth=0.9)
    style: dict[str, Any] = {"markersize": 3.5, "markeredgecolor": PAPER, "markeredgewidth": 0.3}
    axes.plot(x, slopes, MARKERS[position % len(MARKERS)], color=colour, **style)


def draw_dotted(axes: Axes, x: FloatArray, y: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """Draw a thin dotted line with a faint band: what is shown and decides nothing."""
    axes.fill_between(x, low, high, color=INK, alpha=0.08, linewidth=0, zorder=1)
    axes.plot(x, y, color=INK, linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=2)
