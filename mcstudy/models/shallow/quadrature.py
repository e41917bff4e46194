"""Means over normal variables by Gauss-Hermite quadrature."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow.activations import Activation

__all__ = ["activation_moment", "gauss_hermite"]

NODES = 200  # reaches rounding for every smooth activation of the package at variances up to about 2


@cache
def gauss_hermite(count: int = NODES) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for the mean over a standard normal variable.

    Parameters
    ----------
    count : int

    Returns
    -------
    nodes, weights : array, shape (count,)
        The weights sum to 1.
    """
    from scipy.special import roots_hermitenorm

    nodes, weights = roots_hermitenorm(count)
    return nodes, weights / math.sqrt(2.0 * math.pi)


def activation_moment(sigma: Activation, variance: float, order: int) -> float:
    """E sigma(z)^order for z ~ N(0, variance).

    Exact to rounding for smooth activations, and for the even moments of ReLU too, since the nodes are symmetric.

    Parameters
    ----------
    sigma : Activation
    variance : float
        At most about 2, beyond which the nodes grow too sparse.
    order : int

    Examples
    --------
    >>> from mcstudy.models.shallow.activations import activation
    >>> round(activation_moment(activation("relu"), 1.0, 2), 12)
    0.5
    """
    nodes, weights = gauss_hermite()
    return float(weights @ np.power(sigma.value(math.sqrt(variance) * nodes), order))
