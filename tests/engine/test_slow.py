"""A block that takes far longer than others is told once, while it is under way too; one that is slow with all others is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Study, run
from mcstudy.draws import Block
from mcstudy.engine import slow
from mcstudy.engine.slow import LEAST, TIMES, Slow
from mcstudy.engine.worker import BlockResult
from mcstudy.scenarios import Scenario


def block(number: int, experiment: str = "") -> Block:
    return Block(Scenario(n=1), number, experiment)


class Clock:
    """A time that passes on request."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def watch_of(*seconds: float, experiment: str = "") -> tuple[Slow, list[str], Clock]:
    """A watch that has seen blocks which took so long."""
    said: list[str] = []
    clock = Clock()
    watch = Slow("toy", said.append, clock)
    for number, taken in enumerate(seconds):
        watch.note(BlockResult(block(number, experiment), seconds=taken))
    return watch, said, clock


@pytest.mark.parametrize(
    ("before", "seconds", "told"),
    [
        ((1.0, 1.0, 1.0), TIMES + 1.0, True),
        ((1.0, 1.0, 1.0), TIMES - 1.0, False),
        ((0.001, 0.001), LEAST - 1.0, False),  # nobody has waited
        ((0.001, 0.001), LEAST + 1.0, True),
        ((0.5, 0.5, 9.0), 20.0, True),  # a median, no mean
        ((), 1000.0, False),  # nothing to compare with
    ],
)
def test_a_finished_block_of_twenty_times_the_median(
    before: tuple[float, ...], seconds: float, told: bool
) -> None:
    watch, said, _ = watch_of(*before)
    said.clear()
    watch.note(BlockResult(block(9), seconds=seconds))
    assert len(said) == told
    for text in said:
        assert text.startswith(f"toy: block {block(9).token} took {seconds:.0f} s, where half of the blocks")
        assert text.endswith("with --block-timeout TIME such blocks are given up")


def test_once_an_experiment() -> None:
    watch, said, _ = watch_of(1.0, 1.0, experiment="one")
    for number in (7, 8):
        watch.note(BlockResult(block(number, "one"), seconds=100.0))
        watch.note(BlockResult(block(number, "two"), seconds=100.0))
    assert len(said) == 1  # the other has no faster blocks
    watch.note(BlockResult(block(9, "two"), seconds=100.0 * (TIMES + 1)))
    assert len(said) == 2


def test_what_is_under_way_is_named_before_it_ends() -> None:
    watch, said, clock = watch_of(1.0, 1.0)
    with watch.watching([block(number) for number in range(5)], aside=False):
        clock.now += TIMES - 1.0
        watch.look()
        assert said == []
        clock.now += 2.0
        for number in range(3):  # what is finished meanwhile starts the clock anew
            watch.note(BlockResult(block(number), seconds=1.0))
        watch.look()
        assert said == []
        clock.now += TIMES + 1.0
        watch.look()
        watch.look()
    (text,) = said
    assert f"no block has been finished for {TIMES + 1:.0f} s" in text
    assert f"under way or waiting: {block(3).token}, {block(4).token}, where half" in text


def test_a_run_tells_of_a_block_that_hangs_in_a_worker(
    make_study: Callable[..., Study], listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "LEAST", 0.5)
    monkeypatch.setattr(slow, "BEAT", 0.02)

    def hanging(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        x = rng.normal(size=size)
        time.sleep(2.0 if n == 4 and x[0] > 0.8 else 0.0)
        return {"x": x}

    settings: dict[str, Any] = {"out": None, "progress": listener}
    ledger = run(make_study(simulate=hanging), executor="joblib", jobs=2, **settings)
    (text,) = listener.said
    assert "with --block-timeout" in text
    listener.said.clear()
    monkeypatch.setattr(slow, "LEAST", 60.0)
    again = run(make_study(simulate=hanging), executor="serial", **settings)
    assert listener.said == []  # the control: nothing has taken a minute
    assert again.digests["draws"] == ledger.digests["draws"]
