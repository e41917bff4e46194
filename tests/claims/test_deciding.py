"""What a cell may spend, what limits say of a zone, and how well the draws that are missing are forecast."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy import Scenario, Verdict, mean, proportion
from mcstudy.claims.deciding import Decision, Shares, decide, needed
from mcstudy.findings import Guarantee, Zone
from mcstudy.statistics import Limits, Statistic
from mcstudy.statistics.tails import Condition

CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
SHARES = Shares.of(0.01, 4, 256.0)
ZONE = Zone(theory=0.0, margin=1.0)
MET, SHORT = Condition(True, 3.0, "seen"), Condition(False, 0.25, "the tails ask for more")

FloatArray = npt.NDArray[np.float64]


def test_the_only_cell_refutes_with_half_of_the_share_on_each_side() -> None:
    assert Shares.of(0.02, 1, 256.0) == Shares(confirm=0.02, refute=0.01, tuned=256.0)


@pytest.mark.parametrize("cells", [2, 7, 64])
def test_cells_share_what_refutes_and_each_confirms_with_all(cells: int) -> None:
    shares = Shares.of(0.02, cells, 256.0)
    assert shares.confirm == 0.02
    assert 2 * cells * shares.refute == pytest.approx(0.02)


def test_parts_of_a_cell_share_what_refutes_it() -> None:
    parts = SHARES.among(5)
    assert (parts.confirm, parts.refute, parts.tuned) == (0.01, SHARES.refute / 5, 256.0)
    assert SHARES.retuned(64.0) == Shares(SHARES.confirm, SHARES.refute, 64.0)


def test_confidence_counts_both_ends() -> None:
    assert SHARES.confidence(CONFIRMED) == 1 - 2 * 0.01
    assert SHARES.confidence(REFUTED) == SHARES.confidence(UNDECIDED) == 1 - 2 * 0.01 / 8


def around(
    center: float,
    narrow: float,
    wide: float,
    conditions: tuple[Condition | None, Condition | None] = (None, None),
) -> Callable[[float], Limits]:
    """Limits of a half-width that depends on the share; what confirms is narrower."""

    def limits(share: float) -> Limits:
        width, condition = (narrow, conditions[0]) if share == SHARES.confirm else (wide, conditions[1])
        return Limits(center - width, center + width, condition)

    return limits


@pytest.mark.parametrize(
    ("center", "verdict", "interval"),
    [
        (0.4, CONFIRMED, (-0.1, 0.9)),  # the wide limits would leave it open
        (0.6, UNDECIDED, (-0.4, 1.6)),
        (1.6, UNDECIDED, (0.6, 2.6)),  # the narrow ones would refute it
        (2.1, REFUTED, (1.1, 3.1)),
        (-2.1, REFUTED, (-3.1, -1.1)),
    ],
)
def test_each_verdict_has_its_own_limits(
    center: float, verdict: Verdict, interval: tuple[float, float]
) -> None:
    decision = decide(ZONE, around(center, narrow=0.5, wide=1.0), SHARES)
    assert decision.verdict is verdict
    assert decision.interval == pytest.approx(interval)
    assert decision.confidence == SHARES.confidence(verdict)


def test_limits_for_every_law_need_no_condition() -> None:
    decision = decide(ZONE, around(0.0, 0.5, 1.0), SHARES)
    assert decision.guarantee is Guarantee.EXACT
    assert math.isnan(decision.condition)
    assert decision.note == ""


def test_limits_with_a_condition_that_is_met_hold_for_many_replicates() -> None:
    decision = decide(ZONE, around(0.0, 0.5, 1.0, (MET, SHORT)), SHARES)
    assert (decision.verdict, decision.guarantee) == (CONFIRMED, Guarantee.ASYMPTOTIC)
    assert (decision.condition, decision.note) == (3.0, "")


@pytest.mark.parametrize(
    ("center", "conditions"),
    [
        (0.0, (SHORT, SHORT)),  # inside
        (1.0, (SHORT, SHORT)),  # on the edge
        (9.0, (SHORT, SHORT)),  # outside
        (9.0, (MET, SHORT)),  # outside, and only the limits that are not asked may be believed
    ],
)
def test_limits_that_may_not_be_believed_decide_nothing_and_say_why(
    center: float, conditions: tuple[Condition, Condition]
) -> None:
    decision = decide(ZONE, around(center, 0.5, 1.0, conditions), SHARES)
    assert (decision.verdict, decision.guarantee) == (UNDECIDED, Guarantee.NONE)
    assert (decision.condition, decision.note) == (0.25, "the tails ask for more")


def test_what_is_open_by_its_width_does_not_wait_for_tails() -> None:
    """The wide limits need not be believed where they refute nothing."""
    decision = decide(ZONE, around(1.0, 0.5, 1.0, (MET, SHORT)), SHARES)
    assert (decision.verdict, decision.note, decision.condition) == (UNDECIDED, "", 3.0)


def test_a_cell_holds_what_was_decided() -> None:
    decision = decide(ZONE, around(0.4, 0.5, 1.0, (MET, MET)), SHARES)
    cell = decision.cell(Scenario(n=1), ZONE, 0.4, 0.1, 512, SHARES)
    assert (cell.scenario, cell.zone, cell.estimate, cell.mcse) == (Scenario(n=1), ZONE, 0.4, 0.1)
    assert (cell.verdict, cell.interval, cell.confidence) == (CONFIRMED, decision.interval, 0.98)
    assert (cell.guarantee, cell.condition, cell.needed) == (Guarantee.ASYMPTOTIC, 3.0, 0)
    assert cell.reach == pytest.approx(0.9)
    open_ = decide(ZONE, around(0.6, 0.5, 1.0), SHARES)
    assert open_.cell(Scenario(n=1), ZONE, 0.6, 0.1, 512, SHARES).needed == needed(
        open_, ZONE, 0.6, 512, SHARES
    )


def forecast(center: float, conditions: tuple[Condition | None, Condition | None] = (None, None)) -> int:
    decision = decide(ZONE, around(center, 0.5, 1.0, conditions), SHARES)
    return needed(decision, ZONE, center, 1000, SHARES)


@pytest.mark.parametrize("center", [0.0, 0.5, -0.5, 2.5, -2.5])
def test_nothing_is_needed_where_it_is_decided(center: float) -> None:
    assert forecast(center) == 0


@pytest.mark.parametrize("center", [1.0, -1.0])
def test_on_the_edge_twice_as_many(center: float) -> None:
    assert forecast(center) == 2000


def test_a_forecast_beyond_all_draws_is_none() -> None:
    assert forecast(1.0 - 1e-9) == 2000


def test_tails_that_were_not_seen_are_waited_for() -> None:
    assert forecast(0.0, (SHORT, SHORT)) == 4000  # a quarter of those that are asked for were drawn
    unseen = Condition(False, 0.0, "all replicates are equal")
    assert forecast(0.0, (unseen, unseen)) == 2000
    heavy = Condition(False, 2.0, "the left tail's index leaves no third moment")
    assert forecast(0.0, (heavy, heavy)) == 2000  # nobody can tell when a tail's index shrinks


def test_a_moment_that_a_law_lacks_is_no_matter_of_replicates() -> None:
    """The cell says so by a condition of 0; the forecast, by which looks are planned, is that of unseen tails."""
    heavy = Condition(False, 2.0, "the left tail's index leaves no third moment", lasting=True)
    for condition, told in ((heavy, 0.0), (SHORT, SHORT.value)):
        decision = decide(ZONE, around(0.0, 0.5, 1.0, (condition, condition)), SHARES)
        cell = decision.cell(Scenario(n=1), ZONE, 0.0, 0.1, 1000, SHARES)
        assert (cell.verdict, cell.condition, cell.note) == (UNDECIDED, told, condition.reason)
        assert cell.needed == (2000 if condition is heavy else 4000)


Draw = Callable[[np.random.Generator, int], FloatArray]


def normal(rng: np.random.Generator, size: int) -> FloatArray:
    return rng.standard_normal(size)


def exponential(rng: np.random.Generator, size: int) -> FloatArray:
    return rng.standard_exponential(size) - 1.0


def held(values: FloatArray, center: float) -> FloatArray:
    """The replicates moved so that their mean is `center`: the forecast is one for estimates that stay."""
    return values - np.mean(values) + center


def decided(zone: Zone, of: Statistic, values: FloatArray, shares: Shares) -> Decision:
    return decide(zone, lambda share: of.limits(values, share, shares.tuned), shares)


@pytest.mark.parametrize(
    ("draw", "center", "first", "cells", "verdict"),
    [
        (normal, 0.0, 400, 1, CONFIRMED),
        (normal, 0.05, 800, 1, CONFIRMED),
        (normal, -0.05, 800, 16, CONFIRMED),
        (normal, 0.2, 800, 1, REFUTED),
        (normal, -0.2, 800, 16, REFUTED),
        (exponential, 0.05, 1600, 4, CONFIRMED),
        (exponential, 0.2, 1600, 4, REFUTED),
    ],
)
def test_forecast_is_right_within_thirty_percent(
    draw: Draw, center: float, first: int, cells: int, verdict: Verdict
) -> None:
    """On draws whose mean stays: 0.7 of the forecast leaves the cell undecided, 1.3 times as many decide it."""
    zone, shares, of = Zone(0.0, 0.1), Shares.of(1e-3, cells, 2048.0), mean("x")
    rng = np.random.default_rng(5)
    for _ in range(10):
        drawn = draw(rng, 2**16)
        before = decided(zone, of, held(drawn[:first], center), shares)
        assert before.verdict is UNDECIDED
        count = needed(before, zone, center, first, shares)
        few, many = (held(drawn[: int(part * count)], center) for part in (0.7, 1.3))
        assert decided(zone, of, few, shares).verdict is UNDECIDED
        assert decided(zone, of, many, shares).verdict is verdict


def test_forecast_by_the_square_root_alone_is_caught() -> None:
    """The control: without the logarithm in z a forecast from few replicates is 40 % too high."""
    zone, shares, of = Zone(0.0, 0.05), Shares.of(1e-3, 1, 16384.0), mean("x")
    drawn = np.random.default_rng(6).standard_normal(2**16)
    before = decided(zone, of, held(drawn[:400], 0.0), shares)
    low, high = before.narrow
    naive = 400 * ((high - low) / 2 / zone.margin) ** 2
    count = needed(before, zone, 0.0, 400, shares)
    assert decided(zone, of, held(drawn[: int(0.7 * naive)], 0.0), shares).verdict is CONFIRMED
    assert decided(zone, of, held(drawn[: int(0.7 * count)], 0.0), shares).verdict is UNDECIDED


def test_forecast_of_limits_for_every_law() -> None:
    """Of a proportion that stays at 0.1, within 0.02."""
    zone, shares, of = Zone(0.1, 0.02), Shares.of(1e-3, 1, 2048.0), proportion("x")

    def drawn(count: int) -> FloatArray:
        return np.asarray(np.arange(count) % 10 == 0, dtype=np.float64)

    before = decided(zone, of, drawn(1000), shares)
    count = needed(before, zone, 0.1, 1000, shares)
    assert decided(zone, of, drawn(int(0.7 * count)), shares).verdict is UNDECIDED
    assert decided(zone, of, drawn(int(1.3 * count)), shares).verdict is CONFIRMED
