"""The journal: one SQLite file that keeps every block as it finishes.

Arrays are kept as npy bytes, never as pickles. One process writes; whatever was appended survives its death.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from mcstudy.engine.blocks import Blocks, to_npy
from mcstudy.engine.drawkey import Part, difference
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import InputError, JournalError
from mcstudy.ledger import Change

__all__ = ["Journal"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (experiment TEXT PRIMARY KEY, parts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS analyses (number INTEGER PRIMARY KEY, seen INTEGER NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    experiment TEXT NOT NULL, scenario TEXT NOT NULL, number INTEGER NOT NULL,
    data BLOB, failures TEXT NOT NULL, warnings TEXT NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (experiment, scenario, number)) WITHOUT ROWID;
"""
# The file's application and version, in its header: 0 where another program wrote it, or mcstudy 0.1.
APPLICATION, VERSION = 0x6D637374, 2


class Journal(Blocks):
    """The blocks of one study, with what they depend on and what was made of them; one process writes it.

    Parameters
    ----------
    path : Path or None
        The file, or None to keep the blocks in memory.
    block_size : int
        Replicates of a block.
    fresh : bool
        Start over: drop a journal that is there.

    Raises
    ------
    JournalError
        If another run holds the file, or another program or an older version has written it.
    InputError
        If the folder can't be written.
    """

    def __init__(self, path: Path | None, block_size: int, *, fresh: bool = False) -> None:
        self.path = path
        self._made: list[Path] = []
        self._appended: list[tuple[str, str, int]] = []
        self._lock: TextIO | None = None
        super().__init__(self._connect(fresh=fresh), block_size)
        try:
            self._check_ownership()
            if fresh:
                tables = ("blocks", "keys", "analyses", "meta")
                self._connection.executescript(
                    "".join(f"DROP TABLE IF EXISTS {name};" for name in tables) + "VACUUM;"
                )
            self._check_version()
            self._connection.executescript(SCHEMA)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        except BaseException:
            self.close()
            raise

    def _connect(self, *, fresh: bool) -> sqlite3.Connection:
        if self.path is None:
            return sqlite3.connect(":memory:", isolation_level=None)
        self._made = _make_folder(self.path.parent)
        if not self.path.exists():
            self._made.append(self.path)
        self._lock = _locked(self.path)
        try:
            return _opened(self.path)
        except sqlite3.Error as error:
            if fresh and self.path.is_file():
                self.path.unlink()
                return _opened(self.path)
            self._unlock()
            msg = f"the journal {self.path} can't be read ({error}); start over with --fresh, or move it away"
            raise JournalError(msg) from None

    def _unlock(self) -> None:
        if self._lock is not None:
            _remove(Path(self._lock.name))
            self._lock.close()
            self._lock = None

    def _check_ownership(self) -> None:
        """Refuse a database of another program, whose tables `fresh` must not drop."""
        if self._names() - {"blocks", "keys", "analyses", "meta"}:
            msg = f"the journal {self.path} is another program's database; move it away, or write elsewhere with --out DIR"
            raise JournalError(msg)

    def _check_version(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if self._names() and version != VERSION:
            written = (
                "version 0.1 of mcstudy"
                if version == 0
                else f"a version of mcstudy with journals of form {version}"
            )
            msg = f"the journal {self.path} was written by {written}; read it there, write elsewhere with --out DIR, or start over with --fresh"
            raise JournalError(msg)

    def _names(self) -> set[str]:
        rows = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view', 'trigger')"
        )
        return {name for (name,) in rows}

    def claim(self, experiment: str, parts: Mapping[str, Part]) -> None:
        """Note what the draws of an experiment depend on, or compare it with what the kept ones depend on.

        Raises
        ------
        JournalError
            If they differ and there are draws; the message says in what.
        """
        kept = self._kept_parts(experiment)
        changed = difference(kept, parts) if kept else []
        if changed and self._count(experiment):
            name = f" of experiment {experiment}" if experiment else ""
            lines = [f"the journal {self.path} has draws{name} that depend on something else:", *changed]
            lines.append("start over with --fresh, or keep them and write elsewhere with --out DIR")
            raise JournalError("\n  ".join(lines[:-1]) + "\n" + lines[-1])
        content = json.dumps({name: [part.kind, part.digest, part.text] for name, part in parts.items()})
        self._connection.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", (experiment, content))

    def _kept_parts(self, experiment: str) -> dict[str, Part]:
        row = self._connection.execute(
            "SELECT parts FROM keys WHERE experiment = ?", (experiment,)
        ).fetchone()
        return {} if row is None else {name: Part(*part) for name, part in json.loads(row[0]).items()}

    def key_digest(self) -> str:
        """The sha256 of what the draws of all experiments depend on."""
        rows = self._connection.execute("SELECT experiment, parts FROM keys ORDER BY experiment").fetchall()
        digests = {
            experiment: {name: part[1] for name, part in json.loads(parts).items()}
            for experiment, parts in rows
        }
        return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()

    def _count(self, experiment: str | None = None) -> int:
        """How many blocks are kept, of one experiment or of all."""
        query = "SELECT COUNT(*) FROM blocks WHERE experiment = ?1 OR ?1 IS NULL"
        return int(self._connection.execute(query, (experiment,)).fetchone()[0])

    def note_analysis(self, content: Mapping[str, str]) -> None:
        """Note what is made of the draws, with the number of replicates that had been seen by then."""
        seen = self._count() * self.block_size
        if not seen:
            self._connection.execute("DELETE FROM analyses")
        last = self._connection.execute(
            "SELECT content FROM analyses ORDER BY number DESC LIMIT 1"
        ).fetchone()
        text = json.dumps(content, sort_keys=True)
        if last is None or last[0] != text:
            self._connection.execute("INSERT INTO analyses (seen, content) VALUES (?, ?)", (seen, text))

    def changes(self) -> list[Change]:
        """What was changed in the analysis after replicates had been seen, in order."""
        rows = self._connection.execute("SELECT seen, content FROM analyses ORDER BY number").fetchall()
        contents = [(seen, json.loads(content)) for seen, content in rows]
        return [
            Change(name, before.get(name, ""), after.get(name, ""), seen)
            for (_, before), (seen, after) in itertools.pairwise(contents)
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ]

    def append(self, result: BlockResult) -> None:
        """Keep a block."""
        failures = [(failure.index, failure.reason, failure.traceback) for failure in result.failures]
        data = None if result.data is None else to_npy(result.data)
        row = (*result.block.key, data, json.dumps(failures), json.dumps(result.warnings), result.seconds)
        self._connection.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self._appended.append(result.block.key)

    def forget(self) -> None:
        """Take back what this run has appended."""
        query = "DELETE FROM blocks WHERE experiment = ? AND scenario = ? AND number = ?"
        self._connection.executemany(query, self._appended)
        self._appended.clear()

    def close(self) -> None:
        """Close the file; a new one without a block is taken away again, with the folders made for it."""
        empty = bool(self._made) and not self._has_blocks()
        self._connection.close()
        self._unlock()
        if empty:
            for path in reversed(self._made):
                _remove(path)

    def _has_blocks(self) -> bool:
        try:
            return self._connection.execute("SELECT 1 FROM blocks LIMIT 1").fetchone() is not None
        except sqlite3.Error:
            return False

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _locked(path: Path) -> TextIO:
    """The lock of the one process that writes; others may read meanwhile."""
    lock = path.with_suffix(".lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        msg = f"the journal {path} is held by another run; wait for it to end, or write elsewhere with --out DIR"
        raise JournalError(msg) from None
    return lock


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10.0, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder; the folders that were missing, outermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()][::-1]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        for path in reversed(missing):
            _remove(path)
        msg = f"`out` must be a folder that can be written, got {folder}: {error.strerror}; name another with --out DIR"
        raise InputError(msg) from None
    return missing


def _remove(path: Path) -> None:
    """Remove a file or a folder, unless something else has come into it."""
    try:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    except OSError:
        return
