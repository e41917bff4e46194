"""One block -> columns, a failure, or the rule that was broken."""

from __future__ import annotations

import asyncio
import random
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario, each
from mcstudy.draws import Block, Failure
from mcstudy.engine.payload import Payload, pack
from mcstudy.engine.streams import generator
from mcstudy.engine.worker import BlockResult, Task, run_block

SIZE = 8
BLOCK = Block(Scenario(n=2), 0)
Columns = dict[Any, Any]


def task_of(simulate: Callable[..., Any], missing: tuple[str, ...] = ()) -> Task:
    return Task(BLOCK, SIZE, "toy", 1, (), pack(simulate, None, []), missing)


def draw(simulate: Callable[..., Any], missing: tuple[str, ...] = ()) -> BlockResult:
    return run_block(task_of(simulate, missing))


def returning(columns: Any) -> BlockResult:
    return draw(lambda rng, size, n: columns)


def test_a_block_is_what_simulate_draws_from_its_stream() -> None:
    result = draw(lambda rng, size, n: {"x": n * rng.normal(size=size), "even": np.arange(size) % 2 == 0})
    assert result.data is not None
    np.testing.assert_array_equal(result.data["x"], 2 * generator(1, "toy", BLOCK).normal(size=SIZE))
    np.testing.assert_array_equal(result.data["even"], [1.0, 0.0] * 4)
    assert result.data.dtype == [("x", "<f8"), ("even", "<f8")]
    assert (result.failures, result.misuse, result.warnings) == ((), "", ())
    assert result.block == BLOCK
    assert result.seconds > 0


@pytest.mark.parametrize(
    "values", [np.arange(8), list(range(8)), np.arange(8, dtype=np.float32), np.ones(8, bool)]
)
def test_numbers_of_any_kind_become_doubles(values: Any) -> None:
    result = returning({"x": values})
    assert result.data is not None
    np.testing.assert_array_equal(result.data["x"], np.asarray(values, dtype=np.float64))


MISUSE: list[tuple[Any, str]] = [
    ({"x": np.zeros(7)}, r"column `x` must have shape \(8,\), got \(7,\); return one value a replicate"),
    ({"x": np.zeros((8, 1))}, r"column `x` must have shape \(8,\), got \(8, 1\)"),
    ({"x": 1.0}, r"column `x` must have shape \(8,\), got \(\)"),
    ({"x": ["a"] * 8}, "column `x` must be numeric, got dtype <U1; return numbers or booleans"),
    ({"x": [None] * 8}, "column `x` must be numeric, got dtype object"),
    ({"x": np.zeros(8, complex)}, "column `x` must be numeric, got dtype complex128"),
    ({"x": np.zeros(8, "datetime64[s]")}, "column `x` must be numeric, got dtype datetime64"),
    (
        {"x": [0.0] * 5 + [np.nan] * 3},
        r"column `x` must be finite, got nan at index 5 \(3 of 8 values\); declare failed",
    ),
    ({"x": [np.inf] + [0.0] * 7}, "column `x` must be finite, got inf at index 0"),
    ({"x": np.zeros(8), 1: np.zeros(8)}, "`simulate` must name its columns by strings, got 1"),
    (
        {"x": np.zeros(8), "\ud800": np.zeros(8)},
        r"`simulate` must name its columns by whole characters, got '\\ud800'",
    ),
    ({"x": np.zeros(8), "": np.zeros(8)}, "`simulate` must name its columns by strings, got ''"),
    (None, "`simulate` must return a mapping from column to array, got NoneType"),
    (np.zeros(8), "`simulate` must return a mapping from column to array, got ndarray"),
    ({}, "`simulate` must return a mapping from column to array"),
    ({"failure": [""] * 8}, "`simulate` must return a mapping from column to array"),
    (
        {"x": np.zeros(8), "failure": [""] * 7},
        r"column `failure` must have one reason a replicate \(8\), got 7",
    ),
    ({"x": np.zeros(8), "failure": [False] * 8}, "column `failure` must hold strings, .* got False"),
    ({"x": np.zeros(8), "failure": [None] * 8}, "column `failure` must hold strings, .* got None"),
    ({"x": np.zeros(8), "failure": np.zeros(8, bool)}, "column `failure` must hold strings"),
    ({"x": np.zeros(8), "failure": True}, "column `failure` must"),
]


@pytest.mark.parametrize(("columns", "match"), MISUSE, ids=range(len(MISUSE)))
def test_misuse_is_named(columns: Any, match: str) -> None:
    result = returning(columns)
    assert result.data is None
    assert result.failures == ()
    with pytest.raises(AssertionError, match=match):
        raise AssertionError(result.misuse)


def test_failed_replicates_are_declared() -> None:
    reasons = ["", "diverged", "", "", "", "", "", "no root"]
    result = returning({"x": [0.0, np.nan, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "failure": reasons})
    assert result.failures == (Failure(BLOCK, 1, "diverged"), Failure(BLOCK, 7, "no root"))
    assert result.data is not None
    np.testing.assert_array_equal(result.data["x"], [0.0, np.nan, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan])
    assert result.data.dtype.names == ("x",)
    as_array = returning({"x": np.zeros(8), "failure": np.array(reasons)})
    assert as_array.failures == result.failures


def broken(rng: np.random.Generator, size: int, n: int) -> Columns:
    return {"x": inner(n)}


def inner(n: int) -> float:
    message = f"no solution for n = {n}"
    raise RuntimeError(message)


def test_an_exception_is_a_failure_of_the_block_with_the_studys_own_frames() -> None:
    result = draw(broken)
    (failure,) = result.failures
    assert (failure.block, failure.index) == (BLOCK, None)
    assert failure.reason == "RuntimeError: no solution for n = 2"
    assert "in broken" in failure.traceback
    assert "in inner" in failure.traceback
    assert "mcstudy/engine" not in failure.traceback
    assert result.data is None
    assert result.misuse == ""


class MuteError(Exception):
    """An exception whose text can't be made."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(0),
        SystemExit("bye"),
        MemoryError(),
        StopIteration(),
        BaseException("of a kind of its own"),
        GeneratorExit(),
        asyncio.CancelledError(),
        MuteError(),
        ValueError("half a \ud800 character"),
    ],
)
def test_whatever_ends_a_simulate_is_a_failure(error: BaseException) -> None:
    def ends(rng: np.random.Generator, size: int, n: int) -> Columns:
        raise error

    (failure,) = draw(ends).failures
    assert failure.reason.startswith(type(error).__name__)
    assert "in ends" in failure.traceback
    (failure.reason + failure.traceback).encode()  # into any file
    alone = draw(each(lambda rng, n: ends(rng, 1, n)))
    assert [failure.index for failure in alone.failures] == list(range(SIZE))
    assert {failure.reason for failure in alone.failures} == {failure.reason}


def test_a_block_that_hangs_is_given_up() -> None:
    def hangs(rng: np.random.Generator, size: int, n: int) -> Columns:
        while True:
            time.sleep(0.01)

    (failure,) = run_block(replace(task_of(hangs), timeout=0.1)).failures
    assert failure.reason == "BlockTimeoutError: it took longer than 0.1 seconds"
    assert "in hangs" in failure.traceback
    time.sleep(0.15)  # no alarm is left


def test_a_block_that_is_in_time_is_as_ever() -> None:
    def quick(rng: np.random.Generator, size: int, n: int) -> Columns:
        return {"x": rng.normal(size=size)}

    before = signal.getsignal(signal.SIGALRM)
    timed, plain = run_block(replace(task_of(quick), timeout=60.0)), draw(quick)
    assert timed.data is not None
    assert plain.data is not None
    assert timed.data.tobytes() == plain.data.tobytes()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.filterwarnings("always")
def test_texts_that_can_not_be_written_are_escaped() -> None:
    def odd(rng: np.random.Generator, size: int, n: int) -> Columns:
        warnings.warn("half a \ud800 character", UserWarning, stacklevel=1)
        return {"x": np.zeros(size), "failure": ["half a \ud800 character"] + [""] * (size - 1)}

    result = draw(odd)
    assert result.failures[0].reason == r"half a \ud800 character"
    assert result.warnings[0][2] == r"half a \ud800 character"


def test_an_interruption_is_none_of_the_workers_business() -> None:
    def interrupted(rng: np.random.Generator, size: int, n: int) -> Columns:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(interrupted)


def test_a_payload_that_can_not_be_read_is_a_failure() -> None:
    payload = Payload(pack(broken, None, []).shared, b"no pickle", ".")
    (failure,) = run_block(Task(BLOCK, SIZE, "toy", 1, (), payload)).failures
    assert failure.index is None
    assert "UnpicklingError" in failure.reason


GLOBAL: list[tuple[str, Callable[[], object]]] = [
    ("np.random.normal", lambda: np.random.normal()),
    ("np.random.seed", lambda: np.random.seed(0)),
    ("np.random.shuffle", lambda: np.random.shuffle(list(range(9)))),
    ("random.random", lambda: random.random()),
    ("random.seed", lambda: random.seed(0)),
]


@pytest.mark.parametrize(("name", "use"), GLOBAL, ids=[name for name, _ in GLOBAL])
def test_global_randomness_is_misuse(name: str, use: Callable[[], object]) -> None:
    def simulate(rng: np.random.Generator, size: int, n: int) -> Columns:
        use()
        return {"x": rng.normal(size=size)}

    result = draw(simulate)
    assert "`simulate` must draw from its `rng` only, but it changed the global random state" in result.misuse
    assert result.data is None


def test_own_generators_leave_the_global_state_alone() -> None:
    result = draw(lambda rng, size, n: {"x": np.random.default_rng(0).normal(size=size)})
    assert result.misuse == ""  # that blocks come out equal is seen by the guard, which sees more than one


def test_warnings_are_kept_once_and_raise_nothing() -> None:
    def warns(rng: np.random.Generator, size: int, n: int) -> Columns:
        for _ in range(3):
            warnings.warn("rough", RuntimeWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return {"x": np.ones(size)}

    with warnings.catch_warnings():
        warnings.resetwarnings()  # pytest makes errors of them
        payload = pack(warns, None, [])
    for _ in range(2):  # the second block of a process must not be quieter than the first
        assert run_block(Task(BLOCK, SIZE, "toy", 1, (), payload)).warnings == (
            ("DeprecationWarning", "old", "old"),
            ("RuntimeWarning", "rough", "rough"),
        )


def filtering(action: str) -> Callable[..., Columns]:
    """A `simulate` that warns, made where warnings of its kind are filtered."""

    def simulate(rng: np.random.Generator, size: int, n: int) -> Columns:
        warnings.warn("rough", RuntimeWarning, stacklevel=1)
        return {"x": np.ones(size)}

    return simulate


@pytest.mark.parametrize(
    ("action", "warned", "failed"), [("ignore", 0, 0), ("error", 0, 1), ("default", 1, 0), ("once", 1, 0)]
)
def test_warnings_are_filtered_as_the_study_says(action: Any, warned: int, failed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter(action, RuntimeWarning)
        payload = pack(filtering(action), None, [])
    for _ in range(2):
        result = run_block(Task(BLOCK, SIZE, "toy", 1, (), payload))
        assert (len(result.warnings), len(result.failures)) == (warned, failed)


def test_floating_point_errors_are_raised_as_the_study_says() -> None:
    def overflows(rng: np.random.Generator, size: int, n: int) -> Columns:
        return {"x": 0 * np.exp(np.full(size, 999.0)).clip(0, 1)}

    with np.errstate(over="raise"):
        payload = pack(overflows, None, [])
    (failure,) = run_block(Task(BLOCK, SIZE, "toy", 1, (), payload)).failures
    assert failure.reason == "FloatingPointError: overflow encountered in exp"
    assert np.geterr()["over"] == "warn"


def masked(*hidden: int) -> Any:
    values = np.ma.array(np.arange(8.0), mask=False)
    values[list(hidden)] = np.ma.masked
    return values


def test_masked_values_are_refused_or_missing() -> None:
    result = returning({"x": masked()})
    assert result.data is not None
    np.testing.assert_array_equal(result.data["x"], np.arange(8.0))
    said = returning({"x": masked(2, 5)}).misuse
    assert "column `x` must have a value in every replicate, got a masked array with 2 masked" in said
    assert "name it in `missing=`" in said
    assert "got a masked array" in draw(lambda rng, size, n: {"x": masked(2)}, missing=("y",)).misuse
    counted = draw(lambda rng, size, n: {"x": masked(2, 5)}, missing=("x",)).data
    assert counted is not None
    np.testing.assert_array_equal(counted["x"], [0, 1, np.nan, 3, 4, np.nan, 6, 7])


def test_masked_integers_are_missing_too() -> None:
    values = np.ma.array(np.arange(8), mask=[False] * 7 + [True])
    data = draw(lambda rng, size, n: {"x": values}, missing=("x",)).data
    assert data is not None
    assert np.isnan(data["x"]).tolist() == [False] * 7 + [True]


def test_nan_is_missing_only_where_that_is_declared() -> None:
    values = [np.nan, 1.0] * 4
    assert "column `x` must be finite" in returning({"x": values}).misuse
    assert "column `y` must be finite" in draw(lambda rng, size, n: {"y": values}, missing=("x",)).misuse
    assert draw(lambda rng, size, n: {"x": values}, missing=("x",)).misuse == ""
    infinite = draw(lambda rng, size, n: {"x": [np.inf, 1.0] * 4}, missing=("x",))
    assert "column `x` must be finite, got inf" in infinite.misuse


@pytest.mark.parametrize("kind", [np.float32, np.int8, np.bool_, np.float64])
def test_numpy_scalars_are_numbers(kind: Any) -> None:
    data = returning({"x": [kind(1)] * 8}).data
    assert data is not None
    assert data["x"].tolist() == [1.0] * 8


def test_integers_that_doubles_can_not_hold() -> None:
    assert returning({"x": np.full(8, 2**53 - 1)}).misuse == ""
    for values in (np.full(8, 2**53 + 1), np.full(8, 2**64 - 1, dtype=np.uint64)):
        assert "column `x` must" in returning({"x": values}).misuse
