"""Faults that happen to files and streams: full, read-only, damaged, gone, closed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.faults.kinds import ImpossibleError, fault
from tests.faults.processes import JOBS
from tests.faults.victim import RUN, Ended, Victim

__all__: list[str] = []

LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
# A file system of its own for this process: shared memory that nobody can write.
NO_SHARED_MEMORY = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
NEW_NAMESPACE, PRIVATE, READ_ONLY = 0x20000, 1 << 18 | 1 << 14, 1
made = libc.unshare(NEW_NAMESPACE) or libc.mount(b"none", b"/", None, PRIVATE, None)
if made or libc.mount(b"none", b"/dev/shm", b"tmpfs", READ_ONLY, None):
    os._exit(77)
"""
IMPOSSIBLE = 77  # the exit code above


def _as_root(*command: str) -> None:
    """Do what only root can, and not everywhere."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImpossibleError(f"{' '.join(command[:2])}: {done.stderr.strip()}")


@contextmanager
def _read_only(*paths: Path) -> Iterator[None]:
    """Let nobody write files or into folders; root is stopped by nothing but this attribute."""
    there = [str(path) for path in paths if path.exists()]
    switch = ("chattr", "+i"), ("chattr", "-i")
    if os.getuid():
        switch = ("chmod", "a-w"), ("chmod", "u+w")
    _as_root(*switch[0], *there)
    try:
        yield
    finally:
        _as_root(*switch[1], *there)


@fault("a full disk", 2)
def disk_full(victim: Victim) -> Ended:
    """While blocks or reports are written; then there is room."""
    out = victim.folder / "out"
    kept = victim.folder / "out-kept"
    out.rename(kept)
    out.mkdir()
    size = victim.rng.randrange(60, 300)
    _as_root("mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(out))
    try:
        ended = victim.run()
        subprocess.run(["cp", "-r", f"{out}/.", kept], check=True)
    finally:
        _as_root("umount", str(out))
    out.rmdir()
    kept.rename(out)
    return ended


@fault("a limit on the size of files (RLIMIT_FSIZE)", 2)
def file_limit(victim: Victim) -> Ended:
    """Of the journal, or of a report."""
    size = victim.rng.randrange(20_000, 60_000)
    return victim.start(before=LIMITED.format(size=size)).wait()


@fault("a journal that becomes read-only", 2)
def journal_read_only(victim: Victim) -> Ended:
    """In the middle of a run."""
    started = victim.start(*victim.rng.choice((RUN, JOBS)))
    victim.half_drawn(started)
    # What is shared with readers (-shm) is mapped memory, of which a process dies where it can't be written.
    with _read_only(victim.journal, victim.journal.with_name("draws.sqlite-wal")):
        return started.wait()


@fault("a folder that becomes read-only", 2)
def folder_read_only(victim: Victim) -> Ended:
    """In the middle of a run: neither reports nor the ledger can be written."""
    started = victim.start(*victim.rng.choice((RUN, JOBS)))
    victim.half_drawn(started)
    with _read_only(victim.journal.parent):
        return started.wait()


def _stopped(victim: Victim) -> None:
    """A run that has ended, or was ended in the middle."""
    started = victim.start()
    if victim.rng.random() < 0.5:
        victim.half_drawn(started)
        started.signal(signal.SIGKILL)
    started.wait()
    if victim.journal.with_name("draws.sqlite-wal").exists():
        # One file again, as it is after a run: what is damaged is to be the journal.
        with closing(sqlite3.connect(victim.journal)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")


@fault("a truncated journal", 0, 2)
def journal_truncated(victim: Victim) -> Ended:
    """At any byte."""
    _stopped(victim)
    with victim.damage(victim.journal) as content:
        del content[victim.rng.randrange(len(content)) :]
    return victim.run()


@fault("a flipped bit of a journal", 0, 2)
def bit_flipped(victim: Victim) -> Ended:
    """Any."""
    _stopped(victim)
    with victim.damage(victim.journal) as content:
        content[victim.rng.randrange(len(content))] ^= 1 << victim.rng.randrange(8)
    return victim.run()


@fault("another file in the journal's place: text, noise, a database, draws of another seed", 2)
def journal_replaced(victim: Victim) -> Ended:
    """The command that is named leaves it or replaces it."""
    _stopped(victim)
    other = victim.folder / "part" / "toy" / "draws.sqlite"
    what = victim.rng.choice(("text", "noise", "database", "seed"))
    if what == "seed":
        victim.run("run", "toy", "--out", "part", "--executor", "serial", "--seed", "1")
    other.parent.mkdir(parents=True, exist_ok=True)
    if what == "database":
        with closing(sqlite3.connect(other)) as connection, connection:
            connection.execute("CREATE TABLE blocks_of_somebody (x)")
    elif what != "seed":
        other.write_bytes(b"Dear journal\n" * 50 if what == "text" else victim.rng.randbytes(5000))
    with victim.damage(victim.journal) as content:
        content[:] = other.read_bytes()
    return victim.run()


@fault("a truncated ledger", 2)
def ledger_truncated(victim: Victim) -> Ended:
    """Of which the report is to be made again."""
    victim.run()
    with victim.damage(victim.ledger) as content:
        del content[victim.rng.randrange(len(content) - 2) :]
    return victim.run("report", "toy", "--out", "out")


@fault("a malformed ledger of another study beside it", 0)
def ledger_beside(victim: Victim) -> Ended:
    """No run of this study fails for that."""
    malformed: tuple[Any, ...] = (
        {},
        [],
        {"schema": 2},
        {"schema": 2, "findings": [{}], "run": {}},
        {"schema": 1},
        None,
    )
    other = victim.folder / "out" / "other" / "ledger.json"
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps(victim.rng.choice(malformed)))
    return victim.run()


@fault("a study whose file goes away while it is drawn", 0)
def study_gone(victim: Victim) -> Ended:
    """And is there again before the next run."""
    path = victim.folder / "studies" / "toy.py"
    started = victim.start(*victim.rng.choice((RUN, JOBS)))
    victim.half_drawn(started)
    aside = path.rename(path.with_suffix(".aside"))
    ended = started.wait()
    aside.rename(path)
    return ended


@fault("standard output that is closed", 0)
def stdout_closed(victim: Victim) -> Ended:
    """What is shown is no reason to lose what was drawn."""
    return victim.start(cold=True, stdout=None).wait()


@fault("standard output that is full", 0)
def stdout_full(victim: Victim) -> Ended:
    """As on a full disk."""
    return victim.start(cold=True, stdout="/dev/full").wait()


@fault("output in ASCII", 0)
def ascii_locale(victim: Victim) -> Ended:
    """Which has none of the characters of a report."""
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    return victim.start(cold=True, environment=environment).wait()


@fault("shared memory that can't be written, with workers", 0, 2)
def no_shared_memory(victim: Victim) -> Ended:
    """As in containers."""
    ended = victim.start(*JOBS, before=NO_SHARED_MEMORY).wait()
    if ended.code == IMPOSSIBLE:
        raise ImpossibleError("only root may mount a file system")
    return ended
