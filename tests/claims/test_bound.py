"""Bound: one violation beyond rounding refutes, none limits its probability."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Bound, Finding, Scenario, Verdict
from mcstudy.claims.deciding import Shares
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.evidence import BoundCell, BoundEvidence, Witness
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Guarantee
from mcstudy.statistics.bernoulli import proportion_limits

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
EPS = float(np.finfo(float).eps)
ONE, TWO = Scenario(n=1), Scenario(n=2)


def bound(**parts: Any) -> Bound:
    plan: dict[str, Any] = {"column": "x", "at_most": 1.0, "probability": 0.1}
    return Bound("b", "s", **(plan | parts))


def evidence_of(finding: Finding) -> BoundEvidence:
    assert isinstance(finding.evidence, BoundEvidence)
    return finding.evidence


def witness_of(finding: Finding) -> Witness:
    witness = evidence_of(finding).witness
    assert witness is not None
    return witness


def cells_of(finding: Finding) -> list[BoundCell]:
    return [cell for cell in evidence_of(finding).cells if cell is not None]


def column(worst: float, count: int = 64, at: int = 37) -> Any:
    values = np.full(count, 0.5)
    values[at] = worst
    return values


@pytest.mark.parametrize("worst", [1.0, -1.0, 0.999, 1 + EPS, 1 + 15 * EPS, -(1 + 15 * EPS)])
def test_what_rounding_explains_is_no_violation(draws_of: DrawsOf, worst: float) -> None:
    finding = find(bound(), draws_of({ONE: {"x": column(worst)}}), 0.02)
    assert finding.verdict is CONFIRMED
    assert evidence_of(finding).witness is None
    assert finding.violations == 0


@pytest.mark.parametrize("worst", [1 + 20 * EPS, -(1 + 20 * EPS), 2.0, -1e300])
def test_one_violation_refutes_and_is_the_witness(draws_of: DrawsOf, worst: float) -> None:
    finding = find(bound(), draws_of({TWO: {"x": column(0.7)}, ONE: {"x": column(worst)}}), 0.02)
    assert finding.verdict is REFUTED
    assert finding.deciding == 1
    assert finding.estimate == 1 / 64
    witness = witness_of(finding)
    assert (witness.scenario, witness.block, witness.index) == (ONE, 2, 5)  # 37 = 2 * 16 + 5
    assert (witness.value, witness.bound, witness.ratio) == (abs(worst), 1.0, abs(worst))
    assert witness.token == f"{ONE.digest}:2:5"


def test_one_violation_refutes_however_probable_it_may_be(draws_of: DrawsOf) -> None:
    finding = find(bound(probability=0.99), draws_of({ONE: {"x": column(2.0)}}), 0.02)
    assert finding.verdict is REFUTED


@pytest.mark.parametrize(("probability", "verdict"), [(0.0595, CONFIRMED), (0.0592, UNDECIDED)])
def test_no_violation_limits_the_probability(draws_of: DrawsOf, probability: float, verdict: Verdict) -> None:
    """At a share of 0.02 the limit after 64 draws is 1 - 0.02^(1/64) = 0.0593: Clopper and Pearson's, one-sided."""
    finding = find(bound(probability=probability), draws_of({ONE: {"x": column(0.9)}}), 0.02)
    assert finding.interval == pytest.approx((0.0, 1 - 0.02 ** (1 / 64)))
    assert finding.verdict is verdict
    assert (finding.confidence, finding.guarantee) == (0.98, Guarantee.EXACT)


@pytest.mark.parametrize("probability", [0.01, 1e-3])
def test_as_many_as_are_needed_confirm(draws_of: DrawsOf, probability: float) -> None:
    claim = bound(probability=probability)
    (open_,) = find(claim, draws_of({ONE: {"x": column(0.9)}}), 0.02).cells
    assert open_.verdict is UNDECIDED
    assert open_.needed == claim.fewest(Shares.of(0.02, 1, 256))
    for count, verdict in ((open_.needed - 1, UNDECIDED), (open_.needed, CONFIRMED)):
        (cell,) = find(claim, draws_of({ONE: {"x": column(0.9, count=count)}}), 0.02).cells
        assert cell.verdict is verdict
        assert cell.needed == (0 if verdict is CONFIRMED else open_.needed)


def test_by_default_a_violation_in_a_thousand_is_excluded(draws_of: DrawsOf) -> None:
    claim = Bound("b", "s", column="x", at_most=1.0)
    (cell,) = find(claim, draws_of({ONE: {"x": column(0.9)}}), 0.01).cells
    assert (cell.margin, cell.verdict, cell.needed) == (1e-3, UNDECIDED, 4603)  # log 0.01 / log 0.999


def test_violations_have_limits_on_both_sides(draws_of: DrawsOf) -> None:
    """Those of a time-uniform binomial test, at what the cell may spend on each side."""
    columns = {"x": column(2.0)}
    finding = find(bound(), draws_of({ONE: columns, TWO: {"x": column(0.5)}}, tuned=128), 0.02)
    low, high = proportion_limits(1, 64, share=0.02 / 4, tuned=128)
    assert finding.interval == (float(low), float(high))
    assert finding.confidence == 1 - 2 * 0.02 / 4
    assert cells_of(finding)[0].upper_limit == float(high)


def test_the_largest_excess_is_the_witness_the_largest_ratio_the_tightest(draws_of: DrawsOf) -> None:
    columns = {
        ONE: {"x": column(3.0), "limit": np.full(64, 1.0)},  # excess 2, ratio 3
        TWO: {"x": column(105.0), "limit": np.full(64, 100.0)},  # excess 5, ratio 1.05
    }
    finding = find(bound(at_most="limit"), draws_of(columns), 0.02)
    tightest = evidence_of(finding).tightest
    assert witness_of(finding).scenario == TWO
    assert tightest is not None
    assert (tightest.scenario, tightest.ratio) == (ONE, 3.0)


def test_the_witness_of_a_cell_exceeds_its_own_bound_most(draws_of: DrawsOf) -> None:
    """Larger values within a larger bound are no witnesses."""
    x, limit = column(3.0, at=37), np.full(64, 1.0)
    x[10], limit[10] = 50.0, 49.5
    witness = witness_of(find(bound(at_most="limit"), draws_of({ONE: {"x": x, "limit": limit}}), 0.02))
    assert (witness.block, witness.index, witness.value) == (2, 5, 3.0)


def test_tightness_without_violation(draws_of: DrawsOf) -> None:
    finding = find(bound(), draws_of({ONE: {"x": column(0.75)}, TWO: {"x": column(-0.875, at=0)}}), 0.02)
    assert [cell.largest_ratio for cell in cells_of(finding)] == [0.75, 0.875]
    assert [cell.reach for cell in finding.cells] == [0.75, 0.875]
    assert (finding.largest_ratio, finding.deciding) == (0.875, 1)
    tightest = evidence_of(finding).tightest
    assert tightest is not None
    assert (tightest.scenario, tightest.block, tightest.index) == (TWO, 0, 0)


def test_a_bound_of_zero(draws_of: DrawsOf) -> None:
    zero = np.zeros(64)
    assert find(bound(at_most="x"), draws_of({ONE: {"x": zero}}), 0.02).verdict is CONFIRMED
    finding = find(bound(at_most="limit"), draws_of({ONE: {"x": column(0.1), "limit": zero}}), 0.02)
    assert finding.verdict is REFUTED
    assert math.isinf(witness_of(finding).ratio)
    assert math.isinf(finding.largest_ratio)


def test_a_negative_bound_is_always_violated(draws_of: DrawsOf) -> None:
    finding = find(
        bound(at_most="limit"), draws_of({ONE: {"x": column(0.1), "limit": np.full(64, -1.0)}}), 0.02
    )
    assert finding.verdict is REFUTED


def test_a_tiny_bound_overflows_without_a_warning(draws_of: DrawsOf) -> None:
    columns = {ONE: {"x": column(1e300), "limit": np.full(64, 1e-300)}}
    assert math.isinf(find(bound(at_most="limit"), draws_of(columns), 0.02).largest_ratio)


def test_rounding_of_the_column_is_allowed_for(draws_of: DrawsOf) -> None:
    """A difference of numbers of order 1 is off by 1e-16, however small the bound."""
    x = np.full(64, 1e-16)
    columns = {ONE: {"x": x, "limit": np.full(64, 1e-20), "slack": np.full(64, 2e-16)}}
    draws = draws_of(columns)
    assert find(bound(at_most="limit"), draws, 0.02).verdict is REFUTED
    assert find(bound(at_most="limit", rounding=2e-16), draws, 0.02).verdict is CONFIRMED
    assert find(bound(at_most="limit", rounding="slack"), draws, 0.02).verdict is CONFIRMED
    assert find(bound(at_most="limit", rounding=5e-17), draws, 0.02).verdict is REFUTED
    assert bound(at_most="limit", rounding="slack").columns() == ("x", "limit", "slack")


def test_witness_is_found_beyond_failed_replicates(draws_of: DrawsOf) -> None:
    x = column(2.0)
    x[[0, 20]] = np.nan
    witness = witness_of(find(bound(allowed_failures=2), draws_of({ONE: {"x": x}}), 0.02))
    assert (witness.block, witness.index) == (2, 5)


def test_only_failures_leave_no_witness(draws_of: DrawsOf) -> None:
    finding = find(bound(), draws_of({ONE: {"x": np.full(64, np.nan)}}), 0.02)
    assert finding.verdict is UNDECIDED
    assert evidence_of(finding) == BoundEvidence(cells=(None,))
    assert finding.violations == 0
    assert math.isnan(finding.largest_ratio)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"at_most": -1.0}, "claim b: `at_most` must be a column or a non-negative number, got -1.0"),
        ({"at_most": math.nan}, "claim b: `at_most` must be a column or a non-negative number, got nan"),
        ({"probability": 0.0}, "claim b: `probability` must lie strictly between 0 and 1, got 0.0"),
        ({"rounding": -1e-16}, "claim b: `rounding`"),
        ({"rounding": math.nan}, "claim b: `rounding`"),
    ],
)
def test_bound_refuses(parts: dict[str, Any], match: str) -> None:
    with pytest.raises(ClaimError, match=match):
        bound(**parts)


def test_words_of_a_bound() -> None:
    assert bound(at_most="limit").estimand == "probability that |x| exceeds limit"
    assert bound().kind == "bound"


def test_times_claims_a_part_of_the_bound(draws_of: DrawsOf) -> None:
    """0.9 times the bound is exceeded where 0.95 of it is reached; the ratio is to what is claimed."""
    draws = draws_of({ONE: {"x": column(0.95), "limit": np.full(64, 1.0)}})
    assert find(bound(at_most="limit"), draws, 0.02).verdict is CONFIRMED
    reduced = find(bound(at_most="limit", times=0.9), draws, 0.02)
    assert reduced.verdict is REFUTED
    assert reduced.largest_ratio == pytest.approx(0.95 / 0.9)
    assert witness_of(reduced).bound == 0.9
    assert reduced.estimand == "probability that |x| exceeds 0.9 times limit"


@pytest.mark.parametrize("times", [0.0, -1.0, math.nan, "0.9"])
def test_times_must_be_positive(times: Any) -> None:
    with pytest.raises(ClaimError, match="claim b: `times` must be a positive number, got"):
        bound(times=times)
