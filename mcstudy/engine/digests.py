"""Digests of draws that a journal keeps beside them: to make them again would take longer than all else of a resumed run.

Who doubts them reads the blocks, as `mcstudy verify` does.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import TypeAlias

from mcstudy.engine.blocks import Counts, in_order, opened, sealed
from mcstudy.seal import BlockDigests

__all__ = ["keep_digests", "known_digests"]

Found: TypeAlias = tuple[str, tuple[BlockDigests, ...]]


def known_digests(connection: sqlite3.Connection, counts: Counts) -> Found | None:
    """The digests of these replicates, as `Blocks.digests` finds them; None where they are not kept, or damaged."""
    row = connection.execute("SELECT content FROM digests WHERE counts = ?", (_name(counts),)).fetchone()
    if row is None or (text := opened(row[0])) is None:
        return None
    draws, each = json.loads(text)
    pairs = zip(in_order(counts), each, strict=True)
    return draws, tuple(BlockDigests(*place, digests) for place, digests in pairs)


def keep_digests(connection: sqlite3.Connection, counts: Counts, found: Found) -> None:
    """Keep the digests of these replicates, in the place of those before."""
    draws, each = found
    content = sealed(json.dumps([draws, [own.digests for own in each]]))
    with connection:
        connection.execute("BEGIN")
        connection.execute("DELETE FROM digests")
        connection.execute("INSERT INTO digests VALUES (?, ?)", (_name(counts), content))


def _name(counts: Counts) -> str:
    """A digest of which replicates they are."""
    text = json.dumps([[name, scenario.key, counts[name, scenario]] for name, scenario in in_order(counts)])
    return hashlib.sha256(text.encode()).hexdigest()
