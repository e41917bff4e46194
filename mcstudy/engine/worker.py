"""One block -> columns or a failure. Never raises; imports only NumPy, threadpoolctl and the study."""

from __future__ import annotations

import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_info

from mcstudy.draws import Block, Failure
from mcstudy.engine.caught import Caught, kinds_of
from mcstudy.engine.payload import Payload
from mcstudy.engine.streams import generator
from mcstudy.engine.tracebacks import traceback_text
from mcstudy.fills import compiled
from mcstudy.one_by_one import BrokenRuleError, Raised
from mcstudy.signals import die_with_parent, within
from mcstudy.words import encodable

__all__ = ["BlockResult", "Task", "run_block"]

Simulate = Callable[..., Mapping[str, Any]]

FAILURE = "failure"
NUMERIC = "biuf"
DOUBLES_SKIP = 2.0**53  # integers from here on


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker needs to draw one block.

    NaN is a value in the columns `missing`, and the infinities are but in those that are `bounded`, None for all;
    `folder` is that of the study: a traceback shows what is below it by its relative path. `timeout` are the seconds
    after which the block is given up.
    """

    block: Block
    size: int
    study: str
    seed: int
    common: tuple[str, ...]
    payload: Payload
    missing: tuple[str, ...] = ()
    folder: str = ""
    bounded: tuple[str, ...] | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What came of a block.

    Attributes
    ----------
    block : Block
    data : structured array of shape (size,), or None
        A float64 field for each column; None where the block failed as a whole.
    failures : tuple of Failure
    misuse : str
        A rule that `simulate` broke: the run stops with it.
    warnings : tuple of (category, kind, example)
    threads : int
        The most threads that any BLAS or OpenMP library of the process would use.
    seconds : float
        What drawing took, by the clock on the wall.
    earlier : int
        The blocks that the process had drawn before, of the same `simulate`.
    fills : str
        What fills arrays in the process: NumPy, or compiled loops.
    """

    block: Block
    data: npt.NDArray[Any] | None = None
    failures: tuple[Failure, ...] = ()
    misuse: str = ""
    warnings: tuple[Caught, ...] = ()
    threads: int = 1
    seconds: float = 0.0
    earlier: int = 0
    fills: str = compiled.NUMPY


class _MisuseError(Exception):
    """`simulate` broke a rule; the text says which."""


def run_block(task: Task) -> BlockResult:
    """Draw one block.

    Parameters
    ----------
    task : Task

    Returns
    -------
    BlockResult
        With columns; or with the exception that `simulate` raised; or with the rule that it broke.
    """
    die_with_parent()
    payload = hash(task.payload)
    earlier = _drawn[payload]
    _drawn[payload] += 1
    clock = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        result = _attempt(task)
    seconds = time.perf_counter() - clock
    threads = _blas_threads(len(sys.modules))
    return replace(
        result,
        warnings=kinds_of(caught),
        threads=threads,
        seconds=seconds,
        earlier=earlier,
        fills=compiled.word(),
    )


_drawn: Counter[int] = Counter()  # blocks of each `simulate`, in this process


def _attempt(task: Task) -> BlockResult:
    try:
        with task.payload.ready().active() as simulate:
            # Recorded is also what Python shows only once a place; the study's own filters go before.
            warnings.simplefilter("always", append=True)
            columns = _called(simulate, task)
        data, reasons = _collect(columns, task)
    except (_MisuseError, BrokenRuleError) as misuse:
        return BlockResult(task.block, misuse=str(misuse))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a study may raise what it likes
        return BlockResult(task.block, failures=(_failure(task, None, Raised(error)),))
    failed = (_failure(task, index, reason) for index, reason in enumerate(reasons) if reason)
    return BlockResult(task.block, data, tuple(failed))


def _failure(task: Task, index: int | None, reason: str) -> Failure:
    """The failure of a replicate or of the block; with the traceback where it raised."""
    told = traceback_text(reason.error, task.folder) if isinstance(reason, Raised) else ""
    return Failure(task.block, index, str(reason), told)


def _called(simulate: Simulate, task: Task) -> Mapping[str, Any]:
    """What `simulate` returns for a block, if it drew from nothing but the block's stream."""
    rng = generator(task.seed, task.study, task.block, task.common)
    before = _global_random_state()
    with within(task.timeout):
        columns = simulate(rng, task.size, **task.block.scenario)
    if _global_random_state() != before:
        raise _MisuseError(_GLOBAL_RANDOMNESS)
    return columns


_GLOBAL_RANDOMNESS = (
    "`simulate` must draw from its `rng` only, but it changed the global random state (np.random.seed, "
    "np.random.normal, random.random, ...); replace such calls by methods of `rng`"
)


def _global_random_state() -> tuple[Any, ...]:
    name, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002 - watched, not used
    return name, np.asarray(keys).tobytes(), position, has_gauss, gauss, random.getstate()


def _collect(columns: Mapping[str, Any], task: Task) -> tuple[npt.NDArray[Any] | None, list[str]]:
    """Check what `simulate` returned; lay it into one structured array, with the reasons of failed replicates.

    There need be no columns where every replicate failed.
    """
    if not isinstance(columns, Mapping) or not columns:
        raise _MisuseError(_no_columns(columns))
    if strange := [name for name in columns if not isinstance(name, str) or not name]:
        msg = f"`simulate` must name its columns by strings, got {strange[0]!r}"
        raise _MisuseError(msg)
    if broken := [name for name in columns if encodable(name) != name]:
        msg = f"`simulate` must name its columns by whole characters, got {broken[0]!r}"
        raise _MisuseError(msg)
    # Nothing is asked of each replicate where none has failed: that would take longer than to draw it.
    reasons = _reasons(columns[FAILURE], task.size) if FAILURE in columns else []
    good = np.array([not reason for reason in reasons]) if reasons else np.ones(task.size, dtype=np.bool_)
    names = [name for name in columns if name != FAILURE]
    if not names and np.any(good):
        raise _MisuseError(_no_columns(columns))
    if not names:
        return None, reasons
    data = np.empty(task.size, dtype=[(name, "<f8") for name in names])
    for name in names:
        values = _column(name, columns[name], good, may_miss=name in task.missing)
        _check_values(name, values, good, task)
        data[name] = np.where(good, values, np.nan)
    return data, reasons


def _no_columns(columns: object) -> str:
    return f"`simulate` must return a mapping from column to array, got {type(columns).__name__}"


def _reasons(values: Any, size: int) -> list[str]:
    """Why each replicate failed; empty where it did not."""
    reasons = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    if len(reasons) != size:
        msg = f"column `{FAILURE}` must have one reason a replicate ({size}), got {len(reasons)}"
        raise _MisuseError(msg)
    if strange := [reason for reason in reasons if not isinstance(reason, str)]:
        msg = f"column `{FAILURE}` must hold strings, empty where the replicate is fine, got {strange[0]!r}"
        raise _MisuseError(msg)
    # What `each` has caught carries its exception, and its text is in order.
    return [reason if isinstance(reason, Raised) else encodable(reason) for reason in reasons]


def _column(
    name: str, values: Any, good: npt.NDArray[np.bool_], *, may_miss: bool
) -> npt.NDArray[np.float64]:
    array = _filled(name, values, may_miss=may_miss)
    if array.dtype.kind not in NUMERIC:
        msg = f"column `{name}` must be numeric, got dtype {array.dtype}; return numbers or booleans"
        raise _MisuseError(msg)
    if array.shape != good.shape:
        msg = (
            f"column `{name}` must have shape ({len(good)},), got {array.shape}; return one value a replicate"
        )
        raise _MisuseError(msg)
    numbers = array.astype(np.float64)
    _check_integers(name, array, numbers)
    return numbers


def _filled(name: str, values: Any, *, may_miss: bool) -> npt.NDArray[Any]:
    """The values as an array; a masked one without its mask, whose data NumPy would else let through."""
    if not isinstance(values, np.ma.MaskedArray):
        return np.asarray(values)
    if not np.ma.is_masked(values):
        return np.asarray(values.data)
    if not may_miss:
        count = int(np.count_nonzero(np.ma.getmaskarray(values)))
        msg = f"column `{name}` must have a value in every replicate, got a masked array with {count} masked; name it in `missing=`, or declare failed replicates in the column `{FAILURE}`"
        raise _MisuseError(msg)
    return np.asarray(np.ma.filled(values.astype(np.float64), np.nan))


def _check_integers(name: str, array: npt.NDArray[Any], numbers: npt.NDArray[np.float64]) -> None:
    large = np.abs(numbers) >= DOUBLES_SKIP
    if array.dtype.kind in "iu" and any(map(_differ, numbers[large], array[large])):
        msg = (
            f"column `{name}` must hold integers that a double can, up to 2**53 in magnitude, got larger ones"
        )
        raise _MisuseError(msg)


def _check_values(
    name: str, numbers: npt.NDArray[np.float64], good: npt.NDArray[np.bool_], task: Task
) -> None:
    """Refuse NaN and infinities in a column that may not have them."""
    wrong = good & ~np.isfinite(numbers)
    if name in task.missing:
        wrong &= np.isinf(numbers)
    if task.bounded is not None and name not in task.bounded:
        wrong &= np.isnan(numbers)
    if bad := np.flatnonzero(wrong).tolist():
        msg = (
            f"column `{name}` must be finite, got {numbers[bad[0]]} at index {bad[0]} ({len(bad)} of {len(numbers)} "
            f"values); declare failed replicates in the column `{FAILURE}`, or name a column without a value in `missing=`"
        )
        if np.isinf(numbers[bad[0]]):
            msg += "; of claims and measures only those on quantiles, coverage and laws take infinite values"
        raise _MisuseError(msg)


def _differ(number: float, integer: int) -> bool:
    return int(number) != int(integer)


@lru_cache(maxsize=1)
def _blas_threads(_: int) -> int:
    """The threads of the process's numerical libraries; looked up again when the number of modules has changed."""
    return max((info["num_threads"] for info in threadpool_info()), default=1)
