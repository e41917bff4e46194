"""Figures on disk that need not be drawn again.

The last line of an SVG is a seal over what the figure is drawn from, its own text, and the PDF beside it. A figure
whose claim was judged anew, one that was edited, or one whose PDF is gone has another seal than it should.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import mcstudy
from mcstudy._version import __version__
from mcstudy.codec import plain

__all__ = ["inputs_digest", "keep", "kept"]

# What a drawing's bytes depend on beside our own code and the interpreter.
LIBRARIES = ("matplotlib", "numpy", "fonttools")


def inputs_digest(shown: Any, drawn_by: str) -> str:
    """The digest of what a figure is drawn from: findings and numbers, and the code that draws them.

    Parameters
    ----------
    shown : dataclasses, containers, numbers
    drawn_by : str
        The name of the module that draws it, which may be of another package.
    """
    content = [plain(shown), _code(), _text_of(drawn_by)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def kept(stem: Path, inputs: str) -> str | None:
    """The SVG of a figure that was drawn from these inputs and lies there as it was written, else None.

    Parameters
    ----------
    stem : Path
        Of the files, without ``.svg`` and ``.pdf``.
    inputs : str
        See `inputs_digest`.
    """
    svg, pdf = _files(stem)
    try:
        text, drawing = svg.read_text(encoding="utf-8"), pdf.read_bytes()
    except (OSError, UnicodeDecodeError):
        return None
    figure = text[: text.rfind("<!--")]
    return text if text == figure + _seal(inputs, figure, drawing) else None


def keep(stem: Path, inputs: str, figure: str, drawing: bytes) -> str:
    """Write a figure as SVG and as PDF, and return the text of the first, with its seal."""
    svg, pdf = _files(stem)
    text = figure + _seal(inputs, figure, drawing)
    pdf.write_bytes(drawing)
    svg.write_text(text, encoding="utf-8")
    return text


def _files(stem: Path) -> tuple[Path, Path]:
    return Path(f"{stem}.svg"), Path(f"{stem}.pdf")  # an id has dots: `with_suffix` would cut it


def _seal(inputs: str, figure: str, drawing: bytes) -> str:
    digest = hashlib.sha256(f"{inputs}\n{figure}\n".encode() + drawing).hexdigest()
    return f"<!-- mcstudy: {digest} -->\n"


@cache
def _code() -> str:
    """The version of all that draws; while the package is worked on its number stays, and its text does not."""
    versions = [f"{name} {metadata.version(name)}" for name in LIBRARIES]
    digest = hashlib.sha256(" ".join([__version__, sys.version, *versions]).encode())
    for path in sorted(Path(mcstudy.__path__[0]).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _text_of(module: str) -> str:
    """The digest of a module's file."""
    file = getattr(sys.modules[module], "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""
