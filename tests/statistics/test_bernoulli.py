"""Beta-binomial sequences: the probability of ever being wrong, computed exactly, not simulated."""

import math

import mpmath
import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import clopper_pearson
from mcstudy.statistics.bernoulli import (
    at_least_rejected,
    proportion_limits,
    quantile_limits,
    violation_limit,
)
from mcstudy.statistics.sequences import effective_z, mixture_scale


def ever(probability: float, trials: int, happens: np.ndarray) -> float:
    """Probability that a Bernoulli walk ever meets ``happens[n, successes]``, for n up to `trials`."""
    met, law = 0.0, np.ones(1)
    for n in range(1, trials + 1):
        law = np.convolve(law, [1 - probability, probability])
        stopped = happens[n, : n + 1]
        met += float(np.sum(law[stopped]))
        law[stopped] = 0.0
    return met


def rejections(probability: float, trials: int, share: float, tuned: float) -> np.ndarray:
    table = np.zeros((trials + 1, trials + 1), dtype=bool)
    for n in range(1, trials + 1):
        table[n, : n + 1] = at_least_rejected(
            np.arange(n + 1), n, np.full(n + 1, probability), share=share, tuned=tuned
        )
    return table


@pytest.mark.parametrize("probability", [0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("share", [0.1, 0.001])
def test_true_statement_is_ever_rejected_with_less_than_its_share(probability: float, share: float) -> None:
    table = rejections(probability, 600, share, tuned=100)
    wrong = ever(probability, 600, table)
    assert 0 < wrong <= share
    # "At least p" is true of any larger probability, too.
    assert ever(min(1.3 * probability, 1.0), 600, table) <= wrong
    # And the test is one: it rejects what is false.
    assert ever(probability / 3, 600, table) > share


def test_limit_for_a_single_look_is_caught() -> None:
    table = np.zeros((301, 301), dtype=bool)
    for n in range(1, 301):
        high = np.array([clopper_pearson(count, n, 0.9)[1] for count in range(n + 1)])
        table[n, : n + 1] = high < 0.3
    assert ever(0.3, 300, table) > 0.1  # each end of the interval spends 0.05


@pytest.mark.parametrize(
    ("count", "trials", "p"), [(3, 100, 0.1), (0, 50, 0.2), (480, 1000, 0.55), (2, 5000, 0.002)]
)
def test_evidence_against_mpmath(count: int, trials: int, p: float) -> None:
    share, tuned = 0.01, 500
    with mpmath.workdps(40):
        strength, level = mpmath.mpf(mixture_scale(share, tuned) - 1), mpmath.mpf(p)
        a, b = strength * level, strength * (1 - level)
        mixed = mpmath.betainc(a + count, b + trials - count, 0, level) / mpmath.betainc(a, b, 0, level)
        threshold = float(level**count * (1 - level) ** (trials - count) / mixed)
    # The mixture reaches 1 / share exactly where share reaches this (at equal strength of the prior).
    for factor, rejected in ((1.001, True), (0.999, False)):
        at = min(threshold * factor, 0.49)
        same_strength = tuned * mixture_scale(share, 1) / mixture_scale(at, 1)
        assert at_least_rejected(count, trials, p, share=at, tuned=same_strength) == rejected


def test_limits_are_the_edge_of_what_is_rejected() -> None:
    low, high = proportion_limits([0, 3, 40, 100], 100, share=0.01, tuned=64)
    for count, lower, upper in zip([0, 3, 40], low, high, strict=False):
        assert at_least_rejected(count, 100, upper + 1e-9, share=0.01, tuned=64)
        assert not at_least_rejected(count, 100, upper - 1e-9, share=0.01, tuned=64)
        if count:
            assert at_least_rejected(100 - count, 100, 1 - lower + 1e-9, share=0.01, tuned=64)
            assert not at_least_rejected(100 - count, 100, 1 - lower - 1e-9, share=0.01, tuned=64)
    assert (low[0], high[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("trials", [1, 64, 10_000, 10**8])
@pytest.mark.parametrize("tuned", [1, 2048, 1e6])
def test_limits_are_in_order(trials: int, tuned: float) -> None:
    counts = np.unique([0, 1, trials // 3, trials - 1, trials])
    for share in (0.4, 0.01, 1e-6):
        low, high = proportion_limits(counts, trials, share=share, tuned=tuned)
        assert np.all((low <= counts / trials) & (counts / trials <= high))
        assert np.all(np.diff(low) >= 0)
        assert np.all(np.diff(high) >= 0)


@pytest.mark.parametrize("trials", [10_000, 10**8])
def test_limits_tend_to_those_of_the_normal_mixture(trials: int) -> None:
    _, high = proportion_limits(trials // 2, trials, share=1e-3)
    z = (float(high) - 0.5) / math.sqrt(0.25 / trials)
    assert z == pytest.approx(effective_z(trials, 1e-3), rel=2e-3)


def test_everything_is_rejected_of_a_probability_of_one() -> None:
    assert np.all(at_least_rejected([0, 10], 10, [1.0, 1.2], share=0.01))


def test_violation_limit_pays_nothing_for_looking_always() -> None:
    p, share = 0.02, 0.01
    table = np.zeros((501, 501), dtype=bool)
    table[1:, 0] = [violation_limit(n, share) <= p for n in range(1, 501)]
    wrong = ever(p, 500, table)
    assert share * (1 - p) < wrong <= share


def test_quantile_is_ever_missed_with_less_than_its_share() -> None:
    """The lower limit exceeds the median where too few values lie below it: count them for uniform data."""
    share, trials = 0.05, 300
    table = np.zeros((trials + 1, trials + 1), dtype=bool)
    for n in range(1, trials + 1):
        low, _ = quantile_limits(np.arange(n, dtype=float), 0.5, share=share, tuned=64)
        # With c values at or below the truth the limit, the value of rank low + 1, exceeds it if low >= c.
        table[n, : n + 1] = np.arange(n + 1) <= low
    assert 0.2 * share < ever(0.5, trials, table) <= share


@pytest.mark.parametrize("probability", [0.02, 0.2, 0.5])
def test_quantile_limits_mirror(probability: float) -> None:
    values = np.random.default_rng(1).standard_normal(20_001)
    low, high = quantile_limits(values, probability, share=0.01)
    mirrored = quantile_limits(-values, 1 - probability, share=0.01)
    assert (low, high) == (-mirrored[1], -mirrored[0])
    assert low < np.quantile(values, probability) < high


def test_quantile_limits_of_few_and_of_equal_values() -> None:
    assert quantile_limits(np.arange(20.0), 0.9, share=0.01)[1] == math.inf
    # Equal replicates say nothing of what lies beyond their share.
    assert quantile_limits(np.zeros(20), 0.9, share=0.01) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: at_least_rejected(1, 10, 0.0, share=0.01), "`probability` must be positive, got 0.0"),
        (
            lambda: at_least_rejected(11, 10, 0.5, share=0.01),
            "`successes` must .* at least 1, got 11.0 of 10",
        ),
        (lambda: proportion_limits(0, 0, share=0.01), "`successes` must .* at least 1, got 0.0 of 0"),
        (lambda: proportion_limits(0, 1, share=0.7), r"`share` must lie in \(0, 1/2\], got 0.7"),
        (lambda: violation_limit(0, 0.1), "`trials` must be at least 1, got 0"),
        (lambda: violation_limit(1, 0.0), r"`share` must lie in \(0, 1/2\], got 0.0"),
        (lambda: quantile_limits(np.zeros(9), 1.0, share=0.1), "`probability` must lie strictly between 0"),
    ],
)
def test_misuse(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(InputError, match=message):
        call()
