r"""Draws of the extreme eigenvalues of Phi^T Phi / n, and how far they are inside the edges that theory gives them.

Two samplers of one law: `full_extremes` draws Phi; `projected_extremes` draws the tridiagonal matrix to which
orthogonal transformations bring Phi^T Phi, and of that only the corner where the extreme eigenvectors live. It
reaches n = 10^5, where Phi would not fit into memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_count
from mcstudy.models.sensing.ensembles import BUFFER, batches, fill
from mcstudy.models.sensing.marchenko_pastur import check_sizes, edges, largest_centre, log_smallest_centre

__all__ = ["EdgeGaps", "Extremes", "corner", "edge_gaps", "full_extremes", "projected_extremes"]

AIRY_LENGTHS = 10.0  # the corner's size; an eigenvector has decayed by exp(-(2/3) 10^1.5) = 1e-9 there


class Extremes(NamedTuple):
    """The extreme eigenvalues of Phi^T Phi / n.

    Attributes
    ----------
    smallest, largest : array, shape (size,)
    """

    smallest: FloatArray
    largest: FloatArray


class EdgeGaps(NamedTuple):
    """How far the extreme eigenvalues are inside the edges.

    Attributes
    ----------
    lower : array, shape (size,)
        Logarithm of the smallest eigenvalue, minus its centre at finite sizes.
    upper : array, shape (size,)
        Centre of the largest eigenvalue at finite sizes, minus that eigenvalue.
    distance : array, shape (size,)
        The larger of both relative distances from the edges of the limit.
    """

    lower: FloatArray
    upper: FloatArray
    distance: FloatArray


def edge_gaps(extremes: Extremes, *, measurements: int, parameters: int) -> EdgeGaps:
    """Compare extreme eigenvalues with the edges at finite sizes and in the limit.

    Parameters
    ----------
    extremes : Extremes
        With a positive `smallest`.
    measurements, parameters : int
        n and p < n.

    Returns
    -------
    EdgeGaps
        `lower` and `upper` have the laws `mcstudy.models.sensing.marchenko_pastur.GapLaw`.

    Raises
    ------
    ModelError
        If a count is less than 1 or p is not less than n.
    """
    sizes = measurements, parameters
    lower, upper = edges(*sizes)
    return EdgeGaps(
        lower=np.log(extremes.smallest) - log_smallest_centre(*sizes).centre,
        upper=largest_centre(*sizes).centre - extremes.largest,
        distance=np.maximum(np.abs(extremes.smallest / lower - 1.0), np.abs(extremes.largest / upper - 1.0)),
    )


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
        See `mcstudy.models.sensing.ensembles.fill`.

    Returns
    -------
    Extremes

    Raises
    ------
    ModelError
        If a count is less than 1, d^2 exceeds n or the ensemble is unknown.
    """
    check_count("size", size)
    check_sizes(measurements, check_count("dimension", dimension) ** 2)
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
        gram += rows.mT @ rows
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

    Parameters
    ----------
    measurements, parameters : int
        n and p <= n.

    Returns
    -------
    int
        At most p.

    Raises
    ------
    ModelError
        If a count is less than 1 or p exceeds n.
    """
    check_sizes(measurements, parameters)
    gap = np.sqrt(measurements) - np.sqrt(parameters)
    if gap == 0.0:
        return parameters
    length = (measurements * parameters / gap**2) ** (1 / 3)
    return int(min(parameters, np.ceil(AIRY_LENGTHS * length)))


def _ends(diagonal: FloatArray, off_diagonal: FloatArray) -> tuple[float, float]:
    """The smallest and the largest eigenvalue of a symmetric tridiagonal matrix."""
    from scipy.linalg import eigvalsh_tridiagonal

    if len(diagonal) == 1:
        return float(diagonal[0]), float(diagonal[0])
    # Bisection for one eigenvalue at either end, not the whole spectrum.
    last = len(diagonal) - 1
    low, high = (
        eigvalsh_tridiagonal(
            diagonal, off_diagonal, select="i", select_range=(k, k), lapack_driver="stebz", check_finite=False
        )[0]
        for k in (0, last)
    )
    return float(low), float(high)
