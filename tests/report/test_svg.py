from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from mcstudy.report.figures import Figure, write_figures

LIMIT = 40_000  # characters: a page of 20 such figures stays below 1 MB


@pytest.fixture(scope="module")
def drawn(ledgers: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Figure], Path]:
    folder = tmp_path_factory.mktemp("figures")
    return write_figures(ledgers.make_ledger(), folder), folder


def test_every_claim_and_overlay_has_a_figure_in_three_forms(
    drawn: tuple[dict[str, Figure], Path], ledgers: ModuleType
) -> None:
    figures, folder = drawn
    ledger = ledgers.make_ledger()
    stems = {f"claim-{finding['id']}" for finding in ledger["findings"]} | {"overlay-regimes"}
    assert set(figures) == stems
    assert {path.name for path in folder.iterdir()} == {
        f"{stem}.{kind}" for stem in stems for kind in ("svg", "pdf")
    }
    for path in folder.glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF")


def test_inline_figures_are_small_accessible_and_follow_the_page(
    drawn: tuple[dict[str, Figure], Path],
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


def test_ids_are_unique_on_the_page_and_references_find_them(drawn: tuple[dict[str, Figure], Path]) -> None:
    page = "".join(figure.svg for figure in drawn[0].values())
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    references = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert references <= set(ids)


def test_nothing_visible_is_lost(drawn: tuple[dict[str, Figure], Path]) -> None:
    """The page's figure has as many marks and the same texts as the file."""
    figures, folder = drawn
    for stem, figure in figures.items():
        saved = ElementTree.parse(folder / f"{stem}.svg").getroot()
        inlined = ElementTree.fromstring(figure.svg)
        space = "{http://www.w3.org/2000/svg}"
        for tag in ("use", "text"):
            assert len(list(inlined.iter(tag))) == len(list(saved.iter(space + tag)))
        assert [e.text for e in inlined.iter("text")] == [e.text for e in saved.iter(f"{space}text")]


def test_text_of_claims_is_no_markup_and_no_formula(
    drawn: tuple[dict[str, Figure], Path], ledgers: ModuleType
) -> None:
    svg = drawn[0]["claim-1.start"].svg
    assert "<script" not in svg
    assert any(ledgers.HOSTILE in (text.text or "") for text in ElementTree.fromstring(svg).iter("text"))


def test_same_figures_whatever_the_users_matplotlibrc(ledgers: ModuleType, tmp_path: Path) -> None:
    from matplotlib import style

    ledger = ledgers.make_ledger(findings=[ledgers.rate_finding(), ledgers.bound_finding(12)], overlays=[])
    bytes_of = []
    fancy = {"lines.linewidth": 9.0, "axes.grid": True, "svg.fonttype": "path"}
    parameters: dict[str, Any]
    for name, parameters in (("plain", {}), ("fancy", fancy)):
        folder = tmp_path / name
        folder.mkdir()
        with style.context(parameters):
            write_figures(ledger, folder)
        bytes_of.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert bytes_of[0] == bytes_of[1]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            {"estimate": "nan", "interval": ["nan", "nan"], "mcse": "nan", "verdict": "UNDECIDED"},
            "not estimated",
        ),
        ({"interval": ["-inf", "inf"], "verdict": "UNDECIDED"}, "Claim odd"),
        ({"estimate": 1e6, "interval": [0.9e6, 1.1e6], "verdict": "REFUTED"}, "Claim odd"),
        ({"theory": "nan", "margin": "nan", "verdict": "UNDECIDED"}, "Claim odd"),
        ({"estimate": "inf", "interval": ["nan", "nan"], "mcse": "nan", "verdict": "UNDECIDED"}, "Claim odd"),
    ],
)
@pytest.mark.parametrize("cells", [1, 3])
def test_odd_values_can_be_drawn(
    ledgers: ModuleType, tmp_path: Path, change: dict[str, Any], found: str, cells: int
) -> None:
    made = [ledgers.cell({"n": n}, 1.0, 0.1 * n, 1.01, 0.01) for n in range(1, cells + 1)]
    made[0] |= change
    finding = ledgers.finding("odd", "value", made)
    svg = write_figures({"findings": [finding], "overlays": []}, tmp_path)["claim-odd"].svg
    assert found in svg


def test_zero_and_infinity_have_a_place_on_logarithmic_axes(ledgers: ModuleType, tmp_path: Path) -> None:
    findings = [
        ledgers.identity_finding("all-zero", (0.0, 0.0, 0.0)),
        ledgers.identity_finding("tiny", (5e-324, 0.0, 1e-300)),
        ledgers.violated_finding(),
        ledgers.unfit_rate_finding(),
    ]
    figures = write_figures({"findings": findings, "overlays": []}, tmp_path)
    texts = {
        stem: [e.text for e in ElementTree.fromstring(f.svg).iter("text")] for stem, f in figures.items()
    }
    assert texts["claim-all-zero"].count("0") == 3
    assert "∞" in texts["claim-2c-printed"]
    assert "radius = 0.5 · no fit" in [
        (text or "").replace("\N{NO-BREAK SPACE}", " ") for text in texts["claim-2.kernel"]
    ]


def test_crowded_figures_show_the_deciding_cells_and_say_so(ledgers: ModuleType, tmp_path: Path) -> None:
    finding = ledgers.bound_finding(60)
    figure = write_figures({"findings": [finding], "overlays": []}, tmp_path)["claim-2c"]
    assert "Of 60 cells the 40 nearest to the edge" in figure.caption
    shown = [e.text for e in ElementTree.fromstring(figure.svg).iter("text")]
    assert "worst" in shown
    assert "isotropic" not in shown  # 0.07 of the bound: furthest from deciding anything
