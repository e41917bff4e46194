"""Words for people who mistype a name."""

from __future__ import annotations

from typing import Any

import pytest

from mcstudy.scenarios import grid, unmatched
from mcstudy.words import nearest


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("widht", ["width", "depth"], "did you mean width? "),
        ("m", ["width"], ""),
        (3, ["width"], ""),
        ("width", [], ""),
    ],
)
def test_what_may_have_been_meant(word: object, known: list[str], hint: str) -> None:
    assert nearest(word, known) == hint


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ({"widht": 1}, "got 'widht'; did you mean width? factors: width, kind"),
        ({"kind": "wrost"}, "got 'wrost'; did you mean worst? levels: 'worst', 'mean'"),
        ({"width": 3}, "got 3; levels: 1, 2"),
    ],
)
def test_where_suggests_factors_and_levels(where: Any, problem: str) -> None:
    assert unmatched(where, grid(width=(1, 2), kind=("worst", "mean"))).endswith(problem)
