"""Edits of a ledger: each is named by `mcstudy verify`, and refused by `mcstudy report`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from mcstudy.engine.verify import Target, Verification
from mcstudy.ledger import text_of
from mcstudy.report import read_ledger, write_report

Command = Callable[..., tuple[int, str, str]]
Verified = Callable[..., Verification]

# What is edited, to what, and how verify names it.
EDITS: list[tuple[tuple[Any, ...], Any, str]] = [
    (("findings", 1, "verdict"), "CONFIRMED", "`claim b` was edited"),
    (("findings", 1, "as_expected"), False, "`claim b` was edited"),
    (("findings", 0, "estimate"), 0.0, "`claim mean` was edited"),
    (("findings", 0, "margin"), 0.01, "`claim mean` was edited"),
    (("findings", 0, "interval", 0), -0.1, "`claim mean` was edited"),
    (("findings", 0, "cells", 1, "mcse"), 0.0, "`claim mean` was edited"),
    (("findings", 1, "evidence", "witness", "value"), 9.0, "`claim b` was edited"),
    (("findings", 0, "statement"), "\\mathbb{E} X = 1", "`claim mean` was edited"),
    (("measures", 0, "cells", 0, "estimate"), 3.0, "`measures` was edited"),
    (("run", "seed"), 7, "`run` was edited"),
    (("run", "alpha"), 0.001, "`run` was edited"),
    (("run", "command"), "mcstudy run other", "`run` was edited"),
    (("run", "profile"), "full", "`run` was edited"),
    (("run", "failures"), 0, "`run` was edited"),
    (("design", "block_size"), 16, "`design` was edited"),
    (("design", "experiments", 0, "factors", "n"), [1], "`design` was edited"),
    (("blocks", 0, "digests"), "00" * 160, "`blocks` was edited"),
    (("digests", "draws"), "00" * 32, "`digests` was edited"),
    (("digests", "key"), "00" * 32, "`digests` was edited"),
    (("study", "authors"), ["Nobody"], "`study` was edited"),
    (("provenance", "git"), "0" * 40, "`provenance` was edited"),
    (("timings", 0, "seconds"), 1.5, "`timings` was edited"),
]


def edited(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The document with another value at a path."""
    found = copy.deepcopy(document)
    holder: Any = found
    for key in path[:-1]:
        holder = holder[key]
    assert holder[path[-1]] != value
    holder[path[-1]] = value
    return found


def write(target: Target, document: Any) -> None:
    target.file.write_text(text_of(document), encoding="utf-8")


def refused(target: Target, verified: Verified, command: Command, says: str, code: int = 1) -> None:
    """Verify names the edit, and the report is not written again."""
    found = verified(target)
    assert (found.code, says in found.levels[0].text) == (code, True), found.lines()
    page = target.out / "toy.html"
    before = page.read_bytes()
    assert command("report", "toy")[0] == 2
    assert page.read_bytes() == before


@pytest.mark.parametrize(("path", "value", "says"), EDITS, ids=lambda item: str(item)[:40])
def test_an_edit_is_named_and_refused(
    target: Target, document: Any, verified: Verified, command: Command, path: Any, value: Any, says: str
) -> None:
    write(target, edited(document, path, value))
    refused(target, verified, command, says)


def test_a_claim_that_was_dropped_is_named(
    target: Target, document: Any, verified: Verified, command: Command
) -> None:
    del document["findings"][1]
    write(target, document)
    refused(target, verified, command, "`findings` was edited")
    assert "`claim b` is missing" in verified(target).levels[0].details


def test_wrong_types_are_named(target: Target, document: Any, verified: Verified, command: Command) -> None:
    write(target, edited(document, ("run", "replicates"), "many"))
    refused(target, verified, command, "`run` was edited")


def test_the_seal_is_missed(target: Target, document: Any, verified: Verified, command: Command) -> None:
    del document["seal"]
    write(target, document)
    refused(target, verified, command, "the seal was taken away")


@pytest.mark.parametrize("keep", [0, 100, 10_000])
def test_a_truncated_ledger_is_named(target: Target, verified: Verified, command: Command, keep: int) -> None:
    assert target.file.stat().st_size > keep
    target.file.write_text(target.file.read_text(encoding="utf-8")[:keep], encoding="utf-8")
    refused(target, verified, command, "it is truncated or no ledger", code=3)


@pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity"])
def test_numbers_that_are_read_and_never_written_are_named(
    target: Target, document: Any, verified: Verified, command: Command, number: str
) -> None:
    text = target.file.read_text(encoding="utf-8")
    seconds = f'"seconds": {document["run"]["seconds"]}'
    assert seconds in text
    target.file.write_text(text.replace(seconds, f'"seconds": {number}', 1), encoding="utf-8")
    refused(target, verified, command, "the ledger was edited: ledger.json is not as mcstudy writes it")


def test_an_entry_that_stands_there_twice_is_named(target: Target, verified: Verified) -> None:
    """Readers of JSON take the last of two; people read the first."""
    text = target.file.read_text(encoding="utf-8")
    target.file.write_text(text.replace('"seed":', '"seed": 1,\n  "seed":', 1), encoding="utf-8")
    level = verified(target).levels[0]
    assert (level.outcome.value, level.text) == ("differs", "ledger.json is not as mcstudy writes it")


@pytest.mark.parametrize(
    "name",
    [
        "toy.html",
        "toy/macros.tex",
        "toy/tables/findings.csv",
        "toy/tables/findings.tex",
        "toy/figures/claim-mean.svg",
    ],
)
def test_what_lies_beside_the_ledger_is_compared(target: Target, verified: Verified, name: str) -> None:
    path = target.out / name
    path.write_bytes(path.read_bytes().replace(b"e", b"E", 1))
    found = verified(target)
    assert (found.code, found.levels[0].text) == (1, f"{name} is not what the ledger says")


def test_the_seal_of_a_figure_hangs_on_the_machine(target: Target, verified: Verified) -> None:
    path = target.folder / "figures" / "claim-mean.svg"
    text, _, seal = path.read_text(encoding="utf-8").rpartition("<!-- mcstudy: ")
    assert seal
    path.write_text(f"{text}<!-- mcstudy: {'0' * 64} -->\n", encoding="utf-8")
    assert verified(target, number=1).levels[0].outcome.value == "verified"


def test_a_forged_ledger_whose_digests_fit_is_found_by_its_page(
    target: Target, document: Any, verified: Verified, forge: Any
) -> None:
    forge(edited(document, ("findings", 0, "estimate"), 0.001))
    found = verified(target)
    assert found.code == 1
    assert "toy.html is not what the ledger says" in found.levels[0].details
    assert "judged again differ: claim mean" in found.levels[2].text


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("findings", 1, "verdict"), "CONFIRMED", "claim b"),
        (("measures", 0, "cells", 0, "estimate"), 3.0, "the measures"),
        (("digests", "draws"), "00" * 32, "the digest of the draws"),
        (("run", "replicates"), 10**6, "the number of replicates"),
        (("run", "failures"), 0, "the number of failures"),
        (("run", "alpha"), 0.001, "alpha"),
    ],
)
def test_a_consistent_forgery_is_found_by_drawing_all_of_it(
    target: Target, document: Any, verified: Verified, forge: Any, path: Any, value: Any, says: str
) -> None:
    """All digests fit, and everything beside the ledger was written from it."""
    forge(edited(document, path, value))
    target.journal.unlink()
    write_report(read_ledger(target.file), target.out)
    intact, _, drawn = verified(target, number=None).levels
    assert (intact.outcome.value, drawn.outcome.value) == ("verified", "differs")
    assert drawn.text.endswith(f"; but judged again differ: {says}")
