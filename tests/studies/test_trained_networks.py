from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcstudy import Ledger, Replicates, Study, Verdict, run
from mcstudy.claims.claim import Claim
from mcstudy.engine.loading import load_study
from mcstudy.models import training

FILE = Path(__file__).parents[2] / "studies" / "trained_networks.py"
REGISTER = {
    "2d.gradient.mean",
    "2d.gradient.sd",
    "2d.lazy",
    "2d.lazy.kernel",
    "2d.lazy.matched",
    "2c.trained",
}
CONTROLS = {"2d.gradient.relu-single", "2d.lazy.mean-field"}


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(FILE)


def few(study: Study, *claims: Claim, most: int = 1024, count: int = 256) -> Study:
    """The study on narrow networks, with these claims and none of its closing section."""
    scenarios = [
        scenario
        for scenario in study.of_profile("quick")
        if int(scenario["width"] or 0) <= most and any(claim.select([scenario]) for claim in claims)
    ]
    return replace(
        study,
        scenarios=scenarios,
        claims=claims,
        block=min(count, study.block),
        replicates=Replicates(first=count, quick=count, full=count),
        full_only=lambda _: False,
        conclusion=None,
        overlays=(),
    )


def named(study: Study, *ids: str) -> list[Claim]:
    return [claim for claim in study.claims if claim.id in ids]


def judged(study: Study) -> Ledger:
    return run(study, executor="serial", jobs=1, out=None)


def test_register_is_claimed(study: Study) -> None:
    expected = {claim.id: claim.expected for claim in study.claims}
    assert set(expected) >= REGISTER | CONTROLS
    assert {name for name, verdict in expected.items() if verdict is Verdict.REFUTED} == CONTROLS


def test_columns_are_the_same_and_finite_in_every_scenario(study: Study) -> None:
    first: set[str] = set()
    for scenario in study.scenarios:
        columns = dict(study.simulate(np.random.Generator(np.random.SFC64(1)), 2, **scenario))
        assert list(columns.pop("failure")) == ["", ""], scenario
        first = first or set(columns)
        assert set(columns) == first
        assert all(values.shape == (2,) and np.all(np.isfinite(values)) for values in columns.values()), (
            scenario
        )


def test_training_that_does_not_finish_is_a_failure(study: Study) -> None:
    """A mean-field network of two rows cannot reach a tenth of the loss on three inputs."""
    scenario = {
        "training": "to a tenth of the loss",
        "activation": "tanh",
        "scaling": "mean field",
        "data": "real rows",
    }
    columns = study.simulate(np.random.Generator(np.random.SFC64(1)), 5, **scenario, width=2)
    assert "the loss did not fall as wanted within the steps allowed" in set(columns["failure"])


@pytest.mark.parametrize(
    ("name", "exponent"),
    [
        ("2d.lazy", -1.0),
        ("2d.lazy", -0.45),
        ("2d.gradient.sd", -0.5),
        ("2d.gradient.mean", -0.75),
        ("2d.lazy.kernel", -0.5),
    ],
)
def test_wrong_exponents_are_refuted(study: Study, name: str, exponent: float) -> None:
    (claim,) = named(study, name)
    ledger = judged(few(study, replace(claim, exponent=exponent)))  # type: ignore[call-arg]
    assert ledger[name].verdict is Verdict.REFUTED


def test_right_exponents_survive_the_same_draws(study: Study) -> None:
    ledger = judged(few(study, *named(study, "2d.lazy", "2d.gradient.sd")))
    assert {finding.verdict for finding in ledger.findings} == {Verdict.CONFIRMED}


def test_mean_field_kernel_keeps_moving(study: Study) -> None:
    ledger = judged(few(study, *named(study, "2d.lazy.mean-field")))
    assert ledger["2d.lazy.mean-field"].verdict is Verdict.REFUTED
    assert ledger["2d.lazy.mean-field"].estimate == pytest.approx(0.0, abs=0.1)


def test_linearization_at_unmatched_time_is_caught(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: the linearization trains half as long; the departure stops falling."""
    right = training.train

    def unmatched(*arguments: object, **options: object) -> training.Trained:
        trained = right(*arguments, **options)  # type: ignore[arg-type]
        return replace(trained, linear=0.5 * trained.linear)

    monkeypatch.setitem(study.simulate.__globals__, "train", unmatched)
    ledger = judged(few(study, *named(study, "2d.lazy.matched")))
    assert ledger["2d.lazy.matched"].verdict is Verdict.REFUTED
    assert ledger["2d.lazy.matched"].estimate == pytest.approx(0.0, abs=0.1)


def test_conclusion_reads_the_ledger(study: Study) -> None:
    """On few draws the numbers are rough, but each comes from a finding."""
    ledger = judged(few(study, *study.claims, most=4096, count=8))
    section = study.conclusion(ledger) if study.conclusion else None
    assert section is not None
    assert section.title == "What over-parametrization does"
    assert f"{ledger['2d.lazy'].estimate:.3f}" in section.paragraphs[0]
    assert f"{ledger['2d.lazy.mean-field-rate'].estimate:.3f}" in section.paragraphs[-1]
