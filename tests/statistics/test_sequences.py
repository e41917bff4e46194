"""Boundaries are crossed as seldom as they say, at any look, and cost a third fewer draws than doubling looks."""

import math

import numpy as np
import pytest
from scipy.special import bdtrc, ndtr, ndtri

from mcstudy.exceptions import InputError
from mcstudy.statistics import dkw_band, hall_interval, standard_error
from mcstudy.statistics.sequences import (
    TUNED,
    effective_z,
    influence_limits,
    law_band,
    mixture_scale,
    replicates_for,
    sequence_limits,
)

# How often a check of this file may fail though the boundary is right.
FALSE_ALARM = 1e-6


def most_crossings(walks: int, share: float) -> int:
    """Number of crossings that a right boundary exceeds with probability below `FALSE_ALARM`."""
    return next(k for k in range(walks) if bdtrc(k, walks, share) < FALSE_ALARM)


def boundary(looks: np.ndarray, share: float, tuned: float = TUNED) -> np.ndarray:
    return np.array([effective_z(int(n), share, tuned) for n in looks])


def brownian(walks: int, looks: np.ndarray, seed: int) -> np.ndarray:
    """Brownian motions at the looks, in units of their standard deviation, shape (walks, looks)."""
    normal = np.random.default_rng(seed).standard_normal((walks, looks.size))
    places = np.cumsum(np.sqrt(np.diff(looks, prepend=0)) * normal, axis=1)
    standard: np.ndarray = places / np.sqrt(looks)
    return standard


@pytest.mark.parametrize("share", [0.1, 0.01, 1e-4])
@pytest.mark.parametrize("n", [64, 2048, 65536])
def test_z_against_the_mixture(share: float, n: int) -> None:
    scale = mixture_scale(share, 2048)
    place = effective_z(n, share, 2048) * math.sqrt(n / (n + scale))
    mixture = 2 * math.sqrt(scale / (n + scale)) * math.exp(place**2 / 2) * ndtr(place)
    # The closed form replaces the normal tail by its bound: conservative, and by no more than this.
    assert 1 <= mixture * share < 1 + 3 * math.sqrt(share)


@pytest.mark.parametrize("share", [0.2, 0.02])
def test_a_brownian_motion_crosses_with_the_share(share: float) -> None:
    looks = np.unique(np.round(16 * 1.05 ** np.arange(180)))
    crossed = np.any(brownian(4000, looks, seed=1) > boundary(looks, share, tuned=256), axis=1)
    assert np.sum(crossed) <= most_crossings(4000, share)
    # Looks to 400 times `tuned` spend most of the share: the boundary is no looser than it has to be.
    assert np.sum(crossed) > 0.4 * share * 4000
    # Control: the quantile for a single look.
    assert np.sum(np.any(brownian(4000, looks, seed=1) > -ndtri(share), axis=1)) > most_crossings(4000, share)


def test_tightest_where_tuned() -> None:
    tunings = 1000 * 2.0 ** np.arange(-4, 5)
    z = [effective_z(1000, 1e-3, tuned) for tuned in tunings]
    assert tunings[np.argmin(z)] == 1000


@pytest.mark.parametrize("share", [0.01, 1e-4])
def test_from_a_quarter_to_sixteen_times_tuned_at_most_a_sixth_more_replicates(share: float) -> None:
    best = effective_z(2048, share, 2048) ** 2
    assert max(effective_z(n, share, 2048) ** 2 for n in (512, 16 * 2048)) < best * 7 / 6


def test_replicates_for_is_where_the_limits_arrive() -> None:
    n = replicates_for(0.05, 1e-3)
    assert effective_z(n, 1e-3, n) / math.sqrt(n) == pytest.approx(0.05, rel=1e-3)


def test_fewer_draws_than_doubling_looks() -> None:
    """Twelve claims of twelve cells, truth at the centre, margin 0.05 sd: draws until all cells are confirmed."""
    share, cells, margin = 0.01 / 12, 12, 0.05
    looks = np.unique(np.round(256 * 1.05 ** np.arange(120)))
    ours = stops(looks, boundary(looks, share), margin)
    doubling = 256 * 2 ** np.arange(10)
    shares = share / cells / (np.arange(1, 11) * np.arange(2, 12)) / 2
    old = np.max(stops(doubling, -ndtri(shares), margin).reshape(-1, cells), axis=1)
    ratio = np.mean(ours) / np.mean(old)
    error = ratio * math.hypot(
        np.std(ours) / np.mean(ours) / math.sqrt(ours.size), np.std(old) / np.mean(old) / math.sqrt(old.size)
    )
    assert ratio + 3 * error < 0.42


def stops(looks: np.ndarray, z: np.ndarray, margin: float) -> np.ndarray:
    """Replicates at the first look whose interval lies within the margin, for 2400 cells."""
    inside = (np.abs(brownian(2400, looks, seed=2)) + z) / np.sqrt(looks) <= margin
    assert np.all(np.any(inside, axis=1))
    first: np.ndarray = looks[np.argmax(inside, axis=1)]
    return first


def test_limits_against_hall_where_skewness_widens() -> None:
    data = np.random.default_rng(3).standard_exponential(400)
    influence = data - data.mean()
    z = effective_z(400, 0.01)
    low, high = influence_limits(float(data.mean()), influence, z)
    expected = hall_interval(float(data.mean()), influence, 1 - 2 * float(ndtr(-z)))
    # Hall's g is formed with the divisor n - 1.
    assert high == pytest.approx(expected[1], rel=1e-3)
    # On the other side Hall's cubic shortens, and ours does not.
    assert low < expected[0]


def test_limits_of_symmetric_influences_are_those_of_t() -> None:
    low, high = sequence_limits(1.0, 0.5, 0.0, 11, z=1.6448536269514722)
    assert high == pytest.approx(1 + 0.5 * 1.8124611228107335)  # the 0.95 quantile of t on 10 degrees
    assert low == pytest.approx(2 - high)
    assert sequence_limits(1.0, 0.5, 0.0, 11, z=1.6, degrees=2)[1] > high


def test_limits_are_infinite_where_t_is() -> None:
    assert sequence_limits(0.0, 1.0, 0.5, 2, z=50.0) == (-math.inf, math.inf)


def test_unseen_replicates_are_replicates_at_twice_the_largest() -> None:
    influence = np.random.default_rng(4).standard_exponential(200) - 1
    influence -= influence.mean()
    low, high = influence_limits(3.0, influence, 4.0, unseen=8)
    for end, extreme in ((0, influence.min()), (1, influence.max())):
        seen = np.append(influence, np.full(8, 2 * extreme))
        skewness = np.mean((seen - seen.mean()) ** 3) / np.std(seen) ** 3
        limits = sequence_limits(3.0 + seen.mean(), standard_error(seen), float(skewness), 200, 4.0)
        assert (low, high)[end] == pytest.approx(limits[end], rel=1e-12)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_limits_scale_with_the_influences(unit: float) -> None:
    influence = np.random.default_rng(5).standard_normal(100)
    plain = influence_limits(0.0, influence, 3.0, unseen=5, remainder=0.01)
    scaled = influence_limits(0.0, unit * influence, 3.0, unseen=5, remainder=0.01 * unit)
    assert scaled == pytest.approx((unit * plain[0], unit * plain[1]), rel=1e-12)


def test_remainder_keeps_the_variance_of_signs_open() -> None:
    """Signs of probability 0.47: by chance half of them agree, and all influences of the variance vanish."""
    rng = np.random.default_rng(6)
    truth, n, z = 1 - 0.06**2, 1024, effective_z(1024, 0.01, 64)
    misses = {True: 0, False: 0}
    for _ in range(2000):
        signs = 2.0 * (rng.random(n) < 0.47) - 1
        square = np.square(signs - signs.mean()) * (n / (n - 1))
        center = float(square.mean())
        for kept in misses:
            low, high = influence_limits(center, square - center, z, remainder=center / n if kept else 0.0)
            misses[kept] += not low <= truth <= high
    assert misses[True] <= most_crossings(2000, 0.02)
    assert misses[False] > most_crossings(2000, 0.02)


def test_remainder_dilutes_the_skewness() -> None:
    influence = np.random.default_rng(8).standard_exponential(100)
    influence -= influence.mean()
    error = standard_error(influence)
    total = math.hypot(error, 3 * 0.05)
    # The third moment of the estimate stays what it is, its error grows.
    skewness = float(np.mean(influence**3) / np.std(influence) ** 3) * (error / total) ** 3
    limits = influence_limits(0.0, influence, 3.0, remainder=0.05)
    assert limits == pytest.approx(sequence_limits(0.0, total, skewness, 100, 3.0), rel=1e-12)


def test_equal_influences_have_no_width() -> None:
    assert influence_limits(2.0, np.zeros(64), 4.0) == (2.0, 2.0)
    low, high = influence_limits(2.0, np.zeros(64), 4.0, remainder=0.1)
    assert low < 2.0 < high


def test_law_band_holds_everywhere_and_always() -> None:
    share, largest = 0.1, 2048
    looks = np.unique(np.round(64 * 1.2 ** np.arange(20))).astype(int)
    draws = np.random.default_rng(7).random((400, largest))
    left = {"ours": 0, "dkw": 0}
    for walk in draws:
        distances = np.array([kolmogorov(walk[:n]) for n in looks])
        left["ours"] += bool(np.any(distances > [law_band(int(n), share) for n in looks]))
        left["dkw"] += bool(np.any(distances > [dkw_band(int(n), 1 - share) for n in looks]))
    assert left["ours"] <= most_crossings(400, share)
    # Control: the band for a single look.
    assert left["dkw"] > 400 * share


def kolmogorov(uniform: np.ndarray) -> float:
    ordered, n = np.sort(uniform), uniform.size
    return float(max(np.max(np.arange(1, n + 1) / n - ordered), np.max(ordered - np.arange(n) / n)))


def test_law_band_against_its_formula() -> None:
    assert law_band(6400, 0.05) == pytest.approx(
        0.85 * math.sqrt((math.log(math.log(math.e * 100)) + 0.8 * math.log(1612 / 0.05)) / 6400)
    )
    assert law_band(63, 0.05) == math.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_z(0, 0.01), "`replicates` must be at least 1, got 0"),
        (lambda: effective_z(10, 0.6), r"`share` must lie in \(0, 1/2\], got 0.6"),
        (lambda: effective_z(10, 0.01, tuned=0.5), "`tuned` must be at least 1 and finite, got 0.5"),
        (lambda: replicates_for(0.0, 0.01), "`distance` must be positive and finite, got 0.0"),
        (lambda: sequence_limits(0.0, 1.0, 0.0, 1, 3.0), "`replicates` must be at least 2, got 1"),
        (lambda: law_band(10, 0.0), r"`share` must lie in \(0, 1/2\], got 0.0"),
        (lambda: law_band(10, 0.1, first=0), "`first` must be at least 1, got 0"),
    ],
)
def test_misuse(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(InputError, match=message):
        call()
