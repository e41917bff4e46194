"""How far studies are: what is drawn, what is found, also while a run writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcstudy.engine.reading import reading
from mcstudy.exceptions import InputError, JournalError, McstudyError
from mcstudy.report import answer, read_ledger
from mcstudy.words import nearest

__all__ = ["HEADER", "Status", "status"]

HEADER = ("study", "blocks", "replicates", "failures", "found")


@dataclass(frozen=True)
class Status:
    """What a study has drawn and found.

    Attributes
    ----------
    study : str
    drawn : tuple of three str
        Blocks, replicates, failures.
    found : str
        The answer of its ledger, or what stands in the way of reading it.
    readable : bool
        Whether its journal and its ledger can be read, as far as they are there.
    """

    study: str
    drawn: tuple[str, str, str]
    found: str
    readable: bool = True

    def row(self) -> tuple[str, ...]:
        """The entries of `HEADER`."""
        return (self.study, *self.drawn, self.found)


def status(out: Path, studies: Sequence[str] = ()) -> list[Status]:
    """What each study in a folder has drawn and found.

    Parameters
    ----------
    out : Path
    studies : sequence of str
        Names; none means all that have a journal or a ledger.

    Returns
    -------
    list of Status
        What can't be read hides no other study.

    Raises
    ------
    InputError
        If a study has nothing there.
    """
    found = {path.parent.name for name in ("draws.sqlite", "ledger.json") for path in out.glob(f"*/{name}")}
    if unknown := [name for name in studies if name not in found]:
        hint = nearest(unknown[0], found)
        msg = f"`STUDY` must have been run, got {unknown[0]!r}, which has nothing in {out}; {hint}there are: {', '.join(sorted(found)) or 'none'}"
        raise InputError(msg)
    if not found:
        msg = f"`out` must be a folder that a run has written, got {out}; name it with --out DIR"
        raise InputError(msg)
    return [_status(name, out / name) for name in studies or sorted(found)]


def _status(name: str, folder: Path) -> Status:
    try:
        drawn = _drawn(folder)
    except JournalError as error:
        return Status(name, ("?", "?", "?"), str(error), readable=False)
    try:
        return Status(name, drawn, _found(folder))
    except McstudyError as error:
        return Status(name, drawn, f"the ledger can't be read: {error}", readable=False)


def _drawn(folder: Path) -> tuple[str, str, str]:
    if not (folder / "draws.sqlite").is_file():
        return "none", "none", "none"
    with reading(folder / "draws.sqlite") as blocks:
        done = len(blocks.done())
        return f"{done:,}", f"{done * blocks.block_size:,}", f"{blocks.failed():,}"


def _found(folder: Path) -> str:
    path = folder / "ledger.json"
    return answer(read_ledger(path)) if path.is_file() else "not judged yet"
