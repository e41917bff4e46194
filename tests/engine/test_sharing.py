"""Processes that draw one study together: the result of one, nothing twice, nothing lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.engine.journal import Journal
from mcstudy.engine.leases import lease
from mcstudy.engine.loading import load_study
from mcstudy.engine.reading import reading
from mcstudy.engine.sharing import check_shared, share
from mcstudy.engine.source import Origin
from mcstudy.exceptions import InputError, JournalError, StudyError

pytestmark = pytest.mark.usefixtures("unproved")
WriteStudy = Callable[..., Path]
OPEN = '[Value("open", "s", of=mean("x"), equals=0.0, margin=0.6)]'
# Notes every drawing, and takes a while.
NOTED = """import os, pathlib, time
with pathlib.Path("drawn.txt").open("a") as file:
    file.write(f"{os.getpid()} {scale} {rng.bit_generator.state['state']['state'][0]}\\n")
time.sleep(0.02)
return {"x": scale * rng.normal(size=size)}"""
# Waits until two processes draw.
BOTH = """import os, pathlib, time
pathlib.Path("at").mkdir(exist_ok=True)
pathlib.Path("at", str(os.getpid())).touch()
while len(list(pathlib.Path("at").iterdir())) < 2:
    time.sleep(0.01)"""
# A process with leases that are old soon, but not before a machine that tests much has touched them again; it proves
# nothing: a proof draws a block twice.
PROCESS = """import sys
from mcstudy.engine import leases, run
leases.OLD, leases.BEAT = 8.0, 0.05
run.check_first = lambda *_, **__: None
from mcstudy.cli import command
sys.exit(command(["shard", "--until", "decided", "toy", "--executor", "serial", "--quiet", "--out", "shared"]))"""


@pytest.fixture(autouse=True)
def quick_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures and tables out."""

    def write(ledger: mc.Ledger, out: Path) -> None:
        (out / ledger.study.name / "ledger.json").write_text(ledger.to_json(), encoding="utf-8")
        (out / f"{ledger.study.name}.html").touch()

    monkeypatch.setattr("mcstudy.engine.sharing.write", write)
    monkeypatch.setattr("mcstudy.engine.sharing.PAUSE", 0.01)


def together(study: Path, **options: Any) -> mc.Ledger:
    return share(Origin(load_study(study)), **({"out": "shared", "executor": "serial"} | options))


def alone(study: Path, **options: Any) -> mc.Ledger:
    return mc.run(load_study(study), until="decided", **({"executor": "serial", "out": None} | options))


def batches() -> list[Path]:
    return sorted(Path("shared/.shared").glob("toy-*/toy/draws.sqlite"))


def blocks_in(path: Path) -> set[tuple[str, str, int]]:
    with reading(path) as blocks:
        return blocks.done()


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_one_process_finds_what_a_run_finds(write_study: WriteStudy, profile: str) -> None:
    study = write_study(claims=OPEN)
    ledger = together(study, profile=profile)
    assert ledger.digests == alone(study, profile=profile).digests
    assert ledger.run.command == f"mcstudy run toy --profile {profile} --until decided"
    assert json.loads(Path("shared/toy/ledger.json").read_text())["digests"] == ledger.digests
    assert ledger.digests != alone(study, profile=profile, seed=1).digests


def test_a_run_goes_on_with_what_was_drawn_together(write_study: WriteStudy, counting: Any) -> None:
    study = write_study(claims=OPEN)
    together(study)
    executor = counting()
    assert alone(study, out="shared", executor=executor).digests == alone(study).digests
    assert executor.blocks == {}


def test_what_is_in_the_folder_is_used_and_kept(write_study: WriteStudy, counting: Any) -> None:
    study, executor = write_study(claims=OPEN), counting()
    mc.run(load_study(study), profile="full", replicates=512, executor="serial", out="shared")
    assert together(study, executor=executor).digests == alone(study).digests
    assert executor.blocks == {}
    assert len(blocks_in(Path("shared/toy/draws.sqlite"))) == 64


def test_a_run_that_writes_in_the_folder_is_not_disturbed(write_study: WriteStudy) -> None:
    study = write_study(claims=OPEN)
    with (
        Journal(Path("shared/toy/draws.sqlite"), 16),
        pytest.raises(JournalError, match="is held by another run; wait for it to end"),
    ):
        together(study)
    assert batches()
    assert together(study).digests == alone(study).digests


def test_the_second_takes_all_from_the_first(write_study: WriteStudy, counting: Any) -> None:
    study, second = write_study(claims=OPEN), counting()
    first = together(study)
    before = len(batches())
    shutil.rmtree("shared/toy")
    assert together(study, executor=second).digests == first.digests
    assert second.blocks == {}
    assert len(batches()) == before > 1
    other = counting()
    together(study, executor=other, seed=2, out="elsewhere")
    assert other.blocks


def test_what_a_process_has_finished_outlives_it(
    write_study: WriteStudy, counting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcstudy.engine.sharing.BATCHES", 3)
    study, cut, rest = write_study(claims=OPEN), counting(most=5), counting()
    with pytest.raises(KeyboardInterrupt):
        together(study, executor=cut)
    finished = {key for path in batches() for key in blocks_in(path)}
    assert 0 < len(finished) < 5 == len(cut.blocks)
    assert not list(Path("shared/.shared").glob("*.lease"))
    ledger = together(study, executor=rest)
    assert ledger.digests == alone(study).digests
    assert (
        cut.blocks.keys() & rest.blocks.keys() == cut.blocks.keys() - finished
    )  # of the batch that was under way


def test_a_batch_that_another_draws_is_waited_for(
    write_study: WriteStudy, counting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, first, second = write_study(claims=OPEN), counting(), counting()
    together(study, executor=first)
    hidden = {path.parents[1]: Path("hidden", path.parents[1].name) for path in batches()}
    shutil.rmtree("shared/toy")
    Path("hidden").mkdir()
    (batch, aside) = next(iter(hidden.items()))
    batch.rename(aside)
    slept = []

    def appear(seconds: float) -> None:
        if seconds == 0.01:  # and not one of joblib's threads
            slept.append(seconds)
            aside.rename(batch)

    monkeypatch.setattr("mcstudy.engine.sharing.time.sleep", appear)
    with lease(batch.with_name(f"{batch.name}.lease")):
        together(study, executor=second)
    assert len(slept) == 1
    assert second.blocks == {}


@pytest.mark.parametrize("damage", ["UPDATE blocks SET seconds = 9.5", "DELETE FROM blocks"])
def test_a_damaged_batch_is_drawn_again(write_study: WriteStudy, counting: Any, damage: str) -> None:
    study, executor = write_study(claims=OPEN), counting()
    together(study)
    shutil.rmtree("shared/toy")
    with closing(sqlite3.connect(batches()[0])) as connection, connection:
        damaged = connection.execute(damage).rowcount
    assert together(study, executor=executor).digests == alone(study).digests
    assert len(executor.blocks) == damaged


def test_a_contradictory_or_foreign_batch_is_refused(
    write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write_study(claims=OPEN)
    together(study)
    module = sys.modules["mcstudy.engine.drawkey.describe"]  # whose name its function has too
    with monkeypatch.context() as patched:
        patched.setattr(
            module, "machine", lambda: {"BLAS kernel": "another", "processor instructions": "others"}
        )
        with pytest.raises(
            JournalError,
            match=r"the draws in .*shared depend on something else than those in this process:\n  BLAS kernel",
        ):
            together(study)
        shutil.rmtree("shared/toy")
        with pytest.raises(
            JournalError,
            match=r"the draws in .*toy-[0-9a-f]* depend on something else than those in this process:\n  BLAS kernel",
        ):
            together(study)


def test_another_study_draws_other_batches(write_study: WriteStudy, counting: Any) -> None:
    together(write_study(claims=OPEN))
    study, executor = (
        write_study(claims=OPEN, body='return {"x": scale * rng.standard_t(9, size=size)}'),
        counting(),
    )
    with pytest.raises(JournalError, match="depend on something else"):
        together(study, executor=executor)
    shutil.rmtree("shared/toy")
    assert together(study, executor=executor).digests == alone(study).digests
    assert executor.blocks


def test_a_rule_that_is_broken_ends_it(write_study: WriteStudy) -> None:
    study = write_study(claims=OPEN, body='import numpy\nreturn {"x": numpy.linspace(0.0, 1.0, size)}')
    with pytest.raises(StudyError, match="`simulate` must draw from its `rng`"):
        together(study)
    assert not Path("shared/toy").exists()


def drawn() -> list[str]:
    """Every drawing by any process: the block's stream."""
    return [line.split(" ", 1)[1] for line in Path("drawn.txt").read_text().splitlines()]


def start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS], start_new_session=True, stdout=subprocess.DEVNULL
    )


def test_processes_that_are_killed_lose_nothing(write_study: WriteStudy) -> None:
    """Three draw together, two are killed at random moments."""
    study = write_study(claims=OPEN, body=NOTED)
    rng = random.Random(1)
    processes = [start() for _ in range(3)]
    while not batches():
        time.sleep(0.05)
    for victim in processes[:2]:
        time.sleep(rng.uniform(0.0, 0.3))
        if victim.poll() is None:
            os.killpg(victim.pid, signal.SIGKILL)
    assert processes[2].wait(timeout=120) == 0
    for victim in processes[:2]:
        victim.wait(timeout=60)
    document = json.loads(Path("shared/toy/ledger.json").read_text())
    streams = drawn()
    assert document["digests"] == alone(study).digests
    blocks = document["run"]["replicates"] // 16
    assert len(set(streams)) == blocks
    # Of each of the two no more than the batch that it was drawing.
    assert len(streams) - blocks <= 2 * max(len(blocks_in(path)) for path in batches())


def test_processes_draw_nothing_twice(write_study: WriteStudy) -> None:
    write_study(claims=OPEN, body=f"{BOTH}\n{NOTED}")
    processes = [start() for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    streams = drawn()
    assert (
        len(streams)
        == len(set(streams))
        == json.loads(Path("shared/toy/ledger.json").read_text())["run"]["replicates"] // 16
    )
    workers = {line.split()[0] for line in Path("drawn.txt").read_text().splitlines()}
    assert len(workers) == 2


@pytest.mark.parametrize(
    ("part", "more", "word"),
    [("1/4", {}, "1/4"), ("", {"fresh": True}, "--fresh"), ("toy", {"replicates": 64}, "--replicates")],
)
def test_what_goes_with_parts_only_is_refused(part: str, more: dict[str, Any], word: str) -> None:
    options = {"fresh": False, "replicates": None} | more
    with pytest.raises(InputError, match=f"`{word}` must stand without --until, .*; leave one of them out"):
        check_shared(part, **options)
    check_shared("toy", fresh=False, replicates=None)
