"""Regressions of estimates against closed forms, generalized least squares and simulation."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from mcstudy.exceptions import InputError
from mcstudy.statistics.regression import regress

FloatArray = npt.NDArray[np.float64]

U = np.log(2.0) * np.arange(6, 14)
K = U.size
TWO = np.stack([U, np.exp(-U / 2)], axis=1)
ERRORS = np.linspace(0.01, 0.03, K)
INDEPENDENT = np.diag(ERRORS**2)
COMMON = np.outer(ERRORS, ERRORS) * 0.8 ** np.abs(np.subtract.outer(np.arange(K), np.arange(K)))
ROUNDING = 1e4 * float(np.finfo(np.float64).eps)


def drawn(rng: np.random.Generator, covariance: FloatArray) -> FloatArray:
    """Values of a model with both regressors, and normal errors."""
    errors = rng.multivariate_normal(np.zeros(K), covariance, method="cholesky")
    return np.asarray(1.0 - 0.5 * U + 2.0 * TWO[:, 1] + errors)


@pytest.mark.parametrize("covariance", [INDEPENDENT, COMMON], ids=["independent", "common"])
def test_coefficients_and_errors_against_normal_equations(covariance: FloatArray) -> None:
    values = drawn(np.random.default_rng(1), covariance)
    fit = regress(TWO, values, covariance)
    design = np.column_stack([np.ones(K), TWO])
    weights = np.diag(1 / np.diag(covariance))
    estimator = np.linalg.solve(design.T @ weights @ design, design.T @ weights)
    # The normal equations have squared the condition number of the design, some 10^3.
    np.testing.assert_allclose(fit.coefficients, estimator @ values, rtol=1e3 * ROUNDING)
    np.testing.assert_allclose(fit.estimator @ values, fit.coefficients, rtol=ROUNDING)
    expected = np.sqrt(np.diag(estimator @ covariance @ estimator.T))
    np.testing.assert_allclose(fit.sampling_errors, expected, rtol=1e3 * ROUNDING)


@pytest.mark.parametrize("covariance", [INDEPENDENT, COMMON], ids=["independent", "common"])
def test_chi_square_against_generalized_least_squares(covariance: FloatArray) -> None:
    values = drawn(np.random.default_rng(2), covariance)
    fit = regress(TWO, values, covariance)
    design, precision = np.column_stack([np.ones(K), TWO]), np.linalg.inv(covariance)
    best = np.linalg.solve(design.T @ precision @ design, design.T @ precision @ values)
    residuals = values - design @ best
    assert fit.degrees == K - 3
    assert fit.chi_square == pytest.approx(residuals @ precision @ residuals, rel=1e3 * ROUNDING)
    assert fit.p_value == pytest.approx(stats.chi2.sf(fit.chi_square, fit.degrees))


def test_the_misfit_is_the_combination_that_deviates_most() -> None:
    values = drawn(np.random.default_rng(3), COMMON)
    fit = regress(TWO, values, COMMON)
    np.testing.assert_allclose(fit.misfit @ np.column_stack([np.ones(K), TWO]), 0.0, atol=1e-6)
    deviation = (fit.misfit @ values) ** 2 / (fit.misfit @ COMMON @ fit.misfit)
    assert deviation == pytest.approx(fit.chi_square)
    rng = np.random.default_rng(4)
    basis = np.linalg.qr(np.column_stack([np.ones(K), TWO]), mode="complete")[0][:, 3:]
    for _ in range(100):
        other = basis @ rng.normal(size=K - 3)
        assert (other @ values) ** 2 / (other @ COMMON @ other) <= fit.chi_square * (1 + 1e-9)


def test_robust_noise_against_brute_force() -> None:
    """Root mean square of HC3 errors where the model holds; five standard errors of 400 mean squares."""
    rng = np.random.default_rng(5)
    fits = [regress(U[:, None], drawn(rng, COMMON) - 2.0 * TWO[:, 1], COMMON) for _ in range(400)]
    squares = np.square([fit.robust_errors for fit in fits])
    within = 5 * np.std(squares, axis=0) / math.sqrt(len(fits))
    np.testing.assert_array_less(np.abs(np.mean(squares, axis=0) - fits[0].robust_noise ** 2), within)
    # The control: what the sampling errors say is another number.
    assert np.all(np.abs(np.mean(squares, axis=0) - fits[0].sampling_errors ** 2) > within)


def test_robust_errors_stay_where_a_model_is_wrong() -> None:
    values = 1.0 - 0.5 * U + 2.0 * TWO[:, 1]
    sharp = regress(U[:, None], values, 1e-12 * INDEPENDENT)
    assert sharp.robust_errors[1] > 1e3 * sharp.robust_noise[1]
    right = regress(TWO, values, 1e-12 * INDEPENDENT)
    assert right.robust_errors[1] < right.robust_noise[1]


def test_hotelling_refers_to_the_replicates_of_the_covariance() -> None:
    """F with k - p and n - k + p degrees of freedom: few replicates make a fit easier to believe."""
    values = drawn(np.random.default_rng(6), COMMON)
    known, estimated = regress(TWO, values, COMMON), regress(TWO, values, COMMON, replicates=16)
    d = known.degrees
    expected = stats.f.sf(known.chi_square * (16 - d) / (d * 15), d, 16 - d)
    assert estimated.p_value == pytest.approx(expected)
    assert estimated.p_value > known.p_value


@pytest.mark.calibration
def test_hotelling_is_calibrated_and_chi_square_is_not() -> None:
    """Covariances of 4 levels from 12 replicates; five standard errors of 1000 p-values' mean."""
    rng = np.random.default_rng(7)
    hotelling, chi_square = [], []
    for _ in range(1000):
        draws = rng.multivariate_normal(np.zeros(4), COMMON[:4, :4], size=12)
        data = (U[:4, None], np.mean(draws, axis=0), np.cov(draws.T) / 12)
        hotelling.append(regress(*data, replicates=12).p_value)
        chi_square.append(regress(*data).p_value)
    within = 5 / math.sqrt(12 * 1000)
    assert abs(np.mean(hotelling) - 0.5) < within
    assert abs(np.mean(chi_square) - 0.5) > within


def test_an_intercept_alone_is_a_weighted_mean() -> None:
    values = np.array([1.0, 2.0, 4.0])
    fit = regress(np.empty((3, 0)), values, np.diag([1.0, 4.0, 4.0]))
    assert fit.coefficients == pytest.approx([(1.0 + 0.5 + 1.0) / 1.5])
    assert fit.degrees == 2


def test_as_many_values_as_coefficients_leave_nothing_to_test() -> None:
    fit = regress(TWO[:3], drawn(np.random.default_rng(8), INDEPENDENT)[:3], INDEPENDENT[:3, :3])
    assert (fit.chi_square, fit.degrees, fit.p_value) == (0.0, 0, 1.0)
    assert np.all(np.isnan(fit.robust_errors))
    assert not np.any(fit.misfit)


@pytest.mark.parametrize(
    ("regressors", "values", "covariance", "message"),
    [
        (U, U, INDEPENDENT, r"`regressors` \(k, p - 1\) and `covariance` \(k, k\), got \(8,\), \(8,\)"),
        (TWO[:4], U, INDEPENDENT, r"got \(8,\), \(4, 2\) and \(8, 8\); give each value one row"),
        (TWO, U, INDEPENDENT[:3], r"got \(8,\), \(8, 2\) and \(3, 8\)"),
        (TWO, np.where(U > 5, U, np.nan), INDEPENDENT, "`regressors` and `values` must be finite"),
        (
            np.stack([U, 2 * U + 1], axis=1),
            U,
            INDEPENDENT,
            "`regressors` must tell their 3 coefficients apart",
        ),
        (np.stack([U, 0 * U], axis=1), U, INDEPENDENT, "`regressors` must tell their 3 coefficients apart"),
        (TWO[:2], U[:2], INDEPENDENT[:2, :2], "`regressors` must tell their 3 coefficients apart"),
        (TWO, U, np.where(INDEPENDENT > 0, np.inf, 0), "`covariance` must be finite"),
        (TWO, U, -INDEPENDENT, "`covariance` must be symmetric and positive semidefinite"),
    ],
)
def test_bad_input_is_refused(
    regressors: FloatArray, values: FloatArray, covariance: FloatArray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        regress(regressors, values, covariance)
