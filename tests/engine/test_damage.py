"""Journals that a disk has damaged: every flipped bit is without effect, or named with the way out; none changes a result."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.engine.notes import opened, sealed
from mcstudy.engine.progress import Progress
from mcstudy.engine.reading import reading
from mcstudy.engine.rows import checksum
from mcstudy.exceptions import InputError, JournalError

pytestmark = pytest.mark.usefixtures("unproved", "no_report")
FLIPS = 400


@pytest.fixture
def study(make_study: Callable[..., mc.Study]) -> mc.Study:
    def failing(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        x = rng.normal(size=size)
        return {"x": x, "failure": ["too large" if value > 2.5 else "" for value in x]}

    return make_study(simulate=failing, claims=[claim(1.5)])


def claim(margin: float) -> mc.Value:
    return mc.Value("mean", "s", of=mc.mean("x"), equals=0.0, margin=margin, allowed_failures=50)


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


def outcome(study: mc.Study, out: Path, right: Any, listener: Any = None) -> str:
    """What a run makes of a journal: the right result, with or without a word, or an error that names the way out."""
    try:
        assert found(go(study, out, listener)) == right
    except JournalError as error:
        return "named" if {"--fresh", "--out"}.intersection(str(error).split()) else str(error)
    return "drawn again" if listener is not None and listener.said else "right"


@pytest.fixture
def changed(study: mc.Study, journal: Path) -> Path:
    """The journal of a study of which a margin was changed after looking, twice."""
    for margin in (1.25, 1.5):
        assert go(replace(study, claims=[claim(margin)]), journal.parents[1]).changes
    return journal


def test_no_flipped_bit_changes_a_result(
    study: mc.Study, changed: Path, tmp_path: Path, listener: Any
) -> None:
    """Nor what is read of it: all draws as they were, or an error."""
    right, sound = found(go(study, changed.parents[1])), changed.read_bytes()
    assert len(right[2]) == 2
    ledger, draws = changed.with_name("ledger.json").read_bytes(), mc.load(changed.parent).draws()
    rng = random.Random(1)
    outcomes = Counter[str]()
    for number in range(FLIPS):
        content = bytearray(sound)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        out = tmp_path / str(number)
        path = copied(changed, out, bytes(content))
        path.with_name("ledger.json").write_bytes(ledger)
        with suppress(JournalError, InputError):
            assert mc.load(path.parent).draws().equals(draws)
        path.with_name("ledger.json").unlink()
        listener.said.clear()
        outcomes[outcome(study, out, right, listener)] += 1
        shutil.rmtree(out)
    assert outcomes.keys() == {"right", "drawn again", "named"}, outcomes


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


def page_of(journal: Path, table: str) -> tuple[int, int]:
    """Where the first page of a table begins in its file, and how many rows stand in it."""
    with closing(sqlite3.connect(journal)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (number,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
    start = (number - 1) * size
    return start, int.from_bytes(journal.read_bytes()[start + 3 : start + 5], "big")


def hide(journal: Path, table: str, number: int) -> None:
    """Have the head of a page say that so many rows stand in it."""
    start, _ = page_of(journal, table)
    content = bytearray(journal.read_bytes())
    content[start + 3 : start + 5] = number.to_bytes(2, "big")
    journal.write_bytes(content)


def test_no_flipped_bit_changes_what_was_changed(study: mc.Study, changed: Path, tmp_path: Path) -> None:
    """Nor after how many replicates: bits of every byte of the page's head, and of where its rows begin."""
    right, sound = found(go(study, changed.parents[1])), changed.read_bytes()
    start, number = page_of(changed, "analyses")
    assert number == len(right[2]) + 1 == 3
    pointers = [start + 8 + 2 * row for row in range(number)]
    rows = [start + int.from_bytes(sound[place : place + 2], "big") for place in pointers]
    places = [*range(start, pointers[-1] + 2), *(place + byte for place in rows for byte in range(12))]
    outcomes = Counter[str]()
    for place in places:
        for bit in (0, 3, 6):
            content = bytearray(sound)
            content[place] ^= 1 << bit
            out = tmp_path / f"{place}-{bit}"
            copied(changed, out, bytes(content))
            outcomes[outcome(study, out, right)] += 1
            shutil.rmtree(out)
    assert outcomes.keys() == {"right", "named"}, outcomes


def test_changes_of_a_journal_that_gave_their_time_no_seal_are_read(study: mc.Study, changed: Path) -> None:
    right = found(go(study, changed.parents[1]))
    with closing(sqlite3.connect(changed)) as connection, connection:
        for number, content in connection.execute("SELECT number, content FROM analyses").fetchall():
            _, made = json.loads(content[8:])
            connection.execute("UPDATE analyses SET content = ? WHERE number = ?", (sealed(made), number))
    assert found(go(study, changed.parents[1])) == right


def test_whoever_reads_hidden_blocks_is_told(study: mc.Study, journal: Path) -> None:
    """A head that says that there are fewer hides them without a trace."""
    right, whole = found(go(study, journal.parents[1])), len(mc.load(journal.parent).draws())
    _, number = page_of(journal, "blocks")
    for left in range(number):
        sound = journal.read_bytes()
        hide(journal, "blocks", left)
        with pytest.raises(
            JournalError, match="can't be found where it was kept; run the study again: it is drawn anew"
        ):
            mc.load(journal.parent).draws()
        journal.write_bytes(sound)
    hide(journal, "blocks", number - 1)
    assert found(go(study, journal.parents[1])) == right
    assert len(mc.load(journal.parent).draws()) == whole


def test_a_journal_all_of_whose_blocks_are_hidden_has_not_seen_nothing(
    study: mc.Study, changed: Path
) -> None:
    hide(changed, "blocks", 0)
    with pytest.raises(JournalError, match="none of its blocks can be found; start over with --fresh"):
        go(replace(study, claims=[claim(1.75)]), changed.parents[1])


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
