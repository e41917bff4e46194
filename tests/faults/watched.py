"""What a reader may not do, and what may not come through to what is made of a file."""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["BreachError", "check_page", "check_tables", "check_tex", "watched"]

EXECUTING = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "subprocess.Popen",
    "pickle.find_class",
    "socket.connect",
    "ctypes.dlopen",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet calculates


class BreachError(BaseException):
    """A file made a reader do something, or came through it; no `except Exception` of a reader hides it."""


_folders: list[str] = []  # the one that may be written, while somebody watches


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if not _folders:
        return
    if event in EXECUTING:
        raise BreachError(event)
    if event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        path = Path(arguments[0]).absolute()
        if not path.resolve().is_relative_to(_folders[-1]) and not path.is_relative_to("/dev"):
            raise BreachError(f"{path} is opened to be written")


@cache  # a hook stays for good
def _listen() -> None:
    sys.addaudithook(_look)


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Raise `BreachError` where anything is executed, or written outside of a folder."""
    _listen()
    _folders.append(str(folder))
    try:
        yield
    finally:
        _folders.pop()


def check_tex(text: str) -> None:
    """Refuse TeX that has an evil text as anything but letters."""
    for line in re.split("[\r\n]", text):  # where TeX ends a line
        shown = line.partition("%")[0] if line.startswith("%") else line
        if re.search(r"\\mcsEvil", shown):
            raise BreachError(f"raw TeX: {line[:80]!r}")


def check_page(text: str) -> None:
    """Refuse HTML that has an evil text as anything but letters."""
    # A label may name a path: what is loaded may not.
    found = re.search(r"<mcsevil|(?:href|src)=\"?\s*(?:javascript:|[^\"\s>]*\.\./\.\./mcsevil)", text)
    if found:
        raise BreachError(f"raw HTML: {text[max(found.start() - 60, 0) : found.end() + 20]!r}")


def check_tables(folder: Path) -> None:
    """Refuse tables of which a spreadsheet would calculate an evil text."""
    for path in folder.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    if "mcsEvil" in cell and cell.startswith(_FORMULA):
                        raise BreachError(f"a formula in {path.name}: {cell!r}")
