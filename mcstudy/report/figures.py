"""The figures of a report: as files for papers, and inline for the page.

The last line of an SVG is a seal over what the figure is drawn from, its own text, and the PDF beside it. A figure
whose claim was judged anew, one that was edited, or one whose PDF is gone has another seal than it should, and is drawn.
"""

from __future__ import annotations

import hashlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mcstudy
from mcstudy._version import __version__
from mcstudy.codec import plain
from mcstudy.findings import correction_of, side_by_side
from mcstudy.jsontext import pieces
from mcstudy.ledger import LONG, Ledger, Overlay
from mcstudy.report.inline import caption_of, inline, with_titles
from mcstudy.report.kinds import CHOSEN, file_name, kind_of, leading
from mcstudy.report.lines import draw_overlay, height_of_curves, overlay_curves
from mcstudy.report.measures import description_of, figure_of
from mcstudy.report.style import MARKS, PART, WHOLE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mcstudy.findings import Finding
    from mcstudy.measured import Measured

__all__ = ["MARKED", "Drawn", "inputs_digest", "keep", "kept", "write_claim", "write_figures"]

WIDTH = 4.4  # inches: shrunk to a phone of 360 px, the smallest type still has 9 px
TITLED = 40  # claims of a report whose figures tell their numbers on its page; the files always do
TALLER = 0.4  # inches that a figure of several claims has more
ROWS, CROWDED_ROWS, CROWDED = 16, 12, 20  # cells of a figure; fewer in a report of more than so many claims
MARKED = f"Cells are {', '.join(f'{look.shape} where {name.lower()}' for name, look in MARKS.items())}. "
MARKED += f"Where there are too many for a figure, it shows some: {CHOSEN}."
# What matplotlib warns of where a font lacks a character; before 3.11 also for want of a whole script.
_GLYPH = re.compile(r"Glyph (\d+) .*missing from font")
_SCRIPT = "Matplotlib currently does not support .* natively"

# What a drawing's bytes depend on beside our own code and the interpreter.
LIBRARIES = ("matplotlib", "numpy", "fonttools")


class Drawn(NamedTuple):
    """A figure for the page: its SVG, its caption, and the stem of its files."""

    svg: str
    caption: str
    stem: str


class _Order(NamedTuple):
    """A figure to be had: what it shows, who draws it with its caption, and how it is told."""

    stem: str
    shown: Any
    drawn_by: str
    draw: Callable[[], tuple[Figure, str]]
    title: str
    description: str


class _Written(NamedTuple):
    """A figure as files, and whether their font lacks a character."""

    svg: str
    pdf: bytes
    lost: bool


def write_figures(ledger: Ledger, folder: Path) -> dict[str, Drawn]:
    """Write every claim, overlay and measure as SVG and PDF, and return them for the page.

    A figure that lies there already, drawn from the same findings by the same code, is left as it is.

    Parameters
    ----------
    ledger : Ledger
    folder : Path
        Exists.

    Returns
    -------
    dict from str to Drawn
        By stem: ``claim-ID``, ``overlay-ID`` and ``measure-ID``, this where it has several scenarios or intervals.
    """
    orders = list(_orders(ledger))
    inputs = {order.stem: inputs_digest(order.shown, order.drawn_by) for order in orders}
    found = {stem: kept(folder / stem, digest) for stem, digest in inputs.items()}
    figures = {stem: svg for stem, svg in found.items() if svg is not None}
    for stem, files in _all_written([order for order in orders if order.stem not in figures]).items():
        figures[stem] = keep(folder / stem, inputs[stem], files.svg, files.pdf)
    return {
        order.stem: Drawn(
            inline(
                figures[order.stem],
                name=f"figure{n}",
                title=order.title,
                description=order.description,
                titles=len(ledger) <= TITLED,
            ),
            caption_of(figures[order.stem]),
            order.stem,
        )
        for n, order in enumerate(orders, start=1)
    }


def _orders(ledger: Ledger) -> Iterator[_Order]:
    most = ROWS if len(ledger) <= CROWDED else CROWDED_ROWS
    for finding in ledger.findings:
        kind = kind_of(finding.kind)
        drawn, note = _beside_its_correction(ledger, finding, most) or (finding, "")
        yield _Order(
            file_name("claim", finding.id),
            (drawn, note, most),
            type(kind).__module__,
            partial(_draw_claim, drawn, most, note=note),
            kind.headline(finding),
            f"{finding.id}: {kind.reading(finding)} {note}".strip(),  # two claims may read alike
        )
    for overlay in ledger.overlays:
        findings = [ledger[name] for name in overlay.claims if name in ledger]
        yield _Order(
            file_name("overlay", overlay.id),
            (overlay, findings, most),
            __name__,
            partial(_draw_overlay, overlay, findings, most),
            overlay.title,
            " ".join(kind_of(finding.kind).reading(finding) for finding in findings),
        )
    for measured in ledger.measures:
        if measured.levels or measured.is_zipped:  # a single number needs no picture
            yield _Order(
                file_name("measure", measured.id),
                measured,
                __name__,
                partial(_draw_measure, measured),
                f"Measure {measured.id}",
                f"{measured.id}: {description_of(measured)}",
            )


def _beside_its_correction(ledger: Ledger, finding: Finding, most: int) -> tuple[Finding, str] | None:
    """A misprint joined with what is true, where one axis has room for both, and what is said of it."""
    true = correction_of(finding, ledger.findings)
    if true is None:
        return None
    kind, other = (kind_of(finding.kind) for finding in (finding, true))
    if kind is not other or not kind.is_comparable(finding, true):
        return None
    pair = side_by_side(finding, true, leading(finding, most // 2))
    return (pair, f"Each as printed, and as it must read ({true.id}).") if pair else None


def write_claim(finding: Finding, stem: Path, width: float) -> list[Path]:
    """Write the figure of a claim for a paper, as SVG and as PDF.

    Parameters
    ----------
    finding : Finding
    stem : Path
        Of the files, without ``.svg`` and ``.pdf``.
    width : float
        In inches; type has its size whatever the width.

    Returns
    -------
    list of Path
    """
    with house_style(WHOLE):
        files = _write(*_draw_claim(finding, ROWS, width))
    svg, pdf = _files(stem)
    svg.write_text(files.svg, encoding="utf-8")
    pdf.write_bytes(files.pdf)
    return [pdf, svg]


def _all_written(orders: list[_Order]) -> dict[str, _Written]:
    """Draw figures, by stem; those with rare characters a second time, with the whole font."""
    written: dict[str, _Written] = {}
    for font in (PART, WHOLE):
        if left := [order for order in orders if order.stem not in written]:
            with house_style(font):
                drawn = {order.stem: _write(*order.draw()) for order in left}
            written |= {stem: files for stem, files in drawn.items() if font == WHOLE or not files.lost}
    return written


def _draw_claim(finding: Finding, most: int, width: float = WIDTH, *, note: str = "") -> tuple[Figure, str]:
    """Draw a finding's panels, and join what they say of themselves."""
    kind = kind_of(finding.kind)
    heights = kind.heights(finding, most=most)
    figure, panels = _panels(heights, width)
    captions = [
        draw(axes, finding, most=most)
        for axes, draw in zip(panels, (kind.draw, kind.draw_below), strict=False)
    ]
    for axes in panels:
        axes.label_outer()
    return figure, " ".join(filter(None, [note, *captions]))


def _draw_overlay(overlay: Overlay, findings: list[Finding], most: int) -> tuple[Figure, str]:
    height = height_of_curves(overlay_curves(overlay, findings, most)) + TALLER
    figure, (axes,) = _panels((height,))
    return figure, draw_overlay(axes, overlay, findings, most=most)


def _draw_measure(measured: Measured) -> tuple[Figure, str]:
    return figure_of(measured, WIDTH)


def _panels(heights: tuple[float, ...], width: float = WIDTH) -> tuple[Figure, list[Axes]]:
    """An empty figure with panels of these heights, one above the other; labels get the room they need."""
    from mcstudy.drawing import new_figure

    figure = new_figure(width, sum(heights))
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    return figure, list(panels[:, 0])


def _write(figure: Figure, caption: str) -> _Written:
    """Lay out a figure and write it, described by its caption; without dates."""
    from mcstudy.drawing import Sheet, lay_out

    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", message=_GLYPH.pattern)
        warnings.filterwarnings("ignore", message=_SCRIPT)
        sheet = Sheet(figure)
        lay_out(figure)
        lost = dict.fromkeys(chr(int(m[1])) for w in caught if (m := _GLYPH.match(str(w.message))))
        if lost:
            caption = f"{caption} The font of the PDF lacks {' '.join(lost)}.".strip()
        svg, pdf = sheet.written(caption)
    # Text stays text in an SVG, and the part of the font is nowhere but here.
    return _Written(with_titles(svg.replace(PART, WHOLE)), pdf, bool(lost))


def inputs_digest(shown: Any, drawn_by: str) -> str:
    """The digest of what a figure is drawn from: findings and numbers, and the code that draws them.

    Parameters
    ----------
    shown : dataclasses, containers, numbers
    drawn_by : str
        The name of the module that draws it, which may be of another package.
    """
    content = [plain(shown, longest=LONG), _code(), _text_of(drawn_by)]
    digest = hashlib.sha256()
    for text in pieces(content):
        digest.update(text.encode())
    return digest.hexdigest()


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
