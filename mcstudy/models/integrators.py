"""Fixed-step integrators of the gradient flow: gradient descent and Gauss collocation.

Gradient descent is Euler's method and breaks balancedness in every step by a known amount. Gauss collocation
(one stage: the implicit midpoint rule) conserves every quadratic invariant, so it keeps balancedness to
rounding at any step: the second opinion on what an adaptive integrator reports.
"""

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import Array, end_to_end, factor_gradients, require_factors
from mcstudy.models.flow import Slope, factor_flow_velocity

__all__ = ["balancedness_kick", "gauss_collocation", "gradient_descent"]

# A contraction that has not settled after so many sweeps contracts by less than a factor of 0.7 a sweep.
MOST_SWEEPS = 100


def gradient_descent(start: Array, slope: Slope, step: float, steps: int) -> Array:
    """Factors after `steps` steps W_k <- W_k - step dL/dW_k, at the flow's time step * steps.

    Parameters
    ----------
    start : array (size, L, d, d)
    slope : function
        From end-to-end matrices to end-to-end gradients dL/dW.
    step : float
    steps : int

    Returns
    -------
    array (size, L, d, d)
    """
    factors = require_factors(start)
    _require_step(step, steps)
    velocity = factor_flow_velocity(slope)
    for _ in range(steps):
        factors = factors + step * velocity(factors)
    return factors


def balancedness_kick(factors: Array, slope: Slope) -> Array:
    """G_{k+1}^T G_{k+1} - G_k G_k^T with G_k = dL/dW_k, shape (..., L-1, d, d).

    A step h of gradient descent changes the balancedness defect by exactly h^2 times this: the terms of first
    order cancel by Problem 1 (b).
    """
    gradients = factor_gradients(factors, slope(end_to_end(factors)))
    upper, lower = gradients[..., 1:, :, :], gradients[..., :-1, :, :]
    kick: Array = np.swapaxes(upper, -1, -2) @ upper - lower @ np.swapaxes(lower, -1, -2)
    return kick


def gauss_collocation(start: Array, slope: Slope, step: float, steps: int, *, stages: int = 1) -> Array:
    """Factors after `steps` steps of Gauss collocation, of order 2 * stages; 1 is the implicit midpoint rule.

    The stage equations are solved by fixed-point sweeps down to rounding; what remains unsolved would show as
    a drift of balancedness.

    Parameters
    ----------
    start : array (size, L, d, d)
    slope : function
    step : float
        Small enough for the sweeps to contract: step times the loss's largest curvature below about 1.
    steps : int
    stages : int
        1, 2 or 3.

    Raises
    ------
    ModelError
        If the step is too long for the sweeps to settle.

    Examples
    --------
    >>> import numpy as np
    >>> from mcstudy.models.deep_linear import balancedness_defect
    >>> start = np.stack([np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [3.0, 0.0]])])[None]
    >>> end = gauss_collocation(start, lambda W: (W - np.eye(2)) / 2, 0.01, 10)
    >>> bool(np.allclose(balancedness_defect(end), balancedness_defect(start), rtol=0, atol=1e-13))
    True
    """
    factors = require_factors(start)
    _require_step(step, steps)
    weights, matrix = _gauss_tableau(stages)
    velocity = factor_flow_velocity(slope)
    slopes = np.broadcast_to(velocity(factors), (stages, *factors.shape))
    for _ in range(steps):
        slopes = _solve_stages(velocity, factors, slopes, step * matrix)
        factors = factors + step * np.tensordot(weights, slopes, axes=1)
    return factors


def _solve_stages(velocity: Slope, factors: Array, slopes: Array, matrix: Array) -> Array:
    """Stage velocities K with K_i = velocity(factors + sum_j matrix_ij K_j), to the last bits that settle."""
    settled = 4 * np.finfo(np.float64).eps
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(MOST_SWEEPS):
            points = factors + np.tensordot(matrix, slopes, axes=1)
            update = np.stack([velocity(point) for point in points])
            change = np.max(np.abs(update - slopes), initial=0.0)
            slopes = update
            if change <= settled * np.max(np.abs(slopes), initial=0.0) < np.inf:
                return slopes
    msg = f"`step` is too long: the stage equations did not settle in {MOST_SWEEPS} sweeps; take a shorter step."
    raise ModelError(msg)


def _gauss_tableau(stages: int) -> tuple[Array, Array]:
    """Weights b and matrix a of Gauss collocation: a_ij integrates Lagrange's j-th polynomial from 0 to c_i."""
    if stages not in (1, 2, 3):
        msg = f"`stages` must be 1, 2 or 3, got {stages!r}."
        raise ModelError(msg)
    nodes, weights = np.polynomial.legendre.leggauss(stages)
    nodes, weights = (nodes + 1) / 2, weights / 2
    powers = np.arange(stages)
    vandermonde = nodes[:, None] ** powers
    integrals = nodes[:, None] ** (powers + 1) / (powers + 1)
    return weights, np.linalg.solve(vandermonde.T, integrals.T).T


def _require_step(step: float, steps: int) -> None:
    if not (np.isfinite(step) and step > 0) or steps < 0:
        msg = f"`step` must be positive and finite and `steps` not negative, got {step!r} and {steps!r}."
        raise ModelError(msg)
