"""Blocks in batches: those that are drawn faster than they are sent travel together, and than they are kept wait."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence

from mcstudy.engine.worker import BlockResult, Task, run_block
from mcstudy.scenarios import Scenario

__all__ = ["Backlog", "Pace", "run_batch"]

# Seconds that a batch is meant to take: sending one costs a thirtieth of it, and whoever interrupts does not notice.
ENOUGH = 0.02
MOST = 512  # blocks of a batch: their columns wait in memory until the last is drawn
RECENT = 0.25  # the weight of the last batch in the mean of a block's seconds
ROUNDING = 1e-9  # of a sum of parts like 1/10: ten of them are to make a whole batch
# A scenario's first block may take an hour, whatever others took: of such blocks an eighth as many travel together as
# have been drawn of late, and each is taken for so many times as slow as those were.
LATE, CAUTION, SLOWER = 128, 1 / 8, 4.0
# Bytes of columns that may wait to be kept, and the seconds for which a worker rests where more do: in that time less
# is kept than waits.
ROOM, REST = 2**25, 0.05


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


class Backlog:
    """Batches that were handed out and not yet used: what has been drawn of them is in memory.

    Whoever hands out batches can't be made to wait, for it may hold what using them needs. So it gets empty ones, over
    which a worker rests. It does so in a thread of its own: each count below is written by one thread only.

    Parameters
    ----------
    fewest : int
        Batches that are always under way: as many as keep the workers busy.
    room : int
        Bytes of those that wait, each block taken for as large as the largest so far.
    """

    def __init__(self, fewest: int, room: int = ROOM) -> None:
        self._fewest, self._room = fewest, room
        self._handed, self._used = (0, 0), (0, 0)  # batches, and their blocks
        self._largest = math.inf  # until a block has been seen

    def held_back(self, batches: Iterable[list[Task]]) -> Iterator[list[Task]]:
        """Hand out batches, and empty ones while too much waits."""
        for batch in batches:
            while self._is_full():
                yield []
            count, blocks = self._handed
            self._handed = count + 1, blocks + len(batch)
            yield batch

    def _is_full(self) -> bool:
        (handed, blocks), (used, done) = self._handed, self._used
        return handed - used > self._fewest and (blocks - done) * self._largest > self._room

    def use(self, results: Sequence[BlockResult]) -> None:
        """A batch has been used, with these results."""
        count, blocks = self._used
        self._used = count + 1, blocks + len(results)
        sizes = [result.data.nbytes for result in results if result.data is not None]
        before = 0 if self._largest == math.inf else self._largest
        self._largest = max([before, *sizes]) if sizes else self._largest


def run_batch(tasks: Sequence[Task]) -> list[BlockResult]:
    """Draw the blocks of a batch, one after the other; rest where there are none."""
    if not tasks:
        time.sleep(REST)
    return [run_block(task) for task in tasks]
