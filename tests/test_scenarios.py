"""Scenarios: combinations of factor levels, grids of them, and how a claim chooses among them."""

from __future__ import annotations

import json
import pickle
import re
from typing import Any, cast

import numpy as np
import pytest

from mcstudy import Scenario, Value, grid, mean, powers_of_two
from mcstudy.exceptions import ClaimError, StudyError
from mcstudy.scenarios import factors_of, unmatched


def test_scenario_is_equal_in_any_order_of_its_factors() -> None:
    one, other = Scenario(n=8, kind="worst"), Scenario(kind="worst", n=8)
    assert one == other
    assert hash(one) == hash(other)
    assert one.digest == other.digest
    assert one != Scenario(n=9, kind="worst")
    assert one != {"n": 8, "kind": "worst"}


@pytest.mark.parametrize(("one", "other"), [(64, 64.0), (1, True), (0, False), ("64", 64), (None, "None")])
def test_levels_of_another_type_are_other_levels(one: object, other: object) -> None:
    assert Scenario(n=one) != Scenario(n=other)  # type: ignore[arg-type]


def test_scenario_key_is_canonical_json() -> None:
    levels: dict[str, Any] = {"width": np.int64(64), "rate": np.float64(0.1), "flag": np.bool_(True)}
    scenario = Scenario(**levels, name="a,b")
    assert json.loads(scenario.key) == {"flag": True, "name": "a,b", "rate": 0.1, "width": 64}
    assert scenario.key == '{"flag":true,"name":"a,b","rate":0.1,"width":64}'
    assert type(scenario["width"]) is int


def test_scenario_survives_pickling() -> None:
    scenario = Scenario(n=8, kind="worst")
    copy = pickle.loads(pickle.dumps(scenario))
    assert copy == scenario
    assert dict(copy) == {"n": 8, "kind": "worst"}
    assert list(copy) == list(scenario)


def test_scenario_without_factors() -> None:
    assert Scenario(n=8, kind="worst").without("n") == Scenario(kind="worst")
    assert Scenario(n=8).without("n", "m") == Scenario()


def test_scenario_as_text() -> None:
    assert str(Scenario(n=8, kind="a")) == "n=8, kind=a"
    assert repr(Scenario(n=8, kind="a")) == "Scenario(n=8, kind='a')"
    assert str(Scenario()) == "the only scenario"


@pytest.mark.parametrize(
    ("level", "match"),
    [
        (float("nan"), "`n`: a level must be finite, got nan"),
        (float("inf"), "`n`: a level must be finite, got inf"),
        (np.float64("-inf"), "`n`: a level must be finite, got -inf"),
        ([1], "`n`: a level must be a number, a string, a boolean or None, got list"),
        (1j, "got complex"),
        (np.zeros(2), "got ndarray"),
        ("red\x1b[31m", r"`n`: a level must be printable text, got .* with U\+001B; name it by letters"),
        ("a\nb", r"with U\+000A"),
        ("abc\u202egpj", r"with U\+202E"),  # turns what follows around
        ("\ud800", r"with U\+D800"),
    ],
)
def test_scenario_refuses_levels_that_are_no_json(level: object, match: str) -> None:
    with pytest.raises(StudyError, match=match):
        Scenario(n=level)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, True),
        ({}, True),
        ({"n": 8}, True),
        ({"n": 9}, False),
        ({"n": (4, 8), "kind": "a"}, True),
        ({"n": [4], "kind": "a"}, False),
        ({"n": {8, 16}}, True),
        ({"n": range(8)}, False),
        ({"n": True}, False),
        ({"m": 3}, True),  # a factor that it does not have says nothing against it
        pytest.param(lambda n: n > 4, True, id="n"),
        pytest.param(lambda kind: kind == "b", False, id="kind"),
        pytest.param(lambda kind, n: kind == "a" and n == 8, True, id="both"),
        pytest.param(lambda **factors: len(factors) == 2, True, id="all"),
        pytest.param(lambda: False, False, id="none"),
    ],
)
def test_scenario_matches_levels_and_predicates(where: object, expected: bool) -> None:
    assert Scenario(n=8, kind="a").matches(where) is expected  # type: ignore[arg-type]


def test_grid_is_the_full_product_with_the_last_factor_fastest() -> None:
    scenarios = grid(n=(1, 2), kind=("a", "b"))
    assert [tuple(s.values()) for s in scenarios] == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    assert grid(n=np.array([1, 2]), kind=["a", "b"]) == scenarios
    assert grid(n=range(1, 3)) + grid(n=(4,)) == (Scenario(n=1), Scenario(n=2), Scenario(n=4))


@pytest.mark.parametrize(
    ("levels", "match"),
    [
        ({}, "`grid` needs at least one factor"),
        ({"n": ()}, "`n`: a factor must have at least one level, got an empty grid"),
        ({"n": 3}, r"`n`: levels must be a sequence, got 3; write `n=\(3,\)`"),
        ({"kind": "worst"}, "`kind`: levels must be a sequence, got 'worst'"),
        ({"n": (1, 2, 1)}, "`n`: levels must be distinct"),
        ({"n": (1, np.int64(1))}, "`n`: levels must be distinct"),
        ({"n": (1, 1.0)}, "`n`: levels must be distinct"),
        ({"n": {1, 2}}, r"`n`: levels must be in an order, got a set, .* write `n=sorted\(...\)`"),
        ({"n": frozenset((1, 2))}, "`n`: levels must be in an order"),
        ({"n": (n for n in (1, 2))}, "`n`: levels must be a sequence, got <generator"),
    ],
)
def test_grid_refuses(levels: dict[str, object], match: str) -> None:
    with pytest.raises(StudyError, match=match):
        grid(**levels)


def test_powers_of_two() -> None:
    assert powers_of_two(0, 3) == (1, 2, 4, 8)
    assert powers_of_two(5, 5) == (32,)
    for low, high in ((3, 2), (-1, 2)):
        with pytest.raises(StudyError, match="0 <= low <= high"):
            powers_of_two(low, high)


def test_a_predicate_of_the_old_form_is_shown_the_new_one() -> None:
    with pytest.raises(
        StudyError, match=r"the parameter scenario; factors: n; .* such as `lambda n: \.\.\.`"
    ):
        Scenario(n=8).matches(lambda scenario: scenario["n"] > 4)


@pytest.mark.parametrize(("level", "option"), [(1, True), (0, False), (True, 1), (False, np.int64(0))])
def test_a_boolean_is_no_number(level: Any, option: Any) -> None:
    """Python takes True for 1."""
    assert not Scenario(n=level).matches({"n": option})
    assert Scenario(n=level).matches({"n": (option, level)})


def test_a_factor_is_the_same_in_either_normal_form() -> None:
    """Python reads the identifier \u03f5 as \u03b5, so a string must name the same factor."""
    one, other = "\u03f5", "\u03b5"
    scenario = Scenario(**{one: 1})
    assert scenario == Scenario(**{other: 1})
    assert scenario.matches(lambda ϵ: ϵ == 1)


def test_a_scenario_is_no_number_and_can_not_be_changed() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        Scenario(n=8)["n"] = 9  # type: ignore[index]


def test_factors_in_order_of_appearance() -> None:
    assert factors_of([Scenario(n=1, kind="a"), Scenario(m=2, n=3)]) == ["n", "kind", "m"]
    assert factors_of([]) == []


def forgetful(n: int) -> Any:
    """Lacks its `return`."""
    assert n > 1


NO_ANSWER = [
    (forgetful, "must return True or False, got None at n=2; give it a `return`"),
    (lambda n: n - 2, "must return True or False, got 0 at n=2; write a comparison"),
    (lambda n: np.array([n > 2]), "must return True or False, got array([False]) at n=2; write a comparison"),
    (lambda n: n > 2 or forgetful, "must return True or False, got the function `forgetful` (test_scenarios.py, "),
]  # fmt: skip


@pytest.mark.parametrize(("where", "problem"), NO_ANSWER)
def test_a_where_that_gives_no_answer(where: Any, problem: str) -> None:
    assert unmatched(where, grid(n=(2, 3))).startswith(problem)
    with pytest.raises(StudyError, match=re.escape(f"`where` {problem}")):
        Scenario(n=2).matches(where)


def test_a_where_may_answer_by_numpy() -> None:
    assert unmatched(cast(Any, lambda n: np.float64(n) > 2.0), grid(n=(2, 3))) == ""
    assert Scenario(n=3).matches(cast(Any, lambda n: np.float64(n) > 2.0)) is True


def test_a_claim_whose_where_gives_no_answer_is_named() -> None:
    claim = Value("2c", "s", of=mean("x"), equals=0.0, margin=1.0, where=forgetful)
    with pytest.raises(
        ClaimError, match=r"claim 2c: `where` must return True or False, got None at n=2; give"
    ):
        claim.check(grid(n=(2, 3)))


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        (None, ""),
        ({"n": (1, 2)}, ""),
        (lambda n: n > 1, ""),
        ({"m": 1}, "must name a factor of the study, got 'm'; factors: n"),
        ({"n": (1, 3)}, "must name levels of n, got 3; levels: 1, 2"),
        (
            lambda m: m > 1,
            "must name factors only, got the parameter m; factors: n; write a function of the factors it reads, such as `lambda n: ...`",
        ),
    ],
)
def test_what_where_names_that_is_not_there(where: Any, problem: str) -> None:
    assert unmatched(where, grid(n=(1, 2))) == problem
