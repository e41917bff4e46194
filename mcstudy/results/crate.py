"""What a published version is, for machines: a Process Run Crate of RO-Crate 1.1.

Profile: https://w3id.org/ro/wfrun/process/0.5. Each run of a study is a CreateAction whose instrument is the study's file.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mcstudy.ledger import Ledger

__all__ = ["METADATA", "Published", "crate"]

METADATA = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
COMPLETED = "http://schema.org/CompletedActionStatus"
TYPES = {
    ".py": "text/x-python",
    ".tex": "text/x-tex",
    ".bib": "text/x-bibtex",
    ".md": "text/markdown",
    ".svg": "image/svg+xml",
}
UNLICENSED = "No licence was given."

Entity = dict[str, Any]


@dataclass(frozen=True)
class Published:
    """A study in a published version: its ledger, and the paths of its sources in the version's folder, its file first."""

    ledger: Ledger
    sources: tuple[str, ...]


def crate(
    studies: Sequence[Published], folder: Path, *, version: str, date: str, license_url: str = ""
) -> dict[str, Any]:
    """The content of ``ro-crate-metadata.json``.

    Parameters
    ----------
    studies : sequence of Published
    folder : Path
        Of the version, with all its files.
    version : str
    date : str
        Of publication, ISO 8601.
    license_url : str
        Empty where there is none.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = {name: _file(name, folder / name) for name in names if name != METADATA}
    for study in studies:
        files[study.sources[0]] |= _instrument(study)
    people = {name: _person(name) for study in studies for name in study.ledger.study.authors}
    actions = [_action(study) for study in studies]
    licence = (
        [{"@id": license_url, "@type": "CreativeWork", "name": license_url.rpartition("/")[2]}]
        if license_url
        else []
    )
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "conformsTo": _ids([PROFILE]),
        "name": f"Results of {', '.join(study.ledger.study.name for study in studies)}, version {version}",
        "description": "Monte Carlo studies that put theory to the test: ledgers, reports, and the sources that draw them again.",
        "datePublished": date,
        "version": version,
        "license": {"@id": license_url} if license_url else UNLICENSED,
        "hasPart": _ids(files),
        "mentions": _ids(action["@id"] for action in actions),
    }
    if people:
        root["author"] = _ids(person["@id"] for person in people.values())
    about = {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": {"@id": SPECIFICATION},
        "about": {"@id": "./"},
    }
    profile = {
        "@id": PROFILE,
        "@type": "CreativeWork",
        "name": "Process Run Crate",
        "version": PROFILE.rpartition("/")[2],
    }
    tools = {tool["@id"]: tool for tool in map(_tool, studies)}
    graph = [about, root, profile, *licence, *people.values(), *tools.values(), *actions, *files.values()]
    return {"@context": CONTEXT, "@graph": graph}


def _ids(names: Iterable[str]) -> list[Entity]:
    return [{"@id": name} for name in names]


def _file(name: str, path: Path) -> Entity:
    return {
        "@id": name,
        "@type": "File",
        "name": name,
        "encodingFormat": TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "text/plain",
        "contentSize": str(path.stat().st_size),
    }


def _instrument(study: Published) -> Entity:
    """What makes the file of a study the tool of its run."""
    about, commit = study.ledger.study, str(study.ledger.provenance.get("git") or "")
    tool: Entity = {
        "@type": ["File", "SoftwareSourceCode"],
        "name": f"The study {about.name}",
        "programmingLanguage": "Python",
        "version": commit or study.ledger.digests["source"],
        "softwareRequirements": {"@id": _tool(study)["@id"]},
    }
    return tool | ({"url": about.url} if about.url else {})


def _tool(study: Published) -> Entity:
    version = str(study.ledger.provenance.get("mcstudy", ""))
    return {
        "@id": f"pkg:pypi/mcstudy@{version}",
        "@type": "SoftwareApplication",
        "name": "mcstudy",
        "softwareVersion": version,
    }


def _action(study: Published) -> Entity:
    ledger, name = study.ledger, study.ledger.study.name
    started = str(ledger.provenance.get("started", ""))
    action: Entity = {
        "@id": f"#run-{name}",
        "@type": "CreateAction",
        "name": f"Run of {name}",
        "description": f"{ledger.run.command}: {ledger.study.title}",
        "instrument": {"@id": study.sources[0]},
        "object": _ids(study.sources),
        "result": _ids([f"{name}/ledger.json", f"{name}.html"]),
        "actionStatus": {"@id": COMPLETED},
    }
    if started:
        ended = datetime.fromisoformat(started) + timedelta(seconds=round(ledger.run.seconds))
        action |= {"startTime": started, "endTime": ended.isoformat()}
    if ledger.study.authors:
        action["agent"] = _ids(_person(author)["@id"] for author in ledger.study.authors)
    return action


def _person(name: str) -> Entity:
    return {"@id": f"#{quote(name)}", "@type": "Person", "name": name}
