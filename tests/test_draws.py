"""Blocks, and the columns that were drawn in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import judge
from mcstudy.draws import Block, Draws, Failure, Sample, summarise
from mcstudy.exceptions import InputError, StudyError
from mcstudy.statistics.portions import PORTION

ONE = mc.Scenario(n=1)
NAN = np.nan


def sample(values: list[float], missing: tuple[str, ...] = (), **more: list[float]) -> Sample:
    """A sample of blocks of two, whose replicates failed where x is NaN unless it may be missing."""
    columns = {name: np.array(column) for name, column in {"x": values, **more}.items()}
    valid = np.ones(len(values), dtype=np.bool_) if "x" in missing else ~np.isnan(columns["x"])
    return Sample(ONE, columns, valid, block_size=2, experiment="e", missing=missing)


def test_a_block_has_one_address() -> None:
    block = Block(ONE, 3)
    assert block.key == ("", ONE.key, 3)
    assert block.token == f"{ONE.digest}:3"
    assert str(block) == "(n=1), block 3"


def test_a_block_of_an_experiment_is_named_by_it() -> None:
    block = Block(ONE, 3, "worst")
    assert block.key == ("worst", ONE.key, 3)
    assert block.token == f"worst/{ONE.digest}:3"
    assert str(block) == "(worst, n=1), block 3"
    assert block != Block(ONE, 3)


def test_a_failure_is_a_replicate_or_a_block() -> None:
    block = Block(ONE, 3, "worst")
    assert Failure(block, 5, "why").token == f"{block.token}:5"
    assert Failure(block, None, "why").token == block.token


def test_values_leave_out_failed_replicates_and_locate_finds_the_others() -> None:
    drawn = sample([0.0, NAN, 2.0, NAN, 4.0, 5.0])
    assert (drawn.replicates, drawn.failures) == (6, 2)
    (values,) = drawn.values("x")
    np.testing.assert_array_equal(values, [0.0, 2.0, 4.0, 5.0])
    found = [drawn.locate(position, "x") for position in range(4)]
    assert found == [(Block(ONE, number, "e"), index) for number, index in ((0, 0), (1, 0), (2, 0), (2, 1))]


def test_values_of_several_columns_are_those_where_all_have_one() -> None:
    """A column may lack values that the other has: what is compared stays paired."""
    drawn = sample([0.0, NAN, 2.0, 3.0], y=[9.0, 8.0, NAN, 6.0], missing=("y",))
    x, y = drawn.values("x", "y")
    np.testing.assert_array_equal([x, y], [[0.0, 3.0], [9.0, 6.0]])
    np.testing.assert_array_equal(drawn.values("x")[0], [0.0, 2.0, 3.0])
    assert drawn.failures == 1
    assert drawn.locate(1, "x", "y") == (Block(ONE, 1, "e"), 1)
    assert drawn.locate(1, "x") == (Block(ONE, 1, "e"), 0)


def test_a_missing_value_is_no_failure() -> None:
    drawn = sample([0.0, NAN], missing=("x",))
    assert drawn.failures == 0
    np.testing.assert_array_equal(drawn.present("x"), [True, False])
    np.testing.assert_array_equal(drawn.present(), [True, True])


def test_whole_columns_are_not_copied() -> None:
    drawn = sample([1.0, 2.0])
    assert drawn.values("x")[0] is drawn.columns["x"]


def test_a_sample_of_failures_only_has_no_columns() -> None:
    lost = Sample(ONE, {}, np.zeros(2, dtype=np.bool_), block_size=2)
    assert lost.values("x")[0].size == 0
    assert lost.failures == 2


def test_draws_know_their_scenarios(draws_of: Callable[..., Draws]) -> None:
    assert draws_of({ONE: {"x": [1.0, 2.0]}}).scenarios == (ONE,)


@pytest.mark.parametrize(
    ("size", "entries", "most", "portions"),
    [
        (5, 10, 20, [2, 2, 1]),
        (4, 10, 20, [2, 2]),
        (3, 10, 9, [1, 1, 1]),  # one replicate at a time, however large it is
        (3, 1, 100, [3]),
        (1, 1, 1, [1]),
    ],
)
def test_portions_stay_small_and_make_up_the_block(
    size: int, entries: int, most: int, portions: list[int]
) -> None:
    asked: list[int] = []

    def draw(count: int) -> dict[str, Any]:
        asked.append(count)
        return {"x": np.full(count, len(asked)), "pair": np.zeros((count, 2))}

    block = mc.portions(draw, size, entries=entries, most=most)
    assert asked == portions
    np.testing.assert_array_equal(block["x"], np.repeat(np.arange(len(portions)) + 1, portions))
    assert block["pair"].shape == (size, 2)


def test_portions_draw_what_one_call_draws_from_the_same_stream() -> None:
    """For draws replicate by replicate, portions only save memory."""
    rng, other = (np.random.Generator(np.random.SFC64(1)) for _ in range(2))
    block = mc.portions(lambda count: {"x": rng.random((count, 3)).sum(axis=1)}, 7, entries=3, most=6)
    np.testing.assert_array_equal(block["x"], other.random((7, 3)).sum(axis=1))


@pytest.mark.parametrize(("size", "entries"), [(0, 1), (1, 0), (-1, 1)])
def test_portions_refuse(size: int, entries: int) -> None:
    with pytest.raises(
        StudyError, match=f"`entries` and `size` must be at least 1, got {entries} and {size}"
    ):
        mc.portions(lambda count: {}, size, entries=entries)


class Mutable(list[float]):
    """A function that can't be hashed: what it holds may change."""

    def __call__(self, x: np.ndarray) -> float:
        return float(np.mean(x) + sum(self))


def test_summaries_are_found_once_where_claims_may_share_them() -> None:
    drawn = sample([1.0, 2.0, 4.0, 8.0])
    assert drawn.summary(mc.mean("x")) is drawn.summary(mc.mean("x"))
    assert drawn.summary(mc.mean("x")) is not drawn.summary(mc.variance("x"))
    # These hold on to values, and so does a condition on them.
    assert drawn.summary(mc.quantile("x", 0.5)) is not drawn.summary(mc.quantile("x", 0.5))
    both = sample([1.0, 2.0, 4.0, 8.0], g=[1.0, 1.0, 0.0, 1.0])
    middle = mc.conditional(mc.quantile("x", 0.5), given="g")
    assert both.summary(middle) is not both.summary(middle)
    longer = sample([1.0, 2.0, 4.0, 8.0, 16.0])
    assert longer.summary(mc.mean("x")).limiting(0.1, 64) != drawn.summary(mc.mean("x")).limiting(0.1, 64)


def test_a_statistic_that_can_not_be_hashed_is_judged() -> None:
    drawn = sample(list(np.random.default_rng(3).normal(size=256)))
    moved = Mutable([1.0])
    claim = mc.Value("v", "m = 1", of=mc.custom("x", moved), equals=1.0, margin=0.9)
    assert judge([claim], Draws({ONE: drawn}), 0.01)[0].verdict is mc.Verdict.CONFIRMED
    moved[0] = 9.0
    assert judge([claim], Draws({ONE: drawn}), 0.01)[0].verdict is mc.Verdict.REFUTED


def test_samples_of_one_size_are_summarised_together(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    samples = [sample(rng.random(size).tolist()) for size in (64, 64, 80, 64, 2, 1)]
    failing, strange = sample([NAN, *rng.random(64).tolist()]), sample([np.inf, *rng.random(79).tolist()])
    mean, shapes = mc.mean("x"), []
    summaries = type(mean).summaries

    def noted(of: mc.Statistic, stack: np.ndarray) -> Any:
        shapes.append(stack.shape)
        return summaries(of, stack)

    monkeypatch.setattr(type(mean), "summaries", noted)
    summarise([*samples, failing], mean)
    assert shapes == [(4, 64), (1, 80), (1, 2)]
    monkeypatch.undo()
    summarise([strange], mean)  # whoever asks for it is told
    for one in [*samples[:-1], failing]:
        single = mean.summary(one.taken(mean))
        assert one.summary(mean).estimate == single.estimate
        assert one.summary(mean).limiting(0.01, 64) == single.limiting(0.01, 64)
    with pytest.raises(InputError, match="must be finite, got inf at index 0"):
        strange.summary(mean)
    with pytest.raises(InputError, match="at least 2 replicates, got 1"):
        samples[-1].summary(mean)


class Counting(dict[str, np.ndarray[Any, Any]]):
    """Columns that count how often they are read."""

    reads = 0

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        self.reads += 1
        return super().__getitem__(name)


@pytest.mark.parametrize(("size", "reads"), [(PORTION // 2, 1), (PORTION // 2 + 1, 0)])
def test_large_samples_are_not_read_before_their_turn(size: int, reads: int) -> None:
    """Two that fit into a portion are summarised together; of larger ones each would be held for nothing."""
    columns = [Counting(x=np.random.default_rng(n).normal(size=size)) for n in range(3)]
    samples = [
        Sample(mc.Scenario(n=n), own, np.ones(size, dtype=np.bool_), size) for n, own in enumerate(columns)
    ]
    summarise(samples, mc.mean("x"))
    assert [own.reads for own in columns] == [reads] * 3
    assert [bool(sample._summaries) for sample in samples] == [bool(reads)] * 3


def test_indicators_may_be_booleans() -> None:
    for of in (mc.mean("x"), mc.variance("x"), mc.proportion("x")):
        found = []
        for dtype in (np.bool_, np.float64):
            samples = [
                Sample(
                    mc.Scenario(n=n),
                    {"x": (np.random.default_rng(n).random(128) < 0.5).astype(dtype)},
                    np.ones(128, dtype=np.bool_),
                    128,
                )
                for n in range(2)
            ]
            summarise(samples, of)
            found.append([sample.summary(of).limiting(0.01, 128) for sample in samples])
        assert found[0] == found[1]
