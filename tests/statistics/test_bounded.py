"""Limits for columns of a stated range hold at any look, with nothing but the range assumed."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import bdtrc

from mcstudy.exceptions import InputError
from mcstudy.statistics.bounded import BoundedMean
from mcstudy.statistics.sequences import effective_z, influence_limits, mixture_scale

# How often a check of this file may fail though the limits are right.
FALSE_ALARM = 1e-6

Law = Callable[[np.random.Generator, int], np.ndarray]

LAWS: list[tuple[str, Law, float]] = [
    ("uniform", lambda rng, n: rng.random(n), 0.5),
    ("rare", lambda rng, n: (rng.random(n) < 0.01).astype(float), 0.01),
    ("u-shaped", lambda rng, n: rng.beta(0.1, 0.3, n), 0.25),
    ("narrow", lambda rng, n: rng.beta(40, 10, n), 0.8),
]


def misses(law: Law, truth: float, share: float, look: Callable[[np.ndarray], tuple[float, float]]) -> int:
    """How many of 300 streams have an end on the wrong side at one of their looks, either end."""
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(300):
        stream = law(rng, 2048)
        limits = [look(stream[:n]) for n in (16, 64, 128, 256, 512, 1024, 2048)]
        wrong += any(low > truth or high < truth for low, high in limits)
    return wrong


def most_misses(share: float) -> int:
    """Number of misses on two sides that right limits exceed with probability below `FALSE_ALARM`."""
    return next(k for k in range(300) if bdtrc(k, 300, 2 * share) < FALSE_ALARM)


@pytest.mark.parametrize(("law", "truth"), [case[1:] for case in LAWS], ids=[case[0] for case in LAWS])
def test_limits_hold_at_every_look(law: Law, truth: float) -> None:
    def look(values: np.ndarray) -> tuple[float, float]:
        return BoundedMean(0.0, 1.0).extended(values).limits(share=0.05, tuned=64)

    assert misses(law, truth, 0.05, look) <= most_misses(0.05)


def test_limits_without_a_range_are_caught_by_rare_values() -> None:
    def look(values: np.ndarray) -> tuple[float, float]:
        mean = float(values.mean())
        return influence_limits(mean, values - mean, effective_z(values.size, 0.05, tuned=64))

    assert misses(LAWS[1][1], 0.01, 0.05, look) > most_misses(0.05)


def test_blocks_do_not_matter() -> None:
    values = np.random.default_rng(2).random(1000)
    whole = BoundedMean(0.0, 1.0).extended(values)
    parts = BoundedMean(0.0, 1.0)
    for block in np.split(values, [1, 64, 640]):
        parts = parts.extended(block)
    assert parts.replicates == whole.replicates
    assert (parts.total, parts.spread) == pytest.approx((whole.total, whole.spread), rel=1e-12)


def test_predictions_do_not_see_what_they_predict() -> None:
    spread = BoundedMean(0.0, 1.0).extended(np.array([0.2, 1.0])).spread
    # 1/2 stands before the first, then the mean of 1/2 and 0.2.
    assert spread == pytest.approx(0.3**2 + 0.65**2)


@pytest.mark.parametrize("share", [0.4, 1e-3])
def test_limits_against_the_mixture(share: float) -> None:
    """At the limit the mixture of ``exp(l S + (log(1 - l) + l) V)`` over a gamma law of 1 - l is 1 / share."""
    mean = BoundedMean(0.0, 1.0).extended(np.random.default_rng(5).random(200))
    scale = mixture_scale(share, 1024) / 48
    total = 200 * (mean.total / 200 - mean.limits(share=share, tuned=1024)[0])

    def prior(bet: float) -> float:
        return math.exp((scale - 1) * math.log1p(-bet) - scale * (1 - bet))

    def bets(bet: float) -> float:
        return prior(bet) * math.exp(bet * (total + mean.spread) + math.log1p(-bet) * mean.spread)

    grid = np.linspace(0, 1, 20_001)[:-1]
    mass, wealth = (np.trapezoid([f(bet) for bet in grid], grid) for f in (prior, bets))
    assert share * wealth / mass == pytest.approx(1, rel=1e-3)


def test_limits_move_with_the_range() -> None:
    values = np.random.default_rng(3).random(500)
    low, high = BoundedMean(0.0, 1.0).extended(values).limits(share=0.01)
    moved = BoundedMean(-3.0, 7.0).extended(10 * values - 3).limits(share=0.01)
    assert moved == pytest.approx((10 * low - 3, 10 * high - 3))


def test_limits_come_near_the_asymptotic_ones() -> None:
    values = np.random.default_rng(4).random(16384)
    low, high = BoundedMean(0.0, 1.0).extended(values).limits(share=1e-3)
    asymptotic = 2 * effective_z(values.size, 1e-3) * math.sqrt(1 / 12 / values.size)
    assert 1 < (high - low) / asymptotic < 1.15


def test_equal_replicates_keep_a_width_that_the_range_sets() -> None:
    low, high = BoundedMean(0.0, 1.0).extended(np.full(256, 0.5)).limits(share=1e-3)
    # A value that 256 replicates have missed may have probability 1 - share^(1/256) = 0.027.
    assert low < 0.5 - 0.0135
    assert high > 0.5 + 0.0135


def test_nothing_drawn_leaves_the_range() -> None:
    assert BoundedMean(-1.0, 2.0).limits(share=0.01) == (-1.0, 2.0)


def test_value_outside_of_the_range() -> None:
    with pytest.raises(InputError, match=r"`values` must lie within \[0.0, 1.0\], got 1.5 at index 1"):
        BoundedMean(0.0, 1.0).extended(np.array([0.5, 1.5]))
    with pytest.raises(InputError, match="got nan at index 0"):
        BoundedMean(0.0, 1.0).extended(np.array([math.nan]))


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_no_range(low: float, high: float) -> None:
    with pytest.raises(InputError, match="`low` and `high` must be finite and in this order"):
        BoundedMean(low, high)
