"""Blocks of random problems for the gradient flow: starts, planted matrices, losses, and closed forms.

balanced, near_degenerate
    Independent Haar frames, so that no factor is normal; singular values shared by the factors, at random or
    within thousandths of each other.
crossing
    Aligned with W*. Time is scaled so that two modes meet exactly at time 1.
identity, symmetric, orthogonal
    Balanced starts that hide misprints: a multiple of the identity with a symmetric W*; one symmetric matrix for
    all factors; orthogonal factors.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import Array, sensing_gradient, sensing_loss, transpose
from mcstudy.models.modes import crossing_value, mode_time, mode_value
from mcstudy.models.moments import wishart_moment
from mcstudy.models.riccati import two_layer_end_to_end
from mcstudy.models.starts import (
    balanced_factors,
    gaussian_factors,
    gaussian_target,
    identity_frames,
    random_frames,
)

__all__ = ["STARTS", "Modes", "Problem", "draw_problem", "draw_small_start"]

NEARBY = 1e-3  # relative distance of neighbouring singular values in a near-degenerate start


@dataclass(frozen=True)
class Modes:
    """An aligned start: W(0) = V_{L+1} diag(start) V_1^T and W* = V_{L+1} diag(target) V_1^T.

    Attributes
    ----------
    left, right : arrays (size, d, d)
        V_{L+1} and V_1.
    start, target : arrays (size, d)
    """

    left: Array
    right: Array
    start: Array
    target: Array

    def compose(self, values: Array) -> Array:
        """V_{L+1} diag(values) V_1^T for values (..., size, d), shape (..., size, d, d)."""
        return np.asarray((self.left * values[..., None, :]) @ transpose(self.right))


@dataclass(frozen=True)
class Problem:
    """A block of starts with their losses.

    Attributes
    ----------
    start : array (size, L, d, d)
    target : array (size, d, d)
        W*.
    moment : array (size, d^2, d^2), optional
        Of the measurements of an empirical loss; without it the loss is the population loss.
    clock : array (size,), optional
        Multiplies the loss, which scales time and nothing else.
    modes : Modes, optional
        Of an aligned start.
    """

    start: Array
    target: Array
    moment: Array | None = None
    clock: Array | None = None
    modes: Modes | None = None

    @property
    def depth(self) -> int:
        """L, the number of factors."""
        return int(self.start.shape[1])

    def loss(self, matrix: Array) -> Array:
        """The loss at end-to-end matrices (..., size, d, d), shape (..., size)."""
        value = sensing_loss(matrix, self.target, self.depth, self.moment)
        return value if self.clock is None else self.clock * value

    def slope(self, matrix: Array) -> Array:
        """The end-to-end gradient of `loss`, shape (..., size, d, d)."""
        value = sensing_gradient(matrix, self.target, self.depth, self.moment)
        return value if self.clock is None else self.clock[:, None, None] * value

    def closed_form(self, times: Array) -> Array | None:
        """W at times (K,), shape (K, size, d, d), where there is a formula: aligned modes, or two factors."""
        if self.modes is not None and self.clock is not None:
            elapsed = times[:, None, None] * self.clock[:, None]
            return self.modes.compose(mode_value(elapsed, self.modes.start, self.modes.target, self.depth))
        if self.depth == 2 and self.moment is None:
            return np.stack([two_layer_end_to_end(self.start, self.target, float(time)) for time in times])
        return None


def draw_problem(
    rng: np.random.Generator,
    size: int,
    *,
    depth: int,
    dimension: int,
    start: str,
    imbalance: float = 0.0,
    loss: str = "population",
) -> Problem:
    """Draw a block of problems.

    Parameters
    ----------
    rng : Generator
    size, depth, dimension : int
        Replicates, L and d.
    start : str
        One of `STARTS`, see the module.
    imbalance : float
        Times a start of independent Gaussian factors, added to the balanced one.
    loss : str
        "population", or "empirical" on 2 d^2 Gaussian measurements.

    Raises
    ------
    ModelError
        If the start or the loss is unknown.
    """
    if start not in STARTS or loss not in ("population", "empirical"):
        msg = (
            f"`start` must be one of {', '.join(STARTS)} and `loss` population or empirical, "
            f"got {start!r} and {loss!r}."
        )
        raise ModelError(msg)
    problem = STARTS[start](rng, size, depth, dimension)
    if imbalance:
        noise = gaussian_factors(rng, size, depth, dimension)
        problem = replace(problem, start=problem.start + imbalance * noise)
    if loss == "empirical":
        problem = replace(problem, moment=wishart_moment(rng, size, dimension, 2 * dimension**2))
    return problem


def draw_small_start(
    rng: np.random.Generator, size: int, *, depth: int, dimension: int, scale: float, aligned: bool
) -> Problem:
    """Draw starts whose end-to-end singular values are all `scale`, and W* with one leading mode.

    Parameters
    ----------
    rng : Generator
    size, depth, dimension : int
        Replicates, L and d.
    scale : float
        s0.
    aligned : bool
        Whether the start's frames are those of W*; else they are independent of it.

    Returns
    -------
    Problem
        The largest singular value of W* lies between 1.5 and 2, the others between 0.5 and 1.
    """
    frames = random_frames(rng, size, depth, dimension)
    target = rng.uniform(0.5, 1.0, (size, dimension))
    target[:, 0] = rng.uniform(1.5, 2.0, size)
    small = np.full((size, dimension), scale)
    planted = frames if aligned else random_frames(rng, size, depth, dimension)
    modes = Modes(planted[:, -1], planted[:, 0], small, target)
    start = balanced_factors(frames, small ** (1 / depth))
    return Problem(start, modes.compose(target), modes=modes)


def _balanced(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    values = rng.uniform(0.5, 1.2, (size, dimension))
    start = balanced_factors(random_frames(rng, size, depth, dimension), values)
    return Problem(start, gaussian_target(rng, size, dimension))


def _near_degenerate(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    values = rng.uniform(0.6, 1.1, (size, 1)) * (1 + NEARBY * np.arange(dimension))
    start = balanced_factors(random_frames(rng, size, depth, dimension), values)
    return Problem(start, gaussian_target(rng, size, dimension))


def _crossing(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    """The first mode starts ahead of the second and ends behind it; the others are where they may."""
    frames = random_frames(rng, size, depth, dimension)
    start, target = rng.uniform(0.2, 0.6, (size, dimension)), rng.uniform(0.8, 2.0, (size, dimension))
    start[:, :2] = rng.uniform([0.4, 0.2], [0.6, 0.3], (size, 2))
    target[:, :2] = rng.uniform([0.8, 1.5], [1.0, 2.0], (size, 2))
    meeting = crossing_value(start[:, :2], target[:, :2], depth)
    modes = Modes(frames[:, -1], frames[:, 0], start, target)
    return Problem(
        balanced_factors(frames, start ** (1 / depth)),
        modes.compose(target),
        clock=mode_time(start[:, 0], meeting, target[:, 0], depth),
        modes=modes,
    )


def _identity(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    values = rng.uniform(0.6, 1.1, (size, 1)) * np.ones(dimension)
    target = gaussian_target(rng, size, dimension)
    start = balanced_factors(identity_frames(size, depth, dimension), values)
    return Problem(start, (target + transpose(target)) / np.sqrt(2))


def _symmetric(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    frames = np.repeat(random_frames(rng, size, 1, dimension)[:, :1], depth + 1, axis=1)
    start = balanced_factors(frames, rng.uniform(0.5, 1.2, (size, dimension)))
    return Problem(start, gaussian_target(rng, size, dimension))


def _orthogonal(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    start = balanced_factors(random_frames(rng, size, depth, dimension), np.ones((size, dimension)))
    return Problem(start, gaussian_target(rng, size, dimension))


STARTS: dict[str, Callable[[np.random.Generator, int, int, int], Problem]] = {
    "balanced": _balanced,
    "near_degenerate": _near_degenerate,
    "crossing": _crossing,
    "identity": _identity,
    "symmetric": _symmetric,
    "orthogonal": _orthogonal,
}
