"""The ledger: all findings of a study at one simultaneous confidence, and its JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mcstudy.claims.claim import Claim, Finding, Verdict
from mcstudy.defaults import ALPHA
from mcstudy.draws import Draws, Scenario
from mcstudy.exceptions import InputError

__all__ = ["SCHEMA", "Ledger", "claims_over", "judge", "plain"]

SCHEMA = 1


def claims_over(claims: Sequence[Claim], scenarios: Sequence[Scenario]) -> list[Claim]:
    """The claims that have a cell among the scenarios."""
    return [claim for claim in claims if claim.groups(scenarios)]


def judge(claims: Sequence[Claim], draws: Draws, alpha: float = ALPHA) -> tuple[Finding, ...]:
    """Judge all claims so that the chance of any wrong verdict is at most alpha.

    Bonferroni: alpha is shared equally by the claims, within a claim by its cells, and within a cell by all
    the looks that doubling stages can ever take (1/2, 1/6, 1/12, ...). A cell's confidence depends on its own
    number of replicates only, so the findings are a function of the draws, not of the way to them.

    Parameters
    ----------
    claims : sequence of Claim
        All must have a cell among the draws' scenarios (see `claims_over`).
    draws : Draws
    alpha : float

    Returns
    -------
    tuple of Finding
    """
    return tuple(claim.find(draws, alpha / len(claims)) for claim in claims)


@dataclass(frozen=True)
class Ledger:
    """What a study found.

    ``ledger["2c"]`` is the finding of a claim. `document` is the content of ``ledger.json``.
    """

    findings: tuple[Finding, ...]
    study: Mapping[str, Any] = field(default_factory=dict)
    design: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    failures: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[Mapping[str, Any]] = ()
    sections: Sequence[Mapping[str, Any]] = ()
    overlays: Sequence[Mapping[str, Any]] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, claim_id: str) -> Finding:
        for finding in self.findings:
            if finding.id == claim_id:
                return finding
        msg = f"`claim_id` must be one of {', '.join(self)}; got {claim_id!r}"
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

    @property
    def document(self) -> dict[str, Any]:
        """The ledger as plain JSON values, in the order of ``ledger.json``."""
        return {
            "schema": SCHEMA,
            "study": plain(self.study),
            "design": plain(self.design),
            "run": plain(self.run),
            "digests": {**self.digests, "findings": self.findings_digest},
            "findings": self._plain_findings(),
            "sections": plain(self.sections),
            "overlays": plain(self.overlays),
            "failures": plain(self.failures),
            "warnings": plain(self.warnings),
            "provenance": plain(self.provenance),
        }

    def _plain_findings(self) -> list[dict[str, Any]]:
        rows = []
        for finding in self.findings:
            row = plain(asdict(finding))
            del row["hopeless"]  # a hint for the run loop, not a finding
            rows.append(row)
        return rows

    @property
    def findings_digest(self) -> str:
        """The sha256 of the findings' canonical JSON, but for the commands that replay their witnesses."""
        content = _without_commands(self._plain_findings())
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_json(self) -> str:
        """The text of ``ledger.json``: floats as shortest round-trip, NaN and infinities as strings."""
        return json.dumps(self.document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _without_commands(value: Any) -> Any:
    """The value without its "replay" entries: they depend on where the study's file lies."""
    if isinstance(value, dict):
        return {key: _without_commands(item) for key, item in value.items() if key != "replay"}
    return [_without_commands(item) for item in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """Turn mappings, sequences, arrays and numbers into what JSON can say.

    Examples
    --------
    >>> plain({"x": np.array([1.0, np.nan])})
    {'x': [1.0, 'nan']}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return str(value) if isinstance(value, Verdict) else value
