"""Measures of one large group, a portion at a time: to rounding those of `measures`, which hold all of its rows."""

import numpy as np

from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.moments import mean
from mcstudy.statistics.pools import mean_of, product_of, total
from mcstudy.statistics.portions import in_portions

__all__ = ["empirical_se", "relative_error", "relative_precision"]

Number = np.float64  # of NumPy: over 0 it is nan or infinite, as in `measures`


def empirical_se(estimates: FloatArray) -> tuple[Number, Number]:
    """Standard deviation of estimates, shape (n,), with its robust standard error."""
    squares, n = _squares(estimates), estimates.size
    center, factor = Number(mean_of(squares)), n / (n - 1)
    root = np.sqrt(center * factor)
    error = factor * np.sqrt(total(squares, lambda portion: np.square(portion - center)) / (n - 1) / n)
    return root, error if root == 0 else error / (2 * root)


def relative_error(errors: FloatArray, estimates: FloatArray) -> tuple[Number, Number]:
    """Model SE over empirical SE, minus 1, of standard errors and estimates, shape (n,); with its robust standard error."""
    variances, squares, n = in_portions(np.square, errors), _squares(estimates), estimates.size
    model, empirical = np.sqrt(Number(mean_of(variances))), np.sqrt(Number(mean_of(squares)) * n / (n - 1))
    ratio = _quotient(model, empirical)
    return ratio - 1, ratio * (n / (n - 1) / 2 * _apart(variances, squares))


def relative_precision(estimates: FloatArray, reference: FloatArray) -> tuple[Number, Number]:
    """Variance of the reference over that of the estimates, minus 1, both of shape (n,) and paired; with its error."""
    own, other = _squares(estimates), _squares(reference)
    ratio = _quotient(Number(mean_of(other)), Number(mean_of(own)))
    return ratio - 1, ratio * _apart(other, own)


def _squares(values: FloatArray) -> FloatArray:
    deviations = mean("x").influence(values)  # exactly 0 where all values are equal
    return in_portions(np.square, deviations, out=deviations)


def _apart(one: FloatArray, other: FloatArray) -> Number:
    """Standard error of the log ratio of the means of two samples, paired by index, by the difference of their influences."""
    n, centers = one.size, (Number(mean_of(one)), Number(mean_of(other)))

    def difference(own: FloatArray, its: FloatArray) -> FloatArray:
        influences = [
            (portion - center) / (n * center) for portion, center in zip((own, its), centers, strict=True)
        ]
        # What has no mean has no influence.
        first, second = (np.where(np.isnan(influence), 0.0, influence) for influence in influences)
        return np.asarray(first - second)

    differences = in_portions(difference, one, other)
    return Number(np.sqrt(product_of(differences, differences)))


def _quotient(numerator: Number, denominator: Number) -> Number:
    return Number(np.nan) if denominator == 0 else numerator / denominator
