"""Sums, means and variances of many groups at once, in a few passes over the rows; NaN is missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mcstudy.statistics.intervals import FloatArray

__all__ = ["Groups", "IntArray", "Sample", "sample"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Groups:
    """To which group each row belongs.

    Parameters
    ----------
    codes : ndarray of int, shape (rows,)
        Number of the group, from 0.
    number : int
        How many groups there are.
    """

    codes: IntArray
    number: int

    def sum(self, values: FloatArray) -> FloatArray:
        """Sum of what is present of `values`, shape (rows,), in each group; shape (number,)."""
        present = np.where(np.isnan(values), 0.0, values)
        sums = np.bincount(self.codes, weights=present, minlength=self.number)
        return np.asarray(sums, dtype=np.float64)

    def count(self, rows: NDArray[np.bool_]) -> FloatArray:
        """How many of the marked rows lie in each group, as floats, shape (number,)."""
        return np.bincount(self.codes[rows], minlength=self.number).astype(np.float64)

    def spread(self, per_group: FloatArray) -> FloatArray:
        """Give each row the value of its group, shape (rows,)."""
        return per_group[self.codes]


@dataclass(frozen=True, eq=False)
class Sample:
    """One quantity in all groups.

    Parameters
    ----------
    groups : Groups
        The groups.
    size, mean : ndarray of shape (number,)
        How many values are present in a group, and their mean: nan of none.
    deviations : ndarray of shape (rows,)
        Value minus mean of its group; nan where missing, exactly 0 where all values of a group are equal.
    """

    groups: Groups
    size: FloatArray
    mean: FloatArray
    deviations: FloatArray

    @property
    def degrees(self) -> FloatArray:
        """One less than the values of each group; nan of fewer than two values."""
        return np.where(self.size < 2, np.nan, self.size - 1)

    @property
    def variance(self) -> FloatArray:
        """Unbiased variance in each group; nan of fewer than two values."""
        return self.groups.sum(self.deviations**2) / self.degrees

    @property
    def error(self) -> FloatArray:
        """Standard error of the mean in each group; nan of fewer than two values."""
        return np.sqrt(self.variance / self.size)


def sample(groups: Groups, values: FloatArray) -> Sample:
    """Take means and deviations of one quantity, shape (rows,), NaN where missing.

    Groups without values divide by zero: call it where NumPy is told to ignore that.
    """
    present = ~np.isnan(values)
    size = groups.count(present)
    # Any finite value of a group as its origin: equal values then have exactly their mean, and large ones keep digits.
    origin, finite = np.zeros(groups.number), np.isfinite(values)
    origin[groups.codes[finite]] = values[finite]
    shifted = values - groups.spread(origin)
    shift = groups.sum(shifted) / size
    return Sample(groups, size, origin + shift, shifted - groups.spread(shift))
