"""A study becomes blocks, from look to look: what is missing, and how many replicates the next look takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mcstudy import Experiment, Finding, SameLaw, Scenario, Study, Value, Verdict, grid, mean
from mcstudy.claims import judge
from mcstudy.draws import Block, Draws
from mcstudy.engine.payload import pack
from mcstudy.engine.plan import blocks_of, next_counts, task_for
from mcstudy.engine.source import Origin

MakeStudy = Callable[..., Study]
DrawsOf = Callable[..., Draws]
ONE, TWO, FOUR = SCENARIOS = grid(n=(1, 2, 4))
BLOCK = 16


def of_each(count: int) -> dict[Scenario, int]:
    return dict.fromkeys(SCENARIOS, count)


def test_blocks_go_through_the_scenarios_in_turn() -> None:
    blocks = blocks_of("", of_each(32), BLOCK, set())
    assert [(block.scenario["n"], block.number) for block in blocks] == [
        (n, number) for number in (0, 1) for n in (1, 2, 4)
    ]
    assert {block.experiment for block in blocks_of("spread", of_each(32), BLOCK, set())} == {"spread"}


def test_scenarios_that_get_more_go_on_when_the_others_have_all() -> None:
    blocks = blocks_of("", {ONE: 16, TWO: 48, FOUR: 0}, BLOCK, set())
    assert [(block.scenario["n"], block.number) for block in blocks] == [(1, 0), (2, 0), (2, 1), (2, 2)]
    assert blocks_of("", {}, BLOCK, set()) == []


def test_blocks_that_are_there_are_not_drawn_again() -> None:
    done = {block.key for block in blocks_of("", of_each(32), BLOCK, set())}
    assert blocks_of("", of_each(32), BLOCK, done) == []
    more = blocks_of("", of_each(64), BLOCK, done)
    assert [block.number for block in more] == [2, 2, 2, 3, 3, 3]
    assert len(blocks_of("other", of_each(32), BLOCK, done)) == 6  # those of another experiment are others


def test_a_task_says_all_that_a_worker_needs(make_study: MakeStudy) -> None:
    study = make_study(common=("n",), missing=("x",))
    origin = Origin(study)
    payload = pack(study[""].simulate, None, [])
    task = task_for(origin, 7, Block(Scenario(n=1), 3), payload)
    assert (task.block.number, task.size, task.study, task.seed) == (3, 16, "toy", 7)
    assert (task.common, task.missing, task.folder) == (("n",), ("x",), origin.folder)


def value(name: str = "v", **parts: Any) -> Value:
    plan: dict[str, Any] = {"of": mean("x"), "equals": 0.0, "margin": 1.0}
    return Value(name, "s", **(plan | parts))


def found(claims: list[Any], draws: Draws) -> tuple[Experiment, dict[str, Finding]]:
    experiment = Experiment("", simulate=lambda rng, size, n: {}, scenarios=SCENARIOS, claims=claims)
    return experiment, {finding.id: finding for finding in judge(claims, draws)}


def around(*centers: float, count: int = 64) -> dict[Scenario, dict[str, Any]]:
    """Columns whose means are the centers, with next to no spread."""
    noise = np.resize([-0.1, 0.1], count)
    return {s: {"x": center + noise} for s, center in zip(SCENARIOS, centers, strict=True)}


def needing(
    draws_of: DrawsOf, needed: Mapping[Scenario, int], **parts: Any
) -> tuple[Experiment, dict[str, Finding]]:
    """A claim that is open in some scenarios, with forecasts for them."""
    experiment, findings = found(
        [value(**parts)], draws_of(around(*[1.0 if s in needed else 0.0 for s in SCENARIOS]))
    )
    cells = tuple(replace(cell, needed=needed.get(cell.scenario, 0)) for cell in findings["v"].cells)
    return experiment, {"v": replace(findings["v"], cells=cells)}


@pytest.mark.parametrize(
    ("needed", "most", "count"),
    [
        (6 * 64, math.inf, 112),  # 6^(1/4) = 1.57: a part of the way, in whole blocks
        (16 * 64, math.inf, 128),
        (10**6, math.inf, 128),  # twice as many at most: forecasts from few replicates are poor
        (65, math.inf, 80),  # a block at least
        (6 * 64, 96, 96),
        (6 * 64, 100, 96),  # what is left does not fill a block
        (6 * 64, 79, None),
        (6 * 64, 64, None),
    ],
)
def test_the_next_look_is_on_the_way_to_the_forecast(
    draws_of: DrawsOf, needed: int, most: float, count: int | None
) -> None:
    experiment, findings = needing(draws_of, {TWO: needed})
    expected = {} if count is None else {TWO: count}
    assert next_counts(experiment, findings, of_each(64), most=most, block=BLOCK) == expected


@pytest.mark.parametrize(("have", "count"), [(1600, 1648), (16000, 16480)])
def test_looks_are_three_hundredths_apart_at_least(draws_of: DrawsOf, have: int, count: int) -> None:
    """What a closer one saves is not worth the look."""
    experiment, findings = found([value(where={"n": 1})], draws_of(around(1.0, 0.0, 0.0, count=have)))
    findings["v"] = replace(findings["v"], cells=(replace(findings["v"].cells[0], needed=have + 1),))
    assert next_counts(experiment, findings, of_each(have), most=math.inf, block=BLOCK) == {ONE: count}


def test_only_scenarios_of_undecided_cells_get_more(draws_of: DrawsOf) -> None:
    experiment, findings = found([value()], draws_of(around(0.0, 1.0, 0.0)))
    assert [cell.verdict for cell in findings["v"].cells] == ["CONFIRMED", "UNDECIDED", "CONFIRMED"]
    assert list(next_counts(experiment, findings, of_each(64), most=256, block=BLOCK)) == [TWO]


@pytest.mark.parametrize("centers", [(0.0, 0.0, 0.0), (9.0, 1.0, 0.0)], ids=["confirmed", "refuted"])
def test_a_claim_that_is_decided_gets_nothing(draws_of: DrawsOf, centers: tuple[float, ...]) -> None:
    """One refuted cell refutes, whatever becomes of the others."""
    experiment, findings = found([value()], draws_of(around(*centers)))
    assert findings["v"].verdict is not Verdict.UNDECIDED
    assert next_counts(experiment, findings, of_each(64), most=math.inf, block=BLOCK) == {}


def test_a_failure_takes_its_scenario_out(draws_of: DrawsOf) -> None:
    """Nobody knows what it would have shown, so that more draws can't decide the cell."""
    columns = around(1.0, 1.0, 0.0)
    columns[ONE]["x"][5] = np.nan
    experiment, findings = found([value()], draws_of(columns))
    assert list(next_counts(experiment, findings, of_each(64), most=256, block=BLOCK)) == [TWO]
    experiment, findings = found([value(allowed_failures=1)], draws_of(columns))
    assert list(next_counts(experiment, findings, of_each(64), most=256, block=BLOCK)) == [ONE, TWO]


def test_the_claim_that_needs_most_decides_for_a_scenario(draws_of: DrawsOf) -> None:
    claims = [value("few", where={"n": 2}), value("many", where={"n": (2, 4)}), value("done", margin=9.0)]
    experiment, findings = found(claims, draws_of(around(0.0, 1.0, 1.0)))
    for name, needed in (("few", 70), ("many", 6 * 64)):
        cells = tuple(replace(cell, needed=needed) for cell in findings[name].cells)
        findings[name] = replace(findings[name], cells=cells)
    counts = next_counts(experiment, findings, of_each(64), most=math.inf, block=BLOCK)
    assert counts == {TWO: 112, FOUR: 112}


def test_scenarios_of_a_pair_keep_their_proportion(draws_of: DrawsOf) -> None:
    """But for whole blocks: a forecast is for the one that has fewer."""
    rng = np.random.default_rng(3)
    counts = {ONE: 64, TWO: 128}
    draws = draws_of({scenario: {"x": rng.normal(size=count)} for scenario, count in counts.items()})
    claim = SameLaw("v", "s", column="x", across="n", margin=0.3, where={"n": (1, 2)})
    experiment, findings = found([claim], draws)
    (cell,) = findings["v"].cells
    assert (cell.verdict, cell.replicates) == (Verdict.UNDECIDED, 64)
    findings["v"] = replace(findings["v"], cells=(replace(cell, needed=6 * 64),))
    assert next_counts(experiment, findings, counts, most=math.inf, block=BLOCK) == {ONE: 112, TWO: 208}


def test_a_claim_without_a_finding_gets_nothing(draws_of: DrawsOf) -> None:
    """Such are claims about scenarios of another profile."""
    experiment, _ = found([value()], draws_of(around(1.0, 1.0, 1.0)))
    assert next_counts(experiment, {}, of_each(64), most=math.inf, block=BLOCK) == {}
