r"""Mean of a column, less what control variates tell of its error: columns whose expectation is known.

The estimate is the regression of x on the controls y, read at their expectations mu:

    mean(x) - b (mean(y) - mu),    b = cov(x, y) / var(y),

with b from the same replicates. Its standard error is that of the jackknife, in closed form: of a mean of residuals, of
which each is divided by one less its leverage. So a replicate that draws the line to itself does not hide its error.

That b is estimated costs a term of second order, ``-(mean(y) - mu) (b - beta)``, which biases by a multiple of 1/n
where x is not linear in y. It is a product of two means, and goes into the remainder of the limits.

A control that does not vary, at its expectation, has no say: the plain mean is left. Away from its expectation it has
values that no replicate has shown yet, or the expectation is wrong: the replicates do not define the estimate then.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.checks import is_real
from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import ROUNDING, Expanded, Expansion, undefined
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.jets import Jet
from mcstudy.statistics.moments import mean
from mcstudy.statistics.pools import count_where, mean_of, peak_of, product_of, total
from mcstudy.statistics.portions import chosen, filled, in_portions
from mcstudy.statistics.several import columns_of
from mcstudy.statistics.statistic import Statistic
from mcstudy.statistics.truth import bound
from mcstudy.words import said

__all__ = ["Expectation", "controlled"]

Expectation = float | Callable[..., float]

# What others leave of a control, relative to it, is its rounding below this.
COLLINEAR = 1e-9

# Leverages sum to one more than there are controls, so few are above; there one less them is off by rounding.
LARGE_LEVERAGE = 0.5


def controlled(
    column: str,
    control: str | Sequence[str] | None,
    expectation: Expectation | Sequence[Expectation] | None,
) -> Expanded:
    """Mean of a column by its regression on controls; see `moments.mean` for arguments and errors.

    Examples
    --------
    >>> statistic = controlled("x", "y", 1.0)
    >>> statistic.label, statistic.estimate([[2.0, 0.0], [4.0, 2.0], [7.0, 4.0], [9.0, 6.0]]).value
    ('mean of x controlled by y', 3.1)
    """
    if control is None:
        msg = f"`control` must go with `expectation`, got {said(control)} with {said(expectation)}; name the column whose mean that is"
        raise InputError(msg)
    controls = tuple(control) if isinstance(control, (tuple, list)) else (control,)
    right = all(isinstance(name, str) and name and name != column for name in controls)
    if not (controls and right and len(set(controls)) == len(controls)):
        msg = f"`control` must be the name of another column than {said(column)}, or several names, got {said(control)}; name a column with a known mean"
        raise InputError(msg)
    if expectation is None:
        msg = f"`expectation` must go with `control`, got {said(expectation)} with {said(control)}; state the mean that theory knows"
        raise InputError(msg)
    expectations = tuple(expectation) if isinstance(expectation, (tuple, list)) else (expectation,)
    if len(expectations) != len(controls):
        msg = f"`expectation` must have one for each control, got {len(expectations)} for {', '.join(controls)}; write them in this order"
        raise InputError(msg)
    for stated in expectations:
        if not (callable(stated) or is_real(stated)):
            msg = f"`expectation` must be a finite number or a function of factors, got {said(stated)}; state the mean that theory knows"
            raise InputError(msg)
    return _Controlled(column, controls, expectations)


@dataclass(frozen=True)
class _Controlled(Expanded):
    controls: tuple[str, ...]
    expectations: tuple[Expectation, ...]

    name = "controlled mean"
    shared = True

    @property
    def label(self) -> str:
        return f"mean of {self.column} controlled by {', '.join(self.controls)}"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.column, *self.controls

    @property
    def fewest(self) -> int:
        """So many that a line is left, with a degree of freedom, without any of them."""
        return len(self.controls) + 3

    def at(self, scenario: Mapping[str, Any]) -> Statistic:
        if not any(map(callable, self.expectations)):
            return self
        stated: Any = tuple(bound("expectation", given, scenario) for given in self.expectations)
        return replace(self, expectations=stated)

    def expand(self, values: ArrayLike) -> Expansion:
        x, *controls = columns_of(values, self.columns)
        if x.size < self.fewest:
            msg = f"`values` must hold at least {self.fewest} replicates for a line of {', '.join(self.controls)}, got {x.size}; draw more"
            raise InputError(msg)
        fitted = _fit(x, controls, self._numbers())
        if not fitted.defined:
            return undefined(x.size)
        left_out = in_portions(_left_out, fitted.deviations, fitted.leverages)
        for index in _large(fitted.leverages):
            rest = np.ones(x.size, dtype=np.bool_)
            rest[index] = False
            others = [chosen(column, rest) for column in (x, *controls)]
            left_out[index] = fitted.value - _fit(others[0], others[1:], self._numbers()).value
        center, factor = mean(self.column).estimate(left_out).value, x.size - 1
        return _with_slopes(fitted, in_portions(lambda portion: factor * (portion - center), left_out))

    def _numbers(self) -> list[float]:
        numbers = [float(stated) for stated in self.expectations if not callable(stated)]
        if len(numbers) < len(self.expectations):
            msg = (
                f"`expectation` of the {self.label} must be bound to a scenario, "
                f"got a function of factors; call statistic.at(scenario)"
            )
            raise InputError(msg)
        return numbers


class _Fit(NamedTuple):
    """A regression on k orthonormal combinations of the controls, those of them that vary.

    Attributes
    ----------
    value : float
        What it is at the expectations.
    defined : bool
        False where the expectations are off the plane that the controls lie in.
    scores : list of k arrays of shape (n,)
    residuals : ndarray of shape (n,)
    deviations : ndarray of shape (n,)
        What each residual adds to the value.
    leverages : ndarray of shape (n,)
    rounding : float
        Influences of at most this magnitude are rounding errors of 0.
    """

    value: float
    defined: bool
    scores: list[FloatArray]
    residuals: FloatArray
    deviations: FloatArray
    leverages: FloatArray
    rounding: float


def _fit(x: FloatArray, controls: Sequence[FloatArray], expectations: Sequence[float]) -> _Fit:
    """Least squares; a control that does not vary, or not but with those before it, has no say."""
    center, n = mean("x").estimate(x).value, x.size
    residuals = _around(x, center)
    value, largest = center, peak_of(x)
    scores: list[FloatArray] = []
    steps: list[float] = []
    defined = True
    weights, leverages = filled(n, 1 / n), filled(n, 1 / n)
    for control, expectation in zip(controls, expectations, strict=True):
        score, step = _score(control, expectation, scores, steps)
        if score is None:
            defined = defined and not step
            continue
        scores.append(score)
        steps.append(step)
        slope = product_of(score, residuals)
        residuals = _less(residuals, slope, score)
        value += slope * step
        largest += abs(slope) * peak_of(score)
        weights = _less(weights, -step, score)
        leverages = in_portions(lambda own, unit: own + np.square(unit), leverages, score, out=leverages)
    rounding = ROUNDING * largest * n * peak_of(weights)
    deviations = in_portions(np.multiply, weights, residuals)
    return _Fit(value, defined, scores, residuals, deviations, leverages, rounding)


def _around(row: FloatArray, center: float) -> FloatArray:
    return in_portions(lambda portion: portion - center, row)


def _less(row: FloatArray, share: float, other: FloatArray) -> FloatArray:
    """A row less its share of another: written over."""
    return in_portions(lambda own, its: own - share * its, row, other, out=row)


def _left_out(deviations: FloatArray, leverages: FloatArray) -> FloatArray:
    """What the fit without each replicate would deviate by, of those whose leverage is small."""
    return np.asarray(deviations / (1 - np.minimum(leverages, LARGE_LEVERAGE)))


def _large(leverages: FloatArray) -> list[int]:
    """Where leverages are too large for that formula."""
    if not count_where(lambda portion: portion > LARGE_LEVERAGE, leverages):
        return []
    return [int(index) for index in np.flatnonzero(leverages > LARGE_LEVERAGE)]


def _score(
    control: FloatArray, expectation: float, scores: Sequence[FloatArray], steps: Sequence[float]
) -> tuple[FloatArray | None, float]:
    """What a control adds to those before it, of norm 1, and how far from its mean its expectation is.

    Where it adds nothing: how far its expectation is from where those of the others put it, 0 where that is rounding.
    """
    center = mean("y").estimate(control).value
    row, step = _around(control, center), expectation - center
    peak = peak_of(row)
    if peak <= ROUNDING * peak_of(control):
        row, peak = filled(row.size, 0.0), 1.0
    row, step = in_portions(lambda portion: portion / peak, row, out=row), step / peak
    whole = math.sqrt(total(row, np.square))
    for _ in range(2):  # what rounding leaves the first time is orthogonal after the second
        for score, other in zip(scores, steps, strict=True):
            share = product_of(score, row)
            row, step = _less(row, share, score), step - share * other
    norm = math.sqrt(total(row, np.square))
    if norm > COLLINEAR * whole:
        return in_portions(lambda portion: portion / norm, row, out=row), step / norm
    scale = abs(expectation) + abs(center) + peak_of(control)
    return None, step if abs(step) * peak > COLLINEAR * scale else 0.0


def _with_slopes(fitted: _Fit, influence: FloatArray) -> Expansion:
    """Expansion whose second order is that of products of the controls' errors with those of their slopes."""
    n, k = influence.size, len(fitted.scores)
    # Of variance 1, so that slopes are means of products.
    units = [in_portions(lambda portion: portion * math.sqrt(n), score) for score in fitted.scores]
    left_out = in_portions(_left_out, fitted.residuals, fitted.leverages)
    slopes = []
    for unit in units:
        products = in_portions(np.multiply, unit, left_out)
        slopes.append(_around(products, mean_of(products)))
    gradient, hessian = np.zeros(2 * k + 1), np.zeros((2 * k + 1, 2 * k + 1))
    gradient[0] = 1.0
    for j in range(1, k + 1):
        hessian[j, k + j] = hessian[k + j, j] = -1.0
    roundings = np.zeros(2 * k + 1)
    roundings[0] = fitted.rounding
    jet = Jet(np.float64(fitted.value), gradient, hessian)
    return Expansion(jet, (influence, *units, *slopes), np.zeros(2 * k + 1), roundings)
