"""Rate: a slope in log-log, with honest errors, paired or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy import Finding, Rate, Scenario, Study, Verdict, grid, mean, rms
from mcstudy.claims import profits
from mcstudy.claims.judging import find
from mcstudy.draws import Draws, Sample
from mcstudy.evidence import Fit, Half, Line, RateEvidence
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Guarantee
from mcstudy.statistics.sequences import effective_z

DrawsOf = Callable[..., Draws]
FloatArray = npt.NDArray[np.float64]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
LEVELS = (8, 16, 32, 64, 128, 256)


def rate(**parts: Any) -> Rate:
    plan: dict[str, Any] = {"of": mean("x"), "against": "n", "exponent": -0.5, "margin": 0.02}
    return Rate("r", "s", **(plan | parts))


def evidence_of(finding: Finding) -> RateEvidence:
    assert isinstance(finding.evidence, RateEvidence)
    return finding.evidence


def line_of(finding: Finding) -> Line:
    (line,) = evidence_of(finding).cells
    assert line is not None
    return line


def fit_of(finding: Finding) -> Fit:
    fit = line_of(finding).fit
    assert fit is not None
    return fit


def half_of(finding: Finding) -> Half:
    half = fit_of(finding).upper_half
    assert half is not None
    return half


def line(
    law: Callable[[int], float], count: int = 4096, spread: float = 0.1, seed: int = 1
) -> dict[Scenario, Any]:
    """Columns whose mean at n is law(n), with relative noise."""
    rng = np.random.default_rng(seed)
    return {Scenario(n=n): {"x": law(n) * (1 + spread * rng.normal(size=count))} for n in LEVELS}


@pytest.mark.parametrize(
    ("exponent", "verdict"),
    [(-0.5, CONFIRMED), (-0.45, REFUTED), (-0.55, REFUTED), (-0.52, UNDECIDED), (0.5, REFUTED)],
)
def test_exponents_by_construction(draws_of: DrawsOf, exponent: float, verdict: Verdict) -> None:
    finding = find(rate(exponent=exponent), draws_of(line(lambda n: 3 * n**-0.5)), 0.01)
    assert finding.verdict is verdict
    assert finding.theory == exponent
    assert finding.estimate == pytest.approx(-0.5, abs=5 * finding.mcse)


def test_half_near_the_limit_decides_at_its_shares(draws_of: DrawsOf) -> None:
    """One cell: 0.01 for each side to confirm, half of it for each end to refute; a third of that in an exact claim."""
    draws = draws_of(line(lambda n: n**-0.5))
    confirmed = find(rate(), draws, 0.01)
    assert confirmed.confidence == pytest.approx(1 - 2 * 0.01)
    assert confirmed.estimate == half_of(confirmed).exponent != fit_of(confirmed).exponent
    # Normal noise: z with Welch's degrees of freedom, no fewer than 4095.
    half_width = effective_z(4096, 0.01, draws.tuned) * confirmed.mcse
    low, high = confirmed.interval
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.01)
    for exact, refute in ((False, 0.01 / 2), (True, 0.01 / 6)):
        open_ = find(rate(exponent=-0.52, exact=exact), draws, 0.01)
        assert open_.verdict is UNDECIDED
        assert open_.confidence == pytest.approx(1 - 2 * refute)


def test_a_law_that_changes_in_the_upper_half_is_not_confirmed(draws_of: DrawsOf) -> None:
    """Slope -0.5 up to n = 64 and -0.4 beyond it: the whole range lies in a wide zone, the upper half does not."""

    def law(n: int) -> float:
        return float(n**-0.5 if n <= 32 else 32**-0.5 * (n / 32) ** -0.4)

    finding = find(rate(margin=0.08, of=mean("x")), draws_of(line(law, spread=0.01)), 0.01)
    fitted = fit_of(finding)
    assert abs(fitted.exponent + 0.5) < 0.08
    assert half_of(finding).exponent == pytest.approx(-0.4, abs=0.01)
    assert finding.verdict is REFUTED


def bent(n: int) -> float:
    """A power -1/2 in which every second level lies 0.6 % too high: no exact power law."""
    return float(n**-0.5 * (1 + 0.006 * (np.log2(n) % 2)))


def test_a_curved_law_refutes_only_the_exact_claim(draws_of: DrawsOf) -> None:
    draws = draws_of(line(bent, spread=0.05))
    within = find(rate(margin=0.1), draws, 0.01)
    assert within.verdict is CONFIRMED
    assert line_of(within).note == "a power law to within the margin, not exactly"
    exact = find(rate(margin=0.1, exact=True), draws, 0.01)
    assert exact.verdict is REFUTED
    assert evidence_of(exact).exact
    assert not evidence_of(within).exact


def test_a_true_law_is_confirmed_exactly(draws_of: DrawsOf) -> None:
    finding = find(rate(exact=True), draws_of(line(lambda n: n**-0.5)), 0.01)
    assert finding.verdict is CONFIRMED
    assert line_of(finding).note == ""


def test_exponent_as_a_function_of_the_other_factors(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(4)
    columns = {
        Scenario(n=n, power=power, kind=kind): {"x": n**-power * (1 + 0.1 * rng.normal(size=4096))}
        for n in LEVELS
        for power in (0.5, 1.0)
        for kind in ("a", "b")
    }
    finding = find(rate(exponent=lambda power: -power), draws_of(columns), 0.01)
    assert finding.verdict is CONFIRMED
    assert [dict(cell.scenario) for cell in finding.cells] == [
        {"power": power, "kind": kind} for power in (0.5, 1.0) for kind in ("a", "b")
    ]
    assert [cell.theory for cell in finding.cells] == [-0.5, -0.5, -1.0, -1.0]
    wrong = find(rate(exponent=lambda power, kind: -power - 0.1 * (kind == "b")), draws_of(columns), 0.01)
    assert [cell.verdict for cell in wrong.cells] == [CONFIRMED, REFUTED] * 2


def test_levels_are_taken_in_order_whatever_the_grid(draws_of: DrawsOf) -> None:
    columns = line(lambda n: n**-0.5)
    finding = find(rate(), draws_of(columns), 0.01)
    shuffled = find(rate(), draws_of(dict(reversed(columns.items()))), 0.01)
    assert shuffled.estimate == finding.estimate
    np.testing.assert_array_equal(line_of(shuffled).x, LEVELS)


def test_a_statistic_that_is_not_positive_leaves_the_rate_open(draws_of: DrawsOf) -> None:
    columns = line(lambda n: n**-0.5)
    columns[Scenario(n=32)] = {"x": -columns[Scenario(n=32)]["x"]}
    claim = rate()
    finding = find(claim, draws_of(columns), 0.01)
    assert finding.verdict is UNDECIDED
    assert finding.guarantee is Guarantee.NONE
    assert line_of(finding).note == "the mean of x is not positive at n = 32"
    assert math.isnan(finding.estimate)
    assert finding.note == "the mean of x is negative at n = 32: negate the column, or use rms"
    assert not profits(claim, finding.cells[0])  # no draws mend a sign


def test_a_statistic_that_may_be_positive_keeps_its_hope(draws_of: DrawsOf) -> None:
    columns = line(lambda n: n**-0.5)
    columns[Scenario(n=32)] = {"x": np.random.default_rng(2).normal(-0.01, 1.0, size=4096)}
    claim = rate()
    finding = find(claim, draws_of(columns), 0.01)
    assert finding.verdict is UNDECIDED
    assert finding.note == "the mean of x is not positive at n = 32"
    assert profits(claim, finding.cells[0])


def test_levels_without_spread_pin_no_line_unless_they_are_declared(draws_of: DrawsOf) -> None:
    """A rare event that nobody has seen looks like a bound; only the author knows which it is."""
    draws = draws_of({Scenario(n=n): {"x": np.full(128, float(n))} for n in (1, 2, 4, 8)})
    unseen = find(rate(exponent=1.0), draws, 0.01)
    assert unseen.verdict is UNDECIDED
    assert "all 128 replicates are equal" in unseen.note
    assert find(rate(exponent=1.0, constant=True), draws, 0.01).verdict is CONFIRMED
    assert find(rate(exponent=0.9, constant=True), draws, 0.01).verdict is REFUTED


def test_a_level_that_is_not_constant_is_named_with_its_replicate(draws_of: DrawsOf) -> None:
    columns = {Scenario(n=n): {"x": np.full(64, float(n))} for n in (1, 2, 4, 8)}
    columns[Scenario(n=2)]["x"][37] = 2.5
    token = f"{Scenario(n=2).digest}:2:5"  # 37 = 2 * 16 + 5
    with pytest.raises(
        ClaimError, match=f"claim r: `constant` must hold .*, got 2.5 after 2.0 in replicate {token}"
    ):
        find(rate(exponent=1.0, constant=True), draws_of(columns), 0.01)


def test_a_level_not_known_to_a_quarter_leaves_the_rate_open(draws_of: DrawsOf) -> None:
    """64 draws of N(1, 3) have a relative error of about 3/8."""
    columns = line(lambda n: 1.0, count=64)
    columns[Scenario(n=256)] = {"x": 1 + 3 * np.random.default_rng(0).normal(size=64)}
    finding = find(rate(exponent=0.0, margin=9.0), draws_of(columns), 0.01)
    assert finding.verdict is UNDECIDED
    assert line_of(finding).note == "the mean of x is not known to 25 % at n = 256"


def test_one_open_line_leaves_the_finding_open_but_hides_no_refutation(draws_of: DrawsOf) -> None:
    good = {Scenario(n=s["n"], kind="good"): c for s, c in line(lambda n: n**-0.5).items()}
    open_ = {Scenario(n=s["n"], kind="open"): c for s, c in line(lambda n: -1.0).items()}
    bad = {Scenario(n=s["n"], kind="bad"): c for s, c in line(lambda n: n**-1.0).items()}
    assert find(rate(), draws_of(good | open_), 0.01).verdict is UNDECIDED
    assert find(rate(), draws_of(good | open_ | bad), 0.01).verdict is REFUTED


def test_a_law_towards_zero_is_judged_by_its_lower_half(draws_of: DrawsOf) -> None:
    """Slope 1 below n = 64 and 0.9 above: towards zero the exponent is 1, towards infinity it is not."""

    def law(n: int) -> float:
        return float(n if n <= 64 else 64 * (n / 64) ** 0.9)

    draws = draws_of(line(law, spread=0.01))
    towards_zero = find(rate(exponent=1.0, margin=0.08, limit="zero"), draws, 0.01)
    assert towards_zero.verdict is not REFUTED
    assert half_of(towards_zero).exponent == pytest.approx(1.0, abs=0.01)
    towards_infinity = find(rate(exponent=1.0, margin=0.08), draws, 0.01)
    assert towards_infinity.verdict is REFUTED
    assert half_of(towards_infinity).exponent == pytest.approx(0.9, abs=0.01)
    with pytest.raises(ClaimError, match="claim r: `limit` must be 'infinity' or 'zero', got 'here'"):
        rate(limit="here")


def test_a_line_of_failures_only_is_open_and_named_by_its_factors(draws_of: DrawsOf) -> None:
    lost = {Scenario(n=n, kind="lost"): {"x": np.full(64, np.nan)} for n in LEVELS}
    good = {Scenario(n=s["n"], kind="good"): c for s, c in line(lambda n: n**-0.5).items()}
    finding = find(rate(), draws_of(lost | good), 0.01)
    assert [dict(cell.scenario) for cell in finding.cells] == [{"kind": "lost"}, {"kind": "good"}]
    assert [cell.verdict for cell in finding.cells] == [UNDECIDED, CONFIRMED]
    assert finding.cells[0].failures == 64 * len(LEVELS)
    lost_line, good_line = evidence_of(finding).cells
    assert lost_line is None
    assert good_line is not None
    assert good_line.scenario == Scenario(kind="good")


@pytest.mark.parametrize(
    ("scenarios", "match"),
    [
        (grid(n=(1, 2)), r"claim r: `n` needs at least 3 levels to fit a rate, got \[1, 2\]"),
        (grid(n=(0, 1, 2)), r"claim r: levels of `n` must be positive numbers, got \[0, 1, 2\]"),
        (grid(n=(-4, 1, 2)), r"claim r: levels of `n` must be positive numbers, got \[-4, 1, 2\]"),
        (grid(n=("a", "b", "c")), r"claim r: levels of `n` must be positive numbers, got \['a', 'b', 'c'\]"),
        (grid(m=(1, 2, 4)), "claim r: `against` must name a factor of the study, got 'n'; factors: m"),
        (
            grid(n=(1, 2, 4), m=(1,)) + grid(n=(1, 2), m=(2,)),
            r"`n` needs at least 3 levels to fit a rate, got \[1, 2\]",
        ),
    ],
)
def test_levels_must_be_positive_numbers(
    make_study: Callable[..., Study], scenarios: tuple[Scenario, ...], match: str
) -> None:
    with pytest.raises(ClaimError, match=match):
        make_study(scenarios=scenarios, claims=[rate()])


@pytest.mark.parametrize(
    "exponent",
    [
        pytest.param(lambda m: -0.5, id="another factor"),
        pytest.param(lambda: "steep", id="text"),
        math.nan,
    ],
)
def test_exponent_is_called_before_drawing(make_study: Callable[..., Study], exponent: Any) -> None:
    with pytest.raises(ClaimError, match="claim r: `exponent`"):
        make_study(scenarios=grid(n=LEVELS), claims=[rate(exponent=exponent)])


def paired_columns(rng: np.random.Generator, counts: dict[int, int]) -> dict[Scenario, Any]:
    """Draws that share most of their noise at every level, as a common factor makes them."""
    most = max(counts.values())
    shared = 0.3 * rng.normal(size=most)
    return {
        Scenario(n=n): {"x": n * (1 + shared + 0.03 * rng.normal(size=most))[:count]}
        for n, count in counts.items()
    }


def slopes(
    draws_of: DrawsOf, counts: dict[int, int], common: tuple[str, ...], runs: int
) -> tuple[FloatArray, FloatArray]:
    """Slopes of repeated studies, and the errors that they state."""
    rng = np.random.default_rng(8)
    claim = rate(exponent=1.0)
    findings: list[Finding] = [
        find(claim, draws_of(paired_columns(rng, counts), common=common), 0.01) for _ in range(runs)
    ]
    estimates, errors = zip(*((finding.estimate, finding.mcse) for finding in findings), strict=True)
    return np.array(estimates), np.array(errors)


RUNS = 250
WITHIN = 5 / math.sqrt(2 * RUNS)  # five standard errors of a standard deviation from RUNS normal values


@pytest.mark.calibration
def test_paired_lines_against_brute_force(draws_of: DrawsOf) -> None:
    counts = dict.fromkeys((1, 2, 4, 8, 16), 256)
    estimates, paired = slopes(draws_of, counts, ("n",), RUNS)
    assert np.mean(paired) == pytest.approx(np.std(estimates), rel=WITHIN)
    _, unpaired = slopes(draws_of, counts, (), 10)
    assert np.mean(unpaired) > 5 * np.mean(paired)  # the control: blind to the pairing


@pytest.mark.calibration
def test_paired_lines_with_unequal_replicates_against_brute_force(draws_of: DrawsOf) -> None:
    """One level drew on alone for another claim: only the replicates that all levels have are paired."""
    counts = {1: 64, 2: 256, 4: 256, 8: 256, 16: 256}
    estimates, paired = slopes(draws_of, counts, ("n",), RUNS)
    assert np.mean(paired) == pytest.approx(np.std(estimates), rel=WITHIN)


def test_paired_lines_with_a_failure_at_one_level(draws_of: DrawsOf) -> None:
    """A failed replicate leaves its pair at every level, so the slope of exact lines stays exact."""
    shared = 1 + 0.3 * np.random.default_rng(1).uniform(-1.0, 1.0, size=128)
    columns = {Scenario(n=n): {"x": n * shared} for n in (1, 2, 4, 8)}
    columns[Scenario(n=4)] = {"x": np.where(np.arange(128) == 5, np.nan, 4 * shared)}
    draws = draws_of(columns, common=("n",))
    # Nobody has seen a replicate that does not move alike, so that the levels are taken one by one: margin 0.8.
    wide, narrow = (
        find(rate(exponent=1.0, allowed_failures=1, margin=margin), draws, 0.01) for margin in (0.8, 0.02)
    )
    assert wide.verdict is CONFIRMED
    assert wide.estimate == pytest.approx(1.0, abs=1e-12)  # rounding of sums over 127 replicates
    assert narrow.verdict is UNDECIDED
    assert "all replicates move alike at all levels" in narrow.note


@pytest.mark.calibration
def test_independent_lines_against_brute_force(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(9)
    claim = rate(of=rms("x"), exponent=0.0)
    found = [
        find(claim, draws_of({Scenario(n=n): {"x": rng.exponential(size=256)} for n in (1, 2, 4, 8)}), 0.01)
        for _ in range(RUNS)
    ]
    errors = [finding.mcse for finding in found]
    assert np.mean(errors) == pytest.approx(np.std([finding.estimate for finding in found]), rel=WITHIN)


def test_a_line_carries_what_the_report_draws(draws_of: DrawsOf) -> None:
    finding = find(rate(), draws_of(line(lambda n: n**-0.5)), 0.01)
    assert finding.kind == "rate"
    assert finding.estimand == "slope of log mean of x on log n"
    evidence, drawn, fit = evidence_of(finding), line_of(finding), fit_of(finding)
    assert (evidence.against, evidence.statistic, evidence.limit) == ("n", "mean of x", "infinity")
    assert [len(values) for values in (drawn.x, drawn.y, drawn.mcse)] == [len(LEVELS)] * 3
    assert len(fit.local_slopes) == len(LEVELS) - 1
    assert half_of(finding).levels == len(LEVELS) // 2
    assert drawn.replicates == (4096,) * len(LEVELS)
    assert finding.drawn == 4096 * len(LEVELS)


def test_levels_without_a_replicate_in_common_are_open(draws_of: DrawsOf) -> None:
    """Under common random numbers only pairs count; here every second replicate failed, in turn."""
    even = np.arange(64) % 2 == 0
    shared = 1 + 0.1 * np.random.default_rng(1).normal(size=64)
    columns = {
        Scenario(n=n): {"x": np.where(even == bool(k % 2), np.nan, n * shared)}
        for k, n in enumerate((1, 2, 4))
    }
    claim = rate(exponent=1.0, allowed_failures=96)
    finding = find(claim, draws_of(columns, common=("n",)), 0.01)
    assert finding.verdict is UNDECIDED
    assert evidence_of(finding).cells == (None,)
    assert (finding.theory, finding.margin) == (1.0, 0.02)
    assert find(claim, draws_of(columns), 0.01).cells[0].reach >= 0  # the control: unpaired, there is a line


def test_a_line_leaves_the_influences_of_its_statistic_as_they_are() -> None:
    """A statistic may keep them: they are another claim's too."""
    kept: dict[bytes, FloatArray] = {}

    class Keeping(type(mean("x"))):  # type: ignore[misc]
        def influence(self, values: Any) -> FloatArray:
            return kept.setdefault(np.asarray(values).tobytes(), super().influence(values))

    samples = {}
    for n in LEVELS:
        x = 1.0 / n + np.random.default_rng(n).normal(size=256) / n
        samples[Scenario(n=n)] = Sample(Scenario(n=n), {"x": x}, np.ones(256, dtype=np.bool_), 256)
    find(rate(of=Keeping("x")), Draws(samples), 0.01)
    assert len(kept) == len(LEVELS)
    for sample in samples.values():
        np.testing.assert_array_equal(
            kept[sample.columns["x"].tobytes()], mean("x").influence(sample.columns["x"])
        )
