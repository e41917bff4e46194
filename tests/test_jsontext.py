"""JSON texts a piece at a time are those of the whole."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mcstudy.codec import Deferred, plain
from mcstudy.jsontext import TOGETHER, laid_out, lines, pieces


@dataclass(frozen=True)
class Point:
    """An item as a ledger has many."""

    y: float
    x: float = math.nan
    name: str = "ä"
    ends: tuple[float, float] = (1, math.inf)


def whole(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"))


def points(count: int) -> tuple[Point, ...]:
    return tuple(Point(y) for y in np.random.default_rng(count).random(count).tolist())


@pytest.mark.parametrize("count", [0, 1, 3, TOGETHER, TOGETHER + 1, 2 * TOGETHER])
@pytest.mark.parametrize("longest", [0, 2, math.inf])
def test_pieces_are_the_canonical_text(count: int, longest: float) -> None:
    value = {"b": [{"cells": points(count), "a": None}, {"z": points(3)}], "a": {}, "c": [[], [1.0]]}
    assert "".join(pieces(plain(value, longest=longest))) == whole(value)


@pytest.mark.parametrize("levels", range(5))
@pytest.mark.parametrize("longest", [0, 2, math.inf])
def test_lines_are_those_of_plain_values(levels: int, longest: float) -> None:
    value = {"b": [{"cells": points(5), "a": None}, {"z": points(1)}], "a": {}, "c": [[], [1.0]]}
    assert "".join(lines(plain(value, longest=longest), levels)) == laid_out(plain(value), levels)


def test_no_piece_is_of_all_items() -> None:
    content = {"cells": points(3 * TOGETHER)}
    value = plain(content, longest=TOGETHER)
    assert isinstance(value["cells"], Deferred)
    assert max(map(len, pieces(value))) < len(whole(content)) / 2
    assert max(map(len, lines(value, 2))) < 100
    # The control: what is not deferred is one piece.
    assert len(list(pieces(plain(content)))) == 1


def test_deferred_items_are_a_sequence() -> None:
    items = Deferred((Point(1.0), Point(2.0)))
    assert len(items) == 2
    assert items[1] == plain(Point(2.0))
    assert list(items) == [plain(Point(1.0)), plain(Point(2.0))]
