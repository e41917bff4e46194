"""Gradient flow of deep linear networks, of their factors and of the end-to-end matrix alone (Problem 1 (a), (f))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, as_factors, as_matrices
from mcstudy.models.checks import check_count
from mcstudy.models.deep_linear.products import end_to_end, factor_gradients
from mcstudy.models.deep_linear.stacked_ode import Method, Trajectory, Velocity, integrate
from mcstudy.models.deep_linear.velocities import end_to_end_velocity

__all__ = ["Slope", "end_to_end_flow", "factor_flow_velocity", "gradient_flow"]

Slope: TypeAlias = Callable[[FloatArray], FloatArray]
"""A loss, as the function from end-to-end matrices (size, d, d) to end-to-end gradients dL/dW (size, d, d)."""


def factor_flow_velocity(slope: Slope) -> Velocity:
    """The velocity of the factors (size, L, d, d) under gradient flow, dW_k/dt = -dL/dW_k."""
    return lambda factors: -factor_gradients(factors, slope(end_to_end(factors)))


def gradient_flow(
    start: npt.ArrayLike,
    slope: Slope,
    times: npt.ArrayLike,
    *,
    tolerance: float = 1e-11,
    method: Method = "DOP853",
) -> Trajectory:
    """The gradient flow dW_k/dt = -dL/dW_k of stacked factors (Problem 1 (a)).

    Parameters
    ----------
    start : array_like, shape (size, L, d, d)
        The factors at `times[0]`.
    slope : callable
        From end-to-end matrices, shape (size, d, d), to end-to-end gradients dL/dW of the same shape.
    times : array_like, shape (K,)
        Increasing; the state is stored at each.
    tolerance : float
        Local error allowed in one step, relative, for each replicate.
    method : str
        An integrator of `scipy.integrate.solve_ivp`.

    Returns
    -------
    Trajectory
        `states` has shape (K, size, L, d, d).

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
    factors = as_factors("start", start)
    if factors.ndim != 4:
        msg = f"`start` must have shape (size, L, d, d), one network a replicate, got shape {factors.shape}"
        raise ModelError(msg)
    return integrate(factor_flow_velocity(slope), factors, times, tolerance=tolerance, method=method)


def end_to_end_flow(
    start: npt.ArrayLike, slope: Slope, depth: int, times: npt.ArrayLike, *, tolerance: float = 1e-11
) -> Trajectory:
    """The flow of the end-to-end matrix alone, by the equation of Problem 1 (f).

    Parameters
    ----------
    start : array_like, shape (size, d, d)
        The end-to-end matrices at `times[0]`.
    slope, times, tolerance
        As in `gradient_flow`.
    depth : int
        L.

    Returns
    -------
    Trajectory
        `states` has shape (K, size, d, d).

    Raises
    ------
    ModelError
        As `gradient_flow`, and if `depth` is less than 1.
    """
    matrices = as_matrices("start", start)
    check_count("depth", depth)
    return integrate(
        lambda matrix: end_to_end_velocity(matrix, slope(matrix), depth), matrices, times, tolerance=tolerance
    )
