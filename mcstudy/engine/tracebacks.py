"""Tracebacks of a study's failures, the same on every machine: paths start at the study's folder."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from mcstudy.words import encodable

__all__ = ["traceback_text"]

ENGINE = Path(__file__).parent


def traceback_text(error: BaseException, folder: str = "") -> str:
    """The traceback of an exception, from the first frame below the engine on.

    Parameters
    ----------
    error : BaseException
    folder : str
        The study's folder; empty where it has none.

    Returns
    -------
    str
        As Python prints it, causes included.
    """
    report = traceback.TracebackException.from_exception(error)
    _shorten(report, error, folder)
    report.stack = _frames(_below_engine(error.__traceback__), folder)
    return encodable("".join(report.format()))


def _below_engine(start: TracebackType | None) -> TracebackType | None:
    """The first frame that is none of the engine's own; the last one where all are."""
    while start is not None and start.tb_next and Path(start.tb_frame.f_code.co_filename).parent == ENGINE:
        start = start.tb_next
    return start


def _shorten(report: traceback.TracebackException | None, error: BaseException | None, folder: str) -> None:
    """Shorten the paths in a report and in those of the exceptions behind it."""
    if report is None or error is None:
        return
    report.stack = _frames(error.__traceback__, folder)
    _shorten(report.__cause__, error.__cause__, folder)
    _shorten(report.__context__, error.__context__, folder)


def _frames(start: TracebackType | None, folder: str) -> traceback.StackSummary:
    frames = traceback.extract_tb(start)
    return traceback.StackSummary.from_list([_frame(frame, folder) for frame in frames])


def _frame(frame: traceback.FrameSummary, folder: str) -> traceback.FrameSummary:
    path = Path(frame.filename)
    shown = path.relative_to(folder).as_posix() if folder and path.is_relative_to(folder) else frame.filename
    return traceback.FrameSummary(shown, frame.lineno, frame.name, line=frame.line)
