"""Proof that draws are a function of the seed: the same block in another process, and again from an older run."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from mcstudy.draws import Block
from mcstudy.engine.executors import Executor, Serial
from mcstudy.engine.journal import Journal
from mcstudy.engine.worker import BlockResult, Task, run_block
from mcstudy.exceptions import StudyError

__all__ = ["check_first", "check_stored"]

CHILD = "from mcstudy.engine.proof import child; child()"
# Any: what depends on the order of hashes differs between them, a set of two in half of the pairs.
HASH_SEEDS = ("1", "2", "3", "4", "5", "6", "7", "8")


def check_first(
    study: str,
    results: Sequence[BlockResult],
    tasks: Sequence[Task],
    executor: Executor,
    *,
    sets: Collection[str],
) -> None:
    """Draw one of the first blocks of each experiment a second time, elsewhere: the same bits must come out.

    Of several it is one before which its process had drawn others: then what calls leave behind differs too.

    Parameters
    ----------
    study : str
    results : sequence of BlockResult
        As the executor drew them.
    tasks : sequence of Task
        The same blocks.
    executor : Executor
        What another process drew is drawn in this one, and the other way round.
    sets : collection of str
        The experiments whose `simulate` reaches sets: they are drawn under many orders of hashes.

    Raises
    ------
    StudyError
        Where they differ; the message names the likely cause.
    """
    # A block that failed may end a process: it is not drawn here, and its failure is told anyway.
    sound = [result for result in results if result.data is not None]
    # Of those before which something was drawn the quickest: the proof should cost little.
    preferred = sorted(sound, key=lambda result: (result.earlier > 0, -result.seconds))
    latest = {result.block.experiment: result for result in preferred}
    # Where nothing came before any of them all are drawn again, one after the other.
    chosen = list(latest.values()) if any(result.earlier for result in latest.values()) else sound
    drawn = {result.block: result for result in chosen}
    again = {task.block: task for task in tasks if task.block in drawn}
    for other in _elsewhere(list(again.values()), executor, sets=sets):
        if not _equal(drawn[other.block], other):
            what = _failed(other) or "another process drew other numbers"
            raise StudyError(_difference(study, other.block, what, _cause(again[other.block])))


def _elsewhere(tasks: list[Task], executor: Executor, *, sets: Collection[str]) -> Iterator[BlockResult]:
    """The blocks as other processes than the executor's draw them."""
    first, *others = _other_seeds()
    yield from _in_child(tasks, first) if isinstance(executor, Serial) else _here(tasks)
    if ordered := [task for task in tasks if task.block.experiment in sets]:
        for seed in others:
            yield from _in_child(ordered, seed)


def check_stored(study: str, journal: Journal, task: Task) -> None:
    """Draw a block that an earlier run has kept again: the same bits must come out.

    Raises
    ------
    StudyError
        Where they differ; the message names the likely cause.
    """
    kept = journal.block(task.block)
    if kept is None:  # it failed; so it may again, with this process
        return
    # Infinite values that it was kept with may be too much for claims that have come since: these say so themselves.
    (result,) = _here([replace(task, bounded=())])
    if result.data is None or not _same_columns(result.data, kept):
        what = _failed(result) or "an earlier run kept other numbers"
        cause = (
            "a data file has changed that `inputs=` does not name, or what it depends on is not in its code: a clock, "
            "the environment, the network; name files in `inputs=`, and start over with --fresh"
        )
        raise StudyError(_difference(study, task.block, what, cause))


def _failed(result: BlockResult) -> str:
    """Why a block that came out once gives nothing now; empty where it gives something."""
    if result.data is not None:
        return ""
    return f"a second time it failed: {result.misuse or result.failures[0].reason}"


def _here(tasks: Sequence[Task]) -> list[BlockResult]:
    with closing(Serial().run(tasks)) as results:
        return list(results)


def _other_seeds() -> list[str]:
    """Hash seeds that are not this process's own."""
    return [seed for seed in HASH_SEEDS if seed != os.environ.get("PYTHONHASHSEED")]


def _in_child(tasks: Sequence[Task], hash_seed: str) -> list[BlockResult]:
    """Draw blocks in a new process; nothing where none can be had, as on a machine without memory to spare."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    # The child finds packages where this process does, wherever it was started.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=pickle.dumps(list(tasks)),
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return []
    results: list[BlockResult] = pickle.loads(done.stdout)
    return results


def child() -> None:
    """Draw the blocks that come in and write out what came of them; what `simulate` prints goes elsewhere."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    tasks: list[Task] = pickle.loads(sys.stdin.buffer.read())
    with closing(Serial().run(tasks)) as results:
        out.write(pickle.dumps(list(results)))
    out.close()


def _equal(one: BlockResult, other: BlockResult) -> bool:
    if one.data is None or other.data is None:
        return one.data is other.data
    failed = [[failure.index for failure in result.failures] for result in (one, other)]
    return _same_columns(one.data, other.data) and failed[0] == failed[1]


def _same_columns(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    # The order counts too: columns that are drawn in another one have each other's numbers.
    return one.dtype.names == other.dtype.names and one.tobytes() == other.tobytes()


def _difference(study: str, block: Block, what: str, cause: str) -> str:
    return f"study {study} {block}: `simulate` must give the same block whenever and wherever it is drawn, but {what}. The likely cause: {cause}"


def _cause(task: Task) -> str:
    """Why a block differs between processes, found by drawing it a few times more."""
    first, second = run_block(task), run_block(task)
    if not _equal(first, second):
        return "randomness other than `rng`, a clock, or what earlier calls left behind; draw from `rng` only"
    # Not only two: a set of few has the same order in many processes.
    by_seed = (_in_child([task], seed) for seed in _other_seeds())
    one = next(by_seed)
    if one and any(other and not _equal(one[0], other[0]) for other in by_seed):
        return "the order of a set or of hashes, which is another in each process; loop over sorted(...) or a tuple"
    return "a setting of this process (np.seterr, an environment variable, a patched module), or a global that has changed since it was imported; set it inside `simulate`"
