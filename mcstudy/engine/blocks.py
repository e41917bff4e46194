"""The blocks that a journal keeps, as results read them: samples, failures, warnings, digests, times."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import sys
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy.typing as npt

from mcstudy.draws import Block, Failure
from mcstudy.engine.ahead import worked_on
from mcstudy.engine.caught import tally
from mcstudy.engine.drawkey import Part
from mcstudy.engine.notes import opened, seen_and_made
from mcstudy.engine.npy import from_npy, to_npy
from mcstudy.engine.rows import ROW, Row, reasons
from mcstudy.exceptions import JournalError
from mcstudy.ledger import Timing, WarningRecord
from mcstudy.scenarios import Scenario
from mcstudy.seal import BLOCK_DIGITS, BlockDigests

__all__ = [
    "ENVIRONMENT",
    "Blocks",
    "Counts",
    "block_digest",
    "digest_of_keys",
    "in_order",
    "parts_of",
]

# Replicates of each scenario of each experiment.
Counts = Mapping[tuple[str, Scenario], int]

# The kinds of parts of a draw key that say where something is drawn, not what.
ENVIRONMENT = ("version", "machine")

NONE = "[]"  # nearly all failures and warnings, and one text for them all
# The first blocks of a scenario.
FIRST = "FROM blocks WHERE experiment = ? AND scenario = ? AND number < ?"


class _Told(NamedTuple):
    """What is kept of a block beside its data."""

    number: int
    failures: str
    warnings: str
    seconds: float
    checksum: int
    names: tuple[str, ...] = ()  # of its columns, where these were seen


class Blocks:
    """The blocks of one study.

    Parameters
    ----------
    connection : sqlite3.Connection
    block_size : int
        Replicates of a block.
    """

    def __init__(self, connection: sqlite3.Connection, block_size: int) -> None:
        self._connection = connection
        # A damaged text is to be seen by its checksum, not to end the reading.
        connection.text_factory = lambda text: text.decode(errors="surrogateescape")
        self.block_size = block_size
        self._sound: set[tuple[str, str, int]] = set()  # blocks whose checksum was seen to be right
        # What stands behind the data of sound blocks: SQLite reads all of a block to come to it.
        self._told: dict[tuple[str, str, int], _Told] = {}
        self._all_told = False  # whether that is of all sound blocks
        self._states: dict[tuple[str, str], dict[int, str]] = {}  # by replicates

    def done(self, *, sound: bool = False) -> set[tuple[str, str, int]]:
        """The keys of the blocks that are kept, or only of the sound ones, which have columns."""
        query = "SELECT experiment, scenario, number FROM blocks WHERE data IS NOT NULL OR NOT ?"
        return set(self._connection.execute(query, (sound,)))

    def columns(self) -> dict[str, tuple[str, ...]]:
        """By experiment, the columns of the blocks that are kept; without those that have no block with columns."""
        query = "SELECT experiment, data FROM blocks WHERE data IS NOT NULL GROUP BY experiment"
        return {
            experiment: from_npy(data).dtype.names or ()
            for experiment, data in self._connection.execute(query)
        }

    def block(self, block: Block) -> npt.NDArray[Any] | None:
        """The columns of one block; None where it failed or is not kept."""
        row = self.row(block.key)
        return None if row is None else next(self._checked([row])).columns

    def rows(self) -> Iterator[Row]:
        """All blocks as they are kept, those that were damaged too."""
        return map(Row._make, self._connection.execute(f"SELECT {ROW} FROM blocks"))

    def row(self, key: tuple[str, str, int]) -> Row | None:
        """A block as it is kept, if it is."""
        query = f"SELECT {ROW} FROM blocks WHERE experiment = ? AND scenario = ? AND number = ?"
        return next(map(Row._make, self._connection.execute(query, key)), None)

    def damaged(self) -> Iterator[tuple[str, str, int]]:
        """The keys of the blocks that are not as they were written."""
        for row, is_sound in worked_on(lambda row: row.is_sound, self.rows(), lambda row: row.size):
            if is_sound:
                self._sound.add(self._remember(row))
            else:
                yield row.key
        self._all_told = True

    def _remember(self, row: Row) -> tuple[str, str, int]:
        """Keep what stands beside the data of a block that is as it was written, and give its key.

        There may be a million blocks: texts that are alike are kept once, and so is the key.
        """
        failures, warnings = (NONE if text == NONE else text for text in (row.failures, row.warnings))
        key = (sys.intern(row.experiment), sys.intern(row.scenario), row.number)
        names = () if row.data is None else from_npy(row.data).dtype.names or ()
        self._told[key] = _Told(row.number, failures, warnings, row.seconds, row.checksum, names)
        self._states.pop(key[:2], None)
        return key

    def _forget(self, key: tuple[str, str, int]) -> None:
        """What was known of a block that goes."""
        self._told.pop(key, None)
        self._sound.discard(key)
        self._states.pop(key[:2], None)

    def state(self, experiment: str, scenario: Scenario, replicates: int) -> str:
        """A digest of a scenario's first blocks, by their checksums: another one where a block has come in another's place."""
        states = self._states.setdefault((experiment, scenario.key), {})
        if replicates not in states:
            checksums = [told.checksum for told in self._told_of(experiment, scenario, replicates)]
            states[replicates] = hashlib.sha256(repr(checksums).encode()).hexdigest()
        return states[replicates]

    def _checked(self, rows: Iterable[Row]) -> Generator[Row, None, None]:
        for row in rows:
            if row.key not in self._sound and not row.is_sound:
                msg = f"block {row.scenario}:{row.number} was damaged where it is kept; run the study again: it is drawn anew"
                raise JournalError(msg)
            self._sound.add((sys.intern(row.experiment), sys.intern(row.scenario), row.number))
            yield row

    def _blocks(self, experiment: str, scenario: Scenario, replicates: int) -> Generator[Row, None, None]:
        """The blocks of a scenario's first replicates, all of which are kept, in order; each as it was written."""
        return self._checked(map(Row._make, self._first(ROW, experiment, scenario, replicates)))

    def _first(self, what: str, experiment: str, scenario: Scenario, replicates: int) -> sqlite3.Cursor:
        """Columns of the rows of a scenario's first replicates, all of whose blocks are kept, in order."""
        place = (experiment, scenario.key, replicates // self.block_size)
        return self._connection.execute(f"SELECT {what} {FIRST} ORDER BY number", place)

    def _told_of(self, experiment: str, scenario: Scenario, replicates: int) -> list[_Told]:
        """What is kept of a scenario's first blocks beside their data, in order."""
        keys = [(experiment, scenario.key, number) for number in range(replicates // self.block_size)]
        if all(key in self._told for key in keys):
            return [self._told[key] for key in keys]
        what = "number, failures, warnings, seconds, checksum"
        return [_Told(*row) for row in self._first(what, experiment, scenario, replicates)]

    def arrays(
        self, experiment: str, scenario: Scenario, blocks: int
    ) -> Iterator[tuple[int, npt.NDArray[Any] | None]]:
        """Number and columns of a scenario's first blocks, in order; None for one that failed.

        Raises
        ------
        JournalError
            If one was damaged, or is not there.
        """
        with closing(self._blocks(experiment, scenario, blocks * self.block_size)) as rows:
            for number in range(blocks):
                row = next(rows, None)
                if row is None or row.number != number:
                    msg = f"block {scenario.key}:{number} can't be found where it was kept; run the study again: it is drawn anew"
                    raise JournalError(msg)
                yield number, row.columns

    def failing(self) -> Iterator[Row]:
        """The blocks of which something failed; a damaged one, which is drawn again, says nothing."""
        if self._all_told:
            keys = [key for key, told in self._told.items() if told.failures != NONE]
            return self._checked(row for key in keys if (row := self.row(key)) is not None)
        rows = map(Row._make, self._connection.execute(f"SELECT {ROW} FROM blocks WHERE failures != '[]'"))
        return (row for row in rows if row.is_sound)

    def failed(self) -> int:
        """How many replicates failed, in all blocks that are kept."""
        return sum(
            self.block_size if index is None else 1
            for row in self.failing()
            for index, _, _ in json.loads(row.failures)
        )

    def quarantined(self) -> int:
        """How many blocks have nothing because their process died."""
        return sum(row.is_quarantined for row in self.failing())

    def names(self, experiment: str, scenario: Scenario, replicates: int) -> tuple[str, ...]:
        """The columns of a scenario's first replicates; none where all its blocks failed."""
        first = self._told.get((experiment, scenario.key, 0))
        if first is not None and first.names and replicates:
            return first.names
        with closing(self._blocks(experiment, scenario, replicates)) as rows:
            return next((row.columns.dtype.names or () for row in rows if row.columns is not None), ())

    def failures_of(
        self, experiment: str, scenario: Scenario, replicates: int
    ) -> Iterator[tuple[int, int | None]]:
        """The failures among a scenario's first replicates, in order: block and index, None for the whole block."""
        told = (self._told.get((experiment, scenario.key, n)) for n in range(replicates // self.block_size))
        if all(one is not None and one.failures is NONE for one in told):
            return
        place = (experiment, scenario.key, replicates // self.block_size)
        query = f"SELECT {ROW} {FIRST} AND failures != '[]' ORDER BY number"
        for row in self._checked(map(Row._make, self._connection.execute(query, place))):
            for index, _, _ in json.loads(row.failures):
                yield row.number, index

    def failures(self, counts: Counts) -> list[Failure]:
        """The failures among the first replicates of the scenarios, in order."""
        return [
            Failure(Block(scenario, told.number, experiment), index, reason, traceback)
            for (experiment, scenario), replicates in counts.items()
            for told in self._told_of(experiment, scenario, replicates)
            for index, reason, traceback in json.loads(told.failures)
        ]

    def warnings(self, counts: Counts) -> list[WarningRecord]:
        """The kinds of warnings among the first replicates of the scenarios."""
        return [
            record
            for (experiment, scenario), replicates in counts.items()
            for record in tally(
                experiment,
                scenario,
                [json.loads(told.warnings) for told in self._told_of(experiment, scenario, replicates)],
            )
        ]

    def digests(self, counts: Counts) -> tuple[str, tuple[BlockDigests, ...]]:
        """The sha256 of the sorted blocks' bytes among the first replicates of the scenarios, and that of each block."""
        digest, each = hashlib.sha256(), []
        for experiment, scenario in in_order(counts):
            own = []
            for row in self._blocks(experiment, scenario, counts[experiment, scenario]):
                head = _head(Block(scenario, row.number, experiment), json.loads(row.failures))
                digest.update(head)
                digest.update(row.data or b"")
                own.append(_short(head, row.data))
            each.append(BlockDigests(experiment, scenario, "".join(own)))
        return digest.hexdigest(), tuple(each)

    def keys(self) -> dict[str, dict[str, Part]]:
        """What the draws of each experiment depend on, part by part."""
        rows = self._connection.execute("SELECT experiment, parts FROM keys ORDER BY experiment").fetchall()
        return {experiment: parts_of(content) for experiment, content in rows}

    def analyses(self) -> list[tuple[int, str]]:
        """What was to be made of the draws, in order, each with the replicates that had been seen by then.

        Raises
        ------
        JournalError
            If one was damaged or is not to be found.
        """
        rows = self._connection.execute("SELECT seen, content FROM analyses ORDER BY number").fetchall()
        contents = [told for row in rows if (told := seen_and_made(*row)) is not None]
        if len(contents) < len(rows) or not self._is_whole("analyses"):
            msg = "the journal was damaged: what was made of its draws can't be read; start over with --fresh"
            raise JournalError(msg)
        return contents

    def _is_whole(self, table: str) -> bool:
        """Whether the pages of a table hang together: rows that a damaged page hides have no checksum to be missed by."""
        return self._connection.execute(f"PRAGMA quick_check({table})").fetchall() == [("ok",)]

    def assignments(self) -> list[str]:
        """What the parts of the study were to draw that are kept here; none in the journal of a run."""
        found = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'assignments'"
        if self._connection.execute(found).fetchone() is None:
            return []
        rows = self._connection.execute("SELECT content FROM assignments ORDER BY content")
        return [text for (content,) in rows if (text := opened(content)) is not None]

    def key_digest(self) -> str:
        """The sha256 of what the draws of all experiments depend on."""
        return digest_of_keys(self.keys())

    def timings(self, counts: Counts) -> list[Timing]:
        """The seconds that drawing took, by scenario."""
        return [
            Timing(experiment, scenario, round(math.fsum(one.seconds for one in told), 4), len(told))
            for (experiment, scenario), replicates in counts.items()
            for told in [self._told_of(experiment, scenario, replicates)]
        ]


def in_order(counts: Counts) -> list[tuple[str, Scenario]]:
    """Experiments and scenarios in the order in which their blocks are digested."""
    return sorted(counts, key=lambda place: (place[0], place[1].key))


def parts_of(content: Any) -> dict[str, Part]:
    """A draw key, as it is kept.

    Raises
    ------
    JournalError
        If it was damaged.
    """
    text = opened(content)
    if text is None:
        msg = "the journal was damaged: what its draws depend on can't be read; start over with --fresh, or write elsewhere with --out DIR"
        raise JournalError(msg)
    return {name: Part(*part) for name, part in json.loads(text).items()}


def digest_of_keys(keys: Mapping[str, Mapping[str, Part]], *, without: Collection[str] = ()) -> str:
    """The sha256 of what the draws of all experiments depend on, without the parts of some kinds."""
    digests = {
        experiment: {name: part.digest for name, part in parts.items() if part.kind not in without}
        for experiment, parts in keys.items()
    }
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def block_digest(block: Block, failures: Sequence[Failure], data: npt.NDArray[Any] | None) -> str:
    """The digest of a block, equal wherever it was drawn and kept."""
    rows = [(failure.index, failure.reason, failure.traceback) for failure in failures]
    return _short(_head(block, rows), None if data is None else to_npy(data))


def _short(head: bytes, data: bytes | None) -> str:
    return hashlib.sha256(head + (data or b"")).hexdigest()[:BLOCK_DIGITS]


def _head(block: Block, failures: Iterable[Sequence[Any]]) -> bytes:
    """What a digest covers of a block beside its numbers."""
    place = f"{block.experiment}/{block.scenario.key}" if block.experiment else block.scenario.key
    return f"{place}:{block.number}:{json.dumps(reasons(failures))}".encode()
