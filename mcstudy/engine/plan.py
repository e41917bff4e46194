"""A study becomes blocks, from look to look."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping

from mcstudy.claims import profits
from mcstudy.draws import Block
from mcstudy.engine.payload import Payload
from mcstudy.engine.source import Origin
from mcstudy.engine.worker import Task
from mcstudy.experiment import Experiment
from mcstudy.findings import Finding, Verdict
from mcstudy.scenarios import Scenario

__all__ = ["blocks_of", "next_counts", "task_for"]

# Looks are as close as that saves draws that are worth a look, and no further apart than doublings.
LEAST, MOST = 1.03, 2.0

# Of the way to a forecast, on a scale of logarithms: an estimate that moves towards the middle of its zone is decided
# before. With 40 claims of margins of 0.02 to 0.04 sd, the whole way takes 11 % more draws, this 1 % more than looks
# at each 1.03-fold number.
CAUTION = 0.25


def blocks_of(
    experiment: str, counts: Mapping[Scenario, int], block: int, done: Container[tuple[str, str, int]]
) -> list[Block]:
    """The blocks still missing for so many replicates of each scenario, scenarios taken in turn.

    Parameters
    ----------
    experiment : str
    counts : mapping from Scenario to int
    block : int
        Replicates of a block.
    done : container of block keys
    """
    planned = (
        Block(scenario, number, experiment)
        for number in range(max(counts.values(), default=0) // block)
        for scenario, count in counts.items()
        if number < count // block
    )
    return [block for block in planned if block.key not in done]


def task_for(origin: Origin, seed: int, block: Block, payload: Payload, timeout: float | None = None) -> Task:
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
        experiment.bounded(block.scenario),
        timeout,
    )


def next_counts(
    experiment: Experiment,
    findings: Mapping[str, Finding],
    counts: Mapping[Scenario, int],
    *,
    most: float,
    block: int,
) -> dict[Scenario, int]:
    """How many replicates the scenarios of undecided cells are to have at the next look.

    Verdicts hold at every number of replicates, so the run may look where something may be decided.

    Parameters
    ----------
    experiment : Experiment
    findings : mapping from str to Finding
        By id, those that there are.
    counts : mapping from Scenario to int
        What the scenarios have, in whole blocks.
    most : float
        What a scenario may have.
    block : int

    Returns
    -------
    dict from Scenario to int
        Only those that get more.
    """
    wanted: dict[Scenario, float] = {}
    for claim in experiment.claims:
        finding = findings.get(claim.id)
        if finding is None or finding.verdict is not Verdict.UNDECIDED:
            continue
        for group, cell in zip(claim.groups(tuple(counts)), finding.cells, strict=True):
            if profits(claim, cell):
                for scenario in group:
                    forecast = cell.needed * counts[scenario] / cell.replicates
                    wanted[scenario] = max(wanted.get(scenario, 0.0), forecast)
    return {
        scenario: count
        for scenario, forecast in wanted.items()
        if (count := _grown(counts[scenario], forecast, most, block)) > counts[scenario]
    }


def _grown(count: int, forecast: float, most: float, block: int) -> int:
    """A part of the way to a forecast, in whole blocks."""
    step = min(max((forecast / count) ** CAUTION, LEAST), MOST)
    return block * int(min(math.ceil(step * count / block), most // block))
