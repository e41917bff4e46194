"""Gradient flow of a whole block of replicates as one stacked system of ordinary differential equations.

One adaptive step size serves all replicates, which costs far less than one solve each. The solvers of scipy
accept a step when the root mean square over ALL components of (local error)/(tolerance scale) is below 1; with
the tolerance divided by sqrt(size) that root mean square is below 1 for EVERY replicate by itself, so no
replicate is integrated less carefully than it would be alone. The scale of a component is
tolerance * (its magnitude + the replicate's root mean square at the start): relative to the start, however small.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from mcstudy.exceptions import ModelError
from mcstudy.models.alignment import end_to_end_velocity
from mcstudy.models.deep_linear import Array, end_to_end, factor_gradients, require_depth, require_factors

__all__ = [
    "Method",
    "Slope",
    "Trajectory",
    "end_to_end_flow",
    "factor_flow_velocity",
    "gradient_flow",
    "integrate",
]

Slope: TypeAlias = Callable[[Array], Array]
"""A loss, as the function from end-to-end matrices (size, d, d) to end-to-end gradients dL/dW (size, d, d)."""

Method: TypeAlias = Literal["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"]


@dataclass(frozen=True)
class Trajectory:
    """States at stored times.

    Attributes
    ----------
    times : array (K,)
    states : array (K, size, ...)
        `states[i]` is the stack at `times[i]`; NaN for replicates that failed.
    failures : tuple of str
        For each replicate "" or the reason why it could not be integrated.
    """

    times: Array
    states: Array
    failures: tuple[str, ...]


class _GaveUpError(Exception):
    """The velocity was evaluated more often than was allowed."""


def factor_flow_velocity(slope: Slope) -> Slope:
    """The velocity of the factors (size, L, d, d) under gradient flow, dW_k/dt = -dL/dW_k."""
    return lambda factors: -factor_gradients(factors, slope(end_to_end(factors)))


def gradient_flow(
    start: ArrayLike, slope: Slope, times: ArrayLike, *, tolerance: float = 1e-11, method: Method = "DOP853"
) -> Trajectory:
    """The gradient flow dW_k/dt = -dL/dW_k of stacked factors (Problem 1 (a)).

    Parameters
    ----------
    start : array (size, L, d, d)
        The factors at `times[0]`.
    slope : function
        From end-to-end matrices (size, d, d) to end-to-end gradients dL/dW (size, d, d).
    times : array (K,)
        Increasing; the state is stored at each.
    tolerance : float
        Local error allowed in one step, relative, for each replicate (see the module).
    method : str
        An integrator of `scipy.integrate.solve_ivp`.

    Returns
    -------
    Trajectory
        `states` has the shape (K, size, L, d, d).

    Raises
    ------
    ModelError
        If the factors do not fit together or are not finite, the times do not increase, or the tolerance is
        below what double precision carries.

    Examples
    --------
    One factor relaxes exponentially to the planted matrix:

    >>> import numpy as np
    >>> flow = gradient_flow(np.zeros((1, 1, 2, 2)), lambda W: W - np.eye(2), [0.0, 1.0])
    >>> bool(abs(flow.states[1, 0, 0, 0, 0] - (1 - np.exp(-1.0))) < 1e-11)
    True
    """
    factors = require_factors(start)
    if factors.ndim != 4:
        msg = f"`start` must be a stack (size, L, d, d), got the shape {factors.shape}."
        raise ModelError(msg)
    return integrate(factor_flow_velocity(slope), factors, times, tolerance=tolerance, method=method)


def end_to_end_flow(
    start: ArrayLike, slope: Slope, depth: int, times: ArrayLike, *, tolerance: float = 1e-11
) -> Trajectory:
    """The flow of the end-to-end matrix alone, by the equation of Problem 1 (f).

    Parameters
    ----------
    start : array (size, d, d)
    slope, times, tolerance
        As in `gradient_flow`.
    depth : int
        L, at least 1.

    Returns
    -------
    Trajectory
        `states` has the shape (K, size, d, d).
    """
    matrices = require_factors(np.asarray(start)[:, None])[:, 0]
    velocity = partial(_end_to_end_velocity, slope=slope, depth=require_depth(depth))
    return integrate(velocity, matrices, times, tolerance=tolerance)


def _end_to_end_velocity(matrices: Array, slope: Slope, depth: int) -> Array:
    return end_to_end_velocity(matrices, slope(matrices), depth)


def integrate(
    velocity: Slope,
    start: Array,
    times: ArrayLike,
    *,
    tolerance: float,
    method: Method = "DOP853",
    evaluations: int = 100_000,
) -> Trajectory:
    """Integrate d(state)/dt = velocity(state) for a stack (size, ...), replicates not acting on each other.

    If the stack cannot be integrated as a whole, each replicate is tried alone, so that only those which fail
    by themselves are reported.

    Parameters
    ----------
    velocity : function
        From stacks (size, ...) to stacks of the same shape.
    start : array (size, ...)
    times : array (K,)
    tolerance : float
    method : str
    evaluations : int
        Evaluations of `velocity` after which an integration is given up.
    """
    grid = _require_times(times)
    states, reason = _solve(velocity, start, grid, tolerance, method, evaluations)
    if not reason:
        return Trajectory(grid, states, ("",) * len(start))
    pieces = []
    for replicate in range(len(start)):
        alone = partial(_velocity_alone, velocity=velocity, start=start, replicate=replicate)
        one = start[replicate : replicate + 1]
        pieces.append(_solve(alone, one, grid, tolerance, method, evaluations))
    stacked = np.concatenate([piece for piece, _ in pieces], axis=1)
    return Trajectory(grid, stacked, tuple(reason for _, reason in pieces))


def _velocity_alone(state: Array, velocity: Slope, start: Array, replicate: int) -> Array:
    """The velocity (1, ...) of one replicate, the others resting at their start."""
    whole = start.copy()
    whole[replicate] = state[0]
    return velocity(whole)[replicate : replicate + 1]


def _solve(
    velocity: Slope, start: Array, times: Array, tolerance: float, method: Method, evaluations: int
) -> tuple[Array, str]:
    """States (K, size, ...) and "", or NaN and the reason of failure."""
    from scipy.integrate import solve_ivp

    count = 0

    def right_hand_side(_: float, flat: Array) -> Array:
        nonlocal count
        count += 1
        if count > evaluations:
            raise _GaveUpError
        return velocity(flat.reshape(start.shape)).ravel()

    rtol, atol = _tolerances(start, tolerance)
    span = (float(times[0]), float(times[-1]))
    reason = f"the integrator gave up after {evaluations} evaluations of the velocity"
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        try:
            solution = solve_ivp(
                right_hand_side, span, start.ravel(), method=method, t_eval=times, rtol=rtol, atol=atol
            )
        except _GaveUpError:
            return np.full((len(times), *start.shape), np.nan), reason
    if not solution.success:
        return np.full((len(times), *start.shape), np.nan), f"the integrator failed: {solution.message}"
    return np.ascontiguousarray(solution.y.T).reshape(len(times), *start.shape), ""


def _tolerances(start: Array, tolerance: float) -> tuple[float, Array]:
    """The relative tolerance, and the absolute one for each component; both over sqrt(size)."""
    size = len(start)
    rtol = tolerance / np.sqrt(size)
    floor = 100 * np.finfo(np.float64).eps
    if not floor <= rtol < 1:
        msg = (
            f"`tolerance` must lie between {floor * np.sqrt(size):.1e} and 1 for a block of {size}, got "
            f"{tolerance!r}: a step cannot be controlled below rounding."
        )
        raise ModelError(msg)
    magnitude = np.sqrt(np.mean(np.abs(start.reshape(size, -1)) ** 2, axis=1))
    typical = np.where(magnitude > 0, magnitude, 1.0)
    return rtol, np.repeat(rtol * typical, start.size // size)


def _require_times(times: ArrayLike) -> Array:
    grid = np.asarray(times, dtype=np.float64)
    if grid.ndim != 1 or grid.size < 2 or not np.all(np.isfinite(grid)) or np.any(np.diff(grid) <= 0):
        msg = f"`times` must be at least two finite times that increase, got {times!r}."
        raise ModelError(msg)
    return grid
