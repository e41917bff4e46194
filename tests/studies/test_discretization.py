"""What the study of steps, tolerances and small starts claims, and that it can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim, judge
from mcstudy.draws import Draws, Sample
from mcstudy.models.arrays import FloatArray

REGISTER = {"1.descent", "1.descent.constant", "1.orders", "1b.conserved.loose", "1.escape"}
CONTROLS = {"1.descent.conserved", "1b.conserved.loose"}
SIZE = 4

Small = Callable[..., mc.Study]
Judged = Callable[..., mc.Ledger]
Named = Callable[[mc.Study, str], Claim]
Stream = Callable[..., np.random.Generator]


def taken(
    study: mc.Study, rng: np.random.Generator, method: str, step: float, depth: int = 3
) -> Mapping[str, Any]:
    return study["steps"].simulate(rng, SIZE, depth=depth, method=method, step=step)


def verdict_on(claim: Claim, columns: Mapping[str, Any]) -> mc.Verdict:
    """The verdict from replicates that were drawn here, where a formula may be patched."""
    values = {name: np.asarray(column) for name, column in columns.items() if name != "failure"}
    scenario = mc.Scenario(depth=3)
    draws = Draws({scenario: Sample(scenario, values, np.ones(SIZE, dtype=bool), SIZE)}, SIZE)
    (finding,) = judge([replace(claim, where=None)], draws)
    return finding.verdict


def test_register_is_claimed_with_its_controls(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert set(verdicts) >= REGISTER
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == CONTROLS


def test_every_cell_of_every_identity_is_as_expected(study: mc.Study, small: Small, judged: Judged) -> None:
    ids = [claim.id for experiment in study.experiments for claim in experiment.claims]
    ledger = judged(small(study, *ids, count=SIZE))
    assert not ledger.failures
    for finding in ledger.findings:
        if finding.kind == "identity":
            refuted = {bool(item.violations) for item in finding.evidence.cells}
            assert refuted == {finding.expected is mc.Verdict.REFUTED}, finding.id


def test_drift_is_linear_in_the_step(study: mc.Study, stream: Stream) -> None:
    """Drift over step has a limit; at steps of 2^-9 and 2^-10 it is within 1e-3 of each other."""
    drift = [taken(study, stream(), "descent", 2.0**-k)["drift"] for k in (9, 10)]
    np.testing.assert_allclose(drift[0], 2 * drift[1], rtol=2e-3)


def test_wrong_theory_is_refuted_by_the_draws_that_confirm_the_right_one(
    study: mc.Study, small: Small, judged: Judged, contradicted: Callable[..., mc.Study]
) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "1.descent": {"exponent": 2.0},
        "1.descent.constant": {"equals": 2.0},
        "1.orders": {"exponent": lambda method: {"descent": 2.0, "midpoint": 1.0, "gauss": 2.0}[method]},
        "1b.conserved.loose-size": {"equals": -6.0},
        "1.escape": {"exponent": lambda depth: -(1 - 1 / depth)},
        "1.escape.logarithm": {"equals": 2.0},
    }
    cut = small(study, *wrong, where={"depth": (2, 3)}, count=512)
    ledger = judged(contradicted(cut, wrong))
    for name in wrong:
        assert ledger[name].verdict is mc.Verdict.CONFIRMED, name
        assert {cell.verdict for cell in ledger[f"{name}-wrong"].cells} == {mc.Verdict.REFUTED}, name


def test_wrong_kick_is_caught(
    study: mc.Study, module: ModuleType, named: Named, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half the kick: neither the step's identity nor the drift's constant survives."""
    right = module.balancedness_kick
    monkeypatch.setattr(module, "balancedness_kick", lambda factors, slope: 0.5 * right(factors, slope))
    columns = study["kick"].simulate(stream(), SIZE, depth=3)
    assert verdict_on(named(study, "1.descent.kick"), columns) is mc.Verdict.REFUTED
    np.testing.assert_allclose(taken(study, stream(), "descent", 2.0**-9)["drift_ratio"], 2.0, rtol=0.01)


def test_gradient_descent_in_the_place_of_the_midpoint_rule_is_caught(
    study: mc.Study, module: ModuleType, named: Named, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def descent(start: FloatArray, slope: Any, step: float, count: int, *, stages: int) -> FloatArray:
        return np.asarray(module.gradient_descent(start, slope, step, count))

    claim = named(study, "1.midpoint")
    assert verdict_on(claim, taken(study, stream(), "midpoint", 2.0**-6)) is mc.Verdict.CONFIRMED
    monkeypatch.setattr(module, "gauss_collocation", descent)
    assert verdict_on(claim, taken(study, stream(), "midpoint", 2.0**-6)) is mc.Verdict.REFUTED


def test_closed_form_of_an_aligned_start_is_wrong_for_a_generic_one(
    study: mc.Study, named: Named, stream: Stream
) -> None:
    claim = named(study, "1.escape.closed-form")
    for start, verdict in (("aligned", mc.Verdict.CONFIRMED), ("generic", mc.Verdict.REFUTED)):
        columns = study["escape"].simulate(stream(), SIZE, depth=3, start=start, start_scale=1e-6)
        assert verdict_on(claim, columns) is verdict
