from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib import style
from matplotlib.figure import Figure

from mcstudy.claims import Bound, Identity, Value, misprint
from mcstudy.drawing import lay_out
from mcstudy.report.figures import Drawn, write_figures
from mcstudy.report.inline import with_titles
from mcstudy.report.kinds import kind_of
from mcstudy.report.numbers import uncertain
from mcstudy.report.style import decades
from mcstudy.scenarios import Scenario
from mcstudy.statistics import mean

LIMIT = 40_000  # characters: a page of 20 such figures stays below 1 MB
SPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn(full_ledger: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Drawn], Path]:
    folder = tmp_path_factory.mktemp("figures")
    return write_figures(full_ledger, folder), folder


def test_everything_that_is_drawn_has_a_figure_in_three_forms(
    drawn: tuple[dict[str, Drawn], Path], full_ledger: Any
) -> None:
    figures, folder = drawn
    stems = {f"claim-{name}" for name in full_ledger} | {"overlay-regimes", "measure-spread"}
    assert set(figures) == stems
    assert {path.name for path in folder.iterdir()} == {
        f"{stem}.{kind}" for stem in stems for kind in ("svg", "pdf")
    }
    for path in folder.glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF")


def test_inline_figures_are_small_accessible_and_follow_the_page(
    drawn: tuple[dict[str, Drawn], Path],
) -> None:
    for figure in drawn[0].values():
        assert len(figure.svg) < LIMIT
        root = ElementTree.fromstring(figure.svg)
        assert root.attrib["role"] == "img"
        named = {element.get("id"): element.text for element in root if element.tag in {"title", "desc"}}
        assert list(named) == root.attrib["aria-labelledby"].split()
        assert all(named.values())
        assert not re.search("#[0-9a-f]{6}", figure.svg), "a colour that dark mode can't change"
        assert "font-family" not in figure.svg
        assert "http" not in figure.svg


def test_alternative_text_states_the_finding(drawn: tuple[dict[str, Drawn], Path], full_ledger: Any) -> None:
    root = ElementTree.fromstring(drawn[0]["claim-2c-printed"].svg)
    told = {element.tag: element.text for element in root if element.tag in {"title", "desc"}}
    assert told == {
        "title": "Claim 2c-printed: refuted, misprint, as expected",
        "desc": f"2c-printed: {kind_of('bound').reading(full_ledger['2c-printed'])} "
        "Each as printed, and as it must read (2c).",
    }


def test_ids_are_unique_on_the_page_and_references_find_them(drawn: tuple[dict[str, Drawn], Path]) -> None:
    page = "".join(figure.svg for figure in drawn[0].values())
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    references = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert references <= set(ids)


def test_nothing_visible_is_lost(drawn: tuple[dict[str, Drawn], Path]) -> None:
    """The page's figure has as many marks and the same texts as the file."""
    figures, folder = drawn
    for stem, figure in figures.items():
        saved = ElementTree.parse(folder / f"{stem}.svg").getroot()
        inlined = ElementTree.fromstring(figure.svg)
        for tag in ("use", "text"):
            assert len(list(inlined.iter(tag))) == len(list(saved.iter(SPACE + tag)))
        assert [e.text for e in inlined.iter("text")] == [e.text for e in saved.iter(f"{SPACE}text")]


def test_text_of_levels_is_no_markup_and_no_formula(drawn: tuple[dict[str, Drawn], Path]) -> None:
    svg = drawn[0]["claim-2d.rate"].svg
    assert "<script" not in svg
    words = "".join("".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("text"))
    assert '<script>alert("x")</script> & {{ 7 *' in words


def inside(figure: Figure) -> bool:
    """Whether no text of a figure leaves the sheet."""
    figure.draw_without_rendering()
    sheet = figure.bbox
    artists = [artist for axes in figure.axes for artist in axes.get_children()]
    artists += [axis.label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    boxes = [a.get_window_extent() for a in artists if getattr(a, "get_text", lambda: "")()]
    boxes += [legend.get_window_extent() for axes in figure.axes if (legend := axes.get_legend())]
    return all(sheet.x0 - 1 <= box.x0 and box.x1 <= sheet.x1 + 1 and box.y1 <= sheet.y1 + 1 for box in boxes)


def test_claims_that_read_alike_have_alternative_texts_of_their_own(full_ledger: Any, tmp_path: Path) -> None:
    first = full_ledger["1.start"]
    twins = replace(full_ledger, findings=(first, replace(first, id="1.again")), overlays=(), measures=())
    texts = [
        re.findall(r"<desc[^>]*>(.*?)</desc>", one.svg)[0] for one in write_figures(twins, tmp_path).values()
    ]
    assert [text.partition(": ")[0] for text in texts] == ["1.start", "1.again"]


def test_no_level_and_no_legend_leaves_the_sheet(full_ledger: Any) -> None:
    from mcstudy.report.figures import _draw_claim
    from mcstudy.report.style import house_style

    with house_style():
        for name in ("2d.rate", "2c", "1.start", "1a"):
            figure, _ = _draw_claim(full_ledger[name], 40)
            lay_out(figure)
            assert inside(figure), name


def test_control_a_text_that_leaves_the_sheet_is_noticed() -> None:
    figure = Figure()
    figure.subplots().text(0.9, 0.5, "x" * 200)
    assert not inside(figure)


def test_text_is_large_enough_on_a_phone(drawn: tuple[dict[str, Drawn], Path]) -> None:
    """A phone of 360 px has 328 px for a figure; nobody should have to read less than 9 px."""
    for stem, figure in drawn[0].items():
        root = ElementTree.fromstring(figure.svg)
        width = float(root.attrib["viewBox"].split()[2])
        sizes = [float(text.attrib["font-size"]) for text in root.iter("text")]
        assert sizes, stem
        assert min(sizes) * 328 / width >= 9.0, stem


@pytest.mark.parametrize("decades_wide", [0.8, 1.0, 1.2, 1.33, 1.4, 1.7, 2.5, 4.0])
def test_a_logarithmic_axis_has_ticks_enough(decades_wide: float) -> None:
    """Four at least, wherever it begins; the widths are those on either side of a change of steps."""
    for start in (1.0, 1.3, 2.2, 4.7, 6.1, 8.9):
        ticks, labels = decades(start, start * 10.0**decades_wide)
        assert 3 <= len(ticks) == len(labels) <= 6
        assert len(ticks) >= 4 or decades_wide < 1.0 or decades_wide >= 1.4


def test_characters_that_the_font_lacks_are_told_in_the_caption(make: Any, tmp_path: Path) -> None:
    """And not on the terminal: a warning would be an error here."""
    claim = Value("1", "x", of=mean("x"), equals=0.0, margin=0.5)
    columns = {Scenario(mood=mood): make.normals(0.0)[Scenario(n=1)] for mood in ("\U0001fae0", "dull")}
    figures = write_figures(make.ledger_of(make.judged(claim, columns)), tmp_path)
    assert figures["claim-1"].caption == "The font of the PDF lacks \U0001fae0."


def test_same_figures_whatever_the_users_matplotlibrc(make: Any, tmp_path: Path) -> None:
    findings = make.judged(Bound("2c", "b", column="error", at_most="bound"), make.powers())
    bytes_of = []
    fancy = {
        "lines.linewidth": 9.0,
        "axes.grid": True,
        "svg.fonttype": "path",
        "figure.constrained_layout.use": True,
    }
    parameters: dict[str, Any]
    for name, parameters in (("plain", {}), ("fancy", fancy)):
        folder = tmp_path / name
        folder.mkdir()
        with style.context(parameters):
            write_figures(make.ledger_of(findings), folder)
        bytes_of.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert bytes_of[0] == bytes_of[1]


def test_figures_of_a_crowded_report_have_fewer_rows(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcstudy.report.figures.CROWDED", 0)
    claim = Value("1", "x", of=mean("x"), equals=0.0, margin=2.0)
    ledger = make.ledger_of(make.judged(claim, make.normals(*[0.0] * 30, size=64)))
    assert "12 of 30 cells." in write_figures(ledger, tmp_path)["claim-1"].caption


def test_an_overlay_keeps_to_the_levels_that_it_names(drawn: tuple[dict[str, Drawn], Path]) -> None:
    words = [text.text or "" for text in ElementTree.fromstring(drawn[0]["overlay-regimes"].svg).iter("text")]
    named = [text.replace("\N{NO-BREAK SPACE}", " ") for text in words if text.startswith("2d.")]
    assert [text.split(" · ")[0] for text in named] == ["2d.rate", "2d.control"]
    assert not any("script" in text for text in words)


def misprinted(make: Any, tolerance: float = 1e-10) -> Any:
    """A ledger of an identity as printed, which is wrong, and as it must read."""
    right = make.residuals(*[1e-12] * 12)
    columns = {scenario: drawn | {"wrong": 1e9 * drawn["residual"]} for scenario, drawn in right.items()}
    true = Identity("1a", "W_k", column="residual", tolerance=1e-10, law="continuous")
    printed = Identity(
        "1a-printed", "W_{k+1}", column="wrong", tolerance=tolerance, expected=misprint("an index")
    )
    return make.ledger_of(make.judged([true, printed], columns))


def test_a_misprint_is_drawn_beside_what_is_true(make: Any, tmp_path: Path) -> None:
    figures = write_figures(misprinted(make), tmp_path)
    own, pair = figures["claim-1a"], figures["claim-1a-printed"]
    assert pair.svg.count(">printed</text>") == pair.svg.count(">true</text>") == 8  # of 12, half of 16 rows
    assert pair.caption.startswith("Each as printed, and as it must read (1a).")
    assert "as it must read (1a).</desc>" in pair.svg
    # Two marks each: discs where confirmed, squares where refuted.
    assert pair.svg.count("var(--blue)") > 0 < pair.svg.count("var(--vermillion)")
    assert "printed" not in own.svg.replace("1a-printed", "")


def test_what_is_measured_otherwise_has_an_axis_of_its_own(make: Any, tmp_path: Path) -> None:
    figure = write_figures(misprinted(make, tolerance=1e-9), tmp_path)["claim-1a-printed"]
    assert ">true</text>" not in figure.svg
    assert "as it must read" not in figure.caption


@pytest.mark.parametrize("level", ["plain", "it's", 'a "b" & <c>'])
def test_marks_tell_their_numbers_to_who_points_at_them(make: Any, tmp_path: Path, level: str) -> None:
    columns = {Scenario(n=n, kind=level): drawn for n, drawn in enumerate(make.normals(0.0, 0.0).values())}
    claim = Value("1", "x", of=mean("x"), equals=0.0, margin=0.5)
    ledger = make.ledger_of(make.judged(claim, columns))
    svg = write_figures(ledger, tmp_path)["claim-1"].svg
    titles = [title.text or "" for title in ElementTree.fromstring(svg).iterfind(".//use/title")]
    assert [title.partition(": ")[0].replace("\N{NO-BREAK SPACE}", " ") for title in titles] == [
        "n = 0",
        "n = 1",
    ]
    for title, cell in zip(titles, ledger["1"].cells, strict=True):
        assert f"estimate ± MCSE {uncertain(cell.estimate, cell.mcse)}, interval [" in title
    file = (tmp_path / "claim-1.svg").read_text(encoding="utf-8")
    assert file.count("</title></use>") == 2
    assert 'id="[' not in file.replace("'", '"')


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x0b", "\uffff"])
def test_characters_that_xml_forbids_are_shown_as_their_escapes(
    make: Any, tmp_path: Path, character: str
) -> None:
    claim = Value("1", "x", of=mean("x"), equals=0.0, margin=0.5)
    (finding,) = make.judged(claim, make.normals(0.0, 0.0))
    ledger = make.ledger_of([replace(finding, estimand=f"mean{character}")])
    drawn = write_figures(ledger, tmp_path)["claim-1"]
    escape = ascii(character)[1:-1]
    for figure in (drawn.svg, (tmp_path / "claim-1.svg").read_text(encoding="utf-8")):
        assert f"mean{escape}" in "".join(ElementTree.fromstring(figure).itertext())


def test_in_a_crowded_report_only_files_tell_numbers(make: Any, tmp_path: Path) -> None:
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=0.5), make.normals(0.0))
    for number, told in ((40, 1), (41, 0)):
        findings = [replace(finding, id=str(k)) for k in range(number)]
        figure = write_figures(make.ledger_of(findings), tmp_path)["claim-0"]
        assert figure.svg.count("</title></use>") == told
        assert (tmp_path / "claim-0.svg").read_text(encoding="utf-8").count("</title></use>") == 1


def test_curves_tell_their_values(drawn: tuple[dict[str, Drawn], Path], full_ledger: Any) -> None:
    titles = re.findall("<use [^>]*><title>(.*?)</title>", drawn[0]["claim-2d.rate"].svg)
    lines = [own for own in full_ledger["2d.rate"].evidence.cells if own]
    assert len(titles) == sum(len(own.x) for own in lines)
    assert all(re.search(" at [0-9]", title) for title in titles)


def test_control_as_many_titles_as_marks() -> None:
    line = '<g id=\'["one", "two"]\'><use x="1"/></g>'
    with pytest.raises(ValueError, match="argument 2 is longer"):
        with_titles(line.replace("]", ', "three"]'))
    assert with_titles(line.replace(', "two"', "")) == '<g><use x="1"><title>one</title></use></g>'
