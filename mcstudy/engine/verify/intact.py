"""The first level: whether a ledger is as it was written, and all that lies beside it says the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcstudy.engine.reading import reading
from mcstudy.engine.verify.levels import Level, Outcome
from mcstudy.engine.verify.rendered import Rendered, rendered
from mcstudy.engine.verify.target import Target
from mcstudy.exceptions import InputError, JournalError
from mcstudy.ledger import SCHEMA, Ledger, text_of
from mcstudy.report import read_ledger
from mcstudy.seal import SEAL, BlockDigests, broken

__all__ = ["SUMS", "VERIFICATION", "Intact", "counts_of", "intact"]

NAME = "intact"
SUMS = "SHA256SUMS"  # of a published version, in its folder
VERIFICATION = "verification.json"  # what verifying leaves there


@dataclass(frozen=True)
class Intact:
    """What the first level finds.

    Attributes
    ----------
    level : Level
    ledger : Ledger or None
        None where it can't be believed.
    journal : bool
        Whether the journal beside it has the very draws of the ledger.
    """

    level: Level
    ledger: Ledger | None = None
    journal: bool = False


def intact(target: Target) -> Intact:
    """Recompute every digest, and write pages, tables and macros once more from the ledger."""
    try:
        document = target.document
    except InputError as error:
        return Intact(Level(NAME, Outcome.UNKNOWN, str(error)))
    faults = [*_unlike(target.text, document)]
    try:
        ledger = read_ledger(target.file)
    except InputError as error:
        return Intact(_unbelievable(document, [*faults], str(error)))
    drawn = _journal_faults(target, ledger)
    pages = rendered(target, ledger) if SEAL in document else Rendered([], "")
    faults += [
        *(drawn or ()),
        *(f"{name} is not what the ledger says" for name in pages.unlike),
        *_sum_faults(target),
    ]
    if faults:
        level = Level(NAME, Outcome.DIFFERS, f"{faults[0]}{_more(faults)}", tuple(faults))
    elif SEAL not in document:
        text = "the ledger was written before ledgers were sealed; only its findings have a digest"
        level = Level(NAME, Outcome.UNKNOWN, text)
    else:
        journal = "" if drawn is None else " and all draws of the journal"
        level = Level(NAME, Outcome.VERIFIED, f"all digests of the ledger{journal}; {pages.text}")
    return Intact(level, ledger, drawn == [])


def _unbelievable(document: Any, faults: list[str], error: str) -> Level:
    """What to say of a ledger that is refused: that it was edited, or that it is none which this version reads."""
    edits = [*faults, *(broken(document) if isinstance(document, dict) else [])]
    if not edits and (not isinstance(document, dict) or document.get("schema") not in (1, SCHEMA)):
        return Level(NAME, Outcome.UNKNOWN, error)
    details = tuple(edits or [error])
    return Level(NAME, Outcome.DIFFERS, f"the ledger was edited: {details[0]}", details)


def counts_of(ledger: Ledger) -> dict[tuple[str, Any], int]:
    """The replicates of each scenario that the ledger has digests of."""
    size = ledger.design.block_size
    return {(drawn.experiment, drawn.scenario): len(drawn) * size for drawn in ledger.blocks}


def _more(faults: list[str]) -> str:
    return f", and {len(faults) - 1} more" if len(faults) > 1 else ""


def _unlike(text: str, document: Any) -> Iterator[str]:
    """What the reading of JSON would hide: an entry that stands there twice, say, of which the last counts."""
    if isinstance(document, dict) and SEAL in document and not _is_text_of(document, text):
        yield "ledger.json is not as mcstudy writes it"


def _is_text_of(document: Any, text: str) -> bool:
    try:
        return text == text_of(document)
    except ValueError:  # 1e999 and NaN are read, and never written
        return False


def _journal_faults(target: Target, ledger: Ledger) -> list[str] | None:
    """What differs between the journal and the ledger; None where there is nothing to compare."""
    if not target.journal.is_file() or not ledger.blocks:
        return None
    try:
        with reading(target.journal) as journal:
            draws, blocks = journal.digests(counts_of(ledger))
            same_key = journal.key_digest() == ledger.digests["key"]
    except JournalError as error:
        return [str(error)]
    faults = list(_unlike_blocks(ledger.blocks, blocks))
    if not faults and draws != ledger.digests["draws"]:
        faults.append("the digest of the draws is not that of the journal")
    return faults if faults or same_key else ["the journal depends on something else than the ledger says"]


def _unlike_blocks(written: tuple[BlockDigests, ...], found: tuple[BlockDigests, ...]) -> Iterator[str]:
    kept = {(item.experiment, item.scenario): item for item in found}
    for item in written:
        other = list(kept[item.experiment, item.scenario])
        for number, digest in enumerate(item):
            if other[number : number + 1] != [digest]:
                what = "differs in" if number < len(other) else "is missing from"
                place = f"{item.experiment}, " if item.experiment else ""
                yield f"block {number} of ({place}{item.scenario}) {what} the journal"


def _sum_faults(target: Target) -> Iterator[str]:
    """Files of a published version that are not what its list of digests says, or not in it."""
    if not (target.out / SUMS).is_file():
        return
    lines = (target.out / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    there = (path.relative_to(target.out) for path in sorted(target.out.rglob("*")) if path.is_file())
    own = {SUMS, VERIFICATION}
    yield from (
        f"{path.as_posix()} is not in {SUMS}"
        for path in there
        if path.name not in own and path.as_posix() not in sums
    )
    for name, digest in sums.items():
        path = target.out / name
        if not path.resolve().is_relative_to(target.out.resolve()):
            yield f"{name} is in {SUMS}, but not in this folder"
        elif not path.is_file():
            yield f"{name} is in {SUMS}, but not there"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"{name} is not what {SUMS} says"
