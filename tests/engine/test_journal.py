"""The journal: what it keeps, what it refuses, what it leaves behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy import Scenario
from mcstudy.engine.journal import Journal
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import InputError, JournalError

ONE, TWO = Scenario(n=1), Scenario(n=2)
PRINT = {"study": "toy", "seed": "1", "source": "abc"}
SIZE = 4


def block(scenario: Scenario = ONE, number: int = 0, **more: Any) -> BlockResult:
    data = np.zeros(SIZE, dtype=[("x", "<f8"), ("y", "<f8")])
    data["x"] = np.random.default_rng(number).normal(size=SIZE)
    data["y"] = np.nan
    return BlockResult(scenario, number, **({"data": data} | more))


def lost(scenario: Scenario = ONE, number: int = 0, reason: str = "E: no") -> BlockResult:
    return BlockResult(scenario, number, failures=((None, reason, "Traceback ..."),))


@pytest.fixture
def memory() -> Iterator[Journal]:
    with Journal(None, PRINT) as journal:
        yield journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "toy" / "draws.sqlite"


def test_blocks_come_back_bit_for_bit(memory: Journal) -> None:
    given = block()
    memory.append(given)
    kept = memory.block(ONE, 0)
    assert given.data is not None
    assert kept is not None
    assert kept.tobytes() == given.data.tobytes()
    assert kept.dtype == given.data.dtype
    assert memory.block(ONE, 1) is None
    assert memory.done() == {(ONE.key, 0)}
    assert memory.columns() == ("x", "y")


def test_a_block_is_kept_once(memory: Journal) -> None:
    memory.append(block())
    with pytest.raises(sqlite3.IntegrityError):
        memory.append(block())


def test_a_sample_is_in_order_whatever_came_first(memory: Journal) -> None:
    for number in (2, 0, 1):
        memory.append(block(number=number))
    sample = memory.sample(ONE, 2 * SIZE, SIZE)
    expected = np.concatenate([np.random.default_rng(number).normal(size=SIZE) for number in (0, 1)])
    np.testing.assert_array_equal(sample.columns["x"], expected)
    assert (sample.replicates, sample.failures, sample.block) == (8, 0, SIZE)


def test_failures_mark_their_replicates(memory: Journal) -> None:
    memory.append(lost(number=1))
    memory.append(block(number=0, failures=((2, "diverged", ""),)))
    memory.append(block(number=2))
    sample = memory.sample(ONE, 3 * SIZE, SIZE)
    assert sample.valid.tolist() == [True, True, False, True] + [False] * 4 + [True] * 4
    assert np.isnan(sample.columns["x"][4:8]).all()
    assert [(f.block, f.index, f.reason) for f in memory.failures({ONE: 12}, SIZE)] == [
        (0, 2, "diverged"),
        (1, None, "E: no"),
    ]
    assert memory.failures({ONE: SIZE}, SIZE)[0].index == 2
    assert memory.failures({TWO: 12}, SIZE) == []


def test_a_journal_of_failures_alone_has_no_columns(memory: Journal) -> None:
    memory.append(lost())
    assert memory.columns() is None
    assert memory.sample(ONE, SIZE, SIZE).columns == {}


def test_warnings_are_counted(memory: Journal) -> None:
    for number, texts in enumerate([("a", "b"), ("a",), ()]):
        memory.append(block(number=number, warnings=texts))
    assert memory.warnings({ONE: 12}, SIZE) == [{"message": "a", "blocks": 2}, {"message": "b", "blocks": 1}]


def digest_of(results: list[BlockResult], counts: dict[Scenario, int]) -> str:
    with Journal(None, PRINT) as journal:
        for result in results:
            journal.append(result)
        return journal.digest(counts, SIZE)


def test_digest_depends_on_the_draws_and_on_nothing_else() -> None:
    blocks = [block(scenario, number) for scenario in (ONE, TWO) for number in (0, 1)]
    counts = {ONE: 8, TWO: 8}
    digest = digest_of(blocks, counts)
    assert digest_of(blocks[::-1], {TWO: 8, ONE: 8}) == digest
    assert digest_of([*blocks, block(ONE, 2)], counts) == digest  # drawn further than judged
    noisy = [block(ONE, 0, warnings=("w",)), *blocks[1:]]
    assert digest_of(noisy, counts) == digest
    assert digest_of(blocks, {ONE: 8, TWO: 4}) != digest
    assert digest_of(blocks, {ONE: 8}) != digest
    assert digest_of([block(ONE, 0, failures=((1, "no", ""),)), *blocks[1:]], counts) != digest
    flipped = block(ONE, 0)
    assert flipped.data is not None
    flipped.data["x"][0] = np.nextafter(flipped.data["x"][0], 9)
    assert digest_of([flipped, *blocks[1:]], counts) != digest


def test_digest_ignores_tracebacks() -> None:
    """They name the folders of a machine."""
    one, other = (BlockResult(ONE, 0, failures=((None, "E: no", text),)) for text in ("/home/a", "/home/b"))
    assert digest_of([one], {ONE: SIZE}) == digest_of([other], {ONE: SIZE})
    assert digest_of([lost(reason="F: no")], {ONE: SIZE}) != digest_of([one], {ONE: SIZE})


def test_a_journal_is_taken_up_again(path: Path) -> None:
    with Journal(path, PRINT) as journal:
        journal.append(block())
    with Journal(path, PRINT) as journal:
        assert journal.done() == {(ONE.key, 0)}
        journal.append(block(number=1))
    with Journal(path, PRINT) as journal:
        assert len(journal.done()) == 2


def fill(path: Path, **changed: str) -> bytes:
    with Journal(path, PRINT | changed, "one\ntwo\nthree\n") as journal:
        journal.append(block())
    return path.read_bytes()


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"study": "other"}, r"was drawn with another study:\n  study: toy there, other here"),
        ({"seed": "2"}, r"was drawn with another seed:\n  seed: 1 there, 2 here"),
        ({"source": "abd"}, r"was drawn with another source:\n  source: abc there, abd here"),
        ({"numpy": "9.9"}, r"another numpy:\n  numpy: none there, 9.9 here"),
        ({"seed": "2", "source": "abd"}, "another seed and source:"),
    ],
)
def test_a_journal_of_another_run_is_refused_untouched(
    path: Path, changed: dict[str, str], match: str
) -> None:
    before = fill(path)
    with pytest.raises(JournalError, match=match) as raised:
        Journal(path, PRINT | changed)
    assert "start over with --fresh, or keep it and write elsewhere with --out DIR" in str(raised.value)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["draws.sqlite"]  # noqa: PTH208 - names are what is compared


def test_a_changed_source_is_shown(path: Path) -> None:
    fill(path)
    with pytest.raises(JournalError) as raised:
        Journal(path, PRINT | {"source": "abd"}, "one\nTWO\nthree\n")
    lines = str(raised.value).splitlines()
    assert "  -two" in lines
    assert "  +TWO" in lines


def test_a_long_change_is_cut(path: Path) -> None:
    fill(path)
    with pytest.raises(JournalError, match=r"\.\.\. \d+ more lines"):
        Journal(path, PRINT | {"source": "abd"}, "\n".join(map(str, range(100))))


def test_fresh_starts_over(path: Path) -> None:
    fill(path)
    with Journal(path, PRINT | {"seed": "2"}, fresh=True) as journal:
        assert journal.done() == set()
        journal.append(block(number=5))
    with Journal(path, PRINT | {"seed": "2"}) as journal:
        assert journal.done() == {(ONE.key, 5)}


def test_a_file_that_is_no_journal_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("my notes, longer than the header of a database file would be\n" * 40)
    before = path.read_bytes()
    with pytest.raises(
        JournalError, match=r"can't be read \(file is not a database\); start over with --fresh"
    ):
        Journal(path, PRINT)
    assert path.read_bytes() == before


def test_fresh_replaces_a_file_that_is_no_journal(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("my notes\n" * 400)
    with Journal(path, PRINT, fresh=True) as journal:
        journal.append(block())
    with Journal(path, PRINT) as journal:
        assert len(journal.done()) == 1


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_in_the_place_of_the_journal_is_refused(path: Path, fresh: bool) -> None:
    path.mkdir(parents=True)
    with pytest.raises(JournalError, match="can't be read"):
        Journal(path, PRINT, fresh=fresh)
    assert path.is_dir()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(InputError, match=r"`out` must be a folder that can be written, got .*reports/toy: "):
        Journal(tmp_path / "reports" / "toy" / "draws.sqlite", PRINT)
    assert (tmp_path / "reports").read_text() == "a file"


def test_a_new_journal_without_a_block_leaves_nothing_behind(tmp_path: Path, path: Path) -> None:
    Journal(path, PRINT).close()
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_there_stay(tmp_path: Path, path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mine.txt").write_text("keep")
    Journal(path, PRINT).close()
    assert [p.name for p in (tmp_path / "reports").iterdir()] == ["mine.txt"]


def test_what_a_run_appended_can_be_taken_back(path: Path) -> None:
    fill(path)
    with Journal(path, PRINT) as journal:
        journal.append(block(number=1))
        journal.forget()
        assert journal.done() == {(ONE.key, 0)}
    with Journal(path.parent.parent / "new" / "draws.sqlite", PRINT) as journal:
        journal.append(block())
        journal.forget()
    assert not (path.parent.parent / "new").exists()


def test_two_runs_at_once_are_refused(path: Path) -> None:
    """The second connection must come from another process: locks are a process's own."""
    code = (
        "import sys; from pathlib import Path; from mcstudy.engine.journal import Journal\n"
        f"Journal(Path(sys.argv[1]), {PRINT!r}, fresh=sys.argv[2] == 'fresh')"
    )
    with Journal(path, PRINT) as journal:
        journal.append(block())
        for fresh in ("resume", "fresh"):
            other = subprocess.run(
                [sys.executable, "-c", code, str(path), fresh], capture_output=True, text=True, check=False
            )
            assert "JournalError" in other.stderr
            assert (
                "is held by another run (database is locked); wait for it to end, or write elsewhere"
                in other.stderr
            )
        journal.append(block(number=1))
    with Journal(path, PRINT) as journal:
        assert len(journal.done()) == 2


def test_a_journal_holds_no_pickles(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as kept:
        (data,) = kept.execute("SELECT data FROM blocks").fetchone()
    assert data.startswith(b"\x93NUMPY")
    loaded: npt.NDArray[Any] = np.load(__import__("io").BytesIO(data), allow_pickle=False)
    assert loaded.shape == (SIZE,)


def test_columns_may_have_any_name(memory: Journal) -> None:
    data = np.zeros(SIZE, dtype=[("β", "<f8"), ("a b", "<f8")])
    memory.append(BlockResult(ONE, 0, data))
    assert memory.columns() == ("β", "a b")
