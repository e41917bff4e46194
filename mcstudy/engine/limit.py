"""How far a run may go: the profile's replicates, or on until everything is decided, for so long at most."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mcstudy.checks import is_positive
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
    """What stops a run that has undecided claims.

    Parameters
    ----------
    replicates : float
        The most that a scenario may have.
    seconds : float
        The most that the run may take.
    jobs : int
        Blocks that are drawn at once.
    """

    replicates: float
    seconds: float = math.inf
    jobs: int = 1
    started: float = field(default_factory=time.monotonic)

    @staticmethod
    def of(study: Study, profile: str, until: str | None, at_most: float | None, jobs: int) -> Limit:
        """The limit of a run.

        Raises
        ------
        InputError
            If `until` is no such word, or `at_most` no time, or given without `until`.
        """
        if until not in (None, UNTIL):
            msg = (
                f"`until` must be {UNTIL!r}, got {until!r}; leave it out to stop at the profile's replicates"
            )
            raise InputError(msg)
        if at_most is not None and not is_positive(at_most):
            msg = f"`at_most` must be a positive number of seconds, got {at_most!r}"
            raise InputError(msg)
        if at_most is not None and until is None:
            msg = f"`at_most` must go with `until`, got {at_most!r} alone; add until={UNTIL!r} (--until {UNTIL})"
            raise InputError(msg)
        most = math.inf if until else float(study.replicates.most(profile))
        return Limit(most, math.inf if at_most is None else float(at_most), jobs)

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
