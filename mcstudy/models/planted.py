"""Planted matrices W* from data: any square CSV, and the covariance of El Nino sea temperatures."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import InputError

__all__ = ["el_nino_covariance", "fingerprint", "read_square_csv", "scaled"]

FloatArray = npt.NDArray[np.float64]


def read_square_csv(path: str | Path) -> FloatArray:
    """Read a square matrix of numbers, one row a line, cells separated by commas.

    Blank lines are skipped; rows and columns are counted from 1 in messages.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    array of shape (d, d)

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
    if _is_header(rows[0][1]):
        msg = f"`{path}`, row {rows[0][0]}: cells must be numbers, got what looks like a header; remove that row"
        raise InputError(msg)
    width = len(rows[0][1])
    for number, cells in rows:
        if len(cells) != width:
            msg = (
                f"`{path}`, row {number}: every row must have as many cells as the first ({width}), "
                f"got {len(cells)}: column {min(len(cells), width) + 1} is {'missing' if len(cells) < width else 'extra'}"
            )
            raise InputError(msg)
    matrix = np.array(
        [[_number(path, row, j, cell) for j, cell in enumerate(cells, 1)] for row, cells in rows]
    )
    if len(rows) != width:
        msg = f"`{path}` must be square, got {len(rows)} rows and {width} columns"
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


def _is_header(cells: list[str]) -> bool:
    return all(_parse(cell) is None for cell in cells)


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


def scaled(matrix: FloatArray) -> FloatArray:
    """The matrix scaled to the Frobenius norm sqrt(d), the size of a random W.

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
        msg = "a planted matrix must not be zero: it can't be scaled to the size of a random one"
        raise InputError(msg)
    shrunk = matrix / largest  # squares of the entries may overflow
    return np.asarray(shrunk * (np.sqrt(len(matrix)) / np.linalg.norm(shrunk)))


def fingerprint(matrix: FloatArray) -> str:
    """Twelve hexadecimal digits of the sha256 of shape and entries: names the data in a scenario."""
    content = np.ascontiguousarray(matrix, dtype="<f8")
    return hashlib.sha256(repr(content.shape).encode() + content.tobytes()).hexdigest()[:12]


@cache
def el_nino_covariance() -> FloatArray:
    """The 12 x 12 covariance of monthly Pacific sea-surface temperatures, 1950 to 2010, over the years.

    The data are statsmodels' `elnino` set (NOAA, 0-10 degrees south, 80-90 degrees west), in degrees Celsius. Only
    its file is read; statsmodels is not imported.

    Returns
    -------
    array of shape (12, 12), in squared degrees

    Raises
    ------
    InputError
        If statsmodels or its data file is missing.
    """
    spec = importlib.util.find_spec("statsmodels")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0] if folders else "statsmodels", "datasets", "elnino", "elnino.csv")
    if not path.is_file():
        msg = f"`{path}` must be there: the data set elnino of statsmodels; install statsmodels"
        raise InputError(msg)
    months = np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:]
    return np.asarray(np.cov(months, rowvar=False))
