"""Ledgers of schema 1: a file that version 0.1.0 wrote, of a study with every kind of claim, failures and a warning."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.evidence import BoundEvidence, IdentityEvidence, LawEvidence, RateEvidence
from mcstudy.exceptions import InputError
from mcstudy.findings import Guarantee, Role
from mcstudy.ledger import Ledger

FILE = Path(__file__).parent / "data" / "schema1.json"
CONFIRMED, REFUTED, UNDECIDED = mc.Verdict.CONFIRMED, mc.Verdict.REFUTED, mc.Verdict.UNDECIDED


@pytest.fixture
def written() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger.from_json(FILE.read_text(encoding="utf-8"))


def test_the_file_is_of_version_0_1(written: dict[str, Any]) -> None:
    assert written["schema"] == 1
    assert written["provenance"]["mcstudy"] == "0.1.0"
    kinds = {finding["kind"] for finding in written["findings"]}
    assert kinds == {"value", "rate", "law", "same_law", "bound", "identity"}


def test_study_run_and_design(ledger: Ledger) -> None:
    assert (ledger.study.name, ledger.study.source) == ("pendulum", "Galileo, 1602")
    assert (ledger.run.seed, ledger.run.profile, ledger.run.alpha) == (20261123, "quick", 0.01)
    assert ledger.run.replay == "mcstudy replay pendulum"
    assert (ledger.design.block_size, ledger.design.stages) == (32, (128,))
    (experiment,) = ledger.design.experiments
    assert (experiment.name, experiment.source, experiment.scenarios) == ("", "Galileo, 1602", 12)
    assert experiment.factors == {"length": (1, 2, 4, 8), "clock": ("good", "worn", "broken")}
    assert experiment.columns == ("period", "error", "limit", "residual")


def test_findings_keep_verdict_and_numbers(ledger: Ledger, written: dict[str, Any]) -> None:
    for finding, row in zip(ledger.findings, written["findings"], strict=True):
        assert (finding.id, finding.kind, finding.estimand) == (row["id"], row["kind"], row["what"])
        assert (finding.verdict, finding.as_expected) == (row["verdict"], row["as_expected"])
        assert finding.deciding == row["diagnostics"]["deciding_cell"]
        assert finding.estimate == row["estimate"] or math.isnan(finding.estimate)
        assert [cell.verdict for cell in finding.cells] == [cell["verdict"] for cell in row["cells"]]
        assert [cell.failures for cell in finding.cells] == [cell["failures"] for cell in row["cells"]]


def test_roles_and_guarantees(ledger: Ledger) -> None:
    assert {
        finding.id: (finding.verdict, finding.role, finding.guarantee) for finding in ledger.findings
    } == {
        "value": (UNDECIDED, Role.THEORY, Guarantee.NONE),  # the cell of the broken clock decides
        "rate": (UNDECIDED, Role.THEORY, Guarantee.NONE),
        "law": (CONFIRMED, Role.THEORY, Guarantee.EXACT),
        "same": (CONFIRMED, Role.THEORY, Guarantee.EXACT),
        "bound": (UNDECIDED, Role.THEORY, Guarantee.EXACT),
        "bound.reduced": (REFUTED, Role.REFUTATION, Guarantee.EXACT),
        "identity": (CONFIRMED, Role.THEORY, Guarantee.EXACT),
    }


def test_reach_ranks_bounds_by_ratio_and_others_by_margins(ledger: Ledger) -> None:
    for finding in ledger.findings:
        for cell, own in zip(finding.cells, finding.evidence.cells or [None] * 99, strict=False):
            ratio = getattr(own, "largest_ratio", None)
            assert cell.reach == (cell.zone.reach(cell.interval) if ratio is None else ratio)


def test_replicates_that_the_numbers_rest_on(ledger: Ledger) -> None:
    assert ledger["bound"].cell(length=1, clock="broken").drawn == 0
    assert ledger["bound"].cell(length=4, clock="worn").drawn == 128 - 4
    assert ledger["bound"].drawn == 12 * 128 - 128 - 4
    assert ledger["rate"].cell(clock="good").drawn == 4 * 128


def test_a_bound_keeps_its_witness_and_what_could_not_be_judged(ledger: Ledger) -> None:
    evidence = ledger["bound.reduced"].evidence
    assert isinstance(evidence, BoundEvidence)
    assert evidence.witness is not None
    assert evidence.witness.ratio == ledger["bound.reduced"].largest_ratio > 1
    witness = evidence.witness
    assert witness.token == f"{witness.scenario.digest}:{witness.block}:{witness.index}"
    assert ledger["bound.reduced"].violations > 0
    bound = ledger["bound"].evidence
    assert isinstance(bound, BoundEvidence)
    assert bound.witness is None
    assert [cell is None for cell in bound.cells] == [
        cell.scenario == mc.Scenario(length=1, clock="broken") for cell in ledger["bound"].cells
    ]


def test_an_identity_keeps_its_witness(ledger: Ledger) -> None:
    evidence = ledger["identity"].evidence
    assert isinstance(evidence, IdentityEvidence)
    assert evidence.witness is not None
    assert evidence.witness.value == max(cell.largest for cell in evidence.cells if cell is not None)


def test_laws_keep_their_deviations(ledger: Ledger) -> None:
    for name, cells in (("law", 2), ("same", 1)):
        evidence = ledger[name].evidence
        assert isinstance(evidence, LawEvidence)
        assert len(evidence.cells) == cells
        for cell in evidence.cells:
            assert cell is not None
            assert cell.probability.shape == cell.deviation.shape == (101,)


def test_a_rate_keeps_its_lines(ledger: Ledger) -> None:
    evidence = ledger["rate"].evidence
    assert isinstance(evidence, RateEvidence)
    assert (evidence.against, evidence.statistic, evidence.limit) == ("length", "mean of period", "infinity")
    good, broken = evidence.cells
    assert good is not None
    assert good.fit is not None
    assert good.fit.exponent == ledger["rate"].cell(clock="good").estimate
    assert broken is None


def test_failures_and_warnings(ledger: Ledger) -> None:
    assert len(ledger.failures) == 128 + 4
    worn = [failure for failure in ledger.failures if failure.reason == "the clock slipped"]
    assert [(failure.block, failure.index) for failure in worn] == [(number, 0) for number in range(4)]
    assert worn[1].token == f"{worn[1].scenario.digest}:1:0"
    (warning,) = ledger.warnings
    assert (warning.category, warning.message, warning.blocks) == ("RuntimeWarning", "the clock is worn", 4)


def test_overlays_and_sections(ledger: Ledger) -> None:
    assert ledger.overlays == (mc.Overlay("periods", "Periods", "By clock.", ("rate",), {"clock": "good"}),)
    assert ledger.sections[0].title == "What was learnt"


def test_it_is_written_as_schema_2(ledger: Ledger) -> None:
    again = Ledger.from_json(ledger.to_json())
    assert json.loads(ledger.to_json())["schema"] == 2
    assert again.to_json() == ledger.to_json()
    assert again.digests["draws"] == ledger.digests["draws"]


@pytest.mark.parametrize(
    ("key", "value"), [("verdict", "CONFIRMED"), ("estimate", 0.5), ("as_expected", True)]
)
def test_an_edited_ledger_is_refused(written: dict[str, Any], key: str, value: Any) -> None:
    written["findings"][0][key] = value
    with pytest.raises(
        InputError, match=r"`ledger` must have the findings that its digest says, .* it was edited"
    ):
        Ledger.from_document(written)


def test_commands_are_outside_of_the_digest(written: dict[str, Any]) -> None:
    """They hung on where the study's file lay."""
    witness = written["findings"][5]["diagnostics"]["witness"]
    witness["replay"] = witness["replay"].replace("pendulum", "elsewhere/pendulum.py")
    assert Ledger.from_document(written)["bound.reduced"].kind == "bound"


@pytest.mark.parametrize("part", ["study", "design", "run", "digests", "findings", "failures"])
def test_a_missing_part_is_named(written: dict[str, Any], part: str) -> None:
    del written[part]
    with pytest.raises(
        InputError,
        match=f"`ledger` must have all parts of schema 1, got KeyError: '{part}'; run the study again",
    ):
        Ledger.from_document(written)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("findings",), 3),
        (("findings", 0), "value"),
        (("findings", 0, "diagnostics"), []),
        (("findings", 0, "cells", 0, "margin"), "wide"),
        (("findings", 4, "diagnostics", "cells"), [{}]),
        (("failures", 0, "replay"), 7),
    ],
)
def test_parts_of_another_form_are_refused(
    written: dict[str, Any], path: tuple[Any, ...], value: Any
) -> None:
    holder: Any = written
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    with pytest.raises(InputError, match=r"`ledger` must have all parts of schema 1, got .*Error"):
        Ledger.from_document(written)


@pytest.mark.parametrize("margin", [0, 0.0, 10**400])
def test_numbers_that_nothing_is_divided_by_are_refused(written: dict[str, Any], margin: Any) -> None:
    for cell in written["findings"][0]["cells"]:
        cell["margin"] = margin
    with pytest.raises(InputError, match="`ledger` must have all parts of schema 1, got"):
        Ledger.from_document(written)
