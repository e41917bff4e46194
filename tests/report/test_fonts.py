"""PDFs have their own TrueType fonts, of which a part is enough; rare characters take the whole one."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure

from mcstudy.claims import Value
from mcstudy.report import style as fonts
from mcstudy.report.figures import Drawn, write_figures
from mcstudy.report.style import house_style
from mcstudy.scenarios import Scenario
from mcstudy.statistics import mean


def draw(make: Any, level: str, folder: Path) -> tuple[bytes, str, Drawn]:
    """The PDF, the SVG and the page's figure of a claim on two levels, of which one is given."""
    columns = {Scenario(mood=mood): make.normals(0.0)[Scenario(n=1)] for mood in (level, "dull")}
    claim = Value("1", "x", of=mean("x"), equals=0.0, margin=0.5)
    drawn = write_figures(make.ledger_of(make.judged(claim, columns)), folder)["claim-1"]
    return (folder / "claim-1.pdf").read_bytes(), (folder / "claim-1.svg").read_text(encoding="utf-8"), drawn


def streams(pdf: bytes) -> Iterator[bytes]:
    """What a PDF holds, as far as it is compressed."""
    for content in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(content)
        except zlib.error:
            continue


@pytest.fixture
def provided(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled with the fonts in which figures are drawn."""
    found = []

    def noted(font: str) -> Any:
        found.append(font)
        return house_style(font)

    monkeypatch.setattr("mcstudy.report.figures.house_style", noted)
    return found


def test_pdfs_embed_truetype_with_text_that_can_be_selected(make: Any, tmp_path: Path) -> None:
    pdf, svg, _ = draw(make, "merry", tmp_path)
    assert pdf.count(b"/FontFile2") >= 1
    assert b"/Type3" not in pdf
    assert set(re.findall(rb"/BaseFont /(?:[A-Z]{6}\+)?([\w-]+)", pdf)) == {b"DejaVuSans"}
    assert any(content.startswith(b"\x00\x01\x00\x00") for content in streams(pdf)), "no TrueType font"
    assert any(b"begincmap" in content for content in streams(pdf)), "nothing says which letters glyphs are"
    assert "DejaVu Sans" in svg
    assert fonts.PART not in svg


def test_usual_characters_are_in_the_part(make: Any, tmp_path: Path, provided: list[str]) -> None:
    _, _, drawn = draw(make, "μ ≤ ½·10⁻³ → ∞, “très”…", tmp_path)
    assert drawn.caption == ""
    assert provided == [fonts.PART]


@pytest.mark.parametrize("level", ["жизнь", "Łódź", "שלום"])
def test_rare_characters_take_the_whole_font(
    make: Any, tmp_path: Path, provided: list[str], level: str
) -> None:
    pdf, svg, drawn = draw(make, level, tmp_path)
    assert provided == [fonts.PART, fonts.WHOLE]
    assert level in svg
    assert drawn.caption == ""
    assert b"/FontFile2" in pdf


def test_a_figure_is_drawn_once_for_both_files(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layout draws nothing, and neither file takes a drawing of its own."""
    plain, times = Figure.draw, []

    def counted(figure: Figure, renderer: Any) -> None:
        times.append(type(renderer).__name__)
        plain(figure, renderer)

    monkeypatch.setattr(Figure, "draw", counted)
    draw(make, "merry", tmp_path)
    assert len(times) == 1


def test_the_part_is_made_once_and_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(matplotlib, "get_cachedir", lambda name=name: str(tmp_path / name))
        fonts.provide_part.__wrapped__()
    one, other = (list((tmp_path / name).iterdir()) for name in ("one", "other"))
    assert [path.name for path in one] == [path.name for path in other]
    assert len(one) == 1
    assert one[0].read_bytes() == other[0].read_bytes()
    made = other[0].stat().st_mtime_ns
    fonts.provide_part.__wrapped__()
    assert other[0].stat().st_mtime_ns == made
