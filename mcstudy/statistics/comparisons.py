"""Two columns of the same replicates compared: ratio, covariance and correlation, relative error and precision.

All but the ratio are made of second moments; see `accuracy` on their errors.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.accuracy import not_negative
from mcstudy.statistics.derived import Quantity, as_estimate, as_large_estimate, derived, one_group
from mcstudy.statistics.expansion import ROUNDING, Expanded, Expansion
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.moments import mean
from mcstudy.statistics.performance import large, measures
from mcstudy.statistics.performance.groups import Groups, sample
from mcstudy.statistics.performance.pairing import Pairs
from mcstudy.statistics.pools import mean_of, peak_of
from mcstudy.statistics.portions import PORTION, in_portions
from mcstudy.statistics.several import columns_of
from mcstudy.statistics.smooth import Smooth, combined, smooth
from mcstudy.statistics.statistic import Estimate
from mcstudy.words import said

__all__ = ["correlation", "covariance", "ratio", "relative_error", "relative_precision"]

LARGEST = float(np.finfo(np.float64).max)


def ratio(a: str, b: str) -> Expanded:
    """Ratio of the means of two columns; nan where the mean of `b` is 0.

    Examples
    --------
    >>> ratio("a", "b").estimate([[1.0, 2.0], [5.0, 2.0]]).value
    1.5
    """
    return smooth(np.divide, mean(a), mean(b), name=f"ratio of {a} to {b}")


def covariance(a: str, b: str) -> Expanded:
    """Unbiased covariance of two columns (divisor n - 1), its error from the fourth moments.

    Too small where these are hidden in heavy tails, as that of the `moments.variance`: by a third on average at 1,000
    replicates of lognormal columns.
    """
    return _Covariance(a, b)


def correlation(a: str, b: str) -> Expanded:
    """Pearson's correlation of two columns, its error from the fourth moments; nan where one does not vary.

    Examples
    --------
    >>> round(correlation("a", "b").estimate([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0]]).value, 12)
    0.5
    """
    parts = covariance(a, b), covariance(a, a), covariance(b, b)
    return smooth(_correlation, *parts, name=f"correlation of {a} and {b}")


def relative_error(se: str, x: str) -> Expanded:
    """Relative error of the model SE: root mean square of the column `se` over the empirical SE of `x`, minus 1.

    nan where the estimates are all equal.

    Raises
    ------
    InputError
        If both columns are one; by the methods, if a standard error is negative.
    """
    _check_different("se", se, x)
    parts = derived(_MEAN_SQUARE, se), covariance(x, x)
    return _RelativeError(se, _ratio_of_roots, parts, f"relative error of {se} for {x}")


def relative_precision(x: str, reference: str) -> Expanded:
    """Relative gain in precision: variance of the reference's estimates over that of `x`, minus 1.

    Both have seen the same data: the error respects that. nan where the estimates in `x` are all equal.

    Raises
    ------
    InputError
        If both columns are one.
    """
    _check_different("reference", reference, x)
    parts = covariance(x, x), covariance(reference, reference)
    return _RelativePrecision(x, _inverse_ratio, parts, f"relative precision of {x} against {reference}")


@dataclass(frozen=True)
class _Covariance(Expanded):
    other: str

    name = "covariance"

    @property
    def label(self) -> str:
        return f"covariance of {self.column} and {self.other}"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.column, self.other

    def expand(self, values: ArrayLike) -> Expansion:
        columns = columns_of(values, self.columns)
        # The influence of a mean is centered exactly where all replicates are equal.
        one, other = (
            mean(name).influence(column) for name, column in zip(self.columns, columns, strict=True)
        )
        factor = one.size / (one.size - 1)
        products = in_portions(lambda own, its: own * its * factor, one, other)
        value = mean_of(products)
        # A product of peaks may pass the largest double, and 0 times infinity is no number.
        largest = min(math.prod(map(peak_of, columns)), LARGEST)
        apart = in_portions(lambda portion: portion - value, products, out=products)
        parts = [
            Expansion.of(value, apart, rounding=ROUNDING * largest),
            Expansion.of(0.0, one),
            Expansion.of(0.0, other),
        ]
        return combined(_less_the_product, parts)


@dataclass(frozen=True)
class _RelativeError(Smooth):
    def estimate(self, values: ArrayLike) -> Estimate:
        se, x = columns_of(values, self.columns)
        if x.size > PORTION:
            return as_large_estimate(large.relative_error, not_negative(se), x)
        with np.errstate(over="ignore", invalid="ignore"):  # a square that overflows is infinite
            groups = one_group(_squared(se)), one_group(x)
        return as_estimate(partial(measures.relative_error, robust=True), *groups)


@dataclass(frozen=True)
class _RelativePrecision(Smooth):
    def estimate(self, values: ArrayLike) -> Estimate:
        columns = columns_of(values, self.columns)
        n = columns[0].size
        if n > PORTION:
            return as_large_estimate(large.relative_precision, *columns)
        both = sample(Groups(np.repeat([0, 1], n), 2), np.concatenate(columns))
        pairs = Pairs(np.array([1, 1]), np.tile(np.arange(n, 2 * n), 2))
        return as_estimate(partial(measures.relative_precision, pairs=pairs, robust=True), both)


def _check_different(argument: str, name: str, x: str) -> None:
    if name == x:
        msg = f"`{argument}` must be another column than `x`, got {said(name)} for both; name what it is compared with"
        raise InputError(msg)


def _squared(se: FloatArray) -> FloatArray:
    return np.square(not_negative(se))


def _less_the_product(mean_product: Any, mean: Any, other: Any) -> Any:
    return mean_product - mean * other


def _correlation(covariance: Any, first: Any, second: Any) -> Any:
    return covariance / np.sqrt(first) / np.sqrt(second)


def _ratio_of_roots(square: Any, variance: Any) -> Any:
    return np.sqrt(square / variance) - 1


def _inverse_ratio(own: Any, reference: Any) -> Any:
    return reference / own - 1


_MEAN_SQUARE = Quantity("mean square", _squared, mean)
