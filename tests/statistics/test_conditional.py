"""Statistics of the replicates of one kind, whose number is random."""

import math
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Statistic, mean, proportion, quantile, standard_error, variance
from mcstudy.statistics.accuracy import bias
from mcstudy.statistics.conditional import conditional
from mcstudy.statistics.expansion import expansion
from mcstudy.statistics.shares import coverage, share_missing
from mcstudy.statistics.smooth import smooth

RNG = np.random.default_rng(1)
N = 500
X = RNG.standard_exponential(N)
CONVERGED = (RNG.random(N) < 0.6).astype(float)
CHOSEN = X[CONVERGED == 1]
# What is drawn where nothing converged is no number.
VALUES = np.column_stack([np.where(CONVERGED == 1, X, np.nan), CONVERGED])


@pytest.mark.parametrize(
    "statistic", [mean("x"), variance("x"), quantile("x", 0.5), bias("x", 0.5)], ids=lambda s: s.name
)
def test_all_is_that_of_the_chosen(statistic: Statistic) -> None:
    found = conditional(statistic, given="converged")
    assert found.estimate(VALUES) == statistic.estimate(CHOSEN)
    assert found.estimate(VALUES).replicates == CHOSEN.size
    assert found.interval(VALUES, 0.99) == statistic.interval(CHOSEN, 0.99)
    assert found.limits(VALUES, 0.01) == statistic.limits(CHOSEN, 0.01)
    assert found.is_exact == statistic.is_exact
    assert found.scale(0.5) == statistic.scale(0.5)


def test_influence_against_that_of_a_ratio() -> None:
    found = conditional(mean("x"), given="converged")
    # E[X; G] / P(G), as a ratio of two means over all replicates.
    as_ratio = smooth(np.divide, mean("xg"), mean("g"))
    both = np.column_stack([X * CONVERGED, CONVERGED])
    # Sums of N terms, each rounded.
    np.testing.assert_allclose(found.influence(VALUES), as_ratio.influence(both), rtol=0, atol=N * 1e-15)
    # Control: influences that are not scaled up are too small by P(G).
    error = found.estimate(VALUES).mcse
    assert standard_error(found.influence(VALUES)) == pytest.approx(error, rel=2 / N)
    assert standard_error(found.influence(VALUES)) * 0.7 < error


def test_expansion_keeps_the_second_order() -> None:
    found = expansion(conditional(variance("x"), given="converged"), VALUES)
    assert found.remainder == expansion(variance("x"), CHOSEN).remainder > 0


def test_two_kinds_of_replicates_compared() -> None:
    kept, dropped = (CONVERGED == 1, CONVERGED == 0)
    difference = conditional(mean("x"), given="g") - conditional(mean("x"), given="h")
    estimate = difference.estimate(np.column_stack([X, kept, dropped]))
    assert estimate.value == pytest.approx(X[kept].mean() - X[dropped].mean())
    # Two independent samples; divisors n - 1 have become N - 1.
    apart = math.hypot(*(np.std(X[kind], ddof=1) / math.sqrt(np.sum(kind)) for kind in (kept, dropped)))
    assert estimate.mcse == pytest.approx(apart, rel=2 / np.sum(dropped))


@pytest.mark.parametrize("chosen", [0, 1])
def test_fewer_than_two_define_nothing(chosen: int) -> None:
    values = np.column_stack([X, np.arange(N) < chosen])
    found = conditional(mean("x"), given="converged")
    estimate = found.estimate(values)
    assert math.isnan(estimate.value)
    assert math.isnan(estimate.mcse)
    assert estimate.replicates == chosen
    assert found.interval(values, 0.99) == (-math.inf, math.inf)
    low, high, condition = found.limits(values, 0.01)
    assert (low, high) == (-math.inf, math.inf)
    assert condition is not None
    assert not condition.met
    assert not found.influence(values).any()
    with pytest.raises(InputError, match="`confidence` must lie strictly between 0 and 1"):
        found.interval(values, 1.0)


def test_a_column_may_be_its_own_condition() -> None:
    found = conditional(proportion("x"), given="x")
    assert found.columns == ("x",)
    assert found.estimate([0.0, 1.0, 1.0, 0.0]).value == 1.0


def test_at_words_and_values() -> None:
    found = conditional(coverage("l", "u", lambda n: 1 / n), given="converged")
    assert found.at({"n": 2}) == conditional(coverage("l", "u", 0.5), given="converged")
    assert found.columns == ("l", "u", "converged")
    assert found.label == "coverage of l, u given converged"
    assert found.name == "coverage"
    assert conditional(share_missing("x"), given="g").counts_missing
    assert not conditional(mean("x"), given="g").counts_missing
    assert len({conditional(mean("x"), given="g"), conditional(mean("x"), given="g")}) == 1


@pytest.mark.parametrize("given", [0.5, 2.0, math.nan])
def test_a_condition_is_0_or_1(given: Any) -> None:
    values = [[1.0, 1.0], [1.0, given], [1.0, 0.0]]
    found = conditional(mean("x"), given="converged")
    message = f"`values` must be 0 or 1 in converged, got {given} at index 1; return an indicator column"
    for method in (found.estimate, found.influence, lambda v: found.limits(v, 0.01)):
        with pytest.raises(InputError, match=message):
            method(values)


def test_missing_values_among_the_chosen_are_refused() -> None:
    with pytest.raises(InputError, match="`values` must be finite, got nan at index 0"):
        conditional(mean("x"), given="converged").estimate([[math.nan, 1.0], [1.0, 1.0]])
