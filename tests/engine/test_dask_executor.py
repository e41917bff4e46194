"""Dask: the bits of every other executor, and accidents that cost nothing that is finished."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Scheduler, SpecCluster, Worker

from mcstudy import Scenario, Study, run
from mcstudy.draws import QUARANTINED, Block
from mcstudy.engine.cluster import HIDDEN
from mcstudy.engine.dask_executor import Dask
from mcstudy.engine.executors import Executor, Serial, executor_named
from mcstudy.engine.payload import pack
from mcstudy.engine.streams import generator
from mcstudy.engine.worker import BlockResult, Task
from mcstudy.exceptions import ClusterError, InputError, StudyError

Simulate = Callable[..., dict[str, Any]]
SEED = 5
ONE = Scenario(n=1)


def tasks_of(simulate: Simulate, blocks: int = 24) -> list[Task]:
    payload = pack(simulate, None, [sys.modules[__name__]])
    return [Task(Block(ONE, number), 8, "toy", SEED, (), payload) for number in range(blocks)]


def bits(results: Sequence[BlockResult]) -> dict[int, bytes]:
    drawn = {result.block.number: b"" if result.data is None else result.data.tobytes() for result in results}
    assert len(drawn) == len(results)
    return drawn


def first_number(number: int) -> float:
    """What a block's stream begins with, by which `simulate` knows the block."""
    return float(generator(SEED, "toy", Block(ONE, number)).random())


def plain(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    return {"first": np.full(size, rng.random()), "x": rng.normal(size=size)}


def drawn_with_accidents(accident: Callable[[float], None]) -> Simulate:
    """What `plain` draws, with an accident that knows how the block begins."""

    def simulate(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        first = rng.random()
        accident(first)
        return {"first": np.full(size, first), "x": rng.normal(size=size)}

    return simulate


@pytest.fixture(scope="module")
def expected() -> dict[int, bytes]:
    return bits(list(Serial().run(tasks_of(plain))))


def test_blocks_are_the_same_bits_and_nothing_is_left(
    expected: dict[int, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    results = list(Dask(2).run(tasks_of(plain)))
    assert bits(results) == expected
    assert {result.threads for result in results} == {1}
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_report")
def test_invariant_to_the_executor(
    write_files: Callable[..., Study], dask_address: str, tmp_path: Path
) -> None:
    """A study with modules beside it, none of which the cluster has ever seen."""
    study = write_files()
    serial, local, remote = (
        run(study, executor=executor, jobs=jobs, out=tmp_path / executor.partition(":")[0])
        for executor, jobs in (("serial", None), ("dask", 1), (dask_address, None))
    )
    assert serial.digests["draws"] == local.digests["draws"] == remote.digests["draws"]
    assert serial.digests["findings"] == local.digests["findings"] == remote.digests["findings"]
    assert [(ledger.run.executor, ledger.run.jobs) for ledger in (local, remote)] == [
        ("dask", 1),
        ("dask", 2),
    ]


def test_a_block_that_kills_its_process_is_quarantined_and_the_others_go_on(
    expected: dict[int, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    """In the middle of a batch, whose other blocks are drawn all the same."""
    deadly = first_number(20)

    def kill(first: float) -> None:
        if first == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    results = list(Dask(1).run(tasks_of(drawn_with_accidents(kill))))
    assert bits(results) == expected | {20: b""}
    ((failure,),) = [result.failures for result in results if result.failures]
    assert failure.index is None
    assert failure.reason.startswith(f"{QUARANTINED}: the worker process died twice while drawing this block")
    assert failure.traceback == "SIGKILL"
    assert capfd.readouterr() == ("", "")


def test_workers_that_die_are_replaced(
    expected: dict[int, bytes], start_cluster: Callable[..., Any], tmp_path: Path
) -> None:
    """Whole workers, with all that they were to draw: one block kills each that draws it, another one only the first."""
    always, once, there = first_number(3), first_number(9), str(tmp_path / "once")

    def kill(first: float) -> None:
        if first == always or (first == once and not Path(there).exists()):
            Path(there).touch()
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(30)  # it ends with its worker

    cluster = start_cluster("Nanny")
    results = list(Dask.at(cluster.address, timeout=30).run(tasks_of(drawn_with_accidents(kill))))
    cluster.end()
    assert bits(results) == expected | {3: b""}
    ((failure,),) = [result.failures for result in results if result.failures]
    assert failure.reason.endswith("died twice while drawing this block (KilledWorker)")


class Interrupted:
    """Draws as another executor does, and has something happen after so many blocks."""

    name, jobs = "interrupted", 1

    def __init__(self, inner: Executor, after: int, happens: Callable[[], object]) -> None:
        self._inner, self._left, self._happens = inner, after, happens

    def run(self, tasks: Sequence[Task]) -> Generator[BlockResult, None, None]:
        """Draw."""
        with closing(self._inner.run(tasks)) as results:
            for result in results:
                yield result
                self._left -= 1
                if not self._left:
                    self._happens()


@pytest.mark.usefixtures("no_report", "unproved")
@pytest.mark.parametrize(
    ("number", "seconds", "says"),
    [
        (signal.SIGKILL, 0, "is gone"),
        (signal.SIGKILL, 4, "is gone"),
        (signal.SIGSTOP, 0, "no longer answers"),
    ],
)
def test_a_scheduler_that_disappears_costs_nothing_that_is_finished(
    make_study: Callable[..., Study],
    counting: type[Any],
    start_cluster: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: signal.Signals,
    seconds: float,
    says: str,
) -> None:
    """Whether the next batch is sent at once, or when the client has long given up connecting."""

    def disappear() -> None:
        cluster.signal(number)
        time.sleep(seconds)

    monkeypatch.setattr("mcstudy.engine.dask_executor.PATIENCE", 0.5)
    # Each block travels alone: some are still here when the scheduler goes.
    monkeypatch.setattr("mcstudy.engine.dask_executor.ENOUGH", 1e-6)
    study, cluster = make_study(), start_cluster()
    drawn = counting(Interrupted(Dask.at(cluster.address, timeout=2), 5, disappear))
    monkeypatch.setattr("mcstudy.engine.cluster.TIMEOUT", 0.5)
    with pytest.raises(ClusterError) as raised:
        run(study, executor=drawn, out=tmp_path)
    cluster.end()
    assert str(raised.value) == (
        f"--executor {cluster.address}: the scheduler {says}; what is finished is kept, so mend that and run the same "
        "command again, or draw on this machine with --executor joblib"
    )
    rest = counting()
    ledger = run(study, executor=rest, out=tmp_path)
    assert len(drawn.blocks) >= 5
    assert not set(drawn.blocks) & set(rest.blocks)
    assert ledger.digests["draws"] == run(study, executor="serial", out=None).digests["draws"]


def test_a_cluster_that_loses_its_last_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcstudy.engine.dask_executor.PATIENCE", 0.5)
    monkeypatch.setattr("mcstudy.engine.dask_executor.WORKERLESS", 0.5)
    options = HIDDEN | {"protocol": "tcp://", "host": "127.0.0.1"}
    worker = {"cls": Worker, "options": options | {"nthreads": 1, "memory_limit": 0}}
    with SpecCluster({0: worker}, scheduler={"cls": Scheduler, "options": options}) as cluster:
        results = Dask.at(cluster.scheduler_address).run(tasks_of(plain, blocks=200))
        next(results)
        cluster.scale(0)
        with pytest.raises(ClusterError, match="the scheduler has had no worker for"):
            list(results)


def test_a_worker_that_can_not_draw_is_named(dask_address: str) -> None:
    """As one that has joined late, without this package."""

    def spoil() -> None:
        from mcstudy.engine import drawers

        drawers.true_draw, drawers.draw = drawers.draw, lambda *_: 1 / 0  # type: ignore[attr-defined,assignment]

    def mend() -> None:
        from mcstudy.engine import drawers

        drawers.draw = drawers.true_draw  # type: ignore[attr-defined]

    from distributed import Client

    executor = Dask.at(dask_address)
    with Client(dask_address, set_as_default=False) as client:
        client.run(spoil)
        with pytest.raises(
            ClusterError, match="a worker can't draw, ZeroDivisionError: division by zero; end it"
        ):
            list(executor.run(tasks_of(plain)))
        client.run(mend)


def test_what_is_stopped_is_given_up(dask_address: str, tmp_path: Path) -> None:
    """At once, on the machines of others too, though the blocks would never end."""
    there = str(tmp_path)

    def wait(first: float) -> None:
        if first != begin:
            Path(there, str(os.getpid())).touch()
            time.sleep(600)

    begin = first_number(0)
    for executor in (Dask(2), Dask.at(dask_address)):
        results = executor.run(tasks_of(drawn_with_accidents(wait)))
        next(results)
        while not (started := list(tmp_path.iterdir())):
            time.sleep(0.01)
        results.close()
        for path in started:
            wait_for_the_end_of(int(path.name))
            path.unlink()


def wait_for_the_end_of(pid: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_function_that_can_not_be_sent_is_named(make_study: Callable[..., Study]) -> None:
    stream = (number for number in range(3))

    def simulate(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size) + 0 * len([stream])}

    with pytest.raises(StudyError, match="generator"):
        run(make_study(simulate=simulate), executor="dask", jobs=1, out=None)


def test_executors_by_name(dask_address: str) -> None:
    assert isinstance(executor_named("dask", None), Dask)
    assert executor_named("dask", 3).jobs == 3
    assert executor_named(dask_address, None).jobs == 2
    with pytest.raises(InputError, match="`jobs` must be left out with the address of a cluster"):
        executor_named(dask_address, 2)


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in ("dask", "tcp://127.0.0.1:8786"):
        with pytest.raises(InputError, match=r"pip install 'mcstudy\[dask\]'"):
            executor_named(name, None)
