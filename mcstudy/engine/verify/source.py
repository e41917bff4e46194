"""The second level: whether the study's source is the one that was run."""

from __future__ import annotations

import difflib
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import decode_source
from pathlib import Path

from mcstudy.engine.blocks import digest_of_keys
from mcstudy.engine.drawkey import Part, difference
from mcstudy.engine.loading import apply_options, load_study
from mcstudy.engine.reading import reading
from mcstudy.engine.source import Origin
from mcstudy.engine.verify.levels import Level, Outcome
from mcstudy.engine.verify.target import Target, words_of
from mcstudy.exceptions import JournalError, McstudyError
from mcstudy.ledger import Ledger
from mcstudy.seal import source_digest

__all__ = ["changed_parts", "options_in", "origin_of", "same_source"]

NAME = "same source"
LONGEST = 40  # lines of a diff: more is no longer read in a terminal


def origin_of(target: Target, ledger: Ledger) -> tuple[Origin | None, str]:
    """The study of a ledger, with the options of its own that it was run with; None, and why, where it can't be had."""
    name = ledger.study.name
    file = target.study_file(name, ledger.run.command)
    if file is None:
        return None, f"the source of the study {name} is not here; put it into ./studies"
    try:
        (origin,) = apply_options([load_study(file)], options_in(ledger.run.command))
    except McstudyError as error:
        return None, str(error)
    if origin.study.name != name:
        return None, f"{file} has the study {origin.study.name}, not {name}"
    return origin, ""


def options_in(command: str) -> list[tuple[str, str]]:
    """The options of the study in ``mcstudy run HANDLE --scale 2 --profile quick``: those before the profile."""
    words = words_of(command)[3:]
    own = words[: words.index("--profile")] if "--profile" in words else []
    return [(name.removeprefix("--"), value) for name, value in zip(own[::2], own[1::2], strict=False)]


def same_source(ledger: Ledger, origin: Origin) -> Level:
    """Compare the study's source with the one that the ledger was made from; where it differs, say in what."""
    written = ledger.digests.get("source", "")
    if origin.digest == written:
        return Level(NAME, Outcome.VERIFIED, f"sha256 {written[:12]}, {_place(origin)}")
    details = tuple(_diff(origin, ledger))
    where = "" if details else "; what it was is not here to compare"
    text = f"the source is another one, sha256 {origin.digest[:12]} where {written[:12]} was run, {_place(origin)}{where}"
    return Level(NAME, Outcome.DIFFERS, text, details)


def _place(origin: Origin) -> str:
    here = Path.cwd()
    path = origin.path or here
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _diff(origin: Origin, ledger: Ledger) -> Iterator[str]:
    """The lines that differ from what was run, as far as that is known."""
    before = _as_run(origin, ledger)
    for path, now in zip(origin.texts, origin.files, strict=True) if before else ():
        was = before.get(now.name, "")
        lines = difflib.unified_diff(
            was.splitlines(), now.text.splitlines(), "as run", path, lineterm="", n=1
        )
        for number, line in enumerate(lines):
            if number == LONGEST:
                yield "..."
                break
            yield line


def _as_run(origin: Origin, ledger: Ledger) -> dict[str, str]:
    """The files as they were run: as the ledger has them, an older one as its commit has those that make its digest."""
    if ledger.sources:
        return {source.name: source.text for source in ledger.sources}
    commit = str(ledger.provenance.get("git") or "").partition(" ")[0]
    names = [source.name for source in origin.files] if commit else []
    found = {name: _committed(Path(origin.folder, name), commit) for name in names}
    before = {name: text for name, text in found.items() if text is not None}
    return before if source_digest(before.values()) == ledger.digests.get("source") else {}


def _committed(path: Path, commit: str) -> str | None:
    """The text of a file at a commit; None where it is not there."""
    command = ["git", "-C", str(path.parent), "show", f"{commit}:./{path.name}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return decode_source(done.stdout) if done.returncode == 0 else None


def changed_parts(target: Target, ledger: Ledger, keys: Mapping[str, Mapping[str, Part]]) -> list[str]:
    """What the draws depend on now that they did not when the ledger was made, as far as its journal tells."""
    if not target.journal.is_file():
        return []
    try:
        with reading(target.journal) as journal:
            before = journal.keys()
    except JournalError:
        return []
    if digest_of_keys(before) != ledger.digests.get("key"):
        return []
    return [line for name, parts in keys.items() for line in difference(before.get(name, {}), parts)]
