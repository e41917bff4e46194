"""What a part was to draw: as it is kept, and what is read from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcstudy.engine.assignments import Assignment, folders, read_assignment

PART = Assignment(3, 8, "'my studies/toy.py' --scale '1 2'", "full", None, "parts/3")


def test_an_assignment_is_read_as_it_was_written() -> None:
    for part in (PART, Assignment(1, 1, "toy", "quick", 64, "x")):
        assert read_assignment(part.to_json()) == part


def test_the_study_is_taken_apart_as_a_shell_does() -> None:
    assert (PART.handle, PART.options) == ("my studies/toy.py", [("scale", "1 2")])


def test_how_much_parts_draw_together() -> None:
    assert (PART.design, PART.words) == (("full", None), "--profile full")
    asked = Assignment(1, 1, "toy", "quick", 64, "x")
    assert (asked.design, asked.words) == (("quick", 64), "--profile quick --replicates 64")


@pytest.mark.parametrize(
    "change",
    [
        {"number": "3"}, {"of": None}, {"number": 0}, {"study": ""}, {"study": "'toy"}, {"study": "toy --scale"},
        {"study": 3}, {"profile": "slow"}, {"profile": []}, {"replicates": "many"}, {"replicates": 0}, {"out": None}, {"more": 1},
    ],
)  # fmt: skip
def test_what_is_no_assignment_is_left_aside(change: dict[str, Any]) -> None:
    assert read_assignment(json.dumps(json.loads(PART.to_json()) | change)) is None


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{}", "{", "\udc80"])
def test_what_is_no_json_is_left_aside(text: str) -> None:
    assert read_assignment(text) is None


def parts(*outs: str, of: int = 10) -> list[Assignment]:
    numbers = (3, 7, 10)
    return [
        Assignment(n, of, "toy", "full", None, out.format(n)) for n, out in zip(numbers, outs, strict=False)
    ]


@pytest.mark.parametrize(
    ("outs", "found"),
    [
        (("parts/{}",) * 3, "parts/$I"),
        (("part-{}-of-10",) * 3, "part-$I-of-10"),
        (("my parts/{}",) * 2, "'my parts/'$I"),
        (("3/{}/toy",), "3/$I/toy"),
        (("parts/007", "other"), "parts-of-10/$I"),
        (("parts/13", "parts/70"), "parts-of-10/$I"),
        ((), "parts-of-10/$I"),
    ],
)
def test_where_parts_go_is_told_from_where_they_went(outs: tuple[str, ...], found: str) -> None:
    assert folders(parts(*outs), 10) == found


def test_parts_of_another_number_say_nothing() -> None:
    assert folders(parts("parts/{}", of=9), 10) == "parts-of-10/$I"
