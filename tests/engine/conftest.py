"""What the tests of the engine share: runs without pages, executors that count, edited files, parts, Dask clusters."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcstudy import Ledger, Study, run
from mcstudy.engine.executors import Executor, Joblib, Serial
from mcstudy.engine.loading import load_study
from mcstudy.engine.merge import Merged, merge
from mcstudy.engine.progress import Progress
from mcstudy.engine.shards import Shard, shard
from mcstudy.engine.source import Origin
from mcstudy.engine.sources import sources_by_study
from mcstudy.engine.worker import BlockResult, Task
from mcstudy.exceptions import JournalError

# By path, all that a study may use: its own code, a module and a package beside it.
FILES = {
    "studies/toy.py": '''"""A study with all that a study may use."""

import numpy as np

import helper
from mcstudy import Measure, Replicates, Study, Value, control, grid, mean
from package import scale

LIMIT = 9.0
WEIGHTS = {"a": 1.0, "b": [2.0, 0.0]}
TABLE = np.linspace(0.0, 1.0, 5)
UNUSED = 1


class Law:
    """Where draws are."""

    centre = 0.0

    def moved(self, x):
        return x + self.centre


def doubled(function):
    def call(*arguments, **levels):
        return {name: 2 * values for name, values in function(*arguments, **levels).items()}

    return call


def twice(x):
    return x + x


def folded(x):
    return twice(np.clip(x, -LIMIT, LIMIT))


@doubled
def simulate(rng, size, *, n, power=1):
    """Draw."""
    # Nothing to see.
    x = scale() * rng.normal(size=size) ** power + helper.shift() + WEIGHTS["b"][1] + TABLE[0]
    return {"x": Law().moved(folded(x))}


study = Study(
    name="toy",
    title="A study",
    question="Is the mean zero?",
    source="nowhere",
    simulate=simulate,
    scenarios=grid(n=(1, 2)),
    block=16,
    replicates=Replicates(first=32, quick=32, full=64),
    claims=[
        Value("mean", "x", of=mean("x"), equals=0.0, margin=99.0),
        Value("wrong", "x", of=mean("x"), equals=999.0, margin=1.0, expected=control("far off")),
    ],
)
''',
    "studies/helper.py": '''"""A module beside the study."""

import deeper


def shift():
    """How far."""
    return deeper.BY


def unused():
    return 1
''',
    "studies/deeper.py": "BY = 0.0\nOTHER = 0.0\n",
    "studies/package/__init__.py": '"""A package beside the study."""\n\nfrom .core import scale\n',
    "studies/package/core.py": "from . import constants\n\n\ndef scale():\n    return constants.ONE\n",
    "studies/package/constants.py": "ONE = 1.0\n",
    "studies/package/idle.py": "def idle():\n    return 1\n",
}  # fmt: skip


class Counting:
    """Draws as another executor does, in a shuffled order if wished, and remembers every block; gives up after `most`."""

    name, jobs = "counting", 1

    def __init__(
        self, inner: Executor | None = None, *, shuffle: int | None = None, most: int | None = None
    ) -> None:
        self.blocks: dict[tuple[str, str, int], bytes] = {}
        self._inner, self._shuffle, self._most = inner or Serial(), shuffle, most

    def run(self, tasks: Sequence[Task]) -> Generator[BlockResult, None, None]:
        """Draw, keep the bytes by the block's key."""
        order = list(tasks)
        if self._shuffle is not None:
            random.Random(self._shuffle).shuffle(order)
        with closing(self._inner.run(order)) as results:
            for result in results:
                if len(self.blocks) == self._most:
                    raise KeyboardInterrupt
                self.blocks[result.block.key] = b"" if result.data is None else result.data.tobytes()
                yield result


@pytest.fixture
def counting() -> type[Counting]:
    """The executor that counts."""
    return Counting


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pages out, which cost more than all the draws."""

    def write(ledger: Ledger, out: Path) -> None:
        (out / ledger.study.name / "ledger.json").write_text(ledger.to_json(), encoding="utf-8")

    monkeypatch.setattr("mcstudy.engine.run.write", write)


@pytest.fixture
def unproved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no process to draw a run's first blocks again: tests of the proof do."""
    monkeypatch.setattr("mcstudy.engine.run.check_first", lambda *_, **__: None)


@pytest.fixture
def serial(counting: type[Counting]) -> Callable[[], Counting]:
    """A function that makes an executor of this process, which counts."""
    return counting


@pytest.fixture
def workers(counting: type[Counting]) -> Callable[[], Counting]:
    """A function that makes an executor of two workers, which counts."""
    return lambda: counting(Joblib(2))


@pytest.fixture
def write_files(project: Path) -> Callable[..., Study]:
    """A function that writes `FILES`, one of them edited, and loads the study."""

    def write(file: str = "", old: str = "", new: str = "") -> Study:
        for name, text in FILES.items():
            path = project / name
            path.parent.mkdir(exist_ok=True)
            edited = name == f"studies/{file}.py"
            assert not edited or text.count(old) == 1
            path.write_text(text.replace(old, new) if edited else text, encoding="utf-8")
        return load_study(project / "studies" / "toy.py")

    return write


@pytest.fixture
def again() -> Callable[[Study, Counting], tuple[str, str, Ledger | None]]:
    """A function that runs a study where it was run before: what became of the draws, what was said, and the ledger."""

    def go(study: Study, executor: Counting) -> tuple[str, str, Ledger | None]:
        try:
            ledger = run(study, executor=executor, out="reports")
        except JournalError as error:
            return "refused", str(error), None
        return ("topped up" if executor.blocks else "kept"), "", ledger

    return go


@pytest.fixture
def check(again: Callable[..., Any]) -> Callable[..., None]:
    """A function that runs a study, then the edited one: the outcome is as said, and right."""

    def go(before: Study, edited: Callable[[], Study], outcome: str, says: str, executors: Any) -> None:
        first, second = executors(), executors()
        digest = run(before, executor=first, out="reports").digests["draws"]
        study = edited()
        happened, said, ledger = again(study, second)
        assert happened == outcome, said
        assert says in said
        assert not set(first.blocks) & set(second.blocks)  # nothing is drawn twice
        anew = run(study, executor="serial", out=None).digests["draws"]
        if ledger is None:
            assert "start over with --fresh, or keep them and write elsewhere with --out DIR" in said
            assert anew != digest
        else:
            assert ledger.digests["draws"] == anew

    return go


class Said(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def warn(self, text: str) -> None:
        """Keep."""
        self.said.append(text)


@pytest.fixture
def listener() -> Said:
    """Progress that keeps what is said."""
    return Said()


@pytest.fixture
def said() -> list[str]:
    """What merges say."""
    return []


@pytest.fixture
def draw() -> Callable[..., list[str]]:
    """A function that draws parts of a study file, each into a folder of its own: the folders."""

    def go(study: Path, *parts: str, **options: Any) -> list[str]:
        settings = {"profile": "full", "executor": "serial"} | options
        for part in parts:
            shard(Origin(load_study(study)), Shard.parse(part), out=f"parts/{part}", **settings)
        return [f"parts/{part}" for part in parts]

    return go


@pytest.fixture
def whole() -> Callable[..., Ledger]:
    """A function that draws all of a study file in one run."""

    def go(study: Path, **options: Any) -> Ledger:
        return run(load_study(study), **({"profile": "full", "executor": "serial", "out": None} | options))

    return go


@pytest.fixture
def joined(said: list[str]) -> Callable[..., Merged]:
    """A function that merges folders with one study, into "joined"; whatever comes of it, nothing of them has changed."""

    def go(*folders: str, out: str = "joined", **options: Any) -> Merged:
        progress, before = Said(), _files(folders)
        progress.said = said
        try:
            (sources,) = sources_by_study(folders, out, progress)
            return merge(sources, out=out, progress=progress, **options)
        finally:
            assert _files(folders) == before

    return go


def _files(folders: Sequence[str]) -> dict[str, str]:
    """Every file in folders, by its content."""
    paths = (path for folder in folders for path in Path(folder).rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


# A scheduler and one worker of two threads, which is a process of its own where it may die; the address comes first.
CLUSTER = """
import asyncio
from distributed import Nanny, Scheduler, Worker

quiet = {{"dashboard": False, "dashboard_address": "127.0.0.1:0"}}

async def serve():
    async with Scheduler(host="127.0.0.1", port=0, allowed_failures=0, **quiet) as scheduler:
        async with {worker}(scheduler.address, nthreads=2, memory_limit=0, **quiet):
            print(scheduler.address, flush=True)
            await scheduler.finished()

asyncio.run(serve())
"""


class DaskCluster:
    """A Dask cluster in a process of its own, which knows the package and no study."""

    def __init__(self, folder: Path, worker: str) -> None:
        script = CLUSTER.format(worker=worker)
        with (folder / "log.txt").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", script],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address, (folder / "log.txt").read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of it."""
        os.killpg(self._process.pid, number)

    def end(self) -> None:
        """Kill all of it."""
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
        with self._process:  # which closes its pipe
            pass


@pytest.fixture(scope="session")
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., DaskCluster]]:
    """A function that starts a Dask cluster, of a ``Worker`` or a ``Nanny``."""
    started: list[DaskCluster] = []

    def start(worker: str = "Worker") -> DaskCluster:
        started.append(DaskCluster(tmp_path_factory.mktemp("cluster"), worker))
        return started[-1]

    yield start
    for cluster in started:
        cluster.end()


@pytest.fixture(scope="session")
def dask_address(start_cluster: Callable[..., DaskCluster]) -> str:
    """The address of a cluster that all tests may use, and none may end."""
    return start_cluster().address
