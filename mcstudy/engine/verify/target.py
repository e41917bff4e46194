"""What lies where a verification looks: ledgers, and beside each its page, tables, journal and source."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mcstudy.codec import parsed
from mcstudy.engine.loading import STUDIES
from mcstudy.exceptions import InputError
from mcstudy.words import nearest

__all__ = ["Target", "targets", "words_of"]


@dataclass(frozen=True)
class Target:
    """A ledger with what lies beside it.

    Attributes
    ----------
    file : Path
        The ``ledger.json``.
    """

    file: Path

    @cached_property
    def text(self) -> str:
        """The text of the ledger.

        Raises
        ------
        InputError
            If it can't be read.
        """
        try:
            return self.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"`path` must be a ledger.json that can be read, got {self.file}: {error}"
            raise InputError(msg) from error

    @cached_property
    def document(self) -> Any:
        """The content of the ledger, whatever it is.

        Raises
        ------
        InputError
            If it is no JSON.
        """
        try:
            return parsed(self.text)
        except InputError as error:
            msg = f"`path` must be a ledger.json that can be read, got {self.file}: {error}"
            raise InputError(msg) from error

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.file.parent

    @property
    def out(self) -> Path:
        """The folder of all studies, with their pages."""
        return self.folder.parent

    @property
    def journal(self) -> Path:
        """Where the journal is, if it was kept."""
        return self.folder / "draws.sqlite"

    def study_file(self, name: str, command: str) -> Path | None:
        """The study's file: the published one, or the one that the ledger's command names from here; None without.

        Parameters
        ----------
        name : str
            The study's name.
        command : str
            The command that ran it: ``mcstudy run HANDLE ...``.
        """
        handle = (words_of(command) + [""] * 3)[2]
        published = self.folder / "source" / f"{Path(handle).stem}.py"
        named = Path(handle) if handle.endswith(".py") else STUDIES / f"{handle}.py"
        choices = (published, named, STUDIES / f"{name}.py")
        # A file from outside of this folder is not run because a ledger says so, which may be a stranger's.
        here = (published, *(path for path in choices[1:] if path.resolve().is_relative_to(Path.cwd())))
        return next((path for path in here if path.is_file()), None)


def words_of(command: str) -> list[str]:
    """The words of a command that a ledger holds; none where they can't be told apart."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def targets(words: Sequence[str], out: Path) -> list[Target]:
    """The ledgers that a command line names.

    Parameters
    ----------
    words : sequence of str
        Ledgers, folders of a study, folders of several, or names of studies in `out`; none means all in `out`.
    out : Path

    Raises
    ------
    InputError
        If there is no ledger; the message suggests what may have been meant.
    """
    return [target for word in words or [str(out)] for target in _targets(word, out)]


def _targets(word: str, out: Path) -> list[Target]:
    for place in (Path(word), out / word):
        if place.is_file():
            return [Target(place)]
        if (place / "ledger.json").is_file():
            return [Target(place / "ledger.json")]
        if found := sorted(place.glob("*/ledger.json")):
            return [Target(file) for file in found]
    known = sorted(file.parent.name for file in out.glob("*/ledger.json"))
    hint = nearest(word, known) + (f"in {out} there are {', '.join(known)}" if known else "run a study first")
    msg = f"`LEDGER` must be a ledger.json, a folder that has some, or a study in {out}, got {word!r}; {hint}"
    raise InputError(msg)
