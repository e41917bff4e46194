"""Processes that draw for a worker: the same bits, alone with what kills them, and gone when nobody needs them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario
from mcstudy.draws import Block
from mcstudy.engine import drawers
from mcstudy.engine.drawers import DrawerDeathError, differences, draw, environment, give_up
from mcstudy.engine.payload import pack
from mcstudy.engine.worker import BlockResult, Task, run_block
from mcstudy.exceptions import ClusterError

Simulate = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _drawers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(drawers, "_free", [])
    yield
    for drawer in drawers._free:
        drawer.end()


def task_of(simulate: Simulate, number: int = 0, **settings: Any) -> Task:
    payload = pack(simulate, None, [sys.modules[__name__]])
    return Task(Block(Scenario(n=1), number), 4, "toy", 1, (), payload, **settings)


def drawn(*tasks: Task, run: str = "a run") -> list[BlockResult]:
    results: list[BlockResult] = pickle.loads(draw(pickle.dumps(list(tasks)), run, environment()))
    return results


def values(result: BlockResult, column: str = "x") -> list[float]:
    assert result.data is not None, result
    return [float(value) for value in result.data[column]]


def normal(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    return {"x": rng.normal(size=size)}


def about(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    """What the process is."""
    return {"x": [os.getpid(), hash("a string") % 2**40, os.getsid(0), int(os.environ["OMP_NUM_THREADS"])]}


def killed(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def test_the_same_bits_as_here() -> None:
    tasks = [task_of(normal, number) for number in range(3)]
    assert [values(result) for result in drawn(*tasks)] == [values(run_block(task)) for task in tasks]


def test_a_process_of_its_own_draws_one_batch_after_the_other() -> None:
    (first,), (second,) = drawn(task_of(about)), drawn(task_of(about, 1))
    pid, order, session, threads = values(first)
    assert pid != os.getpid()
    assert order != hash("a string") % 2**40  # what depends on the order of hashes is found out
    assert session == pid  # Ctrl-C does not reach it
    assert threads == 1
    assert values(second)[0] == pid
    assert (first.earlier, second.earlier) == (0, 1)


def test_what_kills_a_block_kills_no_more_than_its_process() -> None:
    (before,) = drawn(task_of(about))
    with pytest.raises(DrawerDeathError, match=r"\ASIGKILL\Z"):
        drawn(task_of(killed))
    (after,) = drawn(task_of(about))
    assert values(after)[0] != values(before)[0]


def test_the_end_of_a_process_is_noticed_though_its_children_live_on(tmp_path: Path) -> None:
    go = str(tmp_path / "go")

    def forking(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        if os.fork():
            os._exit(3)
        for _ in range(2000):  # twenty seconds at most
            if Path(go).exists():
                break
            time.sleep(0.01)
        os._exit(0)

    clock = time.monotonic()
    with pytest.raises(DrawerDeathError, match=r"\Aexit code 3\Z"):
        drawn(task_of(forking))
    assert time.monotonic() - clock < 15
    Path(go).touch()


def test_a_process_that_died_while_it_waited_is_replaced() -> None:
    (before,) = drawn(task_of(about))
    os.kill(int(values(before)[0]), signal.SIGKILL)
    drawers._free[0].process.wait()
    (after,) = drawn(task_of(about))
    assert values(after)[0] != values(before)[0]


def test_a_process_that_nobody_needs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        drawers, "CHILD", f"from mcstudy.engine import drawers; drawers.IDLE = 0.1; {drawers.CHILD}"
    )
    drawn(task_of(normal))
    assert drawers._free[0].process.wait(timeout=30) == 0


def test_prints_and_questions_of_a_study_stay_out_of_the_way() -> None:
    def talkative(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        print("a word", flush=True)
        os.write(1, b"another")
        return {"x": [len(sys.stdin.read())] * size}

    (result,) = drawn(task_of(talkative))
    assert values(result) == [0.0] * 4


def test_a_block_that_takes_too_long_is_given_up() -> None:
    def endless(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        while True:
            time.sleep(0.01)

    (result,) = drawn(task_of(endless, timeout=0.1))
    assert result.failures[0].reason == "BlockTimeoutError: it took longer than 0.1 seconds"


def test_a_run_gives_up_what_is_its_own(tmp_path: Path) -> None:
    """Another one's block goes on."""
    there = str(tmp_path)

    def waiting(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        Path(there, str(os.getpid())).touch()
        while not Path(there, "go").exists():
            time.sleep(0.01)
        return {"x": np.zeros(size)}

    outcomes: dict[str, object] = {}

    def attempt(run: str) -> None:
        try:
            outcomes[run] = len(drawn(task_of(waiting), run=run))
        except DrawerDeathError as death:
            outcomes[run] = str(death)

    threads = {run: threading.Thread(target=attempt, args=(run,)) for run in ("one", "other")}
    for thread in threads.values():
        thread.start()
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    give_up("one")
    threads["one"].join(30)
    assert outcomes == {"one": "SIGKILL"}
    (tmp_path / "go").touch()
    threads["other"].join(30)
    assert outcomes == {"one": "SIGKILL", "other": 1}
    attempt("one")  # what had waited
    assert outcomes["one"] == "given up"
    assert len(drawers._free) == 1


def test_a_worker_that_would_draw_other_bits_draws_none() -> None:
    expected = environment() | {"numpy": "1.0"}
    with pytest.raises(
        ClusterError, match=r"a worker that has joined the cluster has numpy .* \(here 1.0\); end it"
    ):
        draw(pickle.dumps([task_of(normal)]), "a run", expected)
    assert not drawers._free


def test_what_draws_depend_on_and_how_it_differs() -> None:
    here = environment()
    assert {"mcstudy", "python", "numpy", "scipy", "BLAS kernel", "processor instructions"} <= set(here)
    assert differences(here, here) == ""
    there = {name: text for name, text in here.items() if name != "scipy"} | {"python": "3.9"}
    assert (
        differences(there, here)
        == f"python 3.9 (here {here['python']}); scipy unknown (here {here['scipy']})"
    )
