"""Losses on fewer measurements than a matrix has entries: single entries (completion), or Gaussian measurements.

The measurements leave a whole affine space of matrices that fit them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from mcstudy.fills import fill
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_at_most, check_count

__all__ = ["Completion", "FewMeasurements", "GaussianSensing"]

Replicates: TypeAlias = npt.NDArray[np.intp]


class FewMeasurements(Protocol):
    """A loss (1/2n) sum <W - W*, A_i>^2 for each replicate of a block; the factor 1/L would only scale time."""

    def loss(self, matrix: FloatArray) -> FloatArray:
        """The loss at end-to-end matrices (size, d, d), shape (size,)."""

    def slope(self, matrix: FloatArray) -> FloatArray:
        """The end-to-end gradient, shape (size, d, d)."""

    def take(self, replicates: Replicates) -> Self:
        """The losses of some replicates."""


@dataclass(frozen=True)
class Completion:
    """n entries of W* are seen: the A_i are n different matrix units.

    Attributes
    ----------
    target : array, shape (size, d, d)
    observed : array of bool, shape (size, d, d)
        The same number of entries in every replicate.
    """

    target: FloatArray
    observed: npt.NDArray[np.bool_]

    @classmethod
    def draw(cls, rng: np.random.Generator, target: FloatArray, measurements: int) -> Self:
        """See some entries of each target, uniformly drawn without replacement.

        Parameters
        ----------
        rng : numpy.random.Generator
        target : array, shape (size, d, d)
        measurements : int
            n <= d^2, the entries seen.

        Raises
        ------
        ModelError
            If n is less than 1 or more than there are entries.
        """
        size, d, _ = target.shape
        check_at_most("measurements", measurements, d * d, "the number of entries d^2")
        # The first n of a random order are a uniform sample without replacement.
        first = np.argsort(rng.random((size, d * d)), axis=1)[:, :measurements]
        observed = np.zeros((size, d * d), dtype=bool)
        np.put_along_axis(observed, first, values=True, axis=1)
        return cls(target, observed.reshape(target.shape))

    @property
    def measurements(self) -> int:
        """The number of entries seen, n."""
        return int(np.count_nonzero(self.observed[0]))

    def loss(self, matrix: FloatArray) -> FloatArray:
        """Half the mean square over the entries seen."""
        seen = np.where(self.observed, matrix - self.target, 0.0)
        return np.asarray(np.sum(seen**2, axis=(-1, -2)) / (2 * self.measurements))

    def slope(self, matrix: FloatArray) -> FloatArray:
        """The error where it is seen, over n."""
        return np.where(self.observed, matrix - self.target, 0.0) / self.measurements

    def take(self, replicates: Replicates) -> Self:
        """The completion problems of some replicates."""
        return type(self)(self.target[replicates], self.observed[replicates])


@dataclass(frozen=True)
class GaussianSensing:
    """n Gaussian measurements of W*.

    Attributes
    ----------
    target : array, shape (size, d, d)
    rows : array, shape (size, n, d^2)
        vec(A_i) / sqrt(n): with n < d^2 they take less work than their second moment.
    """

    target: FloatArray
    rows: FloatArray

    @classmethod
    def draw(cls, rng: np.random.Generator, target: FloatArray, measurements: int) -> Self:
        """Draw independent matrices with N(0, 1) entries for each target.

        Parameters
        ----------
        rng : numpy.random.Generator
        target : array, shape (size, d, d)
        measurements : int
            n, the matrices drawn for each.

        Raises
        ------
        ModelError
            If n is less than 1.
        """
        check_count("measurements", measurements)
        size, d, _ = target.shape
        return cls(target, fill(rng, np.empty((size, measurements, d * d))) / np.sqrt(measurements))

    def _products(self, matrix: FloatArray) -> FloatArray:
        """<W - W*, A_i>/sqrt(n), shape (size, n, 1)."""
        error = matrix - self.target
        return np.asarray(self.rows @ error.reshape(*error.shape[:-2], -1, 1))

    def loss(self, matrix: FloatArray) -> FloatArray:
        """Half the mean square of the measured errors."""
        return np.asarray(np.sum(self._products(matrix) ** 2, axis=(-1, -2)) / 2)

    def slope(self, matrix: FloatArray) -> FloatArray:
        """(1/n) sum <W - W*, A_i> A_i."""
        return np.asarray(self.rows.mT @ self._products(matrix)).reshape(matrix.shape)

    def take(self, replicates: Replicates) -> Self:
        """The sensing problems of some replicates."""
        return type(self)(self.target[replicates], self.rows[replicates])
