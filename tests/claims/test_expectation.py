"""What a claim is expected to come out as: theory, misprints and controls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Role

CONFIRMED, REFUTED, UNDECIDED = mc.Verdict.CONFIRMED, mc.Verdict.REFUTED, mc.Verdict.UNDECIDED


def value(**parts: Any) -> mc.Value:
    return mc.Value("v", "s", of=mc.mean("x"), equals=0.0, margin=1.0, **parts)


@pytest.mark.parametrize(
    ("parts", "verdict", "role", "because"),
    [
        ({}, CONFIRMED, Role.THEORY, ""),
        ({"expected": mc.control("a constant 10 % too small")}, REFUTED, Role.CONTROL, "a constant 10 % too small"),
        ({"expected": mc.misprint("it must read n + 1")}, REFUTED, Role.MISPRINT, "it must read n + 1"),
        # The spelling of version 0.1, which does not say which of the two it is.
        ({"expected": REFUTED, "because": "a control"}, REFUTED, Role.REFUTATION, "a control"),
        ({"expected": "REFUTED", "because": "a control"}, REFUTED, Role.REFUTATION, "a control"),
    ],
)  # fmt: skip
def test_expectations(parts: dict[str, Any], verdict: mc.Verdict, role: Role, because: str) -> None:
    expectation = value(**parts).expectation
    assert (expectation.verdict, expectation.role, expectation.because) == (verdict, role, because)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"expected": REFUTED}, r"claim v: `because` must say why .* write expected=control\('...'\)"),
        ({"expected": "REFUTED"}, "claim v: `because` must say why"),
        (
            {"expected": UNDECIDED},
            "claim v: `expected` must be CONFIRMED, REFUTED, control.* got .*UNDECIDED",
        ),
        ({"expected": "maybe"}, "claim v: `expected` must be .* got 'maybe'"),
        ({"expected": None}, "claim v: `expected` must be .* got None"),
    ],
)
def test_no_expectation_is_refused(parts: dict[str, Any], match: str) -> None:
    with pytest.raises(ClaimError, match=match):
        value(**parts)


@pytest.mark.parametrize("because", ["", "  ", None, 3])
@pytest.mark.parametrize("role", ["control", "misprint"])
def test_controls_and_misprints_have_a_reason(role: str, because: Any) -> None:
    with pytest.raises(ClaimError, match=rf"`because` must say why the {role} .* write {role}\('...'\)"):
        getattr(mc, role)(because)


@pytest.mark.parametrize(
    ("center", "expected", "as_expected"),
    [
        (0.0, CONFIRMED, True),
        (9.0, CONFIRMED, False),
        (1.0, CONFIRMED, False),
        (0.0, mc.control("c"), False),
        (9.0, mc.control("c"), True),
        (1.0, mc.control("c"), False),
        (9.0, mc.misprint("m"), True),
    ],
)
def test_a_finding_is_as_expected_or_not(
    draws_of: Callable[..., Draws], center: float, expected: Any, as_expected: bool
) -> None:
    """At a centre of 1, on the border of the zone, the claim stays undecided: never as expected."""
    draws = draws_of({mc.Scenario(n=1): {"x": center + 1e-3 * np.resize([-1.0, 1.0], 64)}})
    finding = find(value(expected=expected), draws, 0.01)
    assert finding.as_expected is as_expected
    assert (finding.verdict is UNDECIDED) == (center == 1.0)


def test_the_finding_keeps_role_and_reason(draws_of: Callable[..., Draws]) -> None:
    draws = draws_of({mc.Scenario(n=1): {"x": np.full(64, 9.0)}})
    finding = find(value(expected=mc.misprint("it must read 9")), draws, 0.01)
    assert (finding.expected, finding.role, finding.because) == (REFUTED, Role.MISPRINT, "it must read 9")
