"""A power law fitted to estimates at several levels: its exponent, two errors of it, a test of its form.

The regression is that of log y on log x, weighted by the precision of log y. Two errors of the exponent are
computed: what the sampling of y alone explains, and what the scatter around the line shows.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.regression import Regression, regress

__all__ = ["PowerLaw", "curvature", "fit_power_law", "local_slopes", "upper_half"]


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
        Standard error of the exponent by the residuals (HC3); nan with two levels, and where a single level fixes
        its own residual. That of three levels is several times too large in the mean.
    chi_square, degrees, p_value : float, int, float
        Goodness of fit of the power law: chi-square with k - 2 degrees of freedom if it holds, for any
        covariance. With two levels there is nothing to test: 0, 0 and 1.
    curvature, curvature_mcse : float
        Coefficient of ``log(x) ** 2`` in a quadratic fit and its sampling error; nan with two levels.
    local_slopes, local_mcse : ndarray of shape (k - 1,)
        Slopes between neighbouring levels, in the order given, and their sampling errors.
    regression : Regression
        The fit of log y on log x.
    """

    exponent: float
    constant: float
    sampling_error: float
    robust_error: float
    chi_square: float
    degrees: int
    p_value: float
    curvature: float
    curvature_mcse: float
    local_slopes: FloatArray
    local_mcse: FloatArray
    regression: Regression


def fit_power_law(
    x: ArrayLike, y: ArrayLike, covariance: ArrayLike, *, replicates: int | None = None
) -> PowerLaw:
    """Fit a power law to at least two levels.

    Parameters
    ----------
    x, y : array-like of shape (k,), k >= 2
        Levels, all different, and what was estimated there; positive.
    covariance : array-like of shape (k, k)
        Sampling covariance of log y: diagonal for independent levels, full for draws common to all levels. See
        `regress`, like `replicates`.

    Returns
    -------
    PowerLaw
        See there for its parts.

    Raises
    ------
    InputError
        If shapes do not match, there are fewer than two levels, levels coincide, a logarithm is undefined, or
        `covariance` is not a covariance.

    Examples
    --------
    >>> law = fit_power_law([1, 2, 4, 8], [3.0, 1.5, 0.75, 0.375], np.diag([1e-4] * 4))
    >>> round(law.exponent, 9), round(law.constant, 9), law.degrees
    (-1.0, 3.0, 2)
    """
    log_x, log_y, matrix = _checked(x, y, covariance)
    line = regress(log_x[:, None], log_y, matrix, replicates=replicates)
    return PowerLaw(
        float(line.coefficients[1]),
        _exponential(float(line.coefficients[0])),
        float(line.sampling_errors[1]),
        float(line.robust_errors[1]),
        line.chi_square,
        line.degrees,
        line.p_value,
        *curvature(log_x, log_y, matrix),
        *local_slopes(log_x, log_y, matrix),
        line,
    )


def upper_half(x: ArrayLike) -> npt.NDArray[np.intp]:
    """The upper half of the levels, where a law that holds in the limit shows itself.

    Returns
    -------
    ndarray of int, shape (max(2, ceil(k / 2)),)
        Indices of the largest of the k levels, ascending by level.

    Examples
    --------
    >>> upper_half([64, 8, 16, 32, 128]).tolist()
    [3, 0, 4]
    """
    levels = np.asarray(x, dtype=np.float64)
    return np.argsort(levels, kind="stable")[-max(2, (levels.size + 1) // 2) :]


def _exponential(logarithm: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(logarithm))


def curvature(log_x: FloatArray, log_y: FloatArray, covariance: FloatArray) -> tuple[float, float]:
    """Coefficient of the square in a parabola through logarithms of shape (k,), and its error; nan of two levels."""
    if log_x.size == 2:
        return math.nan, math.nan
    centered = log_x - np.mean(log_x)
    parabola = regress(np.stack([centered, centered**2], axis=1), log_y, covariance)
    return float(parabola.coefficients[2]), float(parabola.sampling_errors[2])


def local_slopes(
    log_x: FloatArray, log_y: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Slopes between neighbours, and their errors, both of shape (k - 1,)."""
    differences = np.diff(np.eye(log_x.size), axis=0) / np.diff(log_x)[:, None]
    variances = np.einsum("ij,jk,ik->i", differences, covariance, differences)
    return differences @ log_y, np.sqrt(np.maximum(variances, 0.0))


def _checked(x: ArrayLike, y: ArrayLike, covariance: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    levels, estimates, matrix = (np.asarray(array, dtype=np.float64) for array in (x, y, covariance))
    k = levels.size
    if levels.shape != (k,) or estimates.shape != (k,) or matrix.shape != (k, k):
        msg = (
            f"`x` and `y` must have shape (k,) and `covariance` (k, k), got {levels.shape}, "
            f"{estimates.shape} and {matrix.shape}; give each level one estimate, and one row of covariances"
        )
        raise InputError(msg)
    if k < 2:
        msg = f"`x` must have at least 2 levels, got {k}; there is no line through fewer"
        raise InputError(msg)
    log_x, log_y = _logarithm("x", levels), _logarithm("y", estimates)
    if np.unique(log_x).size < k:
        msg = f"`x` must have different levels, got {levels.tolist()}; pool the estimates of equal levels"
        raise InputError(msg)
    return log_x, log_y, matrix


def _logarithm(name: str, values: FloatArray) -> FloatArray:
    if not np.all(np.isfinite(values) & (values > 0)):
        msg = f"`{name}` must be positive and finite, got {values.tolist()}; a power law has no other values"
        raise InputError(msg)
    return np.log(values)
