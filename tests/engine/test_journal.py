"""The journal: what it keeps, what it refuses, what it leaves behind."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy import Scenario
from mcstudy.draws import Block
from mcstudy.engine.drawkey import Part
from mcstudy.engine.journal import Journal
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import InputError, JournalError
from mcstudy.ledger import Change

ONE = Scenario(n=1)
SIZE = 4
PARTS = {
    "seed of the run": Part("setting", "1", "1"),
    "block size of the run": Part("setting", "4", "4"),
    "simulate": Part("code", "abc", "def simulate():\n    return 1"),
}
OLD = Path(__file__).parents[1] / "data" / "journal-0.1.sqlite"


def block(number: int = 0, experiment: str = "") -> BlockResult:
    data = np.zeros(SIZE, dtype=[("x", "<f8")])
    data["x"] = np.random.default_rng(number).normal(size=SIZE)
    return BlockResult(Block(ONE, number, experiment), data)


def part(name: str, text: str, kind: str = "setting") -> dict[str, Part]:
    return {name: Part(kind, text, text)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "toy" / "draws.sqlite"


def fill(path: Path, changed: dict[str, Part] | None = None) -> dict[str, bytes]:
    with Journal(path, SIZE) as journal:
        journal.claim("", PARTS | (changed or {}))
        journal.append(block())
    return content(path)


def content(path: Path) -> dict[str, bytes]:
    """All that lies in the journal's folder."""
    return {file.name: file.read_bytes() for file in sorted(path.parent.iterdir())}


def test_a_journal_is_taken_up_again(path: Path) -> None:
    fill(path)
    with Journal(path, SIZE) as journal:
        journal.claim("", PARTS)
        assert journal.done() == {("", ONE.key, 0)}
        journal.append(block(1))
    with Journal(path, SIZE) as journal:
        assert len(journal.done()) == 2


def test_a_block_is_kept_once(path: Path) -> None:
    with Journal(None, SIZE) as journal:
        journal.append(block())
        with pytest.raises(sqlite3.IntegrityError):
            journal.append(block())


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        (part("seed of the run", "2"), "\n  seed of the run: 1 -> 2\n"),
        (part("version of numpy", "9.9"), "\n  version of numpy is new: 9.9\n"),
        (part("simulate", "def simulate():\n    return 2", "code"), "\n  simulate:\n"),
        (part("simulate", "def simulate():\n    return 2", "code"), "\n    +    return 2\n"),
    ],
    ids=["value", "new", "code", "diff"],
)
def test_draws_that_depend_on_something_else_are_refused_untouched(
    path: Path, changed: dict[str, Part], match: str
) -> None:
    fill(path)
    with Journal(path, SIZE) as journal, pytest.raises(JournalError) as raised:
        journal.claim("", PARTS | changed)
    assert str(raised.value).startswith(f"the journal {path} has draws that depend on something else:\n")
    assert match in str(raised.value)
    assert "start over with --fresh, or keep them and write elsewhere with --out DIR" in str(raised.value)
    with Journal(path, SIZE) as journal:
        assert len(journal.done()) == 1
        journal.claim("", PARTS)


def test_what_is_no_longer_used_is_said(path: Path) -> None:
    fill(path, part("global `SHIFT`", "1.0"))
    with (
        Journal(path, SIZE) as journal,
        pytest.raises(JournalError, match="global `SHIFT` is no longer used"),
    ):
        journal.claim("", PARTS)


def test_experiments_have_keys_of_their_own(path: Path) -> None:
    other = PARTS | part("seed of the run", "2")
    with Journal(path, SIZE) as journal:
        journal.claim("one", PARTS)
        journal.append(block(experiment="one"))
        journal.claim("other", PARTS)
        digest = journal.key_digest()
        journal.claim("other", other)  # nothing was drawn for it yet
        assert journal.key_digest() != digest
        with pytest.raises(JournalError, match="has draws of experiment one that depend on something else"):
            journal.claim("one", other)


def test_fresh_starts_over(path: Path) -> None:
    fill(path)
    with Journal(path, SIZE, fresh=True) as journal:
        assert journal.done() == set()
        journal.claim("", PARTS | part("seed of the run", "2"))
        journal.append(block(5))
    with Journal(path, SIZE) as journal:
        assert journal.done() == {("", ONE.key, 5)}


KINDS = {"claim a, kind": "value", "claim a, margin": "1.0"}
ANALYSES = [KINDS, KINDS | {"claim a, margin": "2.0"}, {"scenarios": "3"} | KINDS]


def changes(path: Path, analyses: Sequence[Mapping[str, str]]) -> list[Change]:
    """What a journal says of runs with these analyses, one block each."""
    for number, analysis in enumerate(analyses):
        with Journal(path, SIZE) as journal:
            journal.note_analysis(analysis, journal.replicates())
            journal.append(block(number))
    with Journal(path, SIZE) as journal:
        return journal.changes()


def test_changes_of_the_analysis_are_kept_with_what_had_been_seen(path: Path) -> None:
    assert changes(path, [ANALYSES[0], ANALYSES[0], ANALYSES[1], ANALYSES[2]]) == [
        Change("claim a, margin", "1.0", "2.0", seen=2 * SIZE),
        Change("claim a, margin", "2.0", "1.0", seen=3 * SIZE),
        Change("scenarios", "the default", "3", seen=3 * SIZE),
    ]


def test_a_claim_that_comes_or_goes_is_one_change(path: Path) -> None:
    more = KINDS | {"claim a.b, kind": "bound", "claim a.b, at_most": "1.0", "claim a.b, times": "0.5"}
    stated = "kind bound, at_most 1.0, times 0.5"
    assert changes(path, [KINDS, more, KINDS]) == [
        Change("claim a.b, added", "", stated, seen=SIZE),
        Change("claim a.b, removed", stated, "", seen=2 * SIZE),
    ]


def test_an_argument_that_comes_or_goes_has_its_default_before_or_after(path: Path) -> None:
    weighed = KINDS | {"claim a, weight": "0.5"}
    assert changes(path, [KINDS, weighed, KINDS]) == [
        Change("claim a, weight", "the default", "0.5", seen=SIZE),
        Change("claim a, weight", "0.5", "the default", seen=2 * SIZE),
    ]


def test_what_was_changed_before_anything_was_seen_is_no_change(path: Path) -> None:
    with Journal(path, SIZE) as journal:
        journal.note_analysis(ANALYSES[0], 0)
        journal.note_analysis(ANALYSES[1], 0)
        journal.append(block())
        assert journal.changes() == []


def test_a_file_that_is_no_journal_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("my notes, longer than the header of a database file would be\n" * 40)
    before = content(path)
    with pytest.raises(JournalError, match=r"can't be used \(file is not a database\); move it away"):
        Journal(path, SIZE)
    assert content(path) == before
    with Journal(path, SIZE, fresh=True) as journal:
        journal.append(block())
    with Journal(path, SIZE) as journal:
        assert len(journal.done()) == 1


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_in_the_place_of_the_journal_is_refused(path: Path, fresh: bool) -> None:
    path.mkdir(parents=True)
    with pytest.raises(JournalError, match="can't be used"):
        Journal(path, SIZE, fresh=fresh)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(InputError, match=r"`out` must be a folder that can be written, got .*reports/toy: "):
        Journal(tmp_path / "reports" / "toy" / "draws.sqlite", SIZE)
    assert (tmp_path / "reports").read_text() == "a file"


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("tables", [["mine"], ["blocks", "mine"], ["keys"]])
def test_the_database_of_another_program_is_never_touched(path: Path, tables: list[str], fresh: bool) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as theirs:
        for table in tables:
            theirs.execute(f"CREATE TABLE {table} (x)")
    before = content(path)
    with pytest.raises(JournalError, match="is another program's database; move it away, or write elsewhere"):
        Journal(path, SIZE, fresh=fresh)
    assert content(path) == before


def test_a_journal_of_the_first_version_is_named_and_kept(path: Path) -> None:
    path.parent.mkdir(parents=True)
    shutil.copy(OLD, path)
    before = content(path)
    with pytest.raises(JournalError, match=r"was written by version 0\.1 of mcstudy; read it there"):
        Journal(path, SIZE)
    assert content(path) == before
    with Journal(path, SIZE, fresh=True) as journal:
        journal.append(block())
    with Journal(path, SIZE) as journal:
        assert len(journal.done()) == 1


def test_a_journal_of_a_later_version_is_named(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match=r"was written by another version of mcstudy \(form 99\)"):
        Journal(path, SIZE)


def truncated(path: Path) -> None:
    """Cut a journal of many blocks in the middle."""
    with Journal(path, SIZE) as journal:
        journal.claim("", PARTS)
        for number in range(400):
            journal.append(block(number))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def test_a_truncated_journal_is_refused_wherever_it_is_noticed(path: Path) -> None:
    truncated(path)
    match = r"can't be used \(.*malformed.*\); move it away"
    with pytest.raises(JournalError, match=match), Journal(path, SIZE) as journal:
        journal.done()
    with Journal(path, SIZE, fresh=True) as journal:
        assert journal.done() == set()


def test_an_empty_file_is_a_new_journal(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    fill(path)


def test_a_new_journal_without_a_block_leaves_nothing_behind(tmp_path: Path, path: Path) -> None:
    Journal(path, SIZE).close()
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_there_stay(tmp_path: Path, path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mine.txt").write_text("keep")
    Journal(path, SIZE).close()
    assert [p.name for p in (tmp_path / "reports").iterdir()] == ["mine.txt"]


def test_what_a_run_appended_can_be_taken_back(path: Path) -> None:
    fill(path)
    with Journal(path, SIZE) as journal:
        journal.append(block(1))
        journal.forget()
        assert journal.done() == {("", ONE.key, 0)}
    with Journal(path.parent.parent / "new" / "draws.sqlite", SIZE) as journal:
        journal.append(block())
        journal.forget()
    assert not (path.parent.parent / "new").exists()


def test_two_runs_at_once_are_refused(path: Path) -> None:
    with Journal(path, SIZE) as journal:
        journal.append(block())
        for fresh in (False, True):
            with pytest.raises(JournalError, match="is held by another run; wait for it to end, or write"):
                Journal(path, SIZE, fresh=fresh)
        journal.append(block(1))
    with Journal(path, SIZE) as journal:
        assert len(journal.done()) == 2


def test_a_lock_that_a_run_has_just_left_is_no_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs must not hold two files of one name: the second looks at what it has locked."""
    path.parent.mkdir(parents=True)
    lock, taken = path.with_suffix(".lock"), []

    def flock(file: Any, operation: int) -> None:
        taken.append(os.fstat(file.fileno()).st_ino)
        if len(taken) == 1:
            lock.unlink()

    monkeypatch.setattr("mcstudy.engine.journal.fcntl.flock", flock)
    with Journal(path, SIZE):
        assert len(taken) == 2
        assert lock.stat().st_ino == taken[1]


def test_a_journal_holds_no_pickles(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as kept:
        (data,) = kept.execute("SELECT data FROM blocks").fetchone()
    assert data.startswith(b"\x93NUMPY")
    loaded: npt.NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    assert loaded.shape == (SIZE,)
