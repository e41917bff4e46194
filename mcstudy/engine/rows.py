"""A block as a journal keeps it, with the checksum that tells whether it is as it was written."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from mcstudy.draws import QUARANTINED
from mcstudy.engine.npy import from_npy

__all__ = ["ROW", "Row", "checksum", "reasons"]

ROW = "experiment, scenario, number, data, failures, warnings, seconds, checksum"

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


class Row(NamedTuple):
    """A block as it is kept."""

    experiment: str
    scenario: str
    number: int
    data: bytes | None
    failures: str
    warnings: str
    seconds: float
    checksum: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Of the block."""
        return self.experiment, self.scenario, self.number

    @property
    def size(self) -> int:
        """About how many bytes it holds; what was damaged may be anything."""
        held = (self.data, self.failures, self.warnings)
        return sum(len(part) for part in held if isinstance(part, (bytes, str)))

    @property
    def is_sound(self) -> bool:
        """Whether it is as it was written."""
        return self.checksum == checksum(self[:-1])

    @property
    def is_quarantined(self) -> bool:
        """Whether nothing came of it because its process died."""
        return any(reason.startswith(QUARANTINED) for _, reason, _ in json.loads(self.failures))

    @property
    def columns(self) -> npt.NDArray[Any] | None:
        """Its columns; None where it failed."""
        return None if self.data is None else from_npy(self.data)

    def agrees(self, other: Row) -> bool:
        """Whether the same came of the block where it was drawn another time: numbers, and reasons of failures."""
        return self.data == other.data and reasons(json.loads(self.failures)) == reasons(
            json.loads(other.failures)
        )


def checksum(content: Sequence[Any]) -> int:
    """What tells a block that was damaged on a disk: the CRC-32 of all that is kept of it, with its place."""
    data = content[3] if isinstance(content[3], bytes) else b""
    rest = repr((*content[:3], type(content[3]), *content[4:]))
    return zlib.crc32(data, zlib.crc32(rest.encode()))


def reasons(failures: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Index and reason of failures, as they are in every process."""
    # The address of an object in a reason is another one in each process.
    return [[index, _ADDRESS.sub("0x", reason)] for index, reason, _ in failures]
