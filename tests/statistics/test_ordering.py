"""Sorting and order statistics of samples in files, against NumPy's of arrays in memory."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mcstudy.statistics import ordering, paged, ties
from mcstudy.statistics.order_statistics import sample_quantile
from mcstudy.statistics.ordering import order_statistics, ordered
from mcstudy.statistics.ties import Clusters

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
DRAWS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "five values": lambda rng, n: rng.integers(0, 5, n).astype(np.float64),
    "one value": lambda _, n: np.full(n, 0.1),
    "an atom and heavy tails": lambda rng, n: np.where(rng.random(n) < 0.5, 0.0, rng.standard_cauchy(n)),
    "a lattice with rounding": lambda rng, n: (
        np.where(rng.random(n) < 0.5, 0.3, 0.1 * 3) * rng.integers(1, 9, n)
    ),
    "infinities": lambda rng, n: np.where(
        rng.random(n) < 0.2, np.inf * rng.choice([-1, 1], n), rng.random(n)
    ),
    "ascending": lambda rng, n: np.sort(rng.standard_normal(n)),
    "two halves apart": lambda rng, n: np.where(np.arange(n) < n // 2, 1e9, 0.0) + rng.random(n),
}
pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="this system has no files for arrays to lie in"
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, set_portion: Callable[[int], None]) -> None:
    """Of all parts a small sample has many."""
    monkeypatch.setattr(paged, "LARGE", 8)
    monkeypatch.setattr(ordering, "RUN", 1000)
    monkeypatch.setattr(ordering, "LOOKED_AT", 256)
    set_portion(777)


@pytest.fixture(params=[(name, size) for name in DRAWS for size in (2, 777, 1000, 20_011)], ids=str)
def sample(request: pytest.FixtureRequest) -> NDArray[np.float64]:
    name, size = request.param
    pages = paged.empty(size)
    pages[:] = DRAWS[name](np.random.default_rng(size), size)
    return pages


def test_sorted_in_runs_is_sorted(sample: NDArray[np.float64]) -> None:
    before = sample.copy()
    np.testing.assert_array_equal(ordered(sample), np.sort(before))
    np.testing.assert_array_equal(sample, before)


def test_order_statistics_are_those_of_the_sorted_sample(sample: NDArray[np.float64]) -> None:
    whole, rng, n = np.sort(sample.copy()), np.random.default_rng(1), sample.size
    ranks = [(0, 1), (n - 1, n), (0, n), *((first, min(n, first + 40)) for first in rng.integers(0, n, 20))]
    for first, last in ranks:
        np.testing.assert_array_equal(order_statistics(sample, first, last), whole[first:last])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_order_statistics_are_found_where_those_that_are_looked_at_lie_apart(sign: float) -> None:
    """Every third value is looked at: all of these are larger than all others, or smaller."""
    values = paged.empty(777)
    values[:] = np.random.default_rng(1).random(777)
    values[::3] += 10 * sign
    whole = np.sort(values.copy())
    for first in (0, 200, 388, 576, 776):
        np.testing.assert_array_equal(order_statistics(values, first, first + 1), whole[first : first + 1])


def test_a_quantile_has_the_digits_of_numpy(sample: NDArray[np.float64]) -> None:
    for probability in (0.5, 0.999, *np.random.default_rng(2).random(20)):
        with np.errstate(invalid="ignore"):
            expected = float(np.quantile(sample.copy(), probability))
        if not np.isnan(expected):  # between infinite values NumPy has none
            assert sample_quantile(sample, probability) == expected
            assert sample_quantile(sample.copy(), probability) == expected


def test_groups_in_portions_are_those_of_the_whole(
    sample: NDArray[np.float64], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Clusters(ordered(sample))
    monkeypatch.setattr(ties, "PORTION", sample.size)
    whole = Clusters(np.sort(sample.copy()))
    for name in ("low", "high", "counts"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    assert found.merged == whole.merged
    assert int(found.counts.sum()) == sample.size
    assert np.all(found.low[1:] > found.high[:-1])


def test_an_atom_takes_no_memory_to_sort() -> None:
    """Its values are counted: no piece that is sorted is longer than a run."""
    pages = paged.empty(30_000)
    pages[:] = np.where(np.random.default_rng(1).random(30_000) < 0.9, 0.0, 1.0)
    lengths: list[int] = []
    sort = np.sort

    def watched(values: NDArray[np.float64]) -> NDArray[np.float64]:
        lengths.append(len(values))
        return sort(values)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(np, "sort", watched)
        ordered(pages)
        order_statistics(pages, 100, 150)
    assert max(lengths) <= ordering.RUN
