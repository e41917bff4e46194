from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim, judge
from mcstudy.draws import Draws
from mcstudy.models.calibration import trials
from mcstudy.models.calibration.trials import EDGES, trial_of
from mcstudy.statistics import moments, statistic, tails
from mcstudy.statistics.intervals import standard_error
from mcstudy.statistics.sequences import Moments

CONTROLS = {"fixed.confirmed", "fixed.refuted", "blind.confirmed"}
VALUES = {"mean", "variance", "sd", "quantile", "proportion", "range", "at-most", "contrast", "ratio"}
KINDS = VALUES | {"bound", "identity", "law", "same-law", "rate"}
LIGHT, HEAVY = (
    {"normal", "exponential", "Poisson 0.1"},
    {"lognormal 1", "lognormal 2", "t5", "t3", "Pareto 2.5"},
)
RARE = {"once in 512", "thrice in 512"}
EDGE: dict[str, Any] = {"truth": "above", "alpha": 0.1, "judge": "package"}

Judge = Callable[..., mc.Verdict]


@pytest.fixture
def found(
    study: mc.Study,
    named: Callable[[mc.Study, str], Claim],
    stream: Callable[..., np.random.Generator],
    draws_of: Callable[..., Draws],
) -> Judge:
    """A function that judges a claim on 160 small studies of this process, in which the package may be patched.

    The claim itself is on proportions, or on plenty of draws: what is patched does not decide it.
    """

    def find(claim_id: str, experiment: str = "verdicts", **levels: Any) -> mc.Verdict:
        claim = replace(named(study, claim_id), where=None)
        columns = study[experiment].simulate(stream(), 160, **levels)
        draws = draws_of({mc.Scenario(**levels): columns}, missing=study[experiment].missing)
        (finding,) = judge([claim], draws, 0.01 / 30)
        return finding.verdict

    return find


def test_controls_and_nothing_else_is_to_be_refuted(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == CONTROLS
    assert {f"{kind}.confirmed" for kind in KINDS} <= set(verdicts)
    assert {"bound.refuted", "identity.refuted"}.isdisjoint(verdicts)  # a violation is one


def test_design_covers_kinds_laws_and_edges(study: mc.Study) -> None:
    scenarios = study["verdicts"].of_profile("full")
    promised = [s for s in scenarios if s.matches({"judge": "package", "alpha": 0.1})]
    assert {s["kind"] for s in promised} == KINDS | {"contrast.paired", "same-law.paired", "rate.paired"}
    for kind in ("mean", "variance"):
        assert {s["law"] for s in promised if s["kind"] == kind} >= LIGHT | HEAVY | RARE
    both = {s.without("truth") for s in promised if s["kind"] not in ("bound", "identity", "at-most")}
    assert all(mc.Scenario(**edge, truth=truth) in promised for edge in both for truth in EDGES)
    assert study.replicates.full >= 2000
    assert {s["truth"] for s in scenarios} == set(trials.PLACES)


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study, most={"truth": ("above", "centre")}, size=1)


@pytest.mark.parametrize("kind", ["mean", "quantile", "law", "rate.paired"])
def test_limits_do_not_tell_both_sides_of_an_edge_apart(
    module: ModuleType, stream: Callable[..., np.random.Generator], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A hair outside or inside: the same verdicts, of which one is wrong here and the other there."""
    given = []
    for hair in (1e-6, -1e-6):
        monkeypatch.setitem(trials.PLACES, "above", 1 + hair)
        trial = trial_of(kind, "normal" if kind != "rate.paired" else "exponential", "above")
        claim = module.CLAIMS[kind.removesuffix(".paired")](trial)
        looks = module.draws_at(trial, stream(), module.LOOKS[:4])
        given.append([module.by_package(claim, draws, 0.5).verdict for _, draws in looks])
    assert given[0] == given[1]


def test_looks_are_prefixes_of_one_stream(
    module: ModuleType, stream: Callable[..., np.random.Generator]
) -> None:
    looks = [
        draws.samples[mc.Scenario()] for _, draws in module.draws_at(trial_of("mean", "t5", "far"), stream())
    ]
    assert [sample.replicates for sample in looks] == module.LOOKS
    assert module.LOOKS[0] == 64
    assert np.all(np.diff(np.log(module.LOOKS)) < np.log(1.2) + 1 / 64)
    assert all(np.array_equal(looks[-1].columns["x"][: len(one.valid)], one.columns["x"]) for one in looks)


def test_a_small_study_is_over_with_its_verdict_where_that_is_no_edge(
    study: mc.Study, stream: Callable[..., np.random.Generator]
) -> None:
    found = study["verdicts"].simulate(
        stream(), 4, kind="range", law="coin", truth="far", alpha=0.01, judge="package"
    )
    assert found["refuted"].tolist() == [1.0] * 4
    assert found["confirmed"].tolist() == found["undecided"].tolist() == [0.0] * 4
    # 2.58 standard errors of a half each reach over half a margin of 0.15.
    looks = found["draws"] * (2.5758 * 0.5 / 0.075) ** 2
    assert np.allclose(looks, np.round(looks), rtol=1e-4)


def test_what_cannot_be_believed_is_undecided_and_says_so(
    study: mc.Study, stream: Callable[..., np.random.Generator]
) -> None:
    found = study["verdicts"].simulate(stream(), 4, kind="mean", law="Cauchy", **EDGE)
    assert found["undecided"].tolist() == found["disbelieved"].tolist() == [1.0] * 4
    assert np.isnan(found["draws"]).all()
    light = study["verdicts"].simulate(stream(), 4, kind="mean", law="normal", **EDGE)
    assert light["disbelieved"].tolist() == [0.0] * 4


def test_the_promise_is_kept_and_controls_break_it(found: Judge) -> None:
    assert found("range.confirmed", kind="range", law="coin", **EDGE) is mc.Verdict.CONFIRMED
    careless = EDGE | {"judge": "fixed sample"}
    assert found("fixed.confirmed", kind="mean", law="normal", **careless) is mc.Verdict.REFUTED
    careless = EDGE | {"judge": "blind to tails"}
    assert found("blind.confirmed", kind="mean", law="once in 512", **careless) is mc.Verdict.REFUTED


def test_limits_that_hold_at_one_look_only_break_the_promise(
    found: Judge, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutation: in the package, a normal quantile in place of the boundary of a sequence."""
    monkeypatch.setattr(statistic, "effective_z", module.fixed_z)
    assert found("mean.confirmed", kind="mean", law="normal", **EDGE) is mc.Verdict.REFUTED


def test_equal_replicates_taken_for_a_constant_break_the_promise(
    found: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutation: a condition on tails that is always met."""
    believed = tails.Condition(True, 1.0, "")
    monkeypatch.setattr(statistic, "condition", lambda *_, **__: believed)
    assert found("mean.confirmed", kind="mean", law="once in 512", **EDGE) is mc.Verdict.REFUTED


def test_standard_errors_are_compared_with_theory(found: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"experiment": "errors", "kind": "mean", "law": "normal"}
    assert found("errors", **where) is mc.Verdict.CONFIRMED
    monkeypatch.setattr(moments, "standard_error", lambda influence: 1.1 * standard_error(influence))
    of_many = Moments.__dict__["standard_error"].fget
    monkeypatch.setattr(Moments, "standard_error", property(lambda self: 1.1 * of_many(self)))
    assert found("errors", **where) is mc.Verdict.REFUTED


def test_conclusion_reads_the_ledger(study: mc.Study, judged: Callable[..., mc.Ledger]) -> None:
    ledger = judged(replace(study, block=4, replicates=mc.Replicates(first=4, quick=4, full=4)))
    (section,) = ledger.sections
    assert section.title == "How often verdicts are wrong"
    assert f"confirms {ledger['fixed.confirmed'].estimate:.0%} wrongly" in section.paragraphs[1]
    assert "times the draws" in section.paragraphs[2]
