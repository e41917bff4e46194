"""Draws as claims read them: column by column, from the journal when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy import Experiment, Replicates, Scenario, Study, Value, mean
from mcstudy.draws import Block, Draws, Failure
from mcstudy.engine import samples
from mcstudy.engine.blocks import Blocks
from mcstudy.engine.journal import Journal
from mcstudy.engine.limit import Limit
from mcstudy.engine.samples import draws_of
from mcstudy.engine.settings import Settings
from mcstudy.engine.source import Origin
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import StudyError

ONE, TWO = Scenario(n=1), Scenario(n=2)
SIZE = 4


def study(missing: tuple[str, ...] = ("y",)) -> Study:
    return Study(
        name="s",
        title="t",
        question="q?",
        source="s",
        block=SIZE,
        replicates=Replicates(SIZE),
        experiments=[
            Experiment(
                "",
                simulate=lambda rng, size, n: {},
                scenarios=(ONE, TWO),
                claims=[Value("m", "s", of=mean("x"), equals=0.0, margin=1.0)],
                missing=missing,
            )
        ],
    )


def drawn(journal: Blocks, replicates: int, scenario: Scenario = ONE, **more: Any) -> Draws:
    own = study(**more)
    settings = Settings(Origin(own), "quick", 1, "serial", 1, Limit.of(own, "quick"))
    return draws_of(settings, own.experiments[0], journal, {("", scenario): replicates})


def block(scenario: Scenario = ONE, number: int = 0, **more: Any) -> BlockResult:
    data = np.zeros(SIZE, dtype=[("x", "<f8"), ("y", "<f8")])
    data["x"] = np.random.default_rng(number).normal(size=SIZE)
    data["y"] = np.nan
    return BlockResult(Block(scenario, number), **({"data": data} | more))


def failure(index: int | None, number: int = 0) -> Failure:
    return Failure(Block(ONE, number), index, "E: no")


@pytest.fixture
def memory() -> Iterator[Journal]:
    with Journal(None, SIZE) as journal:
        yield journal


def test_a_sample_is_in_order_whatever_came_first(memory: Journal) -> None:
    for number in (2, 0, 1):
        memory.append(block(number=number))
    sample = drawn(memory, 2 * SIZE).samples[ONE]
    expected = np.concatenate([np.random.default_rng(number).normal(size=SIZE) for number in (0, 1)])
    np.testing.assert_array_equal(sample.columns["x"], expected)
    assert (sample.replicates, sample.failures, sample.block_size, sample.missing) == (8, 0, SIZE, ("y",))
    assert list(sample.columns) == ["x", "y"]
    assert "z" not in sample.columns
    with pytest.raises(KeyError):
        sample.columns["z"]


def test_failures_mark_their_replicates(memory: Journal) -> None:
    memory.append(BlockResult(Block(ONE, 1), failures=(failure(None, 1),)))
    memory.append(block(number=0, failures=(failure(2),)))
    memory.append(block(number=2))
    sample = drawn(memory, 3 * SIZE).samples[ONE]
    assert sample.valid.tolist() == [True, True, False, True] + [False] * 4 + [True] * 4
    assert np.isnan(sample.columns["x"][4:8]).all()


def test_failures_of_later_blocks_mark_their_own_replicates(memory: Journal) -> None:
    memory.append(block(number=0))
    memory.append(block(number=1, failures=(failure(3, number=1),)))
    assert drawn(memory, 2 * SIZE).samples[ONE].valid.tolist() == [True] * 7 + [False]


def test_failures_alone_have_no_columns(memory: Journal) -> None:
    memory.append(BlockResult(Block(ONE, 0), failures=(failure(None),)))
    assert dict(drawn(memory, SIZE).samples[ONE].columns) == {}


def test_missing_values_that_are_no_longer_allowed_are_refused_when_they_are_read(memory: Journal) -> None:
    memory.append(block())
    columns = drawn(memory, SIZE, missing=()).samples[ONE].columns
    with pytest.raises(StudyError, match=r"column `y` must be finite, .*; allow it with missing=\('y',\)"):
        columns["y"]


def test_a_column_is_read_once_while_there_is_room(memory: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        memory.append(block(number=number))
    read: list[tuple[str, ...]] = []
    reading = samples._read

    def noting(*args: Any) -> Mapping[str, npt.NDArray[np.float64]]:
        read.append(args[-1])
        return reading(*args)

    monkeypatch.setattr(samples, "_read", noting)
    monkeypatch.setattr(samples, "SMALL", 0)

    def columns_read(room: int) -> list[tuple[str, ...]]:
        read.clear()
        monkeypatch.setattr(samples, "ROOM", room)
        columns = drawn(memory, 2 * SIZE).samples[ONE].columns
        for name in ("x", "x", "y", "x"):
            np.testing.assert_array_equal(np.isnan(columns[name]), name == "y")
        return list(read)

    assert columns_read(2 * 64) == [("x",), ("y",)]
    assert columns_read(64) == [("x",), ("y",), ("x",)]
    monkeypatch.setattr(samples, "SMALL", 128)
    assert columns_read(2 * 64) == [("x", "y")]


def test_few_samples_are_at_hand(memory: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found of 100,000 samples would take more memory than it saves time."""
    for scenario in (ONE, TWO):
        memory.append(block(scenario))
    monkeypatch.setattr(samples, "SAMPLES", 1)
    own = study()
    settings = Settings(Origin(own), "quick", 1, "serial", 1, Limit.of(own, "quick"))
    counts = {("", scenario): SIZE for scenario in (ONE, TWO)}
    draws = draws_of(settings, own.experiments[0], memory, counts)
    first = draws.samples[ONE]
    assert draws.samples[ONE] is first
    assert draws.samples[TWO].scenario == TWO
    assert draws.samples[ONE] is not first
    np.testing.assert_array_equal(draws.samples[ONE].columns["x"], first.columns["x"])


def test_nothing_is_asked_of_blocks_that_were_just_written(memory: Journal) -> None:
    memory.append(block())
    memory.append(block(number=1, failures=(failure(2, 1),)))
    asked: list[str] = []
    memory._connection.set_trace_callback(asked.append)
    assert memory.names("", ONE, 2 * SIZE) == ("x", "y")
    assert list(memory.failures_of("", ONE, SIZE)) == []
    assert asked == []
    assert list(memory.failures_of("", ONE, 2 * SIZE)) == [(1, 2)]
    assert len(asked) == 1
