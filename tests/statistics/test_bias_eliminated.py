"""Coverage of the mean estimate: as `summarise` counts it, with limits that know that the mean is estimated."""

import math

import numpy as np
import pytest
from scipy.special import ndtr

from mcstudy.exceptions import InputError
from mcstudy.statistics import clopper_pearson, mean, standard_error
from mcstudy.statistics.bias_eliminated import bias_eliminated_coverage
from mcstudy.statistics.shares import coverage

STATISTIC = bias_eliminated_coverage("l", "u", "x")
N = 400
X = np.random.default_rng(1).standard_exponential(N)
VALUES = np.column_stack([X - 0.5, X + 0.9, X])


def test_hits_are_those_of_the_mean() -> None:
    hits = (X.mean() - 0.9 <= X) & (X.mean() >= X - 0.5)
    assert STATISTIC.estimate(VALUES).value == pytest.approx(np.mean(hits), rel=1e-12)


def test_the_error_is_right_where_summarise_neglects_that_of_the_mean() -> None:
    """Exponential estimates with standard errors of the same law, at 1,000 replicates."""
    n, repeats, rng = 1000, 600, np.random.default_rng(3)
    x, se = rng.standard_exponential((2, repeats, n))
    estimates = [
        STATISTIC.estimate(np.column_stack([a - 2 * b, a + 2 * b, a])) for a, b in zip(x, se, strict=True)
    ]
    spread = np.std([estimate.value for estimate in estimates])
    # The spread of 600 shares is known to 1/sqrt(1200), 3 %.
    assert np.mean([estimate.mcse for estimate in estimates]) == pytest.approx(spread, rel=0.06)
    neglects = [math.sqrt(e.value * (1 - e.value) / n) for e in estimates]
    assert np.mean(neglects) < 0.95 * spread  # the control


def test_all_or_none_have_the_error_of_a_share() -> None:
    values = np.column_stack([X - 9.0, X + 9.0, X])
    assert STATISTIC.estimate(values).mcse == coverage("l", "u", 1.0).estimate(values[:, :2]).mcse > 0


def test_limits_contain_those_of_every_place_of_the_mean() -> None:
    low, high, condition = STATISTIC.limits(VALUES, 0.04)
    ends = mean("x").limits(X, 0.01)
    assert condition == ends.condition
    for place in np.linspace(ends.low, ends.high, 20):
        inner = coverage("l", "u", place).limits(VALUES[:, :2], 0.02)
        assert low <= inner.low <= inner.high <= high


def test_interval_contains_that_of_the_mean() -> None:
    low, high = STATISTIC.interval(VALUES, 0.98)
    hits = round(STATISTIC.estimate(VALUES).value * N)
    inner = clopper_pearson(hits, N, 0.99)
    assert low < inner[0] < inner[1] < high


def test_influence_knows_that_the_mean_is_estimated() -> None:
    """One-sided intervals up to the estimate + 1: the share changes with the mean as a normal density does."""
    n, repeats, rng = 1000, 2000, np.random.default_rng(2)
    samples = rng.standard_normal((repeats, n))
    shares = np.mean(samples + 1 >= samples.mean(axis=1, keepdims=True), axis=1)
    errors = [
        standard_error(STATISTIC.influence(np.column_stack([np.full(n, -np.inf), x + 1, x])))
        for x in samples[:200]
    ]
    # The spread of 2000 shares is known to 1/sqrt(4000), three times over 5 %.
    assert np.mean(errors) == pytest.approx(np.std(shares), rel=0.05)
    # Control: the error of a share with a known center, which `summarise` states, is twice as large.
    p = ndtr(1)
    assert math.sqrt(p * (1 - p) / n) > 1.3 * np.std(shares)


def test_equal_estimates() -> None:
    values = np.column_stack([np.zeros(64), np.ones(64), np.full(64, 0.1)])
    assert STATISTIC.estimate(values).value == 1.0
    assert not STATISTIC.influence(values).any()
    assert not STATISTIC.limits(values, 0.01).believed


def test_words() -> None:
    assert STATISTIC.label == "bias-eliminated coverage of l, u"
    assert STATISTIC.columns == ("l", "u", "x")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[0.0, 1.0, 0.5], [2.0, 1.0, 0.5]], r"no upper limit below the lower one, got 1\.0 at index 1"),
        ([[0.0, 1.0, 0.5], [0.0, 1.0, math.inf]], "`values` must be finite, got inf at index 1"),
        ([[0.0, 1.0], [0.0, 1.0]], r"must be of shape \(n, 3\), for l, u, x"),
    ],
)
def test_misuse(values: list[list[float]], message: str) -> None:
    for method in (STATISTIC.estimate, STATISTIC.influence, lambda v: STATISTIC.limits(v, 0.01)):
        with pytest.raises(InputError, match=message):
            method(values)
