"""Blocks in batches: those that are drawn faster than they are sent travel together."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence

from mcstudy.engine.worker import BlockResult, Task, run_block
from mcstudy.scenarios import Scenario

__all__ = ["Pace", "run_batch"]

# Seconds that a batch is meant to take: sending one costs a thirtieth of it, and whoever interrupts does not notice.
ENOUGH = 0.02
MOST = 512  # blocks of a batch: their columns wait in memory until the last is drawn
RECENT = 0.25  # the weight of the last batch in the mean of a block's seconds
ROUNDING = 1e-9
# A scenario's first block may take an hour, whatever others took: of such blocks an eighth as many travel together as
# have been drawn of late, and each is taken for so many times as slow as those were.
LATE, CAUTION, SLOWER = 128, 1 / 8, 4.0


class Pace:
    """How many blocks make a batch, by the seconds that the last ones of their scenarios took.

    Parameters
    ----------
    enough : float
        The seconds that a batch is meant to take.
    """

    def __init__(self, enough: float = ENOUGH) -> None:
        self._enough = enough
        self._seconds: defaultdict[str, dict[Scenario, float]] = defaultdict(dict)
        self._late: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=LATE))
        self._mean: dict[str, float] = {}

    def batches(self, tasks: Iterable[Task]) -> Iterator[list[Task]]:
        """Divide tasks into batches, every one as large as is right when it is asked for."""
        batch: list[Task] = []
        room = 1.0
        for task in tasks:
            if batch and self._part(task) > room:
                yield batch
                batch, room = [], 1.0
            batch.append(task)
            room -= self._part(task) - ROUNDING
        if batch:
            yield batch

    def time(self, results: Sequence[BlockResult]) -> None:
        """Learn from a batch that was drawn."""
        taken: defaultdict[tuple[str, Scenario], list[float]] = defaultdict(list)
        for result in results:
            name = result.block.experiment
            taken[name, result.block.scenario].append(result.seconds)
            if result.earlier:  # the first one of a process loads what the others find
                self._late[name].append(result.seconds)
        for (name, scenario), seconds in taken.items():
            mean, known = sum(seconds) / len(seconds), self._seconds[name]
            known[scenario] = (1 - RECENT) * known.get(scenario, mean) + RECENT * mean
        for name in {name for name, _ in taken}:
            self._mean[name] = sum(self._late[name]) / max(len(self._late[name]), 1)

    def _part(self, task: Task) -> float:
        """The part of a batch that a block makes up; all of it where nobody can tell."""
        known = self._seconds[task.block.experiment].get(task.block.scenario)
        if known is not None:
            return min(1.0, max(known / self._enough, 1 / MOST))
        together = CAUTION * len(self._late[task.block.experiment])
        if together < 1:
            return 1.0
        return min(1.0, max(SLOWER * self._mean[task.block.experiment] / self._enough, 1 / together))


def run_batch(tasks: Sequence[Task]) -> list[BlockResult]:
    """Draw the blocks of a batch, one after the other."""
    return [run_block(task) for task in tasks]
