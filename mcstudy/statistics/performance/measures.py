"""The performance measures of simulation studies and their Monte Carlo standard errors, group by group.

The formulas are those of T. P. Morris, I. R. White and M. J. Crowther, "Using simulation studies to evaluate
statistical methods", Statistics in Medicine 38 (2019) 2074-2102, table 6; the robust errors are those of I. R.
White, "simsum: Analyses of simulation studies including Monte Carlo error", Stata Journal 10 (2010) 369-385,
with the factors n/(n - 1) that simsum gives them. All arrays are of shape (groups,); a measure that is not
defined in a group is nan there.
"""

from typing import NamedTuple

import numpy as np

from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.performance.groups import Groups, Sample, sample
from mcstudy.statistics.performance.pairing import Pairs

__all__ = [
    "Measured",
    "average",
    "covered",
    "empirical_se",
    "proportion",
    "relative_bias",
    "relative_error",
    "relative_precision",
    "root_mean",
]


class Measured(NamedTuple):
    """A measure in each group.

    Parameters
    ----------
    estimate, mcse : ndarray of shape (groups,)
        The measure and its Monte Carlo standard error.
    trials : ndarray of shape (groups,), optional
        Of a proportion: from how many replicates.
    """

    estimate: FloatArray
    mcse: FloatArray
    trials: FloatArray | None = None


def average(values: Sample) -> Measured:
    """Mean: the bias of errors, the MSE of squared errors, the width of widths."""
    return Measured(values.mean, values.error)


def relative_bias(groups: Groups, errors: FloatArray, truths: FloatArray) -> Measured:
    """Mean of errors over truths, each of shape (rows,); nan where a truth of the group is 0."""
    undefined = groups.count(truths == 0) > 0
    measured = average(sample(groups, errors / np.where(truths == 0, np.nan, truths)))
    return Measured(*(np.where(undefined, np.nan, numbers) for numbers in measured[:2]))


def root_mean(squares: Sample) -> Measured:
    """Root of a mean: the RMSE of squared errors, the model SE of squared standard errors."""
    root = np.sqrt(squares.mean)
    # Where all squares are 0 their error is 0 as well, and the delta method would divide them.
    return Measured(root, np.where(root == 0, squares.error, squares.error / (2 * root)))


def proportion(hits: Sample) -> Measured:
    """Share of ones among zeros and ones, with the binomial error.

    None or all of n say that the other outcome is rare, not that it is impossible: in place of an error of 0
    stands the standard deviation of the share given the data, under the prior of Jeffreys,
    Beta(1/2, n + 1/2).
    """
    n, share = hits.size, hits.mean
    binomial = np.sqrt(share * (1 - share) / n)
    jeffreys = np.sqrt((n + 1 / 2) / 2 / (n + 2)) / (n + 1)
    mcse = np.where((share == 0) | (share == 1), jeffreys, binomial)
    return Measured(share, np.where(n < 2, np.nan, mcse), n)


def covered(lower: FloatArray, upper: FloatArray, point: FloatArray) -> FloatArray:
    """1 where ``lower <= point <= upper``, 0 where not, nan where one of them is missing; shape (rows,)."""
    missing = np.isnan(lower) | np.isnan(upper) | np.isnan(point)
    return np.where(missing, np.nan, (lower <= point) & (point <= upper))


def empirical_se(estimates: Sample, *, robust: bool) -> Measured:
    """Standard deviation of the estimates."""
    measured = root_mean(_squares(estimates, estimates.size / estimates.degrees))
    if robust:
        return measured
    return Measured(measured.estimate, measured.estimate / np.sqrt(2 * estimates.degrees))


def relative_error(variances: Sample, estimates: Sample, *, robust: bool) -> Measured:
    """Model SE over empirical SE, minus 1; `variances` are squared standard errors."""
    model, empirical = root_mean(variances), empirical_se(estimates, robust=robust)
    ratio = _quotient(model.estimate, empirical.estimate)
    if robust:
        influence = _present(_relative(variances)) - _present(_relative(_squares(estimates)))
        factor = estimates.size / estimates.degrees
        spread = factor / 2 * np.sqrt(estimates.groups.sum(influence**2))
        relative = np.where(variances.size < 2, np.nan, spread)
    else:
        relative = np.hypot(model.mcse / model.estimate, empirical.mcse / empirical.estimate)
    return Measured(ratio - 1, ratio * relative)


def relative_precision(estimates: Sample, pairs: Pairs, *, robust: bool) -> Measured:
    """Variance of the reference over that of the group, minus 1; the error respects the pairs."""
    ratio = _quotient(pairs.of_group(estimates.variance), estimates.variance)
    spread = _paired_spread(estimates, pairs) if robust else _normal_spread(estimates, pairs)
    return Measured(ratio - 1, ratio * spread)


def _paired_spread(estimates: Sample, pairs: Pairs) -> FloatArray:
    """Standard error of the log ratio of two variances, by the difference of their influences."""
    groups = estimates.groups
    own = _relative(_squares(estimates))
    partner = pairs.of_row(own)
    differences = groups.sum((_present(partner) - _present(own)) ** 2)
    # Replicates that only the reference has: exactly 0, not a rounding, where there are none.
    alone = pairs.of_group(groups.sum(own**2)) - groups.sum(partner**2)
    all_paired = groups.count(~np.isnan(partner)) == pairs.of_group(estimates.size)
    return np.sqrt(differences + np.where(all_paired, 0.0, np.maximum(alone, 0.0)))


def _normal_spread(estimates: Sample, pairs: Pairs) -> FloatArray:
    """The same for normal estimates, ``2 sqrt((1 - r^2) / (pairs - 1))``, r their correlation."""
    groups = estimates.groups
    partner = pairs.of_row(estimates.deviations)
    own_paired = sample(groups, np.where(np.isnan(partner), np.nan, estimates.deviations))
    partner_paired = sample(groups, np.where(np.isnan(estimates.deviations), np.nan, partner))
    own, other = _standardised(own_paired), _standardised(partner_paired)
    # (1 - r)(1 + r): estimates that agree have exactly no error.
    uncorrelated = groups.sum((own - other) ** 2) * groups.sum((own + other) ** 2) / 4
    return 2 * np.sqrt(uncorrelated / own_paired.degrees)


def _standardised(values: Sample) -> FloatArray:
    """Deviations over the root of their sum of squares."""
    return values.deviations / values.groups.spread(np.sqrt(values.groups.sum(values.deviations**2)))


def _squares(values: Sample, factor: FloatArray | None = None) -> Sample:
    """Squared deviations, times a factor of the group."""
    squares = values.deviations**2
    return sample(values.groups, squares if factor is None else squares * values.groups.spread(factor))


def _relative(squares: Sample) -> FloatArray:
    """Influence of each row on the logarithm of a mean: ``(square / mean - 1) / n``."""
    return squares.deviations / squares.groups.spread(squares.size * squares.mean)


def _present(influence: FloatArray) -> FloatArray:
    """What is missing has no influence."""
    return np.where(np.isnan(influence), 0.0, influence)


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """A ratio that is nan, not infinite, over 0."""
    return np.where(denominator == 0, np.nan, numerator / denominator)
