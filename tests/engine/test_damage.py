"""Journals that a disk has damaged: every flipped bit is without effect, or named with the way out; none changes a result."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.engine.blocks import checksum, opened, sealed
from mcstudy.engine.progress import Progress
from mcstudy.engine.reading import reading
from mcstudy.exceptions import JournalError

pytestmark = pytest.mark.usefixtures("unproved", "no_report")
FLIPS = 200


@pytest.fixture
def study(make_study: Callable[..., mc.Study]) -> mc.Study:
    def failing(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        x = rng.normal(size=size)
        return {"x": x, "failure": ["too large" if value > 2.5 else "" for value in x]}

    claim = mc.Value("mean", "s", of=mc.mean("x"), equals=0.0, margin=1.5, allowed_failures=50)
    return make_study(simulate=failing, claims=[claim])


def go(study: mc.Study, out: Path | None, listener: Progress | None = None) -> mc.Ledger:
    return mc.run(study, executor="serial", out=out, progress=listener)


def found(ledger: mc.Ledger) -> tuple[Any, ...]:
    """All that a run has found, but for the time that it took."""
    return (
        ledger.digests["draws"],
        ledger.findings_digest,
        ledger.changes,
        ledger.failures,
        ledger.run.replicates,
    )


@pytest.fixture
def journal(study: mc.Study, tmp_path: Path) -> Path:
    go(study, tmp_path / "sound")
    return tmp_path / "sound" / "toy" / "draws.sqlite"


def copied(journal: Path, to: Path, content: bytes) -> Path:
    path = to / "toy" / "draws.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def outcome(study: mc.Study, out: Path, right: Any) -> str:
    """What a run makes of a journal: the right result, or an error that names the way out."""
    try:
        assert found(go(study, out)) == right
    except JournalError as error:
        return "named" if {"--fresh", "--out"}.intersection(str(error).split()) else str(error)
    return "right"


def test_no_flipped_bit_changes_a_result(study: mc.Study, journal: Path, tmp_path: Path) -> None:
    right, sound = found(go(study, None)), journal.read_bytes()
    rng = random.Random(1)
    outcomes = {"right": 0, "named": 0}
    for number in range(FLIPS):
        content = bytearray(sound)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        out = tmp_path / str(number)
        copied(journal, out, bytes(content))
        outcomes[outcome(study, out, right)] += 1
        shutil.rmtree(out)
    assert min(outcomes.values()) > 0, outcomes


@pytest.mark.parametrize("column", ["data", "failures", "warnings", "seconds", "number", "scenario"])
def test_a_damaged_block_is_named_and_drawn_again(
    study: mc.Study, journal: Path, column: str, listener: Any
) -> None:
    right = found(go(study, None))
    changed: Any = {"data": b"\x93NUMPY", "seconds": 9.5, "number": 77, "scenario": '{"n":3}'}.get(
        column, "[0]"
    )
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute(
            f"UPDATE blocks SET {column} = ? WHERE number = 1 AND scenario = '{{\"n\":2}}'", (changed,)
        )
        connection.commit()
    with reading(journal) as blocks:
        assert len(list(blocks.damaged())) == 1
    assert found(go(study, journal.parents[1], listener)) == right
    (warning,) = listener.said
    assert warning.startswith("toy: block ")
    assert warning.endswith("was damaged where it was kept, and is drawn again")
    listener.said.clear()
    assert found(go(study, journal.parents[1], listener)) == right
    assert listener.said == []


def test_a_block_whose_name_is_no_text_any_more_is_dropped(
    study: mc.Study, journal: Path, listener: Any
) -> None:
    right = found(go(study, None))
    with closing(sqlite3.connect(journal)) as connection, connection:
        query = "UPDATE blocks SET scenario = CAST(? AS TEXT) WHERE number = 1 AND scenario = '{\"n\":2}'"
        assert connection.execute(query, (b'\xfb"n":2}',)).rowcount == 1
    assert found(go(study, journal.parents[1], listener)) == right
    assert [text.endswith("is drawn again") for text in listener.said] == [True]


def test_a_damaged_schema_is_named_though_it_is_no_text(study: mc.Study, journal: Path) -> None:
    content = journal.read_bytes()
    assert content.count(b"CREATE TABLE looks") == 1
    journal.write_bytes(content.replace(b"CREATE TABLE looks", b"CREATE TA\x95LE looks"))
    with pytest.raises(JournalError, match=r"can't be used .* start over with --fresh"):
        go(study, journal.parents[1])
    with pytest.raises(JournalError, match=r"can't be read .* start over with --fresh"), reading(journal):
        pass


def test_whoever_reads_a_damaged_block_is_told(study: mc.Study, journal: Path) -> None:
    results = mc.load(journal.parent)
    assert len(results.draws()) == results.run.replicates
    with closing(sqlite3.connect(journal)) as connection:
        (data,) = connection.execute(
            "SELECT data FROM blocks WHERE number = 1 AND scenario = '{\"n\":2}'"
        ).fetchone()
        changed = data[:-1] + bytes([data[-1] ^ 1])
        connection.execute(
            "UPDATE blocks SET data = ? WHERE number = 1 AND scenario = '{\"n\":2}'", (changed,)
        )
        connection.commit()
    with pytest.raises(
        JournalError, match=r'block \{"n":2\}:1 was damaged where it is kept; run the study again'
    ):
        mc.load(journal.parent).draws()


@pytest.mark.parametrize(
    ("table", "column", "named"),
    [
        ("keys", "parts", "what its draws depend on can't be read; start over with --fresh"),
        ("analyses", "content", "what was made of its draws can't be read; start over with --fresh"),
        ("looks", "counts", ""),
        ("findings", "content", ""),
    ],
)
@pytest.mark.parametrize(
    "damage",
    [lambda text: text.replace("1", "2"), lambda text: "", lambda text: b"\xff\x00"],
    ids=["a digit", "all", "no text"],
)
def test_a_damaged_note_is_named_or_made_again(
    study: mc.Study, journal: Path, table: str, column: str, named: str, damage: Callable[[str], Any]
) -> None:
    with closing(sqlite3.connect(journal)) as connection:
        for rowid, text in connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (damage(text), rowid))
        connection.commit()
    if named:
        with pytest.raises(JournalError, match=named):
            go(study, journal.parents[1])
    else:
        assert found(go(study, journal.parents[1])) == found(go(study, None))


def test_a_checksum_sees_every_part_of_a_block() -> None:
    row = ("e", "{}", 0, b"abc", "[]", "[]", 0.5)
    others = [
        ("f", *row[1:]),
        ("e", "{ }", *row[2:]),
        ("e", "{}", 1, *row[3:]),
        (*row[:3], None, *row[4:]),
        (*row[:3], b"", *row[4:]),
        (*row[:3], "abc", *row[4:]),
        (*row[:4], "[ ]", *row[5:]),
        (*row[:5], "[ ]", 0.5),
        (*row[:6], 0.25),
    ]
    assert len({checksum(one) for one in [row, *others]}) == len(others) + 1
    assert checksum(row) == checksum(tuple(row))


def test_a_sealed_text_opens_only_as_it_was() -> None:
    assert opened(sealed("text")) == "text"
    assert opened(sealed("")) == ""
    for other in (
        sealed("text")[:-1],
        sealed("text")[:-1] + "\udc80",
        sealed("text") + "s",
        "text",
        "",
        None,
        3,
        b"text",
    ):
        assert opened(other) is None


@pytest.mark.parametrize(("number", "twin"), [(3, 2), (2, 3)])
def test_a_block_that_is_taken_for_another_goes_with_it(
    study: mc.Study, journal: Path, tmp_path: Path, number: int, twin: int
) -> None:
    """Two rows of one key, where none may be: only one of them is as it was written."""
    content = bytearray(journal.read_bytes())
    key = study.experiments[0].of_profile("quick")[1].key.encode()
    place = content.index(key + bytes([number])) + len(
        key
    )  # SQLite writes numbers from 2 on in a byte of their own
    content[place] = twin
    path = copied(journal, tmp_path / "twin", bytes(content))
    with closing(sqlite3.connect(path)) as connection:
        keys = connection.execute("SELECT scenario, number FROM blocks NOT INDEXED").fetchall()
    assert keys.count((key.decode(), twin)) == 2  # the control
    assert outcome(study, tmp_path / "twin", found(go(study, None))) in ("right", "named")
