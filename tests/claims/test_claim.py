"""What all claims share: their names, their scenarios, what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.claims import claims_over
from mcstudy.exceptions import ClaimError

MakeStudy = Callable[..., mc.Study]


def value(name: Any = "v", **parts: Any) -> mc.Value:
    plan: dict[str, Any] = {"of": mc.mean("x"), "equals": 0.0, "margin": 1.0}
    return mc.Value(name, "s", **(plan | parts))


@pytest.mark.parametrize("name", ["2c", "1.mean-symmetric", "A_b", "9"])
def test_ids_are_anchors(name: str) -> None:
    assert value(name).id == name


@pytest.mark.parametrize("name", ["a b", "", ".hidden", "a/../b", "-", "é", "a\n", 3, None])
def test_ids_that_are_no_anchors_are_refused(name: Any) -> None:
    with pytest.raises(ClaimError, match=r"`id` must be letters, digits, '.', '-', '_', .* got"):
        value(name)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"margin": 0.0}, "claim v: `margin` must be a positive number, got 0.0"),
        ({"margin": -1.0}, "claim v: `margin` must be a positive number, got -1.0"),
        ({"margin": math.nan}, "claim v: `margin` must be a positive number, got nan"),
        ({"margin": math.inf}, "claim v: `margin` must be a positive number, got inf"),
        ({"margin": "1 %"}, "claim v: `margin` must be a positive number, got '1 %'"),
        ({"margin": True}, "claim v: `margin` must be a positive number, got True"),
        ({"allowed_failures": -1}, "claim v: `allowed_failures` must be a whole number, at least 0, got -1"),
        (
            {"allowed_failures": 0.5},
            "claim v: `allowed_failures` must be a whole number, at least 0, got 0.5",
        ),
        ({"allowed_failures": True}, "claim v: `allowed_failures` must be .* got True"),
        ({"weight": 0.0}, r"claim v: `weight` must be a part of alpha in \(0, 1\], got 0.0; leave it out"),
        ({"weight": 1.5}, r"claim v: `weight` must be a part of alpha in \(0, 1\], got 1.5"),
        ({"of": "x"}, r"claim v: `of` must be a statistic, got 'x'; write mean\('x'\)"),
    ],
)
def test_claim_refuses(parts: dict[str, Any], match: str) -> None:
    with pytest.raises(ClaimError, match=match):
        value(**parts)


@pytest.mark.parametrize(
    ("where", "levels"),
    [
        (None, [1, 2, 3]),
        ({"n": 2}, [2]),
        ({"n": (1, 3)}, [1, 3]),
        (lambda n: n >= 2, [2, 3]),
        (lambda n, kind: n == 2 and kind == "a", [2]),
        (lambda **factors: factors["n"] == 1, [1]),
    ],
)
def test_cells_are_those_that_where_leaves(where: Any, levels: list[int]) -> None:
    scenarios = mc.grid(n=(1, 2, 3), kind=("a",))
    assert [scenario["n"] for scenario in value(where=where).select(scenarios)] == levels


WHERE: list[tuple[Any, str]] = [
    ({"m": 1}, "`where` must name a factor of the study, got 'm'; factors: n, kind"),
    ({"kind": ("a", "c")}, "`where` must name levels of kind, got 'c'; levels: 'a', 'b'"),
    ({"n": True}, "`where` must name levels of n, got True; levels: 1, 2"),
    (lambda n: n > 9, "`where` must leave at least one scenario, got <function .* which leaves none"),
    (lambda m: m > 9, "`where` must name factors only, got the parameter m; factors: n, kind"),
    (lambda n, m, k: n > m, "`where` must name factors only, got the parameters m, k; factors: n, kind"),
    # As version 0.1 wrote it: the message shows the new form.
    (lambda scenario: scenario["n"] > 1, r"got the parameter scenario; .* such as `lambda n: \.\.\.`"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "match"), WHERE)
def test_where_refuses(make_study: MakeStudy, where: Any, match: str) -> None:
    with pytest.raises(ClaimError, match=f"claim v: .*{match}"):
        make_study(scenarios=mc.grid(n=(1, 2), kind=("a", "b")), claims=[value(where=where)])


def test_claims_without_a_cell_are_left_out() -> None:
    one, other = (value(f"n{n}", where={"n": n}) for n in (1, 2))
    assert claims_over([one, other], mc.grid(n=(1, 3))) == [one]


def test_a_claim_is_frozen_and_can_be_replaced() -> None:
    claim = value(source="Problem 1")
    assert replace(claim, source="Problem 2") == value(source="Problem 2")
    with pytest.raises(AttributeError, match="cannot assign to field 'margin'"):
        claim.margin = 9.0  # type: ignore[misc]
