"""A version that others cite: everything of the full profile, from a clean commit, once and for all."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from mcstudy.engine.outcome import is_lost
from mcstudy.engine.provenance import commit_of, is_tracked, libraries
from mcstudy.engine.source import Origin
from mcstudy.engine.verify import Target
from mcstudy.engine.verify.intact import SUMS
from mcstudy.engine.verify.source import origin_of
from mcstudy.exceptions import InputError
from mcstudy.ledger import Ledger
from mcstudy.report import bibtex, read_ledger, write_index, write_report
from mcstudy.report.paper import software_bibtex
from mcstudy.results.citation import DIRTY, objections
from mcstudy.results.crate import METADATA, Published, crate
from mcstudy.results.front import front

__all__ = ["publish"]


@dataclass(frozen=True)
class _Candidate:
    """A study that is to be published: where its ledger lies, and its source."""

    target: Target
    ledger: Ledger
    origin: Origin

    @property
    def name(self) -> str:
        return self.ledger.study.name


def publish(targets: Sequence[Target], out: Path, *, license_url: str = "") -> Path:
    """Publish ledgers: pages, tables, macros, figures, sources, environment, bibliography, digests.

    All or nothing is written, and nothing that is there is touched.

    Parameters
    ----------
    targets : sequence of Target
        The ledgers.
    out : Path
        The folder of the version, which its name is: ``reports/published/0.2.0``. Must not be there.
    license_url : str
        The licence of the results, such as ``https://spdx.org/licenses/CC-BY-4.0``; empty where there is none.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder is there, or something speaks against publishing; the message has every reason.
    """
    if out.exists():
        msg = f"`out` must be a new folder, got {out}, which is there; a version is published once, choose another name"
        raise InputError(msg)
    candidates = _candidates(targets)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        _write(candidates, partial, out.name, license_url)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def _candidates(targets: Sequence[Target]) -> list[_Candidate]:
    found, reasons = [], []
    for target in targets:
        ledger = read_ledger(target.file)
        origin, why = origin_of(target, ledger)
        against = [why] if origin is None else list(_against(ledger, origin))
        reasons += [f"{ledger.study.name}: {reason}" for reason in against]
        if origin is not None:
            found.append(_Candidate(target, ledger, origin))
    if reasons:
        msg = "\n  ".join(["not publishable:", *reasons])
        raise InputError(msg)
    return found


def _against(ledger: Ledger, origin: Origin) -> Iterator[str]:
    """What speaks against publishing a ledger."""
    yield from objections(ledger)
    if not ledger.provenance.get("git"):
        yield "it was run from no commit, commit its source and run it again"
    for name in origin.texts:
        if not is_tracked(Path(name)):
            yield f"{Path(name).name} is in no commit"
    if commit_of(origin.path).endswith(DIRTY):
        yield "files of its checkout are changed, commit them"
    if origin.digest != ledger.digests["source"]:
        yield "its source has changed since it was run, run it again"
    elif is_lost(origin.study, ledger):
        yield "more replicates were lost than its claims allow"
    for name, version in libraries().items():
        written = dict(ledger.provenance.get("libraries") or {}).get(name)
        if written != version:
            yield f"it was run with {name} {written}, here is {version}; publish where it was run"


def _write(candidates: Sequence[_Candidate], folder: Path, version: str, license_url: str) -> None:
    ledgers = [candidate.ledger for candidate in candidates]
    published = []
    for candidate in candidates:
        write_report(candidate.ledger, folder)
        shutil.copyfile(candidate.target.file, folder / candidate.name / "ledger.json")
        published.append(Published(candidate.ledger, tuple(_sources(candidate, folder))))
    write_index(folder)
    texts = {
        "README.md": front(ledgers, version),
        "environment.txt": _environment(),
        "mcstudy.bib": "\n".join([*map(bibtex, ledgers), software_bibtex()]),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    metadata = crate(published, folder, version=version, date=date, license_url=license_url)
    text = json.dumps(metadata, indent=1, ensure_ascii=False) + "\n"
    (folder / METADATA).write_text(text, encoding="utf-8")
    (folder / SUMS).write_text("".join(_sums(folder)), encoding="utf-8")


def _sources(candidate: _Candidate, folder: Path) -> Iterator[str]:
    """Copy the study's files, those beside it in their places; their paths in the version, the study's own first."""
    home = Path(candidate.origin.folder)
    for name in sorted(candidate.origin.texts, key=lambda name: Path(name) != candidate.origin.path):
        place = Path(candidate.name, "source", Path(name).relative_to(home))
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, folder / place)
        yield place.as_posix()


def _environment() -> str:
    """What ``pip freeze`` would say, with the interpreter."""
    found = {str(one.metadata["Name"]).lower(): one.version for one in distributions()}
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    return "\n".join([f"# Python {platform.python_version()}, {platform.platform()}", *lines]) + "\n"


def _sums(folder: Path) -> Iterator[str]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
