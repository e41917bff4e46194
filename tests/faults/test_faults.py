"""Each kind of fault once that no other test makes happen; and a runner that would see what it looks for."""

from __future__ import annotations

import random
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.kinds import KINDS, Fault, ImpossibleError, suffer
from tests.faults.run import SOAK, repeat, undisturbed
from tests.faults.soak import soak
from tests.faults.victim import BLOCKS, Ended, Victim, project, warm

# Signals in mid-run, deaths of workers, damaged journals and lost streams have tests nearer to their mends.
SHORT = (
    "kill",
    "ctrl-c-at-start",
    "little-memory",
    "no-fork",
    "kill-merge",
    "disk-full",
    "journal-read-only",
    "folder-read-only",
    "ledger-beside",
    "study-gone",
    "no-shared-memory",
)


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("faults") / "project"
    project(folder)
    with warm() as process:
        yield Victim(folder, process, random.Random(1))


@pytest.fixture(scope="module")
def right(victim: Victim) -> dict[str, str]:
    return undisturbed(victim)


def test_there_are_many_kinds() -> None:
    assert len(KINDS) >= 30
    assert set(SHORT) < KINDS.keys()
    assert all(kind.codes for kind in KINDS.values())


@pytest.mark.parametrize("name", SHORT)
def test_a_fault_is_told_and_loses_nothing(victim: Victim, right: dict[str, str], name: str) -> None:
    victim.rng.seed(name)
    try:
        outcome = suffer(KINDS[name], victim, right)
    except ImpossibleError as reason:
        pytest.skip(str(reason))
    assert outcome.faults == (), (outcome.ended, outcome.again)


def test_what_a_runner_looks_for_is_seen(victim: Victim, right: dict[str, str]) -> None:
    def lose_a_block(victim: Victim) -> Ended:
        ended = victim.run()
        victim.see()
        with closing(sqlite3.connect(victim.journal)) as journal, journal:
            journal.execute("DELETE FROM blocks WHERE number = 3")
        said = "Traceback (most recent call last):\nmcstudy: error: one\nmcstudy: error: two"
        return Ended(ended.arguments, 7, ended.shown, said)

    control = Fault("control", "a control", (2,), lose_a_block)
    row = repeat(control, victim, {"draws": "", "findings": ""}, 1)
    assert row.faults == ["exit code 7", "a traceback", "2 lines", "2 blocks lost", "other digests"]
    assert row.text() == "| a control | 1 | 7 (1) | `mcstudy: error: one` | 0 | 2 | 0 of 1 |"
    impossible = Fault(
        "never", "never", (0,), lambda victim: (_ for _ in ()).throw(ImpossibleError("no root"))
    )
    assert "not possible here: no root" in repeat(impossible, victim, right, 20).text()


def test_one_run_after_many_faults(victim: Victim, right: dict[str, str]) -> None:
    victim.rng.seed("soak")
    soaked = soak(victim, 3, 320)
    assert (soaked.faults.total(), soaked.lost, soaked.troubles, soaked.ended) == (3, 0, [], True)
    assert victim.digests() == right
    assert len(victim.kept()) == BLOCKS


@pytest.mark.parametrize(
    ("said", "shown", "named"),
    [
        ("", "", "run toy"),
        ("mcstudy: interrupted. Resume with: mcstudy run 'a b' --out x", "", "run 'a b' --out x"),
        ("mcstudy: error: other draws:\n  seed\nstart over with --fresh, or", "", "run toy --fresh"),
        ("", "first failure: x; draw again what failed with: mcstudy run it --quiet", "run it --quiet"),
        ("mcstudy: error: no workers; draw with --executor serial", "", "run toy --executor serial"),
    ],
)
def test_the_command_that_a_message_names(said: str, shown: str, named: str) -> None:
    assert shlex.join(Ended(("run", "toy"), 2, shown, said).named) == named


def test_of_a_killed_run_its_half_started_workers_may_tell() -> None:
    line = "-" * 80
    told = f"\n\n{line}\nLokyProcess-1 failed with traceback: \n{line}\nTraceback (most recent call last):\n"
    orphaned = f"{told}  File x\nEOFError: Ran out of input\n\n\n{line}\n"
    assert Ended((), -9, orphaned * 2, "").is_quiet
    assert not Ended((), -9, orphaned + f"{told}FileNotFoundError\n", "").is_quiet
    assert not Ended((), 143, orphaned, "").is_quiet


def test_the_table_is_of_these_kinds() -> None:
    table = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = [line[2:-2].split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    of_kinds = [row for row in rows if not row[0].startswith(SOAK)]
    assert len(of_kinds) >= 16
    assert {row[0] for row in of_kinds} <= {kind.what for kind in KINDS.values()}
    for row in of_kinds:
        assert (row[1], row[-2], row[-1]) == ("20", "0", "20 of 20")
