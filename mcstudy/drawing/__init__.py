"""Figures laid out and written in one go: as an SVG and as a PDF, with ticks that cost little."""

from mcstudy.drawing.layout import lay_out, new_figure
from mcstudy.drawing.sheet import Sheet, Written

__all__ = ["Sheet", "Written", "lay_out", "new_figure"]
