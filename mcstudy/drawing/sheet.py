"""A figure written as SVG and as PDF by drawing it once.

matplotlib has a renderer for each kind of file, and lays out and draws a figure anew for every one. Most of that time
goes into what both have in common: where ticks are, how long texts are, what a transform makes of a path.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from matplotlib.backend_bases import FigureCanvasBase, RendererBase
from matplotlib.backends import backend_pdf, backend_svg
from matplotlib.figure import Figure

from mcstudy.drawing.layout import POINTS

_PDF: Any = backend_pdf  # matplotlib declares no types of either
_SVG: Any = backend_svg

__all__ = ["Sheet", "Written"]


class Written(NamedTuple):
    """A figure as the contents of two files."""

    svg: str
    pdf: bytes


class Sheet(FigureCanvasBase):
    """What a figure is measured by, and then drawn on.

    Parameters
    ----------
    figure : Figure
        Its layout must be settled before it is written.
    """

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self._size = width, height = figure.get_size_inches().tolist()
        self._stream = io.BytesIO()
        self._file = _PDF.PdfFile(self._stream, metadata={"CreationDate": None})
        self._file.newPage(width, height)
        self._pdf = _PDF.RendererPdf(self._file, POINTS, height, width)
        self._renderer = _Both(self._pdf)

    def get_renderer(self) -> RendererBase:
        """What matplotlib measures texts by, so that the layout fits the drawing to the last digit."""
        return self._renderer

    def written(self, description: str) -> Written:
        """Draw the figure, once, and return its files; without dates.

        Parameters
        ----------
        description : str
            Among the metadata of the SVG; none if empty.
        """
        text, (width, height) = io.StringIO(), self._size
        metadata = {"Date": None, "Description": description or None}
        svg = _SVG.RendererSVG(width * POINTS, height * POINTS, text, image_dpi=POINTS, metadata=metadata)
        self._renderer.svg = svg
        self.figure.draw(self._renderer)
        svg.finalize()
        self._pdf.finalize()
        self._file.finalize()
        self._file.close()
        return Written(text.getvalue(), self._stream.getvalue())


class _Both(RendererBase):
    """Draws on two renderers; measures by the first, which knows what its file will hold."""

    svg: Any

    def __init__(self, pdf: Any) -> None:
        super().__init__()
        self.pdf = pdf

    def __getattr__(self, name: str) -> Any:
        """What a version of matplotlib asks of renderers for PDFs and of no others."""
        return getattr(self.pdf, name)

    def new_gc(self) -> Any:
        return self.pdf.new_gc()  # has all that the other one reads

    def get_canvas_width_height(self) -> Any:
        return self.pdf.get_canvas_width_height()

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> Any:
        return self.pdf.get_text_width_height_descent(s, prop, ismath)

    def flipy(self) -> bool:
        return False

    def open_group(self, s: str, gid: str | None = None) -> None:
        self.svg.open_group(s, gid)

    def close_group(self, s: str) -> None:
        self.svg.close_group(s)

    def draw_path(self, gc: Any, *drawing: Any, **options: Any) -> None:
        self.pdf.draw_path(gc, *drawing, **options)
        self.svg.draw_path(gc, *drawing, **options)

    def draw_markers(self, gc: Any, *drawing: Any, **options: Any) -> None:
        self.pdf.draw_markers(gc, *drawing, **options)
        self.svg.draw_markers(gc, *drawing, **options)

    def draw_path_collection(self, gc: Any, *drawing: Any, **options: Any) -> None:
        self.pdf.draw_path_collection(gc, *drawing, **options)
        self.svg.draw_path_collection(gc, *drawing, **options)

    def draw_text(self, gc: Any, x: float, y: float, *text: Any, **options: Any) -> None:
        self.pdf.draw_text(gc, x, y, *text, **options)
        _, height = self.get_canvas_width_height()
        self.svg.draw_text(gc, x, height - y, *text, **options)  # counts from the top
