"""The proof: a run draws blocks twice, in two processes or two runs, and stops with the cause where they differ."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Experiment, Replicates, Study, Value, grid, mean, run
from mcstudy.engine import proof
from mcstudy.engine.loading import load_study
from mcstudy.exceptions import StudyError

pytestmark = pytest.mark.usefixtures("no_report")
WriteStudy = Callable[..., Path]

# What a study does wrong, how it does it, and what the message says of it.
FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "the order of a set": (
        {"body": 'names = {"x", "alpha", "beta", "gamma", "delta", "epsilon"}\nreturn {name: rng.normal(size=size) for name in names}'},
        "the order of a set or of hashes, which is another in each process; loop over sorted(...) or a tuple",
    ),
    "a hash that was taken before": (
        # The whole hash: of a few values two processes may well have the same.
        {"top": 'SHIFT = float(hash("a"))', "body": 'return {"x": rng.normal(size=size) + SHIFT}'},
        "the order of a set or of hashes",
    ),
    "a clock": (
        {"top": "import time", "body": 'return {"x": rng.normal(size=size) + time.perf_counter()}'},
        "randomness other than `rng`, a clock, or what earlier calls left behind; draw from `rng` only",
    ),
    "a generator of its own": (
        {"top": "import numpy as np", "body": 'return {"x": np.random.default_rng().normal(size=size)}'},
        "randomness other than `rng`",
    ),
    "a count of its calls": (
        {"top": "CALLS = []", "body": 'CALLS.append(1)\nreturn {"x": rng.normal(size=size) + len(CALLS)}'},
        "what earlier calls left behind",
    ),
    "a setting of the process": (
        {"top": "import math", "body": 'return {"x": rng.normal(size=size) + math.tau}'},
        "a setting of this process (np.seterr, an environment variable, a patched module), or a global that has changed",
    ),
}  # fmt: skip


WORKERS = ("the order of a set", "a count of its calls", "a setting of the process")


@pytest.mark.parametrize(
    ("name", "executor"), [(name, "serial") for name in FAULTS] + [(name, "joblib") for name in WORKERS]
)
def test_draws_that_depend_on_more_than_the_seed(
    write_study: WriteStudy, project: Path, monkeypatch: pytest.MonkeyPatch, name: str, executor: str
) -> None:
    parts, cause = FAULTS[name]
    study = load_study(write_study(**parts))
    monkeypatch.setattr("math.tau", 6.0)
    with pytest.raises(StudyError) as raised:
        run(study, executor=executor, jobs=2, out="reports")
    assert (
        "must give the same block whenever and wherever it is drawn, but another process drew other numbers. The likely cause: "
        in str(raised.value)
    )
    assert cause in str(raised.value)
    assert not (project / "reports").exists()


def test_other_processes_have_other_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    for own in proof.HASH_SEEDS:
        monkeypatch.setenv("PYTHONHASHSEED", own)
        assert own not in proof._other_seeds()
        assert len(proof._other_seeds()) == len(proof.HASH_SEEDS) - 1


@pytest.mark.parametrize("executor", ["serial", "joblib"])
def test_a_set_of_two_is_drawn_in_many_orders(write_study: WriteStudy, executor: str) -> None:
    """Its order is the same in half of all pairs of processes: one other process would often not notice."""
    body = 'drawn = {word: rng.normal(size=size) for word in WORDS}\nreturn {"x": drawn["aa"]}'
    study = load_study(write_study(top='WORDS = {"aa", "bb"}', body=body))
    with pytest.raises(StudyError, match="the order of a set or of hashes"):
        run(study, executor=executor, jobs=2, out=None)


def test_a_set_that_only_answers_is_no_fault(write_study: WriteStudy) -> None:
    body = 'return {"x": rng.normal(size=size) + 0.0 * ("aa" in WORDS)}'
    run(load_study(write_study(top='WORDS = {"aa", "bb"}', body=body)), executor="serial", out=None)


def test_what_a_single_block_leaves_behind_is_found_out(write_study: WriteStudy) -> None:
    """With one block a worker nothing came before any: it is drawn once more where something has."""
    body = 'return {"x": rng.normal(size=size) + FIRST.setdefault("shift", rng.normal())}'
    more = "replicates=Replicates(first=16, quick=16, full=16),"
    path = write_study(top="FIRST = {}", body=body)
    path.write_text(path.read_text().replace("replicates=Replicates(first=64, quick=128, full=256),", more))
    with pytest.raises(StudyError, match="must give the same block whenever and wherever it is drawn"):
        run(load_study(path), executor="joblib", jobs=2, out=None)


def test_what_changes_after_the_import_is_found_out(write_study: WriteStudy) -> None:
    study = load_study(
        write_study(top="SHIFT = [0.0]", body='return {"x": SHIFT[0] + rng.normal(size=size)}')
    )
    study[""].simulate.__globals__["SHIFT"][0] = 5.0
    with pytest.raises(StudyError, match="or a global that has changed since it was imported"):
        run(study, executor="serial", out=None)


def test_what_fails_elsewhere_is_said(write_study: WriteStudy) -> None:
    study = load_study(write_study(top="TABLE = None", body='return {"x": TABLE[0] + rng.normal(size=size)}'))
    study[""].simulate.__globals__["TABLE"] = (0.0,)
    match = "but a second time it failed: TypeError: 'NoneType' object is not subscriptable"
    with pytest.raises(StudyError, match=match):
        run(study, executor="serial", out=None)


def kept(write_study: WriteStudy, project: Path) -> Study:
    """A study that reads a file which it does not declare, and was run."""
    (project / "data.txt").write_text("0.0")
    body = 'return {"x": float(open("data.txt").read()) + rng.normal(size=size)}'
    study = load_study(
        write_study(
            top="from pathlib import Path",
            body=body.replace('open("data.txt").read()', 'Path("data.txt").read_text()'),
        )
    )
    run(study, executor="serial", out="reports")
    return study


def test_an_undeclared_file_that_changed_stops_the_next_run(write_study: WriteStudy, project: Path) -> None:
    study = kept(write_study, project)
    (project / "data.txt").write_text("5.0")
    journal = project / "reports" / "toy" / "draws.sqlite"
    before = journal.read_bytes()
    with pytest.raises(StudyError, match="but an earlier run kept other numbers") as raised:
        run(study, executor="serial", out="reports")
    assert "a data file has changed that `inputs=` does not name" in str(raised.value)
    assert journal.stat().st_size == len(before)
    (project / "data.txt").write_text("0.0")
    run(study, executor="serial", out="reports")


def test_an_undeclared_file_that_is_gone_is_said(write_study: WriteStudy, project: Path) -> None:
    study = kept(write_study, project)
    (project / "data.txt").unlink()
    with pytest.raises(StudyError, match="but a second time it failed: FileNotFoundError"):
        run(study, executor="serial", out="reports")


def experiments(count: int) -> list[Experiment]:
    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size)}

    return [
        Experiment(f"e{index}", simulate=simulate, scenarios=grid(n=(1, 2)), claims=[Value(f"m{index}", "s", of=mean("x"), equals=0.0, margin=9.0)])
        for index in range(count)
    ]  # fmt: skip


@pytest.fixture
def three() -> Study:
    return Study(name="toy", title="t", question="q?", source="s", block=16, experiments=experiments(3), replicates=Replicates(first=64, quick=128, full=128))  # fmt: skip


@pytest.mark.parametrize("executor", ["serial", "joblib"])
def test_it_costs_a_block_an_experiment(three: Study, monkeypatch: pytest.MonkeyPatch, executor: str) -> None:
    again: list[str] = []
    for name in ("_here", "_in_child"):
        draw = getattr(proof, name)

        def counted(tasks: Any, *more: Any, draw: Any = draw) -> Any:
            again.extend(task.block.experiment for task in tasks)
            return draw(tasks, *more)

        monkeypatch.setattr(proof, name, counted)
    run(three, executor=executor, jobs=2, out=None)
    assert sorted(again) == ["e0", "e1", "e2"]


def test_the_block_that_is_drawn_again_came_after_another(
    make_study: Callable[..., Study], counting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first block of a process shows nothing of what earlier ones leave behind."""

    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size) / 1024}  # a function that no other test has drawn with

    again: list[Any] = []

    def here(tasks: Any) -> list[Any]:
        again.extend(tasks)
        return []

    monkeypatch.setattr(proof, "_here", here)
    executor = counting()
    run(make_study(simulate=simulate), executor=executor, out=None)
    assert len(again) == 1
    assert again[0].block.key != next(iter(executor.blocks))


@pytest.mark.usefixtures("project")
def test_on_a_resume_it_costs_one_block(three: Study, counting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = counting()
    run(three, executor=first, out="reports")
    again: list[Any] = []
    here = proof._here
    monkeypatch.setattr(proof, "_here", lambda tasks: [again.extend(tasks), *here(tasks)][1:])  # type: ignore[func-returns-value]
    second = counting()
    run(three, executor=second, out="reports")
    assert len(again) == 1
    assert again[0].block.key in first.blocks
    assert second.blocks == {}


def test_which_block_is_chance(three: Study, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(three, executor="serial", out="reports")
    chosen = set()
    monkeypatch.setattr(
        "mcstudy.engine.run.check_stored", lambda study, journal, task: chosen.add(task.block)
    )
    for _ in range(6):
        run(three, executor="serial", out="reports")
    assert len(chosen) > 1  # P(one of 24 six times) = 24**-5


@pytest.mark.usefixtures("project")
def test_a_block_that_failed_is_not_drawn_again(
    make_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have killed its worker; and that it fails again would show nothing."""

    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        if n == 1:
            raise RuntimeError
        return {"x": rng.normal(size=size)}

    study = make_study(simulate=simulate, scenarios=grid(n=(1, 2)))
    run(study, executor="serial", out="reports")
    chosen = set()
    monkeypatch.setattr(
        "mcstudy.engine.run.check_stored", lambda study, journal, task: chosen.add(task.block.scenario["n"])
    )
    for _ in range(6):
        run(study, executor="serial", out="reports")
    assert chosen == {2}


def test_a_machine_that_starts_no_process_proves_nothing_and_goes_on(
    three: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert len(run(three, executor="serial", out=None)) == 3


def test_hash_seeds_are_never_this_process_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in ("0", "1", "2", "3", "random"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        others = proof._other_seeds()
        assert seed not in others
        assert len(others) >= 2
    assert os.environ["PYTHONHASHSEED"] == "random"


def test_a_few_blocks_of_each_experiment_come_before_all_others(three: Study, counting: Any) -> None:
    """More than there are workers: then one of them draws twice, and shows what its first call left behind."""
    executor = counting()
    run(three, executor=executor, out=None)
    assert [key[0] for key in list(executor.blocks)[:9]] == ["e0"] * 3 + ["e1"] * 3 + ["e2"] * 3
