"""How far a run may go: the profile's replicates, or on until everything is decided, for so long at most."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcstudy.engine.blocks import Counts
from mcstudy.engine.journal import Journal
from mcstudy.exceptions import InputError
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
        if at_most is not None and not at_most > 0:
            msg = f"`at_most` must be a positive number of seconds, got {at_most!r}"
            raise InputError(msg)
        if at_most is not None and until is None:
            msg = f"`at_most` must go with `until`, got {at_most!r} alone; add until={UNTIL!r} (--until {UNTIL})"
            raise InputError(msg)
        most = math.inf if until else float(study.replicates.most(profile))
        return Limit(most, math.inf if at_most is None else float(at_most), jobs)

    def within(
        self, wanted: Mapping[tuple[str, Scenario], int], counts: Counts, journal: Journal
    ) -> dict[tuple[str, Scenario], int]:
        """What of the replicates that are wanted can be drawn in the time that is left, in whole blocks."""
        if not wanted or self.seconds == math.inf:
            return dict(wanted)
        block = journal.block_size
        left = self.seconds - (time.monotonic() - self.started)
        places = {place: counts[place] for place in wanted}
        costs = {(t.experiment, t.scenario): t.seconds / max(t.blocks, 1) for t in journal.timings(places)}
        more = {place: (wanted[place] - counts[place]) // block for place in wanted}
        expected = sum(costs[place] * blocks for place, blocks in more.items()) / self.jobs
        part = 1.0 if expected <= left else max(left, 0.0) / expected
        drawn = {place: counts[place] + block * math.floor(blocks * part) for place, blocks in more.items()}
        return {place: count for place, count in drawn.items() if count > counts[place]}
