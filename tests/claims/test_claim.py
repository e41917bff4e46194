"""What all claims share: zones, verdicts, rules, cells, failures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario, Study, Value, Verdict, grid, mean, relative
from mcstudy.claims import judge, profits
from mcstudy.claims.judging import find, look_share
from mcstudy.draws import Draws
from mcstudy.exceptions import ClaimError

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED


def value(**parts: Any) -> Value:
    plan: dict[str, Any] = {"of": mean("x"), "equals": 0.0, "margin": 1.0}
    return Value("v", "s", **(plan | parts))


def around(center: float, spread: float = 1e-3, count: int = 64) -> dict[str, Any]:
    """A column whose mean is `center` exactly and whose interval is a little wider than nothing."""
    return {"x": center + spread * np.resize([-1.0, 1.0], count)}


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
        ((math.nan, math.nan), UNDECIDED),
    ],
)
def test_zone_by_construction(interval: tuple[float, float], verdict: Verdict) -> None:
    assert Zone(theory=1.0, margin=0.1).verdict(interval) is verdict


def test_zone_without_theory_decides_nothing() -> None:
    assert Zone(math.nan, 0.1).verdict((5.0, 6.0)) is UNDECIDED


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([CONFIRMED, CONFIRMED], CONFIRMED),
        ([CONFIRMED, UNDECIDED], UNDECIDED),
        ([UNDECIDED, REFUTED, CONFIRMED], REFUTED),
        ([], UNDECIDED),
    ],
)
def test_a_conjunction_is_as_good_as_its_worst_part(parts: list[Verdict], whole: Verdict) -> None:
    assert Verdict.all_of(parts) is whole


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"id": "a b"}, "`id`: letters, digits, '.', '-', '_' only, got 'a b'"),
        ({"id": ""}, "`id`"),
        ({"id": ".hidden"}, "`id`"),
        ({"id": "a/../b"}, "`id`"),
        ({"expected": REFUTED}, "claim v: `because` must say why the claim is expected to be refuted"),
        ({"expected": UNDECIDED}, "claim v: `expected` must be CONFIRMED or REFUTED, got UNDECIDED"),
        ({"margin": 0.0}, "claim v: `margin` must be a positive number, got 0.0"),
        ({"margin": -1.0}, "claim v: `margin` must be a positive number, got -1.0"),
        ({"margin": math.nan}, "claim v: `margin` must be a positive number, got nan"),
        ({"margin": math.inf}, "claim v: `margin` must be a positive number, got inf"),
        ({"margin": "1 %"}, "claim v: `margin` must be a positive number, got '1 %'"),
        ({"allowed_failures": -1}, "claim v: `allowed_failures`"),
        ({"allowed_failures": 0.5}, "claim v: `allowed_failures`"),
        ({"of": "x"}, "claim v: `of` must be a statistic"),
    ],
)
def test_claim_refuses(parts: dict[str, Any], match: str) -> None:
    name = parts.get("id", "v")
    keywords: dict[str, Any] = {"of": mean("x"), "equals": 0.0, "margin": 1.0} | parts
    keywords.pop("id", None)
    with pytest.raises(ClaimError, match=match):
        Value(name, "s", **keywords)


@pytest.mark.parametrize("fraction", [0.0, -0.1, math.nan])
def test_relative_margin_must_be_positive(fraction: float) -> None:
    with pytest.raises(ClaimError, match="`fraction` must be a positive number"):
        relative(fraction)


def test_expected_must_be_a_verdict() -> None:
    """A string either counts as the verdict it names, with all its rules, or is refused."""
    with pytest.raises(ClaimError, match=r"`because`|`expected`"):
        value(expected="REFUTED")
    with pytest.raises(ClaimError, match="`expected`"):
        value(expected="maybe")


def test_where_names_an_unknown_level(make_study: Callable[..., Study]) -> None:
    scenarios = grid(n=(1, 2), kind=("a", "b"))
    with pytest.raises(
        ClaimError, match="claim v: `where` must name levels of kind, got 'c'; levels: 'a', 'b'"
    ):
        make_study(scenarios=scenarios, claims=[value(where={"kind": ("a", "c")})])


@pytest.mark.parametrize(
    ("where", "levels"),
    [
        (None, [1, 2, 3]),
        ({"n": 2}, [2]),
        ({"n": (1, 3)}, [1, 3]),
        (lambda n: n >= 2, [2, 3]),
    ],
)
def test_cells_are_those_that_where_leaves(draws_of: DrawsOf, where: Any, levels: list[int]) -> None:
    draws = draws_of({scenario: around(0.0) for scenario in grid(n=(1, 2, 3))})
    finding = find(value(where=where), draws, 0.01)
    assert [cell.scenario["n"] for cell in finding.cells] == levels


def test_the_deciding_cell_is_the_worst_of_those_with_the_verdict(draws_of: DrawsOf) -> None:
    centers = {1: 0.2, 2: -0.7, 3: 0.5}
    confirmed = find(value(), draws_of({Scenario(n=n): around(c) for n, c in centers.items()}), 0.01)
    assert confirmed.verdict is CONFIRMED
    assert confirmed.deciding == 1
    assert confirmed.estimate == pytest.approx(-0.7)

    centers |= {3: 2.0, 4: -5.0}
    refuted = find(value(), draws_of({Scenario(n=n): around(c) for n, c in centers.items()}), 0.01)
    assert [cell.verdict for cell in refuted.cells] == [CONFIRMED, CONFIRMED, REFUTED, REFUTED]
    assert refuted.verdict is REFUTED
    assert refuted.deciding == 3
    assert (refuted.estimate, refuted.interval) == (refuted.cells[3].estimate, refuted.cells[3].interval)

    draws = draws_of({Scenario(n=1): around(0.0), Scenario(n=2): around(1.0), Scenario(n=3): around(-1.0)})
    undecided = find(value(), draws, 0.01)
    assert undecided.verdict is UNDECIDED
    assert undecided.deciding in (1, 2)


@pytest.mark.parametrize(
    ("center", "expected", "as_expected"),
    [(0.0, CONFIRMED, True), (9.0, CONFIRMED, False), (0.0, REFUTED, False), (9.0, REFUTED, True)],
)
def test_a_finding_is_as_expected_or_not(
    draws_of: DrawsOf, center: float, expected: Verdict, as_expected: bool
) -> None:
    finding = find(
        value(expected=expected, because="a control"), draws_of({Scenario(n=1): around(center)}), 0.01
    )
    assert finding.as_expected is as_expected


def test_undecided_is_never_as_expected(draws_of: DrawsOf) -> None:
    draws = draws_of({Scenario(n=1): around(1.0)})
    assert not find(value(), draws, 0.01).as_expected
    assert not find(value(expected=REFUTED, because="a control"), draws, 0.01).as_expected


def failing(count: int) -> dict[str, Any]:
    columns = around(0.0)
    columns["x"][:count] = math.nan
    return columns


def test_failures_leave_a_claim_undecided_for_good(draws_of: DrawsOf) -> None:
    draws = draws_of({Scenario(n=1): around(0.0), Scenario(n=2): failing(1)})
    finding = find(value(), draws, 0.01)
    assert [cell.verdict for cell in finding.cells] == [CONFIRMED, UNDECIDED]
    assert finding.cells[1].failures == 1
    assert finding.verdict is UNDECIDED
    assert finding.hopeless


def test_failures_hide_no_refutation_elsewhere(draws_of: DrawsOf) -> None:
    draws = draws_of({Scenario(n=1): around(9.0), Scenario(n=2): failing(1)})
    assert find(value(), draws, 0.01).verdict is REFUTED


@pytest.mark.parametrize(("allowed", "verdict"), [(2, UNDECIDED), (3, CONFIRMED), (9, CONFIRMED)])
def test_allowed_failures(draws_of: DrawsOf, allowed: int, verdict: Verdict) -> None:
    finding = find(value(allowed_failures=allowed), draws_of({Scenario(n=1): failing(3)}), 0.01)
    assert finding.verdict is verdict


def test_tolerated_failures_are_counted_in_the_cell(draws_of: DrawsOf) -> None:
    finding = find(value(allowed_failures=3), draws_of({Scenario(n=1): failing(3)}), 0.01)
    assert finding.verdict is CONFIRMED
    assert finding.cells[0].failures == 3


def test_nothing_but_failures(draws_of: DrawsOf) -> None:
    """Without two replicates there is nothing to estimate, however many failures are allowed."""
    finding = find(value(allowed_failures=100), draws_of({Scenario(n=1): failing(63)}), 0.01)
    assert finding.verdict is UNDECIDED
    assert math.isnan(finding.estimate)
    strict = find(value(), draws_of({Scenario(n=1): failing(64)}), 0.01)
    assert strict.hopeless


def test_open_cells_without_failures_keep_hope(draws_of: DrawsOf) -> None:
    draws = draws_of({Scenario(n=1): around(1.0), Scenario(n=2): failing(1)})
    assert not find(value(), draws, 0.01).hopeless


def test_the_looks_spend_alpha_once() -> None:
    """1/(k (k + 1)) sums to 1 - 1/(K + 1) over K looks: never more than there is."""
    shares = [look_share(look) for look in range(1, 31)]
    assert shares[:3] == [1 / 2, 1 / 6, 1 / 12]
    assert sum(shares) == pytest.approx(1 - 1 / 31)


def test_alpha_is_shared_by_claims_cells_and_looks(draws_of: DrawsOf) -> None:
    cells = {Scenario(n=1): around(0.0, spread=0.01), Scenario(n=2): around(0.0, count=256)}
    one, other = judge([value(), value(where={"n": 2})], draws_of(cells), alpha=0.02)
    assert one.confidence == 1 - 0.02 / 2 / 2 / 2  # 2 claims, 2 cells, look 1; n = 1 decides
    assert other.confidence == 1 - 0.02 / 2 / 12  # look 3


def test_a_finding_states_the_confidence_of_its_deciding_cell(draws_of: DrawsOf) -> None:
    draws = draws_of({Scenario(n=1): around(0.0, count=64), Scenario(n=2): around(0.5, count=256)})
    finding = find(value(), draws, 0.02)
    assert finding.deciding == 1
    assert finding.confidence == 1 - 0.02 / 2 / 12


def test_a_cell_without_numbers_speaks_only_where_it_is_alone(draws_of: DrawsOf) -> None:
    lost = {"x": np.full(64, math.nan)}
    open_ = draws_of({Scenario(n=1): lost, Scenario(n=2): around(1.0)})
    assert find(value(), open_, 0.01).deciding == 1
    alone = draws_of({Scenario(n=1): lost, Scenario(n=2): around(0.0)})
    assert find(value(), alone, 0.01).deciding == 0


def test_more_claims_and_cells_widen_every_interval(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(7)
    draws = draws_of({Scenario(n=n): {"x": rng.normal(size=64)} for n in (1, 2)})

    def width(claims: list[Value]) -> float:
        low, high = judge(claims, draws)[0].interval
        return high - low

    alone = width([value(where={"n": 1})])
    assert alone < width([value(where={"n": 1}), value(where={"n": 2})])
    assert alone < width([value()])
