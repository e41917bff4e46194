r"""The Tracy-Widom law of real matrices (beta = 1), to which the extreme eigenvalues of Phi^T Phi tend.

Its distribution function is a Fredholm determinant, F_1(s) = det(I - B_s) with the kernel Ai(x + y + s) on the half
line (Ferrari and Spohn 2005, J. Phys. A 38). Gauss-Legendre quadrature makes of it the determinant of a small
matrix that converges exponentially in the number of nodes (Bornemann 2010, Math. Comp. 79).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Chebyshev
from numpy.polynomial.legendre import leggauss
from scipy.special import airy

from mcstudy.models.arrays import FloatArray

__all__ = ["MEAN", "VARIANCE", "determinant", "tracy_widom"]

# Bornemann (2010), "On the numerical evaluation of distributions in random matrix theory", section 9.
MEAN = -1.2065335745820
VARIANCE = 1.607781034581

LOWEST, HIGHEST = -10.0, 8.0  # outside, F_1 is less than 1e-18 from 0 or 1e-8 from 1
NODES = 40  # of the quadrature, and
DEGREE = 80  # of the interpolant: with more of either, F_1 moves by less than 1e-12
NEGLIGIBLE = 16.0  # Ai(16) is about 1e-20


def determinant(s: float) -> float:
    """F_1(s) from its determinant.

    Parameters
    ----------
    s : float

    Returns
    -------
    float
        A probability, right to about 1e-14 for s between -10 and 8.

    Examples
    --------
    >>> round(determinant(0.9793), 4)
    0.95
    """
    # Ai(x + y + s) is negligible for every y where x exceeds NEGLIGIBLE - s.
    end = NEGLIGIBLE + max(0.0, -s)
    points, weights = leggauss(NODES)
    points, roots = (points + 1.0) * end / 2, np.sqrt(weights * end / 2)
    kernel = airy(points[:, None] + points[None, :] + s)[0]
    return float(np.linalg.det(np.eye(NODES) - roots[:, None] * kernel * roots[None, :]))


@cache
def _interpolant() -> Chebyshev:
    return Chebyshev.interpolate(np.vectorize(determinant), DEGREE, domain=[LOWEST, HIGHEST])


def tracy_widom(x: npt.ArrayLike) -> FloatArray:
    """The distribution function F_1 at many points.

    F_1 is analytic: a Chebyshev interpolant, made once, stands for 81 determinants.

    Parameters
    ----------
    x : array_like, shape (...)

    Returns
    -------
    array, shape (...)
        Probabilities, right to 1e-8 (to 1e-12 between -10 and 8).
    """
    points = np.asarray(x, dtype=np.float64)
    # Clipped twice: a polynomial explodes outside its interval, and errs by 1e-12 beyond 0 and 1 inside.
    inside = np.clip(_interpolant()(np.clip(points, LOWEST, HIGHEST)), 0.0, 1.0)
    return np.asarray(np.where(points > HIGHEST, 1.0, np.where(points < LOWEST, 0.0, inside)))
