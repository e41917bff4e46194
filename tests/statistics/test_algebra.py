"""Operators of statistics: each against the same operation on numbers."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import mean
from mcstudy.statistics.accuracy import mse
from mcstudy.statistics.smooth import smooth

VALUES = np.random.default_rng(1).standard_exponential((50, 2))
A, B = mse("a", 0.0), mse("b", 0.0)
# Two sums of 50 terms, each rounded.
ROUNDED = 100 * np.finfo(np.float64).eps


@pytest.mark.parametrize(
    "operation", [operator.add, operator.sub, operator.mul, operator.truediv], ids=lambda f: f.__name__
)
def test_operators_against_numbers(operation: Callable[[Any, Any], Any]) -> None:
    a, b = np.mean(VALUES**2, axis=0)
    assert operation(A, B).estimate(VALUES).value == pytest.approx(operation(a, b), rel=ROUNDED)
    assert operation(A, 3).estimate(VALUES[:, 0]).value == pytest.approx(operation(a, 3), rel=ROUNDED)
    assert operation(3, A).estimate(VALUES[:, 0]).value == pytest.approx(operation(3, a), rel=ROUNDED)
    # Of the two only one is a statistic that knows operators.
    for one, other in ((mean("a"), B), (B, mean("a"))):
        expected = operation(*(VALUES[:, 0].mean() if part is not B else b for part in (one, other)))
        values = VALUES if one is not B else VALUES[:, ::-1]
        assert operation(one, other).estimate(values).value == pytest.approx(expected, rel=ROUNDED)


def test_unary_operators_and_numpy() -> None:
    a = np.mean(VALUES[:, 0] ** 2)
    for statistic, expected in [
        (-A, -a),
        (A**0.5, a**0.5),
        (np.log(A), np.log(a)),
        (np.float64(2) * A, 2 * a),
        (np.exp(-np.sqrt(A)), np.exp(-np.sqrt(a))),
    ]:
        assert statistic.estimate(VALUES[:, 0]).value == pytest.approx(expected, rel=ROUNDED)


def test_operators_and_smooth_say_the_same() -> None:
    assert smooth(np.subtract, A, B) == A - B
    assert np.log(A / B) == smooth(np.log, smooth(np.divide, A, B))
    assert (A / B - 1).label == "(MSE of a / MSE of b) - 1"
    assert A != B


def test_misuse() -> None:
    statistic: Any = A
    with pytest.raises(InputError, match="`statistics` must be statistics or finite numbers, got 'x'"):
        _ = statistic - "x"
    with pytest.raises(TypeError, match="floor"):
        np.floor(statistic)
    with pytest.raises(TypeError, match="reduce"):
        np.add.reduce(statistic)
    with pytest.raises(TypeError, match="'<' not supported"):
        _ = statistic < 1
