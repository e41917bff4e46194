"""Columns of many types are read; what cannot be meant is refused."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics.performance import summarise

FRAME = pd.DataFrame(
    {
        "m": ["a", "a", "b", "b"],
        "b": [0.0, 1.0, 2.0, 3.0],
        "se": [1.0, 1.0, 1.0, 2.0],
        "low": [-1.0, 0.0, 1.0, 2.0],
        "text": ["0", "1", "2", "3"],
        "hole": [0.0, math.nan, 0.5, 1.0],
        "endless": [0.0, math.inf, 0.5, 1.0],
        "measure": [0, 0, 1, 1],
    }
)
PLAIN: dict[str, Any] = {"estimate": "b", "truth": 1.0}


@pytest.mark.parametrize(
    "dtype", ["float32", "int64", "Int64", "Float64", "object", "boolean", "bool", "uint8"]
)
def test_numbers_of_any_type_are_read(dtype: Any) -> None:
    frame = pd.DataFrame({"b": [0, 1, 1, 0]})
    expected = summarise(frame.astype("float64"), **PLAIN)
    pd.testing.assert_frame_equal(summarise(frame.astype(dtype), **PLAIN), expected)


@pytest.mark.parametrize("dtype", ["Float64", "object", "float64"])
def test_missing_numbers_of_any_type_are_missing(dtype: Any) -> None:
    frame = pd.DataFrame({"b": pd.Series([0.0, 1.0, None, 2.5], dtype=dtype)})
    expected = summarise(frame.dropna().astype("float64"), **PLAIN)
    pd.testing.assert_frame_equal(summarise(frame, **PLAIN), expected)


def test_the_frame_is_left_as_it_was() -> None:
    frame = FRAME.copy()
    summarise(frame, **PLAIN, se="se", by="m", reference="a")
    pd.testing.assert_frame_equal(frame, FRAME)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"estimate": "x"},
            "`estimate` must name a column of `frame`, got 'x'; its columns are 'm', 'b', 'se'",
        ),
        ({"se": "x"}, "`se` must name a column of `frame`, got 'x'"),
        ({"truth": "x"}, "`truth` must name a column of `frame`, got 'x'"),
        ({"lower": "x"}, "`lower` must name a column of `frame`, got 'x'"),
        ({"upper": "x"}, "`upper` must name a column of `frame`, got 'x'"),
        ({"p_value": "x"}, "`p_value` must name a column of `frame`, got 'x'"),
        ({"df": "x", "se": "se"}, "`df` must name a column of `frame`, got 'x'"),
        ({"by": ["m", "x"]}, "`by` must name a column of `frame`, got 'x'"),
        ({"by": ["m", "m"]}, "`by` must name different columns, .* got 'm'; rename it"),
        (
            {"by": "measure"},
            "`by` must name different columns, none of them measure, .* got 'measure'; rename it",
        ),
        ({"estimate": "text"}, "`estimate` must name a column of real numbers, got 'text' of .*; convert it"),
        ({"estimate": "endless"}, "`estimate` must be finite in all rows, got inf in row 1; mark"),
        ({"truth": "hole"}, "`truth` must be finite and present in all rows, got nan in row 1"),
        ({"truth": math.nan}, "`truth` must be finite, got nan; give a number"),
        ({"truth": None}, "`truth` must name a column of `frame`, got None"),
        ({"se": "low"}, r"`se` must not be negative, got -1\.0 in row 0"),
        ({"se": "endless"}, "`se` must be finite in all rows, got inf in row 1"),
        ({"lower": "b", "upper": "low"}, r"`lower` must not exceed `upper`, got 0\.0 in row 0; exchange"),
        ({"p_value": "b"}, r"`p_value` must lie between 0 and 1, got 2\.0 in row 2"),
        ({"df": "b", "se": "se"}, r"`df` must be positive, got 0\.0 in row 0; leave it out"),
        ({"df": -1, "se": "se"}, "`df` must be positive, got -1; leave it out"),
        ({"df": 5}, "`df` must come with `se`, got 5 alone; own limits need no"),
        ({"level": 95}, "`level` must lie strictly between 0 and 1, got 95"),
        ({"confidence": 1}, "`confidence` must lie strictly between 0 and 1, got 1"),
        ({"null": math.nan, "se": "se"}, "`null` must be finite, got nan"),
        ({"mcse": "sandwich"}, "`mcse` must be 'robust' or 'normal', got 'sandwich'"),
    ],
)
def test_bad_input_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        summarise(FRAME, **(PLAIN | options))


def test_a_frame_without_rows_is_refused() -> None:
    with pytest.raises(InputError, match="`frame` must hold replicates, got no rows; draw some"):
        summarise(FRAME.iloc[:0], **PLAIN, by="m")


def test_something_else_than_a_frame_is_refused() -> None:
    with pytest.raises(InputError, match="`frame` must be a pandas DataFrame, got dict; convert it"):
        summarise({"b": [1.0, 2.0]}, **PLAIN)  # type: ignore[arg-type]


def test_a_name_of_two_columns_is_refused() -> None:
    frame = pd.concat([FRAME, FRAME[["b"]]], axis=1)
    with pytest.raises(
        InputError, match="`estimate` must name one column of `frame`, got 'b', of which there are"
    ):
        summarise(frame, **PLAIN)


def test_names_need_not_be_text() -> None:
    frame = pd.DataFrame(np.arange(12.0).reshape(4, 3))
    table = summarise(frame, estimate=0, truth=1.0, by=2)
    assert list(table.columns) == [2, "measure", "estimate", "mcse"]
