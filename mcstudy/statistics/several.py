"""Samples of several columns: arrays of shape (n, k), and of shape (n,) where there is one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray

__all__ = ["columns_of", "joined", "matrix_of", "refuse", "select"]


def joined(columns: Sequence[FloatArray]) -> FloatArray:
    """Columns as the methods of a statistic take them: several side by side, one as it is.

    Examples
    --------
    >>> joined([np.zeros(3)]).shape, joined([np.zeros(3), np.ones(3)]).shape
    ((3,), (3, 2))
    """
    return np.stack(columns, axis=1) if len(columns) > 1 else columns[0]


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
    wrong = np.isinf(matrix) & (not infinite) | np.isnan(matrix) & (not missing)
    if np.any(wrong):
        index, place = np.argwhere(wrong)[0]
        rule = "not be missing" if infinite else "be finite"
        msg = f"`values` must {rule}, got {matrix[index, place]} at index {index} of {names[place]}; leave failed replicates out"
        raise InputError(msg)
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
