"""Findings of an earlier run that nothing has changed of: they stand, and nothing is loaded to judge them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from mcstudy.claims.claim import Claim
from mcstudy.codec import plain
from mcstudy.engine.blocks import Counts
from mcstudy.engine.drawkey import Part
from mcstudy.engine.journal import Journal
from mcstudy.engine.keys import package_digest, rule_of
from mcstudy.exceptions import InputError, StudyError
from mcstudy.experiment import Experiment
from mcstudy.findings import Finding
from mcstudy.ledger import finding_from

__all__ = ["KeptFindings"]


class KeptFindings:
    """The findings that a journal keeps, with what each depends on.

    A finding is a function of its claim, its share of alpha, the code and the libraries that judge, and the draws;
    these are known by what they depend on and by how many they are.

    Parameters
    ----------
    journal : Journal
    keys : mapping from str to mapping
        The draw keys of the experiments.
    """

    def __init__(self, journal: Journal, keys: Mapping[str, Mapping[str, Part]]) -> None:
        self._journal = journal
        self._kept = journal.findings()
        self._draws = {
            name: [(part, parts[part].digest) for part in sorted(parts)] for name, parts in keys.items()
        }
        self._rules: dict[str, str | None] = {}

    def knows(self, claim: Claim) -> bool:
        """Whether this very claim has been judged here, at whatever draws."""
        rule, *_ = self._kept.get(claim.id, ("",))
        return bool(rule) and rule == self._rule(claim)

    def get(
        self, claim: Claim, experiment: Experiment, counts: Counts, share: float, tuned: float
    ) -> Finding | None:
        """The finding, if all that it depends on is as it was."""
        if not self.knows(claim):
            return None
        _, basis, content = self._kept[claim.id]
        if basis != self._basis(claim, experiment, counts, share, tuned):
            return None
        try:
            return finding_from(json.loads(content))
        except (InputError, ValueError):  # damaged: judge again
            return None

    def put(
        self,
        found: Iterable[tuple[Claim, Experiment, Finding]],
        counts: Counts,
        shares: Mapping[str, float],
        tuned: float,
    ) -> None:
        """Keep the findings of a run in the place of those of the run before."""
        rows = (
            (
                claim.id,
                rule,
                self._basis(claim, experiment, counts, shares[claim.id], tuned),
                json.dumps(plain(finding)),
            )
            for claim, experiment, finding in found
            if (rule := self._rule(claim))
        )
        self._journal.keep_findings(rows)

    def _rule(self, claim: Claim) -> str | None:
        """The digest of a claim; None for one that can't be known again, and is judged each time."""
        if claim.id not in self._rules:
            try:
                self._rules[claim.id] = rule_of(claim) + package_digest()
            except StudyError:
                self._rules[claim.id] = None
        return self._rules[claim.id]

    def _basis(self, claim: Claim, experiment: Experiment, counts: Counts, share: float, tuned: float) -> str:
        own = [scenario for name, scenario in counts if name == experiment.name]
        cells = [
            [(scenario.key, counts[experiment.name, scenario]) for scenario in group]
            for group in claim.groups(own)
        ]
        common = experiment.common
        content = repr((self._draws[experiment.name], cells, experiment.name, common, share, tuned))
        return hashlib.sha256(content.encode()).hexdigest()
