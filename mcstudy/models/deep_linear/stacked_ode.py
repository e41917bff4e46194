"""A whole block of replicates as one stacked system of ordinary differential equations.

One adaptive step size serves all replicates, which costs far less than one solve each. The solvers of scipy
accept a step when the root mean square over ALL components of (local error)/(tolerance scale) is below 1; with
the tolerance divided by sqrt(size) that root mean square is below 1 for EVERY replicate by itself, so no
replicate is integrated less carefully than it would be alone. The scale of a component is
tolerance * (its magnitude + the replicate's root mean square at the start): relative to the start, however small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray

__all__ = ["Method", "Trajectory", "Velocity", "integrate"]

Velocity: TypeAlias = Callable[[FloatArray], FloatArray]
"""The right-hand side: from stacks of states (size, ...) to their velocities, of the same shape."""

Method: TypeAlias = Literal["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"]


@dataclass(frozen=True)
class Trajectory:
    """States at stored times.

    Attributes
    ----------
    times : array, shape (K,)
    states : array, shape (K, size, ...)
        `states[i]` is the stack at `times[i]`; NaN for replicates that failed.
    failures : tuple of str
        For each replicate "" or the reason why it could not be integrated.
    """

    times: FloatArray
    states: FloatArray
    failures: tuple[str, ...]


class _GaveUpError(Exception):
    """The velocity was evaluated more often than was allowed."""


def integrate(
    velocity: Velocity,
    start: FloatArray,
    times: npt.ArrayLike,
    *,
    tolerance: float,
    method: Method = "DOP853",
    evaluations: int = 100_000,
) -> Trajectory:
    """Integrate d(state)/dt = velocity(state) for a stack of replicates that do not act on each other.

    If the stack cannot be integrated as a whole, each replicate is tried alone, so that only those which fail
    by themselves are reported.

    Parameters
    ----------
    velocity : callable
        From stacks (size, ...) to stacks of the same shape.
    start : array, shape (size, ...)
        The states at `times[0]`.
    times : array_like, shape (K,)
        Increasing; the state is stored at each.
    tolerance : float
        Local error allowed in one step, relative, for each replicate (see the module).
    method : str
        An integrator of `scipy.integrate.solve_ivp`.
    evaluations : int
        Evaluations of `velocity` after which an integration is given up.

    Returns
    -------
    Trajectory

    Raises
    ------
    ModelError
        If the times do not increase, or the tolerance is below what double precision carries.
    """
    grid = _checked_times(times)
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


def _velocity_alone(state: FloatArray, velocity: Velocity, start: FloatArray, replicate: int) -> FloatArray:
    """The velocity (1, ...) of one replicate, the others resting at their start."""
    whole = start.copy()
    whole[replicate] = state[0]
    return velocity(whole)[replicate : replicate + 1]


def _solve(
    velocity: Velocity,
    start: FloatArray,
    times: FloatArray,
    tolerance: float,
    method: Method,
    evaluations: int,
) -> tuple[FloatArray, str]:
    """States (K, size, ...) and "", or NaN and the reason of failure."""
    from scipy.integrate import solve_ivp

    count = 0

    def right_hand_side(_: float, flat: FloatArray) -> FloatArray:
        nonlocal count
        count += 1
        if count > evaluations:
            raise _GaveUpError
        return velocity(flat.reshape(start.shape)).ravel()

    rtol, atol = _tolerances(start, tolerance)
    span = (float(times[0]), float(times[-1]))
    failed = np.full((len(times), *start.shape), np.nan)
    # A replicate that runs away overflows before its step size tells; that is a failure, not a warning.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        try:
            solution = solve_ivp(
                right_hand_side, span, start.ravel(), method=method, t_eval=times, rtol=rtol, atol=atol
            )
        except _GaveUpError:
            return failed, f"the integrator gave up after {evaluations} evaluations of the velocity"
    if not solution.success:
        return failed, f"the integrator failed: {solution.message}"
    return np.ascontiguousarray(solution.y.T).reshape(failed.shape), ""


def _tolerances(start: FloatArray, tolerance: float) -> tuple[float, FloatArray]:
    """The relative tolerance, and the absolute one for each component; both over sqrt(size)."""
    size = len(start)
    rtol = tolerance / np.sqrt(size)
    floor = 100 * np.finfo(np.float64).eps  # scipy raises smaller tolerances to this one
    if not floor <= rtol < 1:
        msg = (
            f"`tolerance` must lie between {floor * np.sqrt(size):.1e} and 1 for a block of {size}, "
            f"got {tolerance!r}; a step cannot be controlled below rounding"
        )
        raise ModelError(msg)
    # A start at zero has no scale of its own; 1 serves then.
    magnitude = np.sqrt(np.mean(start.reshape(size, -1) ** 2, axis=1))
    typical = np.where(magnitude > 0, magnitude, 1.0)
    return rtol, np.repeat(rtol * typical, start.size // size)


def _checked_times(times: npt.ArrayLike) -> FloatArray:
    grid = np.asarray(times, dtype=np.float64)
    if grid.ndim != 1 or grid.size < 2 or not np.all(np.isfinite(grid)) or np.any(np.diff(grid) <= 0):
        msg = f"`times` must be at least two finite times that increase, got {times!r}"
        raise ModelError(msg)
    return grid
