"""Coverage, power and missing shares: counts, exact limits, and what may stand in their columns."""

import math
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Limits, Statistic, clopper_pearson, conditional, mean, proportion, width
from mcstudy.statistics.bernoulli import proportion_limits
from mcstudy.statistics.shares import coverage, covering, is_coverage, power, share_missing

RNG = np.random.default_rng(1)
N = 400
X = RNG.standard_normal(N)
INTERVALS = np.column_stack([X - 1.5, X + 1.5])
# What a sum of N ones is off by, divided.
ROUNDED = N * np.finfo(np.float64).eps


def named(given: Any) -> str:
    if isinstance(given, Statistic):
        return f"{given.label}, {getattr(given, 'against', '')}"
    return given if isinstance(given, str) else ""


@pytest.mark.parametrize(
    ("statistic", "values", "hits"),
    [
        (coverage("l", "u", 0.5), INTERVALS, np.abs(X - 0.5) <= 1.5),
        (coverage("l", "u", "t"), np.column_stack([INTERVALS, X / 2]), np.abs(X / 2) <= 1.5),
        (power("p", 0.1), np.abs(np.sin(X)), np.abs(np.sin(X)) <= 0.1),
        (power("p", "t"), np.column_stack([np.abs(np.sin(X)), X**2]), np.abs(np.sin(X)) <= X**2),
        (share_missing("x"), np.where(X > 1, np.nan, X), X > 1),
    ],
    ids=named,
)
def test_counts_and_exact_limits(statistic: Statistic, values: np.ndarray, hits: np.ndarray) -> None:
    count, share = int(np.sum(hits)), float(np.mean(hits))
    estimate = statistic.estimate(values)
    assert estimate.value == pytest.approx(share, rel=ROUNDED)
    assert estimate.mcse == pytest.approx(math.sqrt(share * (1 - share) / N), rel=ROUNDED)
    assert statistic.interval(values, 0.99) == clopper_pearson(count, N, 0.99)
    low, high = map(float, proportion_limits(count, N, share=0.01, tuned=256))
    assert statistic.limits(values, 0.01, 256) == Limits(low, high)
    assert statistic.is_exact
    assert statistic.scale(0.8) == pytest.approx(0.4)
    np.testing.assert_allclose(statistic.influence(values), hits - share, atol=ROUNDED)


def test_ends_that_touch_cover_and_p_values_at_the_level_reject() -> None:
    assert coverage("l", "u", 1.0).estimate([[0.0, 1.0], [1.0, 2.0], [1.1, 2.0], [0.0, 0.9]]).value == 0.5
    assert power("p", 0.05).estimate([0.05, 0.051]).value == 0.5
    assert power("p").estimate([0.05, 0.051]).value == 0.5


def test_one_sided_intervals() -> None:
    assert coverage("l", "u", 0.0).estimate([[-math.inf, 1.0], [0.5, math.inf]]).value == 0.5


@pytest.mark.parametrize("covers", [0.0, 1.0])
def test_a_share_of_none_or_all_has_an_error(covers: float) -> None:
    estimate = coverage("l", "u", covers).estimate(np.tile([1.0, 2.0], (4, 1)))
    assert estimate.value == covers
    # The standard deviation of Beta(1/2, 9/2).
    assert estimate.mcse == pytest.approx(math.sqrt(0.5 * 4.5 / 25 / 6), rel=1e-12)
    # Control: that of a mean would be 0.
    assert proportion("x").estimate(np.full(4, covers)).mcse == 0.0


def test_missing_values_are_what_is_counted() -> None:
    assert share_missing("x").counts_missing
    assert not coverage("l", "u", 0.0).counts_missing
    assert share_missing("x").estimate([math.nan, math.inf, 0.0, 1.0]).value == 0.25


def test_a_level_that_is_a_function_of_factors() -> None:
    assert power("p", lambda looks: 0.05 / looks).at({"looks": 5}) == power("p", 0.01)
    assert coverage("l", "u", lambda n: 1 / n).at({"n": 4}) == coverage("l", "u", 0.25)


def test_words_and_values() -> None:
    assert [s.label for s in (coverage("l", "u", 0), power("p"), share_missing("x"))] == [
        "coverage of l, u",
        "power of p",
        "missing share of x",
    ]
    assert coverage("l", "u", "t").columns == ("l", "u", "t")
    assert power("p", 0.05) == power("p") != power("p", 0.01)


@pytest.mark.parametrize("level", [0.0, 0.95, 1.0, -0.05])
def test_misuse_of_the_level(level: float) -> None:
    message = rf"`level` must be a significance level in \(0, 1/2\], got {level}; 0\.05 is a usual choice"
    with pytest.raises(InputError, match=message):
        power("p", level)
    with pytest.raises(InputError, match=message):
        power("p", lambda n: level).at({"n": 1})


@pytest.mark.parametrize(
    ("statistic", "values", "message"),
    [
        (power("p"), [0.5, 1.5], r"must be p-values between 0 and 1, got 1\.5 at index 1; name their column"),
        (power("p"), [0.5, math.nan], "must be finite, got nan at index 1 of p"),
        (coverage("l", "u", 0.0), [[0.0, 1.0], [2.0, 1.0]], r"no upper limit below the lower one, got 1\.0"),
        (
            coverage("l", "u", 0.0),
            [[0.0, 1.0], [math.nan, 1.0]],
            "must not be missing, got nan at index 1 of l",
        ),
        (share_missing("x"), [math.nan], "must hold at least 2 replicates, got 1"),
    ],
    ids=named,
)
def test_misuse_of_values(statistic: Statistic, values: Any, message: str) -> None:
    for method in (statistic.estimate, statistic.influence, lambda v: statistic.limits(v, 0.01)):
        with pytest.raises(InputError, match=message):
            method(values)


@pytest.mark.parametrize(
    ("truth", "beside", "expected"),
    [
        (0.5, [], np.full(N, 0.5)),
        (1, [], np.ones(N)),
        ("t", [X / 2], X / 2),
        (lambda n: 1 / n, [], np.full(N, 0.25)),
    ],
    ids=["number", "whole number", "column", "function"],
)
def test_covering_has_the_truth_beside_each_interval(
    truth: Any, beside: list[np.ndarray], expected: np.ndarray
) -> None:
    statistic = coverage("l", "u", truth).at({"n": 4})
    low, high, truths = covering(statistic, np.column_stack([INTERVALS, *beside]))
    assert np.array_equal([low, high], INTERVALS.T)
    assert np.array_equal(truths, expected)


def test_covering_before_a_scenario_is_refused() -> None:
    with pytest.raises(InputError, match="`truth` of the coverage of l, u must be bound to a scenario"):
        covering(coverage("l", "u", lambda n: n), INTERVALS)


def test_what_is_a_coverage() -> None:
    assert is_coverage(coverage("l", "u", 0.0))
    assert is_coverage(coverage("l", "u", lambda n: n).at({"n": 1}))
    others = (power("p"), width("l", "u"), mean("x"), 1 - coverage("l", "u", 0.0))
    assert not any(map(is_coverage, (*others, conditional(coverage("l", "u", 0.0), given="c"))))
