"""Means and variances of groups against NumPy, group by group."""

import numpy as np
import pytest

from mcstudy.statistics.performance.groups import Groups, sample


def test_sample_against_numpy() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 5, 300)
    values = np.where(rng.random(300) < 0.2, np.nan, rng.normal(1e6, 1.0, 300))
    found = sample(Groups(codes, 5), values)
    for code in range(5):
        present = values[(codes == code) & ~np.isnan(values)]
        assert found.size[code] == present.size
        # The mean is good to a few roundings, and the deviations from it to as many of 1e6.
        rounding = 10 * 1e6 * np.finfo(float).eps
        assert found.mean[code] == pytest.approx(present.mean(), abs=rounding)
        assert found.variance[code] == pytest.approx(present.var(ddof=1), abs=10 * rounding)
        assert found.error[code] == pytest.approx(present.std(ddof=1) / np.sqrt(present.size), abs=rounding)
    assert np.array_equal(np.isnan(found.deviations), np.isnan(values))


def test_equal_values_have_exactly_their_mean() -> None:
    values = np.full(7, 0.1)
    assert np.add.reduce(values) / 7 != 0.1 or np.cumsum(values)[-1] / 7 != 0.1  # the control
    found = sample(Groups(np.zeros(7, dtype=np.int64), 1), values)
    assert found.mean[0] == 0.1
    assert not found.deviations.any()


def test_groups_without_values_are_nan() -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = sample(Groups(np.array([0, 0, 2]), 3), np.array([1.0, 3.0, np.nan]))
        assert np.array_equal(found.size, [2, 0, 0])
        assert np.array_equal(found.mean, [2, np.nan, np.nan], equal_nan=True)
        assert np.array_equal(found.variance, [2, np.nan, np.nan], equal_nan=True)
