"""The guard: what blocks show together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Experiment, Replicates, Scenario, Study, Value, grid, mean
from mcstudy.draws import Block, Failure
from mcstudy.engine.guard import Guard
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import ClaimError, StudyError

MakeStudy = Callable[..., Study]
ONE, TWO = Scenario(n=1), Scenario(n=2)
REPLAY = "mcstudy replay toy"


def block(scenario: Scenario = ONE, number: int = 0, seed: int = 0, **columns: Any) -> BlockResult:
    given = columns or {"x": np.random.default_rng(seed).normal(size=8)}
    size = max(np.size(values) for values in given.values())
    data = np.empty(max(size, 8), dtype=[(name, "<f8") for name in given])
    for name, values in given.items():
        data[name] = values
    return BlockResult(Block(scenario, number), data)


@pytest.fixture
def guard(make_study: MakeStudy) -> Guard:
    return Guard(make_study(), {}, REPLAY)


def test_blocks_that_differ_pass(guard: Guard) -> None:
    for number in range(4):
        guard.check(block(number=number, seed=number))


def test_misuse_is_raised_with_place_and_command(guard: Guard) -> None:
    with pytest.raises(StudyError) as raised:
        guard.check(BlockResult(Block(TWO, 3), misuse="column `x` must be finite"))
    assert str(raised.value) == (
        f"study toy (n=2), block 3: column `x` must be finite\nsee it again with: {REPLAY} {TWO.digest}:3"
    )


def test_threads_are_misuse(guard: Guard) -> None:
    with pytest.raises(StudyError, match="`simulate` must leave BLAS at one thread, got 2"):
        guard.check(BlockResult(Block(ONE, 0), threads=2))


def test_other_columns_later_are_refused(guard: Guard) -> None:
    guard.check(block(x=1.0, y=2.0))
    guard.check(block(number=1, y=2.0, x=1.0))  # another order is no other set
    with pytest.raises(StudyError, match="the same columns in every block, got x after x, y"):
        guard.check(block(number=2, x=1.0))
    with pytest.raises(StudyError, match="got x, y, z after x, y"):
        guard.check(block(number=2, x=1.0, y=2.0, z=3.0))


def test_columns_of_an_earlier_run_count(make_study: MakeStudy) -> None:
    guard = Guard(make_study(), {"": ("x", "y")}, REPLAY)
    with pytest.raises(StudyError, match="got x after x, y"):
        guard.check(block())


def test_a_claim_on_a_missing_column_is_refused_at_the_first_block(
    guard: Guard, make_study: MakeStudy
) -> None:
    match = "claim mean: `column` must be one that its `simulate` returns, got 'x'; columns: y"
    with pytest.raises(ClaimError, match=match):
        guard.check(block(y=1.0))
    with pytest.raises(ClaimError, match=match):
        Guard(make_study(), {"": ("y",)}, REPLAY)


def test_a_mistyped_column_is_recognized(make_study: MakeStudy) -> None:
    claims = [Value("mean", "s", of=mean("eror"), equals=0.0, margin=1.0)]
    with pytest.raises(ClaimError, match="got 'eror'; did you mean error\\? columns: error, bound"):
        Guard(make_study(claims=claims), {"": ("error", "bound")}, REPLAY)


def test_a_column_of_another_experiment_is_recognized() -> None:
    experiments = [
        Experiment(
            name,
            simulate=lambda rng, size, n: {},
            scenarios=grid(n=(1,)),
            claims=[Value(name, "s", of=mean("loss"), equals=0.0, margin=1.0)],
        )
        for name in ("one", "other")
    ]
    study = Study(
        name="toy", title="t", question="q?", source="s", block=8, experiments=experiments,
        replicates=Replicates(first=8, quick=8, full=8),
    )  # fmt: skip
    with pytest.raises(ClaimError, match="columns: gain; 'loss' is a column of experiment one"):
        Guard(study, {"one": ("loss",), "other": ("gain",)}, REPLAY)


@pytest.mark.parametrize("second", [block(number=1), block(TWO, number=0), block(TWO, number=7)])
def test_equal_blocks_are_refused(guard: Guard, second: BlockResult) -> None:
    guard.check(block())
    with pytest.raises(StudyError, match=r"must draw from its `rng`, but \(n=1\), block 0 is identical"):
        guard.check(second)


DISCRETE = {
    "coin": np.random.default_rng(1).integers(0, 2, size=64),
    "die": np.random.default_rng(1).integers(1, 7, size=16),
    "counts": np.random.default_rng(1).poisson(4.0, size=24),
    "rare event": np.random.default_rng(1).random(1024) < 0.03,
    "beside a constant": np.random.default_rng(1).integers(0, 2, size=64),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_equal_blocks_of_discrete_columns_are_refused(guard: Guard, name: str) -> None:
    more: dict[str, Any] = {"y": 1.0} if name == "beside a constant" else {}
    guard.check(block(x=DISCRETE[name], **more))
    with pytest.raises(StudyError, match="must draw from its `rng`"):
        guard.check(block(number=1, x=DISCRETE[name], **more))


@pytest.mark.parametrize(
    "values",
    [np.zeros(8), np.ones(1024), np.resize([0.5, 1.5], 8), np.arange(1024.0) == 7, np.arange(64) % 64 < 2],
    ids=["zeros", "ones", "two values", "one event in 1024", "two events in 64"],
)
def test_what_chance_may_repeat_is_not_refused(guard: Guard, values: Any) -> None:
    guard.check(block(x=values))
    guard.check(block(number=1, x=values))


def test_blocks_too_small_to_tell_by_two_are_told_by_several(guard: Guard) -> None:
    """Two times eight coins agree once in 256 times; four times, once in 16 million."""

    def repeat(times: int) -> None:
        for number in range(times):
            guard.check(block(number=number, x=np.resize([0.0, 1.0], 8)))

    repeat(2)
    with pytest.raises(StudyError, match="is identical"):
        repeat(8)


@pytest.mark.parametrize("probability", [0.5, 0.1, 0.01])
def test_honest_blocks_of_few_values_pass(guard: Guard, probability: float) -> None:
    """2,000 blocks of 16, of which many are equal: none is refused, by a bound of one in a million."""
    rng = np.random.default_rng(5)
    blocks = rng.random((2000, 16)) < probability
    assert len(np.unique(blocks, axis=0)) < 2000
    for number, values in enumerate(blocks):
        guard.check(block(number=number, x=values))


def fresh(number: int) -> Any:
    return np.random.default_rng([7, number]).normal(size=64)


REPEATED = {
    "normal": np.random.default_rng(3).normal(size=64),
    "coins": np.random.default_rng(3).integers(0, 2, size=64),
    "numbers of replicates": np.arange(64),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_column_that_repeats_beside_a_random_one_is_refused(guard: Guard, name: str) -> None:
    guard.check(block(x=fresh(0), y=REPEATED[name]))
    with pytest.raises(StudyError) as raised:
        guard.check(block(number=1, x=fresh(1), y=REPEATED[name]))
    assert str(raised.value) == (
        "study toy (n=1), block 1: column `y` must come from `rng`, got the values of (n=1), block 0 again; return one "
        f"value a replicate that is drawn from `rng`, or a constant\nsee it again with: {REPLAY} {ONE.digest}:1"
    )


def test_a_column_of_few_values_in_small_blocks_is_refused_once_chance_is_out_of_the_question(
    guard: Guard,
) -> None:
    """Eight coins are equal in two blocks once in 256 times; in 32, never."""
    values = np.resize([0.0, 1.0], 8)

    def draw(blocks: range) -> None:
        for number in blocks:
            guard.check(block(number=number, x=fresh(number)[:8], y=values))

    draw(range(2))
    with pytest.raises(StudyError, match="column `y` must come from `rng`"):
        draw(range(2, 32))


def test_columns_that_are_constant_within_blocks_may_repeat(guard: Guard) -> None:
    for number in range(200):
        guard.check(block(number=number, x=fresh(number), bound=2.0, level=float(number % 2)))


def test_another_scenario_may_have_the_same_column(make_study: MakeStudy) -> None:
    guard = Guard(make_study(), {}, REPLAY)
    for scenario in (ONE, TWO):
        guard.check(block(scenario, x=fresh(scenario["n"] == 1), y=REPEATED["normal"]))
    with pytest.raises(StudyError, match=r"got the values of \(n=2\), block 0 again"):
        guard.check(block(TWO, number=1, x=fresh(5), y=REPEATED["normal"]))


@pytest.mark.parametrize("probability", [0.5, 0.1, 0.01])
def test_honest_columns_of_few_values_pass(guard: Guard, probability: float) -> None:
    """2,000 blocks of 16, some of which repeat the first by chance."""
    rng = np.random.default_rng(6)
    coins = rng.random((2000, 16)) < probability
    for number, values in enumerate(coins):
        guard.check(block(number=number, x=fresh(number)[:16], y=values))


def test_with_common_factors_blocks_may_be_equal_across_scenarios(make_study: MakeStudy) -> None:
    guard = Guard(make_study(common=("n",)), {}, REPLAY)
    guard.check(block())
    guard.check(block(TWO))
    with pytest.raises(StudyError, match="is identical"):
        guard.check(block(TWO, number=1))


def test_failed_blocks_pass(guard: Guard) -> None:
    for number in (0, 1):
        failed = Block(ONE, number)
        guard.check(BlockResult(failed, failures=(Failure(failed, None, "RuntimeError: no"),)))
