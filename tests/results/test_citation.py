"""Citations: as BibTeX, as CSL-JSON, in words; and what is not to be cited."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcstudy import Results, load
from mcstudy.exceptions import InputError
from mcstudy.findings import Verdict
from mcstudy.ledger import Ledger
from mcstudy.report.paper import bibtex
from mcstudy.results.citation import cite, csl, figure, objections, text

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def citable(results: Results) -> Ledger:
    """Results of the full profile, of authors, from a clean commit."""
    study = replace(
        results.study, authors=("Ada Lovelace", "Bell Labs and Sons"), url="https://example.org/toy"
    )
    provenance = {
        **results.provenance,
        "git": "ab" * 20,
        "started": "2026-11-26T10:00:00+00:00",
        "mcstudy": "0.2.0",
    }
    return replace(results, study=study, run=replace(results.run, profile="full"), provenance=provenance)


def test_bibtex_has_authors_date_address_version_commit_and_digest(citable: Ledger) -> None:
    entry = dict(re.findall(r"^  (\w+) += \{(.*)\},$", bibtex(citable), re.MULTILINE))
    assert entry["author"] == "Ada Lovelace and {Bell Labs and Sons}"
    assert "key" not in entry  # which only what has no author needs
    assert entry["title"] == r"{A toy \& more}"
    assert (entry["year"], entry["date"]) == ("2026", "2026-11-26")
    assert (entry["url"], entry["version"], entry["commit"]) == (
        "https://example.org/toy",
        "0.2.0",
        "ab" * 20,
    )
    assert entry["digest"] == citable.digests["draws"]


def test_a_claim_has_an_entry_of_its_own(citable: Ledger) -> None:
    whole, one = bibtex(citable), bibtex(citable, "at-1")
    keys = re.findall(r"^@misc\{([^,]+),$", whole + one, re.MULTILINE)
    assert keys[1] == f"{keys[0]}-at-1"
    assert "url          = {https://example.org/toy#claim-at-1}," in one
    assert "note         = {claim at-1: confirmed; profile full, " in one


def test_without_authors_an_entry_is_sorted_by_a_key(citable: Ledger) -> None:
    nobody = replace(citable, study=replace(citable.study, authors=()))
    assert "  key          = {mcstudy},\n" in bibtex(nobody)
    assert "author" not in bibtex(nobody)
    assert "author" not in csl(nobody)
    assert text(nobody).startswith(
        "(2026). A toy & more. Monte Carlo study toy, mcstudy 0.2.0, full profile, "
    )


def test_csl_says_the_same(citable: Ledger) -> None:
    item = csl(citable, "at-1")
    assert item["author"] == [{"literal": "Ada Lovelace"}, {"literal": "Bell Labs and Sons"}]
    assert item["issued"] == {"date-parts": [[2026, 11, 26]]}
    assert (item["title"], item["version"], item["section"]) == ("A toy & more", "0.2.0", "claim at-1")
    assert item["URL"] == "https://example.org/toy#claim-at-1"
    assert f"@misc{{{item['id']}," in bibtex(citable, "at-1")
    assert citable.digests["draws"] in item["note"]
    undated = replace(citable, provenance={}, study=replace(citable.study, url=""))
    assert not {"issued", "URL", "version"} & set(csl(undated))


def test_words_say_what_was_found(citable: Ledger) -> None:
    said = text(citable, "at-1")
    assert said.startswith("Ada Lovelace, Bell Labs and Sons (2026). A toy & more. Monte Carlo study toy, ")
    assert " Claim at-1: confirmed. " in said
    assert said.endswith(" https://example.org/toy#claim-at-1\n")


def test_nothing_speaks_against_what_is_citable(citable: Ledger) -> None:
    assert objections(citable) == objections(citable, "mean") == []


def test_what_is_not_to_be_cited(citable: Ledger) -> None:
    quick = replace(citable, run=replace(citable.run, profile="quick"))
    assert objections(quick) == ["it is of the quick profile, run it with --profile full"]
    few = replace(citable.run, command="mcstudy run toy --profile full --replicates 64")
    (objection,) = objections(replace(citable, run=few))
    assert objection == "it has as many replicates as were asked for, run it without --replicates"
    dirty = replace(citable, provenance={"git": f"{'ab' * 20} with changes"})
    assert objections(dirty) == ["files of its commit had been changed, commit them and run it again"]
    first = replace(citable.findings[0], verdict=Verdict.REFUTED, as_expected=False)
    unexpected = replace(citable, findings=(first, *citable.findings[1:]))
    assert objections(unexpected) == ["claim mean is refuted, which is not expected"]
    assert objections(unexpected, "at-1") == []  # which is another claim


def test_a_quick_result_is_refused_unless_asked_for(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"^not citable: it is of the quick profile, .* \(or cite it --anyway\)$"
    ):
        cite("toy", folder, "bibtex")
    assert cite("toy", folder, "bibtex", anyway=True) == bibtex(load(folder / "toy"))
    assert json.loads(cite("toy#at-1", folder, "csl", anyway=True)) == [csl(load(folder / "toy"), "at-1")]
    with pytest.raises(InputError, match="`claim_id` must be one of mean, at-1, y, got 'at-2'"):
        cite("toy#at-2", folder, "text", anyway=True)


def test_the_software_has_an_entry_that_all_share(folder: Path) -> None:
    assert cite(None, folder, "bibtex").startswith("@misc{mcstudy,\n")
    assert json.loads(cite(None, folder, "csl"))[0]["type"] == "software"
    assert cite(None, folder, "text").startswith("The mcstudy authors. mcstudy ")
    with pytest.raises(InputError, match="`STUDY` must be named where a figure is to be written"):
        figure(None, folder, "mean", "3.3in")


@pytest.mark.parametrize(("width", "points"), [("3.3in", 237.6), ("84mm", 238.11), ("5 in", 360.0)])
def test_a_figure_has_the_width_that_is_asked_for(
    results: Results, tmp_path: Path, width: str, points: float
) -> None:
    copy = tmp_path / "toy"
    copy.mkdir()
    (copy / "ledger.json").write_text(results.to_json(), encoding="utf-8")
    pdf, svg = figure("toy", tmp_path, "mean", width, anyway=True)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", pdf.read_bytes())
    assert box
    assert float(box[1]) == pytest.approx(points, abs=0.01)
    assert f'width="{points:g}pt"'[:11] in svg.read_text(encoding="utf-8")
    assert (pdf.parent, pdf.name) == (copy / "figures", f"claim-mean-{width.replace(' ', '')}.pdf")


@pytest.mark.parametrize("width", ["3.3", "in", "0in", "400mm0", "21in", "-3in", "nan in", "3,3in"])
def test_a_width_that_is_none_is_refused(results: Results, width: str) -> None:
    with pytest.raises(
        InputError, match=r"`width` must be a width between 1 and 20 inches, got '.*'; write 3\.3in"
    ):
        results.plot("mean", width=width)


def test_a_plot_has_the_width_that_is_asked_for(results: Results) -> None:
    figure = results.plot("mean", width="3.3in").figure
    assert figure.get_size_inches()[0] == 3.3  # type: ignore[union-attr]


def test_the_command(folder: Path, command: Command) -> None:
    code, said, error = command("cite", "toy", "--out", str(folder))
    assert (code, said) == (2, "")
    assert error.startswith("mcstudy: error: not citable: ")
    assert command("cite", "toy", "--anyway", "--out", str(folder))[:2] == (0, bibtex(load(folder / "toy")))
    assert command("cite", f"{folder}/toy#mean", "--anyway", "--format", "text")[1] == text(
        load(folder / "toy"), "mean"
    )
    assert command("cite", "--format", "csl")[0] == 0
    assert command("cite", "nothing", "--out", str(folder))[0] == 2


@pytest.mark.parametrize("started", ["yesterday", "2026-11", "", "2026-1a-26", "\u0662026-11-26"])
def test_a_day_that_is_none_is_left_out(citable: Ledger, started: str) -> None:
    told = replace(citable, provenance={**citable.provenance, "started": started})
    assert "issued" not in csl(told)
    assert csl(citable)["issued"] == {"date-parts": [[2026, 11, 26]]}  # the control
    assert "(2026)" not in text(told)
