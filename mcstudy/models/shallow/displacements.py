"""Ways to move networks from their initialization: displacements V, shape (n, m, d), of n networks to W_0 + V."""

from __future__ import annotations

import math

import numpy as np

from mcstudy.fills import fill
from mcstudy.models.arrays import FloatArray, frobenius
from mcstudy.models.shallow.adversary import displaced, worst_displacement
from mcstudy.models.shallow.initialization import Initialization
from mcstudy.models.shallow.networks import gradient, squared_norm

__all__ = ["along_gradient", "gaussian", "isotropic", "worst"]


def isotropic(rng: np.random.Generator, initial: Initialization, radius: float) -> FloatArray:
    """Draw displacements of one norm and uniform direction.

    Parameters
    ----------
    rng : numpy.random.Generator
    initial : Initialization
        Of n networks.
    radius : float
        The Frobenius norm.

    Returns
    -------
    array, shape (n, m, d)
    """
    V = fill(rng, np.empty(initial.W0.shape))
    V *= (radius / frobenius(V))[:, None, None]
    return V


def gaussian(rng: np.random.Generator, initial: Initialization, radius: float) -> FloatArray:
    """Draw displacements with independent N(0, `radius`^2/(m d)) entries: of norm `radius` in the mean square.

    Parameters and result are those of `isotropic`.
    """
    return radius / math.sqrt(initial.W0[0].size) * fill(rng, np.empty(initial.W0.shape))


def along_gradient(initial: Initialization, radius: float) -> FloatArray:
    """Displacements of norm `radius` along grad f(W_0), shape (n, m, d)."""
    V = gradient(initial.W0, initial.a, initial.x, initial.sigma)
    return (radius / frobenius(V))[:, None, None] * V


def worst(initial: Initialization, radius: float) -> tuple[FloatArray, FloatArray]:
    """The displacements of norm `radius` at most with the largest error, and what no such displacement exceeds.

    Parameters
    ----------
    initial : Initialization
        Of n networks with a beta-smooth activation.
    radius : float
        R.

    Returns
    -------
    V : array, shape (n, m, d)
    ceiling : array, shape (n,)
        The dual value, at least as large as the error at W_0 + V.

    Raises
    ------
    ModelError
        If the activation is not smooth or `radius` is not positive.
    """
    reach = radius * np.sqrt(squared_norm(initial.x))
    bracket = worst_displacement(initial.z0, initial.a, reach, initial.sigma)
    return displaced(np.zeros_like(initial.W0), bracket.shift, initial.x), bracket.upper
