"""Integrators of the gradient flow with fixed steps: gradient descent and Gauss collocation.

Gradient descent is Euler's method and breaks balancedness in every step by a known amount. Gauss collocation
(one stage: the implicit midpoint rule) conserves every quadratic invariant, so it keeps balancedness to
rounding at any step: the second opinion on what an adaptive integrator reports.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, as_factors
from mcstudy.models.checks import check_count, check_positive
from mcstudy.models.deep_linear.flow import Slope, factor_flow_velocity
from mcstudy.models.deep_linear.products import balancedness_defect, end_to_end, factor_gradients
from mcstudy.models.deep_linear.stacked_ode import Velocity

__all__ = ["balancedness_kick", "gauss_collocation", "gradient_descent"]

# A contraction that has not settled after so many sweeps contracts by less than a factor of 0.7 a sweep.
MOST_SWEEPS = 100
STAGES = (1, 2, 3)


def gradient_descent(start: npt.ArrayLike, slope: Slope, step: float, steps: int) -> FloatArray:
    """Factors after some steps W_k <- W_k - step dL/dW_k, at the flow's time step * steps.

    Parameters
    ----------
    start : array_like, shape (size, L, d, d)
    slope : callable
        From end-to-end matrices, shape (size, d, d), to end-to-end gradients dL/dW.
    step : float
    steps : int
        At least 0.

    Returns
    -------
    array, shape (size, L, d, d)

    Raises
    ------
    ModelError
        If the factors do not fit together or are not finite, `step` is not positive or `steps` is negative.
    """
    factors, velocity = _checked(start, step, steps), factor_flow_velocity(slope)
    for _ in range(steps):
        factors = factors + step * velocity(factors)
    return factors


def balancedness_kick(factors: FloatArray, slope: Slope) -> FloatArray:
    """G_{k+1}^T G_{k+1} - G_k G_k^T with G_k = dL/dW_k, for k = 1, ..., L - 1.

    A step h of gradient descent changes the balancedness defect by exactly h^2 times this: the terms of first
    order cancel by Problem 1 (b).

    Parameters
    ----------
    factors : array, shape (size, L, d, d)
    slope : callable
        From end-to-end matrices, shape (size, d, d), to end-to-end gradients dL/dW.

    Returns
    -------
    array, shape (size, L - 1, d, d)
    """
    return balancedness_defect(factor_gradients(factors, slope(end_to_end(factors))))


def gauss_collocation(
    start: npt.ArrayLike, slope: Slope, step: float, steps: int, *, stages: int = 1
) -> FloatArray:
    """Factors after some steps of Gauss collocation, of order 2 * stages; 1 is the implicit midpoint rule.

    The stage equations are solved by fixed-point sweeps down to rounding; what remains unsolved would show as
    a drift of balancedness.

    Parameters
    ----------
    start : array_like, shape (size, L, d, d)
    slope : callable
        From end-to-end matrices, shape (size, d, d), to end-to-end gradients dL/dW.
    step : float
        Small enough for the sweeps to contract: step times the loss's largest curvature below about 1.
    steps : int
        At least 0.
    stages : {1, 2, 3}

    Returns
    -------
    array, shape (size, L, d, d)

    Raises
    ------
    ModelError
        As `gradient_descent`, and if `stages` is another number or the step is too long for the sweeps to settle.

    Examples
    --------
    >>> from mcstudy.models.deep_linear.products import balancedness_defect
    >>> start = np.stack([np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [3.0, 0.0]])])[None]
    >>> end = gauss_collocation(start, lambda W: (W - np.eye(2)) / 2, 0.01, 10)
    >>> bool(np.allclose(balancedness_defect(end), balancedness_defect(start), rtol=0, atol=1e-13))
    True
    """
    factors, velocity = _checked(start, step, steps), factor_flow_velocity(slope)
    weights, matrix = _gauss_tableau(stages)
    slopes = np.broadcast_to(velocity(factors), (stages, *factors.shape))
    for _ in range(steps):
        slopes = _solve_stages(velocity, factors, slopes, step * matrix)
        factors = factors + step * np.tensordot(weights, slopes, axes=1)
    return factors


def _solve_stages(
    velocity: Velocity, factors: FloatArray, slopes: FloatArray, matrix: FloatArray
) -> FloatArray:
    """Stage velocities K with K_i = velocity(factors + sum_j matrix_ij K_j), to the last bits that settle."""
    # The last bits of a fixed point may go on changing for ever.
    settled = 4 * np.finfo(np.float64).eps
    # Sweeps that do not contract overflow; the message below says what to do.
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(MOST_SWEEPS):
            points = factors + np.tensordot(matrix, slopes, axes=1)
            update = np.stack([velocity(point) for point in points])
            change = np.max(np.abs(update - slopes), initial=0.0)
            slopes = update
            if change <= settled * np.max(np.abs(slopes), initial=0.0) < np.inf:
                return slopes
    msg = (
        "`step` must be so short that the stage equations settle, "
        f"got {MOST_SWEEPS} sweeps without; take a shorter step"
    )
    raise ModelError(msg)


def _gauss_tableau(stages: int) -> tuple[FloatArray, FloatArray]:
    """Weights b and matrix a of Gauss collocation: a_ij integrates Lagrange's j-th polynomial from 0 to c_i."""
    if stages not in STAGES:
        msg = f"`stages` must be 1, 2 or 3, got {stages!r}"
        raise ModelError(msg)
    nodes, weights = np.polynomial.legendre.leggauss(stages)
    nodes, weights = (nodes + 1) / 2, weights / 2
    powers = np.arange(stages)
    vandermonde = nodes[:, None] ** powers
    integrals = nodes[:, None] ** (powers + 1) / (powers + 1)
    return np.asarray(weights), np.asarray(np.linalg.solve(vandermonde.T, integrals.T).T)


def _checked(start: npt.ArrayLike, step: float, steps: int) -> FloatArray:
    check_positive("step", step)
    check_count("steps", steps, at_least=0)
    return as_factors("start", start)
