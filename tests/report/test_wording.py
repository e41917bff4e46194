from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from mcstudy.report import answer
from mcstudy.report.numbers import THIN
from mcstudy.report.wording import headline, reading, summary

SPACES = {"\N{NO-BREAK SPACE}": " ", THIN: " "}


def plain(text: str) -> str:
    return "".join(SPACES.get(char, char) for char in text)


def of(ledgers: ModuleType, *findings: dict[str, Any]) -> str:
    return answer(ledgers.make_ledger(findings=list(findings)))


def test_answer_yes(ledgers: ModuleType) -> None:
    confirmed, misprint = ledgers.rate_finding(), ledgers.violated_finding()
    assert of(ledgers, confirmed, misprint) == (
        "Yes: the draws agree with Exercise 5, Problem 2; claim 2d.worst is confirmed; claim 2c-printed is refuted, "
        "as it should be: a misprint or a control."
    )


def test_answer_no_names_what_contradicts(ledgers: ModuleType) -> None:
    wrong = ledgers.unexpected_finding()
    unexpected = ledgers.rate_finding("2d.control", expected="REFUTED", because="a control")
    assert of(ledgers, wrong, unexpected, ledgers.rate_finding()) == (
        "No: the draws contradict Exercise 5, Problem 2 as it was put to the test; claim 1.bias is refuted and claim "
        "2d.control, expected to be refuted, is confirmed; claim 2d.worst is confirmed."
    )


def test_answer_not_settled_even_if_all_else_agrees(ledgers: ModuleType) -> None:
    text = of(ledgers, ledgers.rate_finding(), ledgers.single_finding())
    assert text.startswith("Not settled: nothing contradicts Exercise 5, Problem 2; ")
    assert text.endswith("claim 1.edges is still undecided.")


def test_answer_names_no_more_than_a_few(ledgers: ModuleType) -> None:
    many = [ledgers.single_finding() | {"id": f"c{k}"} for k in range(20)]
    assert "claims c0, c1, c2, c3, c4, c5, c6 and 13 more are still undecided." in of(ledgers, *many)


def test_answer_without_a_source(ledgers: ModuleType) -> None:
    ledger = ledgers.make_ledger(findings=[ledgers.rate_finding()])
    ledger["study"]["source"] = ""
    assert answer(ledger).startswith("Yes: the draws agree with the theory; ")


def test_reading_of_a_value(ledgers: ModuleType) -> None:
    assert plain(reading(ledgers.value_finding())) == (
        "In all 12 cells the claim is confirmed. At d = 2, depth = 3, n = 64, the mean of loss is 0.3326 ± 0.0007, its "
        "99.993 % interval [0.3293, 0.3360] lies inside 0.3333 ± 0.0067."
    )
    assert "neither lies inside nor avoids 2 ± 0.05" in reading(ledgers.single_finding())
    text = plain(reading(ledgers.unexpected_finding()))
    assert text.startswith(
        "In 1 of 2 cells the claim is refuted. At n = 64, the mean of loss is 0.5300 ± 0.0007"
    )
    assert text.endswith("lies outside 0.5 ± 0.005.")


def test_reading_of_failures(ledgers: ModuleType) -> None:
    text = reading(ledgers.failing_finding())
    assert "could not be estimated." in text
    assert text.endswith("1023 replicates failed, which leaves the claim undecided.")
    tolerated = ledgers.single_finding()
    tolerated["cells"][0]["failures"] = 1
    tolerated["verdict"] = "CONFIRMED"
    assert reading(tolerated).endswith(" 1 replicate failed.")


def test_reading_of_a_rate(ledgers: ModuleType) -> None:
    text = reading(ledgers.rate_finding(note="a power law to within the margin, not exactly"))
    assert "the slope of log mean of error on log width is −0.4986 ± 0.0012" in text
    assert (
        "The upper half of the levels alone has slope −0.4976, its interval [−0.505, −0.491] lies inside"
        in text
    )
    assert text.endswith("A power law to within the margin, not exactly.")
    near_zero = ledgers.rate_finding()
    near_zero["diagnostics"]["limit"] = "zero"
    assert "The half of the levels nearest to zero alone has slope" in reading(near_zero)
    assert "could not be estimated. The mean of error is not positive" in reading(
        ledgers.unfit_rate_finding()
    )


def test_reading_of_a_law(ledgers: ModuleType) -> None:
    assert "distance of loss from its law is 0.004, its" in reading(ledgers.law_finding())
    assert reading(ledgers.law_finding()).endswith("interval [0, 0.010] lies below the margin 0.02.")
    refuted = ledgers.law_finding("1.law-rademacher", 0.09, expected="REFUTED", because="x")
    assert reading(refuted).endswith("interval [0.084, 0.096] lies above the margin 0.02.")
    assert "lies on both sides of the margin 0.02." in reading(ledgers.law_finding("open", 0.018))


def test_reading_of_a_bound(ledgers: ModuleType) -> None:
    text = plain(reading(ledgers.bound_finding()))
    assert text.startswith(
        "None of 61 440 draws exceeds the bound; the largest ratio to it is 0.979 (at activation = tanh,"
    )
    assert text.endswith("with probability at most 8.1×10⁻⁴, within the 0.001 that the claim allows.")
    undecided = ledgers.bound_finding() | {"verdict": "UNDECIDED"}
    assert "which is not yet within the 0.001" in reading(undecided)
    assert plain(reading(ledgers.violated_finding())) == (
        "768 of 2048 draws exceed the bound; the worst is 0.31 where the bound is 0 (at pair = near)."
    )


def test_reading_of_an_identity(ledgers: ModuleType) -> None:
    assert plain(reading(ledgers.identity_finding())) == (
        "The largest of 3072 residuals is 8×10⁻¹³ (at depth = 3): not above the tolerance 10⁻¹⁰."
    )
    assert plain(reading(ledgers.identity_finding("x", (0.9, 0.4, 1.3)))) == (
        "2700 of 3072 residuals exceed the tolerance 10⁻¹⁰; the largest is 1.3 (at depth = 3)."
    )


@pytest.mark.parametrize("kind", ["bound", "identity", "law", "rate", "value"])
def test_a_claim_that_could_not_be_judged_can_be_read(ledgers: ModuleType, kind: str) -> None:
    nan = {"theory": "nan", "margin": "nan", "estimate": "nan", "mcse": "nan", "interval": ["nan", "nan"]}
    cell = ledgers.cell({}, 0.0, 1.0, "nan", "nan", verdict="UNDECIDED", failures=1024) | nan
    diagnostics: dict[str, Any] = {"cells": [{}], "witness": None, "tightest": None, "tolerance": 1e-10}
    if kind == "rate":
        diagnostics = {"lines": [], "against": "n", "statistic": "rms of x", "exact": False, "note": ""}
    finding = ledgers.finding("x", kind, [cell], diagnostics=diagnostics)
    assert "failed, which leaves the claim undecided." in reading(finding)
    assert summary(finding).estimate


@pytest.mark.parametrize(
    ("verdict", "as_expected", "text"),
    [
        ("CONFIRMED", True, "Claim 2c: confirmed"),
        ("CONFIRMED", False, "Claim 2c: confirmed, not expected"),
        ("REFUTED", True, "Claim 2c: refuted, as expected"),
        ("REFUTED", False, "Claim 2c: refuted, not expected"),
        ("UNDECIDED", False, "Claim 2c: undecided"),
    ],
)
def test_headline(verdict: str, as_expected: bool, text: str) -> None:
    assert headline({"id": "2c", "verdict": verdict, "as_expected": as_expected}) == text


def test_verdicts_word_is_the_numbers_own(ledgers: ModuleType) -> None:
    """The words follow the interval and the zone, not the verdict that a wrong engine might give."""
    forged = ledgers.unexpected_finding() | {"verdict": "CONFIRMED", "as_expected": True}
    assert "lies outside" in reading(forged)
