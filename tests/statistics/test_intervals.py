"""Interval formulas against their definitions, solved or summed by brute force."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from scipy.special import bdtr, bdtrc

from mcstudy.exceptions import InputError
from mcstudy.statistics import (
    clopper_pearson,
    dkw_band,
    hall_interval,
    maritz_jarrett,
    order_statistic_interval,
    standard_error,
    t_interval,
    upper_limit,
)
from mcstudy.statistics.intervals import t_quantile, tail_probability

EXTREME = 1 - 1e-6


@pytest.mark.parametrize("degrees", [1, 5, 63, 1023, 10**6])
@pytest.mark.parametrize("confidence", [0.5, 0.99, EXTREME, 1 - 1e-10])
def test_t_quantile_against_mpmath(degrees: int, confidence: float) -> None:
    t = mpmath.mpf(t_quantile(degrees, confidence))
    with mpmath.workdps(40):
        tails = mpmath.betainc(mpmath.mpf(degrees) / 2, 0.5, 0, degrees / (degrees + t**2), regularized=True)
    # Writing 1 - 1e-10 as a double has cost a relative 1e-6 of the tail already; a thousandth of that is free.
    assert float(tails) == pytest.approx(2 * tail_probability(confidence), rel=1e-9, abs=0)


def test_tail_probability_keeps_its_digits() -> None:
    # 1 - 1e-10 is rounded to a multiple of 2^-53.
    assert tail_probability(1 - 1e-10) == pytest.approx(5e-11, abs=2.0**-53)


@pytest.mark.parametrize("confidence", [0.9, EXTREME])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hall_interval_against_the_cubic_it_inverts(confidence: float, seed: int) -> None:
    x = np.random.default_rng(seed).standard_exponential(40)
    influence = x - x.mean()
    error = np.std(influence, ddof=1) / math.sqrt(40)
    skew = np.mean((influence / (error * math.sqrt(40))) ** 3) / math.sqrt(40)
    t = t_quantile(39, confidence)
    ends = hall_interval(float(x.mean()), influence, confidence)
    for end, expected in zip(ends, (t, -t), strict=True):
        T = (x.mean() - end) / error
        cubic = T + skew * T**2 / 3 + skew**2 * T**3 / 27 + skew / 6
        # The cubic and its inverse each take some ten operations on numbers below 100.
        assert cubic == pytest.approx(expected, rel=1e3 * np.finfo(float).eps)


def test_hall_interval_of_symmetric_influence_is_the_t_interval() -> None:
    influence = np.array([-3.0, -1.0, 0.0, 0.0, 1.0, 3.0])
    assert hall_interval(2.0, influence, EXTREME) == pytest.approx(
        t_interval(2.0, influence, EXTREME), rel=1e-14
    )


def test_hall_interval_reaches_further_to_the_side_of_the_skewness() -> None:
    influence = np.array([-1.0] * 9 + [9.0])
    low, high = hall_interval(0.0, influence, 0.99)
    plain = t_interval(0.0, influence, 0.99)
    assert plain[0] < low < 0 < plain[1] < high
    mirrored = hall_interval(0.0, -influence, 0.99)
    assert mirrored == pytest.approx((-high, -low), rel=1e-14)


def test_hall_interval_widens_with_confidence_and_error() -> None:
    x = np.random.default_rng(4).standard_exponential(30)
    influence = x - x.mean()
    ends = [hall_interval(0.0, influence, c) for c in (0.5, 0.9, 0.99, 0.9999, EXTREME, 1 - 1e-9)]
    assert all(b[0] < a[0] and a[1] < b[1] for a, b in itertools.pairwise(ends))
    wide = hall_interval(0.0, influence, 0.99, mcse=2 * standard_error(influence))
    assert wide[1] - wide[0] > ends[2][1] - ends[2][0]


def test_standard_error_neither_overflows_nor_underflows() -> None:
    influence = np.array([-1.0, 0.0, 1.0])
    for unit in (1e-300, 1e300):
        assert standard_error(unit * influence) == pytest.approx(unit / math.sqrt(3), rel=1e-14, abs=0)
    assert standard_error(np.zeros(3)) == 0.0


@pytest.mark.parametrize("successes", [0, 1, 7, 19, 20])
@pytest.mark.parametrize("confidence", [0.95, EXTREME])
def test_clopper_pearson_against_binomial_tails(successes: int, confidence: float) -> None:
    low, high = clopper_pearson(successes, 20, confidence)
    tail = tail_probability(confidence)
    if successes > 0:
        assert bdtrc(successes - 1, 20, low) == pytest.approx(tail, rel=1e-9, abs=0)
    else:
        assert low == 0.0
    if successes < 20:
        assert bdtr(successes, 20, high) == pytest.approx(tail, rel=1e-9, abs=0)
    else:
        assert high == 1.0


def test_clopper_pearson_against_scipy() -> None:
    from scipy.stats import binomtest

    reference = binomtest(37, 500).proportion_ci(confidence_level=0.99, method="exact")
    assert clopper_pearson(37, 500, 0.99) == pytest.approx((reference.low, reference.high), rel=1e-9)


def least_coverage(intervals: list[tuple[float, float]], trials: int) -> float:
    """Coverage at the worst of many probabilities, summed exactly over all outcomes."""
    counts = np.arange(trials + 1)
    low, high = np.array(intervals).T
    coverages = []
    for p in np.linspace(0.001, 0.999, 999):
        masses = np.diff(bdtr(counts, trials, p), prepend=0.0)
        coverages.append(masses[(low <= p) & (p <= high)].sum())
    return float(min(coverages))


def test_clopper_pearson_covers_every_probability() -> None:
    trials = 30
    exact = [clopper_pearson(k, trials, 0.99) for k in range(trials + 1)]
    # A sum of 31 probabilities is off by 31 roundings at most.
    assert least_coverage(exact, trials) >= 0.99 - 31 * np.finfo(float).eps
    frequencies = np.arange(trials + 1) / trials
    half = 2.576 * np.sqrt(frequencies * (1 - frequencies) / trials)
    wald = list(zip(frequencies - half, frequencies + half, strict=True))
    assert least_coverage(wald, trials) < 0.1


def test_upper_limit_spends_all_error_on_one_side() -> None:
    # Without any success: (1 - p)^n = 1 - confidence.
    assert upper_limit(0, 1000, 0.999) == pytest.approx(1 - 0.001 ** (1 / 1000), rel=1e-9)
    assert upper_limit(3, 100, 0.975) == pytest.approx(clopper_pearson(3, 100, 0.95)[1], rel=1e-9)
    assert upper_limit(5, 5, 0.99) == 1.0


def test_dkw_band_against_massart_and_simulation() -> None:
    n, confidence = 200, 0.9
    band = dkw_band(n, confidence)
    assert 2 * math.exp(-2 * n * band**2) == pytest.approx(1 - confidence, rel=1e-12)
    uniforms = np.sort(np.random.default_rng(5).random((2000, n)), axis=1)
    steps = np.arange(1, n + 1) / n
    distances = np.maximum(steps - uniforms, uniforms - steps + 1 / n).max(axis=1)
    outside = float(np.mean(distances > band))
    # Five standard errors of 2000 trials; the inequality is nearly an equality, so half of the band is caught.
    assert outside < 0.1 + 5 * math.sqrt(0.1 * 0.9 / 2000)
    assert float(np.mean(distances > band / 2)) > 0.5


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_order_statistic_interval_against_binomial_law(probability: float) -> None:
    n, confidence = 100, 0.99
    ranks = np.arange(1.0, n + 1)
    low, high = (int(end) for end in order_statistic_interval(ranks, probability, confidence))
    # The quantile is below the low-th value if fewer than `low` draws are below it, and so on.
    assert bdtr(low - 1, n, probability) <= 0.005 < bdtr(low, n, probability)
    assert bdtrc(high - 1, n, probability) <= 0.005 < bdtrc(high - 2, n, probability)


def binomial_search(ordered: np.ndarray, probability: float, confidence: float) -> tuple[float, float]:
    """The same interval by looking for the two ranks one by one; `ordered` is sorted."""
    n, tail = ordered.size, (1 - confidence) / 2
    below = max((r for r in range(1, n + 1) if bdtr(r - 1, n, probability) <= tail), default=0)
    above = min((r for r in range(1, n + 1) if bdtrc(r - 1, n, probability) <= tail), default=n + 1)
    return (
        ordered[below - 1] if below else -math.inf,
        ordered[above - 1] if above <= n else math.inf,
    )


@pytest.mark.parametrize("n", [2, 17, 256, 1000])
@pytest.mark.parametrize("probability", [0.01, 0.5, 0.9])
@pytest.mark.parametrize("confidence", [0.9, EXTREME, 1 - 1e-9])
def test_order_statistic_interval_against_search_for_ranks(
    n: int, probability: float, confidence: float
) -> None:
    x = np.random.default_rng(8).standard_normal(n)
    expected = binomial_search(np.sort(x), probability, confidence)
    assert order_statistic_interval(x, probability, confidence) == expected
    # The control: a slightly higher quantile is not between the same ranks where the ranks are finite.
    if n == 1000 and probability > 0.01:
        assert binomial_search(np.sort(x), probability + 0.02, confidence) != expected


def test_order_statistic_interval_of_equal_values_is_their_value() -> None:
    assert order_statistic_interval(np.full(5, 0.1), 0.5, EXTREME) == (0.1, 0.1)


def test_order_statistic_interval_ignores_order_and_is_infinite_where_data_end() -> None:
    x = np.random.default_rng(6).standard_normal(300)
    assert order_statistic_interval(x, 0.5, 0.99) == order_statistic_interval(np.sort(x), 0.5, 0.99)
    assert order_statistic_interval(x, 0.99, EXTREME)[1] == math.inf
    assert order_statistic_interval(x, 0.01, EXTREME)[0] == -math.inf


@pytest.mark.parametrize("probability", [0.02, 0.5, 0.97])
def test_maritz_jarrett_against_unwindowed_sum(probability: float) -> None:
    with mpmath.workdps(30):
        x = np.random.default_rng(7).standard_exponential(60)
        a, b = 61 * mpmath.mpf(probability), 61 * (1 - mpmath.mpf(probability))
        edges = [mpmath.betainc(a, b, 0, mpmath.mpf(i) / 60, regularized=True) for i in range(61)]
        weights = np.array([float(upper - lower) for lower, upper in itertools.pairwise(edges)])
    ordered = np.sort(x)
    center = weights @ ordered
    expected = math.sqrt(weights @ (ordered - center) ** 2)
    # The window leaves out one rounding of weight at each side, at a squared distance of a few hundred variances.
    assert maritz_jarrett(x, probability) == pytest.approx(expected, rel=1e3 * np.finfo(float).eps)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_bad_counts_are_refused(successes: int, trials: int) -> None:
    message = f"`successes` must lie between 0 and `trials` .* got {successes} of {trials}"
    with pytest.raises(InputError, match=message):
        clopper_pearson(successes, trials, 0.99)
    with pytest.raises(InputError, match=message):
        upper_limit(successes, trials, 0.99)


def test_bad_confidence_and_replicates_are_refused() -> None:
    influence = np.array([-1.0, 1.0])
    for interval in (t_interval, hall_interval):
        with pytest.raises(InputError, match=r"`confidence` must lie strictly between 0 and 1, got 1\.0"):
            interval(0.0, influence, 1.0)
    for call in (clopper_pearson, upper_limit):
        with pytest.raises(InputError, match="`confidence` must lie strictly between 0 and 1, got 0"):
            call(1, 2, 0)
    with pytest.raises(InputError, match="`confidence` must lie strictly between 0 and 1, got 95"):
        dkw_band(10, 95)
    with pytest.raises(InputError, match="`replicates` must be at least 1, got 0"):
        dkw_band(0, 0.95)
    with pytest.raises(InputError, match="`confidence` must lie strictly between 0 and 1, got -1"):
        order_statistic_interval(influence, 0.5, -1)
