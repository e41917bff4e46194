"""Blocks drawn by a Dask cluster."""

from __future__ import annotations

import pickle
import uuid
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NoReturn, TypeVar

from mcstudy.draws import QUARANTINED, Failure
from mcstudy.engine.batches import Pace
from mcstudy.engine.cluster import (
    INSTEAD,
    TIMEOUT,
    check_installed,
    check_workers,
    connected,
    local,
    threads_of,
)
from mcstudy.engine.drawers import DrawerDeathError, draw, environment, give_up
from mcstudy.engine.worker import BlockResult, Task
from mcstudy.exceptions import ClusterError, InputError, McstudyError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Dask"]

T = TypeVar("T")
Drawn = list[BlockResult] | Exception  # what came of a batch: its results, or how its worker died

ENOUGH = 0.2  # seconds that a batch takes: Dask needs some 7 ms of processor time for each, a thirtieth of it
AHEAD = 2  # batches of a worker: one that it draws, one that it can begin at once
PATIENCE = 10.0  # seconds without a result after which to ask whether the cluster is still there
WORKERLESS = 60.0  # seconds in which another worker may come when the last one is gone


class Dask:
    """Draws on the workers of a Dask cluster: fast blocks travel in batches, a few of them for each worker.

    What a worker was drawing when it died Dask has drawn by another one. Batches that are taken for the death of
    several workers, or that killed the process which drew them, are drawn again when all others are done, block by
    block and one after the other, so that the one that kills is found: it is quarantined.

    Parameters
    ----------
    jobs : int
        The batches that the cluster can draw at once.
    address : str, optional
        Of the scheduler; default: a cluster of so many workers in this process, for each call of `run`.
    timeout : float
        The seconds in which the scheduler must answer.
    """

    name = "dask"

    def __init__(self, jobs: int, address: str = "", timeout: float = TIMEOUT) -> None:
        check_installed()
        self.jobs = jobs
        self._address, self._timeout = address, timeout
        self._pace = Pace(ENOUGH)

    @staticmethod
    def at(address: str, jobs: int | None = None, *, timeout: float = TIMEOUT) -> Dask:
        """The executor of a scheduler that is running.

        Parameters
        ----------
        address : str
        jobs : None
            The cluster has the workers that it has.
        timeout : float
            The seconds in which the scheduler must answer, and have a worker.

        Raises
        ------
        InputError
            If there can be no such address, or `jobs` are given.
        ClusterError
            If nothing answers there, or its workers would draw other bits.
        """
        check_installed()
        if jobs is not None:
            msg = f"`jobs` must be left out with the address of a cluster, which has its own workers, got {jobs}"
            raise InputError(msg)
        with connected(address, timeout) as client:
            check_workers(client, address, timeout)
            return Dask(threads_of(client), address, timeout)

    def run(self, tasks: Sequence[Task]) -> Generator[BlockResult, None, None]:
        """Draw the blocks, yielding each as it finishes."""
        with self._cluster() as client, _Submitted(client, self._address) as submitted:
            suspects: list[Task] = []
            for batch, drawn in submitted.drawn(self._pace.batches(tasks), AHEAD * self.jobs):
                if isinstance(drawn, Exception):
                    suspects += batch
                else:
                    self._pace.time(drawn)
                    yield from drawn
            for (task,), drawn in submitted.drawn(([task] for task in suspects), 1):
                yield from [_quarantined(task, drawn)] if isinstance(drawn, Exception) else drawn

    def _cluster(self) -> AbstractContextManager[Client]:
        return connected(self._address, self._timeout) if self._address else local(self.jobs)


def _quarantined(task: Task, death: Exception) -> BlockResult:
    reason = f"{QUARANTINED}: the worker process died twice while drawing this block ({type(death).__name__})"
    return BlockResult(task.block, failures=(Failure(task.block, None, reason, str(death)),))


class _Submitted:
    """The batches that a cluster has got and not yet drawn."""

    def __init__(self, client: Client, address: str) -> None:
        self._client, self._address = client, address
        self._run = uuid.uuid4().hex
        self._pending: dict[str, tuple[Future, list[Task]]] = {}
        self._done: SimpleQueue[Future] = SimpleQueue()

    def __enter__(self) -> _Submitted:
        return self

    def __exit__(self, *_: object) -> None:
        """Give up what is under way: whoever stops a run does not wait for its longest block."""
        if not self._pending:
            return
        with suppress(TimeoutError, OSError):
            # Who does not answer this in time would not answer what has no time limit.
            threads_of(self._client)
            self._client.cancel([future for future, _ in self._pending.values()])
            self._client.run(give_up, self._run, on_error="ignore")

    def drawn(self, batches: Iterable[list[Task]], most: int) -> Iterator[tuple[list[Task], Drawn]]:
        """Have batches drawn, no more than `most` under way; each with what came of it."""
        more = iter(batches)
        for batch in islice(more, most):
            self._submit(batch)
        while self._pending:
            future = self._patiently(lambda seconds: self._done.get(timeout=seconds))
            outcome = self._outcome(future)
            _, batch = self._pending.pop(future.key)
            yield batch, outcome
            for following in islice(more, 1):
                self._submit(following)

    def _submit(self, batch: list[Task]) -> None:
        # In bytes: on the way Dask looks into nothing, and its workers need not have what a study's functions use.
        content = pickle.dumps(batch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a study may hold many megabytes of data
            try:
                future = self._client.submit(draw, content, self._run, environment(), pure=False)
            except Exception as error:  # of no class of its own, where the connection was lost some time ago
                self._lose("is gone", error)
        self._pending[future.key] = future, batch
        future.add_done_callback(self._done.put)

    def _outcome(self, future: Future) -> Drawn:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        try:
            content: bytes = self._patiently(lambda seconds: future.result(timeout=seconds))
        except (DrawerDeathError, KilledWorker) as death:
            return death
        except McstudyError:
            raise
        except (CancelledError, OSError) as error:  # nobody else cancels
            self._lose("is gone", error)
        except Exception as error:
            msg = f"{self._place}: a worker can't draw, {type(error).__name__}: {error}; end it, and run the same command again: what is finished is kept"
            raise ClusterError(msg) from error
        results: list[BlockResult] = pickle.loads(content)
        return results

    def _patiently(self, wait: Callable[[float], T]) -> T:
        """Wait as long as the cluster is there."""
        while True:
            try:
                return wait(PATIENCE)
            except (Empty, TimeoutError):
                self._check_alive()

    def _check_alive(self) -> None:
        try:
            if threads_of(self._client):
                return
        except (TimeoutError, OSError) as error:
            self._lose("no longer answers", error)
        try:
            self._client.wait_for_workers(1, WORKERLESS)
        except TimeoutError as error:
            self._lose(f"has had no worker for {WORKERLESS:g} s", error)

    def _lose(self, what: str, error: Exception) -> NoReturn:
        self._pending.clear()  # there is nobody to be told
        msg = f"{self._place}: the scheduler {what}; what is finished is kept, so mend that and run the same command again, {INSTEAD}"
        raise ClusterError(msg) from error

    @property
    def _place(self) -> str:
        return f"--executor {self._address or Dask.name}"
