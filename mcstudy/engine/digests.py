"""Digests of draws that a journal keeps beside them: to make them again would take longer than all else of a resumed run.

Who doubts them reads the blocks, as `mcstudy verify` does.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import TypeAlias

from mcstudy.engine.blocks import Counts, in_order
from mcstudy.engine.notes import opened, sealed
from mcstudy.seal import BlockDigests

__all__ = ["keep_digests", "known_digests"]

Found: TypeAlias = tuple[str, tuple[BlockDigests, ...]]
# Experiment, key of the scenario, state of its blocks; in order.
States: TypeAlias = list[tuple[str, str, str]]


def known_digests(connection: sqlite3.Connection, counts: Counts, states: States) -> Found | None:
    """The digests of these replicates, as `Blocks.digests` finds them; None where they are not kept, or damaged."""
    query = "SELECT content FROM block_digests WHERE states = ?"
    row = connection.execute(query, (_name(states),)).fetchone()
    if row is None or (text := opened(row[0])) is None:
        return None
    draws, each = json.loads(text)
    pairs = zip(in_order(counts), each, strict=True)
    return draws, tuple(BlockDigests(*place, digests) for place, digests in pairs)


def keep_digests(connection: sqlite3.Connection, states: States, found: Found) -> None:
    """Keep the digests of blocks in these states, in the place of those before."""
    draws, each = found
    content = sealed(json.dumps([draws, [own.digests for own in each]]))
    with connection:
        connection.execute("BEGIN")
        connection.execute("DELETE FROM block_digests")
        connection.execute("INSERT INTO block_digests VALUES (?, ?)", (_name(states), content))


def _name(states: States) -> str:
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()
