"""The concave envelope behind the worst displacement: which rows move at a given multiplier, and where to.

A row with preactivation z and output sign s that moves to y = z + u gains, at multiplier lambda,

    s h(z, u) - lambda u^2 = G(y) - G(z) - G'(z)(y - z),    G(y) = s sigma(y) - lambda y^2:

the height of G at y above its own tangent at z. The gain is largest where the least concave majorant of G has slope
G'(z), and it is positive only for z under a bridge, a straight piece of that majorant. One majorant on a grid thus
serves all rows of all networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow.activations import Activation

__all__ = ["Envelope", "Grid"]


@dataclass(frozen=True)
class Grid:
    """Equally spaced nodes y with an activation and its derivatives there.

    Attributes
    ----------
    sigma : Activation
    y, value, slope, curvature : array, shape (nodes,)
        Nodes, sigma, sigma' and sigma'' there.
    """

    sigma: Activation
    y: FloatArray
    value: FloatArray
    slope: FloatArray
    curvature: FloatArray

    @classmethod
    def over(cls, sigma: Activation, low: float, high: float, nodes: int) -> Grid:
        """Lay `nodes` nodes from `low` to `high`."""
        y = np.linspace(low, high, nodes)
        return cls(sigma, y, sigma.value(y), sigma.slope(y), sigma.curvature(y))

    @property
    def spacing(self) -> float:
        """Distance of neighbouring nodes."""
        return float(self.y[1] - self.y[0])

    def slack(self, multiplier: float) -> float:
        """Limit on the gain of a row that lies under a bridge too short for the nodes to show.

        G'' <= kappa = beta - 2 lambda, so that a gain is at most kappa u^2/2; and around a single smooth peak of G''
        that no second difference of G reveals, a row moves by less than two cells.
        """
        return 2.0 * (self.sigma.beta - 2.0 * multiplier) * self.spacing**2


@dataclass(frozen=True)
class Envelope:
    """The least concave majorant of G(y) = s sigma(y) - lambda y^2 on a grid.

    Attributes
    ----------
    grid : Grid
    sign, multiplier : float
        What G is made of: s = +-1 and lambda > 0.
    falling : array, shape (nodes - 1,)
        Minus the majorant's slope on each cell, ascending.
    starts, stops : array, shape (bridges,)
        Ends of the bridges, ascending and disjoint, each widened by two cells so that no row under a bridge of the
        exact majorant is missed.
    """

    grid: Grid
    sign: float
    multiplier: float
    falling: FloatArray
    starts: FloatArray
    stops: FloatArray

    @classmethod
    def of(cls, grid: Grid, sign: float, multiplier: float) -> Envelope:
        """Build the majorant: its slopes are the antitonic regression of the increments of G."""
        from scipy.optimize import isotonic_regression

        height = sign * grid.value - multiplier * grid.y**2
        fit = isotonic_regression(-np.diff(height) / grid.spacing)
        first, last = fit.blocks[:-1], fit.blocks[1:]
        pooled = last - first > 1
        starts = grid.y[first[pooled]] - 2.0 * grid.spacing
        stops = grid.y[last[pooled]] + 2.0 * grid.spacing
        starts[1:] = np.maximum(starts[1:], stops[:-1])
        return cls(grid, sign, multiplier, fit.x, starts, stops)

    def under_bridges(self, z: FloatArray) -> npt.NDArray[np.intp]:
        """Indices of the rows that may gain; `z` ascending, shape (rows,)."""
        first, last = np.searchsorted(z, self.starts), np.searchsorted(z, self.stops)
        return np.concatenate([np.arange(i, j) for i, j in zip(first, last, strict=True)] or [np.arange(0)])

    def best_response(self, z: FloatArray) -> FloatArray:
        """The y at which each row gains most, shape as `z`: the node, and one Newton step within its cells."""
        grid = self.grid
        slope = self.sign * grid.sigma.slope(z) - 2.0 * self.multiplier * z
        node = np.searchsorted(self.falling, -slope)
        bend = self.sign * grid.curvature[node] - 2.0 * self.multiplier
        excess = self.sign * grid.slope[node] - 2.0 * self.multiplier * grid.y[node] - slope
        step = np.divide(-excess, bend, out=np.zeros_like(excess), where=bend < 0.0)
        y = grid.y[node] + np.clip(step, -grid.spacing, grid.spacing)
        return np.asarray(np.clip(y, grid.y[0], grid.y[-1]))
