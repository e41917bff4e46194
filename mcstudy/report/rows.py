"""Drawings with a row for every cell: the cells' levels in columns at the left, a common axis at the right."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from mcstudy.findings import STATEMENT, Cell, Finding, Verdict
from mcstudy.report.kinds import evidence_of, kind_of, leading, varying
from mcstudy.report.numbers import count, label, level, plural, shown
from mcstudy.report.style import (
    INK,
    MARKS,
    MUTED,
    PAPER,
    RULE,
    SMALL,
    VERMILLION,
    decades,
    mark_ticks,
    mark_zone,
    number_ticks,
    tell,
)
from mcstudy.scenarios import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

__all__ = ["Rows", "height_of_rows", "lay_out"]

POINTS = 72  # in an inch
ROW, HEAD, FOOT = 0.155, 0.28, 0.45  # inches
CHARACTER, GAP = 5.6, 10.0  # points: the width of a digit, the space between columns
LABELS = 180.0  # points: the most that all columns of labels get, the rest is for the axes
LETTERS = 52  # of a line of a heading
LONGEST = 24  # characters of a level in words in a column: the most that is written
TOLD = 3  # columns of a cell's table that its mark tells
TICKS = 6  # of a logarithmic axis


@dataclass(frozen=True)
class _Labels:
    """What is written of the cells shown: columns of levels at the left, and lines above where a group begins."""

    indices: list[int]
    factors: list[str]
    columns: list[list[str]]
    headings: list[list[str]]

    @property
    def widths(self) -> list[float]:
        """The widths of the columns in points."""
        return [
            CHARACTER * max(map(len, [name, *texts]))
            for name, texts in zip(self.factors, self.columns, strict=True)
        ]

    @property
    def heights(self) -> list[int]:
        """How far below the first line each row lies, in rows: a line of a heading takes one."""
        return [row + lines for row, lines in enumerate(accumulate(map(len, self.headings)))]

    @staticmethod
    def of(finding: Finding, most: int) -> _Labels:
        """Choose cells; levels that are too wide for columns, words first, become headings."""
        indices = leading(finding, most)
        scenarios = {index: finding.cells[index].scenario for index in indices}
        factors = varying(list(scenarios.values()))
        numbers = [name for name in factors if _are_numbers(scenarios.values(), name)]
        side_by_side = [name for name in factors if name == STATEMENT]  # two rows of one heading
        for chosen in (factors, numbers + side_by_side, side_by_side):
            labels = _grouped(scenarios, chosen, [name for name in factors if name not in chosen])
            if sum(labels.widths) <= LABELS - GAP * len(chosen):
                break
        return labels


def _are_numbers(scenarios: Iterable[Scenario], name: str) -> bool:
    return all(isinstance(scenario.get(name), (int, float)) for scenario in scenarios)


def _grouped(scenarios: Mapping[int, Scenario], factors: list[str], others: list[str]) -> _Labels:
    """Columns for some factors; the other ones make groups of cells, under a heading each."""
    heading = {index: label(scenario, others) for index, scenario in scenarios.items()}
    order = list(dict.fromkeys(heading.values()))
    indices = sorted(scenarios, key=lambda index: order.index(heading[index]))
    levels = ([_cut(scenarios[index].get(name)) for name in factors] for index in indices)
    rows = _unrepeated([[heading[index], *row] for index, row in zip(indices, levels, strict=True)])
    above, *columns = map(list, zip(*rows, strict=True))
    return _Labels(indices, factors, columns, [textwrap.wrap(text, LETTERS) for text in above])


@dataclass(frozen=True)
class Rows:
    """Axes with one row a cell.

    `indices` are the cells shown, from top to bottom; `heights` where on the vertical axis each has its row.
    """

    axes: Axes
    finding: Finding
    indices: list[int]
    heights: list[float]

    @property
    def cells(self) -> list[Cell]:
        """The cells shown, from top to bottom."""
        return [self.finding.cells[index] for index in self.indices]

    def marks(self, places: Mapping[int, float], *, hollow: bool = False) -> None:
        """Put the marks of the cells' verdicts at x, by row."""
        for verdict, rows in self._by_verdict(places).items():
            look = MARKS[verdict]
            face = look.colour if look.filled and not hollow else PAPER
            style: dict[str, Any] = {"markersize": 5, "markerfacecolor": face, "markeredgecolor": look.colour}
            style |= {"linestyle": "none", "clip_on": False, "zorder": 4}
            heights = [self.heights[row] for row in rows]
            marks = self.axes.plot([places[row] for row in rows], heights, marker=look.marker, **style)
            if not hollow:
                tell(marks, [self._told(row) for row in rows])

    def _told(self, row: int) -> str:
        """The first columns of a cell's table, in a line."""
        finding, index = self.finding, self.indices[row]
        cell, own = finding.cells[index], evidence_of(finding, index)
        columns = islice(kind_of(finding.kind).columns.items(), TOLD)
        where = label(cell.scenario, varying([cell.scenario for cell in finding.cells]))
        numbers = ", ".join(f"{name} {write(cell, own)}" for name, write in columns)
        return f"{where}: {numbers}" if where else numbers

    def lines(self, spans: Mapping[int, tuple[float, float]]) -> None:
        """Draw lines in the cells' colours from low to high, by row."""
        for verdict, rows in self._by_verdict(spans).items():
            # One line with gaps for all of them: matplotlib takes its time for each.
            x = [end for row in rows for end in (*spans[row], math.nan)]
            y = [height for row in rows for height in [self.heights[row]] * 3]
            style: dict[str, Any] = {"linewidth": 1.3, "solid_capstyle": "butt", "zorder": 3}
            self.axes.plot(x, y, color=MARKS[verdict].colour, **style)

    def _by_verdict(self, rows: Iterable[int]) -> dict[Verdict, list[int]]:
        groups: dict[Verdict, list[int]] = {}
        for row in rows:
            groups.setdefault(self.finding.cells[self.indices[row]].verdict, []).append(row)
        return groups

    def remark(self, row: int, text: str) -> None:
        """Write in a row what can't be drawn."""
        across = self.axes.get_yaxis_transform()
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": MUTED, "fontsize": SMALL}
        self.axes.text(0.5, self.heights[row], text, transform=across, **style)

    def extremes(self, largest: Sequence[float], medians: Sequence[float] = ()) -> None:
        """Mark the largest value of every cell, and the medians by hollow marks; 0 and infinity stand at the ends."""
        left, right = sorted(self.axes.get_xlim())
        at = {row: min(max(x, left), right) for row, x in enumerate(largest) if not math.isnan(x)}
        middle = {row: min(max(x, left), right) for row, x in enumerate(medians) if not math.isnan(x)}
        self.lines({row: (x, at[row]) for row, x in middle.items() if row in at})
        self.marks(middle, hollow=True)
        self.marks(at)
        for row, x in enumerate(largest):
            if row not in at:
                self.remark(row, "not judged")
            elif x == 0.0 or math.isinf(x):
                self._name_end(row, x, at[row])

    def _name_end(self, row: int, value: float, at: float) -> None:
        """Write 0 or infinity beside a mark that stands for it."""
        side, shift = ("right", -6) if value else ("left", 6)
        style: dict[str, Any] = {"ha": side, "va": "center", "color": MUTED, "fontsize": SMALL}
        self.axes.annotate(
            shown(value), (at, self.heights[row]), (shift, 0), textcoords="offset points", **style
        )

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
        mark_ticks(self.axes.xaxis, *decades(*limits, most=TICKS))
        self.axes.minorticks_off()

    def caption(self, text: str = "") -> str:
        """Add to a caption how many cells are left out."""
        shown_cells, total = len(self.indices), len(self.finding.cells)
        chosen = f"{count(shown_cells)} of {plural(total, 'cell')}." if shown_cells < total else ""
        return " ".join(filter(None, [text, chosen]))


def height_of_rows(finding: Finding, most: int) -> float:
    """Inches that a drawing of so many rows wants."""
    return HEAD + ROW * (_Labels.of(finding, most).heights[-1] + 1) + FOOT


def lay_out(axes: Axes, finding: Finding, most: int) -> Rows:
    """Choose the cells to show, write their levels left of the axes or above, and prepare these.

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
    labels = _Labels.of(finding, most)
    rows = Rows(axes, finding, labels.indices, [-float(height) for height in labels.heights])
    _write_columns(rows, labels)
    _write_headings(rows, labels)
    axes.set_ylim(rows.heights[-1] - 0.5, 0.5)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    return rows


def _write_columns(rows: Rows, labels: _Labels) -> None:
    """Write a column of levels for every factor, left of the axes, under the factor's name."""
    left = -sum(labels.widths) - GAP * len(labels.factors)
    for name, width, texts in zip(labels.factors, labels.widths, labels.columns, strict=True):
        numeric = _are_numbers((cell.scenario for cell in rows.cells), name)
        style: dict[str, Any] = {"ha": "right" if numeric else "left", "fontsize": SMALL}
        x = left + (width if numeric else 0.0)
        above = _shifted(rows.axes, rows.axes.transAxes, x, 5)
        rows.axes.text(0, 1, name, transform=above, color=MUTED, va="bottom", **style)
        style["transform"] = _shifted(rows.axes, rows.axes.get_yaxis_transform(), x, 0)
        for height, text in zip(rows.heights, texts, strict=True):
            if text:
                rows.axes.text(0, height, text, color=INK, va="center", **style)
        left += width + GAP


def _write_headings(rows: Rows, labels: _Labels) -> None:
    """Write the headings, from where the columns begin."""
    left = -sum(labels.widths) - GAP * len(labels.factors)
    style: dict[str, Any] = {"va": "center", "fontsize": SMALL, "zorder": 5}
    style["transform"] = _shifted(rows.axes, rows.axes.get_yaxis_transform(), left, 0)
    for height, lines in zip(rows.heights, labels.headings, strict=True):
        for up, line in enumerate(reversed(lines), start=1):
            rows.axes.text(0, height + up, line, **style)


def _shifted(axes: Axes, transform: Transform, right: float, up: float) -> Transform:
    """A transform with a shift in points."""
    from matplotlib.transforms import ScaledTranslation

    return transform + ScaledTranslation(right / POINTS, up / POINTS, axes.figure.dpi_scale_trans)


def _cut(value: Any) -> str:
    """Write a level; only words may be cut."""
    text = level(value)
    return f"{text[: LONGEST - 1]}…" if isinstance(value, str) and len(text) > LONGEST else text


def _unrepeated(rows: list[list[str]]) -> list[list[str]]:
    """Blank the levels that a row shares with the row above, from the left: the eye reads groups."""
    written: list[list[str]] = []
    for above, row in zip([[], *rows], rows, strict=False):
        same = 0
        while same < len(row) - 1 and above[: same + 1] == row[: same + 1]:
            same += 1
        written.append([""] * same + row[same:])
    return written
