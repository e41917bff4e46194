"""What the terminal shows meanwhile."""

from __future__ import annotations

import io

import pytest

from mcstudy.engine import progress
from mcstudy.engine.progress import Plain, Progress, Terminal, progress_for


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def go(shown: progress.Progress, blocks: int = 3) -> None:
    shown.warn("toy: more draws [are] wanted")
    for look in (1, 2):
        shown.look("toy", look, blocks)
        for _ in range(blocks):
            shown.advance()
        shown.close()


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.0, 105.0, 109.9, 110.0, 110.0, 111.0, 112.0, 113.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    stream = io.StringIO()
    go(Plain(stream))
    assert stream.getvalue().splitlines() == [
        "toy: more draws [are] wanted",
        "toy: before look 1, 1 of 3 blocks",
        "toy: before look 2, 1 of 3 blocks",
    ]


def test_a_terminal_gets_a_bar_that_goes_away() -> None:
    stream = Screen()
    go(Terminal(stream))
    assert "before look 2" in stream.getvalue()
    assert "toy: more draws [are] wanted" in stream.getvalue()  # no markup


def test_a_look_without_blocks_is_closed_quietly() -> None:
    stream = Screen()
    shown = Terminal(stream)
    shown.look("toy", 1, 0)
    shown.close()
    shown.close()


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    go(Progress())
    assert capsys.readouterr() == ("", "")


def test_the_stream_decides() -> None:
    assert isinstance(progress_for(Screen()), Terminal)
    assert isinstance(progress_for(io.StringIO()), Plain)
