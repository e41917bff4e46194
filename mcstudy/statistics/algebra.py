"""Arithmetic of statistics: ``a - b``, ``a / b``, ``np.log(a)`` are statistics again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mcstudy.statistics.expansion import Expanded
    from mcstudy.statistics.statistic import Statistic

__all__ = ["Algebra"]


class Algebra:
    """Operators, and NumPy's functions, that make statistics of statistics and numbers; see `smooth`."""

    def __add__(self, other: Statistic | float) -> Expanded:
        return _applied(np.add, self, other)

    def __radd__(self, other: Statistic | float) -> Expanded:
        return _applied(np.add, other, self)

    def __sub__(self, other: Statistic | float) -> Expanded:
        return _applied(np.subtract, self, other)

    def __rsub__(self, other: Statistic | float) -> Expanded:
        return _applied(np.subtract, other, self)

    def __mul__(self, other: Statistic | float) -> Expanded:
        return _applied(np.multiply, self, other)

    def __rmul__(self, other: Statistic | float) -> Expanded:
        return _applied(np.multiply, other, self)

    def __truediv__(self, other: Statistic | float) -> Expanded:
        return _applied(np.divide, self, other)

    def __rtruediv__(self, other: Statistic | float) -> Expanded:
        return _applied(np.divide, other, self)

    def __pow__(self, other: Statistic | float) -> Expanded:
        return _applied(np.power, self, other)

    def __neg__(self) -> Expanded:
        return _applied(np.negative, self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """``np.log(statistic)``, and what else `jets` knows."""
        from mcstudy.statistics.jets import DERIVATIVES

        if ufunc not in DERIVATIVES or method != "__call__" or options:
            return NotImplemented
        return _applied(ufunc, *inputs)


def _applied(function: np.ufunc, *inputs: Any) -> Expanded:
    # Statistics are made of operators that make statistics: one of the two has to come later.
    from mcstudy.statistics.smooth import smooth

    return smooth(function, *inputs)
