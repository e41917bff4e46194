"""The font of figures: a part of DejaVu Sans, of which each PDF quickly takes its share.

matplotlib embeds in every PDF the glyphs that it needs, and reads the whole font with all its tables for that: with
DejaVu Sans as it comes, this takes half of the time of a report.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

__all__ = ["PART", "WHOLE", "provide_part"]

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
# Ligatures, mathematics and dates of the font's making: three quarters of the time, and nothing that is drawn.
DROPPED = ("GSUB", "GPOS", "GDEF", "MATH", "FFTM")
FAMILY, FULL_NAME = 1, 4  # numbers of names in a font, by the OpenType specification


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
    recipe = repr((PART, RANGES, DROPPED, fontTools.version)).encode()
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

    options = subset.Options(glyph_names=True, notdef_outline=True, legacy_kern=True)
    options.drop_tables += DROPPED
    with subset.load_font(whole, options) as font:
        chosen = subset.Subsetter(options)
        chosen.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
        chosen.subset(font)
        for name in (FAMILY, FULL_NAME):
            font["name"].setName(PART, name, 3, 1, 0x409)  # Windows, Unicode, English: what matplotlib reads
        font.save(path)
