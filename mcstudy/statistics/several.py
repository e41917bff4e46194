"""Samples of several columns: arrays of shape (n, k), and of shape (n,) where there is one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.paged import empty, leave
from mcstudy.statistics.portions import PORTION, in_portions, places

__all__ = ["columns_of", "joined", "matrix_of", "refuse", "select"]


def joined(columns: Sequence[FloatArray]) -> FloatArray:
    """Columns as the methods of a statistic take them: several side by side, one as it is.

    Examples
    --------
    >>> joined([np.zeros(3)]).shape, joined([np.zeros(3), np.ones(3)]).shape
    ((3,), (3, 2))
    """
    if len(columns) == 1:
        return columns[0]
    n = columns[0].size
    if n <= PORTION:
        return np.stack(columns, axis=1)
    # A large column lies by itself, as it did, so that nobody has to gather it from all rows.
    matrix = empty(len(columns) * n).reshape(len(columns), n)
    for row, column in zip(matrix, columns, strict=True):
        in_portions(np.positive, column, out=row)
    return matrix.T


def matrix_of(values: ArrayLike, names: Sequence[str]) -> FloatArray:
    """Return the replicates as float64 of shape (n, k), n >= 2, for the k columns of these names.

    Raises
    ------
    InputError
        If they are no real numbers, or of another shape.
    """
    data = np.asarray(values)
    if data.dtype.kind not in "biuf":
        msg = f"`values` must be real numbers or booleans, got dtype {data.dtype}; convert the columns"
        raise InputError(msg)
    fits = data.ndim == 1 if len(names) == 1 else data.ndim == 2 and data.shape[1] == len(names)
    if not fits:
        wanted = "(n,)" if len(names) == 1 else f"(n, {len(names)})"
        msg = f"`values` must be of shape {wanted}, for {', '.join(names)}, got shape {data.shape}; stack the columns"
        raise InputError(msg)
    if len(data) < 2:
        msg = f"`values` must hold at least 2 replicates, got {len(data)}; draw more"
        raise InputError(msg)
    return data.reshape(len(data), -1).astype(np.float64, copy=False)


def select(matrix: FloatArray, names: Sequence[str], wanted: Sequence[str]) -> FloatArray:
    """Some of the columns of a matrix, for another statistic."""
    if len(wanted) > 1 and tuple(wanted) == tuple(names):
        return matrix
    return joined([matrix[:, names.index(name)] for name in wanted])


def columns_of(
    values: ArrayLike, names: Sequence[str], *, infinite: bool = False, missing: bool = False
) -> list[FloatArray]:
    """Return the k columns of the replicates, each of shape (n,).

    Parameters
    ----------
    values : array-like
        See `matrix_of`.
    names : sequence of k str
        The columns.
    infinite, missing : bool
        Whether infinite values, and NaN, may be among them.

    Raises
    ------
    InputError
        If the values are of another shape or dtype, or of a kind that may not be among them.
    """
    matrix = matrix_of(values, names)
    for rows in places(len(matrix)):
        portion = matrix[rows]
        wrong = np.isinf(portion) & (not infinite) | np.isnan(portion) & (not missing)
        if np.any(wrong):
            index, place = np.argwhere(wrong)[0]
            rule = "not be missing" if infinite else "be finite"
            msg = f"`values` must {rule}, got {portion[index, place]} at index {rows.start + index} of {names[place]}; leave failed replicates out"
            raise InputError(msg)
        leave(matrix)
    return list(np.ascontiguousarray(matrix.T))


def refuse(wrong: NDArray[np.bool_], column: FloatArray, rule: str, remedy: str) -> None:
    """Raise `InputError` about the first value of a column, shape (n,), that is wrong, if any is.

    Examples
    --------
    >>> refuse(np.array([False]), np.array([0.1]), "not be negative", "name the column of standard errors")
    """
    if np.any(wrong):
        index = int(np.argmax(wrong))
        msg = f"`values` must {rule}, got {column[index]} at index {index}; {remedy}"
        raise InputError(msg)
