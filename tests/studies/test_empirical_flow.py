from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim, judge
from mcstudy.draws import Draws
from mcstudy.models.arrays import FloatArray

REGISTER = {"1.sampling", "1.depth", "1.depth.published-error", "1.depth.published-rank"}
CONTROLS = {"1.sampling.mismatched", "1.depth.two", "1.depth.rank-two", "1.depth.large-start"}
Named = Callable[[mc.Study, str], Claim]
Stream = Callable[..., np.random.Generator]


def completed(
    study: mc.Study, rng: np.random.Generator, size: int, depth: int, start_scale: float = 1e-3
) -> FloatArray:
    """Departures for a smaller problem than the study's: a 12 x 12 matrix of rank 1 from 60 entries."""
    problem = {"measuring": "completion", "dimension": 12, "rank": 1, "measurements": 60, "fit": 1e-5}
    columns = study["small_start"].simulate(rng, size, **problem, depth=depth, start_scale=start_scale)
    return np.asarray(columns["departure"])


def sampled(study: mc.Study, rng: np.random.Generator, measurements: int, column: str) -> FloatArray:
    columns = study["sampling"].simulate(rng, 4, dimension=4, measurements=measurements, depth=2)
    return np.asarray(columns[column])


def test_register_is_claimed_with_its_controls(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert set(verdicts) >= REGISTER
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == CONTROLS


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study, most={"dimension": (4, 16, 30)}, size=2)


def test_published_setting_is_drawn_in_the_full_profile_only(study: mc.Study, named: Named) -> None:
    settings = [(s["dimension"], s["rank"], s["measurements"], s["depth"]) for s in study["small_start"].full]
    assert settings == [(100, 5, 2000, 2), (100, 5, 2000, 3)]
    for claim in ("1.depth.published-error", "1.depth.published-rank"):
        assert not named(study, claim).select(study["small_start"].of_profile("quick"))
        selected = named(study, claim).select(study["small_start"].of_profile("full"))
        assert selected == list(study["small_start"].full)


@pytest.mark.parametrize("measurements", [2**10, 2**13])
def test_departure_halves_with_four_times_the_measurements(
    study: mc.Study, stream: Stream, measurements: int
) -> None:
    """Paired draws: the ratio is 2 up to corrections of relative order d/sqrt(n)."""
    few, many = (sampled(study, stream(), n, "departure") for n in (measurements, 4 * measurements))
    np.testing.assert_allclose(few / many, 2.0, rtol=8 / np.sqrt(measurements))


def test_departure_at_mismatched_times_does_not_fall(study: mc.Study, stream: Stream) -> None:
    few, many = (sampled(study, stream(), n, "late_departure") for n in (2**13, 2**15))
    np.testing.assert_allclose(few, many, rtol=0.3)


def test_replicate_is_the_mean_over_its_own_problems(
    study: mc.Study, module: ModuleType, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn one problem a replicate from the same stream, the values are those of the problems."""
    together = sampled(study, stream(), 2**10, "departure")
    problems = module.PROBLEMS
    monkeypatch.setattr(module, "PROBLEMS", 1)
    single = study["sampling"].simulate(stream(), 4 * problems, dimension=4, measurements=2**10, depth=2)
    means = np.reshape(single["departure"], (4, problems)).mean(axis=1)
    np.testing.assert_allclose(together, means, rtol=1e-12)


def test_problem_that_fails_fails_its_replicate_alone(
    study: mc.Study, module: ModuleType, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = module.gradient_flow

    def failing(start: object, slope: object, times: Sequence[float], tolerance: float) -> object:
        flow = right(start, slope, times, tolerance=tolerance)
        return replace(flow, failures=[*flow.failures[:-1], "the last problem"])

    monkeypatch.setattr(module, "gradient_flow", failing)
    columns = study["sampling"].simulate(stream(), 3, dimension=4, measurements=2**10, depth=2)
    assert list(columns["failure"]) == ["", "", "the last problem"]


def test_one_factor_keeps_what_is_not_seen(study: mc.Study, stream: Stream) -> None:
    """E ||error||^2 = (1 - n/d^2)||W*||^2 exactly; 5 standard errors of 40 replicates."""
    squares = completed(study, stream(), 40, depth=1) ** 2
    assert abs(squares.mean() - (1 - 60 / 144)) < 5 * squares.std() / np.sqrt(40)


def test_three_factors_recover_what_two_do_not(study: mc.Study, stream: Stream) -> None:
    assert np.median(completed(study, stream(), 16, depth=3)) < 0.05
    assert np.median(completed(study, stream(), 16, depth=2)) > 0.05
    assert np.median(completed(study, stream(), 16, depth=3, start_scale=1.0)) > 0.3


def test_unfitted_problem_is_a_declared_failure(
    study: mc.Study, module: ModuleType, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = module.descend
    monkeypatch.setattr(
        module, "descend", lambda start, problem, fit: right(start, problem, fit=fit, steps=25)
    )
    small_start = study["small_start"]
    scenario = next(scenario for scenario in small_start.scenarios if scenario["depth"] == 2)
    columns = small_start.simulate(stream(), 2, **scenario)
    assert all("not fitted" in reason for reason in columns["failure"])


def test_wrong_theories_are_refuted(
    study: mc.Study,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
) -> None:
    """Of 64 replicates, as many as the study's first look has, on the problem of completion."""
    wrong = {
        "1.depth.one": {
            "equals": lambda measurements, dimension: measurements / dimension**2
        },  # what is seen
        "1.depth": {"equals": 0.15},
        "1.depth.rank": {"equals": 1.0},  # about where two factors end
    }
    ledger = judged(contradicted(small(study, *wrong, where={"measuring": "completion"}, count=64), wrong))
    assert {claim: ledger[claim].verdict for claim in wrong} == dict.fromkeys(wrong, mc.Verdict.CONFIRMED)
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in wrong}
    assert refuted == dict.fromkeys(wrong, mc.Verdict.REFUTED)


def published(study: mc.Study, draws_of: Callable[..., Draws], factor: float, rare: float) -> Draws:
    """128 problems, with three factors and with two, whose typical error is `factor` times the published one.

    Errors spread by a factor of 1.3, and one problem in thirty ends at `rare` times the typical error.
    """
    rng = np.random.Generator(np.random.SFC64(1))
    spread = rng.normal(0.0, np.log10(1.3), 128) + np.log10(rare) * (np.arange(128) % 30 == 0)
    error = {2: 0.2, 3: 0.004}
    columns = {
        scenario: {"departure_decades": np.log10(factor * error[int(str(scenario["depth"]))]) + spread}
        for scenario in study["small_start"].full
    }
    return draws_of(columns, experiment="small_start")


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.2, mc.Verdict.CONFIRMED), (2.8, mc.Verdict.REFUTED), (0.35, mc.Verdict.REFUTED)],
)
def test_published_error_is_decided_by_the_typical_problem(
    study: mc.Study, named: Named, draws_of: Callable[..., Draws], factor: float, verdict: mc.Verdict
) -> None:
    draws = published(study, draws_of, factor, rare=10.0)
    (finding,) = judge([named(study, "1.depth.published-error")], draws, 0.01 / 10)
    assert finding.verdict is verdict


def test_published_error_is_not_decided_by_a_mean(
    study: mc.Study, named: Named, draws_of: Callable[..., Draws]
) -> None:
    """Even with the published error as the typical one: rare problems widen the interval of a mean."""
    draws = published(study, draws_of, 1.0, rare=10.0)
    claim = named(study, "1.depth.published-error")
    assert isinstance(claim, mc.Value)
    (of_mean,) = judge([replace(claim, of=mc.mean("departure_decades"))], draws, 0.01 / 10)
    (of_median,) = judge([claim], draws, 0.01 / 10)
    assert (of_mean.verdict, of_median.verdict) == (mc.Verdict.UNDECIDED, mc.Verdict.CONFIRMED)


def hasty(simulate: Callable[..., Any], *arguments: Any, fit: float, **factors: Any) -> Any:
    """A `simulate` that ends long before the fit it is asked for."""
    return simulate(*arguments, fit=0.3, **factors)


def test_conclusion_is_written_from_the_ledger(
    study: mc.Study, small: Callable[..., mc.Study], judged: Callable[..., mc.Ledger]
) -> None:
    claims = ("1.depth", "1.depth.two", "1.depth.published-error", "1.depth.published-rank")
    few = small(study, *claims, where={"dimension": 100}, profile="full", count=4)
    (drawn,) = few.experiments
    ledger = judged(replace(few, experiments=[replace(drawn, simulate=partial(hasty, drawn.simulate))]))
    assert study.conclusion is not None
    first, two, three = study.conclusion(ledger).paragraphs
    assert f"at most {ledger['1.depth'].estimate:.3f}" in first
    assert f"{ledger['1.depth.two'].estimate:.3f}" in first
    for paragraph, depth, found in ((two, 2, "0.2 and 8.8"), (three, 3, "0.004 and 5.06")):
        assert f"{10 ** ledger['1.depth.published-error'].cell(depth=depth).estimate:.2g}" in paragraph
        assert f"{ledger['1.depth.published-rank'].cell(depth=depth).estimate:.3g}" in paragraph
        assert found in paragraph
