"""Inputs for networks: random points on a sphere, and rows of a real data set.

The real rows are the 50 states of the USA and the District of Columbia in 2009: statsmodels' `statecrime`, public
domain, with the rate of violent crime as the response. The file is read as it lies in the installed package, without
importing statsmodels.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.activations import Array

__all__ = ["Rows", "draw_inputs", "real_rows", "sphere"]


class Rows(NamedTuple):
    """A data set: names of its rows, inputs (rows, d), responses (rows,)."""

    names: tuple[str, ...]
    inputs: Array
    responses: Array


def sphere(rng: np.random.Generator, shape: tuple[int, ...], radius: float = 1.0) -> Array:
    """Draw points uniformly on the sphere of `radius` in R^d; `shape` is (..., d)."""
    if not radius > 0:
        msg = f"`radius` must be positive: a zero input carries no information; got {radius}"
        raise ModelError(msg)
    x = rng.standard_normal(shape)
    return np.asarray(radius * x / np.sqrt(np.vecdot(x, x))[..., None])


def draw_inputs(rng: np.random.Generator, kind: str, count: int, dimension: int) -> Array:
    """Draw inputs of a named kind, shape (count, dimension).

    Parameters
    ----------
    rng
        For what is random.
    kind
        "unit sphere"; "sphere of radius 2"; "any state", a real row at random; or a state's name, always its row.
    count, dimension
        Shape; real rows have dimension 6.

    Raises
    ------
    ModelError
        If there is no such kind, or real rows are asked for in another dimension.
    """
    if kind in _RADII:
        return sphere(rng, (count, dimension), _RADII[kind])
    rows = real_rows()
    if kind != "any state" and kind not in rows.names:
        msg = f"`kind` must be one of {', '.join(_RADII)}, any state, or the name of a state; got {kind!r}"
        raise ModelError(msg)
    if dimension != rows.inputs.shape[1]:
        msg = f"`dimension` of real rows must be {rows.inputs.shape[1]}; got {dimension}"
        raise ModelError(msg)
    if kind == "any state":
        return rows.inputs[rng.integers(len(rows.inputs), size=count)]
    return np.tile(rows.inputs[rows.names.index(kind)], (count, 1))


_RADII = {"unit sphere": 1.0, "sphere of radius 2": 2.0}


@cache
def real_rows() -> Rows:
    """Return the 51 states, standardised.

    Inputs are murder rate, high-school graduates, poverty, single-parent households, white and urban population; each
    has mean 0 and variance 1/6, so that ||x||^2 is 1 on average. The response, violent crime, has mean 0 and variance 1.

    Raises
    ------
    ModelError
        If statsmodels is not installed.
    """
    spec = find_spec("statsmodels")
    if spec is None or not spec.submodule_search_locations:
        msg = "the real rows come with statsmodels, which is not installed: run `pip install statsmodels`"
        raise ModelError(msg)
    path = Path(spec.submodule_search_locations[0], "datasets", "statecrime", "statecrime.csv")
    names = np.loadtxt(path, delimiter=",", skiprows=1, usecols=0, dtype=str)
    table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(1, 8))
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    return Rows(tuple(name.strip() for name in names.tolist()), table[:, 1:] / np.sqrt(6.0), table[:, 0])
