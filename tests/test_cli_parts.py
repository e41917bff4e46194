"""The command line of parts: what `shard` and `merge` print, how they end, and that the commands they print run as they stand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcstudy.engine.journal import Journal

WriteStudy = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]
SERIAL = ("--executor", "serial", "--quiet")
TOP = """from dataclasses import replace


def times(study, value):
    return replace(study, scenarios=grid(scale=(float(value), 2.0)))
"""
MORE = 'options=(Option("scale", metavar="X", help="the first scale", apply=times),),'


@pytest.fixture(autouse=True)
def unproved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no process to draw a run's first blocks again: tests of the proof do."""
    monkeypatch.setattr("mcstudy.engine.run.check_first", lambda *_, **__: None)


def digests(out: str, name: str = "toy") -> dict[str, str]:
    found: dict[str, str] = json.loads(Path(out, name, "ledger.json").read_text())["digests"]
    return found


@pytest.fixture
def shell(project: Path) -> Callable[[str], None]:
    """A function that runs a line in a shell, in which `mcstudy` is this one."""
    (project / "bin").mkdir()
    script = project / "bin" / "mcstudy"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mcstudy "$@"\n')
    script.chmod(0o755)
    environment = os.environ | {"PATH": f"{project / 'bin'}:{os.environ['PATH']}"}

    def go(line: str) -> None:
        subprocess.run(["bash", "-c", line], check=True, env=environment, capture_output=True, timeout=120)

    return go


def test_parts_are_drawn_and_merged(write_study: WriteStudy, command: Command) -> None:
    write_study()
    for part in ("1/2", "2/2"):
        code, shown, said = command("shard", part, "toy", *SERIAL, "--out", f"parts/{part[0]}")
        assert (code, shown, said) == (0, f"part {part} of toy: 8 of 16 blocks, in parts/{part[0]}\n", "")
    code, shown, said = command("merge", "parts/1", "parts/2", "--out", "joined")
    assert (code, said) == (0, "")
    assert shown.startswith("toy: parts 2, blocks taken 16\n")
    assert "Confirmed  mean" in shown
    assert "report: joined/toy.html" in shown
    for name in ("index.html", "toy.html", "toy/ledger.json", "toy/draws.sqlite", "toy/macros.tex"):
        assert Path("joined", name).stat().st_size > 0
    assert command("run", "toy", *SERIAL)[0] == 0
    assert digests("joined") == digests("reports")
    assert json.loads(Path("joined/toy/ledger.json").read_text())["run"]["executor"] == "merge"
    assert command("verify", "joined", "--jobs", "1")[0] == 0


@pytest.mark.parametrize("line", ["draw them: ", "or all of them on this machine: "])
def test_the_commands_that_are_printed_draw_what_is_missing(
    write_study: WriteStudy, command: Command, shell: Callable[[str], None], line: str
) -> None:
    write_study(top=TOP, more=MORE)
    options = ("--scale", "1.5", "--seed", "3", "--replicates", "128")
    assert command("shard", "2/3", "toy", *options, *SERIAL, "--out", "my parts/2")[0] == 0
    code, shown, _ = command("merge", "my parts/2", "--out", "all of it")
    assert code == 3
    (found,) = (text.removeprefix(line) for text in shown.splitlines() if text.startswith(line))
    shell(found)
    parts = [f"my parts/{n}" for n in (1, 2, 3) if Path(f"my parts/{n}").exists()]
    assert command("merge", *parts, "--out", "all of it")[0] == 0
    assert command("run", "toy", *options, *SERIAL)[0] == 0
    assert digests("all of it") == digests("reports")


def test_all_studies_of_the_folder_and_the_worst_code(write_study: WriteStudy, command: Command) -> None:
    write_study("one")
    write_study("two", claims='[Value("wrong", "s", of=mean("x"), equals=9.0, margin=0.5)]')
    write_study("three")
    for part in ("1/2", "2/2"):
        assert command("shard", part, *SERIAL, "--out", f"parts/{part}")[0] == 0
    folders = ("parts/1/2", "parts/2/2")
    code, shown, _ = command("merge", *folders, "--out", "joined")
    assert code == 1
    assert [f"{name}: parts 2, blocks taken" in shown for name in ("one", "two", "three")] == [True] * 3
    Path("parts/2/2/three/draws.sqlite").unlink()
    Path("joined/three/draws.sqlite").unlink()
    code, shown, _ = command("merge", *folders, "--out", "joined")
    assert code == 3
    assert "three: 8 of 16 blocks are missing" in shown
    assert "one: parts 2, blocks taken 0, 16 were there" in shown


def test_a_block_whose_worker_died_ends_its_part_with_3(write_study: WriteStudy, command: Command) -> None:
    write_study(
        body="import os, signal\nif scale == 2.0 and rng.random() < 0.2:\n    os.kill(os.getpid(), signal.SIGKILL)\nreturn {'x': rng.normal(size=size)}"
    )
    codes = [
        command("shard", f"{n}/2", "toy", "--jobs", "1", "--quiet", "--out", f"parts/{n}")[0] for n in (1, 2)
    ]
    assert sorted(codes) == [0, 3] or codes == [3, 3]
    code, shown, _ = command("merge", "parts/1", "parts/2", "--out", "joined")
    assert code == 3
    assert "first failure: quarantined: the worker process died twice" in shown


@pytest.mark.parametrize(
    ("part", "parts"),
    [
        *((part, "1/4, 2/4, 3/4 and 4/4") for part in ("a/b", "4", "1/0")),
        *((part, "1/3 to 3/3") for part in ("0/3", "5/3")),
    ],
)
def test_what_is_no_part_ends_with_2(
    write_study: WriteStudy, command: Command, part: str, parts: str
) -> None:
    write_study()
    code, shown, said = command("shard", part, "toy", "--out", "parts")
    assert (code, shown) == (2, "")
    assert (
        said
        == f"mcstudy: error: `I/N` must be a part of a number of parts, from 1/N to N/N, got {part!r}; write {parts}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("shard", "1/2", "toy"), "the following arguments are required: --out"),
        (("merge", "parts/1"), "the following arguments are required: --out"),
        (("merge", "--out", "joined"), "the following arguments are required: DIR"),
        (("shard", "1/2", "tou", "--out", "x"), "`STUDY` must be a study in ./studies or a path, got 'tou'; did you mean toy?"),
        (("shard", "1/2", "toy", "--until", "decided", "--out", "x"), "`1/2` must stand without --until"),
        (("shard", "toy", "--until", "decided", "--fresh", "--out", "x"), "`--fresh` must stand without --until"),
        (("shard", "toy", "--until", "later", "--out", "x"), "invalid choice: 'later'"),
        (("shard", "--out", "x"), "`I/N` must be a part of a number of parts, from 1/N to N/N, got ''"),
        (("merge", "parts/1", "--profile", "slow", "--out", "x"), "invalid choice: 'slow'"),
        (("merge", "parts/1", "--scale", "3", "--out", "x"), "unrecognized arguments: --scale"),
        (("merge", "nowhere", "--out", "x"), "`DIR` must be a folder that `mcstudy shard` or `mcstudy run` has written, got nowhere"),
        (("merge", "parts/1", "--out", "parts/1"), "`--out` must be another folder than those of the parts, got parts/1 for both"),
        (("merge", "parts/1", "other", "--out", "x"), "seed of the run: 20261123 -> 3"),
        (("merge", "parts/1", "--replicates", "17", "--out", "x"), "whole number of the study's blocks of 16, got 17; take 32"),
        (("merge", "parts/1", "--replicates", "0", "--out", "x"), "`replicates` must be a positive whole number, got 0"),
        (("merge", "parts/1", "--study", "no.py", "--out", "x"), "`--study` must be a study file, got no.py"),
    ],
)  # fmt: skip
def test_errors_end_with_2_and_leave_nothing(
    write_study: WriteStudy, command: Command, arguments: tuple[str, ...], match: str
) -> None:
    write_study()
    command("shard", "1/2", "toy", *SERIAL, "--out", "parts/1")
    command("shard", "2/2", "toy", *SERIAL, "--seed", "3", "--out", "other")
    code, shown, said = command(*arguments)
    assert (code, shown) == (2, "")
    assert match in said
    assert not Path("x").exists()
    assert command("merge", "parts/1", "--out", "fine")[0] == 3


def test_a_part_that_is_written_is_not_merged(write_study: WriteStudy, command: Command) -> None:
    write_study()
    command("shard", "1/1", "toy", *SERIAL, "--out", "part")
    with Journal(Path("part/toy/draws.sqlite"), 16):
        code, _, said = command("merge", "part", "--out", "joined")
        assert (code, said) == (
            2,
            "mcstudy: error: part part is drawn at the moment; wait for it to end, or leave it out\n",
        )
        assert command("shard", "1/1", "toy", *SERIAL, "--out", "part")[0] == 2
    assert command("merge", "part", "--out", "joined")[0] == 0


def test_an_interrupted_merge_says_how_to_go_on(
    write_study: WriteStudy, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study()
    command("shard", "1/1", "toy", *SERIAL, "--out", "my part")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mcstudy.engine.judging.Judging.check", interrupted)
        code, _, said = command("merge", "my part", "--out", "joined")
    assert code == 130
    assert (
        "interrupted; everything finished is kept. Resume with: mcstudy merge 'my part' --out joined" in said
    )
    assert command("merge", "my part", "--out", "joined")[0] == 0


@pytest.mark.parametrize("names", [(), ("toy",)])
def test_a_study_is_drawn_together(write_study: WriteStudy, command: Command, names: tuple[str, ...]) -> None:
    write_study()
    for _ in range(2):
        code, shown, said = command("shard", "--until", "decided", *names, *SERIAL, "--out", "shared")
        assert (code, said) == (0, "")
        assert "Confirmed  mean" in shown
        assert "report: shared/toy.html" in shown
    assert command("run", "toy", "--until", "decided", *SERIAL)[0] == 0
    assert digests("shared") == digests("reports")
    for name in ("index.html", "toy.html", "toy/draws.sqlite"):
        assert Path("shared", name).stat().st_size > 0
    assert command("status", "--out", "shared")[0] == 0
