"""Output that goes away while a command runs: the command goes on, ends with its own exit code, and shows no traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcstudy.output import lasting_output

WriteStudy = Callable[..., Path]
RUN = [sys.executable, "-m", "mcstudy", "run", "toy", "--executor", "serial"]


@pytest.fixture
def study(write_study: WriteStudy) -> Path:
    return write_study(claims='[Value("mean", r"\\mathbb{E} X = 9", of=mean("x"), equals=9.0, margin=2.0)]')


@pytest.mark.parametrize("closed", ["pipe", "full", "none", "both"])
def test_a_run_ends_with_its_verdict_where_nobody_reads(study: Path, project: Path, closed: str) -> None:
    """1: the mean is not 9."""
    redirect = {"pipe": "| :", "full": "> /dev/full", "none": ">&-", "both": ">&- 2>&-"}[closed]
    script = f'{" ".join(RUN)} {redirect}; echo "${{PIPESTATUS[0]}}" > code'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (project / "code").read_text().strip() == "1"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert (project / "reports" / "toy.html").is_file()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_without_our_characters_shows_others(study: Path, encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(RUN, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Refuted" in done.stdout


class Broken(io.StringIO):
    """A pipe that nobody reads any more after its first line."""

    def write(self, text: str) -> int:
        """Fail from the second text on."""
        if self.getvalue():
            raise BrokenPipeError
        return super().write(text)


def test_streams_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken()
    monkeypatch.setattr(sys, "stdout", broken)
    with lasting_output():
        sys.stdout.write("one")
        sys.stdout.write("two")
        sys.stdout.write("three")
        assert sys.stdout.isatty() is False
    assert sys.stdout is broken
    assert broken.getvalue() == "one"
    with pytest.raises(BrokenPipeError):  # the control
        sys.stdout.write("two")
