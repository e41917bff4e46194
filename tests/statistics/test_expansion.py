"""Expansions of any statistic: what goes beyond first order, independent samples, samples that define nothing."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics import Statistic, mean, quantile, standard_error, variance
from mcstudy.statistics.comparisons import covariance
from mcstudy.statistics.expansion import Expanded, Expansion, expansion, side_by_side, undefined
from mcstudy.statistics.sequences import effective_z, influence_limits
from mcstudy.statistics.smooth import combined
from mcstudy.statistics.tails import condition

X = np.random.default_rng(1).standard_exponential(400)
# Sums of 400 terms, each rounded.
ROUNDED = 400 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class Found(Expanded):
    """A statistic whose expansion is given."""

    found: Expansion

    name = "found"

    def expand(self, values: ArrayLike) -> Expansion:
        return self.found


@pytest.mark.parametrize("statistic", [mean("x"), quantile("x", 0.5)], ids=lambda s: s.name)
def test_first_order_statistics_have_no_remainder(statistic: Statistic) -> None:
    found = expansion(statistic, X)
    assert found.value == statistic.estimate(X).value
    np.testing.assert_array_equal(found.influence, statistic.influence(X))
    # The difference of two equal standard errors, each rounded, under a root.
    assert found.remainder < math.sqrt(ROUNDED) * found.spread


@pytest.mark.parametrize("x", [X, np.tile([-1.0, 1.0], 200)], ids=["exponential", "signs"])
def test_remainder_of_a_variance_against_theory(x: np.ndarray) -> None:
    # A variance is off by the square of what the mean is off: by s^2 / n for one standard error.
    found = expansion(variance("x"), x)
    assert found.remainder == pytest.approx(np.var(x, ddof=1) / math.sqrt(x.size * (x.size - 1)), rel=1e-6)
    assert found.spread == pytest.approx(variance("x").estimate(x).mcse, rel=ROUNDED)


def test_an_expansion_that_is_known_is_taken() -> None:
    found = Expansion.of(1.0, X - X.mean(), remainder=0.25)
    assert expansion(Found("x", found), X) is found


def test_rounding_is_that_of_the_values() -> None:
    assert expansion(mean("x"), 1e9 + X).rounding == pytest.approx(8 * np.finfo(float).eps * 1e9, rel=1e-6)


def test_what_follows_from_an_expansion() -> None:
    found = Expansion.of(2.0, X - X.mean(), remainder=0.003, rounding=1e-12)
    statistic = Found("x", found)
    estimate = statistic.estimate(X)
    assert (estimate.value, estimate.replicates) == (2.0, 400)
    assert estimate.mcse == standard_error(found.influence)
    np.testing.assert_array_equal(statistic.influence(X), found.influence)
    z = effective_z(400, 0.01, 256)
    seen = condition(found.influence, z)
    low, high, believed = statistic.limits(X, 0.01, 256)
    assert (low, high) == influence_limits(2.0, found.influence, z, remainder=0.003, unseen=seen.unseen)
    assert believed == seen


def test_the_remainder_widens() -> None:
    x = np.random.default_rng(2).standard_normal(400)
    plain = Found("x", Expansion.of(0.0, x - x.mean()))
    wide = Found("x", Expansion.of(0.0, x - x.mean(), remainder=0.003))
    assert wide.interval(x, 0.99)[1] > plain.interval(x, 0.99)[1]
    assert wide.limits(x, 0.01).high > plain.limits(x, 0.01).high


def test_influences_that_are_rounding_are_not_believed() -> None:
    noise = 1e-15 * (X - X.mean())
    assert not Expansion.of(2.0, noise, rounding=1e-12).limits(0.01).believed
    assert Expansion.of(2.0, noise).limits(0.01).believed


def test_a_look_may_be_at_fewer_replicates() -> None:
    found = Expansion.of(2.0, X - X.mean())
    assert found.limits(0.01, 256, replicates=400) == found.limits(0.01, 256)
    assert found.limits(0.01, 2048, replicates=100).high > found.limits(0.01, 2048).high


def test_independent_samples_against_two_samples() -> None:
    one = Expansion.of(1.0, X - X.mean())
    other = Expansion.of(0.5, 3 * (X[:100] - X[:100].mean()), rounding=1e-12)
    first, second = side_by_side([one, other])
    assert first.influence.size == second.influence.size == 500
    # Var(T1 - T2) is the sum; a divisor n - 1 has become N - 1.
    apart = math.hypot(np.std(one.influence) / 20, np.std(other.influence) / 10)
    together = standard_error(first.influence - second.influence)
    assert together == pytest.approx(apart * math.sqrt(500 / 499), rel=ROUNDED)
    # Control: rows that are paired though they are not.
    assert together != pytest.approx(standard_error(one.influence[:100] - other.influence), rel=0.1)
    assert second.rounding == 5e-12


def test_independent_samples_keep_their_second_order() -> None:
    one, other = (expansion(covariance("x", "x"), np.column_stack([x, x])) for x in (X, X[:100] ** 2))
    first, second = side_by_side([one, other])
    # A divisor n - 1 has become N - 1.
    assert first.remainder == pytest.approx(one.remainder * 399 / 400 * 500 / 499, rel=ROUNDED)
    assert second.remainder == pytest.approx(other.remainder * 99 / 100 * 500 / 499, rel=ROUNDED)
    # Neither knows more of the other than that it is there.
    apart = combined(np.subtract, [first, second])
    assert apart.remainder == pytest.approx(max(first.remainder, second.remainder), rel=ROUNDED)


def test_what_replicates_do_not_define() -> None:
    statistic = Found("x", undefined(400))
    estimate = statistic.estimate(X)
    assert math.isnan(estimate.value)
    assert math.isnan(estimate.mcse)
    assert statistic.interval(X, 0.99) == (-math.inf, math.inf)
    with pytest.raises(InputError, match="`confidence` must lie strictly between 0 and 1, got 2"):
        statistic.interval(X, 2)
    low, high, believed = statistic.limits(X, 0.01)
    assert (low, high) == (-math.inf, math.inf)
    assert believed is not None
    assert not believed.met
    assert believed.reason == "these 400 replicates do not define it"
    assert not statistic.influence(X).any()
