"""Inputs for networks: random points on a sphere, and rows of a real data set.

The real rows are the 50 states of the USA and the District of Columbia in 2009: statsmodels' `statecrime`, public
domain, with the rate of violent crime as the response. The file is read as it lies in the installed package, without
importing statsmodels.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.activations import Array

__all__ = ["real_rows", "sphere"]


def sphere(rng: np.random.Generator, shape: tuple[int, ...], radius: float = 1.0) -> Array:
    """Draw points uniformly on the sphere of `radius` in R^d; `shape` is (..., d)."""
    if not radius > 0:
        msg = f"`radius` must be positive: a zero input carries no information; got {radius}"
        raise ModelError(msg)
    x = rng.standard_normal(shape)
    return np.asarray(radius * x / np.sqrt(np.vecdot(x, x))[..., None])


@cache
def real_rows() -> tuple[Array, Array]:
    """Return inputs (51, 6) and responses (51,), standardised.

    Columns are murder rate, high-school graduates, poverty, single-parent households, white and urban population;
    each has mean 0 and variance 1/6, so that ||x||^2 is 1 on average. The response has mean 0 and variance 1.
    """
    spec = find_spec("statsmodels")
    if spec is None or not spec.submodule_search_locations:
        msg = "real rows come with statsmodels, which is not installed: run `pip install statsmodels`"
        raise ModelError(msg)
    path = Path(spec.submodule_search_locations[0], "datasets", "statecrime", "statecrime.csv")
    table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(1, 8))
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    return table[:, 1:] / np.sqrt(table.shape[1] - 1), table[:, 0]
