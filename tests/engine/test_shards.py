"""Parts of a study: dealt by address, drawn alone, with the bits of a run."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.draws import QUARANTINED, Block, Failure
from mcstudy.engine.reading import reading
from mcstudy.engine.shards import Drawn, Shard, shard
from mcstudy.engine.source import Origin
from mcstudy.engine.worker import BlockResult, Task, run_block
from mcstudy.exceptions import InputError, JournalError, StudyError

pytestmark = pytest.mark.usefixtures("unproved", "no_report", "project")
MakeStudy = Callable[..., mc.Study]
PLANNED = 48  # blocks of the full profile


def draw(study: mc.Study, part: str, out: str = "", **options: Any) -> Drawn:
    settings = {"out": out or f"parts/{part}", "profile": "full", "executor": "serial"} | options
    return shard(Origin(study), Shard.parse(part), **settings)


def blocks_in(out: str) -> dict[tuple[str, str, int], bytes | None]:
    with reading(Path(out, "toy", "draws.sqlite")) as blocks:
        return {row.key: row.data for row in blocks.rows()}


def blocks_of(scenarios: Sequence[mc.Scenario], number: int) -> list[Block]:
    return [
        Block(scenario, n, experiment) for experiment in "ab" for scenario in scenarios for n in range(number)
    ]


@pytest.mark.parametrize("text", ["1/1", "3/200", "200/200", "007/010"])
def test_a_part_is_read(text: str) -> None:
    number, _, of = text.partition("/")
    assert Shard.parse(text) == Shard(int(number), int(of))


@pytest.mark.parametrize(
    "text",
    [
        "0/4",
        "5/4",
        "a/b",
        "1",
        "1/0",
        "0/0",
        "-1/4",
        "1/4/4",
        "1.0/4",
        "",
        "1/",
        "١/٤",
        "1/4\n",
        "1/99999999999",
    ],
)
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"`I/N` must be a part .* from 1/N to N/N, got .*; write 1/\d"):
        Shard.parse(text)


@pytest.mark.parametrize("of", [1, 2, 3, 4, 7, 50])
def test_every_block_belongs_to_one_part(of: int) -> None:
    parts = [Shard(number, of) for number in range(1, of + 1)]
    for block in blocks_of(mc.grid(n=(1, 2, 4), x=("a", "b")), 20):
        assert [part for part in parts if part.has(block)] == [Shard.of_block(block, of)]


@pytest.mark.parametrize("of", [2, 3, 7, 30])
def test_each_part_has_as_many_blocks_of_a_scenario_up_to_one(of: int) -> None:
    for scenario in mc.grid(n=range(10)):
        shares = Counter(Shard.of_block(Block(scenario, n), of).number for n in range(20))
        counts = [shares[number] for number in range(1, of + 1)]
        assert max(counts) - min(counts) <= 1


def test_what_is_over_is_not_the_first_parts() -> None:
    """One block of each of 2000 scenarios for four parts: each share is within 5 standard deviations of 500."""
    shares = Counter(Shard.of_block(Block(scenario, 0), 4).number for scenario in mc.grid(n=range(2000)))
    assert max(abs(shares[number] - 500) for number in range(1, 5)) < 5 * (2000 * 0.25 * 0.75) ** 0.5
    always_first = Counter({1: 2000})
    assert abs(always_first[1] - 500) > 5 * (2000 * 0.25 * 0.75) ** 0.5


def test_dealing_depends_on_the_address_alone() -> None:
    """No other grid, order or number of blocks moves a block to another part; counting blocks through would."""
    one = blocks_of(mc.grid(n=(1, 2, 4)), 8)
    other = blocks_of(mc.grid(n=(3, 4, 2, 1)), 11)
    random.Random(1).shuffle(other)
    dealt = {block: Shard.of_block(block, 5) for block in other}
    assert all(dealt[block] == Shard.of_block(block, 5) for block in one)
    counted = {block: n % 5 for n, block in enumerate(other)}
    assert any(counted[block] != n % 5 for n, block in enumerate(one))


@pytest.mark.parametrize("of", [1, 3, 5])
def test_parts_draw_the_blocks_of_a_run(make_study: MakeStudy, of: int) -> None:
    mc.run(make_study(), profile="full", executor="serial", out="whole")
    whole = blocks_in("whole")
    together: dict[tuple[str, str, int], bytes | None] = {}
    for number in range(1, of + 1):
        drawn = draw(make_study(), f"{number}/{of}")
        part = blocks_in(f"parts/{number}/{of}")
        assert (drawn.drawn, drawn.kept, drawn.planned) == (len(part), 0, PLANNED)
        assert not part.keys() & together.keys()
        together |= part
    assert together == whole
    mc.run(make_study(), profile="full", seed=1, executor="serial", out="other")
    assert together != blocks_in("other")


@pytest.mark.parametrize(
    ("options", "blocks"),
    [({"profile": "quick"}, 24), ({"replicates": 32}, 6), ({"replicates": 32, "profile": "quick"}, 6)],
)
def test_a_part_is_of_all_that_the_profile_may_draw_or_of_what_is_asked_for(
    make_study: MakeStudy, options: dict[str, Any], blocks: int
) -> None:
    assert [draw(make_study(), "1/1", **options).planned, len(blocks_in("parts/1/1"))] == [blocks, blocks]


def test_a_study_that_goes_on_to_a_precision_is_drawn_to_its_end(make_study: MakeStudy) -> None:
    precise = mc.Replicates(until=mc.mcse(0.5), at_most=144)
    assert draw(make_study(replicates=precise, block=48), "1/1").planned == 3 * 144 / 48


def test_a_part_is_gone_on_with_and_nothing_is_drawn_twice(
    make_study: MakeStudy, serial: Callable[..., Any], counting: Any
) -> None:
    cut, rest = counting(most=7), serial()
    with pytest.raises(KeyboardInterrupt):
        draw(make_study(), "1/2", executor=cut)
    drawn = draw(make_study(), "1/2", executor=rest)
    assert len(cut.blocks) == 7 == drawn.kept
    assert not cut.blocks.keys() & rest.blocks.keys()
    assert drawn.drawn == len(rest.blocks) == 24 - 7
    assert draw(make_study(), "1/2").sentence == "part 1/2 of toy: 24 of 48 blocks (24 before), in parts/1/2"


def test_a_folder_may_hold_several_parts_and_more_replicates(make_study: MakeStudy) -> None:
    draw(make_study(), "1/2", out="both", replicates=64)
    draw(make_study(), "2/2", out="both", replicates=64)
    assert len(blocks_in("both")) == 12
    assert draw(make_study(), "1/2", out="both").kept == 6
    assert len(blocks_in("both")) == 12 + 18


def test_run_goes_on_with_a_part(make_study: MakeStudy, serial: Callable[..., Any]) -> None:
    drawn = draw(make_study(), "2/3").drawn
    executor = serial()
    ledger = mc.run(make_study(), profile="full", executor=executor, out="parts/2/3")
    assert len(executor.blocks) == PLANNED - drawn
    assert ledger.digests == mc.run(make_study(), profile="full", executor="serial", out=None).digests
    assert ledger.changes == ()


def test_what_a_part_without_blocks_says_and_leaves(make_study: MakeStudy) -> None:
    small = make_study(scenarios=mc.grid(n=(1,)), replicates=mc.Replicates(16))
    with_block = Shard.of_block(Block(mc.Scenario(n=1), 0), 2).number
    drawn = draw(small, f"{3 - with_block}/2")
    assert (
        drawn.sentence
        == f"part {3 - with_block}/2 of toy has nothing to draw: the study has 1 blocks, and all belong to other parts"
    )
    assert not Path("parts").exists()
    draw(small, f"{with_block}/2")
    assert Path("parts").exists()


def test_a_part_of_another_seed_is_refused_where_there_is_one(make_study: MakeStudy) -> None:
    draw(make_study(), "1/2")
    with pytest.raises(JournalError, match=r"seed of the run: 20261123 -> 3\n.*--fresh"):
        draw(make_study(), "1/2", seed=3)
    assert draw(make_study(), "1/2", seed=3, fresh=True).drawn == 24


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"profile": "slow"}, "`profile` must be one of quick, full"),
        ({"seed": -1}, "`seed` must be a non-negative whole number"),
        ({"block_timeout": 0.0}, "`block_timeout` must be positive"),
        ({"jobs": 0}, "`jobs` must be at least 1"),
        ({"executor": "magic"}, "`executor` must be joblib, serial, dask"),
        ({"replicates": 17}, "whole number of the study's blocks of 16, got 17; take 32"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(make_study: MakeStudy, options: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        draw(make_study(), "1/2", **options)
    assert not Path("parts").exists()


def test_a_part_that_breaks_a_rule_leaves_nothing(make_study: MakeStudy) -> None:
    def equal(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": np.linspace(0.0, n, size)}

    with pytest.raises(StudyError, match="`simulate` must draw from its `rng`"):
        draw(make_study(simulate=equal), "1/2")
    assert not Path("parts").exists()


def test_failed_replicates_are_said(make_study: MakeStudy) -> None:
    def failing(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size), "failure": ["too bad", *[""] * (size - 1)]}

    assert "blocks, 24 replicates failed, in" in draw(make_study(simulate=failing), "1/2").sentence


class Dying:
    """Draws nothing of one block, as where its process died twice."""

    name, jobs = "dying", 1

    def run(self, tasks: Sequence[Task]) -> Generator[BlockResult, None, None]:
        """Draw."""
        for number, task in enumerate(tasks):
            died = Failure(task.block, None, f"{QUARANTINED}: died")
            yield BlockResult(task.block, failures=(died,)) if number == 1 else run_block(task)


def test_quarantined_blocks_are_counted(make_study: MakeStudy) -> None:
    assert (
        draw(make_study(), "1/2", executor=Dying()).quarantined == 2
    )  # of the first blocks, and of the rest
    assert draw(make_study(), "2/2").quarantined == 0


def test_what_died_or_failed_is_drawn_again_by_the_next_shard(
    make_study: MakeStudy, serial: Callable[..., Any]
) -> None:
    draw(make_study(), "1/2", executor=Dying())
    again = serial()
    assert draw(make_study(), "1/2", executor=again).quarantined == 0
    assert len(again.blocks) == 2

    def failing(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size), "failure": ["too bad", *[""] * (size - 1)]}

    bad = make_study(simulate=failing)
    assert draw(bad, "1/2", out="bad").drawn == 24
    assert draw(bad, "1/2", out="bad").drawn == 0
    assert draw(bad, "1/2", out="bad", retry_failures=True).drawn == 24
