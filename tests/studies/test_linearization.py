from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim, judge
from mcstudy.draws import Draws
from mcstudy.findings import Finding
from mcstudy.models.shallow import adversary, displacements, networks
from mcstudy.models.shallow.activations import Activation

REGISTER = {"2a", "2b", "2b-printed", "2c", "2c-printed", "2c-sharp", "2d.worst", "2d.typical"}
REFUTED = {"2a-slopeless", "2b-printed", "2c-reduced.worst", "2c-printed", "2d.growing.worst"}
NARROW = (64, 128, 256, 512, 1024)
Named = Callable[[mc.Study, str], Claim]
Judge = Callable[..., Finding]


def fourth_power_of_sd(width: int, dimension: int) -> float:
    """The rms of sin's error to leading order on the unit sphere, with E u^4 = t^4 in place of 3 t^4."""
    return float(np.sqrt(-np.expm1(-2.0) / 8)) / (width * dimension)


@pytest.fixture
def found(study: mc.Study, named: Named, stream: Callable[..., Any], draws_of: Callable[..., Draws]) -> Judge:
    """A function that judges a claim on draws of this process, in which parts of the models may be replaced."""

    def find(claim_id: str, experiment: str, count: int = 128, **where: Any) -> Finding:
        scenarios = [scenario for scenario in study[experiment].scenarios if scenario.matches(where)]
        drawn = {scenario: study[experiment].simulate(stream(), count, **scenario) for scenario in scenarios}
        (finding,) = judge([named(study, claim_id)], draws_of(drawn, tuned=count), 0.01 / 25)
        return finding

    return find


def test_register_is_claimed_with_its_controls(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert set(verdicts) >= REGISTER
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == REFUTED


def test_design_covers_what_is_asked(study: mc.Study) -> None:
    scenarios = [s for experiment in study.experiments for s in experiment.of_profile("full")]
    levels = {
        factor: {s[factor] for s in scenarios if factor in s} for factor in ("width", "dimension", "inputs")
    }
    assert 2**14 in levels["width"]
    assert len(levels["dimension"]) >= 4
    assert levels["inputs"] >= {"California", "any state", "unit sphere", "sphere of radius 2"}
    assert len({s["activation"] for s in scenarios}) >= 13
    moved = [study[name].of_profile("full") for name in ("worst", "isotropic", "displacement")]
    assert sum(map(len, moved)) * study.replicates.full >= 10**6


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study, size=2)


def test_wide_networks_are_drawn_one_after_the_other(study: mc.Study, stream: Callable[..., Any]) -> None:
    """Whatever the block: 2^16 rows of 10 entries leave room for a single network."""
    columns = study["isotropic"].simulate(
        stream(), 3, activation="tanh", width=2**16, dimension=10, inputs="unit sphere", radius=1.0
    )
    assert len(set(columns["error"])) == 3


def test_statements_on_narrow_networks_are_judged_as_expected(
    study: mc.Study,
    small: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
    named: Named,
) -> None:
    ids = ("2a", "2a-slopeless", "2b", "2b-printed", "2c-reduced.worst", "2c-printed", "2c-sharp.quadratic")
    # 256 draws show nothing of what happens in one of a hundred.
    rarer = [replace(cast(mc.Identity, named(study, name)), probability=0.05) for name in ("2a", "2b")]
    ledger = judged(small(study, *ids, *rarer, where=lambda width: width <= 512))
    verdicts = {finding.id: finding.verdict for finding in ledger.findings}
    assert verdicts == {name: mc.Verdict.REFUTED if name in REFUTED else mc.Verdict.CONFIRMED for name in ids}


@pytest.mark.parametrize(
    ("wrong", "where", "count"),
    [
        (
            {
                "2d.worst": {"exponent": -0.45},
                "2d.worst.ceiling": {"exponent": -1.0},
                "2d.typical": {"exponent": -0.9},
                "2c-sharp.rate": {"exponent": -1 / 3},
            },
            {"dimension": 2, "width": NARROW},
            256,
        ),
        ({"2d.step": {"exponent": 0.0}}, {"dimension": 2, "width": NARROW}, 1024),
        (
            {
                "2d.typical.exact": {"equals": fourth_power_of_sd},
                "2d.growing.typical": {"exponent": -1.0},
            },
            {"inputs": "unit sphere"},
            1024,
        ),
        (
            {
                "2c-sharp.constant": {"equals": lambda width: 0.279 * (2 * width) ** (-2 / 3)}
            },  # rows of both signs
            None,
            64,
        ),
    ],
    ids=["rates", "step", "moments", "sharpness"],
)
def test_wrong_theories_are_refuted(
    study: mc.Study,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
    wrong: dict[str, dict[str, Any]],
    where: dict[str, Any] | None,
    count: int,
) -> None:
    ledger = judged(contradicted(small(study, *wrong, where=where, count=count), wrong))
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in wrong}
    assert refuted == dict.fromkeys(wrong, mc.Verdict.REFUTED)
    assert mc.Verdict.REFUTED not in {ledger[claim].verdict for claim in wrong}


def test_wrong_power_of_the_input_shows_on_long_inputs_only(
    found: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutation: ||x|| in place of ||x||^2, invisible for ||x|| = 1."""
    right = networks.error_bound

    def wrong(distance: Any, x: Any, width: int, sigma: Activation) -> Any:
        return right(distance, x, width, sigma) / np.sqrt(networks.squared_norm(x))

    monkeypatch.setattr(networks, "error_bound", wrong)
    network = {"activation": "tanh", "width": 512}
    assert found("2c", "worst", **network, inputs="sphere of radius 2").verdict is mc.Verdict.REFUTED
    assert found("2c", "worst", **network, inputs="unit sphere").violations == 0


def test_adversary_that_ignores_the_sign_is_caught(found: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: the displacement of one fixed sign in place of the larger of both."""
    right = adversary.worst_displacement

    def one_sided(z: Any, a: Any, reach: Any, sigma: Activation) -> adversary.Bracket:
        bracket = right(z, np.abs(a), reach, sigma)
        return replace(bracket, lower=np.abs(np.vecdot(a, sigma.remainder(z, bracket.shift))))

    where = {"activation": "tanh", "width": 512}
    assert found("2c-reduced.worst", "worst", **where).verdict is mc.Verdict.REFUTED
    monkeypatch.setattr(displacements, "worst_displacement", one_sided)
    assert found("2c-reduced.worst", "worst", **where).largest_ratio < 1.0


def test_conclusion_reads_the_ledger(study: mc.Study, judged: Callable[..., mc.Ledger]) -> None:
    """On few draws the numbers are rough, but each comes from a finding."""
    ledger = judged(replace(study, block=4, replicates=mc.Replicates(first=4, quick=4, full=4)))
    (section,) = ledger.sections
    assert section.title == "What over-parametrization does"
    assert f"{ledger['2c-sharp'].estimate:.4f} of the bound" in section.paragraphs[1]
    assert f"{ledger['2d.step'].cell():.4f}" in section.paragraphs[2]
    assert f"{ledger['2d.growing.worst'].estimate:.3f}" in section.paragraphs[-1]
