"""Escape of the gradient flow from the saddle at zero, where a small start waits for a long time.

A start of size s0 spends a time of order s0^(-(1 - 2/L)) near zero and then moves within a time of order 1. Followed
in the variable tau with d tau = s* ||W||^(1 - 2/L) dt all starts escape at about tau = log(1/s0), so that a block
of them can be integrated together. Physical time is one more component of the state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcstudy.models.arrays import FloatArray, as_factors, frobenius, inner
from mcstudy.models.deep_linear.flow import Slope, factor_flow_velocity
from mcstudy.models.deep_linear.mode_dynamics import mode_exponent
from mcstudy.models.deep_linear.products import end_to_end
from mcstudy.models.deep_linear.stacked_ode import Velocity, integrate

__all__ = ["Escape", "follow_escape"]

# Of tau between stored states. Time is linear between them to within a thousandth of the time scale 1/s*.
SPACING = 0.1


@dataclass(frozen=True)
class Escape:
    """The way out of the saddle.

    Attributes
    ----------
    times : array, shape (K, size)
        Physical time of each stored state.
    leading : array, shape (K, size)
        u^T W v, the part of W along the largest singular value s* of W*, whose vectors are u and v.
    escape_time : array, shape (size,)
        When `leading` first reaches s*/2; NaN where it does not.
    failures : tuple of str
        "", or the reason for each replicate without an escape time.
    """

    times: FloatArray
    leading: FloatArray
    escape_time: FloatArray
    failures: tuple[str, ...]


def follow_escape(start: FloatArray, target: FloatArray, slope: Slope, *, tolerance: float = 1e-11) -> Escape:
    """Follow the gradient flow from a small start until the leading mode of W* has grown.

    Only the first escape can be followed so: once W is of order 1, tau no longer waits for smaller modes.

    Parameters
    ----------
    start : array, shape (size, L, d, d)
    target : array, shape (size, d, d)
        W*; its largest singular value should stand out.
    slope : callable
        From end-to-end matrices, shape (size, d, d), to end-to-end gradients dL/dW.
    tolerance : float
        Local error allowed in one step, relative, for each replicate.

    Returns
    -------
    Escape

    Raises
    ------
    ModelError
        If the factors do not fit together or are not finite.
    """
    factors = as_factors("start", start)
    size = len(factors)
    left, values, right = np.linalg.svd(target)
    largest = values[:, 0]
    smallest = np.min(frobenius(end_to_end(factors)) / largest)
    # A mode that holds the part c of ||W|| gains a factor e in tau = c^(2/L - 1) < d; the rest lets a start turn.
    last = factors.shape[-1] * (np.log(1 / smallest) + 10)
    grid = np.arange(0.0, last, SPACING)
    state = np.concatenate([np.zeros((size, 1)), factors.reshape(size, -1)], axis=1)
    path = integrate(_paced_velocity(slope, factors.shape, largest), state, grid, tolerance=tolerance)
    matrices = end_to_end(path.states[:, :, 1:].reshape(len(grid), *factors.shape))
    times = path.states[:, :, 0]
    leading = inner(matrices, left[:, :, 0, None] * right[:, 0, None, :])
    escape_time = _first_half(times, leading / largest)
    never = f"the leading mode does not reach half of its target within tau = {last:.0f}"
    reasons = zip(path.failures, np.isnan(escape_time).tolist(), strict=True)
    failures = tuple(failure or (never if missing else "") for failure, missing in reasons)
    return Escape(times, leading, escape_time, failures)


def _paced_velocity(slope: Slope, shape: tuple[int, ...], largest: FloatArray) -> Velocity:
    """The velocity in tau of (time, factors), flattened to (size, 1 + L d^2)."""
    flow, power = factor_flow_velocity(slope), mode_exponent(shape[1]) - 1

    def velocity(state: FloatArray) -> FloatArray:
        moving = state[:, 1:].reshape(shape)
        pace = largest * frobenius(end_to_end(moving)) ** power
        # d/d tau = (d/dt) / pace: time itself moves at the rate 1/pace.
        scaled = flow(moving).reshape(len(state), -1) / pace[:, None]
        return np.concatenate([1 / pace[:, None], scaled], axis=1)

    return velocity


def _first_half(times: FloatArray, share: FloatArray) -> FloatArray:
    """The time at which the share (K, size) first reaches 1/2, by linear interpolation; NaN if never."""
    above = share >= 0.5
    last = np.argmax(above, axis=0)
    replicate = np.arange(times.shape[1])
    before = np.maximum(last - 1, 0)
    low, high = share[before, replicate], share[last, replicate]
    weight = (0.5 - low) / np.where(high > low, high - low, 1.0)
    between = times[before, replicate] + weight * (times[last, replicate] - times[before, replicate])
    return np.where(np.any(above, axis=0), between, np.nan)
