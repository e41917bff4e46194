"""Tracebacks of functions that travelled by value, with the files and lines that they came from."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from types import TracebackType

__all__ = ["traceback_text"]


def traceback_text(error: BaseException, files: Mapping[str, str]) -> str:
    """The traceback of an exception, from the frame below the catching one on.

    Parameters
    ----------
    error : BaseException
    files : mapping from str to str
        Module name -> file: code that was pickled by value has forgotten where it stood.

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
    report: traceback.TracebackException | None, error: BaseException | None, files: Mapping[str, str]
) -> None:
    """Name the files in a report and in those of the exceptions behind it."""
    if report is None or error is None:
        return
    report.stack = _frames(error.__traceback__, files)
    _name_files(report.__cause__, error.__cause__, files)
    _name_files(report.__context__, error.__context__, files)


def _frames(start: TracebackType | None, files: Mapping[str, str]) -> traceback.StackSummary:
    return traceback.StackSummary.from_list(
        [
            traceback.FrameSummary(
                files.get(str(frame.f_globals.get("__name__")), frame.f_code.co_filename),
                line,
                frame.f_code.co_name,
            )
            for frame, line in traceback.walk_tb(start)
        ]
    )
