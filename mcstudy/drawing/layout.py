"""Room for labels: ticks become plain texts, all is measured, and what doesn't fit is thinned or wrapped.

A tick of matplotlib is five artists, and an axis measures all of them several times whenever it is measured or drawn: half
the time of a figure. So an axis keeps its scale and its label, and its ticks are one line of marks and the texts below.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import TightLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT
from matplotlib.text import Text
from matplotlib.ticker import NullLocator

__all__ = ["POINTS", "lay_out", "new_figure"]

POINTS = 72  # in an inch: figures have so many dots, as their files have
PAD = 0.3  # around the panels, in heights of a letter
APART = 2.9  # points between the labels of neighbouring ticks
CLOSE = 1e-9  # of an axis's range: a tick at its end counts as inside


def new_figure(width: float, height: float) -> Figure:
    """An empty figure whose panels leave the room that labels need.

    Parameters
    ----------
    width, height : float
        In inches.
    """
    # It looks at all labels once; the constrained engine does it twice, as this one would within a rectangle.
    engine = TightLayoutEngine(pad=PAD, rect=None)  # type: ignore[arg-type]
    return Figure(figsize=(width, height), dpi=POINTS, layout=engine)


def lay_out(figure: Figure) -> None:
    """Give everything its place, and keep it there.

    Ticks whose labels touch are dropped, and labels of axes that leave the sheet are wrapped or moved.

    Parameters
    ----------
    figure : Figure
        Of `new_figure`, with everything drawn, in the style that it is to have. Afterwards no axis has ticks of its own.
    """
    engine: Any = figure.get_layout_engine()
    scales = _scales_of(figure)
    engine.execute(figure)
    # What fits is known only when all has its place.
    if _settle(figure, scales):
        engine.execute(figure)
    figure.set_layout_engine("none")


@dataclass
class _Scale:
    """The ticks of an axis: marks, lines of a grid or none, and labels by their places."""

    axes: Axes
    along: int  # 0 or 1: the coordinate that runs along the axis
    marks: Line2D
    grid: Line2D | None
    labels: dict[float, Text]

    @property
    def axis(self) -> Axis:
        """The axis that has only its label now."""
        return _axis(self.axes, self.along)

    def put_label_outside(self) -> None:
        """Move the axis's label beyond those of the ticks."""
        across = 1 - self.along
        edge = self.axes.bbox.min[across]
        outermost = min((text.get_window_extent().min[across] for text in self.labels.values()), default=edge)
        self.axis.labelpad += max(edge - outermost, self.marks.get_markersize() * self.marks.get_visible())

    def thinned(self, sheet: float) -> tuple[list[float], bool]:
        """The places that stay so that no two labels touch, and whether that, or a label beyond the sheet, asks for more room."""
        boxes = {place: text.get_window_extent() for place, text in self.labels.items() if text.get_text()}
        kept = places = sorted(boxes, key=lambda place: float(boxes[place].min[self.along]))
        stride = 1
        while any(
            boxes[right].min[self.along] < boxes[left].max[self.along] + APART
            for left, right in pairwise(kept)
        ):
            stride += 1
            kept = places[::stride]
        beyond = any(boxes[place].min[0] < 0.0 or boxes[place].max[0] > sheet for place in kept)
        return (kept if stride > 1 else []), stride > 1 or beyond

    def keep(self, places: Sequence[float]) -> None:
        """Drop all ticks but some."""
        for place in self.labels.keys() - set(places):
            self.labels.pop(place).remove()
        self.mark(places)

    def mark(self, places: Sequence[float]) -> None:
        """Put marks and lines of the grid at places."""
        _put(self.marks, self.along, places, [0.0] * len(places))
        if not places:  # it would count as a point at the figure's corner
            self.marks.set_visible(False)
        if self.grid:
            ends = [end for place in places for end in (place, place, math.nan)]
            _put(self.grid, self.along, ends, [0.0, 1.0, math.nan] * len(places))


def _put(line: Line2D, along: int, places: Sequence[float], across: Sequence[float]) -> None:
    line.set_data(*((places, across) if along == 0 else (across, places)))


def _axis(axes: Axes, along: int) -> Axis:
    return (axes.xaxis, axes.yaxis)[along]


def _scales_of(figure: Figure) -> list[_Scale]:
    """Write the ticks of all axes as lines and texts, and take the axes' own."""
    framed = [(axes, along) for axes in figure.axes if axes.axison for along in (0, 1)]
    scales = [_scale_of(axes, along) for axes, along in framed if _axis(axes, along).get_visible()]
    for scale in scales:  # panels may share their ticks: none is taken before all are written
        scale.axis.set_major_locator(NullLocator())
        scale.axis.set_minor_locator(NullLocator())
        scale.put_label_outside()
    return scales


def _scale_of(axes: Axes, along: int) -> _Scale:
    axis = _axis(axes, along)
    looks, written = axis.get_tick_params(which="major"), _ticks_of(axis)
    # Until matplotlib 3.10 both axes speak of their left.
    side = "bottom" if "bottom" in looks else "left"
    scale = _Scale(
        axes,
        along,
        _marks(axes, along, visible=looks[side]),
        _grid(axes, along, looks) if looks["gridOn"] else None,
        _labels(axes, along, written) if looks[f"label{side}"] else {},
    )
    scale.mark(list(written))
    return scale


def _ticks_of(axis: Axis) -> dict[float, str]:
    """The labels of an axis's ticks, by the places of those that are in sight."""
    low, high = sorted(map(float, axis.get_view_interval()))
    places = [float(place) for place in axis.get_majorticklocs()]
    texts = axis.get_major_formatter().format_ticks(places)
    room = CLOSE * (high - low)
    ticks = zip(places, texts, strict=True)
    return {place: text for place, text in ticks if low - room <= place <= high + room}


def _setting(along: int, key: str) -> Any:
    """What the style says of the ticks of an axis."""
    settings: Any = mpl.rcParams  # its declared keys are literals
    return settings[f"{'xy'[along]}tick.{key}"]


def _marks(axes: Axes, along: int, *, visible: bool) -> Line2D:
    style: dict[str, Any] = {"linestyle": "none", "clip_on": False, "visible": visible}
    style |= {"marker": (TICKDOWN, TICKLEFT)[along], "zorder": _axis(axes, along).get_zorder()}
    style |= {"markersize": _setting(along, "major.size"), "markeredgewidth": _setting(along, "major.width")}
    place = (axes.get_xaxis_transform, axes.get_yaxis_transform)[along](which="tick1")
    marks = Line2D([], [], color=_setting(along, "color"), transform=place, **style)
    axes.add_artist(marks)
    return marks


def _grid(axes: Axes, along: int, looks: dict[str, Any]) -> Line2D:
    style = {key.removeprefix("grid_"): value for key, value in looks.items() if key.startswith("grid_")}
    place = (axes.get_xaxis_transform, axes.get_yaxis_transform)[along](which="grid")
    grid = Line2D([], [], transform=place, zorder=_axis(axes, along).get_zorder(), **style)
    grid.set_in_layout(False)  # it ends where the axes end
    axes.add_artist(grid)
    return grid


def _labels(axes: Axes, along: int, written: dict[float, str]) -> dict[float, Text]:
    away = _setting(along, "major.size") + _setting(along, "major.pad")
    place = (axes.get_xaxis_text1_transform, axes.get_yaxis_text1_transform)[along]
    transform, upright, across = place(away)
    style = {"fontsize": _setting(along, "labelsize"), "color": _setting(along, "labelcolor")}
    style |= {"transform": transform, "verticalalignment": upright, "horizontalalignment": across}
    return {
        at: axes.text(*((at, 0.0) if along == 0 else (0.0, at)), text, **style)
        for at, text in written.items()
    }


def _settle(figure: Figure, scales: Sequence[_Scale]) -> bool:
    """Drop ticks whose labels touch, wrap or move labels of axes that leave the sheet; say whether to lay out anew."""
    changed, width = False, figure.bbox.width
    for scale in scales:
        kept, crowded = scale.thinned(width)
        for other in scales if kept else ():
            if other.axis.major is scale.axis.major:  # shared by panels
                other.keep(kept)
        changed |= crowded
    for axes in figure.axes:
        changed |= _contain(axes.xaxis.label, width, axes.bbox.width, 0)
        changed |= _contain(axes.yaxis.label, axes.bbox.height, axes.bbox.height, 1)
    return changed


def _contain(label: Text, sheet: float, room: float, along: int) -> bool:
    """Wrap an axis's label into its axes, if it leaves the sheet; at the right end, where words are too long."""
    box = label.get_window_extent()
    length = float(box.size[along])
    low, high = (0.0, sheet) if along == 0 else (-math.inf, math.inf)
    if not length or (low <= box.min[along] and box.max[along] <= high and length <= sheet):
        return False
    letters = max(8, int(len(label.get_text()) * min(1.0, room / length)))
    label.set_text(textwrap.fill(label.get_text(), letters, break_long_words=length > sheet))
    if along == 0:
        label.set(x=1.0, horizontalalignment="right")
    return True
