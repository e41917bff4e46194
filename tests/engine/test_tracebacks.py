"""Tracebacks of functions that travelled by value: with the lines of the file that they came from."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcstudy import Study, run
from mcstudy.engine.loading import load_study

BODY = """if scale == 2.0:
    try:
        halve(size)
    except ZeroDivisionError as error:
        raise RuntimeError("no luck") from error
return {"x": rng.normal(size=size)}"""
TOP = """

def halve(size):
    return size / 0  # on purpose"""


@pytest.fixture
def study(write_study: Callable[..., Path]) -> Study:
    return load_study(write_study(body=BODY, top=TOP))


def texts(study: Study, executor: str) -> set[str]:
    ledger = run(study, executor=executor, jobs=2, out=None)
    return {failure.traceback for failure in ledger.failures}


@pytest.mark.parametrize("executor", ["serial", "joblib"])
def test_a_traceback_names_file_and_line(study: Study, executor: str) -> None:
    (text,) = texts(study, executor)
    source = Path("studies/toy.py").read_text().splitlines()
    number = next(i for i, line in enumerate(source, 1) if "no luck" in line)
    assert f'File "toy.py", line {number}, in simulate' in text
    assert 'raise RuntimeError("no luck") from error' in text
    assert text.endswith("RuntimeError: no luck\n")


def test_the_cause_is_named_too(study: Study) -> None:
    (text,) = texts(study, "serial")
    assert "return size / 0  # on purpose" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "The above exception was the direct cause" in text
    assert "mcstudy/engine" not in text.replace(str(Path(sys.prefix)), "")


def test_executors_tell_the_same(study: Study) -> None:
    assert texts(study, "serial") == texts(study, "joblib")


def test_a_script_names_its_lines(study: Study, project: Path) -> None:
    script = subprocess.run(
        [sys.executable, "studies/toy.py", "--jobs", "2"], capture_output=True, check=False
    )
    assert script.returncode == 3
    assert (
        'File \\"toy.py\\"'
        in (project / "reports" / "toy" / "ledger.json").read_text().split('"traceback"')[1]
    )


def test_exceptions_that_cause_each_other_end(write_study: Callable[..., Path]) -> None:
    body = "one, other = ValueError('one'), KeyError('other')\none.__cause__, other.__cause__ = other, one\nraise one"
    (text,) = texts(load_study(write_study(body=body)), "serial")
    assert "ValueError: one" in text
