"""Escape of the gradient flow from the saddle at zero, where a small start waits for a long time.

A start of size s0 spends a time of order s0^(-(1 - 2/L)) near zero and then moves within a time of order 1. Followed
in the variable tau with d tau = s* ||W||^(1 - 2/L) dt all starts escape at about tau = log(1/s0), so that a block
of them can be integrated together. Physical time is one more component of the state.
"""

from dataclasses import dataclass

import numpy as np

from mcstudy.models.deep_linear import Array, end_to_end, frobenius, require_factors
from mcstudy.models.flow import Slope, factor_flow_velocity, integrate
from mcstudy.models.modes import mode_exponent

__all__ = ["Escape", "follow_escape"]

# Of tau between stored states. Time is linear between them to within a thousandth of the time scale 1/s*.
SPACING = 0.1


@dataclass(frozen=True)
class Escape:
    """The way out of the saddle.

    Attributes
    ----------
    times : array (K, size)
        Physical time of each stored state.
    leading : array (K, size)
        u^T W v, the part of W along the largest singular value s* of W*, whose vectors are u and v.
    escape_time : array (size,)
        When `leading` first reaches s*/2; NaN where it does not.
    failures : tuple of str
        "", or the reason for each replicate without an escape time.
    """

    times: Array
    leading: Array
    escape_time: Array
    failures: tuple[str, ...]


def follow_escape(start: Array, target: Array, slope: Slope, *, tolerance: float = 1e-11) -> Escape:
    """Follow the gradient flow from a small start until the leading mode of W* has grown.

    Only the first escape can be followed so: once W is of order 1, tau no longer waits for smaller modes.

    Parameters
    ----------
    start : array (size, L, d, d)
    target : array (size, d, d)
        W*; its largest singular value should stand out.
    slope : function
        From end-to-end matrices (size, d, d) to end-to-end gradients dL/dW.
    tolerance : float
        See `mcstudy.models.flow`.

    Returns
    -------
    Escape

    Raises
    ------
    ModelError
        If the factors do not fit together or are not finite.
    """
    factors = require_factors(start)
    size, depth = factors.shape[:2]
    flow, power = factor_flow_velocity(slope), mode_exponent(depth) - 1
    left, values, right = np.linalg.svd(target)
    largest = values[:, 0]

    def velocity(state: Array) -> Array:
        moving = state[:, 1:].reshape(factors.shape)
        pace = largest * frobenius(end_to_end(moving)) ** power
        scaled = flow(moving).reshape(size, -1) / pace[:, None]
        return np.concatenate([1 / pace[:, None], scaled], axis=1)

    smallest = np.min(frobenius(end_to_end(factors)) / largest)
    # A mode that holds the part c of ||W|| gains a factor e in tau = c^(2/L - 1) < d; the rest lets a start turn.
    last = factors.shape[-1] * (np.log(1 / smallest) + 10)
    grid = np.arange(0.0, last, SPACING)
    state = np.concatenate([np.zeros((size, 1)), factors.reshape(size, -1)], axis=1)
    path = integrate(velocity, state, grid, tolerance=tolerance)
    matrices = end_to_end(path.states[:, :, 1:].reshape(len(grid), *factors.shape))
    times = path.states[:, :, 0]
    leading = np.sum((left[:, :, 0, None] * right[:, 0, None, :]) * matrices, axis=(-1, -2))
    escape_time = _first_half(times, leading / largest)
    never = f"the leading mode does not reach half of its target within tau = {last:.0f}"
    reasons = zip(path.failures, np.isnan(escape_time).tolist(), strict=True)
    failures = tuple(failure or (never if missing else "") for failure, missing in reasons)
    return Escape(times, leading, escape_time, failures)


def _first_half(times: Array, share: Array) -> Array:
    """The time at which the share (K, size) first reaches 1/2, by linear interpolation; NaN if never."""
    above = share >= 0.5
    last = np.argmax(above, axis=0)
    replicate = np.arange(times.shape[1])
    before = np.maximum(last - 1, 0)
    low, high = share[before, replicate], share[last, replicate]
    weight = (0.5 - low) / np.where(high > low, high - low, 1.0)
    between = times[before, replicate] + weight * (times[last, replicate] - times[before, replicate])
    return np.where(np.any(above, axis=0), between, np.nan)
