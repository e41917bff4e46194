"""One block -> columns or a failure. Never raises; imports only NumPy and the study."""

from __future__ import annotations

import pickle
import random
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_info

from mcstudy.draws import Scenario
from mcstudy.engine.streams import generator
from mcstudy.engine.tracebacks import traceback_text

__all__ = ["BlockResult", "Task", "run_block"]

Simulate = Callable[..., Mapping[str, Any]]

FAILURE = "failure"
NUMERIC = "biuf"
DOUBLES_SKIP = 2.0**53  # integers from here on

_modules_when_counted = 0
_threads_when_counted = 1


@dataclass(frozen=True)
class Task:
    """What a worker needs to draw one block.

    `payload` is `simulate`, pickled for another process or as it is for this one; `files` are the modules that travel
    in it by value: name, absolute path, and the path that a traceback shows.
    """

    study: str
    seed: int
    scenario: Scenario
    number: int
    size: int
    common: tuple[str, ...]
    payload: bytes | Simulate
    files: tuple[tuple[str, str, str], ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """The block's key in a journal."""
        return self.scenario.key, self.number


@dataclass(frozen=True)
class BlockResult:
    """What came of a block.

    Attributes
    ----------
    data : structured array of shape (size,), or None
        A float64 field for each column; None where the block failed as a whole.
    failures : tuple of (index or None, reason, traceback)
    misuse : str
        A rule that `simulate` broke: the run stops with it.
    warnings : tuple of str
    threads : int
        The most threads that any BLAS or OpenMP library of the process would use.
    """

    scenario: Scenario
    number: int
    data: npt.NDArray[Any] | None = None
    failures: tuple[tuple[int | None, str, str], ...] = ()
    misuse: str = ""
    warnings: tuple[str, ...] = ()
    threads: int = 1

    @property
    def key(self) -> tuple[str, int]:
        """The block's key in a journal."""
        return self.scenario.key, self.number


def _simulate(payload: bytes | Simulate) -> Simulate:
    return _load(payload) if isinstance(payload, bytes) else payload


@lru_cache(maxsize=4)
def _load(payload: bytes) -> Simulate:
    simulate: Simulate = pickle.loads(payload)
    return simulate


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
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        result = _attempt(task)
    texts = sorted({f"{item.category.__name__}: {item.message}" for item in caught})
    return BlockResult(
        task.scenario,
        task.number,
        warnings=tuple(texts),
        threads=_blas_threads(),
        **result,
    )


def _attempt(task: Task) -> dict[str, Any]:
    try:
        rng = generator(task.seed, task.study, task.scenario, task.number, task.common)
        before = _global_random_state()
        columns = _simulate(task.payload)(rng, task.size, **task.scenario)
        if _global_random_state() != before:
            return {"misuse": _GLOBAL_RANDOMNESS}
        data, failures = _collect(columns, task.size)
    except _MisuseError as misuse:
        return {"misuse": str(misuse)}
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        return {
            "failures": (
                (
                    None,
                    reason,
                    traceback_text(error, {name: (path, shown) for name, path, shown in task.files}),
                ),
            )
        }
    return {"data": data, "failures": failures}


_GLOBAL_RANDOMNESS = (
    "`simulate` must draw from its `rng` only, but it changed the global random state (np.random.seed, "
    "np.random.normal, random.random, ...); replace such calls by methods of `rng`"
)


def _global_random_state() -> tuple[Any, ...]:
    name, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002 - watched, not used
    return name, np.asarray(keys).tobytes(), position, has_gauss, gauss, random.getstate()


def _collect(
    columns: Mapping[str, Any], size: int
) -> tuple[npt.NDArray[Any], tuple[tuple[int, str, str], ...]]:
    """Check what `simulate` returned and lay it into one structured array."""
    if not isinstance(columns, Mapping) or not set(columns) - {FAILURE}:
        msg = f"`simulate` must return a mapping from column to array, got {type(columns).__name__}"
        raise _MisuseError(msg)
    if strange := [name for name in columns if not isinstance(name, str) or not name]:
        msg = f"`simulate` must name its columns by strings, got {strange[0]!r}"
        raise _MisuseError(msg)
    reasons = _reasons(columns.get(FAILURE, [""] * size), size)
    good = np.array([not reason for reason in reasons])
    names = [name for name in columns if name != FAILURE]
    data = np.empty(size, dtype=[(name, "<f8") for name in names])
    for name in names:
        data[name] = np.where(good, _column(name, columns[name], good), np.nan)
    return data, tuple((index, reason, "") for index, reason in enumerate(reasons) if reason)


def _reasons(values: Any, size: int) -> list[str]:
    """Why each replicate failed; empty where it did not."""
    reasons = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    if len(reasons) != size:
        msg = f"column `{FAILURE}` must have one reason a replicate ({size}), got {len(reasons)}"
        raise _MisuseError(msg)
    if strange := [reason for reason in reasons if not isinstance(reason, str)]:
        msg = f"column `{FAILURE}` must hold strings, empty where the replicate is fine, got {strange[0]!r}"
        raise _MisuseError(msg)
    return [str(reason) for reason in reasons]


def _column(name: str, values: Any, good: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    array = np.asarray(values)
    if array.dtype.kind not in NUMERIC:
        msg = f"column `{name}` must be numeric, got dtype {array.dtype}; return numbers or booleans"
        raise _MisuseError(msg)
    if array.shape != good.shape:
        msg = (
            f"column `{name}` must have shape ({len(good)},), got {array.shape}; return one value a replicate"
        )
        raise _MisuseError(msg)
    numbers = array.astype(np.float64)
    large = np.abs(numbers) >= DOUBLES_SKIP
    if array.dtype.kind in "iu" and any(map(_differ, numbers[large], array[large])):
        msg = (
            f"column `{name}` must hold integers that a double can, up to 2**53 in magnitude, got larger ones"
        )
        raise _MisuseError(msg)
    if bad := np.flatnonzero(good & ~np.isfinite(numbers)).tolist():
        msg = (
            f"column `{name}` must be finite, got {numbers[bad[0]]} at index {bad[0]} ({len(bad)} of {len(good)} "
            f"values); declare failed replicates in the column `{FAILURE}`"
        )
        raise _MisuseError(msg)
    return numbers


def _differ(number: float, integer: int) -> bool:
    return int(number) != int(integer)


def _blas_threads() -> int:
    """The threads of the process's numerical libraries; looked up again when modules were imported."""
    global _modules_when_counted, _threads_when_counted
    if len(sys.modules) != _modules_when_counted:
        _modules_when_counted = len(sys.modules)
        _threads_when_counted = max((info["num_threads"] for info in threadpool_info()), default=1)
    return _threads_when_counted
