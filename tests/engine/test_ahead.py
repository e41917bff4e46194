"""Work on what is read: every thing once, in order, in another thread, and no further ahead than is of use."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mcstudy.engine import ahead
from mcstudy.engine.ahead import worked_on


@pytest.mark.parametrize("count", [0, 1, 7, 40])
@pytest.mark.parametrize("size", [1, ahead.TOGETHER // 3, 2 * ahead.TOGETHER])
def test_each_thing_comes_with_its_own_result(count: int, size: int) -> None:
    found = list(worked_on(lambda number: number**2, range(count), lambda _: size))
    assert found == [(number, number**2) for number in range(count)]


def test_the_work_is_done_by_another_thread() -> None:
    found = [ident for _, ident in worked_on(lambda _: threading.get_ident(), "ab", lambda _: ahead.TOGETHER)]
    assert threading.get_ident() not in found


def test_a_little_work_needs_no_other_thread() -> None:
    ((_, found),) = worked_on(lambda _: threading.get_ident(), ["thing"], len)
    assert found == threading.get_ident()


def test_what_is_read_ahead_is_bounded() -> None:
    """Blocks of a journal of gigabytes are not all in memory."""
    read: list[int] = []

    def things() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    for number, _ in worked_on(lambda _: None, things(), lambda _: ahead.TOGETHER):
        assert len(read) <= number + ahead.AHEAD + 2


def test_what_the_work_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        list(worked_on(lambda number: 1 / number, [1, 0], lambda _: 1))


def test_things_that_hold_nothing_are_not_all_read_at_once() -> None:
    """Blocks that failed have no data."""
    read: list[int] = []

    def things() -> Iterator[int]:
        for number in range(200_000):
            read.append(number)
            yield number

    next(worked_on(lambda _: None, things(), lambda _: 0))
    assert len(read) < 100_000


def test_where_there_is_no_thread_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: threading.Thread) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", none)
    found = list(worked_on(lambda number: number**2, range(9), lambda _: ahead.TOGETHER))
    assert found == [(number, number**2) for number in range(9)]
