"""Ways to move shallow networks from their start, and how far they are from their linearizations there (Problem 2).

A `Start` is a stack of n networks of one width; displacements are arrays V of shape (n, m, d), the weights are W_0 + V.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mcstudy.models import shallow
from mcstudy.models.activations import Activation, Array
from mcstudy.models.adversary import displaced, worst_displacement

__all__ = [
    "Comparison",
    "Start",
    "along_gradient",
    "compare",
    "conditional_rms",
    "difference_quotient",
    "draw_start",
    "gaussian",
    "inner",
    "isotropic",
    "linearization_as_printed",
    "norm",
    "size_of_terms",
    "worst",
]

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Start:
    """Networks at initialization: outputs a (n, m), weights W_0 (n, m, d), inputs x (n, d), their activation."""

    a: Array
    W0: Array
    x: Array
    sigma: Activation

    @property
    def width(self) -> int:
        """The number of rows m."""
        return int(self.a.shape[-1])

    @property
    def z0(self) -> Array:
        """Preactivations w_{0,j}^T x, shape (n, m)."""
        return shallow.preactivations(self.W0, self.x)


@dataclass(frozen=True)
class Comparison:
    """A network and its linearization at displaced weights, shape (n,) each.

    Attributes
    ----------
    error
        |f(W) - f_0(W)|.
    bound
        What it never exceeds, by Problem 2 (c).
    rounding
        Limit on the rounding of `error`.
    """

    error: Array
    bound: Array
    rounding: Array


def draw_start(rng: np.random.Generator, x: Array, width: int, sigma: Activation) -> Start:
    """Draw signs and weights of one network of `width` rows for each line of `x`, shape (n, d)."""
    count, dimension = x.shape
    a = shallow.draw_outputs(rng, (count, width))
    return Start(a, shallow.draw_weights(rng, (count, width, dimension)), x, sigma)


def isotropic(rng: np.random.Generator, start: Start, radius: float) -> Array:
    """Draw displacements of norm `radius` and uniform direction."""
    V = rng.standard_normal(start.W0.shape)
    V *= (radius / norm(V))[:, None, None]
    return V


def gaussian(rng: np.random.Generator, start: Start, radius: float) -> Array:
    """Draw displacements with iid N(0, `radius`^2/(m d)) entries: of norm `radius` in the mean square."""
    return radius / math.sqrt(start.W0[0].size) * rng.standard_normal(start.W0.shape)


def along_gradient(start: Start, radius: float) -> Array:
    """Displacements of norm `radius` along grad f(W_0)."""
    V = shallow.gradient(start.W0, start.a, start.x, start.sigma)
    return (radius / norm(V))[:, None, None] * V


def worst(start: Start, radius: float) -> tuple[Array, Array]:
    """The displacements of norm `radius` with the largest error, and ceilings (n,) that no displacement exceeds."""
    reach = radius * np.sqrt(shallow.squared_norm(start.x))
    bracket = worst_displacement(start.z0, start.a, reach, start.sigma)
    return displaced(np.zeros_like(start.W0), bracket.shift, start.x), bracket.upper


def compare(start: Start, V: Array) -> Comparison:
    """Compare networks with their linearizations and the bound, at W_0 + V."""
    z = shallow.preactivations(start.W0 + V, start.x)
    error = np.abs(shallow.linearization_error(z, start.z0, start.a, start.sigma))
    # Every term carries a few units in its last place, pairwise sums a few more.
    rounding = 16 * EPS * size_of_terms(start, V)
    return Comparison(error, shallow.bound(norm(V), start.x, start.width, start.sigma), rounding)


def size_of_terms(start: Start, V: Array) -> Array:
    """Sum of the sizes of all terms of f(W) - f_0(W), shape (n,): what its rounding is relative to."""
    sigma, z0, z = start.sigma, start.z0, shallow.preactivations(start.W0 + V, start.x)
    lines = np.abs(sigma.slope(z0)) * (np.abs(z) + np.abs(z0))
    return np.asarray(np.vecdot(np.abs(start.a), np.abs(sigma.value(z)) + np.abs(sigma.value(z0)) + lines))


def conditional_rms(start: Start, V: Array) -> Array:
    """Root mean square of the error over the signs of a, given all else: sqrt(sum_j a_j^2 h_j^2), shape (n,).

    For displacements that do not depend on the signs its mean square is that of the error, at far less variance.
    """
    h = start.sigma.remainder(start.z0, shallow.preactivations(V, start.x))
    return np.asarray(np.sqrt(np.vecdot(start.a**2, h**2)))


def difference_quotient(f: Callable[[float], Array], step: float = 1e-4) -> Array:
    """f'(0) by central differences of fourth order."""
    return (8.0 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12.0 * step)


def linearization_as_printed(start: Start, V: Array) -> Array:
    """Problem 2 (b) as printed, sigma'(w_{0,j}) in place of sigma'(w_{0,j}^T x): for d = 1, where it is a number.

    For d > 1 the first column of W_0 stands in for w_{0,j}.
    """
    sigma, z0 = start.sigma, start.z0
    slope = sigma.slope(start.W0[..., 0])
    z = shallow.preactivations(start.W0 + V, start.x)
    return np.asarray(np.vecdot(start.a, sigma.value(z0) - slope * z0 + slope * z))


def inner(A: Array, B: Array) -> Array:
    """<A, B> of each pair of matrices, shape (n,)."""
    return np.asarray(np.vecdot(A.reshape(len(A), -1), B.reshape(len(B), -1)))


def norm(A: Array) -> Array:
    """Frobenius norm of each matrix, shape (n,)."""
    return np.asarray(np.sqrt(inner(A, A)))
