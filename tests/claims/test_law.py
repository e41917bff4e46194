"""Law and SameLaw: Kolmogorov distances, the bands that refute them and the points that confirm them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mcstudy import Finding, Law, SameLaw, Scenario, Study, Verdict, grid, run
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.evidence import LawCell, LawEvidence
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Guarantee
from mcstudy.statistics.distances import Steps
from mcstudy.statistics.sequences import effective_z, law_band, replicates_for
from mcstudy.statistics.tails import FEWEST

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
ONE = Scenario(n=1)


def law(distribution: Any, **parts: Any) -> Law:
    plan: dict[str, Any] = {"column": "x", "distribution": distribution, "margin": 0.05}
    return Law("l", "s", **(plan | parts))


def same(**parts: Any) -> SameLaw:
    plan: dict[str, Any] = {"column": "x", "across": "kind", "margin": 0.05}
    return SameLaw("l", "s", **(plan | parts))


def cell_of(finding: Finding) -> LawCell:
    assert isinstance(finding.evidence, LawEvidence)
    (cell,) = finding.evidence.cells
    assert cell is not None
    return cell


@pytest.mark.parametrize(
    "claimed", [stats.norm(), stats.norm(0.3, 2), stats.expon(-1), stats.uniform(-3, 6), stats.t(3)]
)
def test_distance_from_a_continuous_law_against_scipy(draws_of: DrawsOf, claimed: Any) -> None:
    drawn = np.random.default_rng(1).normal(size=500)
    finding = find(law(claimed), draws_of({ONE: {"x": drawn}}), 0.01)
    assert finding.estimate == pytest.approx(stats.kstest(drawn, claimed.cdf).statistic, rel=1e-14)


@pytest.mark.parametrize(
    "claimed", [stats.binom(10, 0.3), stats.poisson(3.0), stats.binom(10, 0.35), stats.randint(2, 5)]
)
def test_distance_from_a_discrete_law_against_all_its_points(draws_of: DrawsOf, claimed: Any) -> None:
    """Between integers nothing moves, so the distance is the largest difference at the integers."""
    drawn = stats.binom(10, 0.3).rvs(size=500, random_state=2)
    support = np.arange(-1, 40)
    empirical = np.mean(drawn[:, None] <= support, axis=0)
    finding = find(law(claimed), draws_of({ONE: {"x": drawn}}), 0.01)
    assert finding.estimate == pytest.approx(np.max(np.abs(empirical - claimed.cdf(support))), rel=1e-13)


def test_jumps_of_a_discrete_law_are_no_deviation(draws_of: DrawsOf) -> None:
    """The control: the formula for continuous laws takes the whole jump of the law for a deviation."""
    claimed = stats.binom(10, 0.3)
    drawn = claimed.rvs(size=4096, random_state=2)
    finding = find(law(claimed, margin=0.1), draws_of({ONE: {"x": drawn}}), 0.01)
    assert finding.verdict is CONFIRMED
    assert stats.kstest(drawn, claimed.cdf).statistic > 0.1


def test_distance_from_a_law_with_an_atom(draws_of: DrawsOf) -> None:
    """max(N, 0): half of the mass at 0, and no deviation there."""

    class Rectified:
        def cdf(self, x: Any) -> Any:
            return np.where(np.asarray(x) < 0, 0.0, stats.norm.cdf(x))

    drawn = np.maximum(np.random.default_rng(3).normal(size=4096), 0.0)
    finding = find(law(Rectified()), draws_of({ONE: {"x": drawn}}), 0.01)
    assert finding.estimate < 4 * 0.5 / math.sqrt(4096)  # four standard errors of a proportion at most
    assert find(law(stats.norm()), draws_of({ONE: {"x": drawn}}), 0.01).verdict is REFUTED


def test_the_band_that_refutes_holds_at_any_time(draws_of: DrawsOf) -> None:
    drawn = np.random.default_rng(1).normal(size=64)
    draws = draws_of({ONE: {"x": drawn}, Scenario(n=2): {"x": drawn + 5}})
    finding = find(law(stats.norm(5)), draws, 0.02)
    cell = finding.evidence.cells[0]
    assert cell.band == law_band(64, 0.02 / 4)  # two cells, of which one can refute
    assert (finding.verdict, finding.guarantee) == (REFUTED, Guarantee.EXACT)
    assert finding.interval == (cell.distance - cell.band, 1.0)
    assert finding.confidence == 1 - 0.02 / 2


@pytest.mark.parametrize(
    ("degrees", "verdict"), [(8, CONFIRMED), (10, REFUTED), (6, REFUTED)], ids=["n", "n plus 2", "n minus 2"]
)
def test_chi_square_with_other_degrees_is_refuted(draws_of: DrawsOf, degrees: int, verdict: Verdict) -> None:
    rng = np.random.default_rng(4)
    columns = {Scenario(n=n): {"x": np.sum(rng.normal(size=(8192, n)) ** 2, axis=1)} for n in (8, 16)}
    finding = find(law(lambda n: stats.chi2(n + degrees - 8)), draws_of(columns), 0.01)
    assert finding.verdict is verdict


def test_same_moments_are_not_the_same_law(draws_of: DrawsOf) -> None:
    """Random signs and standard normals share mean, variance and skewness."""
    signs = np.random.default_rng(5).choice([-1.0, 1.0], size=1024)
    assert find(law(stats.norm()), draws_of({ONE: {"x": signs}}), 0.01).verdict is REFUTED


def test_too_few_draws_decide_nothing(draws_of: DrawsOf) -> None:
    drawn = np.random.default_rng(1).normal(size=256)
    finding = find(law(stats.norm()), draws_of({ONE: {"x": drawn}}), 0.01)
    assert finding.verdict is UNDECIDED
    assert finding.interval[0] == 0.0


@pytest.mark.parametrize(
    ("margin", "verdict"), [(0.03, UNDECIDED), (0.07, UNDECIDED), (0.08, CONFIRMED), (0.3, CONFIRMED)]
)
def test_confirmed_where_every_point_is(draws_of: DrawsOf, margin: float, verdict: Verdict) -> None:
    drawn = np.sort(np.random.default_rng(6).normal(size=1024))
    probability = stats.norm.cdf(drawn)
    steps = Steps(np.ones(1024, dtype=np.intp), probability, probability)
    tuned = max(FEWEST, replicates_for(2 * margin, 0.01))
    upper = steps.upper_limit(margin, 0.01, tuned)
    (cell,) = find(law(stats.norm(), margin=margin), draws_of({ONE: {"x": drawn}}), 0.01).cells
    assert (cell.verdict, cell.guarantee) == (verdict, Guarantee.EXACT)
    assert cell.interval == pytest.approx((0.0, upper))
    assert (upper <= margin) == (verdict is CONFIRMED)


def test_confirming_takes_fewer_replicates_than_a_band(draws_of: DrawsOf) -> None:
    """A law that is off is so at some point: a third of what a band around the whole function takes."""
    (cell,) = find(law(stats.norm(), margin=0.1), draws_of({ONE: {"x": normal_quantiles(512)}}), 0.01).cells
    assert cell.verdict is CONFIRMED
    assert cell.confidence == 1 - 2 * 0.01
    assert law_band(512, 0.01) > 0.1
    assert law_band(3 * 512, 0.01) > 0.06


def normal_quantiles(count: int) -> Any:
    """A sample with next to no deviation."""
    return stats.norm.ppf((np.arange(count) + 0.5) / count)


def test_forecast_of_a_law_is_right_within_thirty_percent(draws_of: DrawsOf) -> None:
    claim = law(stats.norm(), margin=0.05)
    (cell,) = find(claim, draws_of({ONE: {"x": normal_quantiles(512)}}), 0.01).cells
    assert cell.verdict is UNDECIDED
    for part, verdict in ((0.7, UNDECIDED), (1.3, CONFIRMED)):
        columns = {ONE: {"x": normal_quantiles(int(part * cell.needed))}}
        assert find(claim, draws_of(columns), 0.01).verdict is verdict


def test_deviation_stays_within_the_distance_and_shows_the_shift(draws_of: DrawsOf) -> None:
    drawn = np.random.default_rng(7).normal(0.5, 1, size=2048)
    cell = cell_of(find(law(stats.norm()), draws_of({ONE: {"x": drawn}}), 0.01))
    deviation = cell.deviation
    assert np.max(np.abs(deviation)) <= cell.distance
    middle = deviation[len(deviation) // 2]
    # P(N(1/2, 1) <= 0) - 1/2, give or take the band
    assert middle == pytest.approx(stats.norm.cdf(-0.5) - 0.5, abs=cell.band)
    assert cell.probability[[0, -1]].tolist() == [0.0, 1.0]


def test_failed_replicates_widen_the_band(draws_of: DrawsOf) -> None:
    drawn = np.random.default_rng(1).normal(size=64)
    drawn[:14] = np.nan
    claim = law(stats.norm(), allowed_failures=14)
    finding = find(claim, draws_of({ONE: {"x": np.append(drawn, drawn[14:])}}), 0.02)
    cell = cell_of(finding)
    assert finding.mcse == pytest.approx(0.5 / math.sqrt(100))
    assert cell.band == law_band(100, 0.01) > law_band(114, 0.01)
    assert cell.distance == pytest.approx(stats.kstest(drawn[14:], "norm").statistic)


@pytest.mark.parametrize(
    "distribution",
    [
        pytest.param(lambda m: stats.norm(), id="another factor"),
        pytest.param(lambda n: "normal", id="text"),
        pytest.param(stats.chi2(-1), id="no law at all"),
        3.0,
    ],
)
def test_distribution_is_called_before_drawing(make_study: Callable[..., Study], distribution: Any) -> None:
    drawn = []

    def simulate(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        drawn.append(size)
        return {"x": rng.normal(size=size)}

    study = make_study(simulate=simulate, claims=[law(distribution)])
    with pytest.raises(ClaimError, match="claim l: `distribution`"):
        run(study, executor="serial", out=None)
    assert not drawn


def pair(one: Any, other: Any, **levels: Any) -> dict[Scenario, Any]:
    return {Scenario(kind="a", **levels): {"x": one}, Scenario(kind="b", **levels): {"x": other}}


@pytest.mark.parametrize("ties", [False, True])
def test_distance_of_two_samples_against_scipy(draws_of: DrawsOf, ties: bool) -> None:
    rng = np.random.default_rng(8)
    one, other = rng.normal(size=256), rng.normal(0.2, 1.5, size=512)
    if ties:
        one, other = np.round(one), np.round(other)
    finding = find(same(), draws_of(pair(one, other)), 0.02)
    assert finding.estimate == pytest.approx(stats.ks_2samp(one, other).statistic, rel=1e-14)
    cell = cell_of(finding)
    assert cell.band == pytest.approx(sum(law_band(n, 0.01 / 2) for n in (256, 512)))  # half on each sample
    assert finding.replicates == 256
    assert finding.drawn == 256 + 512
    assert finding.mcse == pytest.approx(0.5 * math.sqrt(1 / 256 + 1 / 512))


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, CONFIRMED), (0.5, REFUTED), (0.15, UNDECIDED)])
def test_same_law_by_construction(draws_of: DrawsOf, shift: float, verdict: Verdict) -> None:
    rng = np.random.default_rng(9)
    columns = pair(rng.normal(size=8192), rng.normal(shift, 1, size=8192))
    assert find(same(margin=0.08), draws_of(columns), 0.01).verdict is verdict


@pytest.mark.parametrize("common", [(), ("kind",)])
def test_two_laws_are_confirmed_point_by_point(draws_of: DrawsOf, common: tuple[str, ...]) -> None:
    """An indicator's error is at most 1/2 sqrt(n): errors add up where draws are paired, else their squares do."""
    one, other = normal_quantiles(4096), normal_quantiles(2048)
    finding = find(same(margin=0.2), draws_of(pair(one, other), common=common), 0.02)
    errors = (0.5 / 64, 0.5 / math.sqrt(2048))
    error = sum(errors) if common else math.hypot(*errors)
    z = effective_z(2048, 0.02, 256)
    assert (finding.verdict, finding.guarantee) == (CONFIRMED, Guarantee.ASYMPTOTIC)
    assert finding.interval == pytest.approx((0.0, cell_of(finding).distance + z * error))
    assert finding.confidence == 1 - 2 * 0.02


def test_same_law_is_judged_for_each_pair(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(9)
    columns = pair(rng.normal(size=8192), rng.normal(size=8192), n=1) | pair(
        rng.normal(size=8192), rng.exponential(size=8192), n=2
    )
    finding = find(same(margin=0.08), draws_of(columns), 0.01)
    assert [(dict(cell.scenario), cell.verdict) for cell in finding.cells] == [
        ({"n": 1}, CONFIRMED),
        ({"n": 2}, REFUTED),
    ]
    assert finding.kind == "same_law"


@pytest.mark.parametrize("levels", [("a",), ("a", "b", "c")])
def test_same_law_compares_two_levels(make_study: Callable[..., Study], levels: tuple[str, ...]) -> None:
    with pytest.raises(ClaimError, match="claim l: `across` must compare exactly 2 levels of kind, got"):
        make_study(scenarios=grid(kind=levels, n=(1, 2)), claims=[same()])


def test_same_law_across_an_unknown_factor(make_study: Callable[..., Study]) -> None:
    with pytest.raises(ClaimError, match="`across` must name a factor of the study, got 'kind'; factors: n"):
        make_study(claims=[same()])


class Tenths:
    """Binomial counts in steps of 0.1, the atoms by a product."""

    def cdf(self, x: Any) -> Any:
        atoms = 0.1 * np.arange(11)
        return stats.binom(10, 0.5).cdf(np.searchsorted(atoms, np.asarray(x), side="right") - 1)


def rounded_lattice(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Counts, and these in steps of 0.1 by a product or a quotient: 0.1 * 3 is not 3 / 10."""
    counts = rng.binomial(10, 0.5, size=count)
    return counts, np.where(rng.random(count) < 0.5, 0.1 * counts, counts / 10)


def test_atoms_that_only_rounding_tells_apart_are_one(draws_of: DrawsOf) -> None:
    counts, values = rounded_lattice(np.random.default_rng(11), 4096)
    assert len(np.unique(values)) > len(np.unique(counts))  # the control: rounding does tell them apart
    exact = find(law(stats.binom(10, 0.5)), draws_of({ONE: {"x": counts}}), 0.01)
    rounded = find(law(Tenths()), draws_of({ONE: {"x": values}}), 0.01)
    assert rounded.estimate == pytest.approx(exact.estimate, abs=1e-12)
    assert cell_of(rounded).merged == len(np.unique(values)) - len(np.unique(counts))
    assert cell_of(exact).merged == 0


def test_samples_of_one_lattice_are_the_same_law_however_they_were_rounded(draws_of: DrawsOf) -> None:
    counts, values = rounded_lattice(np.random.default_rng(12), 4096)
    exact = find(same(), draws_of(pair(counts / 10, counts / 10)), 0.01)
    rounded = find(same(), draws_of(pair(counts / 10, values)), 0.01)
    assert (exact.estimate, rounded.estimate) == (0.0, 0.0)
    assert stats.ks_2samp(counts / 10, values).statistic > 0.05  # the control: what rounding would make of it
    assert cell_of(rounded).merged > 0
