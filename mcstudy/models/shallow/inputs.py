"""Inputs for networks: random points on a sphere, and rows of a real data set."""

from __future__ import annotations

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.fills import fill
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_choice, check_positive
from mcstudy.models.data import real_rows

__all__ = ["draw_inputs", "sphere"]

RADII = {"unit sphere": 1.0, "sphere of radius 2": 2.0}
ANY = "any state"


def sphere(rng: np.random.Generator, shape: tuple[int, ...], radius: float = 1.0) -> FloatArray:
    """Draw points uniformly on a sphere in R^d.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        (..., d).
    radius : float

    Returns
    -------
    array, shape (..., d)

    Raises
    ------
    ModelError
        If `radius` is not positive.
    """
    check_positive("radius", radius, "a zero input carries no information")
    x = fill(rng, np.empty(shape))
    return np.asarray(radius * x / np.sqrt(np.vecdot(x, x))[..., None])


def draw_inputs(rng: np.random.Generator, kind: str, count: int, dimension: int) -> FloatArray:
    """Draw inputs of a named kind.

    Parameters
    ----------
    rng : numpy.random.Generator
        For what is random.
    kind : str
        "unit sphere"; "sphere of radius 2"; "any state", a row of `mcstudy.models.data.real_rows` at random; or a
        state's name, always its row.
    count, dimension : int
        How many, and d; real rows have dimension 6.

    Returns
    -------
    array, shape (count, dimension)

    Raises
    ------
    ModelError
        If there is no such kind, or real rows are asked for in another dimension.
    InputError
        If real rows are asked for without statsmodels.
    """
    if kind in RADII:
        return sphere(rng, (count, dimension), RADII[kind])
    rows = real_rows()
    check_choice("kind", kind, (*RADII, ANY, *rows.names))
    if dimension != rows.inputs.shape[1]:
        msg = f"`dimension` must be {rows.inputs.shape[1]}, that of the real rows, got {dimension}"
        raise ModelError(msg)
    if kind == ANY:
        return rows.inputs[rng.integers(len(rows.inputs), size=count)]
    return np.tile(rows.inputs[rows.names.index(kind)], (count, 1))
