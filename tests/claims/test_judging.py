"""How draws answer claims: weights and shares of alpha, cells that conclude together, failures and missing values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import judge, profits, spend
from mcstudy.claims.judging import TOGETHER, find, in_turns
from mcstudy.draws import Draws
from mcstudy.exceptions import ClaimError, InputError
from mcstudy.findings import Guarantee

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = mc.Verdict.CONFIRMED, mc.Verdict.REFUTED, mc.Verdict.UNDECIDED
ONE, TWO, THREE, FOUR = mc.grid(n=(1, 2, 3, 4))


def value(**parts: Any) -> mc.Value:
    plan: dict[str, Any] = {"of": mc.mean("x"), "equals": 0.0, "margin": 1.0}
    return mc.Value("v", "s", **(plan | parts))


def around(center: float, spread: float = 1e-3, count: int = 64) -> dict[str, Any]:
    """A column whose mean is `center` exactly and whose interval is a little wider than nothing."""
    return {"x": center + spread * np.resize([-1.0, 1.0], count)}


def failing(count: int) -> dict[str, Any]:
    columns = around(0.0, count=128)
    columns["x"][:count] = math.nan
    return columns


def named(*weights: float | None) -> list[mc.Value]:
    return [
        mc.Value(f"v{index}", "s", of=mc.mean("x"), equals=0.0, margin=1.0, weight=weight)
        for index, weight in enumerate(weights)
    ]


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ((None,), (1,)),
        ((None, None, None), (1 / 3, 1 / 3, 1 / 3)),
        ((0.5, None, None), (0.5, 0.25, 0.25)),
        ((0.5, 0.25, 0.25), (0.5, 0.25, 0.25)),
        ((0.1,) * 10, (0.1,) * 10),  # ten tenths are not quite 1
        ((1,), (1,)),
    ],
)
def test_weights_are_parts_of_alpha_and_the_rest_is_shared_equally(
    weights: tuple[float | None, ...], shares: tuple[float, ...]
) -> None:
    spent = spend(named(*weights), alpha=0.02)
    assert list(spent) == [f"v{index}" for index in range(len(weights))]
    assert list(spent.values()) == pytest.approx([0.02 * share for share in shares])
    assert math.fsum(spent.values()) == pytest.approx(0.02)


def test_no_claims_spend_nothing() -> None:
    assert spend([]) == {}


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ((0.75, 0.5), "`weight`: the weights must sum to 1 where all claims have one, got 1.25"),
        ((0.25, 0.5), "`weight`: the weights must sum to 1 where all claims have one, got 0.75"),
        (
            (0.5, 0.5, None),
            "`weight` must leave a part of alpha for the 1 claims without one, got .* sum to 1",
        ),
        ((0.75, 0.5, None, None), "for the 2 claims without one, got weights that sum to 1.25"),
    ],
)
def test_weights_that_do_not_sum_are_refused(weights: tuple[float | None, ...], match: str) -> None:
    with pytest.raises(ClaimError, match=match):
        spend(named(*weights))


def test_a_cell_is_confirmed_at_the_share_of_its_claim(draws_of: DrawsOf) -> None:
    """However many cells there are: if the claim is false, then in one of them."""
    draws = draws_of({ONE: around(0.0), TWO: around(0.0), THREE: around(0.0)})
    for claim in (value(), value(where={"n": 1})):
        (finding,) = judge([claim], draws, alpha=0.02)
        assert (finding.verdict, finding.confidence) == (CONFIRMED, 1 - 2 * 0.02)


@pytest.mark.parametrize("center", [9.0, 1.0])
def test_cells_share_what_refutes_with_their_siblings(draws_of: DrawsOf, center: float) -> None:
    """So do the intervals of those that stay open."""
    draws = draws_of({ONE: around(center), TWO: around(0.0), THREE: around(0.0)})
    for claim, cells in ((value(), 3), (value(where={"n": 1}), 1)):
        (finding,) = judge([claim], draws, alpha=0.02)
        assert finding.verdict is (REFUTED if center == 9.0 else UNDECIDED)
        assert finding.confidence == pytest.approx(1 - 0.02 / cells)


def test_claims_share_alpha_by_weight(draws_of: DrawsOf) -> None:
    findings = judge(named(None, 0.75), draws_of({ONE: around(0.0)}), alpha=0.02)
    assert [finding.confidence for finding in findings] == pytest.approx([1 - 2 * 0.005, 1 - 2 * 0.015])


def test_alpha_is_shared_by_the_claims_of_the_whole_study(draws_of: DrawsOf) -> None:
    """An experiment's claims get no more because the others stand in other experiments."""
    draws = draws_of({ONE: around(0.0)})
    shares = spend([value(), *named(None, None)], alpha=0.03)
    (finding,) = judge([value()], draws, 0.03, experiment="first", shares=shares)
    assert finding.confidence == 1 - 2 * 0.01
    assert finding.experiment == "first"


def test_more_claims_and_cells_widen_every_open_interval(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(7)
    draws = draws_of({scenario: {"x": rng.normal(size=64)} for scenario in (ONE, TWO)})

    def width(claims: list[mc.Value]) -> float:
        finding = judge(claims, draws)[0]
        low, high = finding.interval
        assert finding.verdict is UNDECIDED
        return high - low

    open_ = {"margin": 0.01}
    alone = width([value(where={"n": 1}, **open_)])
    assert alone < width([value(where={"n": 1}, **open_), *named(None)])
    assert alone < width([value(**open_)])


def test_cells_that_the_full_profile_adds_share_alpha_from_the_first_look(draws_of: DrawsOf) -> None:
    """Else a quick run that is extended could refute with two shares."""
    rng = np.random.default_rng(7)
    quick = draws_of({ONE: {"x": rng.normal(size=64)}})
    full = draws_of({ONE: quick.samples[ONE].columns, TWO: {"x": rng.normal(size=64)}})
    cells = [
        find(value(margin=0.01), draws, 0.01).cells[0]
        for draws in (quick, replace(quick, planned=(ONE, TWO)), full)
    ]
    assert cells[1].interval == cells[2].interval
    assert cells[0].interval != cells[2].interval  # the control
    # Scenarios that the claim is not about share nothing with it.
    apart = find(value(margin=0.01, where={"n": 1}), replace(quick, planned=(ONE, TWO)), 0.01)
    assert apart.cells[0].interval == cells[0].interval


def test_the_deciding_cell_is_the_worst_of_those_with_the_verdict(draws_of: DrawsOf) -> None:
    confirmed = find(value(), draws_of({ONE: around(0.2), TWO: around(-0.7), THREE: around(0.5)}), 0.01)
    assert (confirmed.verdict, confirmed.deciding) == (CONFIRMED, 1)
    assert confirmed.estimate == pytest.approx(-0.7)

    columns = {ONE: around(0.2), TWO: around(-0.7), THREE: around(2.0), FOUR: around(-5.0)}
    refuted = find(value(), draws_of(columns), 0.01)
    assert [cell.verdict for cell in refuted.cells] == [CONFIRMED, CONFIRMED, REFUTED, REFUTED]
    assert (refuted.verdict, refuted.deciding) == (REFUTED, 3)

    undecided = find(value(), draws_of({ONE: around(0.0), TWO: around(1.0), THREE: around(0.5)}), 0.01)
    assert (undecided.verdict, undecided.deciding) == (UNDECIDED, 1)


def test_of_equal_cells_the_first_decides(draws_of: DrawsOf) -> None:
    assert find(value(), draws_of({ONE: around(0.5), TWO: around(0.5)}), 0.01).deciding == 0


def test_a_finding_states_the_numbers_of_its_deciding_cell(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: around(0.0), TWO: around(0.5, count=256)})
    finding = find(value(), draws, 0.02)
    cell = finding.cells[finding.deciding]
    assert cell.scenario == TWO
    same = (
        "theory",
        "margin",
        "estimate",
        "mcse",
        "interval",
        "confidence",
        "guarantee",
        "replicates",
        "verdict",
    )
    for name in same:
        assert getattr(finding, name) == getattr(cell, name)


def test_failures_leave_a_claim_undecided_for_good(draws_of: DrawsOf) -> None:
    claim = value()
    finding = find(claim, draws_of({ONE: around(0.0), TWO: failing(1)}), 0.01)
    assert [cell.verdict for cell in finding.cells] == [CONFIRMED, UNDECIDED]
    assert finding.verdict is UNDECIDED
    assert [profits(claim, cell) for cell in finding.cells] == [False, False]
    assert [cell.needed for cell in finding.cells] == [0, 0]


def test_failures_hide_no_refutation_elsewhere(draws_of: DrawsOf) -> None:
    assert find(value(), draws_of({ONE: around(9.0), TWO: failing(1)}), 0.01).verdict is REFUTED


@pytest.mark.parametrize(("allowed", "verdict"), [(2, UNDECIDED), (3, CONFIRMED), (9, CONFIRMED)])
def test_allowed_failures(draws_of: DrawsOf, allowed: int, verdict: mc.Verdict) -> None:
    finding = find(value(allowed_failures=allowed), draws_of({ONE: failing(3)}), 0.01)
    assert finding.verdict is verdict
    (cell,) = finding.cells
    assert (cell.replicates, cell.failures, cell.missing, cell.drawn) == (128, 3, 0, 125)


def test_missing_values_are_no_failures(draws_of: DrawsOf) -> None:
    """NaN in a column that may lack values: the others are judged, and how many lack is told."""
    columns = {ONE: {"y": np.zeros(128), **failing(10)}}
    finding = find(value(), draws_of(columns, missing=("x",)), 0.01)
    (cell,) = finding.cells
    assert finding.verdict is CONFIRMED
    assert (cell.replicates, cell.failures, cell.missing, cell.drawn) == (128, 0, 10, 118)
    assert finding.drawn == 118


def test_failed_and_missing_replicates_are_told_apart(draws_of: DrawsOf) -> None:
    columns = {ONE: {"y": np.where(np.arange(128) < 4, np.nan, 0.0), **failing(10)}}
    (cell,) = find(value(allowed_failures=4), draws_of(columns, missing=("x",)), 0.01).cells
    assert (cell.failures, cell.missing, cell.drawn) == (4, 6, 118)


def test_nothing_but_failures(draws_of: DrawsOf) -> None:
    """Without two replicates there is nothing to estimate, however many failures are allowed."""
    patient = value(allowed_failures=200)
    finding = find(patient, draws_of({ONE: failing(127)}), 0.01)
    (cell,) = finding.cells
    assert (finding.verdict, finding.guarantee) == (UNDECIDED, Guarantee.NONE)
    assert math.isnan(finding.estimate)
    assert profits(patient, cell)
    assert cell.needed == 256  # two of one that is left, of which there is one in 128
    strict = value()
    assert not profits(strict, find(strict, draws_of({ONE: failing(128)}), 0.01).cells[0])


def test_open_cells_without_failures_profit_from_more_draws(draws_of: DrawsOf) -> None:
    claim = value()
    finding = find(claim, draws_of({ONE: around(1.0), TWO: failing(1), THREE: around(0.0)}), 0.01)
    assert [profits(claim, cell) for cell in finding.cells] == [True, False, False]
    assert [cell.needed > cell.replicates for cell in finding.cells] == [True, False, False]


def test_cells_without_hope_profit_from_nothing(draws_of: DrawsOf) -> None:
    claim = value()
    (cell,) = find(claim, draws_of({ONE: around(1.0)}), 0.01).cells
    assert profits(claim, cell)
    assert not profits(claim, replace(cell, hopeless=True))


def test_a_decided_cell_profits_from_nothing(draws_of: DrawsOf) -> None:
    claim = value()
    for center in (0.0, 9.0):
        (cell,) = find(claim, draws_of({ONE: around(center)}), 0.01).cells
        assert not profits(claim, cell)
        assert cell.needed == 0


def test_replicates_that_are_needed_count_those_without_a_value(draws_of: DrawsOf) -> None:
    """Where every other one has none, twice as many are to be drawn."""
    x = np.random.default_rng(9).normal(size=256)
    claim = value(margin=0.1)
    (whole,) = find(claim, draws_of({ONE: {"x": x}}), 0.01).cells
    sparse = {"y": np.zeros(512), "x": np.full(512, np.nan)}
    sparse["x"][::2] = x
    (half,) = find(claim, draws_of({ONE: sparse}, missing=("x",)), 0.01).cells
    assert (half.replicates, half.drawn, half.interval) == (512, 256, whole.interval)
    assert half.needed == pytest.approx(2 * whole.needed, abs=2)


def test_a_cell_without_numbers_speaks_only_where_it_is_alone(draws_of: DrawsOf) -> None:
    lost = {"x": np.full(64, math.nan)}
    undecided = find(value(), draws_of({ONE: lost, TWO: around(1.0)}), 0.01)
    assert (undecided.deciding, undecided.guarantee) == (1, Guarantee.ASYMPTOTIC)
    alone = find(value(), draws_of({ONE: lost, TWO: around(0.0)}), 0.01)
    assert (alone.deciding, alone.guarantee) == (0, Guarantee.NONE)


def test_what_a_statistic_can_not_take_is_told_with_the_claim(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: around(0.0), TWO: around(0.0)})
    claim = value(of=mc.custom("x", lambda values: "a"))
    with pytest.raises(InputError, match="claim v, in n=1: `function` must return a finite number for 64"):
        find(claim, draws, 0.01)


@pytest.mark.parametrize(("there", "note"), [(0, "no replicate has a value"), (1, "1 replicate has a value")])
def test_a_column_without_values_leaves_the_claim_open_and_says_so(
    draws_of: DrawsOf, there: int, note: str
) -> None:
    column = np.full(64, math.nan)
    column[:there] = 1.0
    finding = find(value(), draws_of({ONE: {"x": column}}, missing=("x",)), 0.01)
    assert (finding.verdict, finding.note) == (UNDECIDED, f"{note}: 2 are the least")


def test_claims_take_turns_and_lose_nothing() -> None:
    order: list[tuple[str, int]] = []

    def cells(name: str, count: int) -> Iterator[Any]:
        for number in range(count):
            order.append((name, number))
            yield name, number

    counts = {"long": 2 * TOGETHER, "short": 3, "none": 0, "longer": 2 * TOGETHER + 1}
    found = in_turns({name: cells(name, count) for name, count in counts.items()})
    expected: Any = {name: [(name, number) for number in range(count)] for name, count in counts.items()}
    assert found == expected
    assert order.index(("longer", 0)) < order.index(("long", TOGETHER))
