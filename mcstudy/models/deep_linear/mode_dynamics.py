"""Closed-form dynamics of a single mode: a start aligned with W* decouples into s' = s^(2-2/L) (s* - s).

s is a singular value of the end-to-end matrix, s* the matching one of W*. The time from s0 to s is
the difference of an antiderivative of s^(-p)/(s* - s), p = 2 - 2/L, a hypergeometric function on either side of
s*. It is inverted in the coordinate y = log(s/|s* - s|), in which dy/dt = s* s^(p-1).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import hyp2f1

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_count, check_positive

__all__ = ["crossing_value", "mode_exponent", "mode_time", "mode_value"]

# Halving a bracket so often leaves less of it than the rounding of its ends.
BISECTIONS = 64
# At y = log(s/(s* - s)) = 35 the mode is within 6e-16 of its target, and still below it in double precision.
HIGHEST = 35.0


def mode_exponent(depth: int) -> float:
    """The exponent p = 2 - 2/L of the mode dynamics s' = s^p (s* - s) (Problem 1 (f), aligned).

    Parameters
    ----------
    depth : int
        L.

    Raises
    ------
    ModelError
        If `depth` is less than 1.
    """
    return 2 - 2 / check_count("depth", depth)


def mode_time(start: npt.ArrayLike, end: npt.ArrayLike, target: npt.ArrayLike, depth: int) -> FloatArray:
    """The time in which a mode goes from `start` to `end`, both on the same side of `target`.

    Parameters
    ----------
    start, end, target : array_like, shape (...)
        s0, s and s*; positive, `end` between `start` and `target`.
    depth : int
        L.

    Returns
    -------
    array, shape (...)
        t = F(s) - F(s0), with F(s) = s^(1-p)/(s*(1-p)) 2F1(1, 1-p; 2-p; s/s*) for s < s*.

    Raises
    ------
    ModelError
        If a value is not positive and finite, or `end` does not lie between `start` and `target`.

    Examples
    --------
    Two factors give the logistic curve, which reaches half of s* = 1 from 1/(1 + e) in unit time:

    >>> round(float(mode_time(1 / (1 + 2.718281828459045), 0.5, 1.0, 2)), 12)
    1.0
    """
    s0, s, star = _positive(start=start, end=end, target=target)
    if np.any(outside := ((s - s0) * (star - s) < 0) | ((s == star) & (s0 != star))):
        wrong = np.broadcast_to(s, outside.shape)[outside].flat[0]
        msg = (
            f"`end` must lie between `start` and `target`, got {wrong}; "
            "a mode moves towards its target and never meets it"
        )
        raise ModelError(msg)
    exponent = mode_exponent(depth)
    if depth == 1:
        return np.asarray(np.log((star - s0) / (star - s)))
    if depth == 2:
        return np.asarray((np.log(s / s0) + np.log((star - s0) / (star - s))) / star)
    return _antiderivative(s, star, exponent) - _antiderivative(s0, star, exponent)


def _antiderivative(s: FloatArray, star: FloatArray, p: float) -> FloatArray:
    """An antiderivative of s^(-p)/(s* - s) for p > 1, below the target and, by 1/z, above it."""
    below = s < star
    ratio = np.where(below, s / star, star / s)
    # The argument of 2F1 lies below 1 on either side of s*, where its series converges.
    rising = s ** (1 - p) / (star * (1 - p)) * hyp2f1(1, 1 - p, 2 - p, ratio)
    falling = s ** (-p) / p * hyp2f1(1, p, 1 + p, ratio)
    return np.asarray(np.where(below, rising, falling))


def mode_value(time: npt.ArrayLike, start: npt.ArrayLike, target: npt.ArrayLike, depth: int) -> FloatArray:
    """The mode s(t) from s(0) = `start`.

    L = 1 relaxes exponentially, L = 2 is logistic, larger L inverts `mode_time`. A mode that starts at its
    target stays there.

    Parameters
    ----------
    time, start, target : array_like, shape (...)
        t, s0 and s*, which broadcast.
    depth : int
        L.

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If `start` or `target` is not positive and finite, `time` is negative or `depth` is less than 1.
    """
    s0, star = _positive(start=start, target=target)
    t = np.asarray(time, dtype=np.float64)
    if not np.all(t >= 0):
        msg = f"`time` must not be negative, got {np.min(t)}"
        raise ModelError(msg)
    if check_count("depth", depth) == 1:
        return np.asarray(star + (s0 - star) * np.exp(-t))
    if depth == 2:
        return np.asarray(star / (1 + (star / s0 - 1) * np.exp(-star * t)))
    t, s0, star = np.broadcast_arrays(t, s0, star)
    return _invert(t, s0, star, depth)


def _invert(t: FloatArray, s0: FloatArray, star: FloatArray, depth: int) -> FloatArray:
    """Bisect `mode_time` for s in y = log(s/|s* - s|), which grows at a rate between s* s0^(p-1) and s*^p."""
    p = mode_exponent(depth)
    # A mode at its target is at y = infinity: any other origin does, for its time is not read.
    moving = s0 != star
    side = np.where(s0 < star, 1.0, -1.0)
    origin = np.where(moving, s0, star / 2)
    start = np.log(origin / np.abs(star - origin))
    low, high = np.zeros(t.shape), t * star * np.maximum(origin, star) ** (p - 1)
    value = origin
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        value = star / (1 + side * np.exp(-(start + middle)))
        early = _antiderivative(value, star, p) - _antiderivative(origin, star, p) < t
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    return np.asarray(np.where(moving, value, star))


def crossing_value(start: npt.ArrayLike, target: npt.ArrayLike, depth: int) -> FloatArray:
    """The value at which two growing modes meet: the one ahead has the lower target.

    Parameters
    ----------
    start, target : array_like, shape (..., 2)
        start[..., 0] > start[..., 1] and start[..., 0] < target[..., 0] < target[..., 1].
    depth : int
        L.

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If the modes are not ordered so; then they need not meet.
    """
    s0, star = _positive(start=start, target=target)
    ahead, behind, lower, higher = s0[..., 0], s0[..., 1], star[..., 0], star[..., 1]
    if not np.all((behind < ahead) & (ahead < lower) & (lower < higher)):
        msg = (
            "`start` must be (ahead, behind) and `target` (lower, higher), the mode ahead still growing, "
            f"got {s0.tolist()} and {star.tolist()}; other modes need not meet"
        )
        raise ModelError(msg)
    low, high = np.log(ahead / (lower - ahead)), np.full(ahead.shape, HIGHEST)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        value = lower / (1 + np.exp(-middle))
        early = mode_time(ahead, value, lower, depth) < mode_time(behind, value, higher, depth)
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    return np.asarray(lower / (1 + np.exp(-low)))


def _positive(**values: npt.ArrayLike) -> tuple[FloatArray, ...]:
    remedy = "the closed form divides by it and takes its powers"
    return tuple(check_positive(name, value, remedy) for name, value in values.items())
