"""The recipes of the manual: run as a scheduler runs them, by processes of which some are killed at random moments."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from mcstudy import run
from mcstudy.engine.journal import is_held
from mcstudy.engine.loading import load_study
from mcstudy.engine.reading import reading
from mcstudy.exceptions import JournalError

PAGE = Path(__file__).parents[1] / "docs" / "clusters.md"
WriteStudy = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]
PARTS, KILLED = 5, 2
# A part that stalls does not end by itself: it is surely killed before it has drawn all of its blocks.
STALLS = """import os, time
while scale == 2.0 and os.environ.get("STALL"):
    time.sleep(0.01)
return {"x": scale * rng.normal(size=size)}"""
RECIPES = {
    "SLURM": {"SLURM_ARRAY_TASK_ID": "{}", "SLURM_CPUS_PER_TASK": "1"},
    "Together": {"SLURM_CPUS_PER_TASK": "1"},
    "PBS": {"PBS_ARRAY_INDEX": "{}", "PBS_O_WORKDIR": "."},
}


def recipe(heading: str) -> str:
    """The script below a heading, for a smaller study."""
    text = PAGE.read_text(encoding="utf-8")
    (script,) = re.findall(rf"^## {heading}\n.*?```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    number = "8" if heading == "Together" else "200"
    for old, new in (
        (number, str(PARTS)),
        (" linearization ", " toy "),
        ("--jobs", "--executor serial --jobs"),
    ):
        assert old in script
        script = script.replace(old, new)
    return str(script)


@pytest.fixture
def start(project: Path, write_study: WriteStudy) -> Callable[..., subprocess.Popen[bytes]]:
    """A function that starts a script as a process group of its own, in which `mcstudy` is this one."""
    write_study(body=STALLS)
    (project / "bin").mkdir()
    shim = project / "bin" / "mcstudy"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mcstudy "$@"\n')
    shim.chmod(0o755)

    def go(script: str, variables: dict[str, str]) -> subprocess.Popen[bytes]:
        environment = os.environ | variables | {"PATH": f"{shim.parent}:{os.environ['PATH']}"}
        return subprocess.Popen(
            ["bash", "-c", script], env=environment, start_new_session=True, stdout=subprocess.DEVNULL
        )

    return go


Start = Callable[..., subprocess.Popen[bytes]]


def array(
    start: Start, name: str, numbers: Iterable[int], stalled: Iterable[int] = ()
) -> dict[int, subprocess.Popen[bytes]]:
    """The tasks of an array, as a scheduler starts them."""
    return {
        number: start(
            recipe(name),
            {variable: value.format(number) for variable, value in RECIPES[name].items()}
            | ({"STALL": "1"} if number in stalled else {}),
        )
        for number in numbers
    }


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a shell with all that it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL


def wait_for_locks() -> None:
    """What a shell has started dies a moment after it."""
    deadline = time.monotonic() + 60
    while any(is_held(path.with_suffix(".sqlite")) for path in Path("parts").glob("*/toy/draws.lock")):
        assert time.monotonic() < deadline, "a part is held by nobody"
        time.sleep(0.02)


def digests(out: str = "reports") -> dict[str, str]:
    found: dict[str, str] = json.loads(Path(out, "toy", "ledger.json").read_text())["digests"]
    return found


def has_draws() -> bool:
    """Whether a part has drawn a block."""
    for path in Path("parts").glob("*/toy/draws.sqlite"):
        with suppress(JournalError), reading(path) as blocks:  # one that has just begun can't be read
            if blocks.done():
                return True
    return False


def merged(command: Command) -> tuple[int, str]:
    code, shown, said = command("merge", *map(str, sorted(Path("parts").iterdir())), "--out", "reports")
    assert "error" not in said
    return code, shown


@pytest.mark.parametrize("name", ["SLURM", "PBS"])
def test_an_array_whose_tasks_are_killed(start: Start, command: Command, name: str) -> None:
    rng = random.Random(name)
    victims = rng.sample(range(1, PARTS + 1), KILLED)
    tasks = array(start, name, range(1, PARTS + 1), victims)
    for victim in victims:
        time.sleep(rng.uniform(0.0, 3.0))
        kill(tasks.pop(victim))
    assert {task.wait(timeout=120) for task in tasks.values()} == {0}
    code, shown = merged(command)
    assert code == 3
    (numbers,) = re.findall(rf"which belong to parts ([0-9,-]+) of {PARTS}\n", shown)
    again = {int(number) for number in re.findall(r"\d+", re.sub(r"(\d+)-(\d+)", _spelt, numbers))}
    assert again == set(victims)
    assert {task.wait(timeout=120) for task in array(start, name, again).values()} == {0}
    assert merged(command)[0] == 0
    alone = run(load_study(Path("studies/toy.py")), profile="full", executor="serial", out=None)
    assert digests() == alone.digests


def _spelt(found: re.Match[str]) -> str:
    return " ".join(map(str, range(int(found[1]), int(found[2]) + 1)))


def test_a_loop_that_is_killed_and_begun_again(start: Start, command: Command) -> None:
    rng = random.Random(1)
    for _ in range(2):
        loop = start(recipe("Any shell"), {"STALL": "1"})
        while not has_draws():
            time.sleep(0.05)
        time.sleep(rng.uniform(0.0, 1.0))
        kill(loop)
        wait_for_locks()
    assert merged(command)[0] == 3
    assert start(recipe("Any shell"), {}).wait(timeout=120) == 0
    assert merged(command)[0] == 0
    alone = run(load_study(Path("studies/toy.py")), profile="full", executor="serial", out=None)
    assert digests() == alone.digests


def test_an_array_that_draws_together(start: Start) -> None:
    tasks = array(start, "Together", range(1, 4))
    assert {task.wait(timeout=120) for task in tasks.values()} == {0}
    alone = run(load_study(Path("studies/toy.py")), until="decided", executor="serial", out=None)
    assert digests("shared") == alone.digests


def test_the_options_of_schedulers_are_for_as_many_parts(start: Start) -> None:
    assert f"#SBATCH --array=1-{PARTS}\n" in recipe("SLURM")
    assert f"#SBATCH --array=1-{PARTS}\n" in recipe("Together")
    assert f"#PBS -J 1-{PARTS}\n" in recipe("PBS")
    assert f"seq 1 {PARTS} |" in recipe("Any shell")
