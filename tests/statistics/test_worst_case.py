"""Bounds without assumptions: against all values that the missing ones could have had."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import (
    Statistic,
    coverage,
    mean,
    power,
    proportion,
    quantile,
    sd,
    share_missing,
    smooth,
)
from mcstudy.statistics.worst_case import mean_bounds, quantile_bounds

RNG = np.random.default_rng(20)
# What the missing values are tried at: beyond all others, between them, at some of them.
TRIED = (-math.inf, -10.0, -0.5, 0.0, 0.4, 10.0, math.inf)


@pytest.mark.parametrize("probability", [0.1, 0.25, 0.5, 0.77, 0.9])
@pytest.mark.parametrize("missing", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [2, 5, 9])
def test_quantiles_against_all_that_the_missing_could_be(
    probability: float, missing: int, count: int
) -> None:
    values = np.round(RNG.normal(size=count), 1)
    low, high = quantile_bounds(values, probability, missing)
    found = []
    for others in itertools.combinations_with_replacement(TRIED, missing):
        data = np.concatenate([values, others])
        with np.errstate(invalid="ignore"):
            found.append(float(np.quantile(data, probability)))
    found = [value for value in found if not math.isnan(value)]
    assert min(found, default=low) >= low
    assert max(found, default=high) <= high
    # Attained, if not by an infinite value then as far as one likes.
    far = 1e6
    lowest, highest = (np.quantile(np.append(values, [end] * missing), probability) for end in (-far, far))
    assert low == pytest.approx(lowest) if low > -math.inf else lowest < -far / 100
    assert high == pytest.approx(highest) if high < math.inf else highest > far / 100


@pytest.mark.parametrize("missing", [0, 1, 4])
def test_shares_against_all_that_the_missing_could_be(missing: int) -> None:
    values = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    found = [
        float(np.mean(np.append(values, others))) for others in itertools.product((0.0, 1.0), repeat=missing)
    ]
    assert proportion("x").worst_case(values, missing) == pytest.approx((min(found), max(found)))


COVERED = np.array([[-1.0, 1.0], [0.5, 2.0], [-2.0, 0.0], [-math.inf, 2.0]])


@pytest.mark.parametrize(
    ("statistic", "values", "expected"),
    [
        (coverage("low", "high", 0.0), COVERED, (3 / 5, 4 / 5)),
        (power("p"), np.array([0.01, 0.5, 0.04, 0.2]), (2 / 5, 3 / 5)),
        (share_missing("x"), np.array([0.01, np.nan, 0.04, 0.2]), (1 / 5, 2 / 5)),
        (quantile("x", 0.5), np.array([1.0, 2.0, 3.0, 4.0]), (2.0, 3.0)),
    ],
)
def test_one_more_replicate(statistic: Statistic, values: np.ndarray, expected: tuple[float, float]) -> None:
    assert statistic.worst_case(values, 1) == pytest.approx(expected)
    assert statistic.worst_case(values, 0) == (statistic.estimate(values).value,) * 2


@pytest.mark.parametrize("statistic", [mean("x"), sd("x"), smooth(np.exp, mean("x"))])
def test_nothing_bounds_a_mean_without_a_range(statistic: Statistic) -> None:
    assert statistic.worst_case(np.arange(4.0), 1) is None


def test_a_mean_within_a_range_against_its_extremes() -> None:
    values = RNG.uniform(-1.0, 3.0, size=7)
    expected = tuple(float(np.mean(np.append(values, [end] * 3))) for end in (-1.0, 3.0))
    assert mean_bounds(float(np.mean(values)), 7, 3, (-1.0, 3.0)) == pytest.approx(expected)


@pytest.mark.parametrize(("replicates", "missing"), [(0, 0), (-1, 2), (3, -1)])
def test_counts_that_are_none(replicates: int, missing: int) -> None:
    with pytest.raises(InputError, match="`replicates` and `missing` must be counts, not both 0"):
        mean_bounds(0.5, replicates, missing)
