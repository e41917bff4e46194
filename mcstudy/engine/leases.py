"""Leases: files by which processes on a shared folder agree on who does what, without talking to each other.

A lease lives as long as its holder touches it. That of a process that was killed grows old, and another takes it over.
A holder that only was slow may come back to find its lease with another: what is done under a lease must come to the
same when it is done twice.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["lease"]

# Far above what a busy file server takes to show that a file was touched; a killed process holds others up for so long.
OLD = 60.0
BEAT = OLD / 10


@contextmanager
def lease(path: Path) -> Iterator[bool]:
    """Hold a lease while the block runs, if nobody else does.

    Parameters
    ----------
    path : Path
        Its file, in a folder that is there.

    Yields
    ------
    bool
        Whether it is held here.
    """
    if not _created(path) and not _taken_over(path):
        yield False
        return
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(path, ended), daemon=True)
    beating.start()
    try:
        yield True
    finally:
        ended.set()
        beating.join()
        path.unlink(missing_ok=True)


def _created(path: Path) -> bool:
    try:
        # The one way to make a file that exactly one process succeeds at, on file servers too.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


def _is_old(path: Path) -> bool:
    """Whether nobody has touched a lease for long, by the clock of whoever keeps the files."""
    now = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    now.touch()
    try:
        return now.stat().st_mtime - path.stat().st_mtime > OLD
    except FileNotFoundError:  # it was given back meanwhile
        return False
    finally:
        now.unlink()


def _taken_over(path: Path) -> bool:
    """Take a lease if it is old; of several processes that try at once one does.

    Two may where one was killed, or stood still, in the middle of this.
    """
    taking = path.with_name(f"{path.name}.taking")
    if not _created(taking):
        # Whoever was killed while it took the lease left this; the next one who asks gets it.
        if _is_old(taking):
            taking.unlink(missing_ok=True)
        return False
    try:
        if not _is_old(path):
            return False
        path.unlink()  # a file of another user can't be touched
    except FileNotFoundError:  # it was given back meanwhile
        return False
    else:
        return _created(path)
    finally:
        taking.unlink(missing_ok=True)


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        with suppress(OSError):  # one beat more or less
            os.utime(path)
