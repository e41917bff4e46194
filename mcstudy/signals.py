"""Signals: schedulers and closed terminals end a run as Ctrl-C does, workers end with their parent, an alarm ends a block."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

__all__ = [
    "PARENT",
    "BlockTimeoutError",
    "Ended",
    "die_with_parent",
    "ended_like_ctrl_c",
    "parent_to_die_with",
]
__all__ += ["uninterrupted", "within"]

PARENT = "MCSTUDY_PARENT"  # the process that workers end with
SIGNALS = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]
PR_SET_PDEATHSIG = 1  # of linux/prctl.h
MOMENT = 0.05  # seconds in which an object is deleted, and which nobody who ends a run notices


class Ended(KeyboardInterrupt):
    """A signal that asks the process to end.

    Attributes
    ----------
    code : int
        The exit code by which shells know it: 128 and the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


class BlockTimeoutError(Exception):
    """A block took longer than it may."""


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Raise `BlockTimeoutError` where something takes longer, as far as this thread and this system can tell.

    Python hears an alarm between two of its own instructions: a call of compiled code is finished first.
    """
    if seconds is None or not hasattr(signal, "setitimer") or not _is_main():
        yield
        return

    def end(*_: object) -> None:
        msg = f"it took longer than {seconds:g} seconds"
        raise BlockTimeoutError(msg)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Raise `Ended` where SIGTERM or SIGHUP comes, as far as this thread may say so and nobody else has.

    Where either comes while an object is deleted, or Ctrl-C does, Python ignores what is raised: it comes again.
    """
    if not _is_main():
        yield
        return
    ours = [
        number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL
    ]  # nohup ignores SIGHUP
    for number in ours:
        signal.signal(number, _end)
    before = sys.unraisablehook
    sys.unraisablehook = partial(_come_again, before)
    try:
        yield
    finally:
        sys.unraisablehook = before
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _come_again(otherwise: Callable[[Any], object], ignored: Any) -> None:
    """Send a signal once more whose exception was ignored, a moment later: raised in here it would be ignored too."""
    interruption = ignored.exc_value
    if not isinstance(interruption, KeyboardInterrupt):
        otherwise(ignored)
        return
    number = interruption.code - 128 if isinstance(interruption, Ended) else signal.SIGINT
    again = threading.Timer(MOMENT, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C, the end of the terminal and SIGTERM back, as far as this thread may.

    What comes meanwhile is heard at the end. Processes started here don't hear of the first two, which reach them as well.
    """
    if not _is_main():
        yield
        return
    shared = [number for name in ("SIGINT", "SIGHUP") if (number := getattr(signal, name, None))]
    # A handler that isn't Python's can't be put back.
    held = [number for number in (*shared, signal.SIGTERM) if signal.getsignal(number) is not None]
    came: list[int] = []
    # Other threads hear what is blocked in this one: noted, it is not lost. Processes inherit that it is blocked, and
    # have to be terminated.
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in held}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, shared)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)


def _as_ever() -> None:
    """Let signals end a process that a study has forked: whoever terminates it waits for that."""
    for number in SIGNALS:
        if signal.getsignal(number) is _end:
            signal.signal(number, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_as_ever)


def parent_to_die_with() -> str:
    """What `PARENT` is to be in the environment of workers: the id of this process; empty where they may not know when it ends.

    The kernel tells of the end of a thread: only that of the main one is that of the process.
    """
    return str(os.getpid()) if _is_main() else ""


def die_with_parent(parent: str | None = None) -> None:
    """Let the kernel kill this worker when the run that has started it is gone: waiting, it would notice after minutes.

    Until then that run heeds interruptions for it.

    Parameters
    ----------
    parent : str, optional
        Of `parent_to_die_with`, there; default: what the environment has, once.
    """
    parent = os.environ.pop(PARENT, "") if parent is None else parent
    if not parent:
        return
    if _is_main():
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it was gone before
        os._exit(1)
