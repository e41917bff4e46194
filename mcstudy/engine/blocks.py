"""The blocks that a journal keeps, as results read them: samples, failures, warnings, digests, times."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Block, Failure, Sample
from mcstudy.engine.caught import tally
from mcstudy.engine.drawkey import Part
from mcstudy.experiment import Experiment
from mcstudy.ledger import Timing, WarningRecord
from mcstudy.scenarios import Scenario
from mcstudy.seal import BLOCK_DIGITS, BlockDigests

__all__ = ["ENVIRONMENT", "Blocks", "Counts", "block_digest", "digest_of_keys", "to_npy"]

# Replicates of each scenario of each experiment.
Counts = Mapping[tuple[str, Scenario], int]

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")

# The kinds of parts of a draw key that say where something is drawn, not what.
ENVIRONMENT = ("version", "machine")

# The first blocks of a scenario, in order.
FIRST = "FROM blocks WHERE experiment = ? AND scenario = ? AND number < ?"


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
        self.block_size = block_size

    def done(self, *, sound: bool = False) -> set[tuple[str, str, int]]:
        """The keys of the blocks that are kept, or only of the sound ones, which have columns."""
        query = "SELECT experiment, scenario, number FROM blocks WHERE data IS NOT NULL OR NOT ?"
        return set(self._connection.execute(query, (sound,)))

    def columns(self) -> dict[str, tuple[str, ...]]:
        """By experiment, the columns of the blocks that are kept; without those that have no block with columns."""
        query = "SELECT experiment, data FROM blocks WHERE data IS NOT NULL GROUP BY experiment"
        return {
            experiment: _from_npy(data).dtype.names or ()
            for experiment, data in self._connection.execute(query)
        }

    def block(self, block: Block) -> npt.NDArray[Any] | None:
        """The columns of one block; None where it failed or is not kept."""
        query = "SELECT data FROM blocks WHERE experiment = ? AND scenario = ? AND number = ?"
        row = self._connection.execute(query, block.key).fetchone()
        return None if row is None or row[0] is None else _from_npy(row[0])

    def _first(self, what: str, experiment: str, scenario: Scenario, replicates: int) -> sqlite3.Cursor:
        """Columns of the rows of a scenario's first replicates, all of whose blocks are kept, in order."""
        place = (experiment, scenario.key, replicates // self.block_size)
        return self._connection.execute(f"SELECT {what} {FIRST} ORDER BY number", place)

    def arrays(
        self, experiment: str, scenario: Scenario, blocks: int
    ) -> Iterator[tuple[int, npt.NDArray[Any] | None]]:
        """Number and columns of a scenario's first blocks, in order; None for one that failed."""
        for number, data in self._first("number, data", experiment, scenario, blocks * self.block_size):
            yield number, None if data is None else _from_npy(data)

    def failed(self) -> int:
        """How many replicates failed, in all blocks that are kept."""
        query = "SELECT failures FROM blocks WHERE failures != '[]'"
        return sum(
            self.block_size if index is None else 1
            for (failures,) in self._connection.execute(query)
            for index, _, _ in json.loads(failures)
        )

    def sample(self, experiment: Experiment, scenario: Scenario, replicates: int) -> Sample:
        """The first replicates of a scenario, all of whose blocks are kept."""
        size = self.block_size
        valid = np.ones(replicates, dtype=np.bool_)
        parts: list[npt.NDArray[Any] | None] = []
        for number, data, failures in self._first(
            "number, data, failures", experiment.name, scenario, replicates
        ):
            parts.append(None if data is None else _from_npy(data))
            for index, _, _ in json.loads(failures):
                whole = slice(number * size, (number + 1) * size)
                valid[whole if index is None else number * size + index] = False
        columns = _join(parts, size)
        return Sample(scenario, columns, valid, size, experiment.name, experiment.missing)

    def failures(self, counts: Counts) -> list[Failure]:
        """The failures among the first replicates of the scenarios, in order."""
        return [
            Failure(Block(scenario, number, experiment), index, reason, traceback)
            for (experiment, scenario), replicates in counts.items()
            for number, failures in self._first("number, failures", experiment, scenario, replicates)
            for index, reason, traceback in json.loads(failures)
        ]

    def warnings(self, counts: Counts) -> list[WarningRecord]:
        """The kinds of warnings among the first replicates of the scenarios."""
        return [
            record
            for (experiment, scenario), replicates in counts.items()
            for record in tally(
                experiment,
                scenario,
                [json.loads(texts) for (texts,) in self._first("warnings", experiment, scenario, replicates)],
            )
        ]

    def digests(self, counts: Counts) -> tuple[str, tuple[BlockDigests, ...]]:
        """The sha256 of the sorted blocks' bytes among the first replicates of the scenarios, and that of each block."""
        digest, each = hashlib.sha256(), []
        for experiment, scenario in sorted(counts, key=lambda place: (place[0], place[1].key)):
            own = []
            rows = self._first("number, data, failures", experiment, scenario, counts[experiment, scenario])
            for number, data, failures in rows:
                head = _head(Block(scenario, number, experiment), json.loads(failures))
                digest.update(head)
                digest.update(data or b"")
                own.append(_short(head, data))
            each.append(BlockDigests(experiment, scenario, "".join(own)))
        return digest.hexdigest(), tuple(each)

    def keys(self) -> dict[str, dict[str, Part]]:
        """What the draws of each experiment depend on, part by part."""
        rows = self._connection.execute("SELECT experiment, parts FROM keys ORDER BY experiment").fetchall()
        return {
            experiment: {name: Part(*part) for name, part in json.loads(parts).items()}
            for experiment, parts in rows
        }

    def key_digest(self) -> str:
        """The sha256 of what the draws of all experiments depend on."""
        return digest_of_keys(self.keys())

    def timings(self, counts: Counts) -> list[Timing]:
        """The seconds that drawing took, by scenario."""
        return [
            Timing(experiment, scenario, round(seconds or 0.0, 4), blocks)
            for (experiment, scenario), replicates in counts.items()
            for seconds, blocks in self._first("SUM(seconds), COUNT(*)", experiment, scenario, replicates)
        ]


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
    # The address of an object in a reason is another one in each process.
    reasons = json.dumps([[index, _ADDRESS.sub("0x", reason)] for index, reason, _ in failures])
    return f"{place}:{block.number}:{reasons}".encode()


def to_npy(data: npt.NDArray[Any]) -> bytes:
    """The columns of a block as the bytes of an npy file."""
    buffer = io.BytesIO()
    # Names beyond Latin-1 need version 3, about which NumPy warns unless it is asked for.
    plain = all(name.isascii() for name in data.dtype.names or ())
    np.lib.format.write_array(buffer, data, version=None if plain else (3, 0), allow_pickle=False)
    return buffer.getvalue()


def _from_npy(data: bytes) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    return array


def _join(parts: Iterable[npt.NDArray[Any] | None], block: int) -> dict[str, npt.NDArray[np.float64]]:
    """The columns of consecutive blocks; NaN for a block that failed."""
    parts = list(parts)
    names = next((part.dtype.names for part in parts if part is not None), None) or ()
    lost = np.full(block, np.nan)
    return {name: np.concatenate([lost if part is None else part[name] for part in parts]) for name in names}
