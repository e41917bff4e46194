"""One large group a portion at a time: what `measures` makes of it whole, in the corners too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Statistic
from mcstudy.statistics.accuracy import empirical_se
from mcstudy.statistics.comparisons import covariance, relative_error, relative_precision
from mcstudy.statistics.several import joined

N = 150
RNG = np.random.default_rng(5)
X, Z = RNG.standard_normal((2, N))
STATISTICS = [empirical_se("x"), relative_error("se", "x"), relative_precision("x", "y")]
CORNERS = {
    "plain": {"x": X, "y": 0.6 * X + Z, "se": np.exp(Z)},
    "no standard errors": {"x": X, "y": Z, "se": np.zeros(N)},
    "equal estimates": {"x": np.full(N, 0.1), "y": Z, "se": np.exp(Z)},
    "equal references": {"x": X, "y": np.full(N, 0.1), "se": np.ones(N)},
    "large ones": {"x": 1e155 * X, "y": 1e155 * Z, "se": 1e200 * np.exp(Z)},
    "one that is large": {"x": np.where(np.arange(N) == 7, 1e160, X), "y": Z, "se": np.ones(N)},
    "a large standard error": {"x": X, "y": Z, "se": np.where(np.arange(N) == 7, 1e200, 1.0)},
}


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("of", STATISTICS, ids=lambda of: of.label)
def test_a_large_group_has_the_measures_of_a_small_one(
    of: Statistic, corner: str, set_portion: Callable[[int], None]
) -> None:
    values = joined([CORNERS[corner][name] for name in of.columns])
    small = of.estimate(values)
    set_portion(40)
    found = of.estimate(values)
    assert found.value == pytest.approx(small.value, rel=1e-12, nan_ok=True)
    if np.isfinite(small.value):  # of infinite ones there is no error
        assert found.mcse == pytest.approx(small.mcse, rel=1e-12, nan_ok=True)


def test_negative_standard_errors_are_told_by_their_places(set_portion: Callable[[int], None]) -> None:
    set_portion(40)
    se = np.where(np.arange(N) == 97, -1.0, 1.0)
    with pytest.raises(InputError, match=r"not be negative, got -1\.0 at index 97"):
        relative_error("se", "x").estimate(joined([se, X]))


def test_limits_of_what_overflows_are_no_numbers() -> None:
    limits = covariance("a", "b").limits(joined([1e155 * X, np.full(N, 1e160)]), 1e-3)
    assert not limits.believed
