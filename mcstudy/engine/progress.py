"""What the terminal shows while a study is drawn: a bar, or a plain line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

__all__ = ["Plain", "Progress", "Terminal", "progress_for"]

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Shows how far a study is: here nothing, in subclasses a bar or lines."""

    def look(self, study: str, number: int, blocks: int) -> None:
        """Begin to draw so many blocks before a look at the claims."""

    def warn(self, text: str) -> None:
        """Say something that is to be known before anything is drawn."""

    def advance(self) -> None:
        """One block more is done."""

    def close(self) -> None:
        """Take the display away."""


class Plain(Progress):
    """A line at the first block and then now and then: for logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._label = ""
        self._done = self._total = 0
        self._last = -SECONDS_BETWEEN_LINES

    def look(self, study: str, number: int, blocks: int) -> None:
        """Begin counting."""
        self._label, self._done, self._total = f"{study}: before look {number}", 0, blocks

    def warn(self, text: str) -> None:
        """Say it in a line."""
        print(text, file=self._stream, flush=True)

    def advance(self) -> None:
        """Count, and say so if the last line is long ago."""
        self._done += 1
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            print(f"{self._label}, {self._done} of {self._total} blocks", file=self._stream, flush=True)


class Terminal(Progress):
    """A bar with the time that is left."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("blocks"),
            TimeRemainingColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._task: Any = None

    def look(self, study: str, number: int, blocks: int) -> None:
        """Begin a bar."""
        self._bar.start()
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(f"{study}: before look {number}", total=blocks)

    def warn(self, text: str) -> None:
        """Say it above the bar."""
        self._bar.console.print(text, markup=False, highlight=False)

    def advance(self) -> None:
        """Move the bar."""
        self._bar.advance(self._task)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


def progress_for(stream: TextIO = sys.stderr) -> Progress:
    """A bar where the stream is a terminal, else plain lines."""
    return Terminal(stream) if stream.isatty() else Plain(stream)
