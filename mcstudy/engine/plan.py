"""A study becomes blocks, in stages."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from mcstudy.claims.claim import Finding, Verdict
from mcstudy.draws import Scenario
from mcstudy.study import Study

__all__ = ["Block", "blocks_of", "stages", "undecided"]


@dataclass(frozen=True)
class Block:
    """Replicates drawn together from one stream: the unit of work, storage and replay."""

    scenario: Scenario
    number: int
    size: int

    @property
    def token(self) -> str:
        """The block's name on a command line."""
        return f"{self.scenario.digest}:{self.number}"


def stages(study: Study, profile: str) -> tuple[int, ...]:
    """The replicates after each stage at which the run looks at the verdicts.

    The quick profile looks after each doubling and stops where everything is decided. The full profile draws
    all its replicates before it looks: what is cited has the precision that was promised.
    """
    counts = study.replicates.stages(profile)
    return counts if profile == "quick" else counts[-1:]


def blocks_of(
    study: Study, scenarios: Iterable[Scenario], replicates: int, done: Container[tuple[str, int]]
) -> list[Block]:
    """The blocks still missing for a number of replicates, scenarios taken in turn.

    Parameters
    ----------
    study : Study
    scenarios : iterable of Scenario
    replicates : int
        A multiple of the study's block.
    done : container of (scenario key, block number)
    """
    pairs = ((scenario, number) for number in range(replicates // study.block) for scenario in scenarios)
    return [
        Block(scenario, number, study.block)
        for scenario, number in pairs
        if (scenario.key, number) not in done
    ]


def undecided(
    study: Study, findings: Iterable[Finding], scenarios: tuple[Scenario, ...]
) -> tuple[Scenario, ...]:
    """The scenarios that more draws could help: those that an undecided claim reads."""
    open_ids = {f.id for f in findings if f.verdict is Verdict.UNDECIDED and not f.hopeless}
    wanted = {s for claim in study.claims if claim.id in open_ids for s in claim.select(scenarios)}
    return tuple(scenario for scenario in scenarios if scenario in wanted)
