"""Executors: the same blocks wherever they are drawn, and a block that kills its worker stays alone."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from mcstudy import grid
from mcstudy.draws import Block
from mcstudy.engine.executors import (
    THREAD_VARIABLES,
    Joblib,
    Serial,
    available_cores,
    closed_at_the_end,
    executor_named,
)
from mcstudy.engine.payload import pack
from mcstudy.engine.streams import generator
from mcstudy.engine.worker import BlockResult, Task
from mcstudy.exceptions import InputError

SEED = 5
SCENARIOS = grid(n=(1, 2))
BLOCKS = 4


def tasks_of(simulate: Callable[..., Any]) -> list[Task]:
    # By value, as a study's own functions are sent: workers can't import this file.
    payload = pack(simulate, None, [sys.modules[__name__]])
    return [
        Task(Block(scenario, number), 8, "toy", SEED, (), payload)
        for number in range(BLOCKS)
        for scenario in SCENARIOS
    ]


Bits = dict[tuple[str, str, int], bytes]


def plain_draws(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    matrices = rng.normal(size=(size, 20, 20))
    return {"x": n * rng.normal(size=size), "norm": np.linalg.norm(np.linalg.inv(matrices), axis=(1, 2))}


def bits(results: list[BlockResult]) -> Bits:
    return {result.block.key: b"" if result.data is None else result.data.tobytes() for result in results}


@pytest.fixture(scope="module")
def expected() -> Bits:
    return bits(list(Serial().run(tasks_of(plain_draws))))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process ignores")
def test_workers_that_draw_nothing_end_with_their_parent_too() -> None:
    """One that is never told would wait for a run that was killed for ever."""
    list(Joblib(3).run(tasks_of(plain_draws)[:1]))
    workers = [pid for pid in _children() if "popen_loky" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(workers) >= 3
    deadline = time.monotonic() + 60
    while not all(map(_leaves_interruptions_to_its_parent, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _children() -> list[int]:
    found = Path("/proc/self/task").glob("*/children")
    return [int(pid) for path in found for pid in path.read_text().split()]


def _leaves_interruptions_to_its_parent(pid: int) -> bool:
    """Whether it has come so far: that it dies with its parent can't be seen from outside."""
    (ignored,) = re.findall(r"SigIgn:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(ignored, 16) >> (signal.SIGINT - 1) & 1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_blocks_are_the_same_bits_in_workers(expected: Bits, jobs: int) -> None:
    results = list(Joblib(jobs).run(tasks_of(plain_draws)))
    assert bits(results) == expected
    assert len(results) == len(expected) == BLOCKS * len(SCENARIOS)
    assert {result.threads for result in results} == {1}


def test_workers_are_other_processes() -> None:
    def pid(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        return {"pid": np.full(size, os.getpid())}

    def pids(executor: Serial | Joblib) -> set[float]:
        return {float(r.data["pid"][0]) for r in executor.run(tasks_of(pid)) if r.data is not None}

    assert pids(Serial()) == {os.getpid()}
    assert os.getpid() not in pids(Joblib(1))


def test_workers_hash_otherwise_than_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what depends on the order of hashes is found out."""

    def hashed(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        return {"hash": np.full(size, float(hash("a string") % 2**40))}

    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    own = float(hash("a string") % 2**40)
    drawn = {float(r.data["hash"][0]) for r in Joblib(3).run(tasks_of(hashed)) if r.data is not None}
    assert own not in drawn
    assert "PYTHONHASHSEED" not in os.environ


HASHED = """
import sys
from mcstudy import Scenario
from mcstudy.draws import Block
from mcstudy.engine.executors import Joblib
from mcstudy.engine.payload import pack
from mcstudy.engine.worker import Task

def hashed(rng, size, n):
    return {"hash": [float(hash("a string") % 2**40)] * size}

payload = pack(hashed, None, [sys.modules["__main__"]])
tasks = [Task(Block(Scenario(n=1), number), 1, "toy", 1, (), payload) for number in range(4)]
print(*hashed(None, 1, 1)["hash"], *(result.data["hash"][0] for result in Joblib(2).run(tasks)))
"""


def test_workers_hash_otherwise_than_a_process_that_was_told_how() -> None:
    """As where PYTHONHASHSEED is set for a whole session, which workers would inherit."""
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", HASHED], env=environment, capture_output=True, text=True, check=True
    )
    own, *drawn = done.stdout.split()
    assert len(drawn) == 4
    assert own not in drawn


def killer(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    """Kills its process in some blocks, known by the first number of their streams."""
    first = rng.random()
    if n == 2 and first < 0.3:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"x": first + rng.normal(size=size)}


def killing() -> list[Block]:
    blocks = [Block(SCENARIOS[1], number) for number in range(BLOCKS)]
    return [block for block in blocks if generator(SEED, "toy", block).random() < 0.3]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_block_that_kills_is_quarantined_and_the_others_go_on(jobs: int) -> None:
    deadly = killing()
    assert len(deadly) == 1
    results = list(Joblib(jobs).run(tasks_of(killer)))
    assert len(results) == len({result.block for result in results}) == BLOCKS * len(SCENARIOS)
    failed = [result for result in results if result.data is None]
    assert [result.block for result in failed] == deadly
    (failure,) = failed[0].failures
    assert failure.index is None
    assert failure.reason.startswith("quarantined: the worker process died twice while drawing this block")


def test_serial_draws_in_order_and_stops_when_closed() -> None:
    tasks = tasks_of(plain_draws)
    results = Serial().run(tasks)
    assert [next(results).block, next(results).block] == [task.block for task in tasks[:2]]
    results.close()
    assert list(results) == []


def test_joblib_stops_when_closed() -> None:
    results = Joblib(2).run(tasks_of(plain_draws))
    next(results)
    results.close()
    assert list(results) == []


def test_one_blas_thread_while_drawing_and_the_old_setting_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = {info["filepath"]: info["num_threads"] for info in threadpool_info()}

    def threads(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        told = [int(os.environ[name]) for name in THREAD_VARIABLES]
        return {
            "threads": np.full(size, max(info["num_threads"] for info in threadpool_info())),
            "told": max(told) + np.zeros(size),
        }

    for result in Serial().run(tasks_of(threads)):
        assert result.threads == 1
        assert result.data is not None
        assert set(result.data["threads"]) == {1.0}
        assert set(result.data["told"]) == {1.0}
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ
    assert {info["filepath"]: info["num_threads"] for info in threadpool_info()} == before


@pytest.mark.parametrize(
    ("name", "jobs", "match"),
    [
        ("joblib", 0, "`jobs` must be at least 1, got 0"),
        ("serial", -2, "`jobs` must be at least 1, got -2"),
        ("threads", None, "`executor` must be joblib, serial, dask, or the address of .*, got 'threads'"),
        ("", None, "`executor` must be joblib, serial, dask, or the address of .*, got ''"),
    ],
)
def test_executor_named_refuses(name: str, jobs: int | None, match: str) -> None:
    with pytest.raises(InputError, match=match):
        executor_named(name, jobs)


def test_executor_named() -> None:
    assert isinstance(executor_named("serial", None), Serial)
    assert executor_named("joblib", 3).jobs == 3
    assert executor_named("joblib", None).jobs == available_cores() >= 1


@pytest.mark.parametrize("where", ["ensure_running", "__call__"])
def test_workers_that_can_not_be_started_are_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A container without shared memory, a machine without memory for a process."""
    import joblib
    from joblib.externals.loky.backend import resource_tracker

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(resource_tracker if where == "ensure_running" else joblib.Parallel, where, refused)
    with pytest.raises(InputError, match=r"workers can't be started \(.*\); .* with --executor serial"):
        list(Joblib(2).run(tasks_of(plain_draws)))


@pytest.mark.parametrize("interrupted", [True, False])
def test_what_is_under_way_is_given_up_by_an_interruption_at_any_moment(interrupted: bool) -> None:
    """Also by one that comes between two results; any other end is told to the results as the end that it is."""
    heard: list[type[BaseException]] = []

    def results() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        except BaseException as error:
            heard.append(type(error))
            raise

    with suppress(KeyboardInterrupt), closed_at_the_end(results()) as given:
        for _ in given:
            if interrupted:
                raise KeyboardInterrupt
            break
    assert heard == [KeyboardInterrupt if interrupted else GeneratorExit]
