"""Runs that are killed or interrupted from outside, resumed, and held against one that was not."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mcstudy import run
from mcstudy.engine.loading import load_study
from mcstudy.engine.reading import reading
from mcstudy.exceptions import JournalError
from mcstudy.results.status import status

WriteStudy = Callable[..., Path]
# Half of the blocks wait for a file, so that a run is surely in the middle when it is stopped.
WAITING = """import pathlib, time
while scale == 2.0 and not pathlib.Path("go").exists():
    time.sleep(0.01)
return {"x": scale * rng.normal(size=size)}"""
OPEN = '[Value("open", "s", of=mean("x"), equals=0.0, margin=1e-3)]'


def start(*arguments: str) -> subprocess.Popen[str]:
    """A run in a process group of its own, as a shell starts it."""
    command = [sys.executable, "-m", "mcstudy", "run", *arguments]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_interruptions,
    )


def _heed_interruptions() -> None:
    """Tests in the background inherit that SIGINT is ignored, under nohup SIGHUP; a shell's foreground does not."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def kept(journal: Path) -> int:
    """How many blocks another process's journal holds."""
    try:
        with reading(journal) as blocks:
            return len(blocks.done())
    except JournalError:  # not there yet
        return 0


def wait_for(condition: Callable[[], bool], started: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert started.poll() is None, "the run ended too early"
        assert time.monotonic() < deadline, "the run does not come to this"
        time.sleep(0.02)


def same_digests(out: str, whole: dict[str, str]) -> bool:
    digests = json.loads(Path(out, "toy", "ledger.json").read_text())["digests"]
    return all(digests[name] == whole[name] for name in ("draws", "findings"))


def finish(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mcstudy", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def uninterrupted(write_study: WriteStudy) -> dict[str, str]:
    """The digests of the same draws, made in one go and without waiting."""
    ledger = run(load_study(write_study(claims=OPEN)), executor="serial", out=None)
    write_study(body=WAITING, claims=OPEN)
    whole: dict[str, str] = ledger.document["digests"]
    return whole


def test_invariant_to_sigkill(uninterrupted: dict[str, str], project: Path) -> None:
    journal = project / "cut" / "toy" / "draws.sqlite"
    cut = start("toy", "--out", "cut", "--jobs", "2")
    wait_for(lambda: kept(journal) >= 1, cut)
    os.killpg(cut.pid, signal.SIGKILL)
    cut.communicate()
    assert cut.returncode == -signal.SIGKILL
    assert 1 <= kept(journal) < 16
    assert not (project / "cut" / "toy" / "ledger.json").exists()
    (project / "go").touch()
    resumed = finish("toy", "--out", "cut", "--executor", "serial")
    assert resumed.returncode == 1, resumed.stderr
    assert same_digests("cut", uninterrupted)


@pytest.mark.parametrize("executor", ["serial", "joblib", "dask"])
def test_interruption_keeps_what_is_finished_and_says_how_to_resume(
    uninterrupted: dict[str, str], project: Path, executor: str
) -> None:
    journal = project / "cut" / "toy" / "draws.sqlite"
    arguments = ("toy", "--out", "cut", "--jobs", "2", "--executor", executor)
    cut = start(*arguments)
    wait_for(lambda: kept(journal) >= 1, cut)
    os.killpg(cut.pid, signal.SIGINT)  # Ctrl-C reaches the workers too
    shown, said = cut.communicate(timeout=60)
    assert cut.returncode == 130
    assert f"interrupted; everything finished is kept. Resume with: mcstudy run {' '.join(arguments)}" in said
    assert "Traceback" not in said
    assert shown == ""
    assert 1 <= kept(journal) < 16
    (project / "go").touch()
    assert finish(*arguments).returncode == 1
    assert same_digests("cut", uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("executor", ["serial", "joblib", "dask"])
def test_schedulers_and_closed_terminals_end_a_run_as_ctrl_c_does(
    uninterrupted: dict[str, str], project: Path, executor: str, number: signal.Signals
) -> None:
    journal = project / "cut" / "toy" / "draws.sqlite"
    arguments = ("toy", "--out", "cut", "--jobs", "2", "--executor", executor)
    cut = start(*arguments)
    wait_for(lambda: kept(journal) >= 1, cut)
    # A closed terminal tells all processes, a scheduler the one that it has started.
    (os.killpg if number is signal.SIGHUP else os.kill)(cut.pid, number)
    shown, said = cut.communicate(timeout=60)
    assert cut.returncode == 128 + number
    assert said.splitlines()[-1] == (
        f"mcstudy: ended by {number.name}; everything finished is kept. Resume with: mcstudy run {' '.join(arguments)}"
    )
    assert "Traceback" not in said
    assert shown == ""
    assert 1 <= kept(journal) < 16
    (project / "go").touch()
    assert finish(*arguments).returncode == 1
    assert same_digests("cut", uninterrupted)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells workers that their parent is gone")
@pytest.mark.parametrize(("executor", "worker"), [("joblib", "loky"), ("dask", "drawers")])
def test_workers_end_with_their_parent(
    uninterrupted: dict[str, str], project: Path, executor: str, worker: str
) -> None:
    journal = project / "cut" / "toy" / "draws.sqlite"
    cut = start("toy", "--out", "cut", "--jobs", "2", "--executor", executor)
    wait_for(lambda: kept(journal) >= 1, cut)
    workers = [pid for pid in children(cut.pid) if worker in command_of(pid)]
    assert len(workers) >= 2
    os.kill(cut.pid, signal.SIGKILL)  # nobody tells the workers
    _, said = cut.communicate()  # until the last of them is gone
    assert "resource_tracker" not in said
    deadline = time.monotonic() + 10
    while left := [pid for pid in workers if command_of(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


def children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for path in found for pid in path.read_text().split()]


def command_of(pid: int) -> str:
    """How a process was started; nothing where it is gone, or a zombie whom nobody has buried."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def limit_files() -> None:
    """Room for some forty blocks: what is appended is written beside them first, page by page."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_file_that_may_not_grow_ends_the_run_and_loses_nothing(
    write_study: WriteStudy, project: Path
) -> None:
    write_study(claims=OPEN)
    whole = run(load_study(project / "studies" / "toy.py"), executor="serial", out=None, replicates=4096)
    arguments = ("toy", "--out", "cut", "--executor", "serial", "--replicates", "4096")
    command = [sys.executable, "-m", "mcstudy", "run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit_files)
    assert done.returncode == 2
    (said,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert "can't be written" in said
    assert "what is finished is kept" in said
    assert 0 < kept(project / "cut" / "toy" / "draws.sqlite") < 512
    assert finish(*arguments).returncode == 1
    assert same_digests("cut", whole.document["digests"])


def test_whoever_insists_waits_for_no_block(uninterrupted: dict[str, str], project: Path) -> None:
    """The blocks that are under way would never end."""
    journal = project / "cut" / "toy" / "draws.sqlite"
    cut = start("toy", "--out", "cut", "--jobs", "2")
    wait_for(lambda: kept(journal) >= 1, cut)
    for _ in range(100):
        os.killpg(cut.pid, signal.SIGINT)
        try:
            cut.communicate(timeout=0.3)
            break
        except subprocess.TimeoutExpired:
            continue
    # Interrupted once more while Python ends, it dies of it: a shell shows 130 for both.
    assert cut.returncode in (130, -signal.SIGINT)
    assert kept(journal) >= 1
    (project / "go").touch()
    assert finish("toy", "--out", "cut", "--executor", "serial").returncode == 1
    assert same_digests("cut", uninterrupted)


def test_a_second_run_on_a_journal_is_refused_and_harms_nothing(
    uninterrupted: dict[str, str], project: Path
) -> None:
    journal = project / "cut" / "toy" / "draws.sqlite"
    cut = start("toy", "--out", "cut", "--jobs", "1")
    wait_for(lambda: kept(journal) >= 1, cut)
    (line,) = status(Path("cut"))
    assert line.found == "not judged yet"
    assert int(line.drawn[0]) >= 1
    for more in ((), ("--fresh",)):
        second = finish("toy", "--out", "cut", *more)
        assert second.returncode == 2
        assert "is held by another run; wait for it to end, or write elsewhere" in second.stderr
    (project / "go").touch()
    cut.communicate(timeout=60)
    assert cut.returncode == 1
    assert same_digests("cut", uninterrupted)


def test_an_interrupted_script_says_how_to_resume(uninterrupted: dict[str, str], project: Path) -> None:
    command = [sys.executable, "studies/toy.py", "--out", "cut"]
    cut = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_interruptions,
    )
    wait_for(lambda: kept(project / "cut" / "toy" / "draws.sqlite") >= 1, cut)
    os.killpg(cut.pid, signal.SIGINT)
    _, said = cut.communicate(timeout=60)
    assert cut.returncode == 130
    assert "Resume with: python studies/toy.py --out cut" in said
    (project / "go").touch()
    resumed = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert resumed.returncode == 1
    assert same_digests("cut", uninterrupted)
