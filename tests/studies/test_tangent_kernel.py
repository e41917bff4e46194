from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from mcstudy import Ledger, Replicates, Study, Verdict, run
from mcstudy.claims.claim import Claim
from mcstudy.engine.loading import load_study
from mcstudy.models import kernels

FILE = Path(__file__).parents[2] / "studies" / "tangent_kernel.py"
REGISTER = {
    "2.kernel",
    "2.kernel.tangent",
    "2.binomial",
    "2.gaussian",
    "2.gaussian.variance",
    "2.gaussian.rate",
}
CONTROLS = {"2.gaussian.positive-mean", "2.gaussian.positive-skewness"}


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(FILE)


def few(study: Study, *claims: Claim, count: int = 2048) -> Study:
    """The study with these claims on the scenarios that they read, and none of its closing section."""
    scenarios = [
        scenario for scenario in study.scenarios if any(claim.select([scenario]) for claim in claims)
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


def test_design_covers_all_closed_forms(study: Study) -> None:
    levels = study.design("quick", ())["factors"]
    assert set(levels["activation"]) >= set(kernels.closed_forms())


def test_columns_are_the_same_and_finite_in_every_scenario(study: Study) -> None:
    first: set[str] = set()
    for scenario in study.scenarios:
        columns = study.simulate(np.random.Generator(np.random.SFC64(1)), 3, **scenario)
        first = first or set(columns)
        assert set(columns) == first
        assert all(values.shape == (3,) and np.all(np.isfinite(values)) for values in columns.values()), (
            scenario
        )


def test_relu_counts_are_whole(study: Study) -> None:
    columns = study.simulate(
        np.random.Generator(np.random.SFC64(1)),
        50,
        activation="relu",
        width=16,
        inputs="60 degrees",
        signs="random",
    )
    assert np.array_equal(columns["active"], np.round(columns["active"]))


def test_controls_are_refuted(study: Study) -> None:
    ledger = judged(few(study, *named(study, *CONTROLS)))
    assert {finding.verdict for finding in ledger.findings} == {Verdict.REFUTED}


def test_wrong_exponents_are_refuted(study: Study) -> None:
    claims = [replace(claim, exponent=-0.55) for claim in named(study, "2.kernel", "2.kernel.tangent")]  # type: ignore[call-arg]
    assert {finding.verdict for finding in judged(few(study, *claims)).findings} == {Verdict.REFUTED}


def test_wrong_binomial_is_refuted(study: Study) -> None:
    """The angle in place of pi minus the angle."""
    (claim,) = named(study, "2.binomial")
    where = {"activation": "relu", "inputs": "60 degrees", "signs": "random", "width": (32, 64)}

    def wrong(*, width: int, **_: object) -> object:
        return binom(width, 1 / 6)

    ledger = judged(few(study, replace(claim, where=where, distribution=wrong)))  # type: ignore[call-arg]
    assert ledger["2.binomial"].verdict is Verdict.REFUTED


def test_kernel_without_the_determinant_is_refuted(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: erf's slope kernel with q1 q2 terms only, -4 c^2 left out."""

    def wrong(q1: np.ndarray, q2: np.ndarray, c: np.ndarray) -> np.ndarray:
        return np.asarray((4 / np.pi) / np.sqrt((1 + 2 * q1) * (1 + 2 * q2) + 0 * c))

    right = kernels._CLOSED["erf"]
    monkeypatch.setitem(kernels._CLOSED, "erf", right._replace(slope_kernel=wrong))
    (claim,) = named(study, "2.kernel.tangent-unbiased")
    ledger = judged(
        few(study, replace(claim, where={"activation": "erf", "inputs": "real rows", "width": 128}))
    )
    assert ledger["2.kernel.tangent-unbiased"].verdict is Verdict.REFUTED


def test_conclusion_reads_the_ledger(study: Study) -> None:
    ledger = judged(few(study, *study.claims, count=64))
    section = study.conclusion(ledger) if study.conclusion else None
    assert section is not None
    assert f"{ledger['2.gaussian.positive-mean'].estimate:.2f}" in section.paragraphs[1]
