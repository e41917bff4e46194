"""Signals that end a run: heard while it runs, left alone otherwise, and none of the business of what a study forks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from mcstudy.signals import (
    PARENT,
    Ended,
    die_with_parent,
    ended_like_ctrl_c,
    parent_to_die_with,
    uninterrupted,
)

BOTH = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Tests under nohup inherit that SIGHUP is ignored."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in BOTH}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_a_signal_is_an_interruption_with_a_code(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt) as caught, ended_like_ctrl_c():
        signal.raise_signal(number)
    assert isinstance(caught.value, Ended)
    assert (str(caught.value), caught.value.code) == (number.name, 128 + number)
    assert signal.getsignal(number) is before is signal.SIG_DFL


class Deleted:
    """A signal comes while it is deleted, and Python ignores what the signal raises."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_is_not_lost_that_comes_while_an_object_is_deleted(number: int) -> None:
    hook, ignored = sys.unraisablehook, []

    def work() -> None:
        Deleted(number)
        ignored.append(number)
        time.sleep(10.0)

    with pytest.raises(KeyboardInterrupt), ended_like_ctrl_c():
        work()
    assert ignored == [number]
    assert sys.unraisablehook is hook


def test_other_errors_of_deletions_are_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError

    told: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda ignored: told.append(ignored.exc_type))
    with ended_like_ctrl_c():
        Broken()
    assert told == [ValueError]


@pytest.mark.parametrize("number", BOTH)
@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None])
def test_what_somebody_else_has_said_of_a_signal_counts(number: signal.Signals, handler: object) -> None:
    """``nohup`` ignores SIGHUP; a server that runs a study has its own idea of SIGTERM."""
    before = signal.signal(number, handler)  # type: ignore[arg-type]
    try:
        with ended_like_ctrl_c():
            assert signal.getsignal(number) is handler
            signal.raise_signal(number)
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)


def test_in_another_thread_nothing_is_heard() -> None:
    heard: list[object] = []

    def listen() -> None:
        with ended_like_ctrl_c():
            heard.append(signal.getsignal(signal.SIGTERM))
        heard.append(parent_to_die_with())

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert heard == [signal.SIG_DFL, ""]


@pytest.mark.parametrize("number", BOTH)
def test_a_process_that_a_study_forks_ends_as_ever(number: signal.Signals) -> None:
    with ended_like_ctrl_c():
        child = multiprocessing.get_context("fork").Process(target=signal.raise_signal, args=(number,))
        child.start()
        child.join(timeout=60)
    assert child.exitcode == -number


def test_a_worker_whose_parent_is_gone_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARENT, "1")  # whoever has started this process, that one has not
    child = multiprocessing.get_context("fork").Process(target=die_with_parent)
    child.start()
    child.join(timeout=60)
    assert child.exitcode == 1
    monkeypatch.setenv(PARENT, str(os.getpid()))
    child = multiprocessing.get_context("fork").Process(target=die_with_parent)
    child.start()
    child.join(timeout=60)
    assert child.exitcode == 0  # the control


def test_who_has_no_parent_to_die_with_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PARENT, raising=False)
    die_with_parent()
    assert parent_to_die_with() == str(os.getpid())


@pytest.mark.parametrize(
    ("number", "raised"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGHUP, Ended)],
    ids=["SIGINT", "SIGHUP"],
)
def test_what_is_held_back_is_heard_afterwards(number: signal.Signals, raised: type[BaseException]) -> None:
    """Ctrl-C while workers start ends the run, and none of the processes that are started then."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    script = "import os, time; os.kill(os.getpid(), int(os.environ['NUMBER'])); time.sleep(0.1)"
    reached = []

    def struck() -> None:
        with uninterrupted():
            os.kill(os.getpid(), number)
            environment = os.environ | {"NUMBER": str(int(number))}
            reached.append(
                subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode
            )

    try:
        with pytest.raises(raised), ended_like_ctrl_c():
            struck()
        assert reached == [0]
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) & {signal.SIGINT, signal.SIGHUP} == set()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_sigterm_waits_for_workers_to_be_started_and_ends_them() -> None:
    """A worker whose parent goes while it is started would tell of that with a traceback."""
    script = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    ended = []

    def struck() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            ended.append(subprocess.run([sys.executable, "-c", script], check=False).returncode)

    with pytest.raises(Ended, match="SIGTERM"), ended_like_ctrl_c():
        struck()
    assert ended == [-signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
