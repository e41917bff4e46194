"""A study becomes blocks, in stages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mcstudy import Bound, Experiment, Scenario, Study, Value, grid, mean
from mcstudy.claims import judge
from mcstudy.draws import Block, Draws
from mcstudy.engine.payload import pack
from mcstudy.engine.plan import blocks_of, stages, task_for, undecided
from mcstudy.engine.source import Origin

MakeStudy = Callable[..., Study]
SCENARIOS = grid(n=(1, 2, 4))


def test_quick_looks_after_each_doubling_full_only_at_the_end(make_study: MakeStudy) -> None:
    assert stages(make_study(), "quick") == (64, 128)
    assert stages(make_study(), "full") == (256,)


def test_blocks_go_through_the_scenarios_in_turn() -> None:
    blocks = blocks_of("", SCENARIOS, 2, set())
    assert [(block.scenario["n"], block.number) for block in blocks] == [
        (n, number) for number in (0, 1) for n in (1, 2, 4)
    ]
    assert {block.experiment for block in blocks_of("spread", SCENARIOS, 2, set())} == {"spread"}


def test_blocks_that_are_there_are_not_drawn_again() -> None:
    done = {block.key for block in blocks_of("", SCENARIOS, 2, set())}
    assert blocks_of("", SCENARIOS, 2, done) == []
    more = blocks_of("", SCENARIOS, 4, done)
    assert [block.number for block in more] == [2, 2, 2, 3, 3, 3]
    assert len(blocks_of("other", SCENARIOS, 2, done)) == 6  # those of another experiment are others


def test_a_task_says_all_that_a_worker_needs(make_study: MakeStudy) -> None:
    study = make_study(common=("n",), missing=("x",))
    origin = Origin(study)
    payload = pack(study[""].simulate, None, [])
    task = task_for(origin, 7, Block(Scenario(n=1), 3), payload)
    assert (task.block.number, task.size, task.study, task.seed) == (3, 16, "toy", 7)
    assert (task.common, task.missing, task.folder) == (("n",), ("x",), origin.folder)


@pytest.mark.parametrize(
    ("center", "failed", "levels"), [(0.0, False, [4]), (1.5, False, [1, 4]), (1.5, True, [4])]
)
def test_scenarios_of_open_claims_stay_active(
    draws_of: Callable[..., Draws], center: float, failed: bool, levels: list[int]
) -> None:
    """One claim is open at n = 4; the other one, on n = 1, is decided, open, or kept open by a failure."""
    claims = [
        Value("one", "s", of=mean("x"), equals=0.0, margin=1.5, where={"n": 1}),
        Value("four", "s", of=mean("x"), equals=1.5, margin=1.5, where={"n": 4}),
    ]
    experiment = Experiment("", simulate=lambda rng, size, n: {}, scenarios=SCENARIOS, claims=claims)
    noise = np.resize([-0.1, 0.1], 64)
    columns = {s: {"x": noise + (center if s["n"] == 1 else 0.0)} for s in SCENARIOS}
    if failed:
        columns[SCENARIOS[0]]["x"][5] = np.nan
    findings = {finding.id: finding for finding in judge(claims, draws_of(columns))}
    assert [scenario["n"] for scenario in undecided(experiment, findings, SCENARIOS)] == levels


def test_a_claim_without_a_finding_keeps_nothing_active() -> None:
    """Such are claims about scenarios of another profile."""
    claims = [Bound("b", "s", column="x", at_most=1.0)]
    experiment = Experiment("", simulate=lambda rng, size, n: {}, scenarios=SCENARIOS, claims=claims)
    assert undecided(experiment, {}, SCENARIOS) == ()
