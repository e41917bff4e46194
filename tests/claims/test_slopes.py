"""Noise and misfit of a rate: what confirms, what refutes, and what no draws can decide."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mcstudy import Finding, Rate, Scenario, Verdict, mean
from mcstudy.claims import profits
from mcstudy.claims.judging import find
from mcstudy.claims.slopes import Ruling
from mcstudy.draws import Draws
from mcstudy.evidence import Half, Line
from mcstudy.findings import Guarantee, Zone

DrawsOf = Callable[..., Draws]
Law = Callable[[float], float]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
FAR = tuple(2**k for k in range(6, 15))


def columns(law: Law, levels: tuple[int, ...], count: int, spread: float = 0.3) -> dict[Scenario, Any]:
    """Columns whose mean at n is law(n), with relative noise; more draws begin with the same."""
    noise = {n: spread * np.random.default_rng(n).normal(size=count) for n in levels}
    return {Scenario(n=n): {"x": law(n) * (1 + noise[n])} for n in levels}


def found(
    draws_of: DrawsOf,
    law: Law,
    *,
    levels: tuple[int, ...] = FAR,
    count: int = 2**14,
    spread: float = 0.3,
    **parts: Any,
) -> Finding:
    plan: dict[str, Any] = {"of": mean("x"), "against": "n", "exponent": -0.5, "margin": 0.02}
    return find(Rate("r", "s", **(plan | parts)), draws_of(columns(law, levels, count, spread)), 0.01)


def line_of(finding: Finding) -> Line:
    line = finding.evidence.cells[0]
    assert isinstance(line, Line)
    return line


def scan_of(finding: Finding) -> tuple[Half, ...]:
    fit = line_of(finding).fit
    assert fit is not None
    return fit.scan


def root(bend: float) -> Law:
    """The power -1/2 with its next term: bend / n^(1/2) of it."""
    return lambda n: n**-0.5 * (1 + bend * n**-0.5)


@pytest.mark.parametrize(("law", "exponent"), [(lambda n: 1 / (n - 1), -1.0), (root(1.0), -0.5)])
def test_true_asymptotic_rates_are_confirmed_with_enough_draws(
    draws_of: DrawsOf, law: Law, exponent: float
) -> None:
    """They are no power laws, and the more draws, the more surely so: that may not keep them open."""
    finding = found(draws_of, law, exponent=exponent, spread=0.1)
    assert finding.verdict is CONFIRMED
    assert finding.guarantee is Guarantee.ASYMPTOTIC
    assert line_of(finding).note == "a power law to within the margin, not exactly"


def test_a_wrong_power_is_refuted_with_as_many_draws(draws_of: DrawsOf) -> None:
    finding = found(draws_of, lambda n: n**-0.53, count=2**16)
    assert finding.verdict is REFUTED
    assert finding.cells[0].needed == 0


def test_a_bent_line_is_neither_confirmed_nor_refuted(draws_of: DrawsOf) -> None:
    """Slope -0.54 near n = 4096, -1/2 in the limit: the half lies outside of the zone by noise, not by misfit."""
    finding = found(draws_of, root(5.0), count=2**17)
    (cell,) = finding.cells
    assert finding.verdict is UNDECIDED
    assert finding.guarantee is Guarantee.NONE
    assert cell.note.startswith(
        "misfit: over the upper half of the levels (n = 1024 to 16384) the slope is -0.538"
    )
    assert cell.note.endswith("a correction term or levels nearer to the limit would tell")
    assert cell.hopeless
    assert cell.needed == 0
    assert -0.54 < cell.estimate + 5 * cell.mcse < -0.52  # noise alone would refute
    # What would help, helps: in the limit it is true.
    assert found(draws_of, root(5.0), levels=tuple(2**k for k in range(12, 21))).verdict is CONFIRMED
    # With few draws the residuals may be noise: there is hope.
    few = found(draws_of, root(5.0), count=2**10)
    assert few.note.startswith("misfit: ")
    assert not few.cells[0].hopeless
    assert few.cells[0].needed == 2 * 2**10


def test_a_short_half_borrows_the_residuals_of_the_next_level(draws_of: DrawsOf) -> None:
    """Of three levels two decide, which have no residuals."""
    bent = found(draws_of, root(3.0), levels=(64, 128, 256))
    assert bent.verdict is UNDECIDED
    assert bent.note.startswith(
        "misfit: over the upper half of the levels (n = 128 to 256) the slope is -0.5"
    )
    assert found(draws_of, lambda n: n**-0.6, levels=(64, 128, 256)).verdict is REFUTED  # the control


def changing(*slopes: float) -> tuple[Law, tuple[int, ...]]:
    """A law of these slopes between levels that double, and the levels."""
    levels = tuple(2**k for k in range(4, 5 + len(slopes)))
    logs = np.concatenate([[0.0], np.cumsum(slopes)]) * math.log(2.0)
    return (lambda n: float(np.exp(logs[levels.index(int(n))]))), levels


def test_the_scan_has_a_slope_from_every_level_on(draws_of: DrawsOf) -> None:
    law, levels = changing(-0.3, -0.5, -0.5, -0.5)
    scan = scan_of(found(draws_of, law, levels=levels))
    assert [half.levels for half in scan] == [5, 4, 3, 2]
    # The slope over five levels is the mean of those between neighbours with weights 4, 6, 6 and 4.
    expected = [-0.5 + 0.2 * 4 / 20, -0.5, -0.5, -0.5]
    for half, slope in zip(scan, expected, strict=True):
        assert half.exponent == pytest.approx(slope, abs=5 * half.sampling_error)
        assert half.interval[0] < half.exponent < half.interval[1]
    towards_zero = scan_of(found(draws_of, law, levels=levels, limit="zero"))
    assert towards_zero[-1].exponent == pytest.approx(-0.3, abs=5 * towards_zero[-1].sampling_error)


def test_a_slope_nearer_to_the_limit_may_not_leave_the_zone(draws_of: DrawsOf) -> None:
    """Over the last four levels the slope is -0.5, over the last two -0.56: it has not settled."""
    law, levels = changing(-0.5, -0.5, -0.5, -0.44, -0.5, -0.56)
    finding = found(draws_of, law, levels=levels, margin=0.03)
    (cell,) = finding.cells
    assert finding.verdict is UNDECIDED
    assert cell.note.startswith("misfit: the slope over n = 512 and beyond is -0.5")
    assert cell.hopeless
    law, levels = changing(-0.5, -0.5, -0.5, -0.5, -0.5, -0.5)
    assert found(draws_of, law, levels=levels, margin=0.03).verdict is CONFIRMED  # the control


def test_the_law_may_be_claimed_from_an_earlier_level_on(draws_of: DrawsOf) -> None:
    law, levels = changing(-0.2, -0.5, -0.5, -0.5, -0.5)
    assert found(draws_of, law, levels=levels).verdict is CONFIRMED
    assert found(draws_of, law, levels=levels, asymptotic_from=32).verdict is CONFIRMED
    earlier = found(draws_of, law, levels=levels, asymptotic_from=16)
    assert earlier.verdict is UNDECIDED
    assert earlier.note.startswith("misfit: the slope over n = 16 and beyond is -0.4")


def test_a_forecast_decides(draws_of: DrawsOf) -> None:
    """As many draws as it says, and a sixth more for what the estimate moves."""
    open_ = found(draws_of, lambda n: n**-0.5, count=512)
    assert open_.verdict is UNDECIDED
    (cell,) = open_.cells
    assert profits(Rate("r", "s", of=mean("x"), against="n", exponent=-0.5, margin=0.02), cell)
    assert 512 < cell.needed < 2**13
    assert found(draws_of, lambda n: n**-0.5, count=cell.needed + cell.needed // 6).verdict is CONFIRMED
    assert found(draws_of, lambda n: n**-0.5, count=(512 + cell.needed) // 2).verdict is UNDECIDED


def slow(n: float) -> float:
    """As the bias of a kernel estimate may fall: as n^(-2/5) in the limit, as n^(-0.3) over the levels drawn."""
    return float(math.exp(-3 * n**-0.4) / n**0.4)


@pytest.mark.parametrize(("claimed", "possible"), [(-0.6, True), (-0.9, True), (-1.2, False), (-0.1, False)])
def test_what_a_correction_passes_on_its_way_is_as_possible_as_its_end(
    claimed: float, possible: bool
) -> None:
    """Of a slope in [-0.31, -0.29] that a correction takes to [-0.95, -0.85]."""

    def ruling(low: float, high: float) -> Ruling:
        part: Any = SimpleNamespace(zone=Zone(claimed, 0.05))
        decision: Any = SimpleNamespace(wide=(low, high))
        return Ruling(part, decision)

    assert ruling(-0.31, -0.29).meets_zone_before(ruling(-0.95, -0.85)) is possible


def test_a_line_that_bends_towards_the_claim_is_not_refuted(draws_of: DrawsOf) -> None:
    """The slope is surely not -0.4 over the levels drawn, and is -0.4 in the limit."""
    plan: dict[str, Any] = {"levels": FAR[:5], "count": 2**16, "margin": 0.03}
    finding = found(draws_of, slow, exponent=-0.4, **plan)
    assert finding.verdict is UNDECIDED
    assert "but the line bends towards -0.4, and with a correction of n^-0.25" in finding.note
    assert finding.cells[0].hopeless
    assert found(draws_of, slow, exponent=-0.4, correction=-0.4, **plan).verdict is CONFIRMED
    # Controls: as far off and straight; bent the other way; bent towards the claim, but not so far.
    assert found(draws_of, lambda n: n**-0.3, exponent=-0.4, **plan).verdict is REFUTED
    assert found(draws_of, slow, exponent=-0.15, **plan).verdict is REFUTED
    assert found(draws_of, slow, exponent=-0.65, **plan).verdict is REFUTED
    # Nor is the power law itself saved by its bend.
    assert found(draws_of, slow, exponent=-0.4, exact=True, **plan).verdict is REFUTED


@pytest.mark.parametrize(("exponent", "verdict"), [(-0.9, REFUTED), (-1.0, CONFIRMED), (-1.1, REFUTED)])
def test_the_wrong_neighbours_of_a_bent_law_are_refuted(
    draws_of: DrawsOf, exponent: float, verdict: Verdict
) -> None:
    levels = tuple(2**k for k in range(3, 10))
    finding = found(
        draws_of,
        lambda n: 1 / (n - 1),
        levels=levels,
        spread=0.1,
        count=2**15,
        exponent=exponent,
        margin=0.03,
    )
    assert finding.verdict is verdict


def test_towards_zero_a_bend_is_read_from_the_other_end(draws_of: DrawsOf) -> None:
    columns_of_n = columns(slow, FAR[:5], 2**16)
    draws = draws_of({Scenario(x=1 / n): columns_of_n[Scenario(n=n)] for n in FAR[:5]})
    rate = Rate("r", "s", of=mean("x"), against="x", exponent=0.4, margin=0.03, limit="zero")
    finding = find(rate, draws, 0.01)
    assert finding.verdict is UNDECIDED
    assert "with a correction of x^0.25 it may get there" in finding.note


@pytest.mark.parametrize("bend", [3.0, 10.0, 20.0])
@pytest.mark.parametrize("exact", [False, True])
def test_a_large_correction_refutes_nothing(draws_of: DrawsOf, bend: float, exact: bool) -> None:
    """In the logarithm it is no c n^(-1/2) any more: the law is true, and the slope of the fit is another one."""
    plan: dict[str, Any] = {"levels": tuple(2**k for k in range(3, 11)), "correction": -0.5, "exact": exact}
    finding = found(draws_of, root(bend), **plan)
    assert finding.verdict is UNDECIDED
    assert finding.note.startswith("misfit: ")


def test_a_small_correction_leaves_wrong_exponents_refuted(draws_of: DrawsOf) -> None:
    plan: dict[str, Any] = {"correction": -0.5, "count": 2**16, "spread": 0.1}
    assert found(draws_of, root(1.0), **plan).verdict is CONFIRMED
    assert found(draws_of, root(1.0), exponent=-0.55, **plan).verdict is REFUTED
    assert found(draws_of, root(1.0), exponent=-0.45, **plan).verdict is REFUTED
