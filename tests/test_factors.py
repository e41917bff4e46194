"""Functions of factors: each receives what it names."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mcstudy.exceptions import StudyError
from mcstudy.factors import call_with_factors, unknown_factors

FACTORS = {"n": 4, "d": 3}


class Law:
    """A callable without a hash, as a dataclass with eq is."""

    __hash__ = None  # type: ignore[assignment]

    def __call__(self, d: int) -> int:
        return 10 * d

    def __eq__(self, other: object) -> bool:
        return self is other

    def method(self, n: int, d: int) -> int:
        return n - d


def power(n: int, exponent: float = -0.5) -> float:
    return float(n**exponent)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda n: n, 4),
        (lambda d, n: (d, n), (3, 4)),
        (lambda: 7, 7),
        (lambda **rest: rest, FACTORS),
        (lambda n, **rest: (n, rest), (4, {"d": 3})),
        (lambda n, *, d=9: d, 3),
        (lambda n, *more: more, ()),
        (power, 0.5),
        (partial(power, exponent=-1.0), 0.25),
        (Law(), 30),
        (Law().method, 1),
    ],
)
def test_a_function_gets_the_factors_that_it_names(function: Callable[..., Any], expected: Any) -> None:
    assert call_with_factors(function, FACTORS) == expected
    assert unknown_factors(function, FACTORS) == ""


def test_a_factor_does_not_change_what_partial_has_settled() -> None:
    """`n` is bound: a factor of that name must not take its place."""
    assert call_with_factors(partial(lambda n, d: (n, d), n=9), FACTORS) == (9, 3)
    assert call_with_factors(partial(partial(power, n=16), exponent=-1.0), FACTORS) == 1 / 16


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda m: m, "the parameter m"),
        (lambda n, m, k: m, "the parameters m, k"),
        (lambda scenario: scenario["n"], "the parameter scenario"),
        (math.sqrt, "the parameter x"),
    ],
)
def test_what_is_no_factor_is_refused_with_the_factors(function: Callable[..., Any], named: str) -> None:
    rule = f"must name factors only, got {named}; factors: n, d; write a function of the factors it reads, such as `lambda n: ...`"
    assert unknown_factors(function, FACTORS) == rule
    with pytest.raises(StudyError) as caught:
        call_with_factors(function, FACTORS)
    assert str(caught.value) == rule


@pytest.mark.parametrize("function", [math.sqrt, lambda x, /, **rest: x ** (1 / rest.get("n", 2))])
def test_parameters_by_position_are_named_too(function: Callable[..., Any]) -> None:
    assert call_with_factors(function, {"x": 9}) == 3.0


def test_without_factors_the_message_says_so() -> None:
    assert "factors: none; write" in unknown_factors(lambda m: m, {})


def test_errors_of_the_function_are_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        call_with_factors(lambda n: n / 0, FACTORS)
