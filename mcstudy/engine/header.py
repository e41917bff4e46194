"""Whose a database file is, and of which version: what a journal looks at before anything else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mcstudy.exceptions import JournalError

__all__ = ["DATABASE_ERRORS", "check_owner", "check_version", "sign"]

# A schema that was damaged may be no text, so that Python can't even make the error that says so.
DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)

# The file's application and version, in its header: 0 where another program wrote it, or mcstudy 0.1.
APPLICATION, VERSION = 0x6D637374, 3
OLD_TABLES = {"blocks", "meta"}  # of version 0.1


def sign(connection: sqlite3.Connection) -> None:
    """Write down that the file is a journal of this version."""
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def check_owner(path: Path | None, connection: sqlite3.Connection) -> None:
    """Refuse a database of another program.

    Raises
    ------
    JournalError
    sqlite3.Error
        If the file is no database.
    """
    application = _number(connection, "application_id")
    if application != APPLICATION and (application or _tables(connection) - OLD_TABLES):
        msg = f"the journal {path} is another program's database; move it away, or write elsewhere with --out DIR"
        raise JournalError(msg)


def check_version(path: Path | None, connection: sqlite3.Connection) -> None:
    """Refuse a journal of another version of mcstudy; one without tables is of none yet.

    Raises
    ------
    JournalError
    sqlite3.Error
        If the file is no database.
    """
    version = _number(connection, "user_version")
    if version != VERSION and _tables(connection):
        written = "version 0.1 of mcstudy" if version == 0 else f"another version of mcstudy (form {version})"
        msg = f"the journal {path} was written by {written}; read it there, write elsewhere with --out DIR, or start over with --fresh"
        raise JournalError(msg)


def _number(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view', 'trigger')")
    return {name for (name,) in rows}
