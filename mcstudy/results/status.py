"""How far studies are: what is drawn, what is found, also while a run writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mcstudy.engine.reading import reading
from mcstudy.exceptions import InputError, JournalError, McstudyError
from mcstudy.report import answer, read_ledger
from mcstudy.words import nearest

__all__ = ["HEADER", "status"]

HEADER = ("study", "blocks", "replicates", "failures", "found")


def status(out: Path, studies: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """What each study in a folder has drawn and found.

    Parameters
    ----------
    out : Path
    studies : sequence of str
        Names; none means all that have a journal or a ledger.

    Returns
    -------
    list of tuple of str
        The entries of `HEADER`.

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
    return [_row(name, out / name) for name in studies or sorted(found)]


def _row(name: str, folder: Path) -> tuple[str, ...]:
    try:
        return (name, *_drawn(folder), _found(folder))
    except JournalError as error:  # of one study: the others are shown all the same
        return name, "?", "?", "?", str(error)


def _drawn(folder: Path) -> tuple[str, str, str]:
    if not (folder / "draws.sqlite").is_file():
        return "none", "none", "none"
    with reading(folder / "draws.sqlite") as blocks:
        done = len(blocks.done())
        return f"{done:,}", f"{done * blocks.block_size:,}", f"{blocks.failed():,}"


def _found(folder: Path) -> str:
    if not (folder / "ledger.json").is_file():
        return "not judged yet"
    try:
        return answer(read_ledger(folder / "ledger.json"))
    except McstudyError as error:
        return f"the ledger can't be read: {error}"
