"""Value: a statistic against a number, a function, a column."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario, Study, Value, Verdict, grid, mean, proportion, relative, sd, variance
from mcstudy.claims.deciding import Shares
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Guarantee
from mcstudy.statistics.bernoulli import proportion_limits
from mcstudy.statistics.bounded import BoundedMean
from mcstudy.statistics.sequences import replicates_for
from mcstudy.statistics.tails import FEWEST

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
ONE = Scenario(n=1)


def value(**parts: Any) -> Value:
    plan: dict[str, Any] = {"of": mean("x"), "equals": 0.0, "margin": 0.1}
    return Value("v", "s", **(plan | parts))


@pytest.fixture(scope="module")
def numbers() -> np.ndarray[Any, np.dtype[np.float64]]:
    """4096 draws of N(2, 1): the standard error of the mean is 1/64."""
    return np.random.default_rng(11).normal(2.0, 1.0, size=4096)


@pytest.mark.parametrize(
    ("equals", "margin", "verdict"),
    [
        (2.0, 0.2, CONFIRMED),
        (2.06, relative(0.1), CONFIRMED),
        (2.06, 0.001, UNDECIDED),  # 3 % off and not resolved
        (3.0, 0.2, REFUTED),
        (2.4, 0.2, REFUTED),
        (-2.0, relative(0.1), REFUTED),
    ],
)
def test_value_against_a_number(
    draws_of: DrawsOf, numbers: Any, equals: float, margin: Any, verdict: Verdict
) -> None:
    finding = find(value(equals=equals, margin=margin), draws_of({ONE: {"x": numbers}}), 0.01)
    assert finding.verdict is verdict
    assert finding.theory == equals


def test_a_mean_off_by_three_percent_is_refuted(draws_of: DrawsOf) -> None:
    """Mean 1.03 for 1, margin 1 %: 65536 draws of sd 0.5 leave a standard error of 0.002."""
    drawn = np.random.default_rng(2).normal(1.03, 0.5, size=65536)
    draws = draws_of({ONE: {"x": drawn, "right": drawn / 1.03}})
    assert find(value(equals=1.0, margin=relative(0.01)), draws, 0.01).verdict is REFUTED
    assert find(value(of=mean("right"), equals=1.0, margin=relative(0.01)), draws, 0.01).verdict is CONFIRMED


def test_a_variance_with_the_wrong_power_is_refuted(draws_of: DrawsOf) -> None:
    """Variance 1/L for 1/L^2, as where a factor is forgotten."""
    rng = np.random.default_rng(3)
    draws = draws_of({Scenario(L=L): {"x": rng.normal(0, 1 / L, size=8192)} for L in (1, 2, 3)})
    claims = {
        power: value(of=variance("x"), equals=lambda L, p=power: L**-p, margin=relative(0.2))
        for power in (1, 2)
    }
    assert find(claims[2], draws, 0.01).verdict is CONFIRMED
    wrong = find(claims[1], draws, 0.01)
    assert [cell.verdict for cell in wrong.cells] == [CONFIRMED, REFUTED, REFUTED]


def test_relative_margins_follow_the_theory(draws_of: DrawsOf, numbers: Any) -> None:
    draws = draws_of({Scenario(n=n): {"x": n * numbers} for n in (1, -4)})
    finding = find(value(equals=lambda n: 2.0 * n, margin=relative(0.1)), draws, 0.01)
    assert [cell.theory for cell in finding.cells] == [2.0, -8.0]
    assert [cell.margin for cell in finding.cells] == pytest.approx([0.2, 0.8])
    assert finding.verdict is CONFIRMED


def test_relative_margin_around_zero_is_refused(make_study: Callable[..., Study]) -> None:
    with pytest.raises(
        ClaimError, match="claim v: `margin` must be absolute where theory is 0, got relative"
    ):
        make_study(claims=[value(margin=relative(0.1))])
    with pytest.raises(ClaimError, match="`margin` must be absolute where theory is 0"):
        make_study(claims=[value(equals=lambda n: n - 2.0, margin=relative(0.1))])


@pytest.mark.parametrize(
    "equals",
    [
        pytest.param(lambda m: 1.0, id="another factor"),
        pytest.param(lambda n: "one", id="text"),
        pytest.param(lambda n: n / 0, id="raises"),
        math.nan,
        math.inf,
        None,
    ],
)
def test_equals_must_be_a_number_in_every_scenario(make_study: Callable[..., Study], equals: Any) -> None:
    with pytest.raises(ClaimError, match="claim v: `equals`"):
        make_study(claims=[value(equals=equals)])


def test_a_column_of_theory_is_paired(draws_of: DrawsOf) -> None:
    """Where theory varies with the replicate, the interval is that of the mean difference."""
    rng = np.random.default_rng(5)
    theory = 100.0 * rng.exponential(size=4096)
    noise = 0.01 * rng.normal(size=4096)
    draws = draws_of({ONE: {"x": theory + noise, "theory": theory}})
    claim = value(equals="theory", margin=0.01)
    assert claim.columns() == ("x", "theory")
    finding = find(claim, draws, 0.01)
    assert finding.verdict is CONFIRMED
    assert finding.theory == pytest.approx(theory.mean())
    assert finding.estimate == pytest.approx(np.mean(theory + noise), rel=1e-12)
    assert finding.mcse == pytest.approx(noise.std(ddof=1) / 64, rel=1e-6)
    unpaired = find(value(equals=float(theory.mean()), margin=0.01), draws, 0.01)
    assert unpaired.verdict is UNDECIDED  # the control: the same data, not paired


def test_a_column_of_theory_finds_a_shift_that_pairing_shows(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(5)
    theory = 100.0 * rng.exponential(size=4096)
    draws = draws_of({ONE: {"x": theory + 0.05 + 0.01 * rng.normal(size=4096), "theory": theory}})
    assert find(value(equals="theory", margin=0.01), draws, 0.01).verdict is REFUTED


def test_a_constant_column_of_theory_serves_every_statistic(draws_of: DrawsOf, numbers: Any) -> None:
    draws = draws_of({ONE: {"x": numbers, "theory": np.ones(4096)}})
    finding = find(value(of=sd("x"), equals="theory", margin=0.2), draws, 0.01)
    assert (finding.theory, finding.verdict) == (1.0, CONFIRMED)


def test_a_varying_column_of_theory_is_refused_but_for_means(draws_of: DrawsOf, numbers: Any) -> None:
    draws = draws_of({ONE: {"x": numbers, "theory": numbers + 1}})
    with pytest.raises(
        ClaimError, match=r"column `theory` must be constant within a scenario .* a sd, but it varies"
    ):
        find(value(of=sd("x"), equals="theory"), draws, 0.01)


def test_proportions_at_zero_and_one_keep_a_width(draws_of: DrawsOf) -> None:
    """No success in 64 leaves room: the limits are those of a time-uniform binomial test."""
    draws = draws_of({ONE: {"none": np.zeros(64), "all": np.ones(64)}})
    finding = find(value(of=proportion("none"), equals=0.0, margin=0.05), draws, 0.02)
    assert (finding.verdict, finding.guarantee) == (UNDECIDED, Guarantee.EXACT)
    tuned = max(FEWEST, replicates_for(0.05 / math.sqrt(0.05 * 0.95), 0.02))
    _, high = proportion_limits(0, 64, share=0.01, tuned=tuned)
    assert finding.interval == (0.0, float(high))
    assert find(value(of=proportion("all"), equals=1.0, margin=0.5), draws, 0.02).verdict is CONFIRMED


@pytest.mark.parametrize(("theory", "margin"), [(0.5, 0.1), (0.3, 0.05), (0.0, 0.02), (1.0, 0.02)])
def test_limits_of_proportions_are_tightest_where_the_margin_is_reached(
    draws_of: DrawsOf, theory: float, margin: float
) -> None:
    """The spread of a proportion is known beforehand: what the study's replicates say does not matter."""
    x = (np.arange(2000) < 2000 * theory).astype(float)
    claim = value(of=proportion("x"), equals=theory, margin=margin)
    findings = [find(claim, draws_of({ONE: {"x": x}}, tuned=tuned), 0.01) for tuned in (64, 65536)]
    assert repr(findings[0]) == repr(findings[1])  # nan, which some fields hold, equals nothing
    other = value(equals=theory, margin=margin)  # the control: a mean, of which nobody knows the spread
    assert len({find(other, draws_of({ONE: {"x": x}}, tuned=t), 0.01).interval for t in (64, 65536)}) == (
        2 if 0 < theory < 1 else 1
    )


def test_failed_replicates_stay_out_of_the_paired_difference(draws_of: DrawsOf) -> None:
    theory = np.arange(128.0)
    x = theory + 0.001 * np.resize([-1.0, 1.0], 128)
    x[10] = np.nan
    draws = draws_of({ONE: {"x": x, "theory": theory}})
    finding = find(value(equals="theory", margin=0.01, allowed_failures=1), draws, 0.01)
    assert finding.verdict is CONFIRMED
    assert finding.theory == pytest.approx(np.mean(np.delete(theory, 10)))


def test_words_of_a_value() -> None:
    assert value().estimand == "mean of x"
    assert value().kind == "value"


def test_equal_replicates_say_what_others_are_only_where_it_is_declared(draws_of: DrawsOf) -> None:
    draws = draws_of({scenario: {"x": np.full(64, 0.5)} for scenario in grid(n=(1, 2))})
    unseen = find(value(equals=0.45), draws, 0.01)
    assert unseen.verdict is UNDECIDED
    assert unseen.guarantee is Guarantee.NONE
    assert "all 64 replicates are equal" in unseen.note
    declared = find(value(equals=0.45, constant=True), draws, 0.01)
    assert declared.interval == (0.5, 0.5)
    assert declared.verdict is CONFIRMED
    assert declared.guarantee is Guarantee.EXACT


def test_a_constant_that_varies_is_named_with_its_replicate(draws_of: DrawsOf) -> None:
    x = np.full(64, 0.5)
    x[37] = 0.6
    token = f"{ONE.digest}:2:5"  # 37 = 2 * 16 + 5
    with pytest.raises(
        ClaimError, match=f"claim v: `constant` must hold .*, got 0.6 after 0.5 in replicate {token}"
    ):
        find(value(constant=True), draws_of({ONE: {"x": x}}), 0.01)


def test_what_is_compared_with_a_constant_must_be_one_too(draws_of: DrawsOf) -> None:
    """Else the mean of its draws would be taken for theory, with no error at all."""
    theory = np.random.default_rng(12).normal(0.6, 1.0, size=64)
    columns = {"x": np.full(64, 0.5), "theory": theory}
    with pytest.raises(ClaimError, match="claim v: `constant` must hold for all replicates"):
        find(value(equals="theory", constant=True), draws_of({ONE: columns}), 0.01)
    computed = columns | {"theory": np.full(64, 0.55)}
    finding = find(value(equals="theory", constant=True), draws_of({ONE: computed}), 0.01)
    assert (finding.verdict, finding.theory, finding.interval) == (CONFIRMED, 0.55, (0.5, 0.5))


def test_a_relative_margin_of_a_theory_that_varies_is_refused(draws_of: DrawsOf, numbers: Any) -> None:
    """A part of the mean of what was drawn is a zone that was not fixed before."""
    draws = draws_of({ONE: {"x": numbers, "theory": numbers + 0.1, "fixed": np.full(4096, 2.0)}})
    rule = "claim v: `margin` must be absolute where column `theory` varies within a scenario, got relative"
    with pytest.raises(ClaimError, match=rule):
        find(value(equals="theory", margin=relative(0.1)), draws, 0.01)
    assert find(value(equals="fixed", margin=relative(0.1)), draws, 0.01).verdict is CONFIRMED


def test_a_stated_range_makes_the_verdict_exact(draws_of: DrawsOf) -> None:
    """The limits are those of `BoundedMean`, and rare values that were not seen have room in them."""
    x = np.zeros(4096)
    x[::64] = 1.0
    draws = draws_of({ONE: {"x": x}})
    finding = find(value(equals=0.0, range=(0, 1)), draws, 0.01)
    expected = BoundedMean(0.0, 1.0).extended(x).limits(share=0.01, tuned=256)
    assert (finding.verdict, finding.guarantee) == (CONFIRMED, Guarantee.EXACT)
    assert finding.interval == expected
    assert math.isnan(finding.cells[0].condition)
    wider = find(value(equals=0.0, range=(0, 99)), draws, 0.01)  # the control: it is the range that says it
    assert wider.verdict is UNDECIDED


def test_the_range_of_a_pair_is_that_of_the_differences(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(13)
    theory = 100.0 * rng.exponential(size=4096)
    columns = {"x": theory + rng.uniform(-0.5, 0.5, size=4096), "theory": theory}
    claim = value(equals="theory", range=(-0.5, 0.5))
    finding = find(claim, draws_of({ONE: columns}), 0.01)
    assert (finding.verdict, finding.guarantee) == (CONFIRMED, Guarantee.EXACT)
    low, high = BoundedMean(-0.5, 0.5).extended(columns["x"] - theory).limits(share=0.01, tuned=256)
    assert finding.interval == pytest.approx((theory.mean() + low, theory.mean() + high))
    columns["x"][37] += 2.0
    with pytest.raises(ClaimError, match=f"claim v: `range` must hold .* in replicate {ONE.digest}:2:5"):
        find(claim, draws_of({ONE: columns}), 0.01)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        (
            {"range": (1.0, 0.0)},
            r"`range` must be two numbers \(low, high\), low below high, got \(1.0, 0.0\)",
        ),
        ({"range": (0.0, 0.0)}, "`range` must be two numbers"),
        ({"range": (0.0, math.inf)}, "`range` must be two numbers"),
        ({"range": (0.0, 1.0, 2.0)}, "`range` must be two numbers"),
        ({"range": ("a", "b")}, "`range` must be two numbers"),
        ({"range": 1.0}, "`range` must be two numbers"),
        ({"range": (0.0, 1.0), "of": sd("x")}, "`range` must go with a mean, got a sd; leave `range` out"),
        ({"range": (0.0, 1.0), "constant": True}, "`range` must go with a mean, got a constant"),
    ],
)
def test_ranges_that_are_none_are_refused(parts: dict[str, Any], match: str) -> None:
    with pytest.raises(ClaimError, match=f"claim v: {match}"):
        value(**parts)


def test_a_rare_loss_and_a_heavy_tail_wait(draws_of: DrawsOf) -> None:
    """What decides has not been seen: neither verdict may be given, whatever the sample's spread says."""
    rng = np.random.default_rng(3)
    rare, heavy = np.zeros(256), rng.standard_t(3, size=256)
    rare[7] = 1000.0
    for column, statistic in ((rare, mean("x")), (heavy, variance("x"))):
        finding = find(value(of=statistic, equals=3.0, margin=0.01), draws_of({ONE: {"x": column}}), 0.01)
        assert finding.verdict is UNDECIDED
        assert "tail" in finding.note


def test_light_tails_do_not_wait(draws_of: DrawsOf) -> None:
    x = np.random.default_rng(4).uniform(-1.0, 1.0, size=256)
    finding = find(value(equals=0.0, margin=0.5), draws_of({ONE: {"x": x}}), 0.01)
    assert (finding.verdict, finding.note, finding.guarantee) == (CONFIRMED, "", Guarantee.ASYMPTOTIC)
    assert finding.cells[0].condition > 1


def test_fewer_than_64_replicates_decide_nothing_that_rests_on_influences(draws_of: DrawsOf) -> None:
    x = np.random.default_rng(4).uniform(-0.1, 0.1, size=64)
    assert find(value(margin=0.5), draws_of({ONE: {"x": x}}), 0.01).verdict is CONFIRMED
    finding = find(value(margin=0.5), draws_of({ONE: {"x": x[:63]}}), 0.01)
    assert (finding.verdict, finding.guarantee) == (UNDECIDED, Guarantee.NONE)
    assert finding.note == "63 replicates are too few to see their tails: 64 are the least"
    indicator = {"x": np.zeros(16)}
    exact = value(of=proportion("x"), equals=0.0, margin=0.5)
    assert find(exact, draws_of({ONE: indicator}), 0.01).verdict is CONFIRMED  # needs no tails


@pytest.mark.parametrize(
    ("parts", "fewest"),
    [
        ({}, 64),
        ({"of": sd("x")}, 64),
        ({"of": proportion("x")}, 2),
        ({"range": (0, 1)}, 2),
        ({"constant": True}, 2),
    ],
)
def test_a_claim_knows_the_fewest_that_can_confirm_it(parts: dict[str, Any], fewest: int) -> None:
    assert value(**parts).fewest(Shares.of(0.01, 3, 256)) == fewest
