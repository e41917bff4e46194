"""The seconds that scenarios took to draw, and a forecast by them of what is still needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mcstudy.findings import Finding
from mcstudy.scenarios import Level, Scenario

__all__ = ["Further", "Timing", "forecast"]


@dataclass(frozen=True, slots=True)
class Timing:
    """The seconds that drawing the blocks of a scenario took; they change no digest."""

    experiment: str
    scenario: Scenario
    seconds: float
    blocks: int


class Further(NamedTuple):
    """A forecast: replicates over all scenarios of a claim, and the seconds that one processor needs for them."""

    replicates: int
    seconds: float


def forecast(finding: Finding, timings: Iterable[Timing], block_size: int) -> Further:
    """How many replicates more would probably decide a finding, and the processor time that they take.

    By the forecasts of its undecided cells, and by the seconds that blocks of their scenarios took.

    Parameters
    ----------
    finding : Finding
    timings : iterable of Timing
    block_size : int
        Replicates in a block.
    """
    replicates, seconds = 0, 0.0
    taken = [timing for timing in timings if timing.experiment == finding.experiment]
    # By factors too: a cell of a line lacks the factor that the line runs over.
    by_levels: dict[tuple[str, ...], dict[tuple[Level, ...], list[Timing]]] = {}
    for cell in finding.cells:
        if (more := cell.needed - cell.replicates) <= 0:
            continue
        factors = tuple(cell.scenario)
        if factors not in by_levels:
            by_levels[factors] = _by_levels(taken, factors)
        for timing in by_levels[factors].get(tuple(cell.scenario.values()), ()):
            replicates += more
            seconds += more * timing.seconds / max(timing.blocks * block_size, 1)
    return Further(replicates, seconds)


def _by_levels(timings: Sequence[Timing], factors: tuple[str, ...]) -> dict[tuple[Level, ...], list[Timing]]:
    """Timings by the levels of these factors; scenarios that lack one are none of a cell's."""
    found: dict[tuple[Level, ...], list[Timing]] = {}
    for timing in timings:
        if all(factor in timing.scenario for factor in factors):
            found.setdefault(tuple(timing.scenario[factor] for factor in factors), []).append(timing)
    return found
