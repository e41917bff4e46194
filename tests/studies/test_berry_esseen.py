from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from math import comb
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

import mcstudy as mc

SKEWED, RARE = "exponential", "rarely 1"
CONTROLS = {"rate.fast", "normal"}
DENSITY = 1 / math.sqrt(2 * math.pi)


def test_controls_and_nothing_else_is_to_be_refuted(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == CONTROLS
    assert set(verdicts) == {"exact", "rate", "bound", "gamma"} | CONTROLS


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study)


@pytest.mark.parametrize("law", [SKEWED, RARE])
def test_sums_are_standardized(
    module: ModuleType, stream: Callable[..., np.random.Generator], law: str
) -> None:
    size = 40_000
    columns = module.sums(stream(), size, law=law, n=40)
    np.testing.assert_allclose(columns["level"], stats.norm.cdf(columns["sum"]))
    assert abs(columns["sum"].mean()) < 4 / math.sqrt(size)
    # The fourth moment of these sums is at most 3.2.
    assert abs(columns["sum"].var() - 1) < 4 * math.sqrt(2.2 / size)


@pytest.mark.parametrize("law", [SKEWED, RARE])
def test_distance_against_scipy(
    module: ModuleType, stream: Callable[..., np.random.Generator], law: str
) -> None:
    level = module.sums(stream(), 500, law=law, n=10)["level"]
    assert module.distance(level) == pytest.approx(stats.kstest(level, "uniform").statistic)


@pytest.mark.parametrize("law", [SKEWED, RARE])
def test_influence_against_leaving_replicates_out(
    module: ModuleType, stream: Callable[..., np.random.Generator], law: str
) -> None:
    """The same as long as the distance is at the same place without any of the replicates, as for most it is."""
    level = module.sums(stream(), 1000, law=law, n=4)["level"]
    jackknife = mc.custom("level", module.distance).influence(level)
    influence = module.influence(level)
    assert np.corrcoef(jackknife, influence)[0, 1] > 0.9
    assert np.std(influence) == pytest.approx(np.std(jackknife), rel=0.1)


def test_exact_distance_of_one_exponential_variable(module: ModuleType) -> None:
    """Largest at -1, below which there is nothing."""
    assert module.exact(SKEWED, 1) == pytest.approx(stats.norm.cdf(-1), abs=1e-4)


def test_exact_distance_of_rare_successes_against_sums(module: ModuleType) -> None:
    n, p = 10, module.P
    probabilities = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    below, widest = 0.0, 0.0
    for k, probability in enumerate(probabilities):
        normal = stats.norm.cdf((k - n * p) / math.sqrt(n * p * (1 - p)))
        widest = max(widest, normal - below, below + probability - normal)
        below += probability
    assert module.exact(RARE, n) == pytest.approx(widest, rel=1e-12)


@pytest.mark.parametrize(
    ("law", "constant"),
    [
        (SKEWED, 2 / 6 * DENSITY),  # skewness over 6
        (
            RARE,
            (1 / 2 + (1 - 2 * 0.1) / 6) / math.sqrt(0.1 * 0.9) * DENSITY,
        ),  # and half a step of the lattice
    ],
)
def test_exact_distance_against_esseens_expansion(module: ModuleType, law: str, constant: float) -> None:
    n = 4000
    assert module.exact(law, n) * math.sqrt(n) == pytest.approx(constant, rel=5e-3)


def test_third_moments_against_quadrature(module: ModuleType) -> None:
    exponential = stats.expon.expect(lambda x: abs(x - 1) ** 3)
    assert module.THIRD_MOMENT[SKEWED] == pytest.approx(exponential, rel=1e-6)
    rare = stats.bernoulli(module.P).expect(lambda x: abs(x - module.P) ** 3)
    assert module.THIRD_MOMENT[RARE] == pytest.approx(rare / (0.1 * 0.9) ** 1.5)


def test_wrong_theories_are_refuted(
    study: mc.Study,
    module: ModuleType,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
) -> None:
    def without_lattice(law: str, n: int) -> float:
        return float((1 - 2 * module.P) / 6 / math.sqrt(0.09 * n) * DENSITY if law == RARE else 0.0)

    wrong: Mapping[str, Mapping[str, Any]] = {
        "exact": {"equals": without_lattice},
        "rate": {"exponent": -0.2},
        "bound": {"at_most": lambda law, n: 0.2 * module.THIRD_MOMENT[law] / math.sqrt(n)},
        "gamma": {"distribution": lambda n: stats.gamma(n, loc=-math.sqrt(n), scale=1 / math.sqrt(n + 1))},
    }
    ledger = judged(contradicted(small(study, *wrong, count=65536), wrong))
    assert {claim: ledger[claim].verdict for claim in wrong} == dict.fromkeys(wrong, mc.Verdict.CONFIRMED)
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in wrong}
    assert refuted == dict.fromkeys(wrong, mc.Verdict.REFUTED)
