"""How far a run may go: the profile's replicates, so many, or on until everything is decided, for so long at most."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mcstudy.checks import is_count, is_positive
from mcstudy.engine.blocks import Counts
from mcstudy.engine.journal import Journal
from mcstudy.engine.plan import blocks_of
from mcstudy.exceptions import InputError
from mcstudy.ledger import Timing
from mcstudy.scenarios import Scenario
from mcstudy.study import Study

__all__ = ["UNTIL", "Limit"]

UNTIL = "decided"  # the one word for it


@dataclass(frozen=True)
class Limit:
    """Where a run begins to look, and what stops it while claims are undecided.

    Parameters
    ----------
    first : int
        The replicates of every scenario before the first look, in whole blocks.
    planned : int
        What every scenario has where nothing is decided sooner: all that can be dealt out before anything is judged.
    replicates : float
        The most that a scenario may have.
    exact : bool
        Whether the number was asked for, and is no profile's.
    seconds : float
        The most that the run may take.
    jobs : int
        Blocks that are drawn at once.
    """

    first: int
    planned: int
    replicates: float
    exact: bool = False
    seconds: float = math.inf
    jobs: int = 1
    started: float = field(default_factory=time.monotonic)

    @staticmethod
    def of(
        study: Study,
        profile: str,
        *,
        until: str | None = None,
        at_most: float | None = None,
        replicates: int | None = None,
        jobs: int = 1,
    ) -> Limit:
        """The limit of a run.

        Raises
        ------
        InputError
            If `until` is no such word, `at_most` no time or given without `until`, `replicates` no whole number of
            blocks or given with `until`.
        """
        _check_until(until, at_most)
        seconds = math.inf if at_most is None else float(at_most)
        if replicates is not None:
            _check_replicates(replicates, until, study.block_size)
            count = int(replicates)
            return Limit(count, count, count, exact=True, jobs=jobs)
        planned, most = study.replicates.planned(profile), study.replicates.most(profile)
        # What is cited has the precision that was promised: the full profile draws all before it looks.
        early = profile == "quick" or study.replicates.until is not None
        first = math.ceil(study.replicates.first / study.block_size) * study.block_size if early else planned
        return Limit(first, planned, math.inf if until else most, seconds=seconds, jobs=jobs)

    @property
    def endless(self) -> bool:
        """Whether replicates have no limit."""
        return self.replicates == math.inf

    def within(
        self, wanted: Mapping[tuple[str, Scenario], int], counts: Counts, journal: Journal
    ) -> dict[tuple[str, Scenario], int]:
        """What of the replicates that are wanted can be drawn in the time that is left, in whole blocks.

        Blocks that are kept from an earlier run cost nothing: a run sees at least what the one before has drawn.
        """
        if not wanted or self.seconds == math.inf:
            return dict(wanted)
        block, done = journal.block_size, journal.done()
        missing = {
            (name, scenario): len(blocks_of(name, {scenario: count}, block, done))
            for (name, scenario), count in wanted.items()
        }
        part = self._part(missing, journal.timings(counts))
        drawn = {
            place: wanted[place] - block * (blocks - math.floor(part * blocks))
            for place, blocks in missing.items()
        }
        return {place: count for place, count in drawn.items() if count > counts[place]}

    def _part(self, missing: Counts, timings: Sequence[Timing]) -> float:
        """The part of the missing blocks for which there is time, if they take as long as those before."""
        costs = {(t.experiment, t.scenario): t.seconds / max(t.blocks, 1) for t in timings}
        expected = sum(costs[place] * blocks for place, blocks in missing.items()) / self.jobs
        left = max(self.seconds - (time.monotonic() - self.started), 0.0)
        return min(1.0, left / expected) if expected else float(left > 0.0)


def _check_until(until: str | None, at_most: float | None) -> None:
    if until not in (None, UNTIL):
        msg = f"`until` must be {UNTIL!r}, got {until!r}; leave it out to stop at the profile's replicates"
        raise InputError(msg)
    if at_most is not None and not is_positive(at_most):
        msg = f"`at_most` must be a positive number of seconds, got {at_most!r}"
        raise InputError(msg)
    if at_most is not None and until is None:
        msg = f"`at_most` must go with `until`, got {at_most!r} alone; add until={UNTIL!r} (--until {UNTIL})"
        raise InputError(msg)


def _check_replicates(replicates: int, until: str | None, block: int) -> None:
    if not is_count(replicates):
        msg = f"`replicates` must be a positive whole number, got {replicates!r}"
        raise InputError(msg)
    if until is not None:
        msg = (
            f"`replicates` must stand without `until`, got {replicates} and {until!r}; leave one of them out"
        )
        raise InputError(msg)
    if replicates % block:
        above = math.ceil(replicates / block) * block
        msg = f"`replicates` must be a whole number of the study's blocks of {block}, got {replicates}; take {above}"
        raise InputError(msg)
