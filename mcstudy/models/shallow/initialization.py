"""Shallow networks at initialization: random signs, Gaussian weights, and stacks of networks with their inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcstudy.fills import fill
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_count
from mcstudy.models.shallow.activations import Activation
from mcstudy.models.shallow.networks import preactivations

__all__ = ["Initialization", "draw_initialization", "draw_outputs", "draw_weights"]


@dataclass(frozen=True)
class Initialization:
    """A stack of n networks of one width before they move, each with an input.

    Attributes
    ----------
    a : array, shape (n, m)
        Outputs.
    W0 : array, shape (n, m, d)
        First-layer weights.
    x : array, shape (n, d)
        Inputs.
    sigma : Activation
    """

    a: FloatArray
    W0: FloatArray
    x: FloatArray
    sigma: Activation

    @property
    def width(self) -> int:
        """The number of rows m."""
        return int(self.a.shape[-1])

    @property
    def z0(self) -> FloatArray:
        """Preactivations w_{0,j}^T x, shape (n, m)."""
        return preactivations(self.W0, self.x)


def draw_initialization(
    rng: np.random.Generator, x: FloatArray, width: int, sigma: Activation
) -> Initialization:
    """Draw signs and weights of a network for each input.

    Parameters
    ----------
    rng : numpy.random.Generator
    x : array, shape (n, d)
        Inputs.
    width : int
        m.
    sigma : Activation

    Returns
    -------
    Initialization

    Raises
    ------
    ModelError
        If `width` is below 1.
    """
    count, dimension = x.shape
    a = draw_outputs(rng, (count, width))
    return Initialization(a, draw_weights(rng, (count, width, dimension)), x, sigma)


def draw_outputs(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draw output weights a_j = +-1/sqrt(m), each sign with probability 1/2.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        (..., m).

    Returns
    -------
    array, shape (..., m)

    Raises
    ------
    ModelError
        If m is below 1.
    """
    width = check_count("width", shape[-1])
    # One byte of the stream a sign, not eight.
    signs = rng.integers(0, 2, size=shape, dtype=np.int8)
    return np.asarray((2.0 * signs - 1.0) / np.sqrt(width), dtype=np.float64)


def draw_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draw first-layer weights with independent N(0, 1) entries.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        (..., m, d).

    Returns
    -------
    array, shape (..., m, d)

    Raises
    ------
    ModelError
        If m is below 1.
    """
    check_count("width", shape[-2])
    return fill(rng, np.empty(shape))
