"""How far studies are, whatever lies in their folders."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mcstudy.exceptions import InputError
from mcstudy.results.status import HEADER, status

OLD = Path(__file__).parents[1] / "data" / "journal-0.1.sqlite"


@pytest.fixture
def out(folder: Path, tmp_path: Path) -> Path:
    """A folder of reports with the study's, which may be written."""
    shutil.copytree(folder / "toy", tmp_path / "reports" / "toy")
    return tmp_path / "reports"


def row(out: Path, name: str) -> dict[str, str]:
    (found,) = status(out, [name])
    return dict(zip(HEADER, found.row(), strict=True))


def test_what_is_drawn_and_found(out: Path) -> None:
    shown = row(out, "toy")
    assert (shown["study"], shown["blocks"], shown["replicates"], shown["failures"]) == (
        "toy",
        "20",
        "320",
        "4",
    )
    assert "3 confirmed" in shown["found"]


def test_a_study_that_is_still_drawn(out: Path) -> None:
    (out / "toy" / "ledger.json").unlink()
    assert row(out, "toy")["found"] == "not judged yet"


def test_a_ledger_without_its_journal(out: Path) -> None:
    (out / "toy" / "draws.sqlite").unlink()
    shown = row(out, "toy")
    assert shown["blocks"] == "none"
    assert "3 confirmed" in shown["found"]


def test_what_can_not_be_read_hides_no_other(out: Path) -> None:
    for name in ("old", "notes", "theirs", "ledger"):
        (out / name).mkdir()
    shutil.copy(OLD, out / "old" / "draws.sqlite")
    (out / "notes" / "draws.sqlite").write_text("my notes\n" * 400)
    with closing(sqlite3.connect(out / "theirs" / "draws.sqlite")) as theirs:
        theirs.execute("CREATE TABLE mine (x)")
    (out / "ledger" / "ledger.json").write_text("{")
    lines = status(out)
    found = {line.study: line.found for line in lines}
    assert [line.study for line in lines if line.readable] == ["toy"]
    assert list(found) == ["ledger", "notes", "old", "theirs", "toy"]
    assert "was written by version 0.1 of mcstudy" in found["old"]
    assert "can't be read (file is not a database)" in found["notes"]
    assert "is another program's database" in found["theirs"]
    assert "the ledger can't be read: `" in found["ledger"]
    assert "3 confirmed" in found["toy"]


def test_a_ledger_that_can_not_be_read_leaves_what_was_drawn(out: Path) -> None:
    (out / "toy" / "ledger.json").write_text("{")
    (line,) = status(out)
    assert line.drawn == ("20", "320", "4")
    assert line.found.startswith("the ledger can't be read: `path` must be a ledger.json")
    assert not line.readable


def test_nothing_there(out: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"`STUDY` must have been run, got 'tyo', .*; did you mean toy\? there are: toy"
    ):
        status(out, ["tyo"])
    with pytest.raises(
        InputError, match=r"`out` must be a folder that a run has written, got .*; name it with --out DIR"
    ):
        status(tmp_path / "nowhere")


def test_a_damaged_block_has_no_failures_to_count(out: Path) -> None:
    with closing(sqlite3.connect(out / "toy" / "draws.sqlite")) as journal, journal:
        found = journal.execute("UPDATE blocks SET failures = '[[' WHERE failures != '[]'").rowcount
    assert found > 0
    assert row(out, "toy")["failures"] == "0"
