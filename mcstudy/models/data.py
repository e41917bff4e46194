"""Readers of data files: square matrices to plant from any CSV, and two data sets that come with statsmodels.

statsmodels' files are read as they lie in the installed package; statsmodels itself, which takes seconds, is not
imported.
"""

from __future__ import annotations

import csv
import hashlib
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.models.arrays import FloatArray, frobenius

__all__ = [
    "Rows",
    "el_nino_covariance",
    "fingerprint",
    "read_square_csv",
    "real_rows",
    "scaled",
    "statsmodels_csv",
]


class Rows(NamedTuple):
    """A data set for regression.

    Attributes
    ----------
    names : tuple of str
        Names of the rows.
    inputs : array, shape (rows, d)
    responses : array, shape (rows,)
    """

    names: tuple[str, ...]
    inputs: FloatArray
    responses: FloatArray


def _release() -> str:
    try:
        return f"statsmodels {metadata.version('statsmodels')}"
    except metadata.PackageNotFoundError:
        return "statsmodels"


# Whoever reads the files depends on it, and draws depend on the globals that their code reads.
RELEASE = _release()


def statsmodels_csv(name: str) -> Path:
    """Path of the CSV file of one of statsmodels' data sets.

    Parameters
    ----------
    name : str
        The data set's name, as in `statsmodels.datasets`.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If statsmodels or this file is not installed.
    """
    spec = find_spec("statsmodels")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0] if folders else "statsmodels", "datasets", name, f"{name}.csv")
    if not path.is_file():
        msg = (
            f"`{path}` must be there, the data set {name} of {RELEASE}, got no such file; "
            "run `pip install statsmodels`"
        )
        raise InputError(msg)
    return path


@cache
def el_nino_covariance() -> FloatArray:
    """The covariance of monthly Pacific sea-surface temperatures over the years 1950 to 2010.

    The data are statsmodels' `elnino` set (NOAA, 0-10 degrees south, 80-90 degrees west), in degrees Celsius.

    Returns
    -------
    array, shape (12, 12)
        In squared degrees.

    Raises
    ------
    InputError
        If statsmodels is not installed.
    """
    # The first column is the year.
    months = np.loadtxt(statsmodels_csv("elnino"), delimiter=",", skiprows=1)[:, 1:]
    return np.asarray(np.cov(months, rowvar=False))


@cache
def real_rows() -> Rows:
    """The 50 states of the USA and the District of Columbia in 2009, standardised.

    The data are statsmodels' `statecrime` set (public domain). Inputs are murder rate, high-school graduates, poverty,
    single-parent households, white and urban population; each has mean 0 and variance 1/6, so that ||x||^2 is 1 on
    average. The response, violent crime, has mean 0 and variance 1.

    Returns
    -------
    Rows
        `inputs` of shape (51, 6).

    Raises
    ------
    InputError
        If statsmodels is not installed.
    """
    path = statsmodels_csv("statecrime")
    names = np.loadtxt(path, delimiter=",", skiprows=1, usecols=0, dtype=str)
    # Violent crime, the response, comes first; the six inputs follow.
    table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(1, 8))
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    return Rows(tuple(name.strip() for name in names.tolist()), table[:, 1:] / np.sqrt(6.0), table[:, 0])


def scaled(matrix: FloatArray) -> FloatArray:
    """The matrix scaled to the Frobenius norm sqrt(d), the size of a random W.

    Parameters
    ----------
    matrix : array, shape (d, d)

    Returns
    -------
    array, shape (d, d)

    Raises
    ------
    InputError
        If the matrix is zero.

    Examples
    --------
    >>> scaled(5 * np.eye(4)).tolist() == np.eye(4).tolist()
    True
    """
    largest = np.max(np.abs(matrix))
    if largest == 0.0:
        msg = "`matrix` must not be zero, got only zeros; no multiple of it has the size of a random W"
        raise InputError(msg)
    shrunk = matrix / largest  # squares of the entries may overflow
    return np.asarray(shrunk * (np.sqrt(len(matrix)) / frobenius(shrunk)))


def fingerprint(matrix: FloatArray) -> str:
    """Twelve hexadecimal digits of the sha256 of shape and entries: names the data in a scenario.

    Parameters
    ----------
    matrix : array
        Of any shape.
    """
    content = np.ascontiguousarray(matrix, dtype="<f8")
    return hashlib.sha256(repr(content.shape).encode() + content.tobytes()).hexdigest()[:12]


def read_square_csv(path: str | Path) -> FloatArray:
    """Read a square matrix of numbers, one row a line, cells separated by commas.

    Parameters
    ----------
    path : str or Path
        Of a file in UTF-8. Blank lines are skipped; messages count rows and columns from 1.

    Returns
    -------
    array, shape (d, d)

    Raises
    ------
    InputError
        If the file can't be read, is empty, has a cell that is no finite number, a row of another length, or is
        not square. The message names row and column.
    """
    rows = [(number, cells) for number, cells in _rows(Path(path)) if any(cell.strip() for cell in cells)]
    if not rows:
        msg = f"`{path}` must hold a square matrix, got an empty file"
        raise InputError(msg)
    number, first = rows[0]
    if all(_parse(cell) is None for cell in first):
        msg = f"`{path}`, row {number}: cells must be numbers, got what looks like a header; remove that row"
        raise InputError(msg)
    for number, cells in rows:
        _check_length(path, number, len(cells), len(first))
    matrix = np.array(
        [[_number(path, row, j, cell) for j, cell in enumerate(cells, 1)] for row, cells in rows]
    )
    if len(rows) != len(first):
        msg = f"`{path}` must be square, got {len(rows)} rows and {len(first)} columns"
        raise InputError(msg)
    return matrix


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The cells of each row with its line number."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            return [(reader.line_num, cells) for cells in reader]
    except OSError as error:
        msg = f"`{path}` must be a readable CSV file, got {error.strerror or error}"
        raise InputError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"`{path}` must be a CSV file in UTF-8, got {error}; export it as comma-separated text"
        raise InputError(msg) from error


def _check_length(path: str | Path, row: int, cells: int, width: int) -> None:
    if cells == width:
        return
    column, wrong = min(cells, width) + 1, "missing" if cells < width else "extra"
    msg = (
        f"`{path}`, row {row}: every row must have as many cells as the first ({width}), "
        f"got {cells}; column {column} is {wrong}"
    )
    raise InputError(msg)


def _parse(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)  # Python reads 1_000 as a number, a spreadsheet does not
    except ValueError:
        return None


def _number(path: str | Path, row: int, column: int, cell: str) -> float:
    value = _parse(cell)
    if value is None or not np.isfinite(value):
        rule = "a number" if value is None else "finite"
        msg = f"`{path}`, row {row}, column {column}: the cell must be {rule}, got {cell!r}"
        raise InputError(msg)
    return value
