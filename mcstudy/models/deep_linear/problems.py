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

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_choice
from mcstudy.models.deep_linear.mode_dynamics import crossing_value, mode_time, mode_value
from mcstudy.models.deep_linear.riccati import two_layer_end_to_end
from mcstudy.models.deep_linear.starts import (
    balanced_factors,
    gaussian_factors,
    gaussian_matrices,
    haar_frames,
    identity_frames,
)
from mcstudy.models.sensing.loss import sensing_gradient, sensing_loss
from mcstudy.models.sensing.wishart import wishart_moment

__all__ = ["LOSSES", "STARTS", "AlignedModes", "Problem", "draw_problem", "draw_small_start"]

LOSSES = ("population", "empirical")
NEARBY = 1e-3  # relative distance of neighbouring singular values in a near-degenerate start


@dataclass(frozen=True)
class AlignedModes:
    """An aligned start: W(0) = V_{L+1} diag(start) V_1^T and W* = V_{L+1} diag(target) V_1^T.

    Attributes
    ----------
    left, right : array, shape (size, d, d)
        V_{L+1} and V_1.
    start, target : array, shape (size, d)
    """

    left: FloatArray
    right: FloatArray
    start: FloatArray
    target: FloatArray

    def compose(self, values: FloatArray) -> FloatArray:
        """V_{L+1} diag(values) V_1^T for values (..., size, d), shape (..., size, d, d)."""
        return np.asarray((self.left * values[..., None, :]) @ self.right.mT)


@dataclass(frozen=True)
class Problem:
    """A block of starts with their losses.

    Attributes
    ----------
    start : array, shape (size, L, d, d)
    target : array, shape (size, d, d)
        W*.
    moment : array, shape (size, d^2, d^2), optional
        Of the measurements of an empirical loss; without it the loss is the population loss.
    clock : array, shape (size,), optional
        Multiplies the loss, which scales time and nothing else.
    modes : AlignedModes, optional
        Of a start that is aligned with W* on the population loss.
    """

    start: FloatArray
    target: FloatArray
    moment: FloatArray | None = None
    clock: FloatArray | None = None
    modes: AlignedModes | None = None

    @property
    def depth(self) -> int:
        """L, the number of factors."""
        return int(self.start.shape[1])

    def loss(self, matrix: FloatArray) -> FloatArray:
        """The loss at end-to-end matrices (..., size, d, d), shape (..., size)."""
        value = sensing_loss(matrix - self.target, self.depth, self.moment)
        return value if self.clock is None else self.clock * value

    def slope(self, matrix: FloatArray) -> FloatArray:
        """The end-to-end gradient of `loss`, shape (..., size, d, d)."""
        value = sensing_gradient(matrix - self.target, self.depth, self.moment)
        return value if self.clock is None else self.clock[:, None, None] * value

    @property
    def has_closed_form(self) -> bool:
        """Whether the flow is known: from aligned modes, or for two factors and the population loss."""
        plain = self.moment is None and self.clock is None
        return self.modes is not None or (self.depth == 2 and plain)

    def closed_form(self, times: FloatArray) -> FloatArray:
        """W by its formula.

        Parameters
        ----------
        times : array, shape (K,)

        Returns
        -------
        array, shape (K, size, d, d)

        Raises
        ------
        ModelError
            If there is no formula.
        """
        if self.modes is not None:
            clock = np.ones(len(self.start)) if self.clock is None else self.clock
            elapsed = times[:, None, None] * clock[:, None]
            return self.modes.compose(mode_value(elapsed, self.modes.start, self.modes.target, self.depth))
        if not self.has_closed_form:
            msg = (
                "`problem` must be aligned, or have two factors and the population loss, for a closed form, "
                f"got {self.depth} factors; integrate the flow with `gradient_flow`"
            )
            raise ModelError(msg)
        return np.stack([two_layer_end_to_end(self.start, self.target, float(time)) for time in times])


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
    rng : numpy.random.Generator
    size, depth, dimension : int
        Replicates, L and d.
    start : str
        One of `STARTS`, see the module.
    imbalance : float
        Times a start of independent Gaussian factors, added to the balanced one.
    loss : str
        One of `LOSSES`: "population", or "empirical" on 2 d^2 Gaussian measurements.

    Returns
    -------
    Problem

    Raises
    ------
    ModelError
        If the start or the loss is unknown.
    """
    check_choice("loss", loss, LOSSES)
    problem = STARTS[check_choice("start", start, STARTS)](rng, size, depth, dimension)
    if imbalance:
        noise = gaussian_factors(rng, size, depth, dimension)
        problem = replace(problem, start=problem.start + imbalance * noise, modes=None)
    if loss == "empirical":
        moment = wishart_moment(rng, size, dimension, 2 * dimension**2)
        problem = replace(problem, moment=moment, modes=None)
    return problem


def draw_small_start(
    rng: np.random.Generator, size: int, *, depth: int, dimension: int, scale: float, aligned: bool
) -> Problem:
    """Draw starts whose end-to-end singular values are all `scale`, and W* with one leading mode.

    Parameters
    ----------
    rng : numpy.random.Generator
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
    frames = haar_frames(rng, size, depth, dimension)
    target = rng.uniform(0.5, 1.0, (size, dimension))
    target[:, 0] = rng.uniform(1.5, 2.0, size)
    small = np.full((size, dimension), scale)
    planted = frames if aligned else haar_frames(rng, size, depth, dimension)
    modes = AlignedModes(planted[:, -1], planted[:, 0], small, target)
    start = balanced_factors(frames, small ** (1 / depth))
    return Problem(start, modes.compose(target), modes=modes if aligned else None)


def _balanced(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    # Away from 0, where a start would wait at the saddle for longer than the studies follow it.
    values = rng.uniform(0.5, 1.2, (size, dimension))
    start = balanced_factors(haar_frames(rng, size, depth, dimension), values)
    return Problem(start, gaussian_matrices(rng, size, dimension))


def _near_degenerate(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    values = rng.uniform(0.6, 1.1, (size, 1)) * (1 + NEARBY * np.arange(dimension))
    start = balanced_factors(haar_frames(rng, size, depth, dimension), values)
    return Problem(start, gaussian_matrices(rng, size, dimension))


def _crossing(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    """The first mode starts ahead of the second and ends behind it; the others are where they may."""
    # The first of two modes is larger at the start and has the lower target: they must meet, before either is there.
    frames = haar_frames(rng, size, depth, dimension)
    start, target = rng.uniform(0.2, 0.6, (size, dimension)), rng.uniform(0.8, 2.0, (size, dimension))
    start[:, :2] = rng.uniform([0.4, 0.2], [0.6, 0.3], (size, 2))
    target[:, :2] = rng.uniform([0.8, 1.5], [1.0, 2.0], (size, 2))
    meeting = crossing_value(start[:, :2], target[:, :2], depth)
    modes = AlignedModes(frames[:, -1], frames[:, 0], start, target)
    return Problem(
        balanced_factors(frames, start ** (1 / depth)),
        modes.compose(target),
        clock=mode_time(start[:, 0], meeting, target[:, 0], depth),
        modes=modes,
    )


def _identity(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    values = rng.uniform(0.6, 1.1, (size, 1)) * np.ones(dimension)
    target = gaussian_matrices(rng, size, dimension)
    start = balanced_factors(identity_frames(size, depth, dimension), values)
    return Problem(start, (target + target.mT) / np.sqrt(2))


def _symmetric(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    frames = np.repeat(haar_frames(rng, size, 1, dimension)[:, :1], depth + 1, axis=1)
    start = balanced_factors(frames, rng.uniform(0.5, 1.2, (size, dimension)))
    return Problem(start, gaussian_matrices(rng, size, dimension))


def _orthogonal(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Problem:
    start = balanced_factors(haar_frames(rng, size, depth, dimension), np.ones((size, dimension)))
    return Problem(start, gaussian_matrices(rng, size, dimension))


STARTS: dict[str, Callable[[np.random.Generator, int, int, int], Problem]] = {
    "balanced": _balanced,
    "near_degenerate": _near_degenerate,
    "crossing": _crossing,
    "identity": _identity,
    "symmetric": _symmetric,
    "orthogonal": _orthogonal,
}
