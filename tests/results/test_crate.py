"""The crate of a version, by the rules of RO-Crate 1.1 and of the Process Run Crate profile 0.5, written out here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from mcstudy import Results
from mcstudy.results.crate import Published, crate

Crate = dict[str, Any]
CC = "https://spdx.org/licenses/CC-BY-4.0"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
APPLICATIONS = {"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("toy.html", "toy/ledger.json", "toy/source/toy.py", "toy/source/helper.py", "SHA256SUMS"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    return tmp_path


@pytest.fixture
def make_crate(results: Results, files: Path) -> Callable[..., Crate]:
    """A function that makes the crate of a version with one study."""
    provenance = {**results.provenance, "started": "2026-11-26T10:00:00+00:00", "git": "ab" * 20}

    def make(license_url: str = CC, **about: Any) -> Crate:
        study = replace(
            results.study, **({"authors": ("Ada Lovelace",), "url": "https://example.org"} | about)
        )
        ledger = replace(results, study=study, provenance=provenance, run=replace(results.run, seconds=90.0))
        published = Published(ledger, ("toy/source/toy.py", "toy/source/helper.py"))
        return crate([published], files, version="1.0", date="2026-11-27", license_url=license_url)

    return make


def types(entity: Crate) -> set[str]:
    return {entity["@type"]} if isinstance(entity["@type"], str) else set(entity["@type"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def faults(found: Crate, files: Path) -> list[str]:
    """What breaks a MUST of the two specifications, or a SHOULD that a version can keep."""
    graph = {entity["@id"]: entity for entity in found["@graph"]}
    said = [] if len(graph) == len(found["@graph"]) else ["an @id twice"]
    said += [] if found["@context"] == "https://w3id.org/ro/crate/1.1/context" else ["context"]
    said += _descriptor_faults(graph) + _root_faults(graph) + _action_faults(graph)
    for entity in graph.values():
        for value in (item for values in entity.values() for item in listed(values)):
            if isinstance(value, dict) and set(value) != {"@id"}:
                said.append(f"{entity['@id']} nests an entity")
            elif isinstance(value, dict) and value["@id"] not in graph and not urlparse(value["@id"]).scheme:
                said.append(f"{entity['@id']} points to {value['@id']}, which is not described")
        if "File" in types(entity) and not (files / entity["@id"]).is_file():
            said.append(f"{entity['@id']} is no file")
        if "File" in types(entity) and not entity.get("encodingFormat"):
            said.append(f"{entity['@id']} has no encodingFormat")
    return said


def _descriptor_faults(graph: dict[str, Crate]) -> list[str]:
    descriptor = graph.get("ro-crate-metadata.json", {"@type": ""})
    expected = {
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    return [f"descriptor: {name}" for name, value in expected.items() if descriptor.get(name) != value]


def _root_faults(graph: dict[str, Crate]) -> list[str]:
    root = graph["./"]
    said = [
        f"root: {name}" for name in ("name", "description", "license", "datePublished") if not root.get(name)
    ]
    said += [] if types(root) == {"Dataset"} else ["root: type"]
    datetime.fromisoformat(root.get("datePublished", "2026-01-01"))
    if {"@id": PROFILE} not in listed(root.get("conformsTo")) or "CreativeWork" not in types(graph[PROFILE]):
        said.append("root: conformsTo")
    parts = {part["@id"] for part in root.get("hasPart", [])}
    described = {name for name, entity in graph.items() if "File" in types(entity)}
    return said + ([] if parts == described else ["root: hasPart"])


def _action_faults(graph: dict[str, Crate]) -> list[str]:
    said = []
    actions = [entity for entity in graph.values() if "CreateAction" in types(entity)]
    for action in actions:
        tools = [graph[tool["@id"]] for tool in listed(action.get("instrument", []))]
        if not tools or not all(types(tool) & APPLICATIONS for tool in tools):
            said.append("action: instrument")
        said += [f"tool: {name}" for tool in tools for name in ("name", "version") if not tool.get(name)]
        said += [
            f"action: {name}" for name in ("name", "description", "object", "result") if not action.get(name)
        ]
        if action["@id"] not in {one["@id"] for one in graph["./"].get("mentions", [])}:
            said.append("action: not mentioned")
        for name in ("startTime", "endTime"):
            datetime.fromisoformat(action[name])
        if not all(
            types(graph[one["@id"]]) <= {"Person", "Organization"} for one in listed(action.get("agent", []))
        ):
            said.append("action: agent")
        if action["actionStatus"] != {"@id": "http://schema.org/CompletedActionStatus"}:
            said.append("action: actionStatus")
    applications = [entity for entity in graph.values() if "SoftwareApplication" in types(entity)]
    said += ["application: id" for one in applications if not urlparse(one["@id"]).scheme]
    said += [
        "application: version" for one in applications if ("softwareVersion" in one) == ("version" in one)
    ]
    return said if actions else ["no action"]


@pytest.mark.parametrize("parts", [{}, {"license_url": ""}, {"authors": ()}, {"url": ""}])
def test_a_crate_keeps_the_rules(make_crate: Callable[..., Crate], files: Path, parts: Any) -> None:
    assert faults(make_crate(**parts), files) == []


@pytest.mark.parametrize(
    ("entity", "change", "fault"),
    [
        ("./", {"license": ""}, "root: license"),
        ("./", {"conformsTo": []}, "root: conformsTo"),
        ("./", {"hasPart": []}, "root: hasPart"),
        ("./", {"mentions": []}, "action: not mentioned"),
        ("#run-toy", {"instrument": []}, "action: instrument"),
        ("#run-toy", {"instrument": {"@id": "toy.html"}}, "action: instrument"),
        (
            "#run-toy",
            {"result": [{"@id": "toy/nothing.json"}]},
            "#run-toy points to toy/nothing.json, which is not described",
        ),
        ("#run-toy", {"agent": {"@id": "toy.html"}}, "action: agent"),
        ("ro-crate-metadata.json", {"about": {"@id": "."}}, "descriptor: about"),
        ("toy.html", {"encodingFormat": ""}, "toy.html has no encodingFormat"),
        ("toy/source/toy.py", {"version": ""}, "tool: version"),
    ],
)
def test_a_broken_rule_would_be_seen(
    make_crate: Callable[..., Crate], files: Path, entity: str, change: Crate, fault: str
) -> None:
    found = copy.deepcopy(make_crate())
    next(one for one in found["@graph"] if one["@id"] == entity).update(change)
    assert fault in faults(found, files)


def test_a_crate_says_who_ran_what_and_when(make_crate: Callable[..., Crate]) -> None:
    graph = {entity["@id"]: entity for entity in make_crate()["@graph"]}
    action = graph["#run-toy"]
    assert (action["startTime"], action["endTime"]) == (
        "2026-11-26T10:00:00+00:00",
        "2026-11-26T10:01:30+00:00",
    )
    assert graph[action["agent"][0]["@id"]] == {
        "@id": "#Ada%20Lovelace",
        "@type": "Person",
        "name": "Ada Lovelace",
    }
    assert graph["toy/source/toy.py"]["version"] == "ab" * 20
    assert graph[CC]["name"] == "CC-BY-4.0"
    assert action["result"] == [{"@id": "toy/ledger.json"}, {"@id": "toy.html"}]
