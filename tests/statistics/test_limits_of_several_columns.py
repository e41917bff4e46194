"""Limits of ratios miss as seldom as they say, at any look."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import ndtri

from mcstudy.statistics import Statistic
from mcstudy.statistics.comparisons import correlation, ratio, relative_precision
from mcstudy.statistics.sequences import effective_z

SHARE, TUNED, WALKS = 0.05, 256, 2000
LOOKS = np.unique(np.round(np.minimum(64 * 1.3 ** np.arange(15), 2048))).astype(int)
# A rate of 0.05 is known to a tenth of itself.
MOST = 1.15 * SHARE * WALKS

Closed = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Case(NamedTuple):
    """A statistic with its truth, for columns a and 0.8 a + 0.6 b, and its closed form in vectors."""

    statistic: Statistic
    origin: float
    truth: float
    closed: Closed


def error(influence: np.ndarray) -> np.ndarray:
    spread: np.ndarray = np.std(influence, axis=1, ddof=1) / np.sqrt(influence.shape[1])
    return spread


def ratios(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value = a.mean(axis=1) / b.mean(axis=1)
    return value, error((a - value[:, None] * b) / b.mean(axis=1, keepdims=True))


def correlations(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = ((x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True) for x in (a, b))
    value = np.mean(a * b, axis=1)
    return value, error(a * b - value[:, None] * (a**2 + b**2) / 2)


def precisions(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = ((x - x.mean(axis=1, keepdims=True)) ** 2 for x in (a, b))
    value = b.mean(axis=1) / a.mean(axis=1)
    return value - 1, value * error(b / b.mean(axis=1, keepdims=True) - a / a.mean(axis=1, keepdims=True))


CASES = {
    # With a mean of one standard deviation the ratio is far from linear.
    "ratio": Case(ratio("a", "b"), 1.0, 1.0, ratios),
    "correlation": Case(correlation("a", "b"), 0.0, 0.8, correlations),
    "relative precision": Case(relative_precision("a", "b"), 0.0, 0.0, precisions),
}


def draws(law: str) -> np.ndarray:
    rng, shape = np.random.default_rng(1), (2, WALKS, LOOKS[-1])
    a, b = rng.standard_normal(shape) if law == "normal" else rng.standard_exponential(shape) - 1
    return np.stack([a, 0.8 * a + 0.6 * b])


def outside(
    case: Case, columns: np.ndarray, z: Callable[[int], float]
) -> Iterator[tuple[int, int, np.ndarray]]:
    """At each look, for each end, the walks whose estimate lies more than z errors beyond the truth."""
    for look in LOOKS:
        value, spread = case.closed(*columns[:, :, :look])
        low, high = value - z(look) * spread, value + z(look) * spread
        yield int(look), 0, np.flatnonzero(low > case.truth)
        yield int(look), 1, np.flatnonzero(high < case.truth)


@pytest.mark.calibration
@pytest.mark.parametrize("law", ["normal", "skewed"])
@pytest.mark.parametrize("name", CASES)
def test_misses_at_any_look(name: str, law: str) -> None:
    case = CASES[name]
    columns = draws(law) + case.origin
    missed = np.zeros((2, WALKS), dtype=np.bool_)
    # Limits are nowhere narrower than z errors of first order: no other walk can miss.
    for look, end, walks in outside(case, columns, lambda look: effective_z(look, SHARE, TUNED)):
        for walk in walks[~missed[end, walks]]:
            limits = case.statistic.limits(columns[:, walk, :look].T, SHARE, TUNED)
            beyond = limits.low > case.truth if end == 0 else limits.high < case.truth
            missed[end, walk] = limits.believed and beyond
    assert np.all(np.sum(missed, axis=1) <= MOST)


@pytest.mark.calibration
@pytest.mark.parametrize("name", CASES)
def test_limits_for_a_single_look_would_be_caught(name: str) -> None:
    case = CASES[name]
    missed = np.zeros((2, WALKS), dtype=np.bool_)
    for _, end, walks in outside(case, draws("normal") + case.origin, lambda look: -float(ndtri(SHARE))):
        missed[end, walks] = True
    assert np.all(np.sum(missed, axis=1) > MOST)
