"""Drawings with a row for every cell: the cells' levels in columns at the left, a common axis at the right."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mcstudy.findings import Cell, Finding
from mcstudy.report.kinds import CHOSEN, leading, varying
from mcstudy.report.numbers import level, shown
from mcstudy.report.style import INK, MARKS, MUTED, PAPER, RULE, SMALL, VERMILLION, decades, mark_zone, number_ticks
from mcstudy.scenarios import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Rows", "height_of_rows", "lay_out"]

ROW, LINE, HEAD, FOOT = 0.2, 0.17, 0.3, 0.5  # inches
CHARACTER, GAP = 5.6, 10.0  # points: the width of a digit, the space between columns
LABELS = 180.0  # points: the most that all columns of labels get, the rest is for the axes
CLEAR = 4.5  # points between a row and the line above it
SEPARATOR = "  ·  "
LETTERS = 52  # of a line above a row
LONGEST = (24, 16, 12, 10)  # characters of a level in words: the most that fits
TICKS = 6  # of a logarithmic axis


@dataclass(frozen=True)
class Rows:
    """Axes with one row a cell.

    `indices` are the cells shown, from top to bottom.
    """

    axes: Axes
    finding: Finding
    indices: list[int]

    @property
    def cells(self) -> list[Cell]:
        """The cells shown, from top to bottom; row r is at height -r."""
        return [self.finding.cells[index] for index in self.indices]

    def mark(self, row: int, x: float, *, hollow: bool = False) -> None:
        """Put the mark of a cell's verdict at x."""
        look = MARKS[self.cells[row].verdict]
        face = look.colour if look.filled and not hollow else PAPER
        style: dict[str, Any] = {"markersize": 5, "markerfacecolor": face, "markeredgecolor": look.colour}
        self.axes.plot([x], [-row], look.marker, color=look.colour, clip_on=False, zorder=4, **style)

    def line(self, row: int, low: float, high: float) -> None:
        """Draw a line in a cell's colour from low to high."""
        style: dict[str, Any] = {"linewidth": 1.3, "solid_capstyle": "butt", "zorder": 3}
        self.axes.plot([low, high], [-row, -row], color=MARKS[self.cells[row].verdict].colour, **style)

    def remark(self, row: int, text: str) -> None:
        """Write in a row what can't be drawn."""
        across = self.axes.get_yaxis_transform()
        self.axes.text(0.5, -row, text, transform=across, ha="center", va="center", color=MUTED, fontsize=SMALL)

    def extreme(self, row: int, largest: float, median: float = math.nan) -> None:
        """Mark the largest value of a cell, and its median by a hollow mark; 0 and infinity stand at the ends."""
        left, right = sorted(self.axes.get_xlim())
        if math.isnan(largest):
            self.remark(row, "not judged")
            return
        at = min(max(largest, left), right)
        if not math.isnan(median):
            middle = min(max(median, left), right)
            self.line(row, middle, at)
            self.mark(row, middle, hollow=True)
        self.mark(row, at)
        if largest == 0.0 or math.isinf(largest):
            side, shift = ("right", -6) if largest else ("left", 6)
            style: dict[str, Any] = {"ha": side, "va": "center", "color": MUTED, "fontsize": SMALL}
            self.axes.annotate(shown(largest), (at, -row), (shift, 0), textcoords="offset points", **style)

    def limit(self, limit: float) -> None:
        """Shade what lies beyond a limit."""
        right = self.axes.get_xlim()[1]
        self.axes.axvspan(limit, right, color=VERMILLION, alpha=0.1, linewidth=0, zorder=0)
        self.axes.axvline(limit, color=VERMILLION, linewidth=1.0, zorder=1)

    def zone(self, theory: float, margin: float) -> None:
        """Shade theory ± margin."""
        mark_zone(self.axes, theory, margin, along="x")

    def make_linear(self, low: float, high: float, *, ticks: int) -> None:
        """Make the axis linear, with round numbers marked."""
        number_ticks(self.axes.xaxis, ticks)
        self.axes.set_xlim(low, high)

    def make_logarithmic(self, values: Sequence[float]) -> None:
        """Make the axis logarithmic around all positive values, with room for what is 0 or infinite at its ends."""
        powers = [math.log10(value) for value in values if math.isfinite(value) and value > 0.0]
        room = max(0.4, 0.08 * (max(powers) - min(powers)))
        # Doubles end at 10^±308.
        limits = (10.0 ** max(min(powers) - room, -307.0), 10.0 ** min(max(powers) + room, 307.0))
        self.axes.set_xscale("log")
        self.axes.set_xlim(*limits)
        self.axes.set_xticks(*decades(*limits, most=TICKS))
        self.axes.minorticks_off()

    def caption(self, text: str) -> str:
        """Add to a caption what the marks mean, if there is more than one, and how many cells are left out."""
        verdicts = {cell.verdict for cell in self.cells}
        marks = [f"{look.shape} {verdict.lower()}" for verdict, look in MARKS.items() if verdict in verdicts]
        parts = [text, f"Marks: {', '.join(marks)}."] if len(marks) > 1 else [text]
        if len(self.indices) < (total := len(self.finding.cells)):
            parts.append(f"Of {total} cells {len(self.indices)} are shown: {CHOSEN}.")
        return " ".join(parts)


def height_of_rows(finding: Finding, most: int) -> float:
    """Inches that a drawing of so many rows wants."""
    labels = _Labels.of([finding.cells[index].scenario for index in leading(finding, most)])
    return HEAD + LINE * labels.above_head + (ROW + LINE * labels.above) * len(labels.texts) + FOOT


def lay_out(axes: Axes, finding: Finding, most: int) -> Rows:
    """Choose the cells to show, write their levels left of the axes or above each row, and prepare these.

    Parameters
    ----------
    axes : Axes
    finding : Finding
    most : int
        The most rows.

    Returns
    -------
    Rows
    """
    rows = Rows(axes, finding, leading(finding, most))
    labels = _Labels.of([cell.scenario for cell in rows.cells])
    write = _write_above if labels.above else _write_columns
    write(axes, labels)
    axes.set_ylim(-len(rows.indices) + 0.5, 0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    return rows


@dataclass(frozen=True)
class _Labels:
    """The levels of the rows as texts, in a column for each factor; or on lines of their own, where those are too wide.

    `above` and `above_head` are the lines above a row and above the axes; 0 for columns.
    """

    factors: list[str]
    texts: list[list[str]]
    numeric: list[bool]
    above: int = 0
    above_head: int = 0

    @property
    def widths(self) -> list[float]:
        """The widths of the columns in points."""
        return [CHARACTER * max(map(len, column)) for column in zip(self.factors, *self.texts, strict=True)]

    @staticmethod
    def of(scenarios: Sequence[Scenario]) -> _Labels:
        """Cut words until all columns fit; else write the levels of a row above it."""
        factors = varying(scenarios)
        levels = [[scenario.get(name) for name in factors] for scenario in scenarios]
        numeric = [all(isinstance(x, (int, float)) for x in column) for column in zip(*levels, strict=True)]
        for longest in LONGEST:
            cut = [[_cut(value, longest) for value in row] for row in levels]
            labels = _Labels(factors, cut, numeric)
            if sum(labels.widths) <= LABELS - GAP * len(factors):
                return replace(labels, texts=_unrepeated(cut))
        return _Labels._above(factors, [[_cut(value, LONGEST[0]) for value in row] for row in levels])

    @staticmethod
    def _above(factors: list[str], rows: list[list[str]]) -> _Labels:
        head, *texts = (textwrap.wrap(SEPARATOR.join(row), LETTERS) for row in [factors, *rows])
        written = [["\n".join(lines)] for lines in texts]
        return _Labels(["\n".join(head)], written, [False], max(map(len, texts)), len(head) - 1)


def _write_columns(axes: Axes, labels: _Labels) -> None:
    """Write a column of levels for every factor, left of the axes, under the factor's name."""
    left = -sum(labels.widths) - GAP * len(labels.factors)
    for column, (name, width) in enumerate(zip(labels.factors, labels.widths, strict=True)):
        numeric = labels.numeric[column]
        style: dict[str, Any] = {"ha": "right" if numeric else "left", "fontsize": SMALL}
        style |= {"textcoords": "offset points", "annotation_clip": False}
        x = left + (width if numeric else 0.0)
        axes.annotate(name, (0, 1), (x, 5), xycoords="axes fraction", color=MUTED, va="bottom", **style)
        for row, texts in enumerate(labels.texts):
            if texts[column]:
                at: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "va": "center", "color": INK}
                axes.annotate(texts[column], (0, -row), (x, 0), **at, **style)
        left += width + GAP


def _write_above(axes: Axes, labels: _Labels) -> None:
    """Write the levels of each row above it, over the axes, under the factors' names."""
    style: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "va": "bottom"}
    style |= {"fontsize": SMALL, "ha": "left"}
    axes.annotate(labels.factors[0], (0, 1), (0, 5), xycoords="axes fraction", color=MUTED, **style)
    for row, (text,) in enumerate(labels.texts):
        at: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "color": INK, "zorder": 5}
        axes.annotate(text, (0, -row), (0, CLEAR), **at, **style)


def _cut(value: Any, longest: int) -> str:
    """Write a level; only words may be cut."""
    text = level(value)
    return f"{text[: longest - 1]}…" if isinstance(value, str) and len(text) > longest else text


def _unrepeated(rows: list[list[str]]) -> list[list[str]]:
    """Blank the levels that a row shares with the row above, from the left: the eye reads groups."""
    written: list[list[str]] = []
    for above, row in zip([[], *rows], rows, strict=False):
        same = 0
        while same < len(row) - 1 and above[: same + 1] == row[: same + 1]:
            same += 1
        written.append([""] * same + row[same:])
    return written
