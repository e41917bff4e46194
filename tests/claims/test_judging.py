"""How draws answer claims: shares of alpha, cells that conclude together, failures and missing values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import judge, profits
from mcstudy.claims.judging import find, look_share
from mcstudy.draws import Draws
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


def test_the_looks_spend_alpha_once() -> None:
    """1/(k (k + 1)) sums to 1 - 1/(K + 1) over K looks: never more than there is."""
    shares = [look_share(look) for look in range(1, 31)]
    assert shares[:3] == [1 / 2, 1 / 6, 1 / 12]
    assert sum(shares) == pytest.approx(1 - 1 / 31)


def test_alpha_is_shared_by_claims_cells_and_looks(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: around(0.0, spread=0.01), TWO: around(0.0, count=256)})
    one, other = judge([value(), value(where={"n": 2})], draws, alpha=0.02)
    assert one.confidence == 1 - 0.02 / 2 / 2 / 2  # 2 claims, 2 cells, look 1; n = 1 decides
    assert other.confidence == 1 - 0.02 / 2 / 12  # look 3


def test_alpha_is_shared_by_the_claims_of_the_whole_study(draws_of: DrawsOf) -> None:
    """An experiment's claims get no more because the others stand in other experiments."""
    draws = draws_of({ONE: around(0.0)})
    (finding,) = judge([value()], draws, alpha=0.02, experiment="first", among=5)
    assert finding.confidence == 1 - 0.02 / 5 / 2
    assert finding.experiment == "first"


def test_more_claims_and_cells_widen_every_interval(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(7)
    draws = draws_of({scenario: {"x": rng.normal(size=64)} for scenario in (ONE, TWO)})

    def width(claims: list[mc.Value]) -> float:
        low, high = judge(claims, draws)[0].interval
        return high - low

    alone = width([value(where={"n": 1})])
    assert alone < width([value(where={"n": 1}), value(where={"n": 2})])
    assert alone < width([value()])


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
    assert finding.confidence == 1 - 0.02 / 2 / 12
    for name in ("theory", "margin", "estimate", "mcse", "interval", "replicates", "verdict"):
        assert getattr(finding, name) == getattr(cell, name)


def test_failures_leave_a_claim_undecided_for_good(draws_of: DrawsOf) -> None:
    claim = value()
    finding = find(claim, draws_of({ONE: around(0.0), TWO: failing(1)}), 0.01)
    assert [cell.verdict for cell in finding.cells] == [CONFIRMED, UNDECIDED]
    assert finding.verdict is UNDECIDED
    assert not profits(claim, finding)


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
    assert (finding.verdict, finding.guarantee) == (UNDECIDED, Guarantee.NONE)
    assert math.isnan(finding.estimate)
    assert profits(patient, finding)
    strict = value()
    assert not profits(strict, find(strict, draws_of({ONE: failing(128)}), 0.01))


def test_open_cells_without_failures_profit_from_more_draws(draws_of: DrawsOf) -> None:
    claim = value()
    assert profits(claim, find(claim, draws_of({ONE: around(1.0), TWO: failing(1)}), 0.01))


def test_a_decided_claim_profits_from_nothing(draws_of: DrawsOf) -> None:
    claim = value()
    for center in (0.0, 9.0):
        assert not profits(claim, find(claim, draws_of({ONE: around(center)}), 0.01))


def test_a_cell_without_numbers_speaks_only_where_it_is_alone(draws_of: DrawsOf) -> None:
    lost = {"x": np.full(64, math.nan)}
    undecided = find(value(), draws_of({ONE: lost, TWO: around(1.0)}), 0.01)
    assert (undecided.deciding, undecided.guarantee) == (1, Guarantee.ASYMPTOTIC)
    alone = find(value(), draws_of({ONE: lost, TWO: around(0.0)}), 0.01)
    assert (alone.deciding, alone.guarantee) == (0, Guarantee.NONE)
