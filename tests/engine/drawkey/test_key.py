"""What differs between two keys, in words."""

from __future__ import annotations

from mcstudy.engine.drawkey import Part, difference
from mcstudy.engine.drawkey.key import FILLED, LONGEST_DIFF


def value(digest: str, text: str) -> Part:
    return Part("value", digest, text)


def code(digest: str, text: str) -> Part:
    return Part("code", digest, text)


def test_equal_keys_do_not_differ_whatever_their_texts() -> None:
    assert difference({"f": code("a", "x")}, {"f": code("a", "y")}) == []


def test_each_kind_of_difference_has_its_words() -> None:
    old = {"f": code("a", "def f():\n    return 0"), "n": value("a", "1"), "gone": value("a", "1")}
    new = {
        "f": code("b", "def f():\n    return 5"),
        "n": value("b", "2"),
        "come": code("a", "def g():\n    return 0"),
    }
    assert difference(old, new) == [
        "f:",
        "  @@ -1,2 +1,2 @@",
        "   def f():",
        "  -    return 0",
        "  +    return 5",
        "n: 1 -> 2",
        "gone is no longer used",
        "come is new: def g():",
    ]


def test_what_the_texts_do_not_show_is_said() -> None:
    lines = difference({"A": value("a", "[0.0, ...]")}, {"A": value("b", "[0.0, ...]")})
    assert lines == ["A differs in more than is shown of it: [0.0, ...]"]


def test_a_cache_that_was_filled_is_told_how_to_be_none() -> None:
    assert difference({"A": value("a", "{}")}, {"A": value("b", "{1: 2}")}) == [
        "A: {} -> {1: 2}",
        "  " + FILLED,
    ]


def test_long_texts_are_cut_around_the_first_difference() -> None:
    start, end = "a" * 500, "z" * 500
    (line,) = difference({"A": value("a", f"{start}1{end}")}, {"A": value("b", f"{start}2{end}")})
    assert line == f"A: ...{'a' * 30}1{'z' * 29}... -> ...{'a' * 30}2{'z' * 29}..."
    many = ["\n".join(f"{side} {i}" for i in range(99)) for side in ("old", "new")]
    lines = difference({"f": code("a", many[0])}, {"f": code("b", many[1])})
    assert len(lines) == 1 + LONGEST_DIFF + 1
    assert lines[-1].endswith(" more lines")
