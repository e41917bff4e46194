"""The style that all figures share: type, colours, marks and ticks.

matplotlib embeds in every PDF the glyphs that it needs, and reads the whole font with all its tables for that: with
DejaVu Sans as it comes, this takes half of the time of a report. So the type is a part of it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mcstudy.findings import Verdict
from mcstudy.report.numbers import level, shown, superscript

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

__all__ = ["BLUE", "COLOURS", "DASHES", "GREEN", "INK", "MARKERS", "MARKS", "MUTED", "PAPER", "PINK", "RULE"]
__all__ += [
    "CHARACTER",
    "PART",
    "SMALL",
    "VERMILLION",
    "WHOLE",
    "Mark",
    "bars",
    "decades",
    "house_style",
    "is_geometric",
    "look",
    "mark_levels",
    "mark_ticks",
    "mark_zone",
    "number_ticks",
    "provide_part",
    "tell",
]

FloatArray = npt.NDArray[np.float64]

WHOLE = "DejaVu Sans"
PART = "Part of DejaVu Sans for mcstudy"

# Western and Greek letters, punctuation, super- and subscripts, arrows, operators: the rest is rare, and slower.
RANGES = (
    (0x20, 0xFF),
    (0x391, 0x3D6),
    (0x2010, 0x2044),
    (0x2070, 0x209C),
    (0x2190, 0x2193),
    (0x2200, 0x226F),
)
# Ligatures, mathematics, hints for pixels and dates of the font's making: most of the time, and nothing that is drawn.
DROPPED = ("GSUB", "GPOS", "GDEF", "MATH", "FFTM", "gasp")
FAMILY, FULL_NAME = 1, 4  # numbers of names in a font, by the OpenType specification


class Mark(NamedTuple):
    """How the verdict on a cell looks in a figure."""

    colour: str
    marker: str
    filled: bool
    shape: str


TEXT, SMALL = 9.5, 9.0  # points; nothing is smaller, see the width of a figure
CHARACTER = 0.08  # inches: the width of a letter
LONG = 20.0  # the ratio of levels from which on the lower ones fall together on a linear axis
UNEVEN = 1.5  # of steps that count as even; in their logarithms those of 1, 2, 5, 10 differ by 1.32
BLUE, VERMILLION, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"  # Okabe and Ito (2008)
INK, MUTED, RULE, PAPER = "#1b1b1b", "#666666", "#cccccc", "#ffffff"
COLOURS = (BLUE, VERMILLION, GREEN, PINK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# The mark of a cell, with its shape in words.
MARKS = {
    Verdict.CONFIRMED: Mark(BLUE, "o", filled=True, shape="discs"),
    Verdict.REFUTED: Mark(VERMILLION, "s", filled=True, shape="squares"),
    Verdict.UNDECIDED: Mark(PINK, "D", filled=False, shape="open diamonds"),
}
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))

# The steps of ticks within a decade, by the decades that an axis has at least.
_STEPS: dict[float, tuple[float, ...]] = {
    3.0: (1,),
    1.6: (1, 3),
    4 / 3: (1, 2, 5),
    0.8: (1, 2, 3, 5),
    0.0: (1, 1.5, 2, 3, 4, 5, 7),
}

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,  # names of factors and claims are anybody's text
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "svg.fonttype": "none",
    "svg.hashsalt": "mcstudy",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,  # matplotlib 3.11 looks here for when to split a font, of PDFs too
}


@contextmanager
def house_style(font: str = WHOLE) -> Iterator[None]:
    """Draw in the report's style, whatever the user's own matplotlibrc says.

    Parameters
    ----------
    font : {fonts.WHOLE, fonts.PART}
        The second makes PDFs in a third of the time, and has no rare characters.
    """
    from matplotlib import style

    if font == PART:
        provide_part()
    with style.context(["default", _STYLE, {"font.sans-serif": [font]}]):
        yield


def look(position: int) -> dict[str, Any]:
    """The colour, mark and dash of a line among others."""
    # The dash moves on where colours begin again: no two lines share both.
    dash = DASHES[(position + position // len(COLOURS)) % len(DASHES)]
    colour, marker = COLOURS[position % len(COLOURS)], MARKERS[position % len(MARKERS)]
    return {"color": colour, "marker": marker, "linestyle": dash}


def tell(lines: Sequence[Line2D], texts: Sequence[str]) -> None:
    """Say what the marks of a line are, one text each: SVG shows it to who points at them, PDF does not."""
    (line,) = lines
    line.set_gid(json.dumps(texts, ensure_ascii=False))


def bars(
    axes: Axes, at: FloatArray, low: FloatArray, high: FloatArray, *, along: str = "y", **style: Any
) -> None:
    """Draw error bars along an axis as one path, which keeps the file small."""
    gaps = np.full_like(at, np.nan)
    place, spans = (np.column_stack([*ends, gaps]).ravel() for ends in ((at, at), (low, high)))
    axes.plot(*((place, spans) if along == "y" else (spans, place)), solid_capstyle="butt", **style)


def mark_zone(axes: Axes, theory: float, margin: float, *, along: str) -> None:
    """Shade theory ± margin on one axis, with a line at either edge and one in the middle.

    Parameters
    ----------
    axes : Axes
    theory, margin : float
    along : {"x", "y"}
        The axis that has the zone.
    """
    if math.isnan(theory + margin):  # of a cell where there was nothing to judge
        return
    span, line = (axes.axvspan, axes.axvline) if along == "x" else (axes.axhspan, axes.axhline)
    span(theory - margin, theory + margin, color=GREEN, alpha=0.16, linewidth=0, zorder=0)
    # The tint alone is too faint for many eyes: WCAG 1.4.11 asks for a contrast of 3.
    for edge in (theory - margin, theory + margin):
        line(edge, color=GREEN, linewidth=0.75, zorder=1)
    line(theory, color=MUTED, linewidth=0.8, zorder=1)


def decades(low: float, high: float, most: int = 6) -> tuple[list[float], list[str]]:
    """Choose ticks of a logarithmic axis and write them as powers of ten; within two decades, numbers between.

    Parameters
    ----------
    low, high : float
        The axis's limits, positive.
    most : int
        The most ticks.

    Returns
    -------
    ticks : list of float
    labels : list of str

    Examples
    --------
    >>> decades(0.9e-3, 1.1)
    ([0.001, 0.01, 0.1, 1.0], ['10⁻³', '10⁻²', '10⁻¹', '1'])
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    width = math.log10(high / low)
    steps = next(steps for least, steps in _STEPS.items() if width >= least)
    ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    ticks = [tick for tick in ticks if low <= tick * (1 + 1e-9) and tick <= high * (1 + 1e-9)]
    ticks = ticks[:: max(1, math.ceil(len(ticks) / most))]
    if len(steps) == 1:
        return ticks, [_power_label(tick) for tick in ticks]
    return ticks, [shown(tick) for tick in ticks]


def mark_ticks(axis: Axis, ticks: Sequence[float], labels: Sequence[str]) -> None:
    """Mark given places on an axis; matplotlib's own way makes every tick at once, and the layout takes them again."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter(labels))


def number_ticks(axis: Axis, most: int) -> None:
    """Mark at most so many round numbers on a linear axis, each written in full."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, 6)))


def is_geometric(levels: Sequence[float]) -> bool:
    """Whether levels are spread more evenly on a logarithmic axis than on a linear one: nearly evenly, or widely.

    Parameters
    ----------
    levels : sequence of float
        Ascending.

    Examples
    --------
    >>> is_geometric([10, 20, 50, 100]), is_geometric([10, 20, 30, 40])
    (True, False)
    """
    if len(levels) < 3 or levels[0] <= 0.0:
        return False
    ratios, gaps = zip(*((math.log(b / a), b - a) for a, b in pairwise(levels)), strict=True)
    uneven = max(ratios) / min(ratios)
    spread = uneven <= UNEVEN or levels[-1] >= LONG * levels[0]
    return bool(spread and uneven < max(gaps) / min(gaps))


def mark_levels(axes: Axes, levels: Sequence[float], *, logarithmic: bool = True) -> None:
    """Mark a factor's own levels on the horizontal axis, as many as there is room for.

    Parameters
    ----------
    axes : Axes
    levels : sequence of float
        Several, in their order; positive where the axis is logarithmic.
    logarithmic : bool
    """
    written = dict(zip(levels, _written(levels), strict=True))
    place = math.log if logarithmic else float
    span = place(levels[-1]) - place(levels[0])
    # Labels take a little of the axes' width; the margins a little more.
    inches = 0.85 * axes.get_window_extent().width / axes.figure.dpi / (1.12 * span)
    width = CHARACTER * (max(map(len, written.values())) + 1.0)
    thinned = (levels[::stride] for stride in range(1, len(levels) + 1))
    ticks = next(
        ticks for ticks in thinned if all((place(b) - place(a)) * inches >= width for a, b in pairwise(ticks))
    )
    room = 0.06 * span
    ends = place(levels[0]) - room, place(levels[-1]) + room
    axes.set_xscale("log" if logarithmic else "linear")
    axes.set_xlim(*map(math.exp, ends) if logarithmic else ends)
    mark_ticks(axes.xaxis, ticks, [written[x] for x in ticks])
    axes.minorticks_off()


def _written(levels: Sequence[float]) -> list[str]:
    """Write levels; powers of two as such where one is a fraction or large."""
    plain = [level(int(x)) if float(x).is_integer() and abs(x) < 1e6 else shown(x) for x in levels]
    if all(x > 0.0 and math.frexp(x)[0] == 0.5 for x in levels) and any(len(text) > 6 for text in plain):
        return [superscript(math.frexp(x)[1] - 1, base=2) for x in levels]
    return plain


def _power_label(tick: float) -> str:
    power = round(math.log10(tick))
    return {0: "1", 1: "10"}.get(power, superscript(power))


@cache
def provide_part() -> None:
    """Make the part of the font known to matplotlib; it is kept where matplotlib keeps what it knows of fonts.

    Raises
    ------
    OSError
        If matplotlib's font can't be read, or nothing be written.
    """
    import fontTools  # type: ignore[import-untyped]
    import matplotlib
    from matplotlib.font_manager import fontManager

    whole = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    recipe = repr((PART, RANGES, DROPPED, "one cmap, no hints", fontTools.version)).encode()
    digest = hashlib.sha256(recipe + whole.read_bytes()).hexdigest()
    path = Path(matplotlib.get_cachedir(), f"mcstudy-{digest[:16]}.ttf")
    if not path.is_file():
        # Another process may do the same at this moment: whoever reads finds nothing or all of it.
        beside = path.with_suffix(f".{os.getpid()}")
        _write_part(whole, beside)
        beside.replace(path)
    fontManager.addfont(path)


def _write_part(whole: Path, path: Path) -> None:
    """Write what reports need of a font, under its own name."""
    from fontTools import subset

    options = subset.Options(glyph_names=True, hinting=False, notdef_outline=True, legacy_kern=True)
    options.drop_tables += DROPPED
    with subset.load_font(whole, options) as font:
        chosen = subset.Subsetter(options)
        chosen.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
        chosen.subset(font)
        font["cmap"].tables = [font["cmap"].getcmap(3, 1)]
        for name in (FAMILY, FULL_NAME):
            font["name"].setName(PART, name, 3, 1, 0x409)  # Windows, Unicode, English: what matplotlib reads
        font.save(path)
