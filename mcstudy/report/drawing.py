"""A figure and the sentence that says how to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawing"]


class Drawing(NamedTuple):
    """A figure and its caption in plain text."""

    figure: Figure
    caption: str
