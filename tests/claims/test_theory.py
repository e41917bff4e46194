"""Margins, theoretical values and statistics: what they may be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims.theory import check_limit, check_margin, evaluate
from mcstudy.exceptions import ClaimError

SCENARIO = mc.Scenario(n=4, kind="a")


@pytest.mark.parametrize(
    ("theory", "expected"),
    [
        (2, 2.0),
        (np.float32(0.5), 0.5),
        (lambda n: n**-0.5, 0.5),
        (lambda kind, n: n if kind == "a" else 0, 4.0),
        (lambda: 3, 3.0),
        (lambda n, power=2: n**power, 16.0),
        (lambda **factors: len(factors), 2.0),
    ],
)
def test_theory_is_a_number_or_a_function_of_the_factors_that_it_names(theory: Any, expected: float) -> None:
    assert evaluate("v", "equals", theory, SCENARIO) == expected


@pytest.mark.parametrize(
    ("theory", "match"),
    [
        (None, "`equals` must give a number in n=4, kind=a, but raised TypeError"),
        (lambda n: n / 0, "`equals` must give a number in n=4, kind=a, but raised ZeroDivisionError"),
        (lambda n: "four", "`equals` must give a number in n=4, kind=a, but raised ValueError"),
        (lambda n: math.nan, "`equals` must be finite, got nan in n=4, kind=a"),
        (math.inf, "`equals` must be finite, got inf"),
        (lambda m: m, "`equals` must name factors only, got the parameter m; factors: n, kind"),
        (lambda scenario: scenario["n"], r"got the parameter scenario; .* such as `lambda n: \.\.\.`"),
    ],
)
def test_theory_that_is_no_number_is_refused(theory: Any, match: str) -> None:
    with pytest.raises(ClaimError, match=f"claim v: .*{match}"):
        evaluate("v", "equals", theory, SCENARIO)


@pytest.mark.parametrize("fraction", [0.0, -0.1, math.nan, math.inf, "1 %", None, True])
def test_relative_margin_must_be_positive(fraction: Any) -> None:
    with pytest.raises(ClaimError, match=r"`fraction` must be a positive number, .* write relative\(0.01\)"):
        mc.relative(fraction)


def test_margins_may_be_relative_or_of_any_real_type() -> None:
    for margin in (mc.relative(0.01), 1, 0.5, np.float32(0.5), np.int64(2)):
        check_margin("v", "margin", margin)


@pytest.mark.parametrize("limit", ["bound", 0, 0.0, np.float64(2)])
def test_a_limit_is_a_column_or_a_number(limit: Any) -> None:
    check_limit("v", "at_most", limit)


@pytest.mark.parametrize("limit", [-1.0, math.nan, None, [1.0]])
def test_other_limits_are_refused(limit: Any) -> None:
    with pytest.raises(ClaimError, match="claim v: `at_most` must be a column or a non-negative number, got"):
        check_limit("v", "at_most", limit)
