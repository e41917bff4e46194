"""The ledger: all findings of a study at one chance of any wrong verdict, and its JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from mcstudy.codec import from_plain, parsed, plain
from mcstudy.evidence import Evidence
from mcstudy.exceptions import InputError
from mcstudy.findings import Finding, Verdict
from mcstudy.jsontext import laid_out, lines
from mcstudy.measured import MeasureCell, Measured
from mcstudy.scenarios import Level, Scenario
from mcstudy.seal import DIAGNOSTICS, SEAL, BlockDigests, broken, digests_of_findings, seal, source_digest
from mcstudy.timings import Further, Timing, forecast
from mcstudy.words import nearest

__all__ = [
    "SCHEMA",
    "About",
    "Change",
    "Design",
    "ExperimentDesign",
    "FailureRecord",
    "Further",
    "Ledger",
    "MeasureCell",
    "Measured",
    "Overlay",
    "Run",
    "Section",
    "SourceFile",
    "Timing",
    "WarningRecord",
    "finding_from",
    "text_of",
]

SCHEMA = 2
LEVELS = 4  # of a document, that have a line for each item
# Cells from which on they become text one after the other. Fewer are sooner made at once, and small.
LONG = 256
_DIGEST = re.compile("[0-9a-f]*")


@dataclass(frozen=True)
class About:
    """What a study is called, what it asks, where the theory stands, and the answer in its own words and found numbers."""

    name: str
    title: str
    question: str
    source: str
    answer: str = ""
    authors: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True)
class ExperimentDesign:
    """What was drawn in one experiment, over which levels, which columns each replicate gives, and what names mean."""

    name: str
    source: str
    factors: Mapping[str, tuple[Level, ...]]
    scenarios: int
    common: tuple[str, ...]
    columns: tuple[str, ...]
    missing: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """The experiments of a study, the size of a block, and the replicates after each stage."""

    block_size: int
    stages: tuple[int, ...]
    experiments: tuple[ExperimentDesign, ...]

    @property
    def scenarios(self) -> int:
        """How many scenarios the experiments have together."""
        return sum(experiment.scenarios for experiment in self.experiments)


@dataclass(frozen=True)
class Run:
    """The settings of a run, what it took, and the commands that repeat it or one block of it."""

    seed: int
    profile: str
    executor: str
    jobs: int
    replicates: int
    failures: int
    alpha: float
    command: str
    replay: str
    seconds: float = 0.0


@dataclass(frozen=True)
class FailureRecord:
    """A replicate, or with `index` None a whole block, that gave no numbers; `token` draws it again."""

    experiment: str
    scenario: Scenario
    block: int
    index: int | None
    token: str
    reason: str
    traceback: str


@dataclass(frozen=True)
class WarningRecord:
    """Warnings of one kind in one scenario: alike but for the numbers in their texts.

    Attributes
    ----------
    category : str
        The warning's class.
    message : str
        The text, each number in it replaced by #.
    examples : tuple of str
        At most three texts as they were.
    experiment : str
    scenario : Scenario
    blocks : int
        The blocks in which it was given.
    share : float
        Their share of all blocks of the scenario.
    """

    category: str
    message: str
    examples: tuple[str, ...]
    experiment: str
    scenario: Scenario
    blocks: int
    share: float


@dataclass(frozen=True)
class Change:
    """What was changed in the analysis after so many replicates had been seen; empty where it was not there."""

    what: str
    before: str
    after: str
    seen: int


@dataclass(frozen=True)
class Section:
    """A closing section of the report: text, with mathematics between dollar signs."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class SourceFile:
    """A file of the study as it was run: its name from the study's folder, and its text."""

    name: str
    text: str


@dataclass(frozen=True)
class Overlay:
    """A figure that draws the lines of several Rate claims on common axes.

    `where` keeps only the lines whose remaining factors have these levels.
    """

    id: str
    title: str
    caption: str
    claims: tuple[str, ...]
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ledger:
    """What a study found.

    ``ledger["2c"]`` is the finding of a claim. `document` is the content of ``ledger.json``.
    """

    study: About
    design: Design
    run: Run
    digests: Mapping[str, str]
    findings: tuple[Finding, ...]
    measures: tuple[Measured, ...] = ()
    sections: tuple[Section, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    failures: tuple[FailureRecord, ...] = ()
    warnings: tuple[WarningRecord, ...] = ()
    changes: tuple[Change, ...] = ()
    timings: tuple[Timing, ...] = ()
    blocks: tuple[BlockDigests, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, claim_id: str) -> Finding:
        for finding in self.findings:
            if finding.id == claim_id:
                return finding
        hint = nearest(claim_id, self).rstrip()
        msg = f"`claim_id` must be one of {', '.join(self)}, got {claim_id!r}{hint and '; '}{hint}"
        raise InputError(msg)

    def __iter__(self) -> Iterator[str]:
        return (finding.id for finding in self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __contains__(self, claim_id: object) -> bool:
        return claim_id in set(self)

    @property
    def as_expected(self) -> bool:
        """Whether every verdict is the expected one."""
        return all(finding.as_expected for finding in self.findings)

    def count(self, verdict: Verdict) -> int:
        """How many findings have the verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)

    def further(self, finding: Finding) -> Further:
        """How many replicates more would probably decide a finding, and the processor time that they take.

        By the forecasts of its undecided cells, and by the seconds that blocks of their scenarios took.
        """
        return forecast(finding, self.timings, self.design.block_size)

    @cached_property
    def _digested(self) -> tuple[str, dict[str, str]]:
        return digests_of_findings(map(_told, self.findings), plain(self.measures))

    @property
    def findings_digest(self) -> str:
        """The sha256 of the canonical JSON of findings and measures."""
        return self._digested[0]

    def of_these_findings(self, **changes: Any) -> Ledger:
        """The ledger with other contents beside its findings and measures, whose digest is not made again."""
        other = replace(self, **changes)
        if other.findings is not self.findings or other.measures is not self.measures:
            msg = f"`changes` must leave findings and measures, got {', '.join(changes)}; use dataclasses.replace"
            raise InputError(msg)
        other.__dict__["_digested"] = self._digested  # where `cached_property` keeps it
        return other

    @cached_property
    def document(self) -> dict[str, Any]:
        """The ledger as plain JSON values, in the order of ``ledger.json``."""
        return self._document(math.inf)

    def _document(self, longest: float) -> dict[str, Any]:
        content = {item.name: plain(getattr(self, item.name), longest=longest) for item in fields(Ledger)}
        content["findings"] = [_told(finding, longest) for finding in self.findings]
        content["digests"] = {**self.digests, "findings": self.findings_digest}
        document = {"schema": SCHEMA, **content}
        return {**document, SEAL: seal(document, self._digested[1])}

    def to_json(self) -> str:
        """The text of ``ledger.json``: floats as shortest round-trip, NaN and infinities as strings."""
        return "".join(self.texts())

    def texts(self) -> Iterator[str]:
        """The text of ``ledger.json``, a piece at a time."""
        yield from lines(self._document(LONG), LEVELS)
        yield "\n"

    @staticmethod
    def from_json(text: str) -> Ledger:
        """Read the text of a ``ledger.json``, of this schema or of the first.

        Raises
        ------
        InputError
            If it is no JSON, of another schema, incomplete, of wrong types, or not what its digest says.
        """
        return Ledger.from_document(parsed(text))

    @staticmethod
    def from_document(document: Any) -> Ledger:
        """Read the content of a ``ledger.json``; see `from_json`."""
        schema = document.get("schema") if isinstance(document, Mapping) else type(document).__name__
        if schema == 1:
            from mcstudy.schema1 import upgraded  # rarely needed: ledgers of version 0.1

            return _read(upgraded(document))
        if schema != SCHEMA:
            msg = f"`ledger` must have schema {SCHEMA} or 1, got {schema!r}; read it with the version that wrote it"
            raise InputError(msg)
        ledger = _read(document)
        # As it is written: a field that this version has added, with its default, is no edit.
        found, _ = digests_of_findings(document["findings"], document.get("measures", []))
        if (written := ledger.digests.get("findings")) != found:
            msg = f"`ledger` must have the findings that its digest says, got {found[:12]} where {str(written)[:12]} is written: it was edited; run the study again"
            raise InputError(msg)
        # Digests of blocks and the seal came together: one without the other is no older ledger.
        edits = broken(document) or (
            ["the seal was taken away"] if ledger.blocks and SEAL not in document else []
        )
        if edits:
            msg = f"`ledger` must be as it was sealed, but {'; '.join(edits)}; run the study again"
            raise InputError(msg)
        return ledger


def text_of(document: Any) -> str:
    """The text of the document of a ledger: a line for each finding's cell, and for each item of other parts."""
    return laid_out(document, LEVELS) + "\n"


def _told(finding: Finding, longest: float = LONG) -> dict[str, Any]:
    """A finding as plain values, with what scripts of version 0.1 looked up by this name."""
    told: dict[str, Any] = plain(finding, longest=longest)
    told[DIAGNOSTICS] = {"deciding_cell": finding.deciding, "note": finding.note}
    return told


def _read(document: Mapping[str, Any]) -> Ledger:
    content: dict[str, Any] = dict(document)
    if not isinstance(content.get("findings"), list):
        msg = "`ledger` must have a list of findings, got none; run the study again"
        raise InputError(msg)
    findings = tuple(
        finding_from(item, f"ledger.findings[{index}]") for index, item in enumerate(content["findings"])
    )
    return _checked(replace(from_plain(Ledger, content | {"findings": []}), findings=findings))


def finding_from(item: Any, place: str = "finding") -> Finding:
    """Build a finding from its JSON, the evidence by itself: its type hangs on the kind of claim beside it.

    Raises
    ------
    InputError
        If an entry is missing or of a wrong type; the message names its place.
    """
    evidence = _evidence(item, place)
    return _with_evidence(from_plain(Finding, {**item, "evidence": {}}, place), evidence)


def _evidence(finding: Any, place: str) -> Evidence:
    """The evidence of a finding, of the type that its kind has registered."""
    if not isinstance(finding, Mapping) or not isinstance(finding.get("kind"), str):
        msg = f"`{place}` must be a finding of some kind, got {str(finding)[:60]}; run the study again"
        raise InputError(msg)
    evidence = finding.get("evidence")
    declared = Evidence.of_kind.get(finding["kind"])
    # A kind without evidence of its own has that of its cells at most; more would be lost without a word.
    if declared is None and isinstance(evidence, Mapping) and set(evidence) - {"cells"}:
        msg = f"`{place}.evidence` must be of a kind that is known, got {finding['kind']!r}; import the module that defines this kind of claim"
        raise InputError(msg)
    return from_plain(declared or Evidence, evidence, f"{place}.evidence")


def _with_evidence(finding: Finding, evidence: Evidence) -> Finding:
    if evidence.cells and len(evidence.cells) != len(finding.cells):
        msg = f"`ledger`: the evidence of claim {finding.id} must have one item a cell ({len(finding.cells)}), got {len(evidence.cells)}; run the study again"
        raise InputError(msg)
    if not 0 <= finding.deciding < len(finding.cells):
        msg = f"`ledger`: the deciding cell of claim {finding.id} must be one of {len(finding.cells)}, got {finding.deciding}; run the study again"
        raise InputError(msg)
    return replace(finding, evidence=evidence)


def _checked(ledger: Ledger) -> Ledger:
    # The name becomes a path and an address.
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", ledger.study.name):
        msg = f"`ledger`: the study's name must be letters, digits, '.', '-', '_', got {ledger.study.name!r}"
        raise InputError(msg)
    # They are written into pages and TeX, as they stand.
    if "draws" not in ledger.digests or not all(map(_DIGEST.fullmatch, ledger.digests.values())):
        msg = f"`ledger`: its digests must be hexadecimal, that of the draws among them, got {str(dict(ledger.digests))[:60]}; run the study again"
        raise InputError(msg)
    written, found = ledger.digests.get("source"), source_digest(source.text for source in ledger.sources)
    if ledger.sources and written != found:
        msg = f"`ledger`: its sources must be what their digest says, got {found[:12]} where {str(written)[:12]} is written; run the study again"
        raise InputError(msg)
    return ledger
