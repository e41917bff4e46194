"""Reading a journal without holding it: also while a run writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mcstudy.engine.blocks import Blocks, parts_of
from mcstudy.engine.header import check_owner, check_version
from mcstudy.exceptions import JournalError

__all__ = ["reading"]


@contextmanager
def reading(path: Path) -> Iterator[Blocks]:
    """The blocks of a journal.

    Raises
    ------
    JournalError
        If there is no journal, or one that can't be read.
    """
    if not path.is_file():
        msg = f"`path` must be a journal, got {path}, which is not there; run the study with --out {path.parent.parent}"
        raise JournalError(msg)
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10.0)
        ) as connection:
            check_owner(path, connection)
            check_version(path, connection)
            yield Blocks(connection, _block_size(path, connection))
    except sqlite3.Error as error:
        msg = f"the journal {path} can't be read ({error}); move it away, or start over with --fresh"
        raise JournalError(msg) from error


def _block_size(path: Path, connection: sqlite3.Connection) -> int:
    """What all experiments of a journal have in common."""
    (parts,) = connection.execute("SELECT parts FROM keys LIMIT 1").fetchone() or (None,)
    if parts is None:
        msg = f"the journal {path} has no draws yet; wait for the run that writes it, or run the study"
        raise JournalError(msg)
    return int(parts_of(parts)["block size of the run"].text)
