"""How fast the worst displacement attains the bound: 1 - sup/bound ~ constant m^(-2/3) (Problem 2 (c)).

Near a point z* where |sigma''| attains beta, |sigma''(y)| = beta (1 - bend (y - z*)^2), and rows lie densely: N of them
for each unit of z, all such points together. At multiplier lambda = (beta/2)(1 - eps) a row at z* + t moves to z* + y
with y^2 + y t + t^2 = 3 eps/bend, on the far side of z*, and

    rho^2 = N int (y - t)^2 dt = 16 sqrt(3) N (eps/bend)^(3/2).

The supremum has derivative lambda in rho^2, so its relative distance from (beta/2) rho^2 is (3/5) eps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mcstudy.models.arrays import FloatArray

__all__ = ["expected_shortfall"]


def expected_shortfall(
    width: npt.ArrayLike,
    reach: npt.ArrayLike,
    variance: npt.ArrayLike,
    *,
    peaks: Sequence[float],
    bend: float,
) -> FloatArray:
    """Leading term of 1 - sup|f - f_0|/bound for large m, when |sigma''| peaks smoothly.

    Parameters
    ----------
    width, reach, variance : array_like, shape (...)
        m, R ||x||, and the variance ||x||^2 of the preactivations.
    peaks : sequence of float
        All z at which |sigma''(z)| = beta.
    bend : float
        -|sigma''|''/(2 beta) there: 2 for tanh, 1/2 for sin.

    Returns
    -------
    array, shape (...)

    Examples
    --------
    >>> z = np.arctanh(1 / np.sqrt(3))
    >>> round(float(expected_shortfall(10**6, 1.0, 1.0, peaks=(-z, z), bend=2.0)), 7)
    2.79e-05
    """
    q = np.asarray(variance, dtype=np.float64)
    points = np.asarray(peaks, dtype=np.float64)
    density = np.sum(np.exp(-(points**2) / (2 * q[..., None])), axis=-1) / np.sqrt(2 * np.pi * q)
    rows = 0.5 * np.asarray(width) * density  # half of the rows have the sign that gains
    return np.asarray(0.6 * bend * (np.square(reach) / (16 * np.sqrt(3.0) * rows)) ** (2 / 3))
