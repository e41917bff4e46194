"""The guard: what blocks show together, or when drawn twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario, Study
from mcstudy.engine.guard import Guard
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import ClaimError, StudyError

MakeStudy = Callable[..., Study]
ONE, TWO = Scenario(n=1), Scenario(n=2)


def block(scenario: Scenario = ONE, number: int = 0, seed: int = 0, **columns: Any) -> BlockResult:
    given = columns or {"x": np.random.default_rng(seed).normal(size=8)}
    data = np.empty(8, dtype=[(name, "<f8") for name in given])
    for name, values in given.items():
        data[name] = values
    return BlockResult(scenario, number, data)


@pytest.fixture
def guard(make_study: MakeStudy) -> Guard:
    return Guard(
        make_study(), None, lambda scenario, number: f"mcstudy replay toy {scenario.digest}:{number}"
    )


def test_blocks_that_differ_pass(guard: Guard) -> None:
    for number in range(4):
        guard.check(block(number=number, seed=number))


def test_misuse_is_raised_with_place_and_command(guard: Guard) -> None:
    with pytest.raises(StudyError) as raised:
        guard.check(BlockResult(TWO, 3, misuse="column `x` must be finite"))
    assert str(raised.value) == (
        f"study toy (n=2), block 3: column `x` must be finite\nsee it again with: mcstudy replay toy {TWO.digest}:3"
    )


def test_threads_are_misuse(guard: Guard) -> None:
    with pytest.raises(StudyError, match="`simulate` must leave BLAS at one thread, got 2"):
        guard.check(BlockResult(ONE, 0, threads=2))


def test_other_columns_later_are_refused(guard: Guard) -> None:
    guard.check(block(x=1.0, y=2.0))
    guard.check(block(number=1, y=2.0, x=1.0))  # another order is no other set
    with pytest.raises(StudyError, match="the same columns in every block, got x after x, y"):
        guard.check(block(number=2, x=1.0))
    with pytest.raises(StudyError, match="got x, y, z after x, y"):
        guard.check(block(number=2, x=1.0, y=2.0, z=3.0))


def test_columns_of_an_earlier_run_count(make_study: MakeStudy) -> None:
    guard = Guard(make_study(), ("x", "y"), lambda *_: "")
    with pytest.raises(StudyError, match="got x after x, y"):
        guard.check(block())


def test_a_claim_on_a_missing_column_is_refused_at_the_first_block(
    guard: Guard, make_study: MakeStudy
) -> None:
    with pytest.raises(
        ClaimError, match="claim mean: `column` must be one that `simulate` returns, got 'x'; columns: y"
    ):
        guard.check(block(y=1.0))
    with pytest.raises(ClaimError, match="got 'x'; columns: y"):
        Guard(make_study(), ("y",), lambda *_: "")


@pytest.mark.parametrize("second", [block(number=1), block(TWO, number=0), block(TWO, number=7)])
def test_equal_blocks_are_refused(guard: Guard, second: BlockResult) -> None:
    guard.check(block())
    with pytest.raises(StudyError, match=r"must draw from its `rng`, but block 0 of \(n=1\) is identical"):
        guard.check(second)


def test_with_common_factors_blocks_may_be_equal_across_scenarios(make_study: MakeStudy) -> None:
    guard = Guard(make_study(common=("n",)), None, lambda *_: "")
    guard.check(block())
    guard.check(block(TWO))
    with pytest.raises(StudyError, match="is identical"):
        guard.check(block(TWO, number=1))


@pytest.mark.parametrize(
    "values",
    [np.zeros(8), np.arange(8.0), np.resize([0.5, 1.5], 8)],
    ids=["constant", "integers", "two values"],
)
def test_what_chance_may_repeat_is_not_refused(guard: Guard, values: Any) -> None:
    guard.check(block(x=values))
    guard.check(block(number=1, x=values))


def test_a_block_that_comes_out_otherwise_is_refused(guard: Guard) -> None:
    first = block()
    guard.check_repeated(block(), first.data)
    guard.check_repeated(BlockResult(ONE, 0), first.data)  # failed: nothing to compare
    guard.check_repeated(block(), None)
    with pytest.raises(
        StudyError, match="the same block whenever it is drawn, but a second time it gave another"
    ):
        guard.check_repeated(block(seed=1), first.data)


def test_failed_blocks_pass(guard: Guard) -> None:
    guard.check(BlockResult(ONE, 0, failures=((None, "RuntimeError: no", ""),)))
