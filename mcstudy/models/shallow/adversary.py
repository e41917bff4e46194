"""The worst displacement in a ball, as a certified primal-dual bracket (Problem 2 (c): the constant is sharp).

Only u_j = (w_j - w_{0,j})^T x matters, so rows move along x, and with s_j = sign a_j the worst error is

    (1/sqrt m) max |sum_j s_j h(z_j, u_j)|   subject to   sum_j u_j^2 <= (R ||x||)^2 =: rho^2,

h(z, u) = sigma(z + u) - sigma(z) - sigma'(z) u. For a multiplier lambda the Lagrangian separates into rows, and
`mcstudy.models.shallow.envelope` finds every row's best response. Each lambda gives an upper bound, the dual value, and
by scaling u onto the sphere a feasible displacement, hence a lower bound. The search walks lambda down from near
beta/2, where nothing moves, until every ball is full.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_positive
from mcstudy.models.shallow.activations import Activation, check_smooth
from mcstudy.models.shallow.envelope import Envelope, Grid
from mcstudy.models.shallow.networks import squared_norm

__all__ = ["Bracket", "displaced", "worst_displacement"]

Indices: TypeAlias = npt.NDArray[np.intp]

# The walk is over t, lambda = (beta/2)/(1 + t). A step of this factor costs the bracket about 1e-3 t, relatively.
_FACTOR = 2.0**0.25
# There lambda is a millionth of beta/2, far below any chord of sigma' across the grid that could still hold a row.
_LAST = 2.0**20


@dataclass(frozen=True)
class Bracket:
    """Certified limits on the largest |f(W) - f_0(W)| over ||W - W_0|| <= R.

    Attributes
    ----------
    lower, upper : array, shape (...)
        The error of `shift`, and the dual value that no displacement exceeds; in units of f.
    shift : array, shape (..., m)
        u_j = (w_j - w_{0,j})^T x attaining `lower`, with sum_j u_j^2 <= (R ||x||)^2.
    """

    lower: FloatArray
    upper: FloatArray
    shift: FloatArray


def worst_displacement(z: FloatArray, a: FloatArray, reach: npt.ArrayLike, sigma: Activation) -> Bracket:
    """Bracket the largest linearization error over a ball.

    Parameters
    ----------
    z : array, shape (..., m)
        Preactivations w_{0,j}^T x.
    a : array, shape (..., m)
        Output weights of one size and either sign.
    reach : array_like, shape (...)
        R ||x||.
    sigma : Activation
        A beta-smooth one.

    Returns
    -------
    Bracket

    Raises
    ------
    ModelError
        If `sigma` is not smooth, a reach is not positive and finite, or the sizes of `a` differ.

    Examples
    --------
    >>> from mcstudy.models.shallow.activations import activation
    >>> z, a = np.array([-1.0, 0.2, 0.7]), np.array([1.0, -1.0, 1.0]) / np.sqrt(3)
    >>> worst = worst_displacement(z, a, 0.5, activation("quadratic"))
    >>> np.allclose([worst.lower, worst.upper], 0.5**2 / (2 * np.sqrt(3)))
    True
    """
    check_smooth(sigma)
    front, width = z.shape[:-1], z.shape[-1]
    rows = z.reshape(-1, width)
    signs = np.broadcast_to(np.sign(a), z.shape).reshape(rows.shape)
    rho = np.broadcast_to(check_positive("reach", reach, "it is R ||x||"), front).reshape(-1)
    grid = _grid(rows, rho, sigma)
    upwards = _Rows.of(rows, signs)
    up, down = _supremum(upwards, rho, grid), _supremum(upwards.turned(), rho, grid)
    shift = np.where((up.lower >= down.lower)[:, None], up.shift, down.shift)
    lower, upper = np.maximum(up.lower, down.lower), np.maximum(up.upper, down.upper)
    size = _common_size(a)
    return Bracket(size * lower.reshape(front), size * upper.reshape(front), shift.reshape(z.shape))


def displaced(W0: FloatArray, shift: FloatArray, x: FloatArray) -> FloatArray:
    """W_0 + u x^T/||x||^2, the weights nearest to W_0 with (w_j - w_{0,j})^T x = u_j.

    Parameters
    ----------
    W0 : array, shape (..., m, d)
    shift : array, shape (..., m)
        u.
    x : array, shape (..., d)

    Returns
    -------
    array, shape (..., m, d)

    Raises
    ------
    ModelError
        If `x` is zero or not finite.
    """
    return W0 + shift[..., None] * (x / squared_norm(x)[..., None])[..., None, :]


def _grid(z: FloatArray, rho: FloatArray, sigma: Activation) -> Grid:
    """All that z + u can reach; at the optimum bridges are about m^(-1/3) long and hold some twenty nodes."""
    reach = float(np.max(rho))
    nodes = max(2048, round(512.0 * z.shape[-1] ** (1 / 3)))
    return Grid.over(sigma, float(np.min(z)) - reach, float(np.max(z)) + reach, nodes)


class _Rows(NamedTuple):
    """The rows of n problems with m rows each, those of one sign sorted by z."""

    z: FloatArray  # (n m,)
    sign: FloatArray  # (n m,)
    width: int
    sorted_by_sign: tuple[tuple[float, Indices], ...]

    @classmethod
    def of(cls, z: FloatArray, signs: FloatArray) -> _Rows:
        flat, sign = z.ravel(), signs.ravel()
        same_sign = ((s, np.flatnonzero(sign == s)) for s in (1.0, -1.0))
        return cls(flat, sign, z.shape[-1], tuple((s, rows[np.argsort(flat[rows])]) for s, rows in same_sign))

    def turned(self) -> _Rows:
        """The same rows with the opposite signs."""
        return self._replace(
            sign=-self.sign, sorted_by_sign=tuple((-sign, rows) for sign, rows in self.sorted_by_sign)
        )


class _Response(NamedTuple):
    """The rows that gain at one multiplier."""

    row: Indices
    line: Indices  # the problem each row belongs to
    shift: FloatArray
    gain: FloatArray

    def ball(self, count: int) -> FloatArray:
        """sum_j u_j^2 of each problem."""
        return np.asarray(np.bincount(self.line, self.shift**2, count), dtype=np.float64)


def _supremum(rows: _Rows, rho: FloatArray, grid: Grid) -> Bracket:
    """Bracket max sum_j s_j h(z_j, u_j) over sum_j u_j^2 <= rho^2, for each of the n problems."""
    count, half_beta = len(rho), 0.5 * grid.sigma.beta
    # lambda = beta/2: no row gains; u = 0: no error.
    lower, upper, best = np.zeros(count), half_beta * rho**2, np.full(count, math.nan)
    for t in _walk(rows, rho, grid):
        response, multiplier = _respond(rows, grid, t), half_beta / (1.0 + t)
        gain = np.bincount(response.line, response.gain, count) + rows.width * grid.slack(multiplier)
        upper = np.minimum(upper, multiplier * rho**2 + gain)
        z, sign, shift = rows.z[response.row], rows.sign[response.row], _onto_sphere(response, rho)
        error = np.bincount(response.line, sign * grid.sigma.remainder(z, shift), count)
        best = np.where(error > lower, t, best)
        lower = np.maximum(lower, error)
        if np.all(response.ball(count) >= rho**2):
            break
    return Bracket(lower, upper, _shifts(rows, rho, grid, best))


def _respond(rows: _Rows, grid: Grid, t: float) -> _Response:
    """Best response of every row at lambda = (beta/2)/(1 + t); rows that gain nothing are left out."""
    multiplier = 0.5 * grid.sigma.beta / (1.0 + t)
    parts = []
    for sign, ordered in rows.sorted_by_sign:
        envelope = Envelope.of(grid, sign, multiplier)
        row = ordered[envelope.under_bridges(rows.z[ordered])]
        z = rows.z[row]
        shift = envelope.best_response(z) - z
        gain = sign * grid.sigma.remainder(z, shift) - multiplier * shift**2
        moves = gain > 0.0
        parts.append((row[moves], shift[moves], gain[moves]))
    row, shift, gain = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _Response(row, row // rows.width, shift, gain)


def _walk(rows: _Rows, rho: FloatArray, grid: Grid) -> FloatArray:
    """The steps t, upwards from one at which no ball is full."""
    # Expanding h where |sigma''| peaks, the optimal t is some multiple of (rho^2/m)^(2/3), usually 0.2 to 1.
    t = 0.1 * (float(np.min(rho**2)) / rows.width) ** (2 / 3)
    while t > 1e-9:
        if np.all(_respond(rows, grid, t).ball(len(rho)) < rho**2):
            break
        t /= _FACTOR**4
    steps = max(1, math.ceil(math.log(_LAST / t, _FACTOR)))
    return np.asarray(t * _FACTOR ** np.arange(steps))


def _onto_sphere(response: _Response, rho: FloatArray) -> FloatArray:
    """Shifts scaled so that each problem's displacement is as long as its ball allows."""
    ball = response.ball(len(rho))
    stretch = rho / np.sqrt(np.where(ball > 0.0, ball, 1.0))
    return np.asarray(response.shift * stretch[response.line], dtype=np.float64)


def _shifts(rows: _Rows, rho: FloatArray, grid: Grid, best: FloatArray) -> FloatArray:
    """The displacement of each problem at its own best t, shape (n, m); zero where none beats u = 0."""
    shift = np.zeros_like(rows.z)
    for t in np.unique(best[np.isfinite(best)]):
        response = _respond(rows, grid, float(t))
        here = best[response.line] == t
        shift[response.row[here]] = _onto_sphere(response, rho)[here]
    return shift.reshape(len(rho), rows.width)


def _common_size(a: FloatArray) -> float:
    size = np.abs(a)
    if not np.all(size == size.flat[0]) or not size.flat[0] > 0:
        msg = f"`a` must be +-1/sqrt(m), all of one size, got sizes from {size.min():.6g} to {size.max():.6g}"
        raise ModelError(msg)
    return float(size.flat[0])
