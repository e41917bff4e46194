"""The blocks that a journal keeps, as results read them: samples, failures, warnings, digests, times."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Block, Failure, Sample
from mcstudy.engine.caught import tally
from mcstudy.experiment import Experiment
from mcstudy.ledger import Timing, WarningRecord
from mcstudy.scenarios import Scenario

__all__ = ["Blocks", "Counts", "to_npy"]

# Replicates of each scenario of each experiment.
Counts = Mapping[tuple[str, Scenario], int]

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")

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

    def digest(self, counts: Counts) -> str:
        """The sha256 of the sorted blocks' bytes among the first replicates of the scenarios."""
        digest = hashlib.sha256()
        for experiment, scenario in sorted(counts, key=lambda place: (place[0], place[1].key)):
            place = f"{experiment}/{scenario.key}" if experiment else scenario.key
            rows = self._first("number, data, failures", experiment, scenario, counts[experiment, scenario])
            for number, data, failures in rows:
                # The address of an object in a reason is another one in each process.
                reasons = [[index, _ADDRESS.sub("0x", reason)] for index, reason, _ in json.loads(failures)]
                failed = json.dumps(reasons)
                digest.update(f"{place}:{number}:{failed}".encode())
                digest.update(data or b"")
        return digest.hexdigest()

    def key_digest(self) -> str:
        """The sha256 of what the draws of all experiments depend on."""
        rows = self._connection.execute("SELECT experiment, parts FROM keys ORDER BY experiment").fetchall()
        digests = {
            experiment: {name: part[1] for name, part in json.loads(parts).items()}
            for experiment, parts in rows
        }
        return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()

    def timings(self, counts: Counts) -> list[Timing]:
        """The seconds that drawing took, by scenario."""
        return [
            Timing(experiment, scenario, round(seconds or 0.0, 4), blocks)
            for (experiment, scenario), replicates in counts.items()
            for seconds, blocks in self._first("SUM(seconds), COUNT(*)", experiment, scenario, replicates)
        ]


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
