"""Forms of a rate: corrections, logarithms, several factors, functions of factors, prefactors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Finding, Rate, Scenario, Study, Verdict, grid, mean, relative
from mcstudy.claims.judging import find
from mcstudy.claims.powers import Powers
from mcstudy.draws import Draws
from mcstudy.evidence import Fit, Line, RateEvidence
from mcstudy.exceptions import ClaimError

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
FAR = grid(n=tuple(2**k for k in range(6, 15)))
STEPS = grid(n=tuple(2.0**-k for k in range(2, 9)))
PLANE = grid(n=(16, 32, 64), d=(2, 4, 8))


def rate(**parts: Any) -> Rate:
    plan: dict[str, Any] = {"of": mean("x"), "against": "n", "exponent": -0.5, "margin": 0.02}
    return Rate("r", "s", **(plan | parts))


def columns(
    law: Callable[..., float], scenarios: tuple[Scenario, ...], count: int = 2**14
) -> dict[Scenario, Any]:
    """Columns whose mean in a scenario is the law's of its factors, with relative noise of 0.3."""
    rng = np.random.default_rng(1)
    return {s: {"x": law(**s) * (1 + 0.3 * rng.normal(size=count))} for s in scenarios}


def number(scenario: Scenario, factor: str) -> float:
    level = scenario[factor]
    assert isinstance(level, (int, float))
    return float(level)


def evidence_of(finding: Finding) -> RateEvidence:
    assert isinstance(finding.evidence, RateEvidence)
    return finding.evidence


def line_of(finding: Finding) -> Line:
    line = finding.evidence.cells[0]
    assert isinstance(line, Line)
    return line


def fit_of(finding: Finding) -> Fit:
    fit = line_of(finding).fit
    assert fit is not None
    return fit


def test_a_correction_takes_the_next_term_out(draws_of: DrawsOf) -> None:
    """n^-1/2 (1 + 2 n^-1/2) has slope -0.517 over the upper half, and the exponent -1/2."""
    draws = draws_of(columns(lambda n: n**-0.5 * (1 + 2 * n**-0.5), FAR))
    corrected = find(rate(correction=-0.5, margin=0.012), draws, 0.01)
    assert corrected.verdict is CONFIRMED
    assert fit_of(corrected).upper_half is None
    assert fit_of(corrected).scan == ()
    assert evidence_of(corrected).model == "a n^p (1 + c n^-0.5)"
    assert find(rate(correction=-0.5, margin=0.012, exponent=-0.53), draws, 0.01).verdict is REFUTED
    plain = find(rate(margin=0.012), draws, 0.01)  # the control: without it the same claim is not confirmed
    assert plain.verdict is UNDECIDED
    assert plain.estimate < -0.51


def test_what_was_fitted_is_what_the_line_shows(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: n**-0.5 * (1 + 2 * n**-0.5), FAR))
    line = line_of(find(rate(correction=-0.5), draws, 0.01))
    # Log(1 + c x) is fitted by c x, which leaves half a square: 3 % at n = 64.
    expected = line.x**-0.5 * (1 + 2 * line.x**-0.5)
    assert line.fitted == pytest.approx(expected, rel=0.03)


def test_a_correction_towards_zero_is_a_positive_power(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: n**2 * (1 + n), STEPS))
    claim = rate(exponent=2.0, limit="zero", correction=1.0, margin=0.03)
    assert find(claim, draws, 0.01).verdict is CONFIRMED
    assert find(rate(exponent=2.1, limit="zero", correction=1.0, margin=0.03), draws, 0.01).verdict is REFUTED


def test_a_known_power_of_the_logarithm_is_an_offset(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: n**-0.5 * math.log(n), FAR))
    known = find(rate(log=1), draws, 0.01)
    assert known.verdict is CONFIRMED
    assert fit_of(known).upper_half is not None  # the half decides, as without
    assert find(rate(), draws, 0.01).verdict is not CONFIRMED
    assert find(rate(log=2), draws, 0.01).verdict is not CONFIRMED
    # Slopes between neighbours are those of what is left.
    np.testing.assert_allclose(fit_of(known).local_slopes, -0.5, atol=5 * np.max(fit_of(known).local_mcse))


def test_a_power_of_the_logarithm_may_be_fitted(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: n**-0.5 * math.log(n) ** 1.5, FAR))
    fitted = find(rate(log="fit", margin=0.05), draws, 0.01)
    assert fitted.verdict is CONFIRMED
    assert find(rate(log="fit", margin=0.05, exponent=-0.6), draws, 0.01).verdict is REFUTED
    plain = find(rate(), draws, 0.01)
    assert fitted.mcse > 3 * fit_of(plain).sampling_error  # what it costs


def test_a_logarithm_towards_zero_is_that_of_the_inverse(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: n * math.log(1 / n), STEPS))
    assert find(rate(exponent=1.0, limit="zero", log=1), draws, 0.01).verdict is CONFIRMED
    assert find(rate(exponent=1.0, limit="zero"), draws, 0.01).verdict is not CONFIRMED


def plane(**parts: Any) -> Rate:
    return rate(**({"against": {"n": -0.5, "d": 0.5}, "exponent": None} | parts))


def test_several_factors_have_an_exponent_each(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n, d: 3 * (d / n) ** 0.5, PLANE))
    finding = find(plane(), draws, 0.01)
    assert finding.verdict is CONFIRMED
    assert evidence_of(finding).factors == ("n", "d")
    assert evidence_of(finding).model == "a n^p1 d^p2"
    assert finding.estimand == "exponents of mean of x in n, d"
    names, theories = zip(*((own.name, own.theory) for own in fit_of(finding).coefficients), strict=True)
    assert names == ("exponent of n", "exponent of d")
    assert theories == (-0.5, 0.5)
    assert fit_of(finding).constant == pytest.approx(3.0, rel=0.05)
    ratios = [number(s, "d") / number(s, "n") for s in line_of(finding).points]
    assert line_of(finding).x == pytest.approx(np.sqrt(ratios))


def test_one_wrong_exponent_of_several_refutes_and_is_shown(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n, d: n**-0.5 * d, PLANE))
    finding = find(plane(), draws, 0.01)
    assert finding.verdict is REFUTED
    assert finding.theory == 0.5
    assert finding.estimate == pytest.approx(1.0, abs=0.02)
    assert fit_of(finding).deciding == 1
    # Two exponents, two ends each: a quarter of the share for each.
    assert finding.confidence == pytest.approx(1 - 2 * 0.01 / 4)
    assert find(plane(against={"n": -0.5, "d": 1.0}), draws, 0.01).verdict is CONFIRMED


def test_margins_of_several_factors(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n, d: n**-0.5 * d**0.55, PLANE))
    assert find(plane(margin={"n": 0.02, "d": 0.1}), draws, 0.01).verdict is CONFIRMED
    assert find(plane(margin=0.02), draws, 0.01).verdict is REFUTED


def test_exponents_of_several_factors_may_depend_on_others(draws_of: DrawsOf) -> None:
    scenarios = grid(n=(16, 32, 64), d=(2, 4, 8), power=(1, 2))
    draws = draws_of(columns(lambda n, d, power: (d / n) ** power, scenarios))
    claim = plane(against={"n": lambda power: -power, "d": lambda power: power})
    finding = find(claim, draws, 0.01)
    assert [cell.verdict for cell in finding.cells] == [CONFIRMED, CONFIRMED]
    assert [dict(cell.scenario) for cell in finding.cells] == [{"power": 1}, {"power": 2}]


def test_levels_of_one_common_factor_are_paired_and_of_others_not(draws_of: DrawsOf) -> None:
    """Scenarios of one d share their random numbers along n: the exponent of n is sharp, that of d is not."""
    rng = np.random.default_rng(2)
    shared = {d: 1 + 0.3 * rng.normal(size=512) for d in (2, 4, 8)}
    drawn = {
        Scenario(n=n, d=d): {"x": (d / n) ** 0.5 * (shared[d] + 0.01 * rng.normal(size=512))}
        for n in (16, 32, 64)
        for d in (2, 4, 8)
    }
    paired = fit_of(find(plane(), draws_of(drawn, common=("n",)), 0.01)).coefficients
    apart = fit_of(find(plane(), draws_of(drawn), 0.01)).coefficients
    assert paired[0].mcse < 0.1 * apart[0].mcse
    assert paired[1].mcse > 1.4 * apart[1].mcse  # the three levels of n repeat each other


def test_against_a_function_of_factors(draws_of: DrawsOf) -> None:
    """All scenarios make one line whose levels are n / d."""
    scenarios = (Scenario(n=16, d=2), Scenario(n=16, d=4), Scenario(n=128, d=4), Scenario(n=128, d=8))
    draws = draws_of(columns(lambda n, d: (n / d) ** -0.5, scenarios))
    finding = find(rate(against=lambda n, d: n / d), draws, 0.01)
    assert finding.verdict is CONFIRMED
    assert dict(finding.cells[0].scenario) == {}
    assert evidence_of(finding).against == "f(n, d)"
    np.testing.assert_array_equal(line_of(finding).x, [4, 8, 16, 32])
    assert line_of(finding).points == (scenarios[1], scenarios[0], scenarios[3], scenarios[2])
    assert find(rate(against=lambda n, d: n * d), draws, 0.01).verdict is not CONFIRMED


def aspect(n: float, **_: Any) -> float:
    return n / 2


def test_functions_are_named_and_lines_run_along_what_they_read(draws_of: DrawsOf) -> None:
    scenarios = grid(n=(16, 32, 64, 128), kind=("a", "b"))
    draws = draws_of(columns(lambda n, kind: n**-0.5, scenarios))
    finding = find(rate(against=lambda n: 2 * n), draws, 0.01)
    assert [dict(cell.scenario) for cell in finding.cells] == [{"kind": "a"}, {"kind": "b"}]
    assert Powers("r", aspect).label == "aspect"
    assert Powers("r", aspect).reads(Scenario(n=1, kind="a")) == ["n", "kind"]  # **_ takes all


def prefactor(constant: Any, **parts: Any) -> Rate:
    return rate(constant=constant, **({"constant_margin": relative(0.05)} | parts))


def test_a_prefactor_is_claimed_too(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: 3 * n**-0.5, FAR))
    right = find(prefactor(3), draws, 0.01)
    assert right.verdict is CONFIRMED
    slope, claimed = fit_of(right).coefficients
    assert (slope.name, claimed.name, claimed.theory) == ("slope", "prefactor", 3.0)
    assert claimed.margin == pytest.approx(0.15)
    assert right.estimate == slope.estimate  # the cell shows an exponent where it can
    wrong = find(prefactor(3.5), draws, 0.01)
    assert wrong.verdict is REFUTED
    assert wrong.estimate == pytest.approx(3.0, abs=5 * wrong.mcse)
    assert fit_of(wrong).deciding == 1
    assert find(prefactor(3.5, constant_margin=1.0), draws, 0.01).verdict is CONFIRMED


@pytest.mark.calibration
def test_errors_of_a_prefactor_against_brute_force(draws_of: DrawsOf) -> None:
    """Five standard errors of the standard deviation of 200 estimates."""
    rng = np.random.default_rng(5)
    found = [
        find(
            prefactor(4.0, constant_margin=1e-6),
            draws_of({s: {"x": 3 * number(s, "n") ** -0.5 * (1 + 0.3 * rng.normal(size=256))} for s in FAR}),
            0.01,
        )
        for _ in range(200)
    ]
    estimates, errors = zip(*((finding.estimate, finding.mcse) for finding in found), strict=True)
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=5 / math.sqrt(2 * 200))


def test_a_prefactor_beside_a_correction_and_several_exponents(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: 3 * n**-0.5 * (1 + 2 * n**-0.5), FAR))
    assert find(prefactor(3.0, correction=-0.5), draws, 0.01).verdict is CONFIRMED
    assert find(prefactor(3.0), draws, 0.01).verdict is not CONFIRMED
    several = draws_of(columns(lambda n, d: 3 * (d / n) ** 0.5, PLANE))
    claim = prefactor(3.0, against={"n": -0.5, "d": 0.5}, exponent=None)
    assert find(claim, several, 0.01).verdict is CONFIRMED
    assert (
        find(prefactor(3.5, against={"n": -0.5, "d": 0.5}, exponent=None), several, 0.01).verdict is REFUTED
    )


def test_true_is_no_prefactor(draws_of: DrawsOf) -> None:
    draws = draws_of(columns(lambda n: n**-0.5, FAR))
    with pytest.raises(ClaimError, match="claim r: `constant` must hold for all replicates"):
        find(rate(constant=True), draws, 0.01)
    assert find(prefactor(1), draws, 0.01).verdict is CONFIRMED


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"limit": "here"}, "`limit` must be 'infinity' or 'zero', got 'here'"),
        (
            {"against": 3},
            "`against` must be a factor, a function of factors, or a mapping from factors, got 3",
        ),
        (
            {"against": {}},
            "`against` must be a factor, a function of factors, or a mapping from factors, got {}",
        ),
        ({"exponent": None}, "`exponent` must be a number, or a function of the line's factors, got None"),
        (
            {"against": {"n": 1, "d": 2}},
            "`exponent` must be left out where `against` holds exponents, got -0.5",
        ),
        (
            {"correction": 0.5},
            "`correction` must be a power below 0, which vanishes towards infinity, got 0.5",
        ),
        (
            {"correction": -1, "limit": "zero"},
            "`correction` must be a power above 0, which vanishes towards zero",
        ),
        ({"correction": True}, "`correction` must be a power below 0, .*, got True"),
        ({"log": 0}, "`log` must be a power other than 0, or 'fit', got 0"),
        ({"log": "guess"}, "`log` must be a power other than 0, or 'fit', got 'guess'"),
        ({"log": True}, "`log` must be a power other than 0, or 'fit', got True"),
        (
            {"against": {"n": 1, "d": 2}, "exponent": None, "correction": -1},
            r"`correction` must be left out where `against` names several factors \(n, d\), got -1",
        ),
        (
            {"against": {"n": 1, "d": 2}, "exponent": None, "log": 1},
            r"`log` must be left out where `against` names several factors \(n, d\), got 1",
        ),
        (
            {"margin": {"n": 0.1}},
            r"`margin` must be a number, or one for each of several factors .*, got {'n': 0.1}",
        ),
        ({"margin": relative(0.1)}, r"`margin` must be absolute, .*, got Relative\(fraction=0.1\)"),
        (
            {"against": {"n": 1, "d": 2}, "exponent": None, "margin": {"n": 0.1}},
            r"`margin` must be a number, or one for each of several factors of `against` \(n, d\), got {'n': 0.1}",
        ),
        (
            {"against": {"n": 1, "d": 2}, "exponent": None, "margin": {"n": 0.1, "d": 0}},
            r"`margin\['d'\]` must be a positive number, got 0",
        ),
        ({"constant": 0}, "`constant` must be True, False or a positive prefactor, got 0"),
        ({"constant": "yes"}, "`constant` must be True, False or a positive prefactor, got 'yes'"),
        (
            {"constant": 2.0},
            r"`constant_margin` must be given with a prefactor, such as relative\(0.05\), got None",
        ),
        ({"constant": 2.0, "constant_margin": -1}, "`constant_margin` must be a positive number, got -1"),
        ({"constant_margin": 0.1}, "`constant_margin` must go with a number for `constant`, got 0.1"),
        (
            {"correction": -1, "asymptotic_from": 8},
            "`asymptotic_from` must be left out where all levels decide",
        ),
    ],
)
def test_parts_that_do_not_go_together_are_refused(parts: dict[str, Any], match: str) -> None:
    with pytest.raises(ClaimError, match=f"claim r: {match}"):
        rate(**parts)


@pytest.mark.parametrize(
    ("scenarios", "parts", "match"),
    [
        (grid(n=(1, 2, 4)), {"correction": -1}, r"`n` needs at least 4 levels to fit a n\^p \(1 \+ c n\^-1\), got \[1, 2, 4\]"),
        (grid(n=(2, 4, 8)), {"log": "fit"}, r"`n` needs at least 4 levels to fit a n\^p log\(n\)\^l, got \[2, 4, 8\]"),
        (grid(n=(1, 2, 4)), {"log": 1}, r"`n` must have levels above 1 for a power of their logarithm, got \[1, 2, 4\]"),
        (
            grid(n=(0.25, 0.5, 1.0)),
            {"log": 1, "limit": "zero"},
            r"`n` must have levels below 1 for a power of their logarithm, got \[0.25, 0.5, 1.0\]",
        ),
        (grid(n=(1, 2, 4)), {"asymptotic_from": 3}, r"`asymptotic_from` must be a level of `n` with another one nearer to the limit \(\[1.0, 2.0, 4.0\]\), got 3"),
        (grid(n=(1, 2, 4)), {"asymptotic_from": 4}, "`asymptotic_from` must be a level .*, got 4"),
        (grid(n=(1, 2, 4)), {"asymptotic_from": 1, "limit": "zero"}, "`asymptotic_from` must be a level .*, got 1"),
        (
            tuple(Scenario(n=n, d=n**2) for n in (1, 2, 4, 8)),
            {"against": {"n": 1, "d": 1}, "exponent": None},
            r"`against` must name factors that vary independently in each line, but `d` is determined by `n`; vary it, or leave it out, got \['n', 'd'\]",
        ),
        (
            grid(n=(1, 2, 4, 8), d=(3,)),
            {"against": {"n": 1, "d": 1}, "exponent": None},
            "but `d` is the same everywhere; vary it, or leave it out",
        ),
        (
            grid(n=(1, 2), d=(1,)) + grid(n=(1,), d=(2,)),
            {"against": {"n": 1, "d": 1}, "exponent": None},
            r"`n, d` needs at least 4 levels to fit a n\^p1 d\^p2, got \[\[1.0, 1.0\]",
        ),
        (
            grid(n=(1, 2), d=(0, 1)),
            {"against": {"n": 1, "d": 1}, "exponent": None},
            r"levels of `d` must be positive numbers, got \[0, 1, 0, 1\]",
        ),
        (grid(n=(1, 2, 4)), {"against": {"n": 1, "m": 1}, "exponent": None}, "`against` must name a factor of the study, got 'm'; factors: n"),
        (grid(n=(1, 2, 4)), {"against": {"n": lambda q: q}, "exponent": None}, r"`against\['n'\]` must name factors only, got the parameter q"),
        (grid(n=(1, 2, 4)), {"against": lambda m: m}, "`against` must name factors only, got the parameter m; factors: n"),
        (grid(n=(1, 2, 4)), {"against": lambda n: n - 1}, r"levels of `f\(n\)` must be positive numbers, got \[0.0, 1.0, 3.0\]"),
        (
            grid(n=(1, 2, 4), d=(1, 2)),
            {"against": lambda n, d: n * d},
            r"`f\(n, d\)` must have different levels in the scenarios of a line, got \[1.0, 2.0, 2.0, 4.0, 4.0, 8.0\]",
        ),
    ],
)  # fmt: skip
def test_levels_that_a_form_can_not_be_fitted_to_are_refused(
    make_study: Callable[..., Study], scenarios: tuple[Scenario, ...], parts: dict[str, Any], match: str
) -> None:
    with pytest.raises(ClaimError, match=f"claim r: .*{match}|claim r: {match}"):
        make_study(scenarios=scenarios, claims=[rate(**parts)])
