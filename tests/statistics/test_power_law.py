"""Power-law fits against closed forms, other libraries, generalized least squares and simulation."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.special import chdtrc

from mcstudy.exceptions import InputError
from mcstudy.statistics import fit_power_law, upper_half

X = 2.0 ** np.arange(6, 15)
K = X.size
EPS = float(np.finfo(float).eps)
# Least squares on k = 9 centred levels: some hundred operations on numbers below 100.
ROUNDING = 1e4 * EPS


def law(x: np.ndarray = X) -> np.ndarray:
    return 3 * x**-0.5


def noisy(rng: np.random.Generator, covariance: np.ndarray) -> np.ndarray:
    """Draw y of the law with normal log errors of the given covariance."""
    values, vectors = np.linalg.eigh(covariance)
    errors = vectors @ (np.sqrt(np.maximum(values, 0)) * rng.standard_normal(len(values)))
    return np.asarray(law() * np.exp(errors))


def common(correlation: float) -> np.ndarray:
    """Covariance of log y with draws common to neighbouring levels, and unequal variances."""
    errors = np.linspace(0.01, 0.03, K)
    lags = np.abs(np.subtract.outer(np.arange(K), np.arange(K)))
    return np.asarray(np.outer(errors, errors) * correlation**lags)


INDEPENDENT = common(0.0)
COMMON = common(0.9)


def test_recovers_an_exact_law() -> None:
    fit = fit_power_law(X, law(), INDEPENDENT)
    assert fit.exponent == pytest.approx(-0.5, rel=ROUNDING)
    assert fit.constant == pytest.approx(3.0, rel=ROUNDING)
    assert fit.curvature == pytest.approx(0.0, abs=ROUNDING)
    np.testing.assert_allclose(fit.local_slopes, np.full(K - 1, -0.5), rtol=ROUNDING)
    assert fit.degrees == K - 2
    assert fit.p_value == pytest.approx(1.0)
    assert fit.sampling_error > fit.robust_error


def test_line_against_polyfit_and_curve_fit() -> None:
    from scipy.optimize import curve_fit

    y = noisy(np.random.default_rng(1), INDEPENDENT)
    errors = np.sqrt(np.diag(INDEPENDENT))
    fit = fit_power_law(X, y, INDEPENDENT)
    slope, intercept = np.polyfit(np.log(X), np.log(y), 1, w=1 / errors)
    assert fit.exponent == pytest.approx(slope, rel=ROUNDING)
    assert fit.constant == pytest.approx(math.exp(intercept), rel=ROUNDING)
    assert fit.curvature == pytest.approx(np.polyfit(np.log(X), np.log(y), 2, w=1 / errors)[0], rel=1e-6)
    # curve_fit differentiates numerically, to half of the digits.
    _, matrix = curve_fit(lambda u, a, b: a + b * u, np.log(X), np.log(y), sigma=errors, absolute_sigma=True)
    assert fit.sampling_error == pytest.approx(math.sqrt(matrix[1, 1]), rel=math.sqrt(EPS))
    chi_square = np.sum(((np.log(y) - intercept - slope * np.log(X)) / errors) ** 2)
    assert fit.chi_square == pytest.approx(chi_square, rel=ROUNDING)
    assert fit.p_value == pytest.approx(chdtrc(K - 2, chi_square), rel=ROUNDING)


def test_curvature_error_against_brute_force() -> None:
    u = np.log(X)
    design = np.vander(u - u.mean(), 3)
    expected = math.sqrt(np.linalg.inv(design.T @ np.linalg.inv(INDEPENDENT) @ design)[0, 0])
    assert fit_power_law(X, law(), INDEPENDENT).curvature_mcse == pytest.approx(expected, rel=ROUNDING)


def test_robust_error_against_leaving_levels_out() -> None:
    # HC3 weighs each level's influence on the slope by its residual from the line of the others.
    y = noisy(np.random.default_rng(2), INDEPENDENT)
    u, v, errors = np.log(X), np.log(y), np.sqrt(np.diag(INDEPENDENT))
    design = np.stack([np.ones(K), u], axis=1) / errors[:, None]
    estimator = (np.linalg.inv(design.T @ design) @ design.T)[1] / errors
    left_out = np.empty(K)
    for i in range(K):
        others = np.arange(K) != i
        left_out[i] = v[i] - np.polyval(np.polyfit(u[others], v[others], 1, w=1 / errors[others]), u[i])
    expected = math.sqrt(np.sum((estimator * left_out) ** 2))
    assert fit_power_law(X, y, INDEPENDENT).robust_error == pytest.approx(expected, rel=ROUNDING)


def test_common_draws_against_brute_force_generalized_least_squares() -> None:
    y = noisy(np.random.default_rng(3), COMMON)
    fit = fit_power_law(X, y, COMMON)
    design = np.stack([np.ones(K), np.log(X)], axis=1)
    precision = np.linalg.inv(COMMON)
    best = np.linalg.solve(design.T @ precision @ design, design.T @ precision @ np.log(y))
    residual = np.log(y) - design @ best
    # The covariance has condition number 10^3.
    assert fit.chi_square == pytest.approx(residual @ precision @ residual, rel=1e3 * ROUNDING)
    weights = np.diag(1 / np.diag(COMMON))
    estimator = np.linalg.inv(design.T @ weights @ design) @ design.T @ weights
    assert fit.exponent == pytest.approx((estimator @ np.log(y))[1], rel=ROUNDING)
    sandwich = estimator @ COMMON @ estimator.T
    assert fit.sampling_error == pytest.approx(math.sqrt(sandwich[1, 1]), rel=ROUNDING)


def test_local_errors_against_theory() -> None:
    fit = fit_power_law(X, law(), COMMON)
    of_differences = [COMMON[i, i] + COMMON[i + 1, i + 1] - 2 * COMMON[i, i + 1] for i in range(K - 1)]
    np.testing.assert_allclose(fit.local_mcse, np.sqrt(of_differences) / math.log(2), rtol=ROUNDING)


REPEATS = 400


@pytest.mark.calibration
@pytest.mark.parametrize("covariance", [INDEPENDENT, COMMON], ids=["independent", "common"])
def test_errors_and_fit_are_calibrated(covariance: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    fits = [fit_power_law(X, noisy(rng, covariance), covariance) for _ in range(REPEATS)]
    # Means of chi-square, of its p-value and of the squared scores: five Monte Carlo standard errors.
    chi_squares = np.array([fit.chi_square for fit in fits])
    assert abs(chi_squares.mean() - (K - 2)) < 5 * math.sqrt(2 * (K - 2) / REPEATS)
    assert abs(np.mean([fit.p_value for fit in fits]) - 0.5) < 5 / math.sqrt(12 * REPEATS)
    scores = np.array([(fit.exponent + 0.5) / fit.sampling_error for fit in fits])
    assert abs(np.mean(scores**2) - 1) < 5 * math.sqrt(2 / REPEATS)


def test_forgetting_common_draws_is_caught() -> None:
    rng = np.random.default_rng(4)
    fits = [fit_power_law(X, noisy(rng, COMMON), np.diag(np.diag(COMMON))) for _ in range(REPEATS)]
    scores = np.array([(fit.exponent + 0.5) / fit.sampling_error for fit in fits])
    assert abs(np.mean(scores**2) - 1) > 5 * math.sqrt(2 / REPEATS)
    chi_square = np.mean([fit.chi_square for fit in fits])
    assert abs(chi_square - (K - 2)) > 5 * math.sqrt(2 * (K - 2) / REPEATS)


def test_sum_of_two_powers_is_rejected() -> None:
    # As for a ReLU network: a mean of order x^-1/2 beside a standard deviation of order x^-3/4.
    y = np.sqrt(X**-1 + 20 * X**-1.5)
    covariance = np.diag(np.full(K, 0.01**2))
    fit = fit_power_law(X, y, covariance)
    assert fit.p_value < 1e-6
    assert fit.curvature > 5 * fit.curvature_mcse
    assert np.all(np.diff(fit.local_slopes) > 0)
    top = upper_half(X)
    assert fit_power_law(X[top], y[top], covariance[np.ix_(top, top)]).exponent > fit.exponent
    # The same data at ten times the error are compatible with one power.
    assert fit_power_law(X, y, 100 * covariance).p_value > 0.01


def test_scatter_beyond_the_sampling_error_shows_in_the_robust_error() -> None:
    scatter, covariance = np.random.default_rng(5).standard_normal(K), np.diag(np.full(K, 1e-6))
    loud = fit_power_law(X, law() * np.exp(0.1 * scatter), covariance)
    assert loud.robust_error > 10 * loud.sampling_error
    stated = fit_power_law(
        X, law() * np.exp(1e-3 * scatter), covariance
    )  # the control: what the covariance says
    assert stated.robust_error < 3 * stated.sampling_error


def test_without_covariance_only_an_exact_law_passes() -> None:
    zero = np.zeros((K, K))
    exact = fit_power_law(X, law(), zero)
    assert exact.p_value > 0.5
    assert max(exact.sampling_error, exact.robust_error) < ROUNDING
    bent = fit_power_law(X, law() * (1 + 1e-10 * np.log(X) ** 2), zero)
    assert bent.p_value < 1e-6
    assert bent.exponent == pytest.approx(-0.5, abs=1e-8)


def test_without_covariance_all_levels_weigh_the_same() -> None:
    y = law() * np.exp(0.1 * np.random.default_rng(6).standard_normal(K))
    slope = np.polyfit(np.log(X), np.log(y), 1)[0]
    assert fit_power_law(X, y, np.zeros((K, K))).exponent == pytest.approx(slope, rel=ROUNDING)


def test_some_exact_levels_fix_the_line() -> None:
    variances = np.full(K, 0.02**2)
    variances[[0, 4]] = 0
    y = noisy(np.random.default_rng(7), np.diag(variances))
    fit = fit_power_law(X, y, np.diag(variances))
    # Two exact levels fix the slope; the others disturb it in the ratio of their weights, k eps.
    assert fit.exponent == pytest.approx(-0.5, rel=ROUNDING)
    assert fit.p_value > 1e-6
    # A third exact level off the line refutes the law, whatever the noise of the others.
    variances[8] = 0
    y[8] = 1.001 * law()[8]
    assert fit_power_law(X, y, np.diag(variances)).p_value < 1e-6


@pytest.mark.parametrize("exact", [0, 4, 8])
def test_one_exact_level_against_a_line_through_it(exact: int) -> None:
    variances = np.diag(INDEPENDENT).copy()
    variances[exact] = 0
    y = noisy(np.random.default_rng(10), np.diag(variances))
    fit = fit_power_law(X, y, np.diag(variances))
    u, v = np.delete(np.log(X / X[exact]), exact), np.delete(np.log(y / y[exact]), exact)
    weights = 1 / np.delete(variances, exact)
    # The exact level weighs 1/(k eps) times the others: what it leaves of their digits is half.
    half = math.sqrt(EPS)
    assert fit.exponent == pytest.approx(np.sum(weights * u * v) / np.sum(weights * u**2), rel=half)
    assert fit.sampling_error == pytest.approx(1 / math.sqrt(np.sum(weights * u**2)), rel=half)
    assert math.isnan(fit.robust_error)


def test_shared_error_moves_the_constant_only() -> None:
    shared = np.full((K, K), 0.1**2)
    fit = fit_power_law(X, 1.1 * law(), shared)
    assert fit.constant == pytest.approx(3.3, rel=ROUNDING)
    # What is left of the covariance is its own rounding, k eps of its size.
    assert fit.sampling_error < 10 * math.sqrt(K * EPS) * 0.1
    assert fit_power_law(X, law() * np.where(np.arange(K) == 3, 1.01, 1.0), shared).p_value < 1e-6


def test_robust_error_is_undefined_where_one_level_fixes_its_residual() -> None:
    fit = fit_power_law([1, 1 + 1e-10, 2], [1.0, 1.1, 2.0], np.diag([1e-2] * 3))
    assert math.isnan(fit.robust_error)
    assert fit.sampling_error > 0


@pytest.mark.parametrize(("k", "count"), [(2, 2), (3, 2), (4, 2), (5, 3), (8, 4), (9, 5)])
def test_upper_half_holds_the_largest_levels(k: int, count: int) -> None:
    order = np.random.default_rng(8).permutation(k)
    np.testing.assert_array_equal(X[:k][order][upper_half(X[:k][order])], X[k - count : k])


def test_robust_error_of_three_levels_is_too_large() -> None:
    """It has one degree of freedom, and an expectation several times the truth."""
    variance, ends = 0.01**2, (X[-1] / X[-3])
    rng = np.random.default_rng(9)
    robust = [
        fit_power_law(
            X[-3:], X[-3:] * np.exp(0.01 * rng.standard_normal(3)), variance * np.eye(3)
        ).robust_error
        for _ in range(400)
    ]
    sampling = math.sqrt(2 * variance) / math.log(ends)
    assert np.mean(np.square(robust)) > 2 * sampling**2


def test_two_levels_have_a_slope_and_its_sampling_error() -> None:
    fit = fit_power_law([4, 16], [1.0, 2.0], [[0.01, 0.004], [0.004, 0.02]])
    assert fit.exponent == pytest.approx(0.5, rel=ROUNDING)
    assert fit.sampling_error == pytest.approx(math.sqrt(0.01 + 0.02 - 2 * 0.004) / math.log(4), rel=ROUNDING)
    assert fit.local_slopes == pytest.approx([0.5])
    assert (fit.chi_square, fit.degrees, fit.p_value) == (0.0, 0, 1.0)
    assert all(math.isnan(v) for v in (fit.robust_error, fit.curvature, fit.curvature_mcse))


def test_three_levels_are_enough() -> None:
    fit = fit_power_law(X[:3], law(X[:3]) * [1, 1.01, 1], np.diag([1e-4] * 3))
    assert fit.degrees == 1
    assert math.isfinite(fit.robust_error)
    # A parabola through three points is exact: its curvature is their second difference over 2 log(2)^2.
    assert fit.curvature == pytest.approx(-math.log(1.01) / math.log(2) ** 2, rel=1e-9)


def test_invariant_to_order_and_units() -> None:
    y = noisy(np.random.default_rng(9), COMMON)
    fit = fit_power_law(X, y, COMMON)
    order = np.arange(K)[::-1]
    backwards = fit_power_law(X[order], y[order], COMMON[np.ix_(order, order)])
    rescaled = fit_power_law(1024 * X, 4 * y, COMMON)
    for other in (backwards, rescaled):
        for name in (
            "exponent",
            "sampling_error",
            "robust_error",
            "chi_square",
            "curvature",
            "curvature_mcse",
        ):
            assert getattr(other, name) == pytest.approx(getattr(fit, name), rel=1e3 * ROUNDING)
    np.testing.assert_allclose(backwards.local_slopes, fit.local_slopes[::-1], rtol=ROUNDING)
    assert rescaled.constant == pytest.approx(4 * fit.constant * 1024**-fit.exponent, rel=ROUNDING)


def test_steep_laws_do_not_overflow() -> None:
    fit = fit_power_law([1e6, 1.001e6, 1.002e6], [1.0, 2.0, 4.0], np.diag([1e-4] * 3))
    assert fit.constant == 0.0
    assert fit_power_law([1e6, 1.001e6, 1.002e6], [4.0, 2.0, 1.0], np.diag([1e-4] * 3)).constant == math.inf


def test_power_law_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        fit_power_law(X, law(), INDEPENDENT).exponent = 0.0  # type: ignore[misc]


FOUR = np.arange(1.0, 5.0)
UNIT = np.eye(4)


@pytest.mark.parametrize(
    ("x", "y", "covariance", "message"),
    [
        (FOUR, FOUR[:3], UNIT, r"`covariance` \(k, k\), got \(4,\), \(3,\) and \(4, 4\)"),
        (FOUR, FOUR, np.ones(4), r"`covariance` \(k, k\), got \(4,\), \(4,\) and \(4,\)"),
        (FOUR.reshape(2, 2), FOUR, UNIT, r"`x` and `y` must have shape \(k,\) .* got \(2, 2\)"),
        (FOUR[:1], FOUR[:1], UNIT[:1, :1], "`x` must have at least 2 levels, got 1"),
        (FOUR - 1, FOUR, UNIT, r"`x` must be positive and finite, got \[0\.0, 1\.0"),
        (FOUR, FOUR - 2, UNIT, r"`y` must be positive and finite, got \[-1\.0, 0\.0"),
        (FOUR, [1.0, math.nan, 1.0, 1.0], UNIT, r"`y` must be positive and finite, got \[1\.0, nan"),
        ([1, 2, 2, 3], FOUR, UNIT, r"`x` must have different levels, got \[1\.0, 2\.0, 2\.0"),
        (FOUR, FOUR, np.full((4, 4), math.inf), "`covariance` must be finite"),
        (FOUR, FOUR, np.triu(np.ones((4, 4))), "`covariance` must be symmetric and positive semidefinite"),
        (FOUR, FOUR, -UNIT, "`covariance` must be symmetric and positive semidefinite"),
        (FOUR, FOUR, 1 - UNIT, "`covariance` must be symmetric and positive semidefinite"),
    ],
)
def test_bad_levels_are_refused(x: object, y: object, covariance: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_power_law(np.asarray(x), np.asarray(y), np.asarray(covariance))
