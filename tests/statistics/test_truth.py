"""What estimates are compared with: numbers, columns, functions of factors."""

import math
from typing import Any

import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics.truth import bound, check_truth


@pytest.mark.parametrize("truth", [0, 1.5, "theta", lambda n: 1 / n])
def test_what_may_be_a_truth(truth: Any) -> None:
    check_truth("truth", truth)


@pytest.mark.parametrize("truth", [None, math.nan, math.inf, True, [1.0]])
def test_what_may_not(truth: Any) -> None:
    with pytest.raises(
        InputError, match="`truth` must be a finite number, a column or a function of factors, got"
    ):
        check_truth("truth", truth)


def test_a_function_reads_the_factors_that_it_names() -> None:
    assert bound("truth", lambda d: d**2, {"n": 10, "d": 3}) == 9.0
    assert bound("truth", 2.5, {"n": 10}) == 2.5
    assert bound("truth", "theta", {"n": 10}) == "theta"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda m: m, "`level` must name factors only, got the parameter m; factors: n"),
        (lambda n: 1 / (n - 4), "`level` must give a number in .*, but raised ZeroDivisionError"),
        (lambda n: "1", "`level` must give a finite number in .*, got '1'; mend the function"),
        (lambda n: math.nan, "`level` must give a finite number in .*, got nan"),
    ],
)
def test_misuse(function: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bound("level", function, {"n": 4})
