"""Reading a journal without holding it: also while a run writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mcstudy.engine.blocks import Blocks, parts_of
from mcstudy.engine.header import DATABASE_ERRORS, check_owner, check_version
from mcstudy.exceptions import JournalError

__all__ = ["is_begun", "reading"]


@contextmanager
def reading(path: Path) -> Iterator[Blocks]:
    """The blocks of a journal.

    Raises
    ------
    JournalError
        If there is no journal, or one that can't be read.
    """
    with _connected(path) as connection:
        yield Blocks(connection, _block_size(path, connection))


def is_begun(path: Path) -> bool:
    """Whether a journal says what its draws depend on: the first that is written, unless a process died before.

    Raises
    ------
    JournalError
        If there is no journal, or one that can't be read.
    """
    with _connected(path) as connection:
        return _keys(connection) is not None


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        msg = f"`path` must be a journal, got {path}, which is not there; run the study with --out {path.parent.parent}"
        raise JournalError(msg)
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10.0)
        ) as connection:
            check_owner(path, connection)
            check_version(path, connection)
            yield connection
    except DATABASE_ERRORS as error:
        msg = f"the journal {path} can't be read ({error}); move it away, or start over with --fresh"
        raise JournalError(msg) from error


def _block_size(path: Path, connection: sqlite3.Connection) -> int:
    """What all experiments of a journal have in common."""
    parts = _keys(connection)
    if parts is None:
        msg = f"the journal {path} has no draws yet; wait for the run that writes it, or run the study"
        raise JournalError(msg)
    return int(parts_of(parts)["block size of the run"].text)


def _keys(connection: sqlite3.Connection) -> Any:
    """What the draws of one experiment depend on, as it is kept."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone() is None:
        return None
    (parts,) = connection.execute("SELECT parts FROM keys LIMIT 1").fetchone() or (None,)
    return parts
