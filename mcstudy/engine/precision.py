"""Estimates that are not yet as precise as the study wants them: which, and how many replicates they need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mcstudy.draws import Draws
from mcstudy.engine.plan import MOST
from mcstudy.experiment import Experiment
from mcstudy.findings import Finding
from mcstudy.replicates import Precision
from mcstudy.scenarios import Scenario

__all__ = ["Imprecise", "imprecise", "precise_counts"]

# A standard error is itself an estimate: 2 % more replicates, and half of all forecasts suffice at once.
RESERVE = 1.02


@dataclass(frozen=True)
class Imprecise:
    """An estimate with too large a standard error.

    Attributes
    ----------
    id : str
        Of the measure or the claim.
    scenarios : tuple of Scenario
        Those that it is estimated from.
    mcse : float
    lacks : float
        How many times too large it is.
    """

    id: str
    scenarios: tuple[Scenario, ...]
    mcse: float
    lacks: float


def imprecise(
    experiment: Experiment, findings: Mapping[str, Finding], draws: Draws, until: Precision
) -> Iterator[Imprecise]:
    """The estimates of an experiment that lack precision; one without a standard error lacks nothing.

    Parameters
    ----------
    experiment : Experiment
    findings : mapping from str to Finding
        By id.
    draws : Draws
        Of the experiment.
    until : Precision
    """
    for name, scenarios, estimate, error in _estimates(experiment, findings, draws, until):
        if (lacks := until.lacks(estimate, error)) > 1.0:
            yield Imprecise(name, scenarios, error, lacks)


def precise_counts(
    lacking: Iterator[Imprecise], counts: Mapping[Scenario, int], *, most: float, block: int
) -> dict[Scenario, int]:
    """How many replicates scenarios are to have so that their estimates are precise enough, in whole blocks.

    A standard error falls as the root of the replicates; no step is larger than a doubling, for the first errors are
    rough themselves.

    Returns
    -------
    dict from Scenario to int
        Only those that get more.
    """
    wanted: dict[Scenario, int] = {}
    for one in lacking:
        step = min(RESERVE * one.lacks**2, MOST)
        for scenario in one.scenarios:
            count = block * int(min(math.ceil(step * counts[scenario] / block), most // block))
            wanted[scenario] = max(wanted.get(scenario, 0), count)
    return {scenario: count for scenario, count in wanted.items() if count > counts[scenario]}


def _estimates(
    experiment: Experiment, findings: Mapping[str, Finding], draws: Draws, until: Precision
) -> Iterator[tuple[str, tuple[Scenario, ...], float, float]]:
    for measure in experiment.measures:
        if until.aims_at(measure.id):
            for cell in measure.cells(draws):
                yield measure.id, (cell.scenario,), cell.estimate, cell.mcse
    for claim in experiment.claims:
        aimed = until.aims_at(claim.id) if until.of else not experiment.measures
        if aimed and claim.id in findings:
            groups = claim.groups(tuple(draws.scenarios))
            for group, found in zip(groups, findings[claim.id].cells, strict=True):
                yield claim.id, group, found.estimate, found.mcse
