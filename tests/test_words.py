"""What may have been meant, and values without addresses."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from mcstudy.words import acting, nearest, said


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("eror", ["bound", "error"], "did you mean error? "),
        ("error", ["bound"], ""),
        ("x", [], ""),
        (3, ["30", "4"], "did you mean 30? "),
    ],
)
def test_the_nearest_word(word: object, known: list[str], hint: str) -> None:
    assert nearest(word, known) == hint


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("plain, \N{HEBREW LETTER ALEF}\N{ZERO WIDTH JOINER}\n\tnext", ""),
        ("\x1b[2J", "U+001B"),
        ("a\x9bb\x1b", "U+009B"),
        ("a\u202eb", "U+202E"),
        ("\u2067x", "U+2067"),
        ("\r", "U+000D"),
    ],
)
def test_characters_that_act(text: str, number: str) -> None:
    assert acting(text) == number


def test_how_near_it_must_be() -> None:
    assert (
        nearest("Sensing-Loss", ["sensing_loss"])
        != nearest("Sensing-Loss", ["sensing_loss"], cutoff=0.99)
        == ""
    )


class Thing:
    """Has no `__repr__` of its own."""

    def method(self) -> None:
        """Nothing."""

    @classmethod
    def made(cls) -> None:
        """Nothing."""


def helper() -> None:
    """Nothing."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (helper, "the function `helper` (test_words.py, line "),
        (lambda: None, "a lambda (test_words.py, line "),
        (partial(helper), "a partial of the function `helper` (test_words.py, line "),
        (Thing().method, "the method `Thing.method` of an object of class `Thing`"),
        (Thing.made, "the method `Thing.made` of the class `Thing`"),
        (Thing, "the class `Thing`"),
        (len, "<built-in function len>"),
        (Thing(), "<"),
        ([helper, {"a": Thing()}, Thing().method], "[<function helper>, {'a': <"),
        (None, "None"),
        (np.float64(0.5), "np.float64(0.5)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_value_is_said_with_its_address(value: Any, text: str) -> None:
    assert said(value).startswith(text)
    assert "0x" not in said(value)


def test_a_text_stays_as_it_is() -> None:
    assert said("a text at 0x1") == "'a text at 0x1'"
