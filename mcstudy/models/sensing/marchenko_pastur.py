r"""Where theory puts the extreme eigenvalues of Phi^T Phi / n, whose rows are n vectors of p standard normals.

In matrix sensing the rows of Phi are vec A_i and p = d^2. As n and p grow with p/n fixed, the eigenvalues fill the
Marchenko-Pastur interval [(1 - sqrt(p/n))^2, (1 + sqrt(p/n))^2]. The extreme ones stay away from its ends by a
distance of order n^(-2/3), with fluctuations of the same order that follow the Tracy-Widom law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_at_most, check_count
from mcstudy.models.sensing.tracy_widom import tracy_widom

__all__ = ["Centre", "GapLaw", "check_sizes", "edges", "largest_centre", "log_smallest_centre"]


class Centre(NamedTuple):
    """Where an extreme eigenvalue, or its logarithm, is centred at finite sizes, and the scale it fluctuates on."""

    centre: float
    scale: float


@dataclass(frozen=True)
class GapLaw:
    """The law of the distance from an edge at finite sizes into the interval, -scale T with T of Tracy and Widom.

    Attributes
    ----------
    scale : float
        Of a `Centre`.
    """

    scale: float

    def cdf(self, x: npt.ArrayLike) -> FloatArray:
        """P(gap <= x), elementwise."""
        return np.asarray(1.0 - tracy_widom(-np.asarray(x) / self.scale))


def edges(measurements: int, parameters: int) -> tuple[float, float]:
    """The ends of the Marchenko-Pastur interval, (1 -+ sqrt(p/n))^2 (1.edges).

    Parameters
    ----------
    measurements, parameters : int
        n, the rows of Phi, and p <= n, its columns.

    Returns
    -------
    lower, upper : float

    Raises
    ------
    ModelError
        If a count is less than 1 or p exceeds n.

    Examples
    --------
    >>> edges(measurements=256, parameters=64)
    (0.25, 2.25)
    """
    check_sizes(measurements, parameters)
    root = float(np.sqrt(parameters / measurements))
    return (1.0 - root) ** 2, (1.0 + root) ** 2


def largest_centre(measurements: int, parameters: int) -> Centre:
    """The upper edge at finite sizes: the largest eigenvalue is close to centre + scale T, T of the Tracy-Widom law.

    The centre tends to the Marchenko-Pastur edge as 1/n, the scale to 0 as n^(-2/3). From Johnstone (2001, Ann.
    Statist. 29), with the half integers of Ma (2012, Bernoulli 18), which bring the error of the approximation of
    the law down to the order of p^(-2/3).

    Parameters and errors are those of `edges`.
    """
    check_sizes(measurements, parameters)
    a, b = np.sqrt(measurements - 0.5), np.sqrt(parameters - 0.5)
    scale = (a + b) * (1 / a + 1 / b) ** (1 / 3)
    return Centre(float((a + b) ** 2 / measurements), float(scale / measurements))


def log_smallest_centre(measurements: int, parameters: int) -> Centre:
    """The lower edge at finite sizes: the logarithm of the smallest eigenvalue is close to centre - scale T.

    The logarithm is closer to its limit than the eigenvalue (Ma 2012).

    Parameters are those of `edges`.

    Raises
    ------
    ModelError
        As `edges`, and if p is not less than n: an edge at 0 has another law.
    """
    check_sizes(measurements, parameters)
    if parameters == measurements:
        msg = (
            f"`parameters` must be less than `measurements` ({measurements}) at the lower edge, "
            f"got {parameters}; an edge at 0 has another law"
        )
        raise ModelError(msg)
    a, b = np.sqrt(measurements - 0.5), np.sqrt(parameters - 0.5)
    scale = (1 / b - 1 / a) ** (1 / 3) / (a - b)
    return Centre(float(np.log((a - b) ** 2 / measurements) + scale**2 / 8), float(scale))


def check_sizes(measurements: int, parameters: int) -> None:
    """Refuse a Phi without rows or columns, or with more columns than rows.

    Raises
    ------
    ModelError
        If a count is less than 1 or p exceeds n.
    """
    check_count("measurements", measurements)
    check_at_most("parameters", parameters, measurements, "`measurements`")
