"""Pages of several studies, written beside the next one's draws: the same pages, none lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

WriteStudy = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]


def pages(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.html"))}


def test_pages_beside_are_the_pages_of_one_run_each(write_study: WriteStudy, command: Command) -> None:
    for name in ("one", "two"):
        write_study(name)
    assert command("run", "one", "two", "--executor", "serial", "--out", "together")[0] == 0
    together = pages("together")
    assert set(together) == {"index.html", "one.html", "two.html"}
    assert b"one.html" in together["index.html"]
    assert b"two.html" in together["index.html"]
    # Rebuilt from the ledgers alone, in this process, they are the same to the byte.
    assert command("report", "--out", "together")[0] == 0
    assert pages("together") == together


def test_the_page_of_a_study_before_one_that_cannot_be_run_is_there(
    write_study: WriteStudy, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcstudy.engine import run as engine

    for name in ("one", "two"):
        write_study(name)
    judged = engine.run

    def refuses_two(origin: object, **settings: object) -> object:
        if origin.study.name == "two":  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return judged(origin, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "run", refuses_two)
    assert command("run", "one", "two", "--executor", "serial")[0] == 130
    assert set(pages("reports")) == {"index.html", "one.html"}


def test_what_another_process_cannot_write_is_written_here(
    write_study: WriteStudy, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcstudy.engine import pages as beside

    for name in ("one", "two"):
        write_study(name)
    monkeypatch.setattr(beside, "_write_page", _unknown_kind)
    assert command("run", "one", "two", "--executor", "serial")[0] == 0
    assert set(pages("reports")) == {"index.html", "one.html", "two.html"}


def test_a_process_that_dies_costs_no_page(
    write_study: WriteStudy, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcstudy.engine import pages as beside

    names = ("one", "two", "three")
    for name in names:
        write_study(name)
    monkeypatch.setattr(beside, "_write_page", _die)
    assert command("run", *names, "--executor", "serial")[0] == 0
    assert set(pages("reports")) == {"index.html", *(f"{name}.html" for name in names)}


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _unknown_kind(out: Path, name: str) -> None:
    raise ValueError(f"{name}: a kind of claim that only its study defines")
