from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim, judge
from mcstudy.draws import Draws
from mcstudy.models.shallow import training

REGISTER = {
    "2d.gradient.mean",
    "2d.gradient.sd",
    "2d.lazy",
    "2d.lazy.kernel",
    "2d.lazy.matched",
    "2c.trained",
}
CONTROLS = {"2d.gradient.relu-single", "2d.lazy.mean-field"}
NARROW = (16, 64, 256, 1024)
Stream = Callable[..., np.random.Generator]

# What the claims would say with a constant or an exponent that someone might take for the right one.
WRONG: dict[str, dict[str, Any]] = {
    "2d.gradient.mean": {"exponent": -3 / 4},
    "2d.gradient.sd": {"exponent": -1 / 2},
    "2d.gradient.exact-mean": {"equals": lambda width: 0.5 / width},
    "2d.gradient.relu-mean": {"exponent": -1.0},  # as for smooth activations
    "2d.gradient.relu-sd": {"exponent": -1.0},
    "2d.gradient.relu-exact-mean": {"equals": lambda width: 0.05 / np.sqrt(width)},
    "2d.lazy": {"exponent": -0.45},
    "2d.lazy.kernel": {"exponent": -1 / 2},
    "2d.lazy.random-points": {"exponent": -1 / 4},
    "2d.lazy.mean-field-rate": {"exponent": -1 / 2},
}


def test_register_is_claimed_with_its_controls(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert set(verdicts) >= REGISTER
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == CONTROLS


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study)


def test_training_that_does_not_finish_is_a_failure(study: mc.Study, stream: Stream) -> None:
    """A network of two rows rarely learns three inputs."""
    columns = study["training"].simulate(stream(), 20, activation="tanh", data="real rows", width=2)
    assert "the loss did not fall as wanted within the steps allowed" in set(columns["failure"])


def test_rows_move_by_order_one_in_the_mean_field_scaling_only(study: mc.Study, stream: Stream) -> None:
    scenario = {"activation": "tanh", "data": "real rows", "width": 1024}
    columns = {name: study[name].simulate(stream(), 50, **scenario) for name in ("mean_field", "training")}
    assert np.median(columns["mean_field"]["movement"]) > 0.1
    assert np.median(columns["training"]["movement"]) < 3 / np.sqrt(1024)


def test_wrong_theories_are_refuted(
    study: mc.Study,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
) -> None:
    ledger = judged(contradicted(small(study, *WRONG, where={"width": NARROW}, count=1024), WRONG))
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in WRONG}
    assert refuted == dict.fromkeys(WRONG, mc.Verdict.REFUTED)
    assert mc.Verdict.REFUTED not in {ledger[claim].verdict for claim in WRONG}


def test_controls_are_refuted(
    study: mc.Study, small: Callable[..., mc.Study], judged: Callable[..., mc.Ledger]
) -> None:
    ledger = judged(small(study, *CONTROLS, where=lambda width: width <= 1024, count=4096))
    assert {finding.verdict for finding in ledger.findings} == {mc.Verdict.REFUTED}
    assert ledger["2d.lazy.mean-field"].estimate == pytest.approx(0.0, abs=0.1)


def test_linearization_at_unmatched_time_is_caught(
    study: mc.Study,
    module: ModuleType,
    named: Callable[[mc.Study, str], Claim],
    stream: Stream,
    draws_of: Callable[..., Draws],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mutation: the linearization trains half as long; the departure stops falling."""
    right = training.train

    def unmatched(*arguments: Any, **options: Any) -> training.Trained:
        trained = right(*arguments, **options)
        return replace(trained, linear=0.5 * trained.linear)

    monkeypatch.setattr(module, "train", unmatched)
    experiment = study["training"]
    drawn = {
        s: dict(experiment.simulate(stream(), 128, **s)) for s in experiment.scenarios if s["width"] in NARROW
    }
    kept = {scenario: {"departure": columns["departure"]} for scenario, columns in drawn.items()}
    (finding,) = judge([named(study, "2d.lazy.matched")], draws_of(kept, tuned=128), 0.01 / 20)
    assert finding.verdict is mc.Verdict.REFUTED
    assert finding.estimate == pytest.approx(0.0, abs=0.1)


def test_conclusion_reads_the_ledger(study: mc.Study, judged: Callable[..., mc.Ledger]) -> None:
    """On few draws the numbers are rough, but each comes from a finding."""
    ledger = judged(replace(study, block=8, replicates=mc.Replicates(first=8, quick=8, full=8)))
    (section,) = ledger.sections
    assert section.title == "What over-parametrization does"
    assert f"{ledger['2d.lazy'].estimate:.3f}" in section.paragraphs[0]
    assert f"{ledger['2d.gradient.relu-single'].estimate:.3f} and looks straight" in section.paragraphs[2]
    assert f"{ledger['2d.lazy.mean-field-rate'].cell():.3f}" in section.paragraphs[-1]
