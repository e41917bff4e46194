from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcstudy import Ledger, Replicates, Scenario, Study, Verdict, run
from mcstudy.claims.claim import Claim
from mcstudy.engine.loading import load_study
from mcstudy.models import adversary, shallow

FILE = Path(__file__).parents[2] / "studies" / "linearization.py"
REGISTER = {"2a", "2b", "2b-printed", "2c", "2c-printed", "2c-sharp", "2d.worst", "2d.typical"}
CONTROLS = {"2a-slopeless", "2c-reduced.worst", "2d.growing.worst"}


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(FILE)


def small(study: Study, *claims: Claim, most: int = 1024, count: int = 256) -> Study:
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
    refuted = {name for name, verdict in expected.items() if verdict is Verdict.REFUTED}
    assert refuted == CONTROLS | {"2b-printed", "2c-printed"}


def test_design_covers_what_is_asked(study: Study) -> None:
    levels = study.design("full", ())["factors"]
    assert max(levels["width"]) >= 2**14
    assert {"California", "any state", "unit sphere", "sphere of radius 2"} <= set(levels["inputs"])
    assert len(levels["activation"]) >= 13
    assert len(levels["dimension"]) >= 4
    drawn = [
        s for s in study.scenarios if s["displacement"] in ("worst", "isotropic", "gaussian", "gradient")
    ]
    assert len(drawn) * study.replicates.full >= 10**6


def test_columns_are_the_same_and_finite_in_every_scenario(study: Study) -> None:
    first: set[str] = set()
    for scenario in study.scenarios:
        columns = study.simulate(np.random.Generator(np.random.SFC64(1)), 2, **scenario)
        first = first or set(columns)
        assert set(columns) == first
        assert all(values.shape == (2,) and np.all(np.isfinite(values)) for values in columns.values()), (
            scenario
        )


def test_portions_bound_memory_and_join(study: Study) -> None:
    """Wide networks are drawn one after the other, whatever the block."""
    scenario = Scenario(
        displacement="isotropic",
        activation="tanh",
        width=2**16,
        dimension=10,
        inputs="unit sphere",
        radius=1.0,
    )
    columns = study.simulate(np.random.Generator(np.random.SFC64(1)), 3, **scenario)
    assert len(set(columns["error"])) == 3


def test_statements_on_narrow_networks_are_judged_as_expected(study: Study) -> None:
    ids = ("2a", "2a-slopeless", "2b", "2b-printed", "2c-reduced.worst", "2c-printed", "2c-sharp.quadratic")
    ledger = judged(small(study, *named(study, *ids)))
    assert {finding.id: finding.verdict for finding in ledger.findings} == {
        "2a": Verdict.CONFIRMED,
        "2a-slopeless": Verdict.REFUTED,
        "2b": Verdict.CONFIRMED,
        "2b-printed": Verdict.REFUTED,
        "2c-reduced.worst": Verdict.REFUTED,
        "2c-printed": Verdict.REFUTED,
        "2c-sharp.quadratic": Verdict.CONFIRMED,
    }


def _wrong(claim: Claim, **changes: object) -> Claim:
    return replace(claim, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("2d.worst", {"exponent": -1.0}),
        ("2d.worst", {"exponent": -0.45}),
        ("2d.typical", {"exponent": -0.5}),
        ("2d.typical", {"exponent": -0.9}),
        ("2d.step", {"exponent": -0.5}),
    ],
)
def test_wrong_exponents_are_refuted(study: Study, name: str, changes: dict[str, float]) -> None:
    where: dict[str, object] = {"activation": "tanh", "inputs": "unit sphere", "radius": 1.0, "dimension": 2}
    where["displacement"] = {"2d.worst": "worst", "2d.typical": "isotropic", "2d.step": "gradient"}[name]
    (claim,) = named(study, name)
    ledger = judged(small(study, _wrong(claim, where=where, **changes), count=128))
    assert ledger[name].verdict is Verdict.REFUTED


def test_bound_with_a_wrong_power_of_the_input_is_refuted(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutation: ||x|| in place of ||x||^2, invisible for ||x|| = 1."""
    right = shallow.bound
    monkeypatch.setattr(
        shallow,
        "bound",
        lambda distance, x, width, sigma: right(distance, x, width, sigma) / np.sqrt(shallow.squared_norm(x)),
    )
    (claim,) = named(study, "2c")
    exceeded = {}
    for inputs, radius in (("unit sphere", 1.0), ("sphere of radius 2", 0.5)):
        where = {
            "displacement": "worst",
            "activation": "tanh",
            "width": 512,
            "inputs": inputs,
            "radius": radius,
        }
        ledger = judged(small(study, _wrong(claim, where=where), count=128))
        exceeded[inputs] = ledger["2c"].verdict is Verdict.REFUTED
    assert exceeded == {"unit sphere": False, "sphere of radius 2": True}


def test_adversary_that_ignores_the_sign_is_caught(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: the displacement of one fixed sign in place of the larger of both."""
    right = adversary.worst_displacement

    def one_sided(z: np.ndarray, a: np.ndarray, *rest: object) -> adversary.Bracket:
        bracket = right(z, np.abs(a), *rest)  # type: ignore[arg-type]
        return replace(bracket, lower=np.abs(np.vecdot(a, rest[-1].remainder(z, bracket.shift))))  # type: ignore[attr-defined]

    monkeypatch.setattr("mcstudy.models.displacements.worst_displacement", one_sided)
    ledger = judged(small(study, *named(study, "2c-reduced.worst"), count=128))
    ratios = [cell["largest_ratio"] for cell in ledger["2c-reduced.worst"].diagnostics["cells"]]
    assert max(ratios) < 1.0


def test_conclusion_reads_the_ledger(study: Study) -> None:
    """On few draws the numbers are rough, but each comes from a finding."""
    ledger = judged(small(study, *study.claims, most=2**14, count=4))
    section = study.conclusion(ledger) if study.conclusion else None
    assert section is not None
    assert section.title == "What over-parametrization does"
    assert f"{ledger['2c-sharp'].estimate:.4f}" in section.paragraphs[1]
    assert f"{ledger['2d.growing.worst'].estimate:.3f}" in section.paragraphs[-1]
