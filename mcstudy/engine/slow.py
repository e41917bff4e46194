"""Notices a block that takes far longer than others of its experiment: one that hangs looks like one that works."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from mcstudy.draws import Block
from mcstudy.engine.worker import BlockResult

__all__ = ["Slow"]

TIMES = 20.0  # the median of the blocks before
LEAST = 10.0  # seconds: before that nobody waits, and a busy machine makes twenty times of a millisecond
RECENT = 1001  # blocks of an experiment that are remembered
BEAT = 1.0  # seconds between two looks at what is under way
NAMED = 3  # blocks that a warning names


class Slow:
    """Warns once an experiment of a block that takes twenty times the median of those before.

    Parameters
    ----------
    study : str
    warn : callable
        Takes the warning.
    clock : callable, optional
        The time in seconds.
    """

    def __init__(
        self, study: str, warn: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.study, self._warn, self._clock = study, warn, clock
        self._seconds: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=RECENT))
        self._warned: set[str] = set()
        self._waiting: dict[Block, None] = {}
        self._last = 0.0

    @contextmanager
    def watching(self, blocks: Iterable[Block], *, aside: bool) -> Iterator[None]:
        """Watch blocks that are drawn meanwhile.

        Parameters
        ----------
        blocks : iterable of Block
        aside : bool
            Look at what is under way too, from a thread: not where `simulate` runs in this process, for one that
            forks must find no other thread there.
        """
        self._waiting, self._last = dict.fromkeys(blocks), self._clock()
        ended = threading.Event()
        thread = threading.Thread(target=self._look_now_and_then, args=(ended,), daemon=True)
        if aside:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if aside:
                thread.join()

    def note(self, result: BlockResult) -> None:
        """Note a block that is finished."""
        name = result.block.experiment
        self._waiting.pop(result.block, None)
        self._last = self._clock()
        if self._is_slow(name, result.seconds):
            self._say(name, f"block {result.block.token} took {result.seconds:.0f} s")
        self._seconds[name].append(result.seconds)

    def look(self) -> None:
        """Warn where no block has been finished for long: of those that wait one hangs."""
        silent, waiting = self._clock() - self._last, list(self._waiting)
        for name in {block.experiment for block in waiting}:
            if self._is_slow(name, silent):
                own = [block.token for block in waiting if block.experiment == name]
                more = "" if len(own) <= NAMED else f" or {len(own) - NAMED} more"
                text = f"no block has been finished for {silent:.0f} s; under way or waiting: {', '.join(own[:NAMED])}{more}"
                self._say(name, text)

    def _look_now_and_then(self, ended: threading.Event) -> None:
        while not ended.wait(BEAT):
            self.look()

    def _is_slow(self, name: str, seconds: float) -> bool:
        if seconds < LEAST or name in self._warned or not self._seconds[name]:
            return False
        return seconds > TIMES * statistics.median(self._seconds[name])

    def _say(self, name: str, text: str) -> None:
        self._warned.add(name)
        usual = statistics.median(self._seconds[name])
        self._warn(
            f"{self.study}: {text}, where half of the blocks take less than {usual:.2g} s; "
            "with --block-timeout TIME such blocks are given up"
        )
