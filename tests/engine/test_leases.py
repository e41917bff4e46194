"""Leases: held by one, given back, taken over from a process that was killed."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from mcstudy.engine import leases
from mcstudy.engine.leases import lease


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "batch.lease"


def aged(path: Path, seconds: float) -> None:
    """Leave a lease as a process that was killed some time ago has left it."""
    path.touch()
    now = time.time()
    os.utime(path, (now - seconds, now - seconds))


def test_a_lease_is_held_by_one_and_given_back(path: Path) -> None:
    with lease(path) as first:
        with lease(path) as second:
            assert (first, second) == (True, False)
        assert path.exists()
    assert list(path.parent.iterdir()) == []
    with lease(path) as third:
        assert third


def test_a_lease_is_given_back_when_something_goes_wrong(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), lease(path):
        raise KeyboardInterrupt
    assert not path.exists()


@pytest.mark.parametrize(("seconds", "taken"), [(leases.OLD + 5, True), (leases.OLD - 5, False)])
def test_an_old_lease_is_taken_over(path: Path, seconds: float, taken: bool) -> None:
    aged(path, seconds)
    with lease(path) as held:
        assert held == taken
        with lease(path) as second:
            assert not second
    assert list(path.parent.iterdir()) == ([] if taken else [path])


def test_a_lease_stays_young_while_it_is_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.01)
    with lease(path):
        aged(path, 1000.0)
        deadline = time.monotonic() + 20
        while time.time() - path.stat().st_mtime > 500 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert time.time() - path.stat().st_mtime < 500
    monkeypatch.setattr(leases, "BEAT", 1000.0)
    with lease(path):
        aged(path, 1000.0)
        time.sleep(0.1)
        assert time.time() - path.stat().st_mtime > 500


@pytest.mark.parametrize("old", [True, False])
def test_of_many_that_try_at_once_one_holds_it(path: Path, old: bool) -> None:
    if old:
        aged(path, leases.OLD + 5)
    start, held, end = threading.Barrier(8), [], threading.Barrier(8)

    def contend() -> None:
        start.wait()
        with lease(path) as mine:
            held.append(mine)
            end.wait()

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(held) == 1


def test_one_that_was_killed_while_it_took_a_lease_holds_up_no_other(path: Path) -> None:
    taking = path.with_name(f"{path.name}.taking")
    taking.touch()
    aged(path, leases.OLD + 5)
    with lease(path) as mine:
        assert not mine  # another takes it just now
    aged(taking, leases.OLD + 5)
    with lease(path) as mine:
        assert not mine
    with lease(path) as mine:
        assert mine
    assert not list(path.parent.iterdir())
