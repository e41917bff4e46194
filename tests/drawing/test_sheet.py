"""Both files of a figure, drawn at once, are what matplotlib draws one by one."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib
import pytest
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mcstudy.drawing import Sheet, lay_out, new_figure
from mcstudy.report.style import house_style

_NUMBER = re.compile(r"-?\d+\.\d+")
DATELESS = {"svg": {"Date": None, "Description": "what it shows"}, "pdf": {"CreationDate": None}}


def figure_of_all() -> Figure:
    """Everything that reports draw: lines, marks, spans, bands, texts above one another and upright, a legend."""
    figure = new_figure(4.0, 3.0)
    axes = figure.subplots()
    x = [1.0, 2.0, 4.0]
    axes.plot(x, [3.0, 1.0, 2.0], "o--", color="#0072b2", markeredgecolor="#ffffff", clip_on=False)
    axes.plot(x, [1.0, 2.0, 3.0], "s", color="#d55e00", alpha=0.5)
    axes.fill_between(x, [0.5, 0.6, 0.7], [0.9, 1.5, 0.9], color="#009e73", alpha=0.2, linewidth=0)
    axes.axhspan(1.2, 1.4, color="#009e73", alpha=0.16, linewidth=0)
    axes.text(2.0, 2.0, "two\nlines", ha="right")
    axes.annotate("0", (1.0, 3.0), (6, 0), textcoords="offset points")
    axes.set(xlabel="width", ylabel="error")
    axes.legend(handles=[Line2D([], [], marker="o", label="a <line> & another")], title="method")
    lay_out(figure)
    return figure


def drawn_alone(kind: str) -> bytes:
    file = io.BytesIO()
    canvas: Any = {"svg": FigureCanvasSVG, "pdf": FigureCanvasPdf}[kind](figure_of_all())
    getattr(canvas, f"print_{kind}")(file, metadata=DATELESS[kind])
    return file.getvalue()


# Points; before matplotlib 3.10 by pixels, half a one too much or too little.
APART = 0.02 if tuple(map(int, matplotlib.__version__.split(".")[:2])) >= (3, 10) else 0.6


def apart(svg: str) -> tuple[list[str], list[float]]:
    """The text of an SVG between its decimal numbers, and these."""
    return _NUMBER.split(svg), [float(number) for number in _NUMBER.findall(svg)]


def test_files_are_those_that_matplotlib_writes_one_by_one() -> None:
    """To the byte, but for what its SVG measures texts otherwise than its PDF."""
    with house_style():
        svg, pdf = Sheet(figure_of_all()).written("what it shows")
        assert pdf == drawn_alone("pdf")
        (words, numbers), (expected, places) = map(apart, (svg, drawn_alone("svg").decode()))
    assert words == expected
    assert numbers == pytest.approx(places, abs=APART)


def test_same_bytes_every_time() -> None:
    with house_style():
        one, other = (Sheet(figure_of_all()).written("") for _ in range(2))
    assert one == other


def test_a_description_is_among_the_metadata_if_there_is_one() -> None:
    with house_style():
        told, silent = (Sheet(figure_of_all()).written(text).svg for text in ("a < b", ""))
    assert "<dc:description>a &lt; b</dc:description>" in told
    assert "dc:description" not in silent


def test_texts_are_measured_as_the_pdf_sets_them() -> None:
    """Not by pixels: a text twice as large is twice as long."""
    with house_style():
        figure = new_figure(4.0, 3.0)
        small, large = (figure.text(0.1, 0.5, "wide enough", fontsize=size) for size in (9.0, 18.0))
        Sheet(figure)
        widths = [text.get_window_extent().width for text in (small, large)]
    assert widths[1] == pytest.approx(2.0 * widths[0], rel=1e-3)


def test_control_another_figure_has_other_files() -> None:
    with house_style():
        figure = figure_of_all()
        figure.axes[0].texts[0].set_text("another")
        svg, pdf = Sheet(figure).written("what it shows")
        assert pdf != drawn_alone("pdf")
        assert apart(svg)[0] != apart(drawn_alone("svg").decode())[0]
