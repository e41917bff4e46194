"""Numbers that know how they change: a value with its gradient and its Hessian.

A function that is made of arithmetic and NumPy's functions is called once, with jets in place of numbers, and brings
its derivatives along: automatic differentiation, exact to second order.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray

__all__ = ["DERIVATIVES", "Jet", "differentiate"]

Number = Any
Partials = tuple[Sequence[Number], Sequence[Sequence[Number]]]


def _power(a: Number, b: Number) -> Partials:
    log, power = np.log(a), a**b
    mixed = a ** (b - 1) * (1 + b * log)
    return (b * a ** (b - 1), power * log), ((b * (b - 1) * a ** (b - 2), mixed), (mixed, power * log**2))


def _unary(
    first: Callable[[Number], Number], second: Callable[[Number], Number]
) -> Callable[[Number], Partials]:
    return lambda a: ((first(a),), ((second(a),),))


# Of each function its partial derivatives, first and second.
DERIVATIVES: dict[np.ufunc, Callable[..., Partials]] = {
    np.add: lambda a, b: ((1, 1), ((0, 0), (0, 0))),
    np.subtract: lambda a, b: ((1, -1), ((0, 0), (0, 0))),
    np.multiply: lambda a, b: ((b, a), ((0, 1), (1, 0))),
    np.divide: lambda a, b: ((1 / b, -a / b / b), ((0, -1 / b / b), (-1 / b / b, 2 * a / b / b / b))),
    np.power: _power,
    np.positive: _unary(lambda a: 1, lambda a: 0),
    np.negative: _unary(lambda a: -1, lambda a: 0),
    np.square: _unary(lambda a: 2 * a, lambda a: 2),
    np.sqrt: _unary(lambda a: 0.5 / np.sqrt(a), lambda a: -0.25 / (a * np.sqrt(a))),
    np.exp: _unary(np.exp, np.exp),
    np.expm1: _unary(np.exp, np.exp),
    np.log: _unary(lambda a: 1 / a, lambda a: -1 / a / a),
    np.log1p: _unary(lambda a: 1 / (1 + a), lambda a: -1 / (1 + a) ** 2),
    np.log2: _unary(lambda a: 1 / a / math.log(2), lambda a: -1 / a / a / math.log(2)),
    np.log10: _unary(lambda a: 1 / a / math.log(10), lambda a: -1 / a / a / math.log(10)),
    np.tanh: _unary(lambda a: 1 - np.tanh(a) ** 2, lambda a: -2 * np.tanh(a) * (1 - np.tanh(a) ** 2)),
    np.arctanh: _unary(lambda a: 1 / (1 - a**2), lambda a: 2 * a / (1 - a**2) ** 2),
}


@dataclass(frozen=True, eq=False)
class Jet(NDArrayOperatorsMixin):
    """A function of k variables at a point, to second order.

    Parameters
    ----------
    value : float
    gradient : ndarray of shape (k,)
    hessian : ndarray of shape (k, k)
    """

    value: float
    gradient: FloatArray
    hessian: FloatArray

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Apply the chain rule."""
        partials = DERIVATIVES.get(ufunc)
        if not partials or method != "__call__" or options or not all(map(_is_number, inputs)):
            return NotImplemented
        moving = [isinstance(given, Jet) for given in inputs]
        jets = [given for given in inputs if isinstance(given, Jet)]
        values = [given.value if isinstance(given, Jet) else np.float64(given) for given in inputs]
        first, second = (np.asarray(part, dtype=np.float64) for part in partials(*values))
        # By what does not move there is nothing to differentiate: a ** 2 has no logarithm of a negative a.
        first, second = first[moving], second[np.ix_(moving, moving)]
        gradients = np.stack([jet.gradient for jet in jets])
        hessian = gradients.T @ second @ gradients
        hessian += np.tensordot(first, np.stack([jet.hessian for jet in jets]), axes=1)
        return Jet(ufunc(*values), first @ gradients, hessian)


def differentiate(function: Callable[..., Any], arguments: Sequence[Jet | float], variables: int) -> Jet:
    """Call a function with jets.

    Parameters
    ----------
    function : callable
        Made of ``+ - * / **`` and NumPy's functions of `DERIVATIVES`.
    arguments : sequence of Jet or float
        Those that do not move are numbers.
    variables : int
        How many there are, k, of all jets.

    Returns
    -------
    Jet
        Not finite where the function or a derivative is not.

    Raises
    ------
    InputError
        If the function raises, is made of anything else, or returns no number.

    Examples
    --------
    >>> a, b = (Jet(value, row, np.zeros((2, 2))) for value, row in zip([2.0, 4.0], np.eye(2)))
    >>> jet = differentiate(lambda a, b: np.log(a / b), [a, b], 2)
    >>> round(float(jet.value), 3), jet.gradient.tolist(), jet.hessian.tolist()
    (-0.693, [0.5, -0.25], [[-0.25, 0.0], [0.0, 0.0625]])
    """
    with np.errstate(all="ignore"):
        try:
            result = function(*arguments)
        except Exception as error:  # it is the author's function, and may raise anything
            msg = (
                f"`function` must be made of + - * / ** and NumPy's {', '.join(_known())}, but raised "
                f"{type(error).__name__}: {error}; take `custom` for other functions"
            )
            raise InputError(msg) from error
    if not _is_number(result):
        msg = f"`function` must return a number, got {type(result).__name__}; combine statistics into one"
        raise InputError(msg)
    constant = np.zeros(variables), np.zeros((variables, variables))
    return result if isinstance(result, Jet) else Jet(float(result), *constant)


def _is_number(given: Any) -> bool:
    return isinstance(given, (Jet, Real))


def _known() -> list[str]:
    return sorted(ufunc.__name__ for ufunc in DERIVATIVES if ufunc.nin == 1)
