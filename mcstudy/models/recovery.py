"""Recovery of a low-rank matrix from fewer measurements than it has entries, by gradient flow from a small start.

The measurements leave a whole affine space of matrices that fit them. Which of these the flow finds depends on the
depth of the factorization (Arora, Cohen, Hu, Luo 2019, "Implicit regularization in deep matrix factorization").
"""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import (
    Array,
    end_to_end,
    factor_gradients,
    frobenius,
    require_depth,
    require_factors,
)

__all__ = [
    "Completion",
    "Descent",
    "FewMeasurements",
    "Sensing",
    "descend",
    "effective_rank",
    "low_rank_target",
    "small_factors",
]

# Of the norm of the factors: how far they move in a step while they are small, where curvature bounds nothing.
LONGEST_MOVE = 0.05
# Steps between two looks at curvature and loss.
STRIDE = 25


def effective_rank(matrix: Array) -> Array:
    """Exponential of the entropy of the singular values divided by their sum (Roy, Vetterli 2007), shape (...,).

    Examples
    --------
    >>> import numpy as np
    >>> round(float(effective_rank(np.diag([3.0, 3.0, 0.0]))), 12)
    2.0
    """
    values = np.linalg.svd(matrix, compute_uv=False)
    shares = values / np.sum(values, axis=-1, keepdims=True)
    logarithms = np.log(np.where(shares > 0, shares, 1.0))
    return np.asarray(np.exp(-np.sum(shares * logarithms, axis=-1)))


def low_rank_target(rng: np.random.Generator, size: int, dimension: int, rank: int) -> Array:
    """W* = A B^T with Gaussian A, B of shape (d, r), scaled to entries of unit mean square; (size, d, d)."""
    if not 1 <= rank <= dimension:
        msg = f"`rank` must lie between 1 and the dimension {dimension}, got {rank}."
        raise ModelError(msg)
    left, right = rng.standard_normal((2, size, dimension, rank))
    product = left @ np.swapaxes(right, -1, -2)
    return np.asarray(dimension * product / frobenius(product)[:, None, None])


def small_factors(rng: np.random.Generator, size: int, depth: int, dimension: int, scale: float) -> Array:
    """Gaussian factors (size, L, d, d) whose product has singular values of order `scale`."""
    deviation = scale ** (1 / require_depth(depth)) / np.sqrt(dimension)
    return np.asarray(deviation * rng.standard_normal((size, depth, dimension, dimension)))


class FewMeasurements(Protocol):
    """A loss (1/2n) sum <W - W*, A_i>^2 for each replicate of a block; the factor 1/L would only scale time."""

    @property
    def curvature(self) -> float:
        """The largest eigenvalue of (1/n) sum vec(A_i) vec(A_i)^T, or where that tends to."""

    def loss(self, matrix: Array) -> Array:
        """The loss at end-to-end matrices (size, d, d), shape (size,)."""

    def slope(self, matrix: Array) -> Array:
        """The end-to-end gradient, shape (size, d, d)."""

    def take(self, replicates: Array) -> Self:
        """The losses of some replicates."""


@dataclass(frozen=True)
class Completion:
    """n entries of W* are seen: the A_i are n different matrix units.

    Attributes
    ----------
    target : array (size, d, d)
    observed : array of bool (size, d, d)
        The same number of entries in every replicate.
    """

    target: Array
    observed: Array

    @classmethod
    def draw(cls, rng: np.random.Generator, target: Array, measurements: int) -> Self:
        """See `measurements` entries of each target, uniformly drawn without replacement."""
        size, d, _ = target.shape
        if not 1 <= measurements <= d * d:
            msg = f"`measurements` must lie between 1 and d^2 = {d * d} for a completion, got {measurements}."
            raise ModelError(msg)
        first = np.argsort(rng.random((size, d * d)), axis=1)[:, :measurements]
        observed = np.zeros((size, d * d), dtype=bool)
        np.put_along_axis(observed, first, values=True, axis=1)
        return cls(target, observed.reshape(target.shape))

    @property
    def measurements(self) -> int:
        """The number of entries seen, n."""
        return int(np.count_nonzero(self.observed[0]))

    @property
    def curvature(self) -> float:
        """The largest eigenvalue, 1/n."""
        return 1 / self.measurements

    def loss(self, matrix: Array) -> Array:
        """Half the mean square over the entries seen."""
        seen = np.where(self.observed, matrix - self.target, 0.0)
        return np.asarray(np.sum(seen**2, axis=(-1, -2)) / (2 * self.measurements))

    def slope(self, matrix: Array) -> Array:
        """The error where it is seen, over n."""
        return np.where(self.observed, matrix - self.target, 0.0) / self.measurements

    def take(self, replicates: Array) -> Self:
        """The completion problems of some replicates."""
        return type(self)(self.target[replicates], self.observed[replicates])


@dataclass(frozen=True)
class Sensing:
    """n Gaussian measurements of W*.

    Attributes
    ----------
    target : array (size, d, d)
    rows : array (size, n, d^2)
        vec(A_i) / sqrt(n).
    """

    target: Array
    rows: Array

    @classmethod
    def draw(cls, rng: np.random.Generator, target: Array, measurements: int) -> Self:
        """Draw independent matrices with N(0, 1) entries for each target."""
        if measurements < 1:
            msg = f"`measurements` must be at least 1, got {measurements}."
            raise ModelError(msg)
        size, d, _ = target.shape
        return cls(target, rng.standard_normal((size, measurements, d * d)) / np.sqrt(measurements))

    @property
    def curvature(self) -> float:
        """The Marchenko-Pastur edge (1 + sqrt(d^2/n))^2 of the largest eigenvalue."""
        _, n, entries = self.rows.shape
        return float((1 + np.sqrt(entries / n)) ** 2)

    def _products(self, matrix: Array) -> Array:
        """<W - W*, A_i>/sqrt(n), shape (size, n, 1)."""
        error = matrix - self.target
        return np.asarray(self.rows @ error.reshape(*error.shape[:-2], -1, 1))

    def loss(self, matrix: Array) -> Array:
        """Half the mean square of the measured errors."""
        return np.asarray(np.sum(self._products(matrix) ** 2, axis=(-1, -2)) / 2)

    def slope(self, matrix: Array) -> Array:
        """(1/n) sum <W - W*, A_i> A_i."""
        return np.asarray(np.swapaxes(self.rows, -1, -2) @ self._products(matrix)).reshape(matrix.shape)

    def take(self, replicates: Array) -> Self:
        """The sensing problems of some replicates."""
        return type(self)(self.target[replicates], self.rows[replicates])


@dataclass(frozen=True)
class Descent:
    """Where the descent ended.

    Attributes
    ----------
    matrices : array (size, d, d)
        End-to-end matrices.
    steps : array of int (size,)
        Steps taken.
    failures : tuple of str
        "", or the reason for each replicate that did not come to fit its measurements.
    """

    matrices: Array
    steps: Array
    failures: tuple[str, ...]


def descend(
    start: Array, problem: FewMeasurements, *, courant: float = 1.0, fit: float = 1e-6, steps: int = 100_000
) -> Descent:
    """Follow the gradient flow with short steps until the measurements are fitted.

    Each replicate has its own step: `courant` over a bound on the loss's curvature,
    L ||W||^{2-2/L} times the curvature of the end-to-end loss (balanced factors near a fit), and at most a
    step that moves the factors by 5 % of their norm, which is what limits it on the plateau of a small start.

    Parameters
    ----------
    start : array (size, L, d, d)
    problem : FewMeasurements
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
    factors = require_factors(start).copy()
    if not 0 < courant <= 2:
        msg = f"`courant` must lie in (0, 2], got {courant!r}: beyond 2 steps overshoot."
        raise ModelError(msg)
    taken = np.zeros(len(factors), dtype=int)
    goal = fit * problem.loss(np.zeros_like(factors[:, 0]))
    active = np.arange(len(factors))
    for done in range(0, steps, STRIDE):
        product = end_to_end(factors[active])
        active = active[problem.take(active).loss(product) > goal[active]]
        if not active.size:
            break
        factors[active] = _stride(factors[active], problem.take(active), courant)
        taken[active] = done + STRIDE
    late = set(active.tolist())
    reason = f"the measurements are not fitted to {fit:.0e} of the loss at 0 after {steps} steps"
    failures = tuple(reason if replicate in late else "" for replicate in range(len(factors)))
    return Descent(end_to_end(factors), taken, failures)


def _stride(factors: Array, problem: FewMeasurements, courant: float) -> Array:
    """`STRIDE` steps with one bound on the curvature."""
    depth = factors.shape[1]
    largest = np.linalg.norm(end_to_end(factors), 2, axis=(-1, -2))
    stable = courant / (problem.curvature * depth * largest ** (2 - 2 / depth))
    for _ in range(STRIDE):
        gradients = factor_gradients(factors, problem.slope(end_to_end(factors)))
        speed = frobenius(gradients, 3)
        nearby = LONGEST_MOVE * frobenius(factors, 3) / np.where(speed > 0, speed, 1.0)
        step = np.minimum(stable, nearby)
        factors = factors - step[:, None, None, None] * gradients
    return factors
