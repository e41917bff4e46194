"""The seal of a document: what it covers, and how it names what differs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mcstudy.scenarios import Scenario
from mcstudy.seal import BLOCK_DIGITS, SEAL, BlockDigests, broken, digests_of_findings, seal

DOCUMENT: dict[str, Any] = {
    "schema": 2,
    "run": {"seed": 1, "alpha": 0.01},
    "findings": [{"id": "a", "estimate": 1.0}, {"id": "b", "estimate": 2.0}],
    "measures": [],
}


@pytest.fixture
def sealed() -> dict[str, Any]:
    return copy.deepcopy({**DOCUMENT, SEAL: seal(DOCUMENT)})


def test_a_seal_has_every_part_and_every_claim(sealed: dict[str, Any]) -> None:
    assert list(sealed[SEAL]) == ["schema", "run", "findings", "claim a", "claim b", "measures"]
    assert broken(sealed) == []
    assert seal(sealed) == sealed[SEAL]  # of a document that has one already


def test_the_order_of_entries_is_no_edit_and_that_of_findings_is(sealed: dict[str, Any]) -> None:
    sealed["run"] = dict(reversed(sealed["run"].items()))
    assert broken(dict(reversed(sealed.items()))) == []
    sealed["findings"].reverse()
    assert broken(sealed) == ["`findings` was edited"]


def test_the_last_bit_of_a_number_counts(sealed: dict[str, Any]) -> None:
    sealed["findings"][1]["estimate"] = 2.0000000000000004
    assert broken(sealed) == ["`claim b` was edited"]


def test_what_is_missing_and_what_was_added(sealed: dict[str, Any]) -> None:
    del sealed["findings"][0], sealed["measures"]
    sealed["notes"] = "fine"
    expected = ["`findings` was edited", "`claim a` is missing", "`measures` is missing", "`notes` was added"]
    assert broken(sealed) == expected


@pytest.mark.parametrize("findings", [None, {}, [3], [{"id": 3}], [{}]])
def test_what_are_no_findings_is_a_part_as_a_whole(sealed: dict[str, Any], findings: Any) -> None:
    sealed["findings"] = findings
    assert broken(sealed)[0] == "`findings` was edited"


def test_a_document_without_a_seal_has_nothing_to_break() -> None:
    assert broken({"schema": 2}) == []
    assert broken({SEAL: 3}) == ["the seal was edited"]


def test_diagnostics_are_in_the_seal_and_not_in_the_digest_of_findings() -> None:
    with_notes = [{"id": "a", "diagnostics": {"note": "x"}}]
    assert digests_of_findings(with_notes, [])[0] == digests_of_findings([{"id": "a"}], [])[0]
    assert digests_of_findings(with_notes, [])[1].items() <= seal({"findings": with_notes}).items()
    assert seal({"findings": with_notes}) != seal({"findings": [{"id": "a"}]})


def test_digests_of_blocks_stand_one_after_the_other() -> None:
    digests = ["0" * BLOCK_DIGITS, "f" * BLOCK_DIGITS]
    blocks = BlockDigests("", Scenario(n=1), "".join(digests))
    assert (list(blocks), len(blocks)) == (digests, 2)
    assert (list(BlockDigests("", Scenario(), "")), len(BlockDigests("", Scenario(), ""))) == ([], 0)
