"""Batches: as large as is right for how long blocks take, every block once and in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario
from mcstudy.draws import Block
from mcstudy.engine import batches
from mcstudy.engine.batches import CAUTION, ENOUGH, LATE, MOST, Backlog, Pace, run_batch
from mcstudy.engine.payload import pack
from mcstudy.engine.worker import BlockResult, Task, run_block


def draw(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    return {"x": n * rng.normal(size=size)}


PAYLOAD = pack(draw, None, [])


def tasks_of(*counts: int) -> list[Task]:
    """So many blocks of n = 1, n = 2, ..."""
    blocks = [
        Block(Scenario(n=n), number) for n, count in enumerate(counts, start=1) for number in range(count)
    ]
    return [Task(block, 4, "toy", 1, (), PAYLOAD) for block in blocks]


def timed(tasks: list[Task], seconds: float, earlier: int = 0) -> list[BlockResult]:
    return [BlockResult(task.block, seconds=seconds, earlier=earlier) for task in tasks]


@pytest.mark.parametrize("enough", [ENOUGH, 10 * ENOUGH])
@pytest.mark.parametrize(
    ("part", "size"),
    [(1 / 10.1, 10), (1 / 10.9, 10), (1.0, 1), (100.0, 1), (0.0, MOST), (1 / MOST / 9, MOST)],
)
def test_a_batch_takes_as_long_as_is_enough(part: float, size: int, enough: float) -> None:
    pace = Pace(enough)
    batches = pace.batches(tasks_of(2 * MOST))
    first = next(batches)
    assert len(first) == 1
    pace.time(timed(first, part * enough))
    assert len(next(batches)) == size


def test_every_block_is_in_one_batch_and_in_order() -> None:
    tasks, pace = tasks_of(7, 1, 40), Pace()
    seen = []
    for batch in pace.batches(tasks):
        assert len({task.block.scenario for task in batch}) == 1
        seen += batch
        pace.time(timed(batch, ENOUGH / 4))
    assert seen == tasks


def test_what_is_known_of_a_scenario_says_nothing_of_another() -> None:
    """The blocks of the next one may take an hour each."""
    pace = Pace()
    batches = pace.batches(tasks_of(100, 100))
    for batch in batches:
        if batch[0].block.scenario == Scenario(n=2):
            break
        pace.time(timed(batch, 1e-6))
    assert len(batch) == 1


def test_first_blocks_travel_together_once_many_were_fast() -> None:
    """Of 100,000 scenarios with a block each, most blocks are the first of theirs."""
    tasks, pace, sizes, seen = tasks_of(*[1] * 2000), Pace(), [], []
    for batch in pace.batches(tasks):
        sizes.append(len(batch))
        seen += batch
        pace.time(timed(batch, 1e-6, earlier=1))
    assert seen == tasks
    assert sizes[:8] == [1] * 8
    assert all(size <= max(1, CAUTION * sum(sizes[:number])) for number, size in enumerate(sizes))
    assert sizes[-2] == CAUTION * LATE


def test_slow_blocks_part_the_first_ones_of_other_scenarios() -> None:
    pace, sizes = Pace(), []
    for number, batch in enumerate(pace.batches(tasks_of(*[1] * 1200))):
        sizes.append(len(batch))
        slow = 60 <= number < 80
        pace.time(timed(batch, ENOUGH if slow else 1e-6, earlier=1))
        pace.time(timed(batch, 1.0, earlier=0))  # the first one of a process is slow for what it loads
    assert max(sizes[:60]) == CAUTION * LATE
    assert sizes[75:81] == [1] * 6
    assert sizes[-2] == CAUTION * LATE


def test_known_scenarios_travel_together() -> None:
    pace, tasks = Pace(), tasks_of(2, 2, 2)
    pace.time(timed(tasks[:4], ENOUGH / 4))
    assert [len(batch) for batch in pace.batches(tasks)] == [4, 1, 1]


def test_the_pace_follows_blocks_that_become_slower() -> None:
    pace, sizes = Pace(), []
    for seconds in [ENOUGH / 100] * 3 + [ENOUGH / 2] * 20:
        batch = next(pace.batches(tasks_of(200)))
        sizes.append(len(batch))
        pace.time(timed(batch, seconds))
    assert sizes[0] == 1
    assert sizes[1:4] == [100] * 3
    assert sizes[4] < 20
    assert sizes[-1] == 2


def test_a_batch_is_drawn_block_by_block() -> None:
    tasks = tasks_of(3, 2)
    for result, task in zip(run_batch(tasks), tasks, strict=True):
        expected = run_block(task)
        assert result.block == task.block
        assert result.data is not None
        assert expected.data is not None
        assert result.data.tobytes() == expected.data.tobytes()


def drawn(batch: list[Task], size: int = 4) -> list[BlockResult]:
    return [BlockResult(task.block, data=np.zeros(size, dtype=[("x", float)])) for task in batch]


def test_nothing_is_handed_out_while_too_much_waits() -> None:
    """It is handed out once enough of it has been used; nothing is skipped."""
    tasks, backlog = tasks_of(20), Backlog(2, room=5 * 32)
    handed = backlog.held_back([task] for task in tasks)
    waiting = [next(handed)]
    backlog.use(drawn(waiting.pop()))  # of which it is known how large a block is
    seen = tasks[:1]
    while (batch := next(handed)) != []:
        waiting.append(batch)
    assert len(waiting) == 6  # five fill the room; the one over it is seen when the next is asked for
    assert next(handed) == []
    while waiting:
        batch = waiting.pop(0)
        backlog.use(drawn(batch))
        seen += batch
        waiting += [more] if (more := next(handed, [])) else []
    assert seen == tasks


@pytest.mark.parametrize("room", [1, 10**9])
def test_what_keeps_workers_busy_is_handed_out_whatever_it_holds(room: int) -> None:
    """And no more, as long as nobody knows how large a block is."""
    handed = Backlog(4, room=room).held_back([task] for task in tasks_of(20))
    assert [len(next(handed)) for _ in range(7)] == [1, 1, 1, 1, 1, 0, 0]


def test_small_and_failed_blocks_make_no_room_for_large_ones() -> None:
    """Six are drawn while one is kept, and of three one is small and one failed: what waits stays within the room."""
    backlog, waiting, most = Backlog(4, room=64 * 32), [], 0
    handed = backlog.held_back([task] for task in tasks_of(4000))
    for number in range(600):
        waiting += [batch for batch in (next(handed) for _ in range(6)) if batch]
        most = max(most, len(waiting))
        batch = waiting.pop(0)
        failed = [BlockResult(task.block) for task in batch]
        backlog.use([failed, drawn(batch), drawn(batch, 1)][number % 3])
    assert most <= 64 + 6


def test_over_an_empty_batch_a_worker_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr("mcstudy.engine.batches.time.sleep", rests.append)
    assert run_batch([]) == []
    run_batch(tasks_of(1))
    assert rests == [batches.REST]
