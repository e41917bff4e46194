"""What may have been meant."""

from __future__ import annotations

import pytest

from mcstudy.words import nearest


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


def test_how_near_it_must_be() -> None:
    assert (
        nearest("Sensing-Loss", ["sensing_loss"])
        != nearest("Sensing-Loss", ["sensing_loss"], cutoff=0.99)
        == ""
    )
