"""Tracebacks of functions that travelled by value, with the files and lines that they came from."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Mapping
from types import FrameType, TracebackType

__all__ = ["Files", "traceback_text"]

Files = Mapping[str, tuple[str, str]]


def traceback_text(error: BaseException, files: Files) -> str:
    """The traceback of an exception, from the frame below the catching one on.

    Parameters
    ----------
    error : BaseException
    files : mapping from str to (str, str)
        Module name -> absolute path, and the path to show: code that was pickled by value has forgotten its file.

    Returns
    -------
    str
        As Python prints it, causes included.
    """
    report = traceback.TracebackException.from_exception(error)
    _name_files(report, error, files)
    own = error.__traceback__.tb_next if error.__traceback__ else None
    report.stack = _frames(own, files)
    return "".join(report.format())


def _name_files(
    report: traceback.TracebackException | None, error: BaseException | None, files: Files
) -> None:
    """Name the files in a report and in those of the exceptions behind it."""
    if report is None or error is None:
        return
    report.stack = _frames(error.__traceback__, files)
    _name_files(report.__cause__, error.__cause__, files)
    _name_files(report.__context__, error.__context__, files)


def _frames(start: TracebackType | None, files: Files) -> traceback.StackSummary:
    return traceback.StackSummary.from_list(
        [_summary(frame, line, files) for frame, line in traceback.walk_tb(start)]
    )


def _summary(frame: FrameType, line: int, files: Files) -> traceback.FrameSummary:
    own = frame.f_code.co_filename
    path, shown = files.get(str(frame.f_globals.get("__name__")), (own, own))
    linecache.checkcache(path)
    return traceback.FrameSummary(shown, line, frame.f_code.co_name, line=linecache.getline(path, line))
