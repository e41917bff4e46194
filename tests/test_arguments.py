"""What may stand on a command line: words, options of mcstudy, options of studies; and what the help tells."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcstudy.arguments import split
from mcstudy.cli import COMMANDS

WriteStudy = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]

TOP = """
from dataclasses import replace


def times(study, value):
    return replace(study, scenarios=grid(scale=(float(value), 2.0)))
"""
MORE = 'options=(Option("scale", metavar="X", help="the first scale", apply=times),),'


@pytest.mark.parametrize(
    ("line", "words", "own", "given"),
    [
        ("", [], [], []),
        ("run", ["run"], [], []),
        ("run a b", ["run", "a", "b"], [], []),
        ("run a --jobs 2 b --fresh", ["run", "a", "b"], ["--jobs", "2", "--fresh"], []),
        ("run --jobs=2 a", ["run", "a"], ["--jobs=2"], []),
        ("run --scale 2 a", ["run", "a"], [], [("scale", "2")]),
        ("run --scale=2 a", ["run", "a"], [], [("scale", "2")]),
        ("run a --scale -2", ["run", "a"], [], [("scale", "-2")]),
        ("run a --scale= b", ["run", "a", "b"], [], [("scale", "")]),
        ("run a --scale", ["run", "a"], [], [("scale", "")]),
        ("run a --scale --fresh", ["run", "a"], ["--fresh"], [("scale", "")]),
        ("run a --scale --jobs 2", ["run", "a"], ["--jobs", "2"], [("scale", "")]),
        ("run a --jobs", ["run", "a"], ["--jobs"], []),
        ("run -h a", ["run", "a"], ["-h"], []),
        ("--version", [], ["--version"], []),
    ],
)
def test_split(line: str, words: list[str], own: list[str], given: list[tuple[str, str]]) -> None:
    assert split(line.split()) == (words, own, given)


def test_mcstudy_alone_lists_the_commands(command: Command) -> None:
    code, shown, said = command()
    assert (code, said) == (0, "")
    for name in COMMANDS:
        assert f"\n    {name} " in shown
    assert "130 interrupted" in " ".join(shown.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help(command: Command, name: str, project: Path) -> None:
    code, shown, _ = command(name, "--help")
    assert code == 0
    assert shown.startswith(f"usage: mcstudy {name} ")


@pytest.mark.parametrize(
    "line", ["run toy --help", "run --profile quick toy --help", "run -h toy", "run toy --scale 2 --help", "run studies/toy.py --help"]
)  # fmt: skip
def test_the_help_of_a_study_shows_its_options(write_study: WriteStudy, command: Command, line: str) -> None:
    write_study(top=TOP, more=MORE)
    code, shown, _ = command(*line.split())
    assert code == 0
    assert "options of the study itself:\n  --scale X  the first scale\n" in shown


def test_the_help_of_a_study_without_options_shows_none(write_study: WriteStudy, command: Command) -> None:
    write_study()
    assert "options of the study itself" not in command("run", "toy", "--help")[1]
    code, _, said = command("run", "toi", "--help")
    assert (code, said.count("did you mean toy?")) == (2, 1)


def test_the_help_of_a_script_shows_its_options(write_study: WriteStudy) -> None:
    path = write_study(top=TOP, more=MORE)
    done = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "--scale X  the first scale" in done.stdout


def test_options_may_stand_before_and_between_studies(write_study: WriteStudy, command: Command) -> None:
    write_study("one")
    write_study("two", top=TOP, more=MORE)
    line = "run --executor serial one --scale 3 two --out between"
    assert command(*line.split())[0] == 0
    assert sorted(path.name for path in Path("between").glob("*.html")) == [
        "index.html",
        "one.html",
        "two.html",
    ]


def test_an_unguarded_main_is_run_by_the_command(write_study: WriteStudy, command: Command) -> None:
    path = write_study()
    path.write_text(path.read_text().partition("if __name__")[0] + "main(study)\n")
    code, shown, _ = command("run", "toy", "--executor", "serial")
    assert code == 0
    assert shown.count("report: reports/toy.html") == 1
