"""What is missing, in words and commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.draws import Block
from mcstudy.engine.assignments import Assignment
from mcstudy.engine.limit import Limit
from mcstudy.engine.missing import Missing, ranges
from mcstudy.engine.settings import Settings
from mcstudy.engine.shards import Shard
from mcstudy.engine.source import Origin

ALL = [Block(mc.Scenario(n=1), number) for number in range(12)]


@pytest.fixture
def lines(make_study: Callable[..., mc.Study]) -> Callable[..., list[str]]:
    """A function that says what is missing: blocks of parts of 4."""

    def go(*numbers: int, of: tuple[int, ...] = (4,), elsewhere: bool = False, **options: Any) -> list[str]:
        study = make_study()
        settings = Settings(
            Origin(study), "full", options.pop("seed", 7), "merge", 1, Limit.of(study, "full", **options)
        )
        blocks = tuple(block for block in ALL if Shard.of_block(block, 4).number in numbers)
        parts = tuple(Assignment(1, n, "toy", "full", None, "parts/1") for n in of)
        return list(Missing(settings, blocks, 12, parts, "all of it", elsewhere).lines())

    return go


Lines = Callable[..., list[str]]


def test_the_parts_that_draw_what_is_missing(lines: Lines) -> None:
    handle = "../" * 9
    found = [line.replace(handle, "") for line in lines(1, 3, 4)]
    assert found[0] == "toy: 9 of 12 blocks are missing, which belong to parts 1,3-4 of 4"
    assert found[1].startswith("draw them: for I in 1 3 4; do mcstudy shard $I/4 ")
    assert found[1].endswith(" --profile full --seed 7 --out parts/$I; done")
    assert found[2] == "then merge what they draw too"
    assert found[3].startswith("or all of them on this machine: mcstudy run ")
    assert found[3].endswith(" --profile full --seed 7 --out 'all of it'")


def test_a_single_part(lines: Lines) -> None:
    assert lines(3)[0] == "toy: 3 of 12 blocks are missing, which belong to part 3 of 4"


def test_so_many_replicates_and_the_usual_seed(lines: Lines) -> None:
    found = lines(1, replicates=64, seed=20261123)
    assert " --profile full --replicates 64 --out parts/$I; done" in found[1]
    assert found[3].endswith(" --profile full --replicates 64 --out 'all of it'")


def test_of_parts_of_different_numbers_the_most(lines: Lines) -> None:
    assert "of 4" in lines(1, of=(4, 3, 4))[0]
    assert "of 3" in lines(1, of=(4, 3, 3))[0]


def test_without_parts_a_run_draws_them(lines: Lines) -> None:
    found = lines(1, of=())
    assert found[0] == "toy: 3 of 12 blocks are missing"
    assert found[1].startswith("draw them on this machine: mcstudy run ")
    assert len(found) == 2


def test_draws_of_another_machine_are_not_drawn_here(lines: Lines) -> None:
    assert lines(1, elsewhere=True)[3].startswith("or all of them on a machine as theirs: mcstudy run ")


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([5], "5"), ([1, 2], "1-2"), ([1, 3, 4, 5, 9], "1,3-5,9")]
)
def test_numbers_as_schedulers_read_them(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text
