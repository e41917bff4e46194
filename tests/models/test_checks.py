import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.checks import check_at_most, check_choice, check_count, check_finite, check_positive


def test_checks_return_what_they_checked() -> None:
    three: Any = np.int64(3)
    assert type(check_count("depth", three)) is int
    assert check_count("steps", 0, at_least=0) == 0
    assert check_at_most("rank", 3, 3, "d") == 3
    assert check_choice("loss", "mean", ("mean", "sum")) == "mean"
    assert check_finite("x", [1, 2]).dtype == np.float64
    assert check_positive("x", [[0.5]]).tolist() == [[0.5]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_count("depth", 0), "`depth` must be a whole number, at least 1, got 0"),
        (lambda: check_count("steps", -1, at_least=0), "`steps` must be a whole number, at least 0, got -1"),
        (lambda: check_count("depth", 1.0), "`depth` must be a whole number, at least 1, got 1.0"),  # type: ignore[arg-type]
        (lambda: check_count("depth", True), "`depth` must be a whole number, at least 1, got True"),
        (
            lambda: check_at_most("rank", 4, 3, "the dimension d"),
            "`rank` must be at most the dimension d = 3, got 4",
        ),
        (
            lambda: check_at_most("rank", 0, 3, "the dimension d"),
            "`rank` must be a whole number, at least 1, got 0",
        ),
        (
            lambda: check_choice("loss", "mea", ("mean", "sum")),
            "`loss` must be one of mean, sum, got 'mea'; did you mean 'mean'?",
        ),
        (lambda: check_choice("loss", "x", ("mean", "sum")), "`loss` must be one of mean, sum, got 'x'"),
        (
            lambda: check_finite("x", [1.0, math.inf, math.nan]),
            "`x` must be finite, got 2 entries that are not",
        ),
        (lambda: check_positive("x", [1.0, -2.0]), "`x` must be positive and finite, got -2.0"),
        (
            lambda: check_positive("x", math.inf, "take less"),
            "`x` must be positive and finite, got inf; take less",
        ),
        (lambda: check_positive("x", math.nan), "`x` must be positive and finite, got nan"),
    ],
)
def test_messages(call: Callable[[], object], message: str) -> None:
    """The whole message: one form, without a full stop."""
    with pytest.raises(ModelError) as caught:
        call()
    assert str(caught.value) == message


def test_zero_is_not_positive() -> None:
    with pytest.raises(ModelError, match=r"`x` must be positive and finite, got 0\.0"):
        check_positive("x", [1.0, 0.0])
