"""Pages of several studies: each is written in a process of its own while the next study is drawn."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from mcstudy.engine.run import write_ledger
from mcstudy.ledger import Ledger
from mcstudy.signals import die_with_parent, parent_to_die_with

__all__ = ["pages_beside"]


@contextmanager
def pages_beside() -> Iterator[Callable[[Ledger, Path], None]]:
    """A function that writes a ledger at once and its page meanwhile; the index follows when all pages are there.

    Judging and drawing figures take one processor, drawing replicates takes all. What the other process can't
    write, such as findings of a kind of claim that only the study defines, is written here.
    """
    written: dict[Path, dict[str, tuple[Ledger, Future[None]]]] = {}
    # Not forked: joblib has threads here.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(parent_to_die_with(),))

    def write(ledger: Ledger, out: Path) -> None:
        write_ledger(ledger, out)
        written.setdefault(out, {})[ledger.study.name] = ledger, _submitted(pool, out, ledger.study.name)

    try:
        try:
            yield write
        finally:  # a study that can't be run, or Ctrl-C, costs no page of those before
            for out, pages in written.items():
                _finish(out, list(pages.values()))
    finally:
        pool.shutdown(cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, out: Path, name: str) -> Future[None]:
    try:
        return pool.submit(_write_page, out, name)
    except BrokenProcessPool as error:  # the other process has died: its pages are written here
        lost: Future[None] = Future()
        lost.set_exception(error)
        return lost


def _finish(out: Path, pages: list[tuple[Ledger, Future[None]]]) -> None:
    from mcstudy.report import write_index, write_report

    for ledger, future in reversed(pages):  # both processes now write pages, until they meet
        if future.cancel() or future.exception() is not None:
            write_report(ledger, out)
    write_index(out, *(ledger for ledger, _ in pages))


def _write_page(out: Path, name: str) -> None:
    from mcstudy.report import read_ledger, write_report

    write_report(read_ledger(out / name / "ledger.json"), out)


def _begin(parent: str) -> None:
    """Leave it to the process that draws what is left to do after Ctrl-C, which reaches all processes of a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)
