"""A power law fitted to estimates at several levels: its exponent, its honest error, a test of its form.

The regression is that of log y on log x, weighted by the precision of log y. Two errors of the exponent are
computed: what the sampling of y alone explains, and what the scatter around the line shows. The larger one
counts.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray, tail_probability

__all__ = ["PowerLaw", "fit_power_law", "upper_half"]

EPS = float(np.finfo(np.float64).eps)
# The leave-one-out residual e / (1 - leverage) has lost half of its digits here.
LARGEST_LEVERAGE = 1 - math.sqrt(EPS)


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """The fit ``y = constant * x ** exponent``.

    Parameters
    ----------
    exponent, constant : float
        The law; `constant` is infinite where it overflows.
    sampling_error : float
        Standard error of the exponent by the sampling covariance of log y, correlations included (sandwich).
    robust_error : float
        Standard error of the exponent by the residuals (HC3); nan where it has no say: in an upper half of
        fewer than four levels, or where a single level fixes its own residual.
    mcse : float
        The larger of the two.
    chi_square, degrees, p_value : float, int, float
        Goodness of fit of the power law: chi-square with k - 2 degrees of freedom if it holds, for any
        covariance. With two levels there is nothing to test: 0, 0 and 1.
    curvature, curvature_mcse : float
        Coefficient of ``log(x) ** 2`` in a quadratic fit and its sampling error; nan with two levels.
    local_slopes, local_mcse : ndarray of shape (k - 1,)
        Slopes between neighbouring levels, in the order given, and their sampling errors.
    """

    exponent: float
    constant: float
    sampling_error: float
    robust_error: float
    mcse: float
    chi_square: float
    degrees: int
    p_value: float
    curvature: float
    curvature_mcse: float
    local_slopes: FloatArray
    local_mcse: FloatArray

    def interval(self, confidence: float) -> tuple[float, float]:
        """Two-sided interval ``exponent +- z mcse``, z the normal quantile.

        Raises
        ------
        InputError
            If `confidence` is not strictly between 0 and 1.
        """
        from scipy.special import ndtri

        half_width = -float(ndtri(tail_probability(confidence))) * self.mcse
        return self.exponent - half_width, self.exponent + half_width


def fit_power_law(
    x: ArrayLike, y: ArrayLike, covariance: ArrayLike, *, replicates: int | None = None
) -> PowerLaw:
    """Fit a power law to at least three levels.

    Parameters
    ----------
    x, y : array-like of shape (k,), k >= 3
        Levels, all different, and what was estimated there; positive.
    covariance : array-like of shape (k, k)
        Sampling covariance of log y: diagonal for independent levels, full for draws common to all levels.
        The rounding of log y and of the covariance itself is added to its diagonal. So a zero covariance
        means an exact y: all levels weigh the same, and anything but a power law to the last digits is
        rejected. An exact level among others pins the line.
    replicates : int, optional
        From how many replicates the covariance was estimated: the goodness of fit is then referred to
        Hotelling's law instead of the chi-square, which it tends to. Default: the covariance is known.

    Returns
    -------
    PowerLaw
        See there for its parts.

    Raises
    ------
    InputError
        If shapes do not match, there are fewer than three levels, levels coincide, a logarithm is
        undefined, or `covariance` is not a covariance.

    Examples
    --------
    >>> law = fit_power_law([1, 2, 4, 8], [3.0, 1.5, 0.75, 0.375], np.diag([1e-4] * 4))
    >>> round(law.exponent, 9), round(law.constant, 9), law.degrees
    (-1.0, 3.0, 2)
    """
    return _fit(_checked(x, y, covariance, fewest=3), replicates)


def upper_half(x: ArrayLike, y: ArrayLike, covariance: ArrayLike) -> PowerLaw:
    """Fit a power law to the upper half of the levels, where a law that holds in the limit shows itself.

    Of k levels the ``ceil(k / 2)`` with the largest x are used, and never fewer than two. Parameters,
    result and errors are those of `fit_power_law`, but that two levels are enough, and that the residuals have
    a say from four levels on: those of three have one degree of freedom, and HC3 blows it up. The fit to all
    levels shows the misfit of these too.
    """
    levels = _checked(x, y, covariance, fewest=2)
    count = max(2, (levels.log_x.size + 1) // 2)
    top = np.sort(np.argsort(levels.log_x)[-count:])
    half = _Levels(levels.log_x[top], levels.log_y[top], levels.covariance[np.ix_(top, top)])
    return _fit(half, fewest_for_robust=4)


class _Levels(NamedTuple):
    """Logarithms of levels and estimates, each of shape (k,), and the covariance (k, k) of the latter."""

    log_x: FloatArray
    log_y: FloatArray
    covariance: FloatArray


def _fit(levels: _Levels, replicates: int | None = None, *, fewest_for_robust: int = 3) -> PowerLaw:
    center = float(np.mean(levels.log_x))
    line = np.vander(levels.log_x - center, 2, increasing=True)
    result, estimator = _weighted_least_squares(line, levels)
    intercept, exponent = map(float, result.params)
    sampling_error = float(_errors(estimator, levels.covariance)[1])
    robust_error = _robust_error(line, result, estimator) if len(line) >= fewest_for_robust else math.nan
    return PowerLaw(
        exponent,
        _exponential(intercept - exponent * center),
        sampling_error,
        robust_error,
        float(np.fmax(sampling_error, robust_error)),
        *_goodness_of_fit(line, levels, replicates),
        *_curvature(levels),
        *_local_slopes(levels),
    )


def _exponential(logarithm: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(logarithm))


def _weighted_least_squares(design: FloatArray, levels: _Levels) -> tuple[Any, FloatArray]:
    """Return the statsmodels result, and the map of log y to its parameters, shape (parameters, k)."""
    # statsmodels.api costs half as much again, for parts that are not needed here.
    from statsmodels.regression.linear_model import WLS

    weights = 1 / np.diag(levels.covariance)
    result = WLS(levels.log_y, design, weights=weights).fit()
    return result, result.model.pinv_wexog * np.sqrt(weights)


def _errors(estimator: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return the standard errors of ``estimator @ log_y``, one a row."""
    variances: FloatArray = np.einsum("ij,jk,ik->i", estimator, covariance, estimator)
    return np.sqrt(variances)


def _robust_error(line: FloatArray, result: Any, estimator: FloatArray) -> float:
    leverage = np.sum(line * estimator.T, axis=1)
    if np.max(leverage) > LARGEST_LEVERAGE:
        return math.nan
    return float(result.HC3_se[1])


def _goodness_of_fit(line: FloatArray, levels: _Levels, replicates: int | None) -> tuple[float, int, float]:
    """Chi-square of what no line can explain: log y projected on the orthogonal complement of all lines."""
    from scipy.special import chdtrc, fdtrc

    degrees = len(line) - 2
    if degrees == 0:
        return 0.0, 0, 1.0
    complement = np.linalg.qr(line, mode="complete")[0][:, 2:]
    unexplained = complement.T @ levels.log_y
    spread = complement.T @ levels.covariance @ complement
    chi_square = float(unexplained @ np.linalg.solve(spread, unexplained))
    if replicates is None:
        return chi_square, degrees, float(chdtrc(degrees, chi_square))
    left = max(replicates - degrees, 1)
    return chi_square, degrees, float(fdtrc(degrees, left, chi_square * left / (degrees * (replicates - 1))))


def _curvature(levels: _Levels) -> tuple[float, float]:
    if levels.log_x.size == 2:
        return math.nan, math.nan
    parabola = np.vander(levels.log_x - np.mean(levels.log_x), 3, increasing=True)
    result, estimator = _weighted_least_squares(parabola, levels)
    return float(result.params[2]), float(_errors(estimator, levels.covariance)[2])


def _local_slopes(levels: _Levels) -> tuple[FloatArray, FloatArray]:
    differences = np.diff(np.eye(levels.log_x.size), axis=0) / np.diff(levels.log_x)[:, None]
    return differences @ levels.log_y, _errors(differences, levels.covariance)


def _checked(x: ArrayLike, y: ArrayLike, covariance: ArrayLike, *, fewest: int) -> _Levels:
    levels, estimates, matrix = (np.asarray(array, dtype=np.float64) for array in (x, y, covariance))
    k = levels.size
    if levels.shape != (k,) or estimates.shape != (k,) or matrix.shape != (k, k):
        msg = (
            f"`x` and `y` must have shape (k,) and `covariance` (k, k), got {levels.shape}, "
            f"{estimates.shape} and {matrix.shape}; give each level one estimate, and one row of covariances"
        )
        raise InputError(msg)
    if k < fewest:
        msg = f"`x` must have at least {fewest} levels, got {k}; a line through fewer cannot be tested"
        raise InputError(msg)
    log_x, log_y = _logarithm("x", levels), _logarithm("y", estimates)
    if np.unique(log_x).size < k:
        msg = f"`x` must have different levels, got {levels.tolist()}; pool the estimates of equal levels"
        raise InputError(msg)
    return _Levels(log_x, log_y, _floored(_checked_covariance(matrix), log_x, log_y))


def _logarithm(name: str, values: FloatArray) -> FloatArray:
    if not np.all(np.isfinite(values) & (values > 0)):
        msg = f"`{name}` must be positive and finite, got {values.tolist()}; a power law has no other values"
        raise InputError(msg)
    return np.log(values)


def _checked_covariance(matrix: FloatArray) -> FloatArray:
    """Return the symmetric part of a covariance; half of the digits are left to whoever computed it."""
    if not np.all(np.isfinite(matrix)):
        msg = f"`covariance` must be finite, got {matrix.tolist()}; leave out levels of unknown error"
        raise InputError(msg)
    symmetric = (matrix + matrix.T) / 2
    tolerance = math.sqrt(EPS) * float(np.max(np.abs(matrix)))
    if np.max(np.abs(matrix - symmetric)) > tolerance or np.min(np.linalg.eigvalsh(symmetric)) < -tolerance:
        msg = (
            f"`covariance` must be symmetric and positive semidefinite, got {matrix.tolist()}; "
            f"use the covariance of log y, np.diag of variances for independent levels"
        )
        raise InputError(msg)
    return symmetric


def _floored(covariance: FloatArray, log_x: FloatArray, log_y: FloatArray) -> FloatArray:
    """Add the rounding of log y, a few units in the last place, and that of the covariance."""
    rounding = 4 * EPS * (1 + np.max(np.abs(log_x)) + np.max(np.abs(log_y)))
    floor = rounding**2 + len(covariance) * EPS * np.max(np.diag(covariance))
    return np.asarray(covariance + floor * np.eye(len(covariance)), dtype=np.float64)
