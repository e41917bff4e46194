"""Large samples a portion at a time: the same numbers as of the whole, and no more memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mcstudy import mean, rms
from mcstudy.statistics import Statistic
from mcstudy.statistics.distances import Steps
from mcstudy.statistics.intervals import standard_error
from mcstudy.statistics.joint import Joint
from mcstudy.statistics.pools import (
    Pool,
    count_where,
    covariance_of,
    extremes,
    largest,
    peak_of,
    place_of_largest,
    product_of,
    products_of,
    total,
)
from mcstudy.statistics.portions import chosen, filled, in_portions, place_of_kept, scattered
from mcstudy.statistics.sequences import influence_limits
from mcstudy.statistics.statistic import Limits
from mcstudy.statistics.tails import condition, tail_index

FloatArray = np.ndarray[tuple[int], np.dtype[np.float64]]
ROUNDING = 1e-12
DATA = np.random.default_rng(1).lognormal(size=5000) - 1.6
PAIRED = tuple(DATA[:1000] * slope + np.random.default_rng(2).normal(size=1000) for slope in (1.0, 0.5))


@pytest.fixture
def small_portions(set_portion: Callable[[int], None]) -> None:
    """Portions of which any sample has many, the last one shorter."""
    set_portion(37)


def joint() -> Joint:
    """Two levels that share their random numbers, and one of its own."""
    influences = (*PAIRED, DATA[:3000])
    errors = np.array([standard_error(own) for own in influences])
    return Joint(np.zeros(3), errors, influences, ("a", "b", "c"), (0, 0, 1))


def steps() -> Steps:
    values = np.sort(DATA)
    probability = stats.norm.cdf(values)
    return Steps(np.ones(values.size, dtype=np.intp), probability, probability)


def value_of(limits: Limits) -> float:
    assert limits.condition is not None
    return limits.condition.value


NUMBERS: dict[str, Callable[[], Any]] = {
    "standard error": lambda: standard_error(DATA),
    "tail index": lambda: tail_index(DATA),
    "left tail": lambda: tail_index(-DATA),
    "condition": lambda: [float(condition(DATA, 3.0).value), condition(DATA, 3.0).unseen],
    "limits": lambda: influence_limits(1.0, DATA, 3.0, unseen=4.5),
    "covariance": lambda: joint().covariance,
    "limits of a combination": lambda: joint().limits_at(np.array([1.0, -2.0, 0.5]), 3.0)[:2],
    "condition of a combination": lambda: value_of(joint().limits_at(np.array([1.0, -2.0, 0.5]), 3.0)),
    "distance": lambda: steps().upper_limit(0.5, 0.01, 1024),
    "function": lambda: in_portions(np.cbrt, DATA),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_portions_make_no_difference(name: str, request: pytest.FixtureRequest) -> None:
    whole = NUMBERS[name]()
    request.getfixturevalue("small_portions")
    np.testing.assert_allclose(NUMBERS[name](), whole, rtol=ROUNDING)


@pytest.mark.usefixtures("small_portions")
def test_sums_and_extremes_of_several_portions() -> None:
    pool = Pool([[DATA], PAIRED], [[2.0], [1.0, -1.0]])
    whole = np.concatenate([2.0 * DATA, PAIRED[0] - PAIRED[1]])
    assert pool.size == whole.size
    assert max(portion.size for portion in pool.portions()) == 37
    np.testing.assert_allclose(np.concatenate(list(pool.portions())), whole, rtol=ROUNDING)
    assert total(pool, np.square) == pytest.approx(float(np.sum(whole**2)), rel=ROUNDING)
    assert extremes(pool) == pytest.approx((whole.min(), whole.max()), rel=ROUNDING)
    assert peak_of(-DATA) == np.abs(DATA).max()
    np.testing.assert_array_equal(largest(DATA, 100), np.sort(DATA)[-100:])
    np.testing.assert_array_equal(largest(DATA, 100, sign=-1.0), np.sort(-DATA)[-100:])
    np.testing.assert_allclose(covariance_of(PAIRED), np.cov(np.stack(PAIRED)), rtol=ROUNDING)


@pytest.mark.usefixtures("small_portions")
def test_what_is_marked_is_found_in_any_portion() -> None:
    marked = DATA > 1.0
    assert count_where(np.greater, DATA, np.ones_like(DATA)) == np.count_nonzero(marked)
    found = [place_of_kept(marked, number) for number in (0, 50, int(np.count_nonzero(marked)) - 1)]
    assert found == np.flatnonzero(marked)[[0, 50, -1]].tolist()
    with pytest.raises(IndexError):
        place_of_kept(marked, int(np.count_nonzero(marked)))
    kept = chosen(DATA, marked)
    np.testing.assert_array_equal(kept, DATA[marked])
    np.testing.assert_array_equal(scattered(kept, marked, 2.0), np.where(marked, 2.0 * DATA, 0.0))
    twice = np.concatenate([DATA, DATA])  # of the largest the first
    assert place_of_largest(twice) == np.argmax(DATA)
    np.testing.assert_array_equal(filled(100, 0.5), np.full(100, 0.5))


@pytest.mark.usefixtures("small_portions")
def test_products_of_several_portions() -> None:
    one, other = PAIRED
    assert product_of(one, other) == pytest.approx(float(one @ other), rel=ROUNDING)
    np.testing.assert_allclose(products_of(PAIRED), np.stack(PAIRED) @ np.stack(PAIRED).T, rtol=ROUNDING)
    np.testing.assert_allclose(
        products_of(PAIRED, np.square), np.square(PAIRED) @ np.square(PAIRED).T, rtol=ROUNDING
    )


def test_a_sample_of_one_portion_is_summed_as_numpy_does() -> None:
    assert total(DATA, np.square) == float(np.sum(np.square(DATA)))
    assert standard_error(DATA) == pytest.approx(DATA.std(ddof=1) / np.sqrt(DATA.size), rel=4e-16)


@pytest.mark.parametrize(("statistic", "columns"), [(mean("x"), 1.75), (rms("x"), 2.75)])
def test_limits_take_little_more_than_their_influences(statistic: Statistic, columns: float) -> None:
    """Beside the column itself: its influences, for a root also what is under it; before, ten columns were in work."""
    data = np.random.default_rng(3).normal(1.0, 1.0, size=2**20)
    statistic.limits(data, 0.01)  # imports what it needs
    tracemalloc.start()
    try:
        statistic.limits(data, 0.01)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < columns * data.nbytes
