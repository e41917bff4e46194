from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from math import prod
from types import ModuleType

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.special import expit, ndtri

import mcstudy as mc

ML, FIRTH = "maximum likelihood", "Firth"


def outcomes(n: int) -> np.ndarray:
    return np.array(list(product((0.0, 1.0), repeat=n)))


def probability(pattern: np.ndarray, slope: float) -> float:
    means = expit(slope * np.linspace(-1, 1, len(pattern)))
    return prod(float(p if y else 1 - p) for y, p in zip(pattern, means, strict=True))


def separated(n: int, slope: float) -> float:
    """The outcomes that change at most once along the regressor, one by one."""
    patterns = {(first,) * k + (1 - first,) * (n - k) for first in (0, 1) for k in range(n + 1)}
    assert len(patterns) == 2 * n
    return sum(probability(np.array(pattern), slope) for pattern in patterns)


def test_only_the_control_is_to_be_refuted(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == {"unbiased"}
    assert len(verdicts) == 6


def test_columns_are_finite_or_missing_in_every_scenario(
    study: mc.Study, check_columns: Callable[..., None]
) -> None:
    check_columns(study)


@pytest.mark.parametrize("n", [8, 12])
def test_steps_converge_where_the_estimate_exists(module: ModuleType, n: int) -> None:
    likely, penalized = (module.fitted(outcomes(n), method) for method in (ML, FIRTH))
    assert np.array_equal(np.isnan(likely["estimate"]), likely["overlap"] == 0)
    assert np.isfinite(penalized["estimate"]).all()
    assert np.sum(likely["overlap"] == 0) == 2 * n


def test_maximum_likelihood_against_statsmodels(module: ModuleType) -> None:
    """All outcomes of eight that overlap: estimates, intervals, and what the study expects of them."""
    every, slope = outcomes(8), 2.0
    columns = module.fitted(every, ML)
    exists = columns["overlap"] == 1
    X = sm.add_constant(np.linspace(-1, 1, 8))
    fits = [sm.Logit(y, X).fit(disp=0, method="newton", tol=1e-12) for y in every[exists]]
    estimate, error = np.array([(fit.params[1], fit.bse[1]) for fit in fits]).T
    np.testing.assert_allclose(columns["estimate"][exists], estimate, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(columns["high"][exists], estimate + ndtri(0.975) * error, rtol=1e-6)
    weights = np.array([probability(y, slope) for y in every[exists]])
    weights /= weights.sum()
    assert module.OFF(ML, 8, slope) == pytest.approx(weights @ (estimate - slope), rel=1e-6)
    covered = np.abs(estimate - slope) <= ndtri(0.975) * error
    assert module.COVERED(ML, 8, slope) == pytest.approx(weights @ covered)


@pytest.mark.parametrize("row", [0, 7, 90, 1234, 4095])
def test_firth_against_the_maximum_of_the_penalized_likelihood(module: ModuleType, row: int) -> None:
    y, x = outcomes(12)[[row]], np.linspace(-1, 1, 12)
    X = np.stack([np.ones(12), x], axis=1)

    def loss(coefficients: np.ndarray) -> float:
        mean = expit(X @ coefficients)
        log_likelihood = np.sum(np.where(y[0] == 1, np.log(mean), np.log1p(-mean)))
        return -float(log_likelihood + np.linalg.slogdet((X.T * (mean * (1 - mean))) @ X)[1] / 2)

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-13})
    assert module.fitted(y, FIRTH)["estimate"][0] == pytest.approx(best.x[1], abs=1e-5)


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_probability_of_separation_against_the_list_of_separated_outcomes(
    module: ModuleType, slope: float
) -> None:
    for n in (8, 12):
        assert module.SEPARATED(ML, n, slope) == pytest.approx(separated(n, slope), rel=1e-12)


def test_wrong_theories_are_refuted(
    study: mc.Study,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
) -> None:
    def all_equal(n: int, slope: float) -> float:
        return probability(np.zeros(n), slope) + probability(np.ones(n), slope)

    wrong = {
        "separation": {"equals": all_equal},
        "bias": {"equals": 0.0},
        "coverage": {"equals": 0.95},
        "firth.exists": {"equals": separated},
        "firth.bias": {"equals": lambda slope: 0.2 * slope},
    }
    ledger = judged(contradicted(small(study, *wrong, count=32768), wrong))
    assert {claim: ledger[claim].verdict for claim in wrong} == dict.fromkeys(wrong, mc.Verdict.CONFIRMED)
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in wrong}
    assert refuted == dict.fromkeys(wrong, mc.Verdict.REFUTED)
