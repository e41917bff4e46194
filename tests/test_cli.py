"""The command line: what it runs, prints, writes, and how it ends."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcstudy import __version__, load
from mcstudy.cli import command as run_command

WriteStudy = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]

WRONG = '[Value("wrong", "s", of=mean("x"), equals=9.0, margin=0.5{})]'
RAISES = 'if scale == 2.0:\n    raise RuntimeError("no luck")\nreturn {"x": rng.normal(size=size)}'
BOUNDED = '[Bound("bound", "|X| \\\\le 3", column="x", at_most=3.0, expected="REFUTED", because="normal draws know no bound")]'
OPTION = """
from dataclasses import replace


def times(study, value):
    return replace(study, scenarios=grid(scale=(float(value), 2.0)))
"""
MORE = 'options=(Option("scale", metavar="X", help="the first scale", apply=times),),'


def ledger(name: str = "toy", out: str = "reports") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(out, name, "ledger.json").read_text())
    return content


def test_a_run_writes_its_report_and_ends_with_0(write_study: WriteStudy, command: Command) -> None:
    write_study()
    code, shown, _ = command("run", "toy", "--executor", "serial")
    assert code == 0
    for name in (
        "index.html",
        "toy.html",
        "toy/ledger.json",
        "toy/draws.sqlite",
        "toy/macros.tex",
        "toy/tables/findings.csv",
    ):
        assert Path("reports", name).stat().st_size > 0
    assert "Confirmed  mean" in shown
    assert "report: reports/toy.html" in shown
    assert "\x1b" not in shown
    run = ledger()["run"]
    assert {key: run[key] for key in ("seed", "profile", "executor", "jobs", "replicates", "failures", "alpha")} == {
        "seed": 20261123, "profile": "quick", "executor": "serial", "jobs": 1, "replicates": 160, "failures": 0, "alpha": 0.01,
    }  # fmt: skip
    assert run["command"] == "mcstudy run toy --profile quick"
    assert not list(Path("reports").rglob("*.tmp"))


def test_every_study_of_the_folder_is_run(write_study: WriteStudy, command: Command) -> None:
    write_study("one", claims=WRONG.format(""))
    write_study("two")
    code, shown, _ = command("run", "--executor", "serial", "--out", "elsewhere")
    assert code == 1  # the worst of all
    assert "report: elsewhere/one.html" in shown
    assert "report: elsewhere/two.html" in shown
    assert "Refuted, not expected  wrong" in shown
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("more", "code"),
    [("", 1), (', expected=Verdict.REFUTED, because="a control"', 0)],
    ids=["unexpected", "expected"],
)
def test_a_refuted_claim(write_study: WriteStudy, command: Command, more: str, code: int) -> None:
    write_study(top="from mcstudy import Verdict", claims=WRONG.format(more))
    assert command("run", "toy", "--executor", "serial")[0] == code
    (finding,) = ledger()["findings"]
    assert (finding["verdict"], finding["as_expected"]) == ("REFUTED", code == 0)


def test_an_open_claim_ends_with_1(write_study: WriteStudy, command: Command) -> None:
    write_study(claims='[Value("open", "s", of=mean("x"), equals=0.0, margin=1e-3)]')
    assert command("run", "toy", "--executor", "serial")[0] == 1


def test_a_failure_ends_with_3_and_its_replay_shows_it_again(
    write_study: WriteStudy, command: Command
) -> None:
    write_study(body=RAISES)
    code, shown, _ = command("run", "toy", "--executor", "serial", "--seed", "7")
    assert code == 3
    document = ledger()
    assert document["findings"][0]["verdict"] == "UNDECIDED"
    assert len(document["failures"]) == 4
    failure = document["failures"][0]
    assert failure["reason"] == "RuntimeError: no luck"
    assert 'raise RuntimeError("no luck")' in failure["traceback"]
    replay = f"mcstudy replay toy --seed 7 {failure['token']}"
    assert f"first failure: RuntimeError: no luck; see it again with: {replay}" in shown
    code, shown, _ = command(*shlex.split(replay)[1:])
    assert code == 3
    assert "RuntimeError: no luck" in shown


def test_a_killed_worker_ends_with_3(write_study: WriteStudy, command: Command) -> None:
    body = "import os, signal\nif scale == 2.0 and rng.random() < 0.2:\n    os.kill(os.getpid(), signal.SIGKILL)\nreturn {'x': rng.normal(size=size)}"
    write_study(body=body)
    assert command("run", "toy", "--jobs", "2")[0] == 3
    document = ledger()
    assert [failure["reason"][:11] for failure in document["failures"]] == ["quarantined"]
    assert document["run"]["replicates"] == 128
    assert [cell["verdict"] for cell in document["findings"][0]["cells"]] == ["CONFIRMED", "UNDECIDED"]


def test_a_witness_replays_from_the_ledger(write_study: WriteStudy, command: Command) -> None:
    write_study(claims=BOUNDED)
    assert command("run", "toy", "--executor", "serial")[0] == 0
    witness = ledger()["findings"][0]["evidence"]["witness"]
    code, shown, _ = command(*shlex.split(ledger()["run"]["replay"])[1:], witness["token"])
    assert code == 0
    heading, column = shown.splitlines()
    assert (
        heading
        == f"toy (scale={witness['scenario']['scale']}), block {witness['block']}, replicate {witness['index']}"
    )
    assert column.split()[0] == "x"
    assert abs(float(column.split()[1])) == witness["value"]


def test_a_study_anywhere_replays_from_where_it_was_run(
    write_study: WriteStudy, command: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "my studies").mkdir()
    (project / "below").mkdir()
    write_study(claims=BOUNDED, folder="my studies")
    monkeypatch.chdir(project / "below")
    assert command("run", "../my studies/toy.py", "--executor", "serial")[0] == 0
    document = ledger()
    witness = document["findings"][0]["evidence"]["witness"]
    code, shown, _ = command(*shlex.split(document["run"]["replay"])[1:], witness["token"])
    assert code == 0
    assert abs(float(shown.split()[-1])) == witness["value"]
    assert command(*shlex.split(document["run"]["command"])[1:], "--executor", "serial", "--fresh")[0] == 0
    assert ledger()["digests"] == document["digests"]


def test_a_script_is_the_same_run(write_study: WriteStudy, command: Command) -> None:
    write_study(claims=BOUNDED)
    assert command("run", "toy", "--executor", "serial")[0] == 0
    script = subprocess.run(
        [sys.executable, "studies/toy.py", "--out", "by_script", "--jobs", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert script.returncode == 0, script.stderr
    assert ledger(out="by_script")["digests"] == ledger()["digests"]
    assert ledger(out="by_script")["run"]["command"] == ledger()["run"]["command"]
    # Journals are exchangeable too: nothing is drawn, and nothing is refused.
    assert command("run", "toy", "--executor", "serial", "--out", "by_script")[0] == 0


def test_a_script_refuses_as_the_command_does(write_study: WriteStudy, project: Path) -> None:
    write_study()
    script = subprocess.run(
        [sys.executable, "studies/toy.py", "--jobs", "0"], capture_output=True, text=True, check=False
    )
    assert script.returncode == 2
    assert script.stderr == "mcstudy: error: `jobs` must be at least 1, got 0\n"
    assert not (project / "reports").exists()


def test_list_shows_the_studies(write_study: WriteStudy, command: Command) -> None:
    write_study("one")
    write_study("two")
    code, shown, _ = command("list")
    assert code == 0
    assert "one" in shown
    assert "two" in shown
    assert "Is the mean zero?" in shown


def test_report_writes_pages_again(write_study: WriteStudy, command: Command) -> None:
    write_study()
    command("run", "toy", "--executor", "serial")
    page = Path("reports/toy.html").read_bytes()
    Path("reports/toy.html").unlink()
    Path("reports/index.html").unlink()
    code, shown, _ = command("report")
    assert code == 0
    assert shown.split() == ["reports/toy.html", "reports/index.html"]
    assert Path("reports/toy.html").read_bytes() == page
    assert Path("reports/index.html").exists()


def test_options_of_a_study(write_study: WriteStudy, command: Command) -> None:
    write_study(top=OPTION, more=MORE)
    for given in (("--scale", "5"), ("--scale=5",)):
        assert command("run", "toy", *given, "--executor", "serial", "--fresh")[0] == 0
        document = ledger()
        assert document["design"]["experiments"][0]["factors"] == {"scale": [5.0, 2.0]}
        assert document["run"]["command"] == "mcstudy run toy --scale 5 --profile quick"
    code, _, said = command("run", "toy", "--scale", "6", "--executor", "serial")
    assert code == 2
    assert "options of the run: --scale 5 -> --scale 6" in said


def test_two_studies_of_which_one_has_the_option(write_study: WriteStudy, command: Command) -> None:
    write_study("one", top=OPTION, more=MORE)
    write_study("two")
    assert command("run", "--scale", "5", "--executor", "serial")[0] == 0
    assert ledger("one")["design"]["experiments"][0]["factors"] == {"scale": [5.0, 2.0]}
    assert ledger("two")["design"]["experiments"][0]["factors"] == {"scale": [1.0, 2.0]}


def test_version_and_help(command: Command) -> None:
    assert command("--version") == (0, f"mcstudy {__version__}\n", "")
    code, shown, _ = command("--help")
    assert code == 0
    for name in ("run", "list", "report", "replay", "verify", "cite", "publish"):
        assert name in shown
    assert "130 interrupted" in " ".join(shown.split())
    assert command("run", "--help")[0] == 0


def test_profiles_and_seeds_reach_the_run(write_study: WriteStudy, command: Command) -> None:
    write_study()
    assert command("run", "toy", "--profile", "full", "--seed", "3", "--executor", "serial")[0] == 0
    run = ledger()["run"]
    assert (run["profile"], run["seed"], run["replicates"]) == ("full", 3, 512)
    assert run["command"] == "mcstudy run toy --profile full --seed 3"


def test_the_same_ledger_but_for_times(write_study: WriteStudy, command: Command) -> None:
    write_study(claims=BOUNDED)
    documents = []
    for out in ("one", "other"):
        command("run", "toy", "--executor", "serial", "--out", out)
        document = ledger(out=out)
        del document["run"]["seconds"], document["provenance"]["started"], document["timings"]
        for part in ("run", "provenance", "timings"):
            del document["seal"][part]
        documents.append(document)
    assert documents[0] == documents[1]


def test_an_interruption_ends_with_130(write_study: WriteStudy, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(body="raise KeyboardInterrupt")
    assert run_command(["run", "toy", "--executor", "serial", "--out", "my out"]) == 130
    said = capsys.readouterr().err
    assert "Resume with: mcstudy run toy --executor serial --out 'my out'" in said
    assert not Path("my out").exists()


def test_as_a_module(project: Path) -> None:
    for module in ("mcstudy", "mcstudy.cli"):
        done = subprocess.run(
            [sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, f"mcstudy {__version__}\n")


def test_brackets_in_words_are_shown(write_study: WriteStudy, command: Command) -> None:
    """The terminal's markup is written in brackets too."""
    path = write_study()
    path.write_text(
        path.read_text()
        .replace("A study of nothing much", "Noise [red] over [/] signal")
        .replace('"Is the', '"[b]Is the')
    )
    code, shown, said = command("run", "toy", "--executor", "serial")
    assert code == 0, said
    assert "Noise [red] over [/] signal" in shown
    assert "[b]Is the mean zero?" in command("list")[1]


def test_a_ledger_has_the_keys_of_its_contract(write_study: WriteStudy, command: Command) -> None:
    write_study(body=RAISES)
    command("run", "toy", "--executor", "serial")
    document = ledger()
    keys = {
        "study": {"name", "title", "question", "source", "answer", "authors", "url"},
        "design": {"block_size", "stages", "experiments"},
        "run": {"seed", "profile", "executor", "jobs", "replicates", "failures", "seconds", "alpha", "command", "replay"},
        "digests": {"draws", "findings", "source", "key", "recipe"},
    }  # fmt: skip
    assert document["schema"] == 2
    for part, expected in keys.items():
        assert set(document[part]) == expected
    for name in keys["digests"]:
        assert len(document["digests"][name]) == 64
    (finding,) = document["findings"]
    assert set(finding) >= {
        *("id", "experiment", "statement", "kind", "source", "expected", "role", "because", "verdict", "guarantee"),
        *("as_expected", "theory", "margin", "estimate", "mcse", "interval", "confidence", "replicates", "cells", "evidence"),
    }  # fmt: skip
    assert set(finding["cells"][0]) >= {
        *("scenario", "theory", "estimate", "mcse", "interval", "verdict", "replicates", "missing"),
    }  # fmt: skip
    for failure in document["failures"]:
        assert set(failure) == {"experiment", "scenario", "block", "index", "token", "reason", "traceback"}
    assert document["run"]["seconds"] > 0
    assert {"started", "python", "libraries", "cpu", "blas", "git"} <= set(document["provenance"])
    assert (document["sections"], document["overlays"], document["measures"]) == ([], [], [])


DECLARES = 'x = rng.normal(size=size)\nreturn {"x": x, "failure": ["late"] + [""] * (size - 1)}'
ALLOWS = '[Value("mean", "s", of=mean("x"), equals=0.0, margin=9.0, allowed_failures=99)]'


def test_failures_that_claims_allow_end_with_0(write_study: WriteStudy, command: Command) -> None:
    write_study(body=DECLARES, claims=ALLOWS)
    code, shown, _ = command("run", "toy", "--executor", "serial")
    assert code == 0, shown
    assert "first failure: late; see it again with: mcstudy replay toy " in shown
    write_study(body=DECLARES, claims=ALLOWS.replace("99", "1"))
    assert command("run", "toy", "--executor", "serial")[0] == 3


def test_failures_about_which_no_claim_says_anything_end_with_3(
    write_study: WriteStudy, command: Command
) -> None:
    more = 'measures=[__import__("mcstudy").Measure("m", of=mean("x"))],'
    write_study(body=DECLARES, claims="[]", more=more)
    assert command("run", "toy", "--executor", "serial")[0] == 3


def test_status_export_and_compare(write_study: WriteStudy, command: Command) -> None:
    write_study()
    for out, seed in (("one", "1"), ("other", "2")):
        assert command("run", "toy", "--executor", "serial", "--out", out, "--seed", seed)[0] == 0
    code, shown, _ = command("status", "--out", "one")
    assert code == 0
    assert shown.splitlines()[0] == "Studies in one"
    assert "1 confirmed" in shown
    code, shown, _ = command("export", "toy", "--out", "one", "--format", "json")
    assert (code, shown) == (0, "one/toy/draws.json\n")
    assert set(json.loads(Path("one/toy/draws.json").read_text())[0]) == {"scale", "block", "replicate", "x"}
    assert command("export", "toy", "--out", "one")[1] == "one/toy/draws.csv\n"
    code, shown, _ = command("compare", "one/toy", "other/toy/ledger.json")
    assert code == 0
    assert "mean   confirmed  confirmed" in shown


def test_what_was_run_is_named_by_its_name_or_its_file(write_study: WriteStudy, command: Command) -> None:
    path = write_study()
    path = path.rename(path.with_name("another.py"))  # the study keeps its name
    assert command("run", str(path), "--executor", "serial")[0] == 0
    for word in ("toy", str(path), "another"):
        assert "1 confirmed" in command("status", word)[1]
        assert command("export", word)[1] == "reports/toy/draws.csv\n"
        assert command("report", word)[1] == "reports/toy.html\nreports/index.html\n"
    code, _, said = command("status", "studies/toy.py")
    assert (code, "`STUDY` must be a study's name or file, got 'studies/toy.py': no such file" in said) == (
        2,
        True,
    )
    path.unlink()
    assert "1 confirmed" in command("status", "toy")[1]


def test_status_ends_with_3_where_something_can_not_be_read(
    write_study: WriteStudy, command: Command
) -> None:
    for name in ("one", "two", "three"):
        write_study(name)
    assert command("run", "--executor", "serial")[0] == 0
    Path("reports/one/draws.sqlite").write_text("no journal\n" * 99)
    Path("reports/two/ledger.json").write_text("{")
    code, shown, _ = command("status")
    assert code == 3
    assert "file is not a database" in shown
    assert "the ledger can't be read" in shown
    assert "1 confirmed" in shown
    assert command("status", "three")[0] == 0


def test_compare_ends_with_1_where_verdicts_differ(write_study: WriteStudy, command: Command) -> None:
    for out, claims in (
        ("one", WRONG.format("")),
        ("other", WRONG.format("").replace("9.0", "0.0").replace("0.5", "9.0")),
    ):
        write_study(claims=claims)
        command("run", "toy", "--executor", "serial", "--out", out)
    code, shown, _ = command("compare", "one/toy", "other/toy")
    assert code == 1
    assert "another verdict" in shown


def test_what_failed_by_accident_is_drawn_again_by_the_command_that_is_named(
    write_study: WriteStudy, command: Command, project: Path
) -> None:
    body = """import pathlib
x = rng.normal(size=size)
if x[0] > 0.0 and pathlib.Path("accident").exists():
    raise ValueError
return {"x": x}"""
    write_study(body=body)
    (project / "accident").touch()
    code, shown, _ = command("run", "toy", "--executor", "serial", "--out", "some where")
    assert code == 3
    (line,) = [line for line in shown.splitlines() if line.startswith("first failure: ")]
    assert line.startswith("first failure: ValueError; see it again with: mcstudy replay toy ")
    again = line.partition("; once its cause is gone, draw again what failed with: mcstudy ")[2]
    assert again == "run toy --profile quick --out 'some where' --retry-failures"
    (project / "accident").unlink()
    assert command(*shlex.split(again))[0] == 0
    assert command("run", "toy", "--executor", "serial", "--out", "whole")[0] == 0
    assert load("some where/toy").failures == ()
    assert load("some where/toy").digests == load("whole/toy").digests
