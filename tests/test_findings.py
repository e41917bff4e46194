"""Verdicts, zones, cells, and what a finding is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.exceptions import InputError
from mcstudy.findings import STATEMENT, Cell, Role, Zone, correction_of, side_by_side

CONFIRMED, REFUTED, UNDECIDED = mc.Verdict.CONFIRMED, mc.Verdict.REFUTED, mc.Verdict.UNDECIDED
GRID = mc.grid(n=(1, 2, 4), kind=("a", "b"))


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.9, 1.1), CONFIRMED),  # both ends on the border of the zone
        ((1.0, 1.0), CONFIRMED),
        ((0.95, 1.05), CONFIRMED),
        ((0.9 - 1e-9, 1.1), UNDECIDED),
        ((0.9, 1.1 + 1e-9), UNDECIDED),
        ((0.0, 2.0), UNDECIDED),
        ((1.1, 1.2), UNDECIDED),  # touches the zone
        ((0.8, 0.9), UNDECIDED),
        ((1.1 + 1e-9, 1.2), REFUTED),
        ((0.8, 0.9 - 1e-9), REFUTED),
        ((-math.inf, math.inf), UNDECIDED),
        ((1.0, math.inf), UNDECIDED),
        ((1.2, math.inf), REFUTED),
        ((math.nan, 1.0), UNDECIDED),
        ((1.0, math.nan), UNDECIDED),
        ((math.nan, math.nan), UNDECIDED),
    ],
)
def test_zone_by_construction(interval: tuple[float, float], verdict: mc.Verdict) -> None:
    assert Zone(theory=1.0, margin=0.1).verdict(interval) is verdict


def test_zone_without_theory_decides_nothing() -> None:
    assert Zone(math.nan, 0.1).verdict((5.0, 6.0)) is UNDECIDED


@pytest.mark.parametrize(
    ("interval", "reach"),
    [
        ((2.0, 2.0), 0.0),
        ((2.0, 2.5), 1.0),
        ((1.0, 2.25), 2.0),
        ((-math.inf, math.inf), math.inf),
        ((math.nan, 2.0), -1.0),
        ((2.0, math.nan), -1.0),
    ],
)
def test_reach_is_counted_in_margins(interval: tuple[float, float], reach: float) -> None:
    assert Zone(theory=2.0, margin=0.5).reach(interval) == reach


def test_reach_is_at_most_one_where_the_zone_confirms() -> None:
    """The two rules agree, whatever the interval."""
    rng = np.random.default_rng(1)
    for low, width in rng.normal(size=(200, 2)) * (1.0, 0.3):
        interval = (low, low + abs(width))
        zone = Zone(0.25, 0.5)
        assert (zone.reach(interval) <= 1) == (zone.verdict(interval) is CONFIRMED)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([CONFIRMED, CONFIRMED], CONFIRMED),
        ([CONFIRMED, UNDECIDED], UNDECIDED),
        ([UNDECIDED, REFUTED, CONFIRMED], REFUTED),
        ([], UNDECIDED),
    ],
)
def test_a_conjunction_is_as_good_as_its_worst_part(parts: list[mc.Verdict], whole: mc.Verdict) -> None:
    assert mc.Verdict.all_of(parts) is whole


def cell(estimate: float = -0.4984, interval: tuple[float, float] = (-0.5007, -0.4961)) -> Cell:
    return Cell(mc.Scenario(n=1), -0.5, 0.02, estimate, 0.0005, interval, CONFIRMED, 0.2)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("", "-0.4984 (-0.5007 to -0.4961)"),
        (".3f", "-0.498 (-0.501 to -0.496)"),
        (".1e", "-5.0e-01 (-5.0e-01 to -5.0e-01)"),
    ],
)
def test_a_cell_formats_itself_with_its_interval(spec: str, text: str) -> None:
    assert format(cell(), spec) == text


def test_a_cell_without_numbers_formats_itself_too() -> None:
    assert f"{Cell.unjudged(mc.Scenario())}" == "nan (nan to nan)"


def test_an_unjudged_cell_keeps_the_zone_that_is_known() -> None:
    unjudged = Cell.unjudged(mc.Scenario(n=1), Zone(-0.5, 0.02))
    assert (unjudged.zone, unjudged.verdict, unjudged.reach) == (Zone(-0.5, 0.02), UNDECIDED, -1.0)
    assert math.isnan(unjudged.estimate)


@pytest.fixture
def draws(draws_of: Callable[..., Draws]) -> Draws:
    """The column is n, doubled where the kind is b; one replicate of (4, b) is ten times that."""
    columns = {}
    for scenario in GRID:
        size = int(str(scenario["n"])) * (2.0 if scenario["kind"] == "b" else 1.0)
        columns[scenario] = {"x": np.full(64, size), "bound": np.full(64, 8.0)}
    columns[mc.Scenario(n=4, kind="b")]["x"][5] = 80.0
    return draws_of(columns)


@pytest.fixture
def bound(draws: Draws) -> mc.Finding:
    return find(mc.Bound("b", "s", column="x", at_most="bound", probability=0.5), draws, 0.01)


def test_a_bound_tells_its_violations_and_its_largest_ratio(bound: mc.Finding) -> None:
    assert (bound.violations, bound.largest_ratio, bound.drawn) == (1, 10.0, 6 * 64)
    assert (bound.verdict, bound.deciding) == (REFUTED, 5)


@pytest.mark.parametrize(
    ("where", "levels", "ratio"),
    [
        ({"kind": "a"}, [(1, "a"), (2, "a"), (4, "a")], 0.5),
        ({"n": (1, 2)}, [(1, "a"), (1, "b"), (2, "a"), (2, "b")], 0.5),
        (lambda n, kind: n > 1 and kind == "b", [(2, "b"), (4, "b")], 10.0),
        (lambda n: n == 1, [(1, "a"), (1, "b")], 0.25),
    ],
)
def test_among_keeps_the_cells_that_match(bound: mc.Finding, where: Any, levels: Any, ratio: float) -> None:
    part = bound.among(where)
    assert [tuple(cell.scenario.values()) for cell in part.cells] == levels
    assert part.largest_ratio == ratio
    assert len(part.evidence.cells) == len(levels)


def test_among_takes_levels_as_keywords(bound: mc.Finding) -> None:
    assert bound.among(kind="a", n=(2, 4)) == bound.among({"kind": "a", "n": (2, 4)})


def test_among_keeps_the_verdict_and_a_cell_that_decides(bound: mc.Finding) -> None:
    """The deciding cell where it is kept, else the one that reaches furthest."""
    assert (bound.among(kind="b").verdict, bound.among(kind="b").deciding) == (REFUTED, 2)
    others = bound.among(kind="a")
    assert (others.verdict, others.deciding) == (REFUTED, 2)
    assert others.cells[others.deciding].scenario == mc.Scenario(n=4, kind="a")


def test_among_keeps_the_deciding_cell_though_another_reaches_further(draws_of: Callable[..., Draws]) -> None:
    """A failed replicate leaves the first cell open: it decides, near to theory as it is."""
    one, two, three = mc.grid(n=(1, 2, 3))
    columns = {one: {"x": np.full(64, 0.1)}, two: {"x": np.full(64, 0.9)}, three: {"x": np.zeros(64)}}
    columns[one]["x"][0] = np.nan
    claim = mc.Value("v", "s", of=mc.mean("x"), equals=0.0, margin=1.0, constant=True)
    finding = find(claim, draws_of(columns), 0.01)
    assert (finding.verdict, finding.deciding) == (UNDECIDED, 0)
    assert finding.among(n=(1, 2)).deciding == 0
    assert finding.among(n=(2, 3)).deciding == 0
    assert finding.among(n=(3, 2)).cells[0].reach == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("where", "match"),
    [
        ({"m": 1}, "`where` must name a factor of the study, got 'm'; factors: n, kind"),
        ({"n": 3}, "`where` must name levels of n, got 3; levels: 1, 2, 4"),
        (lambda n: n > 9, "`where` must leave a cell, got <function .* which leaves none"),
        (lambda s: s["n"] > 1, "`where` must name factors only, got the parameter s"),
    ],
)
def test_among_refuses(bound: mc.Finding, where: Any, match: str) -> None:
    with pytest.raises(InputError, match=f"claim b: {match}"):
        bound.among(where)


def test_cell_is_the_one_with_these_levels(bound: mc.Finding) -> None:
    assert bound.cell(n=4, kind="b").verdict is REFUTED
    assert bound.cell(n=4, kind="a").scenario == mc.Scenario(n=4, kind="a")
    with pytest.raises(
        InputError,
        match="claim b: `cell` must name one cell, got 2 of them; name more factors: n=4, kind=a; n=4, kind=b",
    ):
        bound.cell(n=4)
    with pytest.raises(InputError, match="claim b: `where` must name levels of n, got 3"):
        bound.cell(n=3)
    with pytest.raises(InputError, match="got 6 of them"):
        bound.cell()


def test_the_only_cell_needs_no_levels(draws: Draws) -> None:
    claim = mc.Value("v", "s", of=mc.mean("x"), equals=1.0, margin=0.1, where={"n": 1, "kind": "a"})
    assert find(claim, draws, 0.01).cell().estimate == 1.0


def test_an_identity_counts_violations_and_has_no_ratio(draws: Draws) -> None:
    finding = find(mc.Identity("i", "s", column="x", tolerance=4.0), draws, 0.01)
    assert finding.violations == 64
    with pytest.raises(
        InputError,
        match="claim i: `largest_ratio` must be asked of a finding that has it, got one of kind identity",
    ):
        _ = finding.largest_ratio


def test_a_value_has_neither(draws: Draws) -> None:
    finding = find(mc.Value("v", "s", of=mc.mean("x"), equals=1.0, margin=9.0), draws, 0.01)
    for name in ("violations", "largest_ratio"):
        with pytest.raises(
            InputError,
            match=f"claim v: `{name}` must be asked of a finding that has it, got one of kind value",
        ):
            getattr(finding, name)


@pytest.fixture
def pair(draws: Draws) -> tuple[mc.Finding, mc.Finding]:
    """A misprint of a bound for the levels a, and what is true everywhere."""
    wrong = mc.Bound(
        "1.x-printed", "s", column="x", at_most=0.0, where={"kind": "a"}, expected=mc.misprint("wrong")
    )
    right = mc.Bound("1.x", "s", column="x", at_most=100.0, probability=0.9)
    return find(wrong, draws, 0.01), find(right, draws, 0.01)


def test_the_correction_of_a_misprint_has_the_longest_id_that_its_own_begins_with(
    pair: tuple[mc.Finding, mc.Finding],
) -> None:
    printed, true = pair
    shorter, other = replace(true, id="1"), replace(true, id="1.y")
    assert correction_of(printed, [shorter, true, printed, other]) is true
    assert correction_of(printed, [other, printed]) is None
    assert correction_of(printed, [replace(true, group="another line")]) is None
    assert correction_of(printed, [replace(true, role=Role.CONTROL)]) is None
    assert correction_of(replace(printed, role=Role.CONTROL), [true]) is None


def test_side_by_side_are_the_same_scenarios(pair: tuple[mc.Finding, mc.Finding]) -> None:
    printed, true = pair
    both = side_by_side(printed, true, range(len(printed.cells)))
    assert both is not None
    assert len(both.cells) == len(both.evidence.cells) == 2 * len(printed.cells) == 6
    for first, second in zip(both.cells[::2], both.cells[1::2], strict=True):
        assert (first.scenario[STATEMENT], second.scenario[STATEMENT]) == ("printed", "true")
        levels = {name: level for name, level in first.scenario.items() if name != STATEMENT}
        assert levels.items() <= second.scenario.items()
        assert first.verdict is REFUTED
        assert second.verdict is true.cell(**levels).verdict
    assert both.cells[both.deciding].estimate == printed.cells[printed.deciding].estimate
    assert both.cells[both.deciding].scenario[STATEMENT] == "printed"


def test_nothing_stands_beside_a_misprint_that_was_judged_elsewhere(
    pair: tuple[mc.Finding, mc.Finding],
) -> None:
    printed, true = pair
    assert side_by_side(printed, true.among(kind="b"), range(len(printed.cells))) is None
    assert (
        side_by_side(printed, true, [i for i in range(len(printed.cells)) if i != printed.deciding]) is None
    )
    cells = tuple(
        replace(cell, scenario=mc.Scenario(**cell.scenario, statement="a")) for cell in printed.cells
    )
    named = replace(printed, cells=cells)
    assert side_by_side(named, named, range(len(cells))) is None
