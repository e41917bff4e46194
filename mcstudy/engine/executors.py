"""Where blocks are drawn: in this process, in worker processes of joblib's loky, or by a Dask cluster."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Protocol, TypeVar

from threadpoolctl import threadpool_limits

from mcstudy.draws import QUARANTINED, Block, Failure
from mcstudy.engine.batches import Backlog, Pace, run_batch
from mcstudy.engine.worker import BlockResult, Task, run_block
from mcstudy.exceptions import InputError
from mcstudy.signals import PARENT, die_with_parent, parent_to_die_with, uninterrupted

__all__ = ["Executor", "Joblib", "Serial", "closed_at_the_end", "executor_named"]

T = TypeVar("T")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


class Executor(Protocol):
    """Draws blocks and yields their results in any order; closing the iterator stops it."""

    name: str
    jobs: int

    def run(self, tasks: Sequence[Task]) -> Generator[BlockResult, None, None]:
        """Draw all blocks; a block whose worker dies yields a failure like any other."""


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _one_thread() -> Iterator[None]:
    """One BLAS thread: for the libraries that are loaded, and for those that `simulate` will load."""
    with _environment(dict.fromkeys(THREAD_VARIABLES, "1")), threadpool_limits(limits=1):
        yield


@contextmanager
def _starting() -> Iterator[None]:
    """Start workers, which inherit that they leave an interruption to this process, and an order of hashes unlike its own.

    What depends on that differs between them and is found out.
    """
    try:
        with uninterrupted(), _environment({"PYTHONWARNINGS": "ignore"}):
            _start_trackers()
        with uninterrupted(), _environment({"PYTHONHASHSEED": "random", PARENT: parent_to_die_with()}):
            yield
    except OSError as error:  # no memory for a process, no shared memory
        msg = f"workers can't be started ({error}); mend that, or draw in one process with --executor serial"
        raise InputError(msg) from error


def _start_trackers() -> None:
    """Start the processes that clean up after workers, which outlive a terminal, and this process where it is killed.

    Before all workers, for starting them lets signals through that are held back. What they warn of then is what they
    are there for.
    """
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as of_joblib

    resource_tracker.ensure_running()
    of_joblib.ensure_running()


@contextmanager
def closed_at_the_end(results: Generator[T, None, None]) -> Iterator[Generator[T, None, None]]:
    """Close results when they have been used; an interruption is heard by them, as if it had come while they were waited for.

    Then blocks under way are given up, at whatever moment it came. Where results are closed for another reason these
    are finished.
    """
    try:
        yield results
    except KeyboardInterrupt as interruption:
        with suppress(KeyboardInterrupt):
            results.throw(interruption)
        raise
    finally:
        results.close()


@contextmanager
def _closed_quietly(results: Generator[T, None, None]) -> Iterator[Generator[T, None, None]]:
    """The same of joblib's generator, which warns where blocks are given up: whoever stops the run means it."""
    with ExitStack() as quiet, closed_at_the_end(results):
        try:
            yield results
        finally:
            quiet.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore", UserWarning)


class Serial:
    """Draws in this process, one block after the other: for debugging, and for studies that are fast."""

    name = "serial"
    jobs = 1

    def run(self, tasks: Sequence[Task]) -> Generator[BlockResult, None, None]:
        """Draw the blocks in order."""
        with _one_thread():
            for task in tasks:
                yield run_block(task)


class Joblib:
    """Draws in worker processes of joblib's loky backend, one BLAS thread each; fast blocks travel in batches.

    A worker that dies takes down its pool. What had finished is kept; each block that was under way is then
    drawn alone in a pool of its own, so that the one that kills is found: it is quarantined, that is reported as
    a failure, and the others go on.

    Parameters
    ----------
    jobs : int
        Worker processes.
    """

    name = "joblib"

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._pace = Pace()

    def run(self, tasks: Sequence[Task]) -> Generator[BlockResult, None, None]:
        """Draw the blocks, yielding each as it finishes."""
        waiting = {task.block: task for task in tasks}
        while waiting:
            started: dict[Block, Task] = {}
            try:
                yield from self._pool(_note(waiting.values(), started), waiting, self.jobs)
            except _worker_death():
                for task in [task for block, task in started.items() if block in waiting]:
                    del waiting[task.block]
                    yield self._alone(task)

    def _alone(self, task: Task) -> BlockResult:
        try:
            (result,) = self._pool([task], {task.block: task}, jobs=1)
        except _worker_death() as death:
            reason = f"{QUARANTINED}: the worker process died twice while drawing this block ({type(death).__name__})"
            return BlockResult(task.block, failures=(Failure(task.block, None, reason, str(death)),))
        return result

    def _pool(self, tasks: Iterable[Task], waiting: dict[Block, Task], jobs: int) -> Iterator[BlockResult]:
        from joblib import Parallel, delayed, parallel_config

        with parallel_config("loky", inner_max_num_threads=1, initializer=die_with_parent):
            # joblib draws in this process where it has one job: a pool of two that is handed one batch at a time
            # keeps a block that kills its process away from this one.
            ahead = "2*n_jobs" if jobs > 1 else 1
            pool = Parallel(max(jobs, 2), return_as="generator_unordered", batch_size=1, pre_dispatch=ahead)
            first = Parallel(max(jobs, 2))
        with _starting():
            first(delayed(os.getpid)() for _ in range(max(jobs, 2)))
        going, backlog = _Going(), Backlog(2 * jobs)
        batches = going.on(backlog.held_back(self._pace.batches(tasks)))
        with _closed_quietly(pool(delayed(run_batch)(batch) for batch in batches)) as results:
            try:
                for batch in filter(None, results):
                    self._pace.time(batch)
                    for result in batch:
                        # The block that is here, not a copy of it with a scenario of its own.
                        yield replace(result, block=waiting.pop(result.block).block)
                    backlog.use(batch)
            except GeneratorExit:
                # joblib's own way to stop races with its threads: let it finish what is under way instead.
                going.stopped = True
                with suppress(_worker_death()):
                    for _ in results:
                        continue
                raise


@dataclass
class _Going:
    """Whether batches are still handed out."""

    stopped: bool = False

    def on(self, batches: Iterable[list[Task]]) -> Iterator[list[Task]]:
        """Pass batches on until stopped."""
        return takewhile(lambda _: not self.stopped, batches)


def _note(tasks: Iterable[Task], started: dict[Block, Task]) -> Iterator[Task]:
    """Pass tasks on, noting those handed out."""
    for task in list(tasks):
        started[task.block] = task
        yield task


def _worker_death() -> type[BaseException]:
    from concurrent.futures.process import BrokenProcessPool

    return BrokenProcessPool


def executor_named(name: str, jobs: int | None) -> Executor:
    """The executor of a command line: ``joblib``, ``serial``, ``dask`` or the address of a Dask scheduler.

    Parameters
    ----------
    name : str
    jobs : int or None
        Worker processes; None for all cores that this process may use. A cluster that is there already has its own.

    Raises
    ------
    InputError
    ClusterError
        If no such cluster answers.
    """
    if jobs is not None and jobs < 1:
        msg = f"`jobs` must be at least 1, got {jobs}"
        raise InputError(msg)
    if name == "serial":
        return Serial()
    if name == "joblib":
        return Joblib(jobs or available_cores())
    if name == "dask" or "://" in name:
        from mcstudy.engine.dask_executor import Dask  # with all that Dask imports

        return Dask.at(name, jobs) if "://" in name else Dask(jobs or available_cores())
    msg = f"`executor` must be joblib, serial, dask, or the address of a Dask scheduler such as tcp://host:8786, got {name!r}"
    raise InputError(msg)


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
