"""Samples of several columns: their shapes, and what may stand in them."""

import math
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics.several import columns_of, joined, matrix_of, refuse, select


def test_columns_come_back_as_they_were_joined() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    one, other = columns_of(joined([a, b]), ("a", "b"))
    np.testing.assert_array_equal([one, other], [a, b])
    (alone,) = columns_of(joined([a]), ("a",))
    np.testing.assert_array_equal(alone, a)


def test_select_by_name() -> None:
    matrix = matrix_of([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ("a", "b", "c"))
    np.testing.assert_array_equal(select(matrix, ("a", "b", "c"), ("c", "a")), [[3.0, 1.0], [6.0, 4.0]])
    np.testing.assert_array_equal(select(matrix, ("a", "b", "c"), ("b",)), [2.0, 5.0])


def test_what_may_stand_in_a_column() -> None:
    values = [[math.inf, 0.0], [1.0, 0.0]]
    assert columns_of(values, ("a", "b"), infinite=True)[0][0] == math.inf
    assert np.isnan(columns_of([math.nan, 1.0], ("a",), missing=True)[0][0])
    assert matrix_of(np.array([[True, False], [True, True]]), ("a", "b")).dtype == np.float64


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        (
            [["x"], ["y"]],
            ("a",),
            "`values` must be real numbers or booleans, got dtype <U1; convert the columns",
        ),
        ([[1j, 0j]], ("a", "b"), "got dtype complex128"),
        (np.zeros((3, 2)), ("a",), r"must be of shape \(n,\), for a, got shape \(3, 2\); stack the columns"),
        (np.zeros(3), ("a", "b"), r"must be of shape \(n, 2\), for a, b, got shape \(3,\)"),
        (np.zeros((3, 3)), ("a", "b"), r"must be of shape \(n, 2\), for a, b, got shape \(3, 3\)"),
        (np.zeros((1, 2)), ("a", "b"), "`values` must hold at least 2 replicates, got 1; draw more"),
        (
            [[0.0, 1.0], [0.0, math.nan]],
            ("a", "b"),
            "`values` must be finite, got nan at index 1 of b; leave",
        ),
        ([[0.0, 1.0], [math.inf, 0.0]], ("a", "b"), "`values` must be finite, got inf at index 1 of a"),
    ],
)
def test_misuse(values: Any, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        columns_of(values, names)


def test_missing_among_infinite_values_is_refused() -> None:
    with pytest.raises(InputError, match="`values` must not be missing, got nan at index 1 of a; leave"):
        columns_of([math.inf, math.nan], ("a",), infinite=True)


def test_the_first_wrong_value_is_named() -> None:
    column = np.array([1.0, -2.0, -3.0])
    with pytest.raises(InputError, match=r"`values` must be so, got -2\.0 at index 1; mend it"):
        refuse(column < 0, column, "be so", "mend it")
    refuse(column < -9, column, "be so", "mend it")


def test_large_columns_lie_by_themselves_and_are_told_by_their_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for room in ("several", "pools"):
        monkeypatch.setattr(f"mcstudy.statistics.{room}.PORTION", 10)
    a, b = np.arange(35.0), -np.arange(35.0)
    matrix = joined([a, b])
    assert matrix.shape == (35, 2)
    np.testing.assert_array_equal(matrix, np.stack([a, b], axis=1))
    one, other = columns_of(matrix, ("a", "b"))
    assert one.flags.c_contiguous
    assert np.shares_memory(one, matrix)  # nobody copies it once more
    np.testing.assert_array_equal([one, other], [a, b])
    assert select(matrix, ("a", "b"), ("a", "b")) is matrix
    np.testing.assert_array_equal(select(matrix, ("a", "b"), ("b", "a")), np.stack([b, a], axis=1))
    matrix[23, 1] = math.inf
    with pytest.raises(InputError, match="must be finite, got inf at index 23 of b"):
        columns_of(matrix, ("a", "b"))
