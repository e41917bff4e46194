"""Pictures of measures, chosen by the shape of the design.

Zip plots where intervals are kept. Else curves where a measure runs along numbers, rows of points where it runs along
words (a lolly plot where there is a target), a panel for each combination of the remaining factors; where these are too
many, all scenarios side by side in nested loops: G. Rücker and G. Schwarzer, BMC Medical Research Methodology 14:129 (2014).
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mcstudy.measured import TOLD_APART, Division, MeasureCell, Measured, Panel, known
from mcstudy.report.numbers import label, level, plural, shown, uncertain
from mcstudy.report.style import (
    CHARACTER,
    MUTED,
    PAPER,
    RULE,
    SMALL,
    bars,
    decades,
    is_geometric,
    look,
    mark_levels,
    mark_ticks,
    number_ticks,
    tell,
)
from mcstudy.report.zips import draw_zip, figure_of_zips, sides_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

__all__ = ["description_of", "draw_measure", "figure_of", "reading_of"]

PANELS = 9  # of a picture at most
POSITIONS = 400  # of nested loops at most: more steps are narrower than the lines that draw them
MAIN, PANEL, TRACE = 2.9, 1.7, 0.3  # inches: axes alone, one of several, a factor below nested loops
ROW, DODGED, FOOT = 0.22, 0.12, 0.6  # inches: a row, one of several lines in it, what is below the rows
ENTRY = 0.2  # inches: an entry of the legend
LONGEST, LISTED = 24, 6  # letters of a row's level; levels of a factor that a caption lists
MARKED = 12  # marks along a stepped line
TITLE, NARROW = 34, 20  # letters of a line of an axis's label; of one at a panel among several
HEADING, LINE = {1: 60, 2: 22}, 0.15  # letters of a line of a title, by the panels in a row; its inches
DASHED: dict[str, Any] = {"color": MUTED, "linewidth": 1.0, "linestyle": (0, (4, 2)), "zorder": 1}
BARS = "Bars: two Monte Carlo standard errors to either side."


@dataclass(frozen=True)
class _Picture:
    """A measure divided into panels and lines by the factors of each."""

    measured: Measured
    lines: Sequence[str]
    division: Division

    @property
    def over(self) -> str:
        """The factor along which it runs."""
        return self.measured.layout.over

    @property
    def is_curve(self) -> bool:
        """Whether it runs along numbers."""
        return bool(self.over) and self.measured.is_numeric(self.over)

    @property
    def names(self) -> list[str]:
        """What the lines are called; under a heading by the one level that tells them apart."""
        if self.heading:
            return [level(levels.get(self.heading)) for levels in self.division.lines]
        return [label(levels) for levels in self.division.lines]

    @property
    def heading(self) -> str:
        """What the legend is called: the factor of the lines, if it is one."""
        return self.lines[0] if len(self.lines) == 1 else ""

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, in one axes each."""
        return self.division.panels


def _divided(measured: Measured, lines: Sequence[str], panels: Sequence[str]) -> _Picture:
    return _Picture(measured, lines, measured.divided(lines, panels))


def reading_of(measured: Measured) -> str:
    """Say in a sentence what a measure came to, for the page and as the picture's alternative text."""
    estimated = known(measured.cells)
    lost = len(measured.cells) - len(estimated)
    unknown = f" Not estimated in {plural(lost, 'scenario')}." if lost else ""
    if not estimated:
        return f"The {measured.label} could not be estimated."
    at = partial(label, only=measured.levels)
    low, high = (choose(estimated, key=lambda cell: cell.estimate) for choose in (min, max))
    if low.estimate == high.estimate:
        found = f"is {_number(low)}{' everywhere' if len(estimated) > 1 else ''}"
    else:
        found = (
            f"goes from {_number(low)} (at {at(low.scenario)}) to {_number(high)} (at {at(high.scenario)})"
        )
    targets = {cell.target for cell in measured.cells}
    aim = next(iter(targets))
    against = f"; its target is {shown(aim)}" if len(targets) == 1 and aim is not None else ""
    return f"The {measured.label} {found}{against}.{unknown}"


def description_of(measured: Measured) -> str:
    """What a reader who doesn't see the picture is told."""
    return " ".join(filter(None, [reading_of(measured), sides_of(measured)]))


def draw_measure(axes: Axes, measured: Measured) -> str:
    """Draw a measure onto given axes, and return its caption: a line for each combination of factors it does not run along.

    Of several zip plots each would need axes of its own.
    """
    if measured.is_zipped and len(measured.cells) == 1:
        return draw_zip(axes, measured)
    layout = measured.layout
    picture = _divided(measured, [*filter(None, [layout.lines]), *layout.panels], ())
    (panel,) = picture.panels
    _draw_panel(axes, picture, panel)
    _name_axes(axes, picture)
    if len(picture.names) > 1:
        _write_legend(axes, picture, loc="best")
    return _caption(picture, "Dashed" if picture.is_curve else "Upright strokes")


def figure_of(measured: Measured, width: float) -> tuple[Figure, str]:
    """Draw a measure as a figure of its own, and return it with its caption.

    Parameters
    ----------
    measured : Measured
    width : float
        In inches.
    """
    if measured.is_zipped:
        return figure_of_zips(measured, width)
    layout = measured.layout
    lines = [layout.lines] if layout.lines else []
    picture = _divided(measured, lines, layout.panels)
    if len(picture.panels) > PANELS:
        return _nested_loops(_divided(measured, lines, ()), width)
    columns = 1 if len(picture.panels) == 1 or not picture.is_curve else 2
    rows = math.ceil(len(picture.panels) / columns)
    titles = [textwrap.fill(label(panel.levels), HEADING[columns]) for panel in picture.panels]
    height = _height(picture) + LINE * max(title.count("\n") for title in titles)
    figure, places = _sheet(picture, [height] * rows, columns, width)
    first = figure.add_subplot(places[0])
    others = places[1 : len(picture.panels)]
    panels = [first, *(figure.add_subplot(place, sharex=first, sharey=first) for place in others)]
    for number, (axes, panel) in enumerate(zip(panels, picture.panels, strict=True)):
        _draw_panel(axes, picture, panel, titles[number])
        _name_axes(axes, picture, TITLE if len(panels) == 1 else NARROW)
        lowest, leftmost = number + columns >= len(panels), number % columns == 0
        axes.tick_params(labelbottom=lowest, labelleft=leftmost)
        axes.xaxis.label.set_visible(lowest)
        axes.yaxis.label.set_visible(leftmost)
    return figure, _caption(picture, "Dashed" if picture.is_curve else "Upright strokes")


def _real(value: Any) -> float:
    return float(value)


def _number(cell: MeasureCell) -> str:
    return uncertain(cell.estimate, cell.mcse)


def _style(position: int) -> dict[str, Any]:
    """How a line looks; those beyond what can be told apart are grey."""
    style = look(position) | {"linewidth": 1.2, "markersize": 4.5}
    style |= {"markeredgecolor": PAPER, "markeredgewidth": 0.4}
    return style if position < TOLD_APART else style | {"color": MUTED, "alpha": 0.5, "markersize": 2.5}


def _told(cells: Sequence[MeasureCell]) -> list[str]:
    return [f"{label(cell.scenario)}: {_number(cell)}" for cell in cells]


def _error(cells: Sequence[MeasureCell]) -> Any:
    """Two standard errors, 0 where there is none."""
    return np.nan_to_num([2.0 * cell.mcse for cell in cells])


def _draw_panel(axes: Axes, picture: _Picture, panel: Panel, title: str = "") -> None:
    """Draw curves or rows, under the panel's title."""
    (_draw_curves if picture.is_curve else _draw_rows)(axes, picture, panel)
    axes.set_title(title, fontsize=SMALL, color=MUTED, loc="left", pad=3)


def _draw_curves(axes: Axes, picture: _Picture, panel: Panel) -> None:
    """Draw a curve with bars for every line, and the target along them."""
    for series in panel.series:
        cells, style = known(series.cells), _style(series.position)
        x = np.array([_real(cell.scenario[picture.over]) for cell in cells])
        y, error = np.array([cell.estimate for cell in cells]), _error(cells)
        low = np.maximum(y - error, y / 10.0) if picture.measured.is_wide else y - error
        bars(axes, x, low, y + error, color=style["color"], linewidth=1.0, alpha=style.get("alpha", 1.0))
        tell(axes.plot(x, y, **style), _told(cells))
    _draw_targets(axes, picture, panel)
    levels = sorted(_real(one) for one in picture.measured.levels[picture.over])
    mark_levels(axes, levels, logarithmic=is_geometric(levels))
    _scale_values(axes, picture.measured)


def _draw_targets(axes: Axes, picture: _Picture, panel: Panel) -> None:
    """Draw the target once where the lines share it, else beside each line in its colour."""
    shared = panel.shares_targets([picture.over])
    for series in panel.series[:1] if shared else panel.series:
        aimed = [(_real(c.scenario[picture.over]), c.target) for c in series.cells if c.target is not None]
        colour = {} if shared else {"color": _style(series.position)["color"]}
        if aimed:
            axes.plot(*zip(*aimed, strict=True), **DASHED | colour)


def _scale_values(axes: Axes, measured: Measured) -> None:
    """Make the vertical axis logarithmic where values span orders of magnitude, and mark numbers on it."""
    if not measured.is_wide:
        number_ticks(axes.yaxis, 5)
        return
    low, high = measured.extremes
    ends = low / 1.5, high * 1.5
    axes.set_yscale("log")
    axes.set_ylim(*ends)
    mark_ticks(axes.yaxis, *decades(*ends))
    axes.minorticks_off()


def _draw_rows(axes: Axes, picture: _Picture, panel: Panel) -> None:
    """Draw a row for every level, in it a point with a bar for every line, on a stem from the target."""
    levels = picture.measured.levels.get(picture.over, [None])
    heights = {repr(one): -float(k) for k, one in enumerate(levels)}
    lines = len(picture.names)
    for series in panel.series:
        cells, style = known(series.cells), _style(series.position)
        aside = 0.8 * ((series.position + 0.5) / lines - 0.5)
        y = np.array([heights[repr(cell.scenario.get(picture.over))] - aside for cell in cells])
        x, error = np.array([cell.estimate for cell in cells]), _error(cells)
        targets = np.array([cell.aim for cell in cells])
        look_of_bars = {"color": style["color"], "alpha": style.get("alpha", 1.0)}
        bars(axes, y, targets, x, along="x", linewidth=0.7, **look_of_bars)
        bars(axes, y, x - error, x + error, along="x", linewidth=1.8, **look_of_bars)
        axes.plot(targets, y, "|", color=MUTED, markersize=7, zorder=1)
        tell(axes.plot(x, y, **style | {"linestyle": "none"}), _told(cells))
    named = picture.over in picture.measured.levels
    mark_ticks(axes.yaxis, list(heights.values()), [_cut(level(one)) if named else "" for one in levels])
    axes.set_ylim(min(heights.values()) - 0.6, 0.6)
    axes.grid(axis="x", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    number_ticks(axes.xaxis, 5)


def _cut(text: str) -> str:
    return f"{text[: LONGEST - 1]}…" if len(text) > LONGEST else text


def _height(picture: _Picture) -> float:
    """Inches that axes want."""
    if picture.is_curve:
        return MAIN if len(picture.panels) == 1 else PANEL
    rows = len(picture.measured.levels.get(picture.over, [None]))
    return max(ROW, DODGED * len(picture.names)) * rows + FOOT


def _sheet(
    picture: _Picture, heights: list[float], columns: int, width: float
) -> tuple[Figure, list[SubplotSpec]]:
    """A figure with the legend at its top, and below it places for axes in rows of these heights."""
    from mcstudy.drawing import new_figure

    above = [_legend_height(picture, width)] if len(picture.names) > 1 else []
    figure = new_figure(width, sum(above + heights))
    grid = figure.add_gridspec(len(above + heights), columns, height_ratios=above + heights)
    if above:
        axes = figure.add_subplot(grid[0, :])
        axes.set_axis_off()
        columns_of_legend = _legend_columns(picture, width)
        _write_legend(axes, picture, loc="upper left", borderaxespad=0.0, ncols=columns_of_legend)
    rows = range(len(above), len(above + heights))
    return figure, [grid[row, column] for row in rows for column in range(columns)]


def _legend_columns(picture: _Picture, width: float) -> int:
    longest = max(map(len, picture.names)) * CHARACTER + 0.6  # the handle and the space around it
    return max(1, min(len(picture.names), int(width / longest)))


def _legend_height(picture: _Picture, width: float) -> float:
    """Inches of the legend."""
    lines = math.ceil(min(len(picture.names), TOLD_APART) / _legend_columns(picture, width))
    return ENTRY * (lines + bool(picture.heading)) + 0.1


def _write_legend(axes: Axes, picture: _Picture, **style: Any) -> None:
    from matplotlib.lines import Line2D

    names = enumerate(picture.names[:TOLD_APART])
    handles = [Line2D([], [], label=name, **_style(position)) for position, name in names]
    style |= {"handlelength": 2.6, "labelspacing": 0.35, "title_fontsize": SMALL, "alignment": "left"}
    axes.legend(handles=handles, title=picture.heading or None, **style)


def _name_axes(axes: Axes, picture: _Picture, letters: int = TITLE) -> None:
    """Write what the axes are."""
    across, up = picture.measured.label, picture.over
    if picture.is_curve:
        across, up = up, across
    axes.set(xlabel=textwrap.fill(across, TITLE), ylabel=textwrap.fill(up, letters))


def _caption(picture: _Picture, mark: str = "Dashed") -> str:
    """Say what bars and dashes are, and what is not told apart."""
    targets = {cell.target for cell in picture.measured.cells} - {None}
    aim = "".join(f" {shown(target)}" for target in targets if target is not None and len(targets) == 1)
    aimed = f"{mark}: the target{aim}." if targets else ""
    grey = len(picture.names) - TOLD_APART
    return " ".join(filter(None, [BARS, aimed, f"Grey: {plural(grey, 'other line')}." if grey > 0 else ""]))


def _nested_loops(picture: _Picture, width: float) -> tuple[Figure, str]:
    """Draw all scenarios side by side, a stepped line for every line, and below them the other factors."""
    measured = picture.measured
    loops = [*measured.layout.panels, measured.layout.over]
    places = list(dict.fromkeys(_place(cell, loops) for cell in measured.ordered(loops)))
    shown_places = {place: position for position, place in enumerate(places[:POSITIONS])}
    figure, (main, below) = _sheet(picture, [MAIN, TRACE * len(loops) + FOOT], 1, width)
    axes = figure.add_subplot(main)
    _draw_steps(axes, picture, shown_places, loops)
    _draw_loops(figure.add_subplot(below, sharex=axes), measured, shown_places, loops)
    axes.tick_params(labelbottom=False, bottom=False)
    axes.set_ylabel(textwrap.fill(measured.label, TITLE))
    left_out = len(places) - len(shown_places)
    first = f" The first {POSITIONS} are shown, {left_out} more are in the table." if left_out else ""
    levels = "; ".join(f"{name}: {_listed(measured, name)}" for name in loops)
    told = f"All combinations of the factors below side by side; each steps up with its level. {levels}."
    return figure, f"{told}{first} {_caption(picture)}"


def _place(cell: MeasureCell, loops: Sequence[str]) -> tuple[str, ...]:
    return tuple(repr(cell.scenario.get(name)) for name in loops)


def _draw_steps(
    axes: Axes, picture: _Picture, places: Mapping[tuple[str, ...], int], loops: Sequence[str]
) -> None:
    """Draw every line in steps, with bars, and the target."""
    (panel,) = picture.panels
    shared = panel.shares_targets(loops)
    x = np.arange(float(len(places)))
    for series in panel.series:
        y, error, target = np.full((3, len(places)), np.nan)
        for cell in series.cells:
            position = places.get(_place(cell, loops))
            if position is not None:
                y[position], error[position], target[position] = cell.estimate, 2.0 * cell.mcse, cell.aim
        style = _style(series.position) | {"markevery": max(1, len(places) // MARKED)}
        bars(axes, x, y - error, y + error, color=style["color"], linewidth=0.6, alpha=0.4)
        axes.plot(x, y, drawstyle="steps-mid", **style)
        if not shared or series is panel.series[0]:
            colour = {} if shared else {"color": style["color"]}
            axes.plot(x, target, drawstyle="steps-mid", **DASHED | colour)
    _scale_values(axes, picture.measured)


def _draw_loops(
    axes: Axes, measured: Measured, places: Mapping[tuple[str, ...], int], loops: Sequence[str]
) -> None:
    """Draw a stepped line for every factor, one below the other."""
    x = np.arange(float(len(places)))
    for row, name in enumerate(loops):
        ranks, height = measured.ranks(name), 0.7 / (len(measured.levels[name]) - 1)
        y = [-row - 0.35 + height * ranks[place[row]] for place in places]
        axes.plot(x, y, drawstyle="steps-mid", color=MUTED, linewidth=0.9)
    mark_ticks(axes.yaxis, [-float(row) for row in range(len(loops))], [_cut(name) for name in loops])
    axes.set_ylim(-len(loops) + 0.4, 0.6)
    mark_ticks(axes.xaxis, [], [])
    axes.set_xlabel(plural(len(places), "combination"))


def _listed(measured: Measured, factor: str) -> str:
    """The levels of a factor, the first and the last where they are many."""
    texts = [level(one) for one in measured.ascending(factor)]
    return ", ".join(texts) if len(texts) <= LISTED else f"{texts[0]} … {texts[-1]}"
