"""Digests by which a ledger is known: over every part of its document, and over every block that was drawn.

They name what differs, and stop nobody who writes all of them anew; what does is that the draws can be drawn again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any

from mcstudy.jsontext import pieces
from mcstudy.scenarios import Scenario

__all__ = [
    "BLOCK_DIGITS",
    "SEAL",
    "BlockDigests",
    "broken",
    "digests_of_findings",
    "seal",
    "sealed_parts",
    "source_digest",
]

SEAL = "seal"  # where a document has the digests of its parts
# 64 bits: that two of a million blocks share a digest by chance has a chance of 3e-8; all digits would be half a ledger.
BLOCK_DIGITS = 16
PART_DIGITS = 32
DIAGNOSTICS = "diagnostics"


@dataclass(frozen=True, slots=True)
class BlockDigests:
    """The digests of a scenario's blocks, one after the other, `BLOCK_DIGITS` hexadecimal digits each."""

    experiment: str
    scenario: Scenario
    digests: str

    def __len__(self) -> int:
        return len(self.digests) // BLOCK_DIGITS

    def __iter__(self) -> Iterator[str]:
        starts = range(0, len(self.digests), BLOCK_DIGITS)
        return (self.digests[start : start + BLOCK_DIGITS] for start in starts)


def digests_of_findings(findings: Iterable[Mapping[str, Any]], measures: Any) -> tuple[str, dict[str, str]]:
    """The sha256 of the canonical JSON of findings and measures, and the parts of the seal that findings are.

    The first is without the diagnostics of findings, which are written for scripts of version 0.1 and say nothing new.
    """
    whole, parts = hashlib.sha256(b"[["), {}
    for number, finding in enumerate(findings):
        part, told = hashlib.sha256(), 0
        whole.update(b"," if number else b"")
        for place, name in enumerate(sorted(finding)):
            digests = [part] if name == DIAGNOSTICS else [part, whole]
            part.update(b"," if place else b"{")
            if name != DIAGNOSTICS:
                whole.update(b"," if told else b"{")
                told += 1
            for text in chain([f"{json.dumps(name)}:"], pieces(finding[name])):
                content = text.encode()
                for digest in digests:
                    digest.update(content)
        part.update(b"}")
        whole.update(b"}" if told else b"{}")
        parts[_named(finding)] = part.hexdigest()[:PART_DIGITS]
    for text in chain(["],"], pieces(measures), ["]"]):
        whole.update(text.encode())
    return whole.hexdigest(), parts


def source_digest(texts: Iterable[str]) -> str:
    """The sha256 of the texts of a study's files, one after the other, the study's own first."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def seal(document: Mapping[str, Any], known: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """The digest of every part of a ledger's document, each finding a part of its own.

    Parameters
    ----------
    document : mapping
        The content of a ``ledger.json``, with or without its seal.
    known : mapping from str to str
        Digests that are known.

    Returns
    -------
    dict from str to str
        "run" -> 32 hexadecimal digits, "claim 2c" -> ...
    """
    return {
        name: known[name] if name in known else _sha256(part)[:PART_DIGITS]
        for name, part in sealed_parts(document)
    }


def broken(document: Mapping[str, Any]) -> list[str]:
    """What of a document is not as its seal says, in words: "`run` was edited"; empty where all is.

    A document without a seal has nothing to break.
    """
    if SEAL not in document:
        return []
    written, found = document[SEAL], seal(document)
    if not isinstance(written, Mapping):
        return ["the seal was edited"]
    verbs = {name: _verb(name, written, found) for name in dict.fromkeys([*written, *found])}
    return [f"`{name}` {verb}" for name, verb in verbs.items() if verb]


def _verb(name: str, written: Mapping[str, Any], found: Mapping[str, str]) -> str:
    if name not in found:
        return "is missing"
    if name not in written:
        return "was added"
    return "" if written[name] == found[name] else "was edited"


def sealed_parts(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parts of a document by name; the order of findings is a part as well."""
    for name, part in document.items():
        if name == SEAL:
            continue
        if name == "findings" and _all_named(part):
            yield name, [finding["id"] for finding in part]
            yield from ((_named(finding), finding) for finding in part)
        else:
            yield name, part


def _all_named(findings: Any) -> bool:
    return isinstance(findings, list) and all(
        isinstance(finding, Mapping) and isinstance(finding.get("id"), str) for finding in findings
    )


def _named(finding: Mapping[str, Any]) -> str:
    return f"claim {finding.get('id')}"


def _sha256(content: Any) -> str:
    digest = hashlib.sha256()
    for text in pieces(content):
        digest.update(text.encode())
    return digest.hexdigest()
