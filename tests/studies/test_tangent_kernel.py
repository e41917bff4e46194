from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, norm

import mcstudy as mc
from mcstudy.claims import Claim, judge
from mcstudy.draws import Draws
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow import kernels

REGISTER = {
    "2.kernel",
    "2.kernel.tangent",
    "2.binomial",
    "2.gaussian",
    "2.gaussian.variance",
    "2.gaussian.skewness",
    "2.gaussian.rate",
}
CONTROLS = {"2.gaussian.positive-mean", "2.gaussian.positive-skewness"}
SMALL = {"activation": ("erf", "relu"), "width": (8, 32, 128)}

# What the claims would say with a constant, an exponent or a law that someone might take for the right one.
WRONG_KERNELS: dict[str, dict[str, Any]] = {
    "2.kernel": {"exponent": -0.55},
    "2.kernel.tangent": {"exponent": -0.45},
    "2.kernel.unbiased": {"equals": 0.03},
}
WRONG_LAWS: dict[str, dict[str, Any]] = {
    "2.binomial": {"distribution": lambda width: binom(width, 1 / 6)},  # theta for pi - theta
    "2.gaussian": {"distribution": norm(scale=0.5)},
    "2.gaussian.variance": {"equals": 1.3},
    "2.gaussian.kurtosis": {"equals": lambda width: 1.0 / width},
    "2.gaussian.rate": {"exponent": -1 / 2},
}


def test_register_is_claimed_with_its_controls(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert set(verdicts) >= REGISTER
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == CONTROLS


def test_design_covers_all_closed_forms(study: mc.Study) -> None:
    assert {s["activation"] for s in study["kernels"].scenarios} == set(kernels.closed_forms())


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study)


def test_active_rows_are_counted(study: mc.Study, stream: Callable[..., np.random.Generator]) -> None:
    """A third of the pairs of half-planes at 60 degrees; 5 standard errors of 500 x 16 rows."""
    active = study["active_rows"].simulate(stream(), 500, inputs="60 degrees", width=16)["active"]
    assert np.array_equal(active, np.round(active))
    assert abs(np.mean(active) / 16 - 1 / 3) < 5 * np.sqrt(1 / 3 * 2 / 3 / (500 * 16))


def test_controls_are_refuted(
    study: mc.Study, small: Callable[..., mc.Study], judged: Callable[..., mc.Ledger]
) -> None:
    ledger = judged(small(study, *CONTROLS, count=2048))
    assert {finding.verdict for finding in ledger.findings} == {mc.Verdict.REFUTED}


@pytest.mark.parametrize(
    ("wrong", "where"),
    [(WRONG_KERNELS, SMALL), (WRONG_LAWS, {"width": (8, 32, 128)})],
    ids=["kernels", "laws"],
)
def test_wrong_theories_are_refuted(
    study: mc.Study,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
    wrong: dict[str, dict[str, Any]],
    where: dict[str, Any],
) -> None:
    """At the replicates at which the quick profile decides the right ones."""
    ledger = judged(contradicted(small(study, *wrong, where=where, count=16384), wrong))
    assert {claim: ledger[claim].verdict for claim in wrong} == dict.fromkeys(wrong, mc.Verdict.CONFIRMED)
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in wrong}
    assert refuted == dict.fromkeys(wrong, mc.Verdict.REFUTED)


def test_kernel_without_the_determinant_is_refuted(
    study: mc.Study,
    named: Callable[[mc.Study, str], Claim],
    stream: Callable[..., np.random.Generator],
    draws_of: Callable[..., Draws],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mutation: erf's slope kernel with q1 q2 terms only, -4 c^2 left out."""

    def wrong(q1: FloatArray, q2: FloatArray, c: FloatArray) -> FloatArray:
        return np.asarray((4 / np.pi) / np.sqrt((1 + 2 * q1) * (1 + 2 * q2) + 0 * c))

    def verdict() -> mc.Verdict:
        scenario = mc.Scenario(activation="erf", width=128)
        draws = draws_of({scenario: study["kernels"].simulate(stream(), 2048, **scenario)}, tuned=2048)
        return judge([named(study, "2.kernel.tangent-unbiased")], draws, 0.01 / 12)[0].verdict

    assert verdict() is mc.Verdict.CONFIRMED
    monkeypatch.setitem(kernels._CLOSED, "erf", kernels._CLOSED["erf"]._replace(slope_kernel=wrong))
    assert verdict() is mc.Verdict.REFUTED


def test_conclusion_reads_the_ledger(study: mc.Study, judged: Callable[..., mc.Ledger]) -> None:
    """On few draws the numbers are rough, but each comes from a finding."""
    ledger = judged(replace(study, block=64, replicates=mc.Replicates(first=64, quick=64, full=64)))
    (section,) = ledger.sections
    exponents = [cell.estimate for cell in ledger["2.kernel"].cells]
    assert f"between {min(exponents):.3f} and {max(exponents):.3f}" in section.paragraphs[0]
    assert f"{ledger['2.gaussian.positive-mean'].estimate:.2f} standard deviations" in section.paragraphs[1]
