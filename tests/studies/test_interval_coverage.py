from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import comb
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri
from statsmodels.stats.proportion import proportion_confint

import mcstudy as mc

STATSMODELS = {
    "Wald": "normal",
    "Wilson": "wilson",
    "Agresti-Coull": "agresti_coull",
    "Jeffreys": "jeffreys",
    "Clopper-Pearson": "beta",
}


def delta_method(n: int, p: float) -> float:
    return float(2 * ndtri(0.975) * np.sqrt(p * (1 - p) / n))


# What the claims would say with a theory that someone might take for the right one.
WRONG: Mapping[str, Mapping[str, Any]] = {
    "exact": {"equals": 0.95},
    "width": {"equals": delta_method},
    "clopper-pearson": {"at_least": 0.975},
    "wald.erratic": {"at_most": -0.05},
}


def test_only_the_control_is_to_be_refuted(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == {"wald"}
    assert set(verdicts) == {*WRONG, "wald"}


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study)


@pytest.mark.parametrize("method", STATSMODELS)
@pytest.mark.parametrize("n", [10, 30, 98])
def test_limits_against_statsmodels(module: ModuleType, method: str, n: int) -> None:
    """Those of statsmodels end at 0 and 1, and its Jeffreys interval does not where nothing or all succeeds."""
    count = np.arange(n + 1)
    expected = np.array(proportion_confint(count, n, method=STATSMODELS[method]))
    inner = slice(1, -1) if method == "Jeffreys" else slice(None)
    found = np.clip(module.limits(method, n), 0, 1)
    np.testing.assert_allclose(found[:, inner], expected[:, inner], rtol=1e-9, atol=1e-12)
    if method == "Jeffreys":
        assert found[0, 0] == 0.0
        assert found[1, -1] == 1.0


@pytest.mark.parametrize("method", STATSMODELS)
def test_exact_coverage_against_fractions(module: ModuleType, method: str) -> None:
    n, p = 30, Fraction(1, 5)
    low, high = module.limits(method, n)
    held = sum(comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1) if low[x] <= float(p) <= high[x])
    assert module.exact_coverage(method, n, 0.2) == pytest.approx(float(held), rel=1e-12)


@pytest.mark.parametrize(("n", "printed"), [(30, 0.946), (98, 0.928)])
def test_coverage_of_wald_as_printed_by_brown_cai_and_dasgupta(
    module: ModuleType, n: int, printed: float
) -> None:
    assert module.exact_coverage("Wald", n, 0.2) == pytest.approx(printed, abs=5e-4)


def test_wrong_theories_are_refuted(
    study: mc.Study,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
) -> None:
    cut = small(study, *WRONG, where={"n": (30, 98), "p": 0.2}, count=32768)
    ledger = judged(contradicted(cut, WRONG))
    assert {claim: ledger[claim].verdict for claim in WRONG} == dict.fromkeys(WRONG, mc.Verdict.CONFIRMED)
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in WRONG}
    assert refuted == dict.fromkeys(WRONG, mc.Verdict.REFUTED)
