"""Ticks as texts look as matplotlib's own do, and everything has its place on the sheet."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from mcstudy.drawing import lay_out, new_figure
from mcstudy.report.style import house_style, mark_ticks

WORDS = "a label of several words that is far wider than the figure"


def panels(rows: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    figure = new_figure(3.0, 2.0 * rows)
    return figure, list(figure.subplots(rows, 1, squeeze=False, **options)[:, 0])


def draw(axes: Axes) -> None:
    """Two scales with labels and a grid, and a tick beyond the end of one."""
    axes.set_xlim(-0.5, 10.5)
    axes.set_yscale("log")
    axes.set_ylim(0.5, 200.0)
    mark_ticks(axes.xaxis, [0.0, 5.0, 10.0, 20.0], ["0", "5", "10", "beyond"])
    mark_ticks(axes.yaxis, [1.0, 10.0, 100.0], ["1", "10", "100"])
    axes.minorticks_off()
    axes.grid(axis="x", color="#cccccc", linewidth=0.5)
    axes.set(xlabel="across", ylabel="up")


def labels(axes: Axes, along: int) -> dict[str, Text]:
    """The labels of an axis's ticks by what they say: centred below, or to the left of it."""
    return {
        text.get_text(): text
        for text in axes.texts
        if (text.get_horizontalalignment() == "right") is bool(along)
    }


def marks(axes: Axes) -> list[Line2D]:
    """The marks of both axes."""
    return [line for line in axes.lines if line.get_linestyle() == "None"]


def places(axes: Axes, along: int) -> list[float]:
    return list(np.asarray(marks(axes)[along].get_data()[along], dtype=float))


def corners(text: Text) -> list[float]:
    return [float(end) for end in text.get_window_extent().extents]


def test_texts_stand_where_matplotlib_puts_its_ticks() -> None:
    """The same axes twice: ours, and left to matplotlib where ours came to lie."""
    with house_style():
        figure, (axes,) = panels()
        draw(axes)
        lay_out(figure)
        other = Figure(figsize=(3.0, 2.0), dpi=72)
        theirs = other.add_axes(axes.get_position().bounds)
        draw(theirs)
        for one in (figure, other):
            one.draw_without_rendering()
    assert (list(labels(axes, 0)), list(labels(axes, 1))) == (["0", "5", "10"], ["1", "10", "100"])
    assert (places(axes, 0), places(axes, 1)) == ([0.0, 5.0, 10.0], [1.0, 10.0, 100.0])
    for along, (own, axis) in enumerate([(axes.xaxis, theirs.xaxis), (axes.yaxis, theirs.yaxis)]):
        ticks = axis.get_major_ticks()
        expected = {tick.label1.get_text(): tick for tick in ticks}
        for name, text in labels(axes, along).items():
            assert corners(text) == pytest.approx(corners(expected[name].label1), abs=1e-6)
        assert corners(own.label) == pytest.approx(corners(axis.label), abs=1e-6)
        line, mark = ticks[0].tick1line, marks(axes)[along]
        for look in ("markersize", "markeredgewidth", "color", "marker"):
            assert getattr(mark, f"get_{look}")() == getattr(line, f"get_{look}")()
        assert mark.get_zorder() == axis.get_zorder()
    (grid,) = (line for line in axes.lines if line.get_color() == "#cccccc")
    assert grid.get_zorder() == theirs.xaxis.get_zorder()
    assert grid.get_linewidth() == 0.5


def test_an_axis_that_hides_its_labels_keeps_its_marks() -> None:
    with house_style():
        figure, both = panels(2)
        for axes in both:
            draw(axes)
            axes.label_outer()
        lay_out(figure)
    above, below = both
    assert labels(above, 0) == {}
    assert places(above, 0) == places(below, 0) == [0.0, 5.0, 10.0]
    assert above.bbox.y0 > below.bbox.y1


@pytest.mark.parametrize("shared", [False, True])
def test_labels_that_touch_are_thinned_in_all_panels_that_share_them(shared: bool) -> None:
    with house_style():
        figure, both = panels(2, sharex=shared)
        for axes in both:
            axes.set_xlim(0.0, 7.0)
            mark_ticks(axes.xaxis, range(8), [f"10 000 {k}" for k in range(8)])
            axes.grid(axis="x")
        both[0].tick_params(labelbottom=False)
        lay_out(figure)
    boxes = [text.get_window_extent() for text in labels(both[1], 0).values()]
    assert 1 < len(boxes) < 8
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert len(places(both[1], 0)) == len(boxes)
    assert (places(both[0], 0) == places(both[1], 0)) is shared


def test_a_label_wider_than_the_sheet_is_wrapped() -> None:
    with house_style():
        figure, (axes,) = panels()
        draw(axes)
        axes.set_xlabel(WORDS)
        lay_out(figure)
        figure.draw_without_rendering()
    left, low, right, _ = corners(axes.xaxis.label)
    assert "\n" in axes.get_xlabel()
    assert min(left, low) >= 0.0
    assert right <= figure.bbox.x1


@pytest.mark.parametrize("text", ["0", "100 000 000"])
def test_labels_at_the_end_of_an_axis_are_on_the_sheet(text: str) -> None:
    """The longer one takes room from the axes."""
    with house_style():
        figure, (axes,) = panels()
        axes.set_xlim(0.0, 1.0)
        mark_ticks(axes.xaxis, [1.0], [text])
        mark_ticks(axes.yaxis, [], [])
        lay_out(figure)
    assert labels(axes, 0)[text].get_window_extent().x1 <= figure.bbox.x1
    assert bool(figure.bbox.x1 - axes.bbox.x1 > 10.0) is (len(text) > 1)


def test_an_axis_without_ticks_takes_no_room() -> None:
    with house_style():
        figure, (axes,) = panels()
        for axis in (axes.xaxis, axes.yaxis):
            mark_ticks(axis, [], [])
        lay_out(figure)
    assert max(axes.bbox.x0, axes.bbox.y0) < 4.0


def test_axes_without_a_frame_get_no_ticks() -> None:
    with house_style():
        figure, (axes,) = panels()
        axes.set_axis_off()
        lay_out(figure)
    assert len(axes.texts) == len(axes.lines) == 0
