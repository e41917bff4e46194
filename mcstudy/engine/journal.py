"""The journal: one SQLite file that keeps every block as it finishes.

Arrays are kept as npy bytes, never as pickles. One process writes; whatever was appended survives its death.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self, TextIO

from mcstudy.engine.analyses import differences
from mcstudy.engine.blocks import Blocks, Counts, in_order, parts_of
from mcstudy.engine.digests import keep_digests, known_digests
from mcstudy.engine.drawkey import Part, difference
from mcstudy.engine.header import DATABASE_ERRORS, check_owner, check_version, sign
from mcstudy.engine.notes import noted, opened, sealed
from mcstudy.engine.npy import to_npy
from mcstudy.engine.rows import Row, checksum
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import InputError, JournalError
from mcstudy.ledger import Change
from mcstudy.seal import BlockDigests

__all__ = ["Journal", "is_held"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (experiment TEXT PRIMARY KEY, parts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS analyses (number INTEGER PRIMARY KEY, seen INTEGER NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS assignments (content TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS looks (profile TEXT PRIMARY KEY, counts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS block_digests (states TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS findings (
    claim TEXT PRIMARY KEY, rule TEXT NOT NULL, basis TEXT NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    experiment TEXT NOT NULL, scenario TEXT NOT NULL, number INTEGER NOT NULL,
    data BLOB, failures TEXT NOT NULL, warnings TEXT NOT NULL, seconds REAL NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (experiment, scenario, number)) WITHOUT ROWID;
"""
# A full disk, a limit on the size of files, a file that became read-only: no fault of what was written before.
UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
PRIMARY = 0xFF  # the bits of an error's code that are not about its details
# Two rows may have one key, the damaged one and that whose key it is: one may be found after the other, then none.
TWINS = 3


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
        self._writing = False
        super().__init__(_in_memory() if path is None else self._connect(path, fresh=fresh), block_size)
        try:
            check_version(path, self._connection)
            self._writing = True  # not before this check: a file that is refused stays as it is
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(SCHEMA)
            sign(self._connection)
        except DATABASE_ERRORS as error:
            self.close()
            raise JournalError(_unreadable(path, error)) from error
        except BaseException:
            self.close()
            raise

    def _connect(self, path: Path, *, fresh: bool) -> sqlite3.Connection:
        self._made = _make_folder(path.parent)
        if not path.exists():
            self._made.append(path)
        self._lock = _locked(path)
        try:
            return _opened(path, fresh=fresh)
        except BaseException:
            self._unlock()
            raise

    def _unlock(self) -> None:
        if self._lock is not None:
            _remove(Path(self._lock.name))
            self._lock.close()
            self._lock = None

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
        if changed or not kept:
            content = json.dumps({name: [part.kind, part.digest, part.text] for name, part in parts.items()})
            self._connection.execute(
                "INSERT OR REPLACE INTO keys VALUES (?, ?)", (experiment, sealed(content))
            )

    def _kept_parts(self, experiment: str) -> dict[str, Part]:
        row = self._connection.execute(
            "SELECT parts FROM keys WHERE experiment = ?", (experiment,)
        ).fetchone()
        return {} if row is None else parts_of(row[0])

    def _count(self, experiment: str | None = None) -> int:
        """How many blocks are kept, of one experiment or of all."""
        query = "SELECT COUNT(*) FROM blocks WHERE experiment = :name OR :name IS NULL"
        return int(self._connection.execute(query, {"name": experiment}).fetchone()[0])

    def replicates(self) -> int:
        """How many replicates are kept."""
        return self._count() * self.block_size

    def note_analysis(self, content: Mapping[str, str], seen: int) -> None:
        """Note what is made of the draws, with the number of replicates that had been seen by then.

        Raises
        ------
        JournalError
            If what was noted before was damaged, or none of the draws that were seen is to be found.
        """
        text, known = json.dumps(content, sort_keys=True), self.analyses()
        if known and known[-1][1] == text:
            return
        if not seen:  # what was planned before anything was drawn is no change
            if not (self._has_blocks() or self._is_whole("blocks")):
                msg = f"the journal {self.path} was damaged: none of its blocks can be found; start over with --fresh, or write elsewhere with --out DIR"
                raise JournalError(msg)
            self._connection.execute("DELETE FROM analyses")
        self._connection.execute(
            "INSERT INTO analyses (seen, content) VALUES (?, ?)", (seen, noted(seen, text))
        )

    def note_assignment(self, content: str) -> None:
        """Note what a part of the study was to draw, which is drawn into this journal."""
        self._connection.execute("INSERT OR IGNORE INTO assignments VALUES (?)", (sealed(content),))

    def note_look(self, profile: str, counts: Counts) -> None:
        """Note after how many replicates a run of a profile has looked last."""
        text = json.dumps([[name, scenario.key, count] for (name, scenario), count in counts.items()])
        self._connection.execute("INSERT OR REPLACE INTO looks VALUES (?, ?)", (profile, sealed(text)))

    def last_look(self, profile: str) -> dict[tuple[str, str], int]:
        """The replicates of the last look of a profile, by experiment and key of the scenario; empty before one."""
        row = self._connection.execute("SELECT counts FROM looks WHERE profile = ?", (profile,)).fetchone()
        text = None if row is None else opened(row[0])  # one that was damaged only costs a look
        return {} if text is None else {(name, key): count for name, key, count in json.loads(text)}

    def keep_findings(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep findings in the place of those before: each its claim, two digests of what it depends on, its JSON."""
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.execute("DELETE FROM findings")
            kept = ((claim, rule, basis, sealed(content)) for claim, rule, basis, content in rows)
            self._connection.executemany("INSERT INTO findings VALUES (?, ?, ?, ?)", kept)

    def findings(self) -> dict[str, tuple[str, str, str]]:
        """By claim, what `keep_findings` has kept."""
        rows = self._connection.execute("SELECT claim, rule, basis, content FROM findings").fetchall()
        return {
            claim: (rule, basis, content)
            for claim, rule, basis, kept in rows
            if (content := opened(kept)) is not None
        }

    def changes(self) -> list[Change]:
        """What was changed in the analysis after replicates had been seen, in order."""
        analyses = [(seen, json.loads(text)) for seen, text in self.analyses()]
        return [
            Change(what, old, new, seen)
            for (_, before), (seen, after) in itertools.pairwise(analyses)
            for what, old, new in differences(before, after)
        ]

    def append(self, result: BlockResult) -> None:
        """Keep a block."""
        failures = [(failure.index, failure.reason, failure.traceback) for failure in result.failures]
        data = None if result.data is None else to_npy(result.data)
        row = (
            *result.block.key,
            data,
            json.dumps(failures),
            json.dumps(result.warnings),
            float(result.seconds),
        )
        kept = Row(*row, checksum(row))
        self._connection.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", kept)
        self._remember(kept)
        self._appended.append(result.block.key)

    def drop_damaged(self) -> list[tuple[str, str, int]]:
        """Take away the blocks that are not as they were written; their keys.

        A damaged key may be that of another block, which is taken for the damaged one then: both go.

        Raises
        ------
        JournalError
            If some can't be taken away, for a damaged key stands where it is not looked for.
        """
        keys: list[tuple[str, str, int]] = []
        for _ in range(TWINS):
            if not (found := list(self.damaged())):
                return keys
            self._drop(found)
            self._sound.difference_update(found)
            keys += found
        msg = f"the journal {self.path} was damaged: blocks of it can't be found by their names; start over with --fresh, or write elsewhere with --out DIR"
        raise JournalError(msg)

    def drop_failed(self, *, deaths: bool) -> list[tuple[str, str, int]]:
        """Take away the blocks of which something failed, or only those that killed their worker; their keys."""
        keys = [row.key for row in self.failing() if row.is_quarantined or not deaths]
        self._drop(keys)
        return keys

    def _drop(self, keys: Iterable[tuple[str, str, int]]) -> None:
        keys = list(keys)
        for key in keys:
            self._forget(key)
        # As bytes, for the name of a damaged block may be no text.
        query = "DELETE FROM blocks WHERE experiment = CAST(? AS TEXT) AND scenario = CAST(? AS TEXT) AND number = ?"
        named = ((*(_bytes(name) for name in names), number) for *names, number in keys)
        self._connection.executemany(query, named)

    def digests(self, counts: Counts) -> tuple[str, tuple[BlockDigests, ...]]:
        """As of any blocks, but found once, and again where a block has come in another's place."""
        states = [
            (name, scenario.key, self.state(name, scenario, counts[name, scenario]))
            for name, scenario in in_order(counts)
        ]
        known = known_digests(self._connection, counts, states)
        if known is None:
            known = super().digests(counts)
            keep_digests(self._connection, states, known)
        return known

    def forget(self) -> None:
        """Take back what this run has appended."""
        self._drop(self._appended)
        self._appended.clear()

    def close(self) -> None:
        """Close the file; a new one without a block is taken away again, with the folders made for it."""
        empty = bool(self._made) and not self._has_blocks()
        if self._writing:
            # One plain file, which can be read where nothing can be written; not while somebody reads it.
            with suppress(*DATABASE_ERRORS):
                self._connection.execute("PRAGMA busy_timeout = 0")
                self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()
        self._unlock()
        if empty:
            for path in reversed(self._made):
                _remove(path)

    def _has_blocks(self) -> bool:
        try:
            return self._connection.execute("SELECT 1 FROM blocks LIMIT 1").fetchone() is not None
        except DATABASE_ERRORS:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        if isinstance(error, DATABASE_ERRORS):  # a file that is damaged further inside, a full disk
            raise JournalError(_unreadable(self.path, error)) from error


def _bytes(name: Any) -> Any:
    return name.encode(errors="surrogateescape") if isinstance(name, str) else name


def _locked(path: Path) -> TextIO:
    """The lock of the one process that writes; others may read meanwhile."""
    name = path.with_suffix(".lock")
    lock = name.open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        msg = f"the journal {path} is held by another run; wait for it to end, or write elsewhere with --out DIR"
        raise JournalError(msg) from None
    if not name.exists() or not os.path.samestat(name.stat(), os.fstat(lock.fileno())):
        lock.close()  # a run that has just ended took the file away between the two lines above
        return _locked(path)
    return lock


def is_held(path: Path) -> bool:
    """Whether a run writes a journal at this moment."""
    try:
        with path.with_suffix(".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no lock, or none that could be taken: nobody has it here
        return False
    return False


def _in_memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def _opened(path: Path, *, fresh: bool) -> sqlite3.Connection:
    """The database of a file; a new one in its place where it is to be dropped."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            check_owner(path, connection)
    except DATABASE_ERRORS as error:
        if not fresh or not path.is_file():
            raise JournalError(_unreadable(path, error)) from error
    if fresh:
        for suffix in ("", "-wal", "-shm"):  # what is left of an old file would be taken for the new one's
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    return sqlite3.connect(path, timeout=10.0, isolation_level=None)


def _unreadable(path: Path | None, error: Exception) -> str:
    if getattr(error, "sqlite_errorcode", 0) & PRIMARY in UNWRITABLE:
        return f"the journal {path} can't be written ({error}); what is finished is kept: make room or allow writing, and run the same command again"
    return f"the journal {path} can't be used ({error}); move it away, write elsewhere with --out DIR, or start over with --fresh"


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
