"""Figures with a row for every cell: the cells' levels in columns at the left, a common axis at the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcstudy.report.canvas import (
    BLUE,
    INK,
    MUTED,
    PINK,
    RULE,
    VERMILLION,
    WIDTH,
    axes_in,
    new_figure,
)
from mcstudy.report.cells import Finding, leading, varying
from mcstudy.report.numbers import level

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LOOKS", "Rows", "lay_out", "marks_caption"]

LOOKS = {"CONFIRMED": (BLUE, "o", True), "REFUTED": (VERMILLION, "s", True), "UNDECIDED": (PINK, "D", False)}
SHAPES = {
    "CONFIRMED": "discs confirmed",
    "REFUTED": "squares refuted",
    "UNDECIDED": "open diamonds undecided",
}
ROW, HEAD, FOOT = 0.2, 0.3, 0.5  # inches
CHARACTER, GAP = 0.078, 0.16  # inches: the width of a digit, the space between columns
LABELS = 3.3  # inches: the most that all columns of labels get
SQUEEZED = 1.4  # columns this much too wide get smaller type before their levels are cut
LONGEST = (24, 16, 12, 10)  # characters of a level in words: the most that fits


@dataclass(frozen=True)
class Rows:
    """A figure with one row a cell.

    Attributes
    ----------
    indices : list of int
        The cells shown, from top to bottom; row r is at height -r.
    omitted : str
        A sentence for the caption if not all cells are shown.
    """

    figure: Figure
    axes: Axes
    finding: Finding
    indices: list[int]
    omitted: str

    def mark(self, row: int, x: float, *, hollow: bool = False) -> None:
        """Put the mark of a cell's verdict at x."""
        colour, marker, filled = LOOKS[self.finding["cells"][self.indices[row]]["verdict"]]
        face = colour if filled and not hollow else "#ffffff"
        style: dict[str, Any] = {"markersize": 5, "markerfacecolor": face, "markeredgecolor": colour}
        self.axes.plot([x], [-row], marker, color=colour, clip_on=False, zorder=4, **style)

    def line(self, row: int, low: float, high: float) -> None:
        """Draw a line in a cell's colour from low to high."""
        colour = LOOKS[self.finding["cells"][self.indices[row]]["verdict"]][0]
        self.axes.plot(
            [low, high], [-row, -row], color=colour, linewidth=1.3, solid_capstyle="butt", zorder=3
        )

    def remark(self, row: int, text: str) -> None:
        """Write in a row what can't be drawn."""
        across = self.axes.get_yaxis_transform()
        self.axes.text(0.5, -row, text, transform=across, ha="center", va="center", color=MUTED, fontsize=8)


def lay_out(finding: Finding, most: int) -> Rows:
    """Choose the cells to show, write their levels and make the axes.

    Parameters
    ----------
    finding : mapping
    most : int
        The most rows.

    Returns
    -------
    Rows
    """
    indices = leading(finding, most)
    total = len(finding["cells"])
    scenarios = [finding["cells"][index]["scenario"] for index in indices]
    names = varying(scenarios) if total > 1 else []
    figure = new_figure(HEAD + ROW * len(indices) + FOOT)
    left = _write_levels(figure, scenarios, names)
    axes = axes_in(figure, left, FOOT, WIDTH - left - 0.2, ROW * len(indices))
    axes.set_ylim(-len(indices) + 0.5, 0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    omitted = (
        ""
        if len(indices) == total
        else (
            f"Of {total} cells the {len(indices)} nearest to the edge of their zone, or furthest beyond it, are shown."
        )
    )
    return Rows(figure, axes, finding, indices, omitted)


def _write_levels(figure: Figure, scenarios: Sequence[Mapping[str, Any]], names: Sequence[str]) -> float:
    """Write a column of levels for every factor and return where the axes may begin, in inches."""
    texts, widths, squeeze = _fit([[scenario[name] for name in names] for scenario in scenarios], names)
    height, left = figure.get_figheight(), 0.1
    for column, name in enumerate(names):
        numeric = all(isinstance(scenario[name], (int, float)) for scenario in scenarios)
        x = left + (widths[column] if numeric else 0.0)
        style: dict[str, Any] = {
            "ha": "right" if numeric else "left",
            "va": "center",
            "fontsize": 9.0 * squeeze,
        }
        figure.text(x / WIDTH, 1 - 0.55 * HEAD / height, name, color=MUTED, **style)
        for row, text in enumerate(texts):
            if text[column]:
                y = 1 - (HEAD + ROW * (row + 0.5)) / height
                figure.text(x / WIDTH, y, text[column], color=INK, **style)
        left += widths[column] + GAP
    return left + 0.1


def _fit(rows: list[list[Any]], names: Sequence[str]) -> tuple[list[list[str]], list[float], float]:
    """Cut words, then shrink type, until all columns fit: the texts, the columns' widths in inches, the scale."""
    room = LABELS - GAP * len(names)
    for longest in LONGEST:
        cut = [[_cut(value, longest) for value in row] for row in rows]
        widths = [CHARACTER * max(map(len, column)) for column in zip(names, *cut, strict=True)]
        if sum(widths) <= SQUEEZED * room:
            break
    squeeze = min(1.0, room / sum(widths)) if widths else 1.0
    return _unrepeated(cut), [width * squeeze for width in widths], squeeze


def _cut(value: Any, longest: int) -> str:
    """Write a level; only words may be cut."""
    text = level(value)
    return f"{text[: longest - 1]}…" if isinstance(value, str) and len(text) > longest else text


def _unrepeated(rows: list[list[str]]) -> list[list[str]]:
    """Blank the levels that a row shares with the row above, from the left: the eye reads groups."""
    shown: list[list[str]] = []
    for above, row in zip([[], *rows], rows, strict=False):
        same = 0
        while same < len(row) - 1 and above[: same + 1] == row[: same + 1]:
            same += 1
        shown.append([""] * same + row[same:])
    return shown


def marks_caption(rows: Rows) -> str:
    """Say what the marks mean, if there is more than one kind."""
    verdicts = {rows.finding["cells"][index]["verdict"] for index in rows.indices}
    meanings = [meaning for verdict, meaning in SHAPES.items() if verdict in verdicts]
    return f"Marks: {', '.join(meanings)}." if len(meanings) > 1 else ""
