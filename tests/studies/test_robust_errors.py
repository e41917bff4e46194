from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

import mcstudy as mc

METHODS = ("classical", "HC0", "HC1", "HC2", "HC3")
CONTROLS = {"level.hc0"}


def by_statsmodels(x: np.ndarray, y: np.ndarray, method: str) -> Any:
    kind = "nonrobust" if method == "classical" else method
    return sm.OLS(y, sm.add_constant(x)).fit(cov_type=kind, use_t=True)


def test_only_the_control_is_to_be_refuted(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == CONTROLS
    assert len(verdicts) == 7


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("errors", ["constant", "growing"])
def test_columns_against_statsmodels(
    module: ModuleType, stream: Callable[..., np.random.Generator], method: str, errors: str
) -> None:
    n, effect, size = 20, 2.0, 3
    x, sigma, *_ = module.design(n, errors)
    columns = module.regressions(stream(), size, method=method, n=n, errors=errors, effect=effect)
    y = effect * x + sigma * stream().standard_normal((size, n))
    fits = [by_statsmodels(x, row, method) for row in y]
    np.testing.assert_allclose(columns["variance"], [fit.bse[1] ** 2 for fit in fits], rtol=1e-9)
    np.testing.assert_allclose(columns["p_value"], [fit.pvalues[1] for fit in fits], rtol=1e-8)


@pytest.mark.parametrize("errors", ["constant", "growing"])
def test_the_unit_is_the_standard_deviation_of_the_slope(module: ModuleType, errors: str) -> None:
    x, sigma, slope, _ = module.design(20, errors)
    assert np.sum((slope * sigma) ** 2) == pytest.approx(1.0)
    assert slope @ x == pytest.approx(1.0)
    assert slope.sum() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_expected_variance_against_the_estimates_of_unit_errors(module: ModuleType, method: str) -> None:
    """A quadratic form of independent errors has the expectation of its diagonal: each error by itself."""
    x, sigma, *_ = module.design(20, "growing")
    units = [by_statsmodels(x, unit, method).bse[1] ** 2 for unit in np.eye(20)]
    assert module.expected_variance(method, 20, "growing") == pytest.approx(sigma**2 @ units)


@pytest.mark.parametrize("effect", [0.0, 1.0, 3.0])
def test_rejections_of_students_test_against_the_noncentral_law(module: ModuleType, effect: float) -> None:
    n = 20
    critical = stats.t(n - 2).isf(0.025)
    law = stats.nct(n - 2, effect)
    expected = law.sf(critical) + law.cdf(-critical)
    assert module.rejected("classical", n, "constant", effect) == pytest.approx(expected, abs=1e-7)


def test_wrong_theories_are_refuted(
    study: mc.Study,
    module: ModuleType,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
) -> None:
    def of_hc2(n: int, errors: str, effect: float) -> float:
        found: float = module.rejected("HC2", n, errors, effect)
        return found

    wrong = {
        "rejections": {"equals": of_hc2},
        "level.student": {"equals": 0.07},
        "bias": {"equals": 1.0},
        "bias.hc2": {"equals": 20 / 18},  # the factor of HC1
        "bias.hc3": {"at_least": 1.5},
        "price": {"at_most": -0.3},
    }
    ledger = judged(contradicted(small(study, *wrong, where={"n": 20}, count=32768), wrong))
    assert {claim: ledger[claim].verdict for claim in wrong} == dict.fromkeys(wrong, mc.Verdict.CONFIRMED)
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in wrong}
    assert refuted == dict.fromkeys(wrong, mc.Verdict.REFUTED)
