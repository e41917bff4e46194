"""Blocks in batches: those that are drawn faster than they are sent travel together, and than they are kept wait."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice

from mcstudy.engine.worker import BlockResult, Task, run_block
from mcstudy.scenarios import Scenario

__all__ = ["Backlog", "Pace", "run_batch"]

# Seconds that a batch is meant to take: sending one costs a thirtieth of it, and whoever interrupts does not notice.
ENOUGH = 0.02
MOST = 512  # blocks of a batch: their columns wait in memory until the last is drawn
RECENT = 0.25  # the weight of the last batch in the mean of a block's seconds
# Bytes of columns that may wait to be kept, and the seconds for which a worker rests where more do: in that time less
# is kept than waits.
ROOM, REST = 2**25, 0.05


class Pace:
    """How many blocks of a scenario make a batch, by the seconds that its last ones took.

    Parameters
    ----------
    enough : float
        The seconds that a batch is meant to take.
    """

    def __init__(self, enough: float = ENOUGH) -> None:
        self._enough = enough
        self._seconds: dict[tuple[str, Scenario], float] = {}

    def batches(self, tasks: Iterable[Task]) -> Iterator[list[Task]]:
        """Divide tasks into batches of one scenario each, every batch as large as is right when it is asked for."""
        for place, own in groupby(tasks, key=_place):
            while batch := list(islice(own, self._size(place))):
                yield batch

    def time(self, results: Sequence[BlockResult]) -> None:
        """Learn from a batch that was drawn."""
        place = results[0].block.experiment, results[0].block.scenario
        seconds = sum(result.seconds for result in results) / len(results)
        before = self._seconds.get(place, seconds)
        self._seconds[place] = (1 - RECENT) * before + RECENT * seconds

    def _size(self, place: tuple[str, Scenario]) -> int:
        if place not in self._seconds:  # it may take long: two blocks in one batch would keep a worker idle
            return 1
        return max(1, min(MOST, int(self._enough / max(self._seconds[place], self._enough / MOST))))


class Backlog:
    """Batches that were handed out and not yet used: what has been drawn of them is in memory.

    Whoever hands out batches can't be made to wait, for it may hold what using them needs. So it gets empty ones, over
    which a worker rests.

    Parameters
    ----------
    fewest : int
        Batches that are always under way: as many as keep the workers busy.
    room : int
        Bytes of those that wait.
    """

    def __init__(self, fewest: int, room: int = ROOM) -> None:
        self._fewest, self._room = fewest, room
        self._open = self._bytes = 0

    def held_back(self, batches: Iterable[list[Task]]) -> Iterator[list[Task]]:
        """Hand out batches, and empty ones while too much waits."""
        for batch in batches:
            while self._open > self._fewest and self._open * self._bytes > self._room:
                yield []
            self._open += 1
            yield batch

    def use(self, results: Sequence[BlockResult]) -> None:
        """A batch has been used, with these results."""
        self._open -= 1
        self._bytes = sum(result.data.nbytes for result in results if result.data is not None)


def run_batch(tasks: Sequence[Task]) -> list[BlockResult]:
    """Draw the blocks of a batch, one after the other; rest where there are none."""
    if not tasks:
        time.sleep(REST)
    return [run_block(task) for task in tasks]


def _place(task: Task) -> tuple[str, Scenario]:
    return task.block.experiment, task.block.scenario
