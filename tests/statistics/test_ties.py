"""Values that only rounding tells apart."""

import numpy as np
import pytest

from mcstudy.statistics.ties import ULPS, clusters, widened


def test_products_and_quotients_of_one_lattice_are_one_atom() -> None:
    steps = np.arange(1, 50)
    products, quotients = 0.1 * steps, steps / 10
    assert np.any(products != quotients)  # or there would be nothing to merge
    found = clusters(np.concatenate([products, quotients]))
    assert found.counts.tolist() == [2] * steps.size
    assert found.merged == np.count_nonzero(products != quotients)


def test_values_further_apart_than_rounding_stay_apart() -> None:
    one = np.spacing(1.0)
    assert clusters([1.0, 1.0 + ULPS * one]).counts.tolist() == [2]
    assert clusters([1.0, 1.0 + (ULPS + 1) * one]).counts.tolist() == [1, 1]


def test_draws_of_a_density_are_not_merged() -> None:
    values = np.random.default_rng(1).normal(size=100_000)
    found = clusters(values)
    assert found.merged == 0
    np.testing.assert_array_equal(found.low, np.sort(values))


@pytest.mark.parametrize("values", [[0.0], [0.0, -0.0], [-2.0, -2.0, 3.0], [5e-324, 0.0]])
def test_counts_add_up(values: list[float]) -> None:
    found = clusters(values)
    assert int(found.counts.sum()) == len(values)
    assert np.all(found.low <= found.high)


def test_widened_points_lie_beyond_an_atom_that_is_rounded_otherwise() -> None:
    third, rounded = np.array([0.1 * 3]), 0.3
    assert widened(third, -1)[0] < rounded < widened(third, 1)[0]
    assert third[0] != rounded
