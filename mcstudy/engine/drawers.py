"""Processes that draw for the workers of a Dask cluster, one for each of their threads.

A worker of Dask draws in a thread: there no alarm ends a block, warnings and the working folder are shared with the
worker itself, and whatever kills a block kills the worker, which may be somebody else's. So it hands each batch to a
process of its own, and stays as it was.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import IO

import numpy as np

from mcstudy._version import __version__
from mcstudy.engine.batches import run_batch
from mcstudy.engine.drawkey.machine import machine
from mcstudy.engine.executors import THREAD_VARIABLES
from mcstudy.exceptions import ClusterError
from mcstudy.signals import PARENT, die_with_parent

__all__ = ["DrawerDeathError", "child", "differences", "draw", "environment", "give_up"]

CHILD = "from mcstudy.engine.drawers import child; child()"
SIZE = struct.Struct(">Q")  # before each message, its bytes
IDLE = 60.0  # seconds: longer than a look takes, and soon after a run the cluster has its memory back


class DrawerDeathError(Exception):
    """The process that drew a batch is gone; the text says how it ended."""


@cache
def environment() -> dict[str, str]:
    """What draws depend on beyond the study, as far as two processes may differ in it.

    Returns
    -------
    dict from str to str
        The versions of mcstudy, Python, NumPy and SciPy, the BLAS kernel, the processor's instructions.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    versions = {name: version(name) for name in ("numpy", "scipy")}
    with np.errstate(all="warn"):  # what raises is set by the study, in each of its processes
        return {"mcstudy": __version__, "python": python} | versions | machine()


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """In words, how the environment of a worker differs; empty where it does not."""
    return "; ".join(
        f"{name} {there.get(name, 'unknown')} (here {here[name]})"
        for name in here
        if there.get(name) != here[name]
    )


def draw(batch: bytes, run: str, expected: Mapping[str, str]) -> bytes:
    """Draw a batch of blocks, in another process than this one.

    Parameters
    ----------
    batch : bytes
        A pickled list of Task.
    run : str
        Whose batch it is; see `give_up`.
    expected : dict from str to str
        The `environment` in which it must be drawn.

    Returns
    -------
    bytes
        A pickled list of BlockResult.

    Raises
    ------
    DrawerDeathError
        If the process died, or the run was given up.
    ClusterError
        If this worker would draw other bits.
    """
    if found := differences(environment(), expected):
        msg = f"a worker that has joined the cluster has {found}; end it, and run the same command again"
        raise ClusterError(msg)
    drawer = _free_drawer()
    # First this, then the question: `give_up` goes the other way round, so that none slips through.
    _busy[drawer] = run
    try:
        results = b"" if run in _given_up else drawer.results(batch)
    finally:
        del _busy[drawer]
    _free.append(drawer)
    if not results:
        msg = "given up"
        raise DrawerDeathError(msg)
    return results


def give_up(run: str) -> None:
    """Draw nothing more for a run, neither what this worker is drawing nor what waits for it."""
    _given_up.append(run)
    for drawer, owner in list(_busy.items()):
        if owner == run:
            drawer.process.kill()


class _Drawer:
    """A process that draws one batch after the other, until it has had none for a minute."""

    def __init__(self) -> None:
        settings = {
            **dict.fromkeys(THREAD_VARIABLES, "1"),
            "PYTHONHASHSEED": "random",
            PARENT: str(os.getpid()),
        }
        # It finds packages where this process does, and none in the folder that it happens to start in.
        settings["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **settings},
            start_new_session=True,  # Ctrl-C is for the process that has asked
        )

    def results(self, batch: bytes) -> bytes:
        """What it draws."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            _send(self.process.stdin, batch)
        if results := _received(self.process.stdout):
            return results
        raise DrawerDeathError(self.end())

    def end(self) -> str:
        """End and bury it; how it had ended."""
        self.process.kill()  # it may live on without its pipes
        with suppress(BrokenPipeError), self.process:
            pass
        code = self.process.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


_free: list[_Drawer] = []
_busy: dict[_Drawer, str] = {}
# Dask forgets what waited for a run in far less time than the next hundred runs take.
_given_up: deque[str] = deque(maxlen=100)
# Linux ends a process with the thread that has started it: this one lives as long as the worker, those of a cluster
# that is closed after each look do not.
_starter = ThreadPoolExecutor(max_workers=1)


def _free_drawer() -> _Drawer:
    """One that waits for work, the last that had some; else a new one."""
    while _free:
        drawer = _free.pop()
        if drawer.process.poll() is None:
            return drawer
        drawer.end()
    return _starter.submit(_Drawer).result()


def child() -> None:
    """Draw what comes in and write out what comes of it, until nothing has come for a while."""
    die_with_parent()
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What `simulate` prints goes to the worker's log, and it has nothing to read.
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # With the pipe in the hands of a process that `simulate` forks, nobody would notice the end of this one.
    os.register_at_fork(after_in_child=asked.close)
    os.register_at_fork(after_in_child=told.close)
    while select.select([asked], [], [], IDLE)[0] and (batch := _received(asked)):
        _send(told, pickle.dumps(run_batch(pickle.loads(batch))))


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(SIZE.pack(len(message)))
    pipe.write(message)
    pipe.flush()


def _received(pipe: IO[bytes]) -> bytes:
    """The next message; empty where the other end is gone."""
    size = pipe.read(SIZE.size)
    if len(size) < SIZE.size:
        return b""
    (length,) = SIZE.unpack(size)
    message = pipe.read(length)
    return message if len(message) == length else b""
