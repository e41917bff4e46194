"""What the study of the gradient flow claims, and that it can tell: wrong formulas are refuted by its draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim, judge
from mcstudy.draws import Draws, Sample
from mcstudy.models.arrays import FloatArray
from mcstudy.models.deep_linear import alignment, flow, mode_dynamics, problems, residuals

REGISTER = {
    *("1a", "1b.1", "1b.conserved", "1b.2", "1b.2-printed", "1c", "1c-distinct", "1d", "1d-printed"),
    *("1e", "1f", "1.modes", "1.riccati"),
}
SIZE = 4
ONE_START = {"depth": 2, "dimension": 4, "start": "balanced", "imbalance": 0.0, "loss": "population"}

Small = Callable[..., mc.Study]
Judged = Callable[..., mc.Ledger]
Stream = Callable[..., np.random.Generator]


def verdicts(
    study: mc.Study, names: Sequence[str], rng: np.random.Generator, levels: Mapping[str, Any]
) -> set[mc.Verdict]:
    """The verdicts on claims from a few replicates of one scenario, drawn here, where a formula may be patched."""
    scenario, found = mc.Scenario(**levels), set()
    for experiment in study.experiments:
        if claims := [replace(claim, where=None) for claim in experiment.claims if claim.id in names]:
            columns = dict(experiment.simulate(rng, SIZE, **scenario))
            valid = np.array([not reason for reason in columns.pop("failure")])
            draws = Draws({scenario: Sample(scenario, columns, valid, SIZE)}, SIZE)
            found |= {finding.verdict for finding in judge(claims, draws)}
    return found


@pytest.fixture(scope="module")
def ledger(study: mc.Study, small: Small, judged: Judged) -> mc.Ledger:
    """All claims, judged on a few replicates of every scenario."""
    ids = [claim.id for experiment in study.experiments for claim in experiment.claims]
    return judged(small(study, *ids, count=SIZE))


def test_register_is_claimed_with_its_misprints(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert set(verdicts) >= REGISTER
    refuted = {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED}
    assert refuted >= {"1b.2-printed", "1c-distinct", "1d-printed", "1b.2-unbalanced", "1f-unbalanced"}


def test_full_profile_draws_ten_thousand_starts(study: mc.Study) -> None:
    flows = sum(len(experiment.of_profile("full")) for experiment in study.experiments)
    assert flows * study.replicates.full >= 10_000


def test_nothing_but_its_modes_is_claimed_of_a_single_factor(study: mc.Study) -> None:
    """(b)-(f) would compare it with itself."""
    single = {
        claim.id
        for experiment in study.experiments
        for claim in experiment.claims
        if any(scenario.get("depth") == 1 for scenario in claim.select(experiment.of_profile("full")))
    }
    assert single == {"1.modes"}


def test_every_cell_of_every_identity_is_as_expected(ledger: mc.Ledger) -> None:
    """A claim that is to be refuted is refuted in each of its scenarios, with a witness of order 1."""
    assert not ledger.failures
    for finding in ledger.findings:
        if finding.kind == "identity":
            assert {cell.verdict for cell in finding.cells} == {finding.expected}, finding.id
            if finding.expected is mc.Verdict.REFUTED:
                assert finding.estimate > 0.5, finding.id


def test_vectors_would_be_trivially_aligned_where_values_coincide(
    study: mc.Study, named: Callable[[mc.Study, str], Claim]
) -> None:
    """Weighted by a gap of zero any residual vanishes: (c) and (d) are claimed of distinct values only."""
    for name in ("1c", "1c-start", "1d", "1d-start"):
        kinds = {scenario["start"] for scenario in named(study, name).select(study["balanced"].scenarios)}
        assert kinds == {"balanced", "near_degenerate"}


def test_wrong_theory_is_refuted_by_the_draws_that_confirm_the_right_one(
    study: mc.Study, small: Small, judged: Judged, contradicted: Callable[..., mc.Study]
) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "1c.raw": {"equals": lambda dimension: 2.0 ** (1 - dimension), "margin": 0.02},
        "1e.linear": {"exponent": 2.0},
        "1f.linear": {"exponent": 0.5},
        "1f.unbalanced-size": {"equals": 5.0},
    }
    where = {"depth": 3, "dimension": 4, "loss": "population"}
    ledger = judged(contradicted(small(study, *wrong, where=where, count=128), wrong))
    for name in wrong:
        assert ledger[name].verdict is mc.Verdict.CONFIRMED, name
        assert ledger[f"{name}-wrong"].verdict is mc.Verdict.REFUTED, name


Velocity = Callable[..., FloatArray]


def transposed(function: Velocity) -> Velocity:
    return lambda factors, slope: function(factors, slope).mT


def swapped(function: Velocity) -> Velocity:
    return lambda factors, slope: function(factors[..., ::-1, :, :], slope)[..., ::-1, :, :]


def without_depth(function: Velocity) -> Velocity:
    return lambda delta, depth, moment: function(delta, 1, moment)


def one_factor_more(function: Velocity) -> Velocity:
    return lambda matrix, slope, depth: function(matrix, slope, depth + 1)


def against_the_error(function: Velocity) -> Velocity:
    return lambda vectors, slope: function(vectors, slope.mT)


def as_printed(_: Velocity) -> Velocity:
    """The exponent 2 - 1/L in place of 2 - 2/L."""
    return lambda depth: 2 - 1 / depth


def as_returned(_: Velocity) -> Callable[..., Any]:
    """Decompositions whose signs nobody aligned."""
    return lambda factors, *, smallest_gap: alignment.decompose(factors)


def loose(function: Callable[..., Any]) -> Callable[..., Any]:
    """Tolerances of 1e-3 and 1e-2."""
    return lambda start, slope, times, *, tolerance: function(start, slope, times, tolerance=1e9 * tolerance)


@pytest.mark.parametrize(
    ("names", "place", "function", "mutate"),
    [
        (["1a"], residuals, "factor_gradients", transposed),
        (["1a"], residuals, "factor_gradients", swapped),
        (["1a", "1.riccati"], problems, "sensing_gradient", without_depth),
        (["1b.conserved", "1b.2", "1.integrator"], flow, "gradient_flow", loose),
        (["1c", "1c-start", "1d", "1d-start"], alignment, "aligned_decompositions", as_returned),
        (["1d", "1d-start"], residuals, "factor_velocities", against_the_error),
        (["1e", "1e-start"], residuals, "end_to_end_velocity_from_vectors", against_the_error),
        (["1f", "1f-start"], residuals, "end_to_end_velocity", one_factor_more),
        (["1f.flow"], flow, "end_to_end_velocity", one_factor_more),
        (["1.modes"], mode_dynamics, "mode_exponent", as_printed),
    ],
)
def test_wrong_formula_is_refuted(
    study: mc.Study,
    stream: Stream,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    place: Any,
    function: str,
    mutate: Callable[[Any], Any],
) -> None:
    start = ONE_START | {"depth": 3, "start": "crossing"} if "1.modes" in names else ONE_START
    assert verdicts(study, names, stream(), start) == {mc.Verdict.CONFIRMED}
    monkeypatch.setattr(place, function, mutate(getattr(place, function)))
    assert verdicts(study, names, stream(), start) == {mc.Verdict.REFUTED}


@pytest.mark.parametrize("name", ["any_start", "balanced", "closed_form"])
def test_failed_integration_is_declared(
    study: mc.Study, stream: Stream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A replicate whose flow fails has its reason; the others are untouched."""
    right = flow.gradient_flow

    def failing(*arguments: Any, **options: Any) -> Any:
        path = right(*arguments, **options)
        path.states[:, 1] = np.nan
        return replace(path, failures=("", "the integrator failed", "", ""))

    whole = study[name].simulate(stream(), SIZE, **ONE_START)
    monkeypatch.setattr(flow, "gradient_flow", failing)
    columns = dict(study[name].simulate(stream(), SIZE, **ONE_START))
    assert list(columns.pop("failure")) == ["", "the integrator failed", "", ""]
    for column, values in columns.items():
        np.testing.assert_array_equal(np.delete(values, 1), np.delete(whole[column], 1))
