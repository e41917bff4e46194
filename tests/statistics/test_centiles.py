"""The order of intervals in a zip plot: against exact fractions, and against what its limits say of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mcstudy.statistics.centiles import by_centile, spaced

INF = np.inf


def order(low: list[float], high: list[float], truth: float = 0.0) -> list[int]:
    """The order as a list."""
    return [int(k) for k in by_centile(np.array(low), np.array(high), np.full(len(low), truth))]


def test_order_of_normal_limits_against_their_definition() -> None:
    """The order of Morris, White and Crowther: |estimate - truth| / se."""
    rng = np.random.default_rng(1)
    estimate, se = rng.normal(1.0, 1.0, 200), rng.uniform(0.5, 2.0, 200)
    ordered = by_centile(estimate - 1.96 * se, estimate + 1.96 * se, np.full(200, 0.3))
    assert ordered.tolist() == np.argsort(np.abs(estimate - 0.3) / se).tolist()


def test_order_of_any_limits_against_exact_fractions() -> None:
    rng = np.random.default_rng(1)
    low = rng.normal(size=60)
    high, truth = low + rng.exponential(size=60), rng.normal(size=60)

    def distance(k: int) -> Fraction:
        bottom, top, at = (Fraction(float(column[k])) for column in (low, high, truth))
        return abs(at - (bottom + top) / 2) / ((top - bottom) / 2)

    distances = [distance(k) for k in range(60)]
    assert by_centile(low, high, truth).tolist() == sorted(range(60), key=distances.__getitem__)
    covers = (low <= truth) & (truth <= high)
    assert [one <= 1 for one in distances] == covers.tolist()


def test_intervals_that_cover_come_first_whatever_is_rounded() -> None:
    """A limit that is the truth is one half-width off, and the next number a little more, unless that is rounded."""
    rng = np.random.default_rng(1)
    truth, covers = 0.1, np.arange(400) % 2 == 1
    low = np.where(covers, truth, np.nextafter(truth, 1.0))
    high = truth + rng.uniform(1.0, 2.0, 400) * 10.0 ** rng.integers(-8, 8, 400)
    distance = np.abs(truth - (low / 2 + high / 2)) / (high / 2 - low / 2)
    assert distance[covers].max() >= distance[~covers].min()  # the control: it does not tell them apart
    assert covers[by_centile(low, high, np.full(400, truth))].tolist() == [True] * 200 + [False] * 200


def test_one_sided_limits_are_those_of_ever_longer_intervals() -> None:
    rng = np.random.default_rng(1)
    limit = rng.normal(size=100)
    for ends in ([-INF, -1e9], [INF, 1e9]):
        one_sided, long = ([np.sort([end, x]) for x in limit] for end in ends)
        found = [order(*np.transpose(pairs).tolist()) for pairs in (one_sided, long)]
        assert found[0] == found[1]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ([-1.0, -INF, -3.0], [1.5, INF, 3.0], [1, 2, 0]),  # without limits: the truth is in the middle
        ([-1.0, -INF, 0.5], [3.0, 2.0, 1.0], [0, 1, 2]),  # one-sided: among two-sided ones at one half-width
        ([-INF, 0.5, 0.5], [-1.0, 2.5, 1.0], [0, 1, 2]),  # and so among those that miss
        ([1.0, -1.0, -2.0, -1.0], [2.0, 1.0, 2.0, 1.0], [2, 1, 3, 0]),  # ties: as they were drawn
        ([0.0, 1.0, -1.0], [0.0, 1.0, 2.0], [0, 2, 1]),  # points: the truth, and another number
        ([INF, -1.0, 1.0], [INF, 1.0, 2.0], [1, 2, 0]),  # infinitely far
        ([-INF, -1.0, 1.0], [-INF, 1.0, 2.0], [1, 2, 0]),
        ([-1.7e308, -1.7e308], [-1.6e308, 1.6e308], [1, 0]),  # whose distance, and width, overflow
        ([-1e308, 1.0e308, 1.1e308], [1.6e308, 1.01e308, 1.79e308], [0, 2, 1]),  # whose sums overflow
    ],
)
def test_order_of_particular_intervals(low: list[float], high: list[float], expected: list[int]) -> None:
    assert order(low, high) == expected


def test_order_about_an_infinite_truth() -> None:
    assert order([0.0, 0.0, -INF], [1.0, INF, 5.0], INF) == [1, 2, 0]


@pytest.mark.parametrize("most", [1, 7, 100])
def test_the_share_beyond_a_rank_is_rounded_to_the_nearest_line(most: int) -> None:
    for count in (1, 2, 99, 100, 101, 250, 4096):
        ranks = spaced(count, most)
        lines = min(count, most)
        assert len(set(ranks.tolist())) == lines
        assert 0 <= ranks[0] <= ranks[-1] < count
        for beyond in range(count + 1):
            share = np.count_nonzero(ranks >= count - beyond) / lines
            assert abs(share - beyond / count) <= 0.5 / lines + 1e-12


def test_all_are_chosen_where_they_are_few() -> None:
    assert spaced(3, 100).tolist() == [0, 1, 2]
    assert spaced(0, 100).tolist() == []
    assert spaced(1000, 5).tolist() == [100, 300, 500, 700, 900]
