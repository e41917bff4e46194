from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

import mcstudy as mc

Z = 1.959963984540054


def test_only_the_control_is_to_be_refuted(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == {"nominal"}
    assert set(verdicts) == {"t.imbalance", "bca.balance", "percentile.narrow", "nominal"}


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study)


def test_students_interval_against_scipy(module: ModuleType, stream: Callable[..., Any]) -> None:
    columns = module.intervals(stream(), 3, method="t", n=20)
    for row, low, high in zip(
        stream().standard_exponential((3, 20)), columns["low"], columns["high"], strict=True
    ):
        assert stats.ttest_1samp(row, 1.0).confidence_interval(0.95) == pytest.approx((low, high))


def test_imbalance_tells_on_which_side_intervals_miss(module: ModuleType, stream: Callable[..., Any]) -> None:
    columns = module.intervals(stream(), 2000, method="percentile", n=10)
    assert np.array_equal(columns["imbalance"] == 1, columns["high"] < 1)
    assert np.array_equal(columns["imbalance"] == -1, columns["low"] > 1)
    assert {-1, 0, 1} == set(columns["imbalance"])


@pytest.mark.parametrize("n", [10, 160])
def test_means_of_resamples_against_their_moments(
    module: ModuleType, stream: Callable[..., Any], n: int
) -> None:
    x = stream().standard_exponential((8, n))
    means = module.resampled_means(stream(2), x)
    error = x.std(axis=1) / math.sqrt(n)
    resamples = module.RESAMPLES
    assert means.shape == (8, resamples)
    # Four standard errors of a mean, and of a variance whose fourth moment is near that of a normal law.
    assert np.all(np.abs(means.mean(axis=1) - x.mean(axis=1)) < 4 * error / math.sqrt(resamples))
    assert np.all(np.abs(means.var(axis=1) / error**2 - 1) < 4 * math.sqrt(3 / resamples))


def test_bca_against_scipy(module: ModuleType, stream: Callable[..., Any]) -> None:
    """The same resamples; SciPy interpolates between order statistics, and counts ties with the sample half."""
    x = stream().standard_exponential((5, 20))
    means = np.sort(module.resampled_means(stream(2), x), axis=1)
    ours = module.quantiles(means, module.bca_levels(x, means))
    for row, resampled, limits in zip(x, means, ours, strict=True):
        first = stats.bootstrap((row,), np.mean, n_resamples=2, method="percentile")
        first.bootstrap_distribution = resampled
        theirs = stats.bootstrap(
            (row,), np.mean, n_resamples=0, method="BCa", bootstrap_result=first
        ).confidence_interval
        ranks = np.searchsorted(resampled, [theirs, limits])
        assert np.all(np.abs(ranks[0] - ranks[1]) <= 2)


def test_narrowness_against_the_laws(module: ModuleType) -> None:
    for n in (10, 80):
        ratio = stats.norm.ppf(0.975) * math.sqrt((n - 1) / n) / stats.t(n - 1).ppf(0.975)
        assert module.narrowness(n) == pytest.approx(ratio)


def test_wrong_theories_are_refuted(
    study: mc.Study,
    small: Callable[..., mc.Study],
    contradicted: Callable[..., mc.Study],
    judged: Callable[..., mc.Ledger],
) -> None:
    def of_percentile(n: int) -> float:  # Hall's polynomial for it, in place of that for t
        return 2 / 3 * (Z**2 + 2) * stats.norm.pdf(Z) / math.sqrt(n)

    wrong: Mapping[str, Mapping[str, Any]] = {
        "t.imbalance": {"equals": of_percentile},
        "percentile.narrow": {"equals": lambda n: Z / stats.t(n - 1).ppf(0.975)},  # n for n - 1 forgotten
        "bca.balance": {"at_most": -0.06},
    }
    for claims, count in ((("t.imbalance",), 131072), (("percentile.narrow", "bca.balance"), 4096)):
        changes = {claim: wrong[claim] for claim in claims}
        ledger = judged(contradicted(small(study, *claims, count=count), changes))
        assert {ledger[claim].verdict for claim in claims} == {mc.Verdict.CONFIRMED}
        assert {ledger[f"{claim}-wrong"].verdict for claim in claims} == {mc.Verdict.REFUTED}
