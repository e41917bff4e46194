"""What a function carries beside its code."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from mcstudy.engine.drawkey.functions import closed_over, defaults_of


def test_defaults_belong_to_the_last_arguments() -> None:
    def function(
        rng: Any, size: int, scale: float = 2.0, *shifts: float, power: int = 1, **more: Any
    ) -> None:
        raise NotImplementedError

    assert isinstance(function, FunctionType)
    assert dict(defaults_of(function)) == {"scale": 2.0, "power": 1}


def test_a_variable_that_is_not_yet_set_is_no_value() -> None:
    def inner() -> tuple[int, int]:
        return early, late

    early = 1
    assert isinstance(inner, FunctionType)
    assert list(closed_over(inner)) == [1]
    late = 2
    assert list(closed_over(inner)) == [1, 2]
