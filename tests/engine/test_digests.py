"""Digests that are kept beside the draws: those that the blocks have, and none where blocks have changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from mcstudy import Scenario
from mcstudy.draws import Block, Failure
from mcstudy.engine.blocks import Blocks
from mcstudy.engine.drawkey import Part
from mcstudy.engine.journal import Journal
from mcstudy.engine.reading import reading
from mcstudy.engine.worker import BlockResult

ONE, TWO = Scenario(n=1), Scenario(n=2)
SIZE = 4
PARTS = {"block size of the run": Part("setting", "4", "4")}
ALL = {("", ONE): 3 * SIZE, ("", TWO): 2 * SIZE}


def block(scenario: Scenario, number: int, seed: int = 0, *, fails: bool = False) -> BlockResult:
    data = np.zeros(SIZE, dtype=[("x", "<f8")])
    data["x"] = np.random.default_rng((len(scenario.key), number, seed)).normal(size=SIZE)
    failures = (Failure(Block(scenario, number), 1, "lost", ""),) if fails else ()
    return BlockResult(Block(scenario, number), data, failures=failures, seconds=0.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of five blocks, with their digests."""
    place = tmp_path / "draws.sqlite"
    with Journal(place, SIZE) as journal:
        for scenario, count in ((TWO, 2), (ONE, 3)):
            for number in range(count):
                journal.append(block(scenario, number, fails=number == 1))
        journal.claim("", PARTS)
        journal.digests(ALL)
    return place


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often digests are made of blocks."""
    asked: list[int] = []
    right = Blocks.digests

    def digests(self: Blocks, counts: dict[tuple[str, Scenario], int]) -> object:
        asked.append(len(counts))
        return right(self, counts)

    monkeypatch.setattr(Blocks, "digests", digests)
    return asked


def test_digests_are_found_once_and_are_those_of_the_blocks(path: Path, made: list[int]) -> None:
    with Journal(path, SIZE) as journal:
        found = journal.digests(ALL)
        assert journal.digests(dict(reversed(ALL.items()))) == found  # in whatever order they are asked for
        assert made == []
    with reading(path) as blocks:
        assert blocks.digests(ALL) == found


def test_other_replicates_have_other_digests(path: Path, made: list[int]) -> None:
    fewer = ALL | {("", ONE): 2 * SIZE}
    with Journal(path, SIZE) as journal:
        found = journal.digests(fewer)
        assert len(made) == 1
        assert found != Journal.digests(journal, ALL)
    with reading(path) as blocks:
        assert blocks.digests(fewer) == found


def drop(journal: Journal, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE blocks SET seconds = 9 WHERE number = 2")  # not what its checksum says
        connection.commit()
    assert journal.drop_damaged() == [("", ONE.key, 2)]
    journal.append(block(ONE, 2, seed=1))


def drop_failed(journal: Journal, path: Path) -> None:
    journal.drop_failed(deaths=False)
    for scenario in (ONE, TWO):
        journal.append(block(scenario, 1, seed=1))


@pytest.mark.parametrize("change", [drop, drop_failed])
def test_blocks_that_were_drawn_again_have_digests_of_their_own(
    path: Path, made: list[int], change: Callable[[Journal, Path], None]
) -> None:
    with Journal(path, SIZE) as journal:
        before = journal.digests(ALL)
        journal.drop_damaged()
        change(journal, path)
        found = journal.digests(ALL)
        assert len(made) == 1
        assert found != before
    with reading(path) as blocks:
        assert blocks.digests(ALL) == found


@pytest.mark.parametrize("content", ["", "{", "00000000[]", 7])
def test_damaged_digests_are_made_again(path: Path, made: list[int], content: object) -> None:
    with reading(path) as blocks:
        right = blocks.digests(ALL)
    made.clear()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE block_digests SET content = ?", (content,))
        connection.commit()
    with Journal(path, SIZE) as journal:
        assert journal.digests(ALL) == right
        assert journal.digests(ALL) == right
    assert len(made) == 1


def test_what_stands_beside_the_data_is_read_once_with_it(path: Path) -> None:
    """Failures, warnings and seconds are the same whether the blocks have just been looked through or not."""
    with reading(path) as blocks:
        right = (blocks.failures(ALL), blocks.warnings(ALL), blocks.timings(ALL))
    assert len(right[0]) == 2
    with Journal(path, SIZE) as journal:
        assert journal.drop_damaged() == []
        asked: list[str] = []
        journal._connection.set_trace_callback(asked.append)
        assert (journal.failures(ALL), journal.warnings(ALL), journal.timings(ALL)) == right
        assert asked == []


def test_what_stood_beside_a_block_goes_with_it(path: Path) -> None:
    with Journal(path, SIZE) as journal:
        journal.drop_damaged()
        journal.drop_failed(deaths=False)
        for scenario in (ONE, TWO):
            journal.append(block(scenario, 1, seed=1))
        assert journal.failures(ALL) == []


def test_blocks_that_others_took_away_are_missed(path: Path, made: list[int]) -> None:
    """By hand, or by a version that kept no digests."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM blocks WHERE number = 1")
        connection.commit()
    with Journal(path, SIZE) as journal:
        for scenario in (ONE, TWO):
            journal.append(block(scenario, 1, seed=1))
        found = journal.digests(ALL)
        assert len(made) == 1
    with reading(path) as blocks:
        assert blocks.digests(ALL) == found


def test_a_block_that_takes_the_place_of_another_changes_the_state(path: Path) -> None:
    with Journal(path, SIZE) as journal:
        before = journal.state("", ONE, 3 * SIZE)
        row = next(row for row in journal.rows() if row.scenario == ONE.key)
        journal._remember(row)
        journal.drop_damaged()
        assert journal.state("", ONE, 3 * SIZE) == before
        journal._remember(row._replace(checksum=row.checksum ^ 1))
        assert journal.state("", ONE, 3 * SIZE) != before
