"""Zip plots: intervals of every scenario one above the other, those that miss the truth most on top.

T. P. Morris, I. R. White and M. J. Crowther, "Using simulation studies to evaluate statistical methods", Statistics in
Medicine 38 (2019) 2074-2102. How many miss it is the coverage; that they lie on one side, or are short, says why.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mcstudy.measured import Intervals, MeasureCell, Measured
from mcstudy.report.numbers import label, shown
from mcstudy.report.style import BLUE, INK, MUTED, SMALL, VERMILLION, bars, number_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_zip", "figure_of_zips", "sides_of"]

FloatArray = npt.NDArray[np.float64]

ALONE, SEVERAL, LEGEND = 2.9, 2.2, 0.3  # inches: axes alone, one of several; the legend above them
COLUMNS, TITLE = 2, 23  # panels side by side; letters of a line above one
SHARED = 110.0  # points of height that the lines of one panel among several share
FILLED, THICKEST = 0.8, 3.0  # what of its share a line takes, and its points at most
# An axis ends at the latest five times as far from the median of the limits as nine of ten of them are: heavy tails
# leave room for the others, and nothing is cut of what normal estimates have for intervals.
CENTRAL, FURTHEST = 0.9, 5.0
MARGIN = 0.04  # of the axis's width, beyond the last limit
FAR = 1e100  # a limit beyond it is as good as none: squares of such numbers overflow in matplotlib's axes
RULES: dict[str, Any] = {"color": INK, "linewidth": 0.8, "zorder": 4}
DASHED = RULES | {"linestyle": (0, (4, 2))}


@dataclass(frozen=True)
class _Zip:
    """The intervals of a scenario, as they are or less the truths that each has by itself."""

    cell: MeasureCell
    kept: Intervals
    apart: bool

    @cached_property
    def limits(self) -> FloatArray:
        """What is drawn, shape (2, lines)."""
        limits = np.array([self.kept.low, self.kept.high])
        with np.errstate(invalid="ignore", over="ignore"):  # what has no distance from its truth is not drawn
            return limits - np.array(self.kept.truth) if self.apart else limits

    @property
    def truth(self) -> float:
        """Where the truth is among them."""
        return 0.0 if self.apart else self.kept.truth[0]

    @property
    def below(self) -> npt.NDArray[np.bool_]:
        """Which lie below the truth, shape (lines,)."""
        return np.array(self.kept.high) < np.array(self.kept.truth)

    @property
    def above(self) -> npt.NDArray[np.bool_]:
        """Which lie above it."""
        return np.array(self.kept.low) > np.array(self.kept.truth)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The ends of the axis."""
        limits, truth = self.limits[np.abs(self.limits) < FAR], [self.truth] if abs(self.truth) < FAR else []
        middle = float(np.median(limits)) if limits.size else sum(truth)
        # Where nearly all limits are equal, nothing tells what is far.
        reach = FURTHEST * float(np.quantile(np.abs(limits - middle), CENTRAL)) if limits.size else 0.0
        seen = np.clip([*limits, middle], middle - (reach or math.inf), middle + (reach or math.inf))
        low, high = min(*seen, *truth), max(*seen, *truth)
        room = MARGIN * (high - low) or abs(low) or 1.0
        return float(low - room), float(high + room)

    @property
    def is_cut(self) -> bool:
        """Whether limits lie beyond the axis."""
        low, high = self.ends
        return bool(np.any((self.limits < low) | (self.limits > high)))


def figure_of_zips(measured: Measured, width: float) -> tuple[Figure, str]:
    """Draw a zip plot of every scenario whose intervals are kept, and return the figure with its caption.

    Parameters
    ----------
    measured : Measured
    width : float
        In inches.
    """
    from mcstudy.drawing import new_figure

    zips = _zips_of(measured)
    columns = min(COLUMNS, len(zips))
    heights = [LEGEND, *[ALONE if columns == 1 else SEVERAL] * math.ceil(len(zips) / columns)]
    figure = new_figure(width, sum(heights))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    _write_legend(figure.add_subplot(grid[0, :]))
    for number, one in enumerate(zips):
        row, column = divmod(number, columns)
        axes = figure.add_subplot(grid[row + 1, column])
        _draw(axes, one)
        title = textwrap.fill(label(one.cell.scenario, measured.levels), TITLE)
        axes.set_title(title, fontsize=SMALL, color=MUTED, loc="left", pad=3)
        axes.xaxis.label.set_visible(number + columns >= len(zips))
        axes.yaxis.label.set_visible(column == 0)
    return figure, _caption(zips)


def draw_zip(axes: Axes, measured: Measured) -> str:
    """Draw the only scenario of a measure onto given axes, and return the caption."""
    (one,) = zips = _zips_of(measured)
    _draw(axes, one)
    return _caption(zips)


def sides_of(measured: Measured) -> str:
    """Say on which side of the truth those lie that are drawn and miss it; empty where no zip plot is."""
    told = []
    for one in _zips_of(measured):
        below, above = (np.count_nonzero(side) for side in (one.below, one.above))
        at = label(one.cell.scenario, measured.levels)
        told.append(f"{at}{at and ': '}{below} below, {above} above")
    return f"Intervals drawn that miss the truth: {'; '.join(told)}." if told else ""


def _zips_of(measured: Measured) -> list[_Zip]:
    """The scenarios whose intervals are kept, next to each other those that are lines of other pictures."""
    over, lines, panels = measured.layout
    cells = measured.ordered([*panels, *filter(None, [over, lines])])
    kept = [(cell, cell.intervals) for cell in cells if cell.intervals]
    apart = any(len(intervals.truth) > 1 for _, intervals in kept)
    return [_Zip(cell, intervals, apart) for cell, intervals in kept]


def _draw(axes: Axes, one: _Zip) -> None:
    """Draw intervals over their centiles, the truth, the coverage with its error, and its target."""
    left, right = one.ends
    low, high = np.clip(one.limits, left, right)
    centiles = 100.0 * (np.arange(low.size) + 0.5) / low.size
    misses, stroke = one.below | one.above, min(THICKEST, FILLED * SHARED / low.size)
    for chosen, colour in ((~misses, BLUE), (misses, VERMILLION)):
        bars(axes, centiles[chosen], low[chosen], high[chosen], along="x", color=colour, linewidth=stroke)
    if left < one.truth < right:
        axes.axvline(one.truth, **RULES)
    for side in (-2.0, 2.0):
        axes.axhline(100.0 * min(max(one.cell.estimate + side * one.cell.mcse, 0.0), 1.0), **RULES)
    if 0.0 <= one.cell.aim <= 1.0:
        axes.axhline(100.0 * one.cell.aim, **DASHED)
    axes.set(xlim=(left, right), ylim=(0.0, 100.0), ylabel="centile")
    axes.set_xlabel("limits − truth" if one.apart else "limits")
    number_ticks(axes.xaxis, 4)
    number_ticks(axes.yaxis, 5)


def _write_legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    looks = {"covers the truth": BLUE, "misses it": VERMILLION}
    handles = [Line2D([], [], color=colour, linewidth=3.0, label=name) for name, colour in looks.items()]
    axes.set_axis_off()
    axes.legend(handles=handles, loc="upper left", borderaxespad=0.0, ncols=len(handles), handlelength=2.6)


def _caption(zips: Sequence[_Zip]) -> str:
    """Say how the lines were chosen, and what stands upright and across."""
    most = max(len(one.kept.low) for one in zips)
    thinned = any(len(one.kept.low) < one.cell.replicates for one in zips)
    chosen = f"{most} at equally spaced centiles" if thinned else "all of them"
    targets = {one.cell.target for one in zips} - {None}
    aim = "".join(f" {shown(target)}" for target in targets if target is not None and len(targets) == 1)
    parts = [
        "Intervals, from the bottom up by how far the truth is from their middle in half-widths: "
        f"{chosen}. Upright: the truth.",
        "Across: the coverage, two Monte Carlo standard errors to either side.",
        f"Dashed: the target{aim}." if targets else "",
        "Lines that reach an edge go on." if any(one.is_cut for one in zips) else "",
    ]
    return " ".join(filter(None, parts))
