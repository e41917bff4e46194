"""Standard output and error that may go away: a pipe that nobody reads, a full disk, an encoding without our characters."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

__all__ = ["lasting_output"]


class _Nowhere(io.StringIO):
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        """Forget."""
        return len(text)


class _Lasting:
    """A stream that writes as long as it can, then nowhere: what is printed is no reason to lose what was drawn."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def write(self, text: str) -> int:
        """Write, with question marks for what the encoding lacks."""
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            return self.write(text.encode(encoding, "replace").decode(encoding))
        except (OSError, ValueError):  # ValueError: the stream was closed
            return self._leave(text)

    def flush(self) -> None:
        """Flush."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._leave("")

    def _leave(self, text: str) -> int:
        """Write nowhere from now on; Python's own flush at its end too, which would fail otherwise."""
        if self._gone:
            return len(text)
        self._gone = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._stream.fileno())
        except (OSError, ValueError):
            self._stream = _Nowhere()
        finally:
            os.close(nowhere)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def lasting_output() -> Iterator[None]:
    """Have `print` and all that writes to standard output and error go on where these have gone away."""
    before = sys.stdout, sys.stderr
    for name, stream in zip(("stdout", "stderr"), before, strict=True):
        # None where the command was started without one.
        setattr(sys, name, _Lasting(_Nowhere() if stream is None else stream))
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before
