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

__all__ = ["Rows", "real_rows", "sphere"]


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
