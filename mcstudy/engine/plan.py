"""A study becomes blocks, in stages."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING

from mcstudy.claims import profits
from mcstudy.draws import Block
from mcstudy.engine.payload import Payload
from mcstudy.engine.source import Origin
from mcstudy.engine.worker import Task
from mcstudy.experiment import Experiment
from mcstudy.findings import Finding, Verdict
from mcstudy.scenarios import Scenario

if TYPE_CHECKING:
    from mcstudy.study import Study

__all__ = ["blocks_of", "stages", "task_for", "undecided"]


def stages(study: Study, profile: str) -> tuple[int, ...]:
    """The replicates after each stage at which the run looks at the verdicts.

    The quick profile looks after each doubling and stops where everything is decided. The full profile draws
    all its replicates before it looks: what is cited has the precision that was promised.
    """
    counts = study.replicates.stages(profile)
    return counts if profile == "quick" else counts[-1:]


def blocks_of(
    experiment: str, scenarios: Iterable[Scenario], blocks: int, done: Container[tuple[str, str, int]]
) -> list[Block]:
    """The blocks still missing for a number of blocks a scenario, scenarios taken in turn.

    Parameters
    ----------
    experiment : str
    scenarios : iterable of Scenario
    blocks : int
        How many each scenario is to have.
    done : container of block keys
    """
    planned = (Block(scenario, number, experiment) for number in range(blocks) for scenario in scenarios)
    return [block for block in planned if block.key not in done]


def task_for(origin: Origin, seed: int, block: Block, payload: Payload) -> Task:
    """What a worker needs to draw a block of a study."""
    study = origin.study
    experiment = study[block.experiment]
    return Task(
        block,
        study.block_size,
        study.name,
        seed,
        experiment.common,
        payload,
        experiment.missing,
        origin.folder,
    )


def undecided(
    experiment: Experiment, findings: Mapping[str, Finding], scenarios: tuple[Scenario, ...]
) -> tuple[Scenario, ...]:
    """The scenarios that more draws could help: those that an undecided claim reads."""
    wanted: set[Scenario] = set()
    for claim in experiment.claims:
        finding = findings.get(claim.id)
        if finding and finding.verdict is Verdict.UNDECIDED and profits(claim, finding):
            wanted.update(claim.select(scenarios))
    return tuple(scenario for scenario in scenarios if scenario in wanted)
