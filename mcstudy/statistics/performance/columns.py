"""The columns of a frame as arrays of numbers, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.performance.groups import Groups

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Columns", "check_columns", "finite", "group_rows"]

# The columns of results.
RESERVED = ("measure", "estimate", "mcse", "low", "high")


@dataclass(frozen=True)
class Columns:
    """A frame that is read column by column.

    Parameters
    ----------
    frame : DataFrame
        A row for each replicate and group.
    """

    frame: pd.DataFrame

    def numbers(
        self, argument: str, name: Any, *, infinite: bool = False, missing: bool = True
    ) -> FloatArray:
        """Read one column as floats, shape (rows,); missing values as nan.

        Parameters
        ----------
        argument : str
            The argument that names the column, for the message.
        name : column name
            The column.
        infinite, missing : bool
            Whether it may hold infinite, and missing values.

        Raises
        ------
        InputError
            If the column is absent, holds no real numbers, or values that it may not hold.
        """
        check_columns(self.frame, argument, [name])
        column = self.frame[name].infer_objects()
        if column.dtype.kind not in "biuf":
            msg = (
                f"`{argument}` must name a column of real numbers, got {name!r} of {column.dtype}; convert it"
            )
            raise InputError(msg)
        values: FloatArray = column.to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = np.isinf(values) & (not infinite) | np.isnan(values) & (not missing)
        rule = " and ".join(["finite"] * (not infinite) + ["present"] * (not missing))
        _refuse(argument, f"be {rule} in all rows", values, wrong, "mark failed replicates as missing")
        return values

    def numbers_or_constant(self, argument: str, given: Any) -> FloatArray:
        """A finite number for all rows, or such a column without gaps; shape (rows,)."""
        if _is_number(given):
            return np.full(len(self.frame), finite(argument, given))
        return self.numbers(argument, given, missing=False)

    def labels(self, argument: str, name: Any) -> pd.Series[Any] | None:
        """One column as it is; None where none is named."""
        if name is None:
            return None
        check_columns(self.frame, argument, [name])
        column: pd.Series[Any] = self.frame[name]
        return column

    def standard_errors(self, name: Any) -> FloatArray:
        """Read standard errors: not negative."""
        values = self.numbers("se", name)
        _refuse("se", "not be negative", values, values < 0, "name the column of standard errors")
        return values

    def degrees(self, given: Any) -> FloatArray:
        """Read degrees of freedom: positive; nan or infinite for normal limits."""
        remedy = "leave it out for normal limits"
        if not _is_number(given):
            values = self.numbers("df", given, infinite=True)
            _refuse("df", "be positive", values, values <= 0, remedy)
            return values
        if not given > 0:
            msg = f"`df` must be positive, got {given}; {remedy}"
            raise InputError(msg)
        return np.full(len(self.frame), float(given))

    def limits(self, lower: Any, upper: Any) -> tuple[FloatArray, FloatArray]:
        """Read interval limits; the one that is None is infinite."""
        endless = np.full(len(self.frame), np.inf)
        low = -endless if lower is None else self.numbers("lower", lower, infinite=True)
        high = endless if upper is None else self.numbers("upper", upper, infinite=True)
        _refuse("lower", "not exceed `upper`", low, low > high, "exchange the two columns")
        return low, high

    def p_values(self, name: Any) -> FloatArray:
        """Read p-values: between 0 and 1."""
        values = self.numbers("p_value", name)
        wrong = (values < 0) | (values > 1)
        _refuse("p_value", "lie between 0 and 1", values, wrong, "name the column of p-values")
        return values


def finite(argument: str, value: float) -> float:
    """Return a number as a float, or raise `InputError` unless it is finite."""
    if not math.isfinite(value):
        msg = f"`{argument}` must be finite, got {value}; give a number"
        raise InputError(msg)
    return float(value)


def check_columns(frame: pd.DataFrame, argument: str, names: Sequence[Any]) -> None:
    """Raise `InputError` unless the frame has each of these columns, and once."""
    known = list(frame.columns)
    for name in names:
        if name not in known:
            shown = ", ".join(map(repr, known))
            msg = f"`{argument}` must name a column of `frame`, got {name!r}; its columns are {shown}"
            raise InputError(msg)
        if known.count(name) > 1:
            msg = f"`{argument}` must name one column of `frame`, got {name!r}, of which there are more; rename them"
            raise InputError(msg)


def group_rows(frame: pd.DataFrame, by: Sequence[Any]) -> tuple[Groups, pd.DataFrame]:
    """Group the rows of a frame by the levels of some columns.

    Returns
    -------
    groups : Groups
        Numbered in the order of the sorted levels; missing is a level too.
    levels : DataFrame
        The levels, a row for each group.

    Raises
    ------
    InputError
        If there are no rows, or a column is absent, named twice, or has the name of a column of results.
    """
    if type(frame).__name__ != "DataFrame":
        msg = f"`frame` must be a pandas DataFrame, got {type(frame).__name__}; convert it"
        raise InputError(msg)
    if len(frame) == 0:
        msg = "`frame` must hold replicates, got no rows; draw some"
        raise InputError(msg)
    check_columns(frame, "by", by)
    taken = [name for index, name in enumerate(by) if name in RESERVED or name in by[:index]]
    if taken:
        msg = f"`by` must name different columns, none of them {', '.join(RESERVED)}, got {taken[0]!r}; rename it"
        raise InputError(msg)
    if not by:
        return Groups(np.zeros(len(frame), dtype=np.int64), 1), frame.iloc[:1, :0].reset_index(drop=True)
    grouped = frame.groupby(list(by), dropna=False, observed=True)
    codes = np.asarray(grouped.ngroup(), dtype=np.int64)
    first = np.empty(int(codes.max()) + 1, dtype=np.int64)
    # Of several assignments to one place the last one stays: the first row of the group.
    first[codes[::-1]] = np.arange(codes.size)[::-1]
    return Groups(codes, first.size), frame[list(by)].iloc[first].reset_index(drop=True)


def _is_number(given: Any) -> bool:
    return isinstance(given, float | int | np.number)


def _refuse(argument: str, rule: str, values: FloatArray, wrong: Any, remedy: str) -> None:
    if np.any(wrong):
        row = int(np.argmax(wrong))
        msg = f"`{argument}` must {rule}, got {values[row]} in row {row}; {remedy}"
        raise InputError(msg)
