"""Gradient descent down to a fit, from a small start on few measurements.

Which of all matrices that fit is found depends on the depth of the factorization (Arora, Cohen, Hu, Luo 2019, "Implicit regularization in deep
matrix factorization").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, as_factors, frobenius
from mcstudy.models.deep_linear.few_measurements import FewMeasurements
from mcstudy.models.deep_linear.products import end_to_end, factor_gradients
from mcstudy.models.deep_linear.velocities import end_to_end_velocity_by_chain_rule

__all__ = ["Descent", "descend"]

# Of the norm of the factors: how far they move in a step while they are small, where curvature bounds nothing.
LONGEST_MOVE = 0.05
# Steps between two looks at curvature and loss.
STRIDE = 25
# Power iterations for the curvature at each look; the direction hardly changes between two of them, but at first it
# has to be found.
ITERATIONS, FIRST_ITERATIONS = 2, 20


@dataclass(frozen=True)
class Descent:
    """Where the descent ended.

    Attributes
    ----------
    matrices : array, shape (size, d, d)
        End-to-end matrices.
    steps : array of int, shape (size,)
        Steps taken.
    failures : tuple of str
        "", or the reason for each replicate that did not come to fit its measurements.
    """

    matrices: FloatArray
    steps: npt.NDArray[np.intp]
    failures: tuple[str, ...]


def descend(
    start: FloatArray,
    problem: FewMeasurements,
    *,
    courant: float = 1.0,
    fit: float = 1e-6,
    steps: int = 100_000,
) -> Descent:
    """Follow the gradient flow with short steps until the measurements are fitted.

    Each replicate has its own step: `courant` over the loss's largest curvature where it is convex (that of the
    Gauss-Newton matrix, by power iteration), and at most a step that moves the factors by 5 % of their norm, which
    is what limits it on the plateau of a small start.

    Parameters
    ----------
    start : array, shape (size, L, d, d)
    problem : FewMeasurements
        Of as many replicates.
    courant : float
        At most 2, where oscillations begin; smaller follows the flow more closely.
    fit : float
        The loss, relative to that of W = 0, at which a replicate is done.
    steps : int
        Steps after which a replicate has failed.

    Returns
    -------
    Descent

    Raises
    ------
    ModelError
        If the factors do not fit together or are not finite, or `courant` is not in (0, 2].
    """
    factors = as_factors("start", start).copy()
    if not 0 < courant <= 2:
        msg = f"`courant` must lie in (0, 2], got {courant!r}; beyond 2 steps overshoot"
        raise ModelError(msg)
    taken = np.zeros(len(factors), dtype=np.intp)
    goal = fit * problem.loss(np.zeros_like(factors[:, 0]))
    active = np.arange(len(factors))
    stiffest = factors.copy()
    for done in range(0, steps, STRIDE):
        product = end_to_end(factors[active])
        active = active[problem.take(active).loss(product) > goal[active]]
        if not active.size:
            break
        current, left = factors[active], problem.take(active)
        iterations = ITERATIONS if done else FIRST_ITERATIONS
        stiffest[active], curvature = _stiffest(current, left, stiffest[active], iterations)
        # Where nothing curves, nothing bounds a step but how far it moves the factors.
        stable = np.divide(courant, curvature, out=np.full_like(curvature, np.inf), where=curvature > 0)
        factors[active] = _stride(current, left, stable)
        taken[active] = done + STRIDE
    late = active.tolist()
    reason = f"the measurements are not fitted to {fit:.0e} of the loss at 0 after {steps} steps"
    failures = tuple(reason if replicate in late else "" for replicate in range(len(factors)))
    return Descent(end_to_end(factors), taken, failures)


def _stiffest(
    factors: FloatArray, problem: FewMeasurements, direction: FloatArray, iterations: int
) -> tuple[FloatArray, FloatArray]:
    """The direction in which the Gauss-Newton matrix is largest, from a guess, and how large it is there."""
    slope = problem.slope(end_to_end(factors))
    curvature = np.zeros(len(factors))
    for _ in range(iterations):
        length = frobenius(direction, 3)[:, None, None, None]
        direction = direction / np.where(length > 0, length, 1.0)
        moved = end_to_end(factors) + end_to_end_velocity_by_chain_rule(factors, direction)
        direction = factor_gradients(factors, problem.slope(moved) - slope)
        curvature = frobenius(direction, 3)
    return direction, curvature


def _stride(factors: FloatArray, problem: FewMeasurements, stable: FloatArray) -> FloatArray:
    """`STRIDE` steps of at most a length each."""
    for _ in range(STRIDE):
        gradients = factor_gradients(factors, problem.slope(end_to_end(factors)))
        speed = frobenius(gradients, 3)
        nearby = LONGEST_MOVE * frobenius(factors, 3) / np.where(speed > 0, speed, 1.0)
        step = np.minimum(stable, nearby)
        factors = factors - step[:, None, None, None] * gradients
    return factors
