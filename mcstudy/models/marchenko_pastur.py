r"""Extreme eigenvalues of Phi^T Phi / n, whose rows are n vectors of p independent standard normals.

In matrix sensing the rows of Phi are vec A_i and p = d^2. As n and p grow with p/n fixed, the eigenvalues fill the
Marchenko-Pastur interval [(1 - sqrt(p/n))^2, (1 + sqrt(p/n))^2]. The extreme ones stay away from its ends by a
distance of order n^(-2/3), with fluctuations of the same order that follow the Tracy-Widom law.

Two samplers of one law: `full_extremes` draws Phi; `projected_extremes` draws the tridiagonal matrix to which
orthogonal transformations bring Phi^T Phi, and of that only the corner where the extreme eigenvectors live. It
reaches n = 10^5, where Phi would not fit into memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigvalsh_tridiagonal

from mcstudy.exceptions import ModelError
from mcstudy.models.measurements import BUFFER, batches, fill
from mcstudy.models.sensing import check_count
from mcstudy.models.tracy_widom import tracy_widom

__all__ = [
    "Centre",
    "Extremes",
    "GapLaw",
    "corner",
    "edges",
    "full_extremes",
    "largest_centre",
    "log_smallest_centre",
    "projected_extremes",
]

FloatArray = npt.NDArray[np.float64]

AIRY_LENGTHS = 10.0  # the corner's size; an eigenvector has decayed by exp(-(2/3) 10^1.5) = 1e-9 there


class Extremes(NamedTuple):
    """The smallest and the largest eigenvalue of Phi^T Phi / n, each of shape (size,)."""

    smallest: FloatArray
    largest: FloatArray


def edges(measurements: int, parameters: int) -> tuple[float, float]:
    """The ends of the Marchenko-Pastur interval, (1 -+ sqrt(p/n))^2 (1.edges).

    Parameters
    ----------
    measurements, parameters : int
        n, the rows of Phi, and p <= n, its columns.

    Raises
    ------
    ModelError
        If a count is less than 1 or p exceeds n.

    Examples
    --------
    >>> edges(measurements=256, parameters=64)
    (0.25, 2.25)
    """
    _check(measurements, parameters)
    root = float(np.sqrt(parameters / measurements))
    return (1.0 - root) ** 2, (1.0 + root) ** 2


class Centre(NamedTuple):
    """Where an extreme eigenvalue, or its logarithm, is centred at finite sizes, and the scale it fluctuates on."""

    centre: float
    scale: float


def largest_centre(measurements: int, parameters: int) -> Centre:
    """The upper edge at finite sizes: the largest eigenvalue is close to centre + scale T, T of the Tracy-Widom law.

    The centre tends to the Marchenko-Pastur edge as 1/n, the scale to 0 as n^(-2/3). From Johnstone (2001, Ann.
    Statist. 29), with the half integers of Ma (2012, Bernoulli 18), which bring the error of the approximation of
    the law down to the order of p^(-2/3).
    """
    _check(measurements, parameters)
    a, b = np.sqrt(measurements - 0.5), np.sqrt(parameters - 0.5)
    scale = (a + b) * (1 / a + 1 / b) ** (1 / 3)
    return Centre(float((a + b) ** 2 / measurements), float(scale / measurements))


def log_smallest_centre(measurements: int, parameters: int) -> Centre:
    """The lower edge at finite sizes: the logarithm of the smallest eigenvalue is close to centre - scale T.

    The logarithm is closer to its limit than the eigenvalue (Ma 2012).

    Raises
    ------
    ModelError
        If p is not less than n: an edge at 0 has another law.
    """
    _check(measurements, parameters)
    if parameters == measurements:
        msg = f"`parameters` must be less than `measurements` ({measurements}) at the lower edge, got as many"
        raise ModelError(msg)
    a, b = np.sqrt(measurements - 0.5), np.sqrt(parameters - 0.5)
    scale = (1 / b - 1 / a) ** (1 / 3) / (a - b)
    return Centre(float(np.log((a - b) ** 2 / measurements) + scale**2 / 8), float(scale))


@dataclass(frozen=True)
class GapLaw:
    """The law of the distance from an edge at finite sizes into the interval, -scale T."""

    scale: float

    def cdf(self, x: npt.ArrayLike) -> FloatArray:
        """P(gap <= x), elementwise."""
        return np.asarray(1.0 - tracy_widom(-np.asarray(x) / self.scale))


def full_extremes(
    rng: np.random.Generator, size: int, *, measurements: int, dimension: int, ensemble: str = "gaussian"
) -> Extremes:
    """Draw Phi, row by row from d x d matrices of an ensemble, and take the eigenvalues of Phi^T Phi / n.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : int
        How many Phi to draw; one is in work at a time, and of its rows only a cache-sized buffer.
    measurements, dimension : int
        n and d; Phi has p = d^2 <= n columns.
    ensemble : str
        See `mcstudy.models.measurements.fill`.

    Returns
    -------
    Extremes

    Raises
    ------
    ModelError
        If a count is less than 1, d^2 exceeds n or the ensemble is unknown.
    """
    check_count("size", size)
    check_count("dimension", dimension)
    _check(measurements, dimension**2)
    spectra = np.array([_spectrum(rng, measurements, dimension, ensemble) for _ in range(size)])
    positive = np.maximum(spectra, np.finfo(np.float64).tiny)  # rounding may leave a zero eigenvalue below 0
    return Extremes(smallest=positive[:, 0], largest=positive[:, -1])


def _spectrum(rng: np.random.Generator, measurements: int, dimension: int, ensemble: str) -> FloatArray:
    """All eigenvalues of one Phi^T Phi / n, in ascending order."""
    entries = dimension**2
    buffer = np.empty(max(BUFFER, entries))
    gram = np.zeros((entries, entries))
    for _, count in batches(1, measurements, entries):
        matrices = buffer[: count * entries].reshape(count, dimension, dimension)
        fill(rng, matrices, ensemble)
        rows = matrices.reshape(count, entries)
        gram += rows.T @ rows
    return np.asarray(np.linalg.eigvalsh(gram)) / measurements


def projected_extremes(
    rng: np.random.Generator, size: int, *, measurements: int, parameters: int
) -> Extremes:
    """Draw the extreme eigenvalues from the tridiagonal form of Phi^T Phi.

    Householder reflections bring Phi to a bidiagonal matrix with independent entries: the squares are chi-square
    with n, n-1, ... degrees of freedom on the diagonal and p-1, p-2, ... beside it (Silverstein 1985; Dumitriu and
    Edelman 2002). Only its leading `corner` is drawn.

    Parameters
    ----------
    rng : numpy.random.Generator
    size, measurements, parameters : int
        How many to draw, n and p <= n.

    Returns
    -------
    Extremes

    Raises
    ------
    ModelError
        If a count is less than 1 or p exceeds n.
    """
    check_count("size", size)
    _check(measurements, parameters)
    order = corner(measurements, parameters)
    steps = np.arange(order)
    squares = rng.chisquare(np.broadcast_to(measurements - steps, (size, order)))
    beside = rng.chisquare(np.broadcast_to(parameters - steps[1:], (size, order - 1)))
    diagonal = squares.copy()
    diagonal[:, 1:] += beside
    off_diagonal = np.sqrt(squares[:, :-1] * beside)
    found = np.array([_ends(*bands) for bands in zip(diagonal, off_diagonal, strict=True)])
    return Extremes(smallest=found[:, 0] / measurements, largest=found[:, 1] / measurements)


def corner(measurements: int, parameters: int) -> int:
    """The order of the leading corner of the tridiagonal form that holds both extreme eigenvectors.

    Near its top the form is a discrete Airy operator: its entries vary so slowly that an extreme eigenvector decays
    like Ai(row/length) with length (n p)^(1/3) / (sqrt n -+ sqrt p)^(2/3) (Edelman and Persson 2005 take
    10 p^(1/3) rows for square Gaussian matrices). The lower end has the longer one.
    """
    _check(measurements, parameters)
    gap = np.sqrt(measurements) - np.sqrt(parameters)
    if gap == 0.0:
        return parameters
    length = (measurements * parameters / gap**2) ** (1 / 3)
    return int(min(parameters, np.ceil(AIRY_LENGTHS * length)))


def _ends(diagonal: FloatArray, off_diagonal: FloatArray) -> tuple[float, float]:
    """The smallest and the largest eigenvalue of a symmetric tridiagonal matrix."""
    if len(diagonal) == 1:
        return float(diagonal[0]), float(diagonal[0])
    last = len(diagonal) - 1
    low, high = (
        eigvalsh_tridiagonal(
            diagonal, off_diagonal, select="i", select_range=(k, k), lapack_driver="stebz", check_finite=False
        )[0]
        for k in (0, last)
    )
    return float(low), float(high)


def _check(measurements: int, parameters: int) -> None:
    check_count("measurements", measurements)
    check_count("parameters", parameters)
    if parameters > measurements:
        msg = f"`parameters` (p = d^2) must be at most `measurements` (n = {measurements}), got {parameters}"
        raise ModelError(msg)
