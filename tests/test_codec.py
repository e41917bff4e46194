"""Dataclasses to plain JSON values and back: equal objects, and for every wrong type its place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import mcstudy as mc
from mcstudy.codec import DEEP, from_plain, parsed, plain
from mcstudy.exceptions import InputError
from mcstudy.jsontext import laid_out
from mcstudy.scenarios import Level


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    scenario: mc.Scenario
    number: float
    level: Level = None


@dataclass(frozen=True)
class Outer:
    name: str
    flag: bool
    count: int
    colour: Colour
    pair: tuple[float, float]
    many: tuple[Inner, ...]
    maybe: Inner | None
    limit: float | None
    curve: npt.NDArray[np.float64]
    named: Mapping[str, tuple[Level, ...]]
    anything: Any = None
    more: tuple[str, ...] = field(default_factory=tuple)


def outer(**parts: Any) -> Outer:
    inner = Inner(mc.Scenario(n=8, kind="a"), 0.1)
    content: dict[str, Any] = {
        "name": "x",
        "flag": True,
        "count": 3,
        "colour": Colour.RED,
        "pair": (0.1, 1e300),
        "many": (inner, Inner(mc.Scenario(), math.inf, "top")),
        "maybe": inner,
        "limit": -math.inf,
        "curve": np.array([0.1, 0.2]),
        "named": {"n": (8, 8.5, "a", True, None)},
    }
    return Outer(**(content | parts))


def read(value: Any) -> Outer:
    return from_plain(Outer, json.loads(json.dumps(plain(value), allow_nan=False)), "outer")


def test_plain_values() -> None:
    given = {
        "array": np.array([[1.0, np.nan], [np.inf, -np.inf]]),
        "integer": np.int64(3),
        "flag": np.bool_(True),
        "pair": (np.float64(0.1), None),
        "verdict": mc.Verdict.REFUTED,
        7: "seven",
    }
    assert plain(given) == {
        "array": [[1.0, "nan"], ["inf", "-inf"]],
        "integer": 3,
        "flag": True,
        "pair": [0.1, None],
        "verdict": "REFUTED",
        "7": "seven",
    }
    assert type(plain(np.float64(0.5))) is float
    assert type(plain(mc.Verdict.CONFIRMED)) is str


def test_what_is_written_is_read_again() -> None:
    given, found = outer(), read(outer())
    np.testing.assert_array_equal(found.curve, given.curve)
    assert plain(found) == plain(given)
    assert found.many == given.many
    assert (found.colour, found.named, found.limit) == (given.colour, given.named, given.limit)
    assert type(found.colour) is Colour


@pytest.mark.parametrize("number", [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, math.inf, -math.inf])
def test_floats_survive_to_the_last_bit(number: float) -> None:
    found = read(outer(pair=(number, number))).pair
    assert found == (number, number)
    assert math.copysign(1, found[0]) == math.copysign(1, number)


def test_nan_survives() -> None:
    assert math.isnan(read(outer(limit=math.nan)).limit or 0.0)


@pytest.mark.parametrize("level", [8, 8.0, True, "eight", None])
def test_levels_keep_their_type(level: Level) -> None:
    inner = Inner(mc.Scenario(n=level), 0.0, level)
    found = read(outer(maybe=inner)).maybe
    assert found == inner
    assert found is not None
    assert type(found.level) is type(level)


def test_a_whole_number_in_the_place_of_a_float_is_written_as_it_is_read() -> None:
    """A margin of 1 is the 1.0 that comes back, so that the digests of both agree."""
    given = outer(pair=(1, 2), many=(Inner(mc.Scenario(), 1),))
    assert json.dumps(plain(given)) == json.dumps(plain(read(given)))


def test_later_versions_may_write_more() -> None:
    assert from_plain(Inner, {"scenario": {}, "number": 1, "unheard of": 3}) == Inner(mc.Scenario(), 1.0)


WRONG: list[tuple[str, Any, str]] = [
    ("name", 3, "`outer.name` must be a text, got 3"),
    ("flag", 1, "`outer.flag` must be true or false, got 1"),
    ("count", 3.0, "`outer.count` must be a whole number, got 3.0"),
    ("count", True, "`outer.count` must be a whole number, got True"),
    ("colour", "green", "`outer.colour` must be one of red, blue, got 'green'"),
    ("colour", [], r"`outer.colour` must be one of red, blue, got \[\]"),
    ("pair", [1.0], r"`outer.pair` must be a list of 2, got \[1.0\]"),
    ("pair", [1.0, 2.0, 3.0], r"`outer.pair` must be a list of 2, got \[1.0, 2.0, 3.0\]"),
    ("pair", [1.0, "high"], r"`outer.pair\[1\]` must be a number, got 'high'"),
    ("pair", [True, 1.0], r"`outer.pair\[0\]` must be a number, got True"),
    ("pair", 1.0, "`outer.pair` must be a list, got 1.0"),
    ("many", {}, "`outer.many` must be a list, got {}"),
    ("many", [3], r"`outer.many\[0\]` must be an object, got 3"),
    ("many", [{"scenario": {}, "number": None}], r"`outer.many\[0\].number` must be a number, got None"),
    ("many", [{"scenario": {}}], r"`outer.many\[0\]` must have an entry `number`, got scenario"),
    ("many", [{}], r"`outer.many\[0\]` must have an entry `scenario`, got none"),
    ("maybe", {"scenario": {"n": [1]}, "number": 1}, "`outer.maybe.scenario` must be a scenario, got .* a level must be a number"),
    ("maybe", {"scenario": {"n": "a\nb"}, "number": 1}, "`outer.maybe.scenario` must be a scenario, got .* printable text"),
    ("maybe", {"scenario": "n=1", "number": 1}, "`outer.maybe.scenario` must be an object, got 'n=1'"),
    ("maybe", {"scenario": {}, "number": 1, "level": []}, "`outer.maybe.level` must be a level: a number, a text or a boolean, got"),
    ("limit", "wide", "`outer.limit` must be a number, got 'wide'"),
    ("curve", 1.0, "`outer.curve` must be a list, got 1.0"),
    ("curve", [0.1, None], r"`outer.curve\[1\]` must be a number, got None"),
    ("named", [], r"`outer.named` must be an object, got \[\]"),
    ("named", {"n": 8}, "`outer.named.n` must be a list, got 8"),
    ("named", {"n": [{}]}, r"`outer.named.n\[0\]` must be a level"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "match"), WRONG)
def test_a_wrong_type_is_named_with_its_place(name: str, value: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        from_plain(Outer, plain(outer()) | {name: value}, "outer")


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(InputError) as caught:
        from_plain(Outer, plain(outer()) | {"count": "9" * 1000}, "outer")
    assert len(str(caught.value)) < 160


def test_a_whole_number_beyond_the_doubles_is_infinite() -> None:
    assert from_plain(Inner, {"scenario": {}, "number": 10**400}).number == math.inf
    assert from_plain(Inner, {"scenario": {}, "number": -(10**400)}).number == -math.inf


def test_a_field_with_a_default_may_be_left_out() -> None:
    content = plain(outer())
    del content["more"], content["anything"]
    assert from_plain(Outer, content).more == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "Expecting value"),
        ('{"a": 1', "Expecting"),
        ("[" * 100_000, "recursion"),
        ("[" * (DEEP + 1) + "]" * (DEEP + 1), f"values nested more than {DEEP} deep"),
        ('{"a": "\\udc80"}', "surrogates not allowed"),
        ('{"\\uD800": 1}', "surrogates not allowed"),
        ("9" * 5000, "4300 digits"),
    ],
    ids=["nothing", "cut", "endless", "deep", "half a character", "half a name", "digits"],
)
def test_texts_that_are_no_json_of_a_ledger(text: str, found: str) -> None:
    with pytest.raises(InputError, match=rf"`ledger` must be JSON, got .*{found}.*: run the study again"):
        parsed(text)


@pytest.mark.parametrize(
    "value", ["\U0001d53c", "\\ud800", [[{"a": None}]], json.loads("[" * DEEP + "]" * DEEP)]
)
def test_other_texts_are_read_as_they_are(value: Any) -> None:
    assert parsed(json.dumps(value)) == value


@pytest.mark.parametrize("levels", range(6))
@pytest.mark.parametrize(
    "value", [[], {}, [[], {}], {"a": [1, {"b": [0.1, "ü", None, True]}], "c": {}}, "x", 1.5]
)
def test_a_layout_changes_no_value(value: Any, levels: int) -> None:
    text = laid_out(value, levels)
    assert json.loads(text) == value
    assert (text.count("\n") == 0) is (levels == 0 or not value or not isinstance(value, (list, dict)))


def test_outer_levels_have_a_line_for_each_item() -> None:
    assert laid_out({"a": [[1, 2], [3]], "b": 1}, levels=2).splitlines() == [
        "{", ' "a": [', "  [1, 2],", "  [3]", " ],", ' "b": 1', "}",
    ]  # fmt: skip


def test_a_layout_takes_no_number_that_json_lacks() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        laid_out({"a": [math.nan]}, levels=2)


@dataclass(frozen=True)
class Node:
    """What a study's own evidence may be: of its own type, and of types that are written and never read."""

    name: str
    child: Node | None = None
    notes: list[str] | None = None


@dataclass(frozen=True)
class Nothing:
    """A dataclass without fields."""


def test_a_class_may_hold_another_of_its_own() -> None:
    given = Node("a", Node("b"))
    assert from_plain(Node, json.loads(json.dumps(plain(given)))) == given
    with pytest.raises(InputError, match=r"`ledger\.child\.name` must be a text, got 1; run the study again"):
        from_plain(Node, {"name": "a", "child": {"name": 1}})


def test_a_class_without_fields_is_an_empty_object() -> None:
    assert plain(Nothing()) == {}
    assert from_plain(Nothing, {}) == Nothing()
