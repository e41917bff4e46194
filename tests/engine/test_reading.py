"""Reading a journal: while a run writes, where nothing can be written, and where there is none."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from mcstudy import Scenario
from mcstudy.draws import Block
from mcstudy.engine.drawkey import Part
from mcstudy.engine.journal import Journal
from mcstudy.engine.reading import reading
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import JournalError

ONE = Scenario(n=1)
SIZE = 4
PARTS = {"block size of the run": Part("setting", "4", "4")}
OLD = Path(__file__).parents[1] / "data" / "journal-0.1.sqlite"


def block(number: int = 0) -> BlockResult:
    return BlockResult(Block(ONE, number), np.zeros(SIZE, dtype=[("x", "<f8")]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "toy" / "draws.sqlite"


def fill(path: Path, blocks: int = 1) -> list[str]:
    """Write a journal; the names of all that lies in its folder."""
    with Journal(path, SIZE) as journal:
        journal.claim("", PARTS)
        for number in range(blocks):
            journal.append(block(number))
    return names(path)


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_a_finished_journal_is_one_plain_file(path: Path) -> None:
    """Which can be read where nothing can be written: on a read-only medium, from a web server."""
    assert fill(path) == ["draws.sqlite"]
    with reading(path) as blocks:
        assert len(blocks.done()) == 1
    assert names(path) == ["draws.sqlite"]


def test_a_journal_is_read_while_a_run_writes(path: Path) -> None:
    with Journal(path, SIZE) as journal:
        journal.claim("", PARTS)
        for number in range(3):
            journal.append(block(number))
            with reading(path) as blocks:
                assert len(blocks.done()) == number + 1
                assert blocks.block_size == SIZE


def test_a_journal_that_somebody_reads_is_closed_at_once(path: Path) -> None:
    with Journal(path, SIZE) as journal:
        journal.claim("", PARTS)
        journal.append(block())
        reader = reading(path)
        blocks = reader.__enter__()
        rows = blocks.arrays("", ONE, 1)
        next(rows)
        journal.append(block(1))
        journal.close()
    assert len(blocks.done()) == 2
    reader.__exit__(None, None, None)


@pytest.mark.parametrize(
    "damage", ["missing", "no database", "another program's", "old", "truncated", "not begun"]
)
def test_what_can_not_be_read_is_named(path: Path, damage: str) -> None:
    path.parent.mkdir(parents=True)
    if damage == "no database":
        path.write_text("my notes\n" * 400)
    elif damage == "another program's":
        with closing(sqlite3.connect(path)) as theirs:
            theirs.execute("CREATE TABLE mine (x)")
    elif damage == "old":
        shutil.copy(OLD, path)
    elif damage == "truncated":
        fill(path, blocks=400)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
    elif damage == "not begun":
        journal = Journal(path, SIZE)
    match = {
        "missing": r"must be a journal, got .*draws\.sqlite, which is not there",
        "no database": r"can't be read \(file is not a database\)",
        "another program's": "is another program's database",
        "old": r"was written by version 0\.1 of mcstudy",
        "truncated": r"can't be read \(database disk image is malformed\)",
        "not begun": "has no draws yet; wait for the run that writes it",
    }
    with pytest.raises(JournalError, match=match[damage]), reading(path) as blocks:
        blocks.failed()
    if damage == "not begun":
        journal.close()


def test_errors_of_whoever_reads_are_their_own(path: Path) -> None:
    fill(path)
    with pytest.raises(KeyError), reading(path):
        raise KeyError
