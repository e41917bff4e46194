"""Missing is an outcome: shares that claims allow, what the missing could change, and values that are infinite."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

import mcstudy as mc
from mcstudy.claims import beyond, profits
from mcstudy.claims.judging import find
from mcstudy.codec import from_plain, plain
from mcstudy.draws import Draws
from mcstudy.engine.outcome import code_of
from mcstudy.exceptions import ClaimError

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = mc.Verdict.CONFIRMED, mc.Verdict.REFUTED, mc.Verdict.UNDECIDED
ONE, TWO, THREE = mc.grid(n=(1, 2, 3))
INF = math.inf
COUNT = 1000


def value(**parts: Any) -> mc.Value:
    plan: dict[str, Any] = {"of": mc.mean("x"), "equals": 0.0, "margin": 1.0}
    return mc.Value("v", "s", **(plan | parts))


def columns(failed: int = 0, missing: int = 0, count: int = COUNT) -> dict[str, Any]:
    """Small signs; of `y` the first so many have failed, of `x` the next so many have no value."""
    x = 1e-3 * np.resize([-1.0, 1.0], count)
    x[: failed + missing] = np.nan
    return {"y": np.where(np.arange(count) < failed, np.nan, 0.0), "x": x}


@pytest.mark.parametrize(
    ("failed", "missing", "parts", "verdict"),
    [
        (0, 50, {"allowed_missing": 0.05}, CONFIRMED),
        (0, 51, {"allowed_missing": 0.05}, UNDECIDED),
        (50, 0, {"allowed_missing": 0.05}, CONFIRMED),
        (20, 31, {"allowed_missing": 0.05}, UNDECIDED),
        (0, 1, {"allowed_missing": 0.0}, UNDECIDED),
        (0, 998, {"allowed_missing": 1.0}, UNDECIDED),  # of two replicates nothing is known
        (0, 600, {}, CONFIRMED),  # without it missing values have no limit
        (1, 0, {}, UNDECIDED),
        (20, 0, {"allowed_failures": 20}, CONFIRMED),
        (20, 20, {"allowed_failures": 20, "allowed_missing": 0.05}, CONFIRMED),
        (21, 0, {"allowed_failures": 20, "allowed_missing": 0.05}, UNDECIDED),
        (20, 31, {"allowed_failures": 20, "allowed_missing": 0.05}, UNDECIDED),
    ],
)
def test_what_may_be_lost(
    draws_of: DrawsOf, failed: int, missing: int, parts: dict[str, Any], verdict: mc.Verdict
) -> None:
    claim = value(**parts)
    (cell,) = find(claim, draws_of({ONE: columns(failed, missing)}, missing=("x",)), 0.01).cells
    assert cell.verdict is verdict
    assert (cell.failures, cell.missing) == (failed, missing)
    assert cell.lost == pytest.approx((failed + missing) / COUNT)
    assert bool(beyond(claim, cell)) is (verdict is UNDECIDED and cell.lost < 0.9)


def test_the_reason_is_in_the_note(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: columns(missing=78)}, missing=("x",))
    finding = find(value(allowed_missing=0.05), draws, 0.01)
    assert finding.note == "7.8 % of the replicates failed or have no value, and the claim allows 5 %"
    assert find(value(), draws, 0.01).note == ""


def test_a_share_is_that_of_the_scenario_that_lost_most(draws_of: DrawsOf) -> None:
    """Of three levels of a line one has lost 12 %, all together 4 %."""
    some = {n: columns(missing=120 if n == TWO else 0) for n in (ONE, TWO, THREE)}
    for name in some.values():
        name["x"] = np.abs(name["x"]) + 1.0
    line = mc.Rate("r", "s", of=mc.mean("x"), against="n", exponent=0.0, margin=0.5, allowed_missing=0.05)
    (cell,) = find(line, draws_of(some, missing=("x",)), 0.01).cells
    assert (cell.lost, cell.verdict) == (0.12, UNDECIDED)


def test_a_share_that_chance_explains_profits_from_more_draws(draws_of: DrawsOf) -> None:
    """Of 100 replicates 5 of 100 are allowed: 11 may be chance (3 errors are 6.5), 12 are not, nor is any failure."""
    for missing, more in ((11, True), (12, False)):
        claim = value(allowed_missing=0.05)
        (cell,) = find(
            claim, draws_of({ONE: columns(missing=missing, count=100)}, missing=("x",)), 0.01
        ).cells
        assert (cell.verdict, profits(claim, cell)) == (UNDECIDED, more)
        assert (cell.needed > 100) is more
    both = value(allowed_missing=0.05, allowed_failures=5)
    (cell,) = find(both, draws_of({ONE: columns(failed=6, count=100)}), 0.01).cells
    assert not profits(both, cell)


@pytest.mark.parametrize("share", [-0.1, 5, 1.01, math.nan, "5 %", True])
def test_shares_that_are_none(share: Any) -> None:
    match = r"claim v: `allowed_missing` must be a share of replicates in \[0, 1\], got .*; write 0.05 for one in twenty"
    with pytest.raises(ClaimError, match=match):
        value(allowed_missing=share)


def test_a_share_of_missing_values_misses_none(draws_of: DrawsOf) -> None:
    """They are what it counts: nothing is lost but what failed."""
    claim = value(of=mc.share_missing("x"), equals=0.2, margin=0.15, allowed_missing=0.05)
    for missing in (200, COUNT):
        (cell,) = find(claim, draws_of({ONE: columns(missing=missing)}, missing=("x",)), 0.01).cells
        assert (cell.missing, cell.drawn, cell.lost, cell.worst_case) == (0, COUNT, 0.0, None)
        assert cell.estimate == missing / COUNT
    assert cell.verdict is REFUTED


def test_a_rate_of_missing_values_counts_them(draws_of: DrawsOf) -> None:
    levels = mc.grid(n=(1, 2, 4, 8))
    rng = np.random.default_rng(2)
    some = {s: {"x": np.where(rng.random(20000) < 0.4 / float(str(s["n"])), np.nan, 1.0)} for s in levels}
    line = mc.Rate("r", "s", of=mc.share_missing("x"), against="n", exponent=-1.0, margin=0.3)
    finding = find(line, draws_of(some, missing=("x",)), 0.01)
    assert finding.verdict is CONFIRMED, finding.note


def hits(count: int, failed: int = 0, missing: int = 0) -> dict[str, Any]:
    """`count` hits among 1,000, then those that are lost."""
    lost = failed + missing
    hit = (np.arange(COUNT) < count).astype(float)
    hit[COUNT - lost :] = np.nan
    order = np.arange(COUNT)
    return {
        "y": np.where((order >= COUNT - lost) & (order < COUNT - missing), np.nan, 0.0),
        "x": hit,
        "z": 2 * hit - 1,
    }


BOUNDS: dict[str, tuple[mc.Value | mc.AtLeast | mc.Bound, tuple[float, float] | None]] = {
    "proportion": (value(of=mc.proportion("x")), (0.6, 0.7)),
    "power": (value(of=mc.power("p")), (0.6, 0.7)),
    "coverage": (mc.AtLeast("v", "s", of=mc.coverage("z", "w", 0.0), at_least=0.0), (0.3, 0.4)),
    "quantile": (value(of=mc.quantile("x", 0.5)), (1.0, 1.0)),
    "an outer quantile": (value(of=mc.quantile("x", 0.95)), (1.0, INF)),
    "a mean within a range": (value(of=mc.mean("z"), range=(-1.0, 1.0)), (0.2, 0.4)),
    "a mean": (value(of=mc.mean("x")), None),
    "violations": (mc.Bound("v", "s", column="x", at_most=0.5), (0.6, 0.7)),
    "a constant": (value(of=mc.quantile("w", 0.5), constant=True), None),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_beside_estimates(draws_of: DrawsOf, name: str) -> None:
    """600 hits of 900; 100 are lost, 40 of them failed."""
    claim, expected = BOUNDS[name]
    data = hits(600, 40, 60)
    lost = np.isnan(data["x"]) | np.isnan(data["y"])
    data |= {"p": np.where(lost, np.nan, 1.0 - data["x"]), "w": np.where(lost, np.nan, 1.0)}
    draws = draws_of({ONE: data}, missing=("x", "z", "p", "w"))
    (cell,) = find(claim, draws, 0.01).cells
    assert (cell.failures, cell.missing) == (40, 60)
    assert cell.worst_case == (None if expected is None else pytest.approx(expected))
    again = from_plain(mc.Cell, json.loads(json.dumps(plain(cell))))
    assert repr(again) == repr(cell)  # nan, which some fields hold, equals nothing
    if cell.worst_case:
        assert cell.worst_case[0] <= cell.estimate <= cell.worst_case[1]


def test_no_bounds_where_nothing_is_lost_or_nothing_known(draws_of: DrawsOf) -> None:
    share = value(of=mc.proportion("x"))
    (whole,) = find(share, draws_of({ONE: hits(600)}, missing=("x",)), 0.01).cells
    (nothing,) = find(share, draws_of({ONE: hits(0, missing=COUNT)}, missing=("x",)), 0.01).cells
    assert (whole.lost, whole.worst_case) == (0.0, None)
    assert (nothing.lost, nothing.worst_case) == (1.0, None)


def test_bounds_of_a_difference(draws_of: DrawsOf) -> None:
    """0.6 to 0.7 at one level, 0.2 to 0.25 at the other; means have none, nor has a ratio."""
    draws = draws_of({ONE: hits(600, missing=100), TWO: hits(200, missing=50)}, missing=("x",))

    def bounds(**parts: Any) -> Any:
        plan: dict[str, Any] = {"of": mc.proportion("x"), "across": "n", "levels": (1, 2), "at_least": 0.0}
        return find(mc.Contrast("c", "s", **(plan | parts)), draws, 0.01).cells[0].worst_case

    assert bounds() == pytest.approx((0.35, 0.5))
    assert bounds(of=mc.mean("x")) is None
    assert bounds(kind="ratio") is None


def heavy(infinite: int, count: int = COUNT) -> dict[str, Any]:
    x = np.random.default_rng(4).normal(size=count)
    x[:infinite] = INF
    return {"x": x, "low": np.where(np.arange(count) % 2, -INF, -1.0), "high": np.full(count, 1.0)}


def test_quantiles_and_coverage_take_infinite_values(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: heavy(50)})
    median = find(value(of=mc.quantile("x", 0.5), margin=0.3), draws, 0.01)
    assert (median.verdict, math.isfinite(median.mcse)) == (CONFIRMED, True)
    covered = find(mc.AtLeast("v", "s", of=mc.coverage("low", "high", 0.0), at_least=0.9), draws, 0.01)
    assert covered.verdict is CONFIRMED
    outer = find(value(of=mc.quantile("x", 0.97)), draws, 0.01)
    assert (outer.verdict, outer.estimate) == (REFUTED, INF)
    assert find(mc.AtMost("v", "s", of=mc.quantile("x", 0.97), at_most=0.5), draws, 0.01).verdict is REFUTED
    assert find(value(of=mc.quantile("x", 0.952), equals=1.5), draws, 0.01).verdict is UNDECIDED


def test_laws_take_infinite_values(draws_of: DrawsOf) -> None:
    """An atom of 30 % at infinity is as far from a law without it; one of 1 % is near."""
    law = mc.Law("l", "s", column="x", distribution=stats.norm(), margin=0.1)
    far = find(law, draws_of({ONE: heavy(300)}), 0.01)
    assert far.verdict is REFUTED
    assert far.estimate == pytest.approx(0.3, abs=0.06)
    assert find(law, draws_of({ONE: heavy(10)}), 0.01).verdict is CONFIRMED
    negative = {"x": -heavy(300)["x"]}
    assert find(law, draws_of({ONE: negative}), 0.01).estimate == pytest.approx(0.3, abs=0.06)
    same = mc.SameLaw("l", "s", column="x", across="n", margin=0.05)
    assert find(same, draws_of({ONE: heavy(300), TWO: heavy(300)}), 0.01).estimate == 0.0
    apart = find(same, draws_of({ONE: heavy(300), TWO: negative}), 0.01)
    assert (apart.verdict, apart.estimate > 0.3) == (REFUTED, True)


class Atoms:
    """A normal law with atoms of 20 % at both infinities."""

    def cdf(self, x: Any) -> Any:
        return np.where(np.asarray(x) == INF, 1.0, 0.2 + 0.6 * stats.norm.cdf(x))


def test_a_law_with_atoms_at_the_infinities(draws_of: DrawsOf) -> None:
    x = np.random.default_rng(8).normal(size=5000)
    x[:1000], x[1000:2000] = INF, -INF
    claim = mc.Law("l", "s", column="x", distribution=Atoms(), margin=0.05)
    assert find(claim, draws_of({ONE: {"x": x}}), 0.01).verdict is CONFIRMED
    x[2000:2500] = -INF  # the control: 30 % below in place of 20
    assert find(claim, draws_of({ONE: {"x": x}}), 0.01).verdict is REFUTED


@pytest.mark.parametrize(
    ("claim", "what"),
    [
        (value(), "mean of x"),
        (mc.AtMost("v", "s", of=mc.sd("x"), at_most=3.0), "sd of x"),
        (mc.Bound("v", "s", column="x", at_most=9.0), "probability that"),
        (mc.Identity("v", "s", column="x", tolerance=9.0), "largest x"),
        (mc.Rate("v", "s", of=mc.rms("x"), against="n", exponent=0.0, margin=0.1), "slope of log rms of x"),
    ],
)
def test_means_leave_infinite_values_undecided_for_good(draws_of: DrawsOf, claim: Any, what: str) -> None:
    """What `simulate` may no longer return, kept draws may have: another claim was made of them."""
    draws = draws_of({s: heavy(3 if s == TWO else 0) for s in (ONE, TWO, THREE)})
    finding = find(claim, draws, 0.01)
    assert finding.verdict is UNDECIDED
    assert f"x is infinite in 3 of 1000 replicates, which leaves no {what}" in finding.note
    assert not any(profits(claim, cell) for cell in finding.cells if "infinite" in cell.note)


def test_a_rate_of_a_quantile_that_is_infinite_stays_open(draws_of: DrawsOf) -> None:
    draws = draws_of({s: {"x": np.abs(heavy(600 if s == TWO else 0)["x"])} for s in (ONE, TWO, THREE)})
    line = mc.Rate("r", "s", of=mc.quantile("x", 0.5), against="n", exponent=0.0, margin=0.1)
    finding = find(line, draws, 0.01)
    assert (finding.verdict, finding.note) == (UNDECIDED, "the 0.5 quantile of x is infinite at n = 2")


def test_measures_of_infinite_values(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: heavy(50)})
    (median,) = mc.Measure("m", of=mc.quantile("x", 0.5)).take(draws).cells
    (mean,) = mc.Measure("m", of=mc.mean("x")).take(draws).cells
    assert math.isfinite(median.estimate + median.mcse)
    assert math.isnan(mean.estimate)
    assert math.isnan(mean.mcse)


def test_measures_have_bounds_too(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: hits(600, 40, 60), TWO: hits(600)}, missing=("x",))
    with_gaps, whole = mc.Measure("m", of=mc.proportion("x")).take(draws).cells
    assert with_gaps.worst_case == pytest.approx((0.6, 0.7))
    assert whole.worst_case is None
    assert mc.Measure("m", of=mc.mean("x")).take(draws).cells[0].worst_case is None


def test_a_measure_of_missing_values_where_all_have_failed(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: {"y": np.full(16, np.nan)}})
    (cell,) = mc.Measure("m", of=mc.share_missing("x")).take(draws).cells
    assert (cell.estimate, cell.replicates, cell.missing) == (1.0, 16, 0)


@mc.each
def raises_often(rng: np.random.Generator, *, n: int) -> dict[str, float]:
    slope = rng.normal()
    if slope > 0.85:  # one in five
        raise ValueError("no convergence")
    return {"slope": slope}


def test_a_method_that_raises_has_not_converged() -> None:
    """Of the replicates that returned something all converged: that is not the rate of convergence."""
    study = mc.Study(
        name="raises",
        title="t",
        question="q?",
        source="s",
        simulate=raises_often,
        scenarios=mc.grid(n=(1,)),
        block=64,
        replicates=mc.Replicates(1024),
        claims=[
            mc.AtMost(
                "rare", "s", of=mc.share_missing("slope"), at_most=0.05, expected=mc.control("one in five")
            ),
            mc.Value("rate", "s", of=1 - mc.share_missing("slope"), equals=ndtr(0.85), margin=0.1),
        ],
        measures=[mc.Measure("share", of=mc.share_missing("slope"))],
    )
    results = mc.run(study, executor="serial", out=None)
    assert results.run.failures > 150
    assert (results["rare"].verdict, results["rate"].verdict) == (REFUTED, CONFIRMED)
    (cell,) = results["rare"].cells
    assert cell.estimate == results.run.failures / cell.replicates == results.measures[0].cells[0].estimate
    assert (cell.failures, cell.missing, cell.drawn, cell.lost) == (0, 0, cell.replicates, 0.0)
    assert results.measures[0].cells[0].missing == 0
    assert code_of(study, results) == 0  # every failure has its say


@pytest.mark.parametrize("there", [0, 1, 3])
@pytest.mark.parametrize("conditional", [False, True])
def test_a_statistic_that_needs_more_replicates_than_there_are_stays_open(
    draws_of: DrawsOf, there: int, conditional: bool
) -> None:
    """A custom one is halved, for which it takes four."""
    x, chosen = np.full(COUNT, np.nan), np.zeros(COUNT)
    x[:there], chosen[:there] = 1.0, 1.0
    if conditional:
        x[:] = 1.0
    of = mc.custom("x", np.ptp)
    claim = value(of=mc.conditional(of, given="chosen") if conditional else of)
    draws = draws_of({ONE: {"x": x, "chosen": chosen}}, missing=("x",))
    finding = find(claim, draws, 0.01)
    assert finding.verdict is UNDECIDED
    assert math.isnan(finding.estimate)
    (cell,) = mc.Measure("m", of=claim.of).take(draws).cells
    assert math.isnan(cell.estimate)


@pytest.mark.parametrize("common", [0, 1, 2])
def test_a_pair_with_too_few_replicates_in_common_stays_open(draws_of: DrawsOf, common: int) -> None:
    one, other = np.arange(COUNT, dtype=float), np.arange(COUNT, dtype=float)
    one[COUNT // 2 + common :] = np.nan
    other[: COUNT // 2] = np.nan
    draws = draws_of(
        {scenario: {"x": x} for scenario, x in zip(mc.grid(m=("a", "b")), (one, other), strict=True)},
        common=("m",),
        missing=("x",),
    )
    claim = mc.Contrast("c", "s", of=mc.mean("x"), across="m", levels=("a", "b"), at_most=0.0)
    finding = find(claim, draws, 0.01)
    assert finding.verdict is UNDECIDED
    told = finding.note == f"{common} replicates have a value at both levels: 2 are the least"
    assert told == (common < 2)
