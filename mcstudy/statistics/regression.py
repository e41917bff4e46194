"""Linear regression of estimates, with two errors of each coefficient and a test of the model.

The weights are the precisions of the estimates. What their sampling covariance explains is one error of a
coefficient, correlations included; what the residuals show is another (HC3), which does not vanish where the
model is wrong.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray

__all__ = ["Regression", "regress"]

EPS = float(np.finfo(np.float64).eps)
# The leave-one-out residual e / (1 - leverage) has lost half of its digits here.
LARGEST_LEVERAGE = 1 - math.sqrt(EPS)


@dataclass(frozen=True, eq=False)
class Regression:
    """The fit of ``values = [1, regressors] @ coefficients``, p coefficients with the intercept first.

    Parameters
    ----------
    coefficients : ndarray of shape (p,)
    estimator : ndarray of shape (p, k)
        The map from the k values to the coefficients.
    sampling_errors : ndarray of shape (p,)
        Standard errors by the sampling covariance, correlations included (sandwich).
    robust_errors : ndarray of shape (p,)
        Standard errors by the residuals (HC3); nan where there are none, and where a single value fixes its own.
        With one degree of freedom they are several times too large in the mean.
    robust_noise : ndarray of shape (p,)
        What the sampling covariance alone makes of `robust_errors`, root mean square.
    chi_square, degrees, p_value : float, int, float
        Goodness of fit: chi-square with k - p degrees of freedom if the model holds, for any covariance.
        Without a degree of freedom there is nothing to test: 0, 0 and 1.
    misfit : ndarray of shape (k,)
        The combination of the values whose square over its variance is `chi_square`: of all that vanish in the
        model, the one that deviates most. Zero without a degree of freedom.
    """

    coefficients: FloatArray
    estimator: FloatArray
    sampling_errors: FloatArray
    robust_errors: FloatArray
    robust_noise: FloatArray
    chi_square: float
    degrees: int
    p_value: float
    misfit: FloatArray


def regress(
    regressors: ArrayLike, values: ArrayLike, covariance: ArrayLike, *, replicates: int | None = None
) -> Regression:
    """Fit a linear model with an intercept by weighted least squares.

    Parameters
    ----------
    regressors : array-like of shape (k, p - 1)
        Without the intercept.
    values : array-like of shape (k,), k >= p
    covariance : array-like of shape (k, k)
        Sampling covariance of the values: diagonal for independent ones, full for draws common to several. Its
        diagonal sets the weights; all of it the errors. The rounding of the values and of the covariance itself
        is added to its diagonal. So a zero covariance means exact values: all weigh the same, and anything but
        the model to the last digits is rejected. An exact value among others pins the fit.
    replicates : int, optional
        From how many replicates the covariance was estimated: the goodness of fit is then referred to
        Hotelling's law instead of the chi-square, which it tends to. Default: the covariance is known.

    Raises
    ------
    InputError
        If shapes do not match, numbers are not finite, there are fewer values than coefficients, the regressors
        do not tell the coefficients apart, or `covariance` is not a covariance.

    Examples
    --------
    >>> fit = regress([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], np.diag([0.01] * 3))
    >>> [round(float(value), 9) for value in fit.coefficients], fit.degrees
    ([1.0, 2.0], 1)
    """
    columns, data, matrix = _checked(regressors, values, covariance)
    centers = np.mean(columns, axis=0)
    # Around its middle the model's columns are far from being multiples of each other.
    design = np.column_stack([np.ones(data.size), columns - centers])
    matrix = matrix + _rounding(columns, data, matrix) * np.eye(data.size)
    result, estimator = _weighted_least_squares(design, data, matrix)
    to_origin = np.eye(centers.size + 1)
    to_origin[0, 1:] = -centers
    moved = to_origin @ estimator
    robust, noise = _robust_errors(design, estimator, moved, result.resid, matrix)
    chi_square, p_value, misfit = _goodness_of_fit(design, data, matrix, replicates)
    degrees = data.size - centers.size - 1
    return Regression(
        to_origin @ result.params,
        moved,
        np.sqrt(np.einsum("ij,jk,ik->i", moved, matrix, moved)),
        robust,
        noise,
        chi_square,
        degrees,
        p_value,
        misfit,
    )


def _weighted_least_squares(
    design: FloatArray, values: FloatArray, covariance: FloatArray
) -> tuple[Any, FloatArray]:
    """Return the statsmodels result, and the map of the values to its parameters, shape (parameters, k)."""
    # statsmodels.api costs half as much again, for parts that are not needed here.
    from statsmodels.regression.linear_model import WLS

    weights = 1 / np.diag(covariance)
    result = WLS(values, design, weights=weights).fit()
    return result, result.model.pinv_wexog * np.sqrt(weights)


def _robust_errors(
    design: FloatArray,
    estimator: FloatArray,
    moved: FloatArray,
    residuals: FloatArray,
    covariance: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """HC3 errors of the coefficients, and what the covariance alone would make of them."""
    leverage = np.sum(design * estimator.T, axis=1)
    unknown = np.full(len(estimator), math.nan)
    if len(design) == len(estimator) or np.max(leverage) > LARGEST_LEVERAGE:
        return unknown, unknown
    weighed = moved / (1 - leverage)
    spread = np.eye(len(design)) - design @ estimator
    variances = np.einsum("ij,jk,ik->i", spread, covariance, spread)
    return np.sqrt(np.square(weighed) @ np.square(residuals)), np.sqrt(np.square(weighed) @ variances)


def _goodness_of_fit(
    design: FloatArray, values: FloatArray, covariance: FloatArray, replicates: int | None
) -> tuple[float, float, FloatArray]:
    """Chi-square of what the model can't explain: the values projected on its orthogonal complement."""
    from scipy.special import chdtrc, fdtrc

    k, p = design.shape
    degrees = k - p
    if degrees == 0:
        return 0.0, 1.0, np.zeros(k)
    complement = np.linalg.qr(design, mode="complete")[0][:, p:]
    unexplained = complement.T @ values
    spread = complement.T @ covariance @ complement
    misfit = complement @ np.linalg.solve(spread, unexplained)
    chi_square = float(misfit @ values)
    if replicates is None:
        return chi_square, float(chdtrc(degrees, chi_square)), misfit
    left = max(replicates - degrees, 1)
    scaled = chi_square * left / (degrees * (replicates - 1))
    return chi_square, float(fdtrc(degrees, left, scaled)), misfit


def _checked(
    regressors: ArrayLike, values: ArrayLike, covariance: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    columns, data, matrix = (np.asarray(a, dtype=np.float64) for a in (regressors, values, covariance))
    k = data.size
    if data.shape != (k,) or columns.ndim != 2 or len(columns) != k or matrix.shape != (k, k):
        msg = (
            f"`values` must have shape (k,), `regressors` (k, p - 1) and `covariance` (k, k), got {data.shape}, "
            f"{columns.shape} and {matrix.shape}; give each value one row of regressors, and one of covariances"
        )
        raise InputError(msg)
    if not (np.all(np.isfinite(columns)) and np.all(np.isfinite(data))):
        msg = f"`regressors` and `values` must be finite, got {columns.tolist()} and {data.tolist()}; leave others out"
        raise InputError(msg)
    _check_rank(columns)
    return columns, data, _checked_covariance(matrix)


def _check_rank(columns: FloatArray) -> None:
    """Refuse regressors of which one is a combination of the others and a constant."""
    k, others = columns.shape
    centered = columns - np.mean(columns, axis=0)
    sizes = np.linalg.norm(centered, axis=0)
    unit = centered / np.where(sizes > 0, sizes, 1.0)
    if k <= others or (others and np.linalg.matrix_rank(unit) < others):
        msg = (
            f"`regressors` must tell their {others + 1} coefficients apart, got {columns.tolist()}; "
            f"give more values, or leave a regressor out"
        )
        raise InputError(msg)


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


def _rounding(columns: FloatArray, values: FloatArray, covariance: FloatArray) -> float:
    """Variance of the rounding of the values, a few units in the last place, and that of the covariance."""
    units = 4 * EPS * (1 + np.max(np.abs(columns), initial=0.0) + np.max(np.abs(values)))
    return float(units**2 + len(covariance) * EPS * np.max(np.diag(covariance)))
