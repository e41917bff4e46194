"""What counts as a whole number or a positive one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mcstudy.checks import is_count, is_positive, is_real


@pytest.mark.parametrize(
    ("value", "count", "real", "positive"),
    [
        (1, True, True, True),
        (0, False, True, False),
        (-2, False, True, False),
        (2.0, False, True, True),
        (np.int64(3), True, True, True),
        (np.float32(0.5), False, True, True),
        (True, False, False, False),
        (np.bool_(True), False, False, False),
        (math.nan, False, False, False),
        (math.inf, False, False, False),
        ("1", False, False, False),
        (None, False, False, False),
        (1j, False, False, False),
    ],
    ids=repr,
)
def test_numbers(value: Any, count: bool, real: bool, positive: bool) -> None:
    assert (is_count(value), is_real(value), is_positive(value)) == (count, real, positive)


def test_a_count_may_start_elsewhere() -> None:
    assert is_count(0, at_least=0)
    assert not is_count(-1, at_least=0)
    assert not is_count(2, at_least=3)
