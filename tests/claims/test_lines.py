"""A line of a rate: its parts together, the power law itself, and levels whose tails are not seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Finding, Rate, Scenario, Verdict, mean, relative, variance
from mcstudy.claims import profits
from mcstudy.claims.deciding import Shares
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.evidence import Fit, Line
from mcstudy.findings import Guarantee
from mcstudy.statistics.accuracy import rmse
from mcstudy.statistics.tails import FEWEST

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
LEVELS = (8, 16, 32, 64, 128, 256)


def rate(**parts: Any) -> Rate:
    plan: dict[str, Any] = {"of": mean("x"), "against": "n", "exponent": -0.5, "margin": 0.02}
    return Rate("r", "s", **(plan | parts))


def columns(law: Callable[[int], float], count: int = 4096, spread: float = 0.1) -> dict[Scenario, Any]:
    rng = np.random.default_rng(1)
    return {Scenario(n=n): {"x": law(n) * (1 + spread * rng.normal(size=count))} for n in LEVELS}


def fit_of(finding: Finding) -> Fit:
    line = finding.evidence.cells[0]
    assert isinstance(line, Line)
    assert line.fit is not None
    return line.fit


def bent(n: int) -> float:
    """A power -1/2 in which every second level lies 0.6 % too high."""
    return float(n**-0.5 * (1 + 0.006 * (math.log2(n) % 2)))


def test_a_rejected_fit_refutes_the_power_law_itself(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(bent, spread=0.05))
    exact = find(rate(margin=0.1, exact=True), draws, 0.01)
    assert exact.verdict is REFUTED
    assert exact.guarantee is Guarantee.ASYMPTOTIC
    assert exact.cells[0].zone.verdict(exact.interval) is CONFIRMED
    assert exact.cells[0].needed == 0
    assert [own.name for own in fit_of(exact).coefficients] == ["slope", "slope over all levels"]
    within = find(rate(margin=0.1), draws, 0.01)
    assert within.verdict is CONFIRMED
    assert within.note == "a power law to within the margin, not exactly"
    straight = draws_of(columns(lambda n: n**-0.5, spread=0.05))
    assert find(rate(margin=0.1, exact=True), straight, 0.01).verdict is CONFIRMED


def test_a_line_too_quiet_to_be_rejected_by_its_tails_is_not(draws_of: DrawsOf) -> None:
    """With 48 replicates nobody has seen the tails, whatever the fit."""
    few = find(rate(margin=0.1, exact=True), draws_of(columns(bent, count=48, spread=1e-4)), 0.01)
    assert few.verdict is UNDECIDED
    assert few.guarantee is Guarantee.NONE
    assert "48 replicates are too few" in few.note


def test_the_slope_over_all_levels_counts_in_the_power_law_itself(draws_of: DrawsOf) -> None:
    """A straight line of slope -0.5 over the upper half, and of -0.4 before: with large errors no fit is rejected."""

    def law(n: int) -> float:
        return float(n**-0.5 if n >= 64 else 64**-0.5 * (n / 64) ** -0.4)

    draws = draws_of(columns(law, spread=0.3))
    assert find(rate(margin=0.04), draws, 0.01).verdict is CONFIRMED
    exact = find(rate(margin=0.04, exact=True), draws, 0.01)
    assert exact.verdict is not CONFIRMED
    assert fit_of(exact).coefficients[1].estimate == pytest.approx(fit_of(exact).exponent)


def test_a_level_whose_tails_are_not_seen_is_named(draws_of: DrawsOf) -> None:
    """Once in 512 replicates 65 times as large: 256 that have not seen it are all equal."""
    drawn = columns(lambda n: n**-0.5, count=256)
    drawn[Scenario(n=128)] = {"x": np.full(256, 128**-0.5)}
    finding = find(rate(margin=0.1), draws_of(drawn), 0.01)
    assert finding.verdict is UNDECIDED
    assert finding.guarantee is Guarantee.NONE
    assert finding.note.startswith("at n = 128, all 256 replicates are equal")
    assert finding.cells[0].needed == 512
    drawn[Scenario(n=16)], drawn[Scenario(n=128)] = drawn[Scenario(n=128)], drawn[Scenario(n=16)]
    drawn = {s: {"x": float(str(s["n"])) ** -0.5 * c["x"] / np.mean(c["x"])} for s, c in drawn.items()}
    elsewhere = find(rate(margin=0.1), draws_of(drawn), 0.01)
    assert elsewhere.verdict is CONFIRMED  # in the other half it has no say


def test_rare_losses_wait_for_the_replicates_that_they_ask_for(draws_of: DrawsOf) -> None:
    loss = np.where(np.arange(512) < 2, 9.0, 1.0)
    drawn = {Scenario(n=n): {"x": n**-0.5 * loss} for n in LEVELS}
    (cell,) = find(rate(margin=0.5), draws_of(drawn), 0.01).cells
    assert (cell.verdict, cell.guarantee) == (UNDECIDED, Guarantee.NONE)
    assert 0 < cell.condition < 1
    assert cell.needed >= 512 / cell.condition


def test_tails_without_moments_ask_for_no_number_of_replicates(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(3)
    drawn = {Scenario(n=n): {"x": n**-0.5 * np.exp(1.2 * rng.normal(size=512))} for n in LEVELS}
    (cell,) = find(rate(margin=0.5), draws_of(drawn), 0.01).cells
    assert (cell.verdict, cell.guarantee) == (UNDECIDED, Guarantee.NONE)
    assert cell.condition == 0.0
    assert cell.needed >= 1024


def test_declared_constants_are_exact_and_decided_at_once(draws_of: DrawsOf) -> None:
    draws = draws_of({Scenario(n=n): {"x": np.full(8, float(n))} for n in LEVELS})
    confirmed = find(rate(exponent=1.0, constant=True), draws, 0.01)
    assert (confirmed.verdict, confirmed.guarantee) == (CONFIRMED, Guarantee.EXACT)
    assert find(rate(exponent=1.0, constant=True, exact=True), draws, 0.01).verdict is CONFIRMED
    claim = rate(exponent=1.25, constant=True, margin=0.25)  # the edge of the zone
    on_edge = find(claim, draws, 0.01)
    assert on_edge.verdict is UNDECIDED
    assert not profits(claim, on_edge.cells[0])
    curved = draws_of({Scenario(n=n): {"x": np.full(8, n * (1 + 1e-9 * n))} for n in LEVELS})
    exact = find(rate(exponent=1.0, constant=True, exact=True), curved, 0.01)
    assert (exact.verdict, exact.guarantee) == (REFUTED, Guarantee.EXACT)


def test_a_constant_that_is_not_positive_is_hopeless(draws_of: DrawsOf) -> None:
    draws = draws_of({Scenario(n=n): {"x": np.full(8, float(256 - n))} for n in LEVELS})
    claim = rate(constant=True)
    finding = find(claim, draws, 0.01)
    assert finding.note == "the mean of x is not positive at n = 256"
    assert not profits(claim, finding.cells[0])


def test_a_line_that_is_not_known_yet_says_how_many_replicates_it_needs(draws_of: DrawsOf) -> None:
    """Relative errors of about 3/8 with 64 draws: for a quarter, the square of their ratio times as many."""
    finding = find(rate(), draws_of(columns(lambda n: 1.0, count=64, spread=3.0)), 0.01)
    assert finding.verdict is UNDECIDED
    assert "is not known to 25 %" in finding.note
    line = finding.evidence.cells[0]
    assert finding.cells[0].needed == math.ceil(64 * (np.max(line.mcse / line.y) / 0.25) ** 2) > 64


def test_the_part_that_is_open_is_shown_with_its_forecast(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: 3 * n**-0.5, count=512))
    assert find(rate(margin=0.1), draws, 0.01).verdict is CONFIRMED
    finding = find(rate(margin=0.1, constant=3, constant_margin=relative(0.005)), draws, 0.01)
    (cell,) = finding.cells
    assert cell.verdict is UNDECIDED
    assert cell.theory == 3.0
    assert cell.margin == pytest.approx(0.015)
    assert cell.estimate == pytest.approx(3.0, abs=5 * cell.mcse)
    assert cell.needed > 512


def test_variances_have_rates_as_means_do(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(4)
    drawn = {Scenario(n=n): {"x": n**-0.25 * rng.normal(size=8192)} for n in LEVELS}
    assert find(rate(of=variance("x"), margin=0.1), draws_of(drawn), 0.01).verdict is CONFIRMED
    assert find(rate(of=variance("x"), margin=0.1, exponent=-1.0), draws_of(drawn), 0.01).verdict is REFUTED


def test_statistics_of_several_columns_have_rates_too(draws_of: DrawsOf) -> None:
    """The error against a truth that is a function of factors: n^-1/2 around n."""
    rng = np.random.default_rng(5)
    errors = {n: n**-0.5 * rng.normal(size=4096) for n in LEVELS}
    drawn = {Scenario(n=n): {"x": n + errors[n], "truth": np.full(4096, n)} for n in LEVELS}
    assert find(rate(of=rmse("x", truth=lambda n: n), margin=0.1), draws_of(drawn), 0.01).verdict is CONFIRMED
    assert find(rate(of=rmse("x", truth="truth"), margin=0.1), draws_of(drawn), 0.01).verdict is CONFIRMED
    wrong = rate(of=rmse("x", truth=lambda n: n + 1), margin=0.1)
    assert find(wrong, draws_of(drawn), 0.01).verdict is REFUTED


def test_the_first_look_waits_for_replicates_that_can_be_believed() -> None:
    shares = Shares.of(0.01, 1, tuned=512)
    assert rate().fewest(shares) == FEWEST
    assert rate(constant=3, constant_margin=1.0).fewest(shares) == FEWEST
    assert rate(constant=True).fewest(shares) == 2
