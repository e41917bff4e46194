"""Derivatives against those of high precision, function by function and of their compositions."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics.jets import DERIVATIVES, Jet, differentiate

# Where all functions and their derivatives are defined, and no two terms cancel.
POINT = (0.3, 0.7)
# A derivative takes some ten operations, each rounded.
EXACT = 20 * np.finfo(np.float64).eps

MPMATH: dict[np.ufunc, Callable[..., Any]] = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.divide: lambda a, b: a / b,
    np.power: lambda a, b: a**b,
    np.positive: lambda a: +a,
    np.negative: lambda a: -a,
    np.square: lambda a: a * a,
    np.sqrt: mpmath.sqrt,
    np.exp: mpmath.exp,
    np.expm1: mpmath.expm1,
    np.log: mpmath.log,
    np.log1p: mpmath.log1p,
    np.log2: lambda a: mpmath.log(a, 2),
    np.log10: mpmath.log10,
    np.tanh: mpmath.tanh,
    np.arctanh: mpmath.atanh,
}


def jets(point: tuple[float, ...]) -> list[Jet | float]:
    """The variables at a point."""
    size = len(point)
    return [Jet(value, row, np.zeros((size, size))) for value, row in zip(point, np.eye(size), strict=True)]


def reference(function: Callable[..., Any], point: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian at 30 digits."""
    orders = np.eye(len(point), dtype=int)
    with mpmath.workdps(30):
        gradient = [float(mpmath.diff(function, point, tuple(map(int, one)))) for one in orders]
        hessian = [
            [float(mpmath.diff(function, point, tuple(map(int, one + other)))) for other in orders]
            for one in orders
        ]
    return np.array(gradient), np.array(hessian)


def close(jet: Jet, function: Callable[..., Any], point: tuple[float, ...], digits: float = EXACT) -> bool:
    gradient, hessian = reference(function, point)
    return np.allclose(jet.gradient, gradient, digits, digits) and np.allclose(
        jet.hessian, hessian, digits, digits
    )


@pytest.mark.parametrize("ufunc", DERIVATIVES, ids=lambda ufunc: ufunc.__name__)
def test_each_function_against_high_precision(ufunc: np.ufunc) -> None:
    point = POINT[: ufunc.nin]
    jet = differentiate(ufunc, jets(point), ufunc.nin)
    assert jet.value == ufunc(*point)
    assert close(jet, MPMATH[ufunc], point)


@pytest.mark.parametrize("ufunc", DERIVATIVES, ids=lambda ufunc: ufunc.__name__)
def test_a_wrong_derivative_would_be_seen(ufunc: np.ufunc, monkeypatch: pytest.MonkeyPatch) -> None:
    partials, point = DERIVATIVES[ufunc], POINT[: ufunc.nin]
    for order in (0, 1):

        def wrong(*values: Any, order: int = order) -> tuple[np.ndarray, np.ndarray]:
            first, second = (np.array(part, dtype=np.float64) for part in partials(*values))
            return (first + 1e-6, second) if order == 0 else (first, second + 1e-6)

        monkeypatch.setitem(DERIVATIVES, ufunc, wrong)
        assert not close(differentiate(ufunc, jets(point), ufunc.nin), MPMATH[ufunc], point)


def test_a_composition_against_high_precision() -> None:
    def composed(a: Any, b: Any, c: Any) -> Any:
        return 2 - np.log(a / b) ** 3 * np.sqrt(c + 1) / (1 + a * a) - b

    def plain(a: Any, b: Any, c: Any) -> Any:
        return 2 - mpmath.log(a / b) ** 3 * mpmath.sqrt(c + 1) / (1 + a * a) - b

    point = (0.4, 1.7, 2.5)
    jet = differentiate(composed, jets(point), 3)
    assert jet.value == pytest.approx(float(composed(*point)), rel=EXACT)
    assert close(jet, plain, point)


def test_jets_of_functions_obey_the_chain_rule() -> None:
    a, b = jets((0.4, 1.7))
    inner = differentiate(lambda a, b: np.log(a) * b, [a, b], 2)
    outer = differentiate(lambda c, b: np.exp(-c) / b, [inner, b], 2)
    direct = differentiate(lambda a, b: a ** (-b) / b, [a, b], 2)
    for name in ("value", "gradient", "hessian"):
        np.testing.assert_allclose(getattr(outer, name), getattr(direct, name), rtol=EXACT)


def test_what_does_not_move_is_a_number() -> None:
    # A negative base has no logarithm, which the derivative by the exponent would take.
    jet = differentiate(lambda a, b: a**b, [*jets((-2.0,)), 3.0], 1)
    assert (jet.value, jet.gradient.tolist(), jet.hessian.tolist()) == (-8.0, [12.0], [[-12.0]])
    # Where a root of 0 moves it has no derivative; where it does not move it needs none.
    assert not np.isfinite(differentiate(np.sqrt, jets((0.0,)), 1).gradient[0])
    assert differentiate(lambda a, b: a + np.sqrt(b), [*jets((1.0,)), 0.0], 1).gradient[0] == 1.0


def test_a_function_of_nothing_is_constant() -> None:
    jet = differentiate(lambda a: 3, jets((2.0,)), 1)
    assert (jet.value, jet.gradient.tolist(), jet.hessian.tolist()) == (3.0, [0.0], [[0.0]])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (np.floor, r"NumPy's arctanh, exp, .*, but raised TypeError: .*; take `custom` for other functions"),
        (lambda a: a if a > 0 else -a, "but raised TypeError: .*'greater'"),
        (lambda a: a * np.ones(2), "but raised TypeError: .*'multiply'"),
        (lambda a: np.add.outer(a, a), "but raised TypeError: .*'outer'"),
        (lambda a: np.exp(a, where=True), "but raised TypeError: .*where=True"),
        (lambda a, b: a, "but raised TypeError: .* missing 1 required positional argument"),
        (lambda a: vars(np)["nothing"], "but raised KeyError: 'nothing'"),
        (lambda a: "1.0", "`function` must return a number, got str; combine statistics into one"),
        (lambda a: (a, a), "`function` must return a number, got tuple"),
    ],
)
def test_misuse(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        differentiate(function, jets((1.0,)), 1)
