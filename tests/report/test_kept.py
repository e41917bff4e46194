"""A figure is drawn where what it shows is new, and nowhere else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcstudy.ledger import Ledger
from mcstudy.report import figures
from mcstudy.report.figures import write_figures

STEM = "claim-2c"


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled with the ids of the claims, overlays and measures that are drawn."""
    found: list[str] = []
    for name in ("_draw_claim", "_draw_overlay", "_draw_measure"):
        draw = getattr(figures, name)

        def noted(shown: Any, *rest: Any, draw: Any = draw, **named: Any) -> Any:
            found.append(shown.id)
            return draw(shown, *rest, **named)

        monkeypatch.setattr(figures, name, noted)
    return found


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def written_once(full_ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    write_figures(full_ledger, folder)
    return folder


@pytest.fixture
def folder(written_once: Path, tmp_path: Path) -> Path:
    """All figures of the ledger, to be spoilt."""
    return shutil.copytree(written_once, tmp_path / "figures")


def test_nothing_is_drawn_of_what_is_there(full_ledger: Ledger, folder: Path, drawings: list[str]) -> None:
    before = bytes_of(folder)
    again = write_figures(full_ledger, folder)
    assert drawings == []
    assert bytes_of(folder) == before
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    assert write_figures(full_ledger, elsewhere) == again
    assert len(drawings) == len(again)
    assert bytes_of(elsewhere) == before


def test_of_a_claim_that_was_judged_anew_its_own_figures_are_drawn(
    full_ledger: Ledger, folder: Path, tmp_path_factory: pytest.TempPathFactory, drawings: list[str]
) -> None:
    def wider(name: str) -> Ledger:
        changed = replace(full_ledger[name], margin=0.75)
        return replace(
            full_ledger, findings=tuple(changed if f.id == name else f for f in full_ledger.findings)
        )

    write_figures(wider("2c"), folder)
    assert drawings == ["2c"]
    fresh = tmp_path_factory.mktemp("fresh")
    write_figures(wider("2c"), fresh)
    assert bytes_of(fresh) == bytes_of(folder)
    drawings.clear()
    write_figures(wider("2d.rate"), folder)
    assert drawings == ["2d.rate", "2c", "regimes"]


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("spoil", [edit, cut, Path.unlink, lambda path: path.write_bytes(b"\xff")])
@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_a_file_that_is_not_as_it_was_written_is_drawn_again(
    full_ledger: Ledger, folder: Path, drawings: list[str], spoil: Callable[[Path], None], suffix: str
) -> None:
    before = bytes_of(folder)
    spoil(folder / f"{STEM}.{suffix}")
    assert bytes_of(folder) != before
    write_figures(full_ledger, folder)
    assert drawings == ["2c"]
    assert bytes_of(folder) == before


def test_a_file_of_another_figure_is_not_taken_for_ones_own(
    full_ledger: Ledger, folder: Path, drawings: list[str]
) -> None:
    for suffix in ("svg", "pdf"):
        (folder / f"claim-1a.{suffix}").replace(folder / f"{STEM}.{suffix}")
    write_figures(full_ledger, folder)
    assert sorted(drawings) == ["1a", "2c"]


def test_other_code_draws_everything(
    full_ledger: Ledger, folder: Path, drawings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "_code", lambda: "of another version")
    write_figures(full_ledger, folder)
    assert len(drawings) == len(full_ledger) + len(full_ledger.overlays) + len(full_ledger.measures)


def test_the_digest_holds_the_finding_and_the_code(
    full_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = full_ledger["2c"]
    digest = figures.inputs_digest((finding, 20), __name__)
    assert digest == figures.inputs_digest((replace(finding), 20), __name__)
    others = {
        figures.inputs_digest((replace(finding, margin=0.75), 20), __name__),
        figures.inputs_digest((finding, 12), __name__),
        figures.inputs_digest((finding, 20), figures.__name__),
    }
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.0")
    figures._code.cache_clear()
    others.add(figures.inputs_digest((finding, 20), __name__))
    figures._code.cache_clear()
    assert len(others - {digest}) == 4


def test_captions_are_kept_with_the_figure(make: Any, tmp_path: Path, drawings: list[str]) -> None:
    from mcstudy.claims import Value
    from mcstudy.statistics import mean

    claim = Value("1", "x", of=mean("x"), equals=0.0, margin=2.0)
    ledger = make.ledger_of(make.judged(claim, make.normals(*[0.0] * 30, size=64)))
    caption = write_figures(ledger, tmp_path)["claim-1"].caption
    assert caption.startswith("16 of 30 cells.")
    assert write_figures(ledger, tmp_path)["claim-1"].caption == caption
    assert drawings == ["1"]
