"""A study becomes blocks, in stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mcstudy import Scenario, Study, Value, Verdict, mean
from mcstudy.draws import Draws
from mcstudy.engine.plan import Block, blocks_of, stages, undecided

MakeStudy = Callable[..., Study]


def test_quick_looks_after_each_doubling_full_only_at_the_end(make_study: MakeStudy) -> None:
    assert stages(make_study(), "quick") == (64, 128)
    assert stages(make_study(), "full") == (256,)


def test_blocks_go_through_the_scenarios_in_turn(make_study: MakeStudy) -> None:
    study = make_study()
    blocks = blocks_of(study, study.scenarios, 32, set())
    assert [(block.scenario["n"], block.number, block.size) for block in blocks] == [
        (n, number, 16) for number in (0, 1) for n in (1, 2, 4)
    ]


def test_blocks_that_are_there_are_not_drawn_again(make_study: MakeStudy) -> None:
    study = make_study()
    done = {(block.scenario.key, block.number) for block in blocks_of(study, study.scenarios, 32, set())}
    assert blocks_of(study, study.scenarios, 32, done) == []
    more = blocks_of(study, study.scenarios, 64, done)
    assert {block.number for block in more} == {2, 3}
    assert len(more) == 6


def test_a_block_has_a_name() -> None:
    scenario = Scenario(n=1)
    assert Block(scenario, 3, 16).token == f"{scenario.digest}:3"


@pytest.mark.parametrize(
    ("center", "hopeless", "levels"), [(0.0, False, [4]), (1.5, False, [1, 4]), (1.5, True, [4])]
)
def test_scenarios_of_open_claims_stay_active(
    make_study: MakeStudy, draws_of: Callable[..., Draws], center: float, hopeless: bool, levels: list[int]
) -> None:
    """One claim is open at n = 4; the other one, on n = 1, is decided, open, or open without hope."""
    claims = [
        Value("one", "s", of=mean("x"), equals=0.0, margin=1.5, where={"n": 1}),
        Value("four", "s", of=mean("x"), equals=1.5, margin=1.5, where={"n": 4}),
    ]
    study = make_study(claims=claims)
    noise = np.resize([-0.1, 0.1], 64)
    draws = draws_of({s: {"x": noise + (center if s["n"] == 1 else 0.0)} for s in study.scenarios})
    first, second = (claim.find(draws, 0.01) for claim in claims)
    assert second.verdict is Verdict.UNDECIDED
    active = undecided(study, [replace(first, hopeless=hopeless), second], tuple(study.scenarios))
    assert [scenario["n"] for scenario in active] == levels
