"""Singular value decompositions of balanced factors, and the right-hand sides built from them (Problem 1 (c)-(f)).

Along a balanced flow all factors share their singular values, and the left vectors of each factor are the right
vectors of the next, up to signs. Signs are nobody's property: `aligned_frames` chooses them along the chain.
"""

from dataclasses import dataclass

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import Array, require_depth, transpose

__all__ = [
    "Frames",
    "aligned_frames",
    "end_to_end_velocity",
    "end_to_end_velocity_from_frames",
    "factor_velocities",
    "gram_power",
    "printed_factor_velocities",
    "raw_frames",
]

# Singular vectors are known to about eps/gap: below this relative gap fewer than half of the digits are left.
SMALLEST_GAP = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True)
class Frames:
    """W_k = U_k diag(S_k) V_k^T for all factors: `left` and `right` (..., L, d, d), `values` (..., L, d)."""

    left: Array
    values: Array
    right: Array

    @property
    def relative_gap(self) -> Array:
        """Smallest distance of neighbouring singular values over the largest value, (...,); 1 for d = 1."""
        if self.values.shape[-1] == 1:
            return np.ones(self.values.shape[:-2])
        gaps = self.values[..., :-1] - self.values[..., 1:]
        return np.asarray((gaps / self.values[..., :1]).min(axis=(-1, -2)))


def raw_frames(factors: Array) -> Frames:
    """The decompositions as LAPACK returns them, each factor by itself: signs are arbitrary."""
    left, values, right = np.linalg.svd(factors)
    return Frames(left, values, transpose(right))


def aligned_frames(factors: Array, *, smallest_gap: float = SMALLEST_GAP) -> Frames:
    """The decompositions with signs chosen so that V_{k+1} agrees with U_k as far as signs can make it.

    Parameters
    ----------
    factors : array (..., L, d, d)
    smallest_gap : float
        Smallest relative gap between singular values of a factor that is accepted; 0 accepts all, for those
        who want to see what happens where modes meet.

    Raises
    ------
    ModelError
        If singular values coincide: their vectors are not determined, and Problem 1 (c) needs distinct ones.
    """
    raw = raw_frames(factors)
    closest = float(np.min(raw.relative_gap, initial=1.0))
    if closest < smallest_gap:
        msg = (
            f"`factors` must have distinct singular values, got a relative gap of {closest:.1e} "
            f"(at least {smallest_gap:.1e} is needed): the singular vectors of equal values are not determined. "
            "Use `end_to_end_velocity`, which needs no vectors, or allow it by `smallest_gap=0`."
        )
        raise ModelError(msg)
    left, right = raw.left.copy(), raw.right.copy()
    for k in range(1, factors.shape[-3]):
        overlap = np.sum(left[..., k - 1, :, :] * right[..., k, :, :], axis=-2, keepdims=True)
        signs = np.where(overlap < 0, -1.0, 1.0)
        left[..., k, :, :] *= signs
        right[..., k, :, :] *= signs
    return Frames(left, raw.values, right)


def factor_velocities(frames: Frames, slope: Array) -> Array:
    """dW_k/dt = -V_{k+1} S^{L-k} U_L^T (dL/dW) V_1 S^{k-1} V_k^T, with V_{L+1} := U_L (Problem 1 (d)).

    Parameters
    ----------
    frames : Frames
        Aligned decompositions of balanced factors; S is taken from the first factor.
    slope : array (..., d, d)
        The end-to-end gradient dL/dW, (W - W*)/L for the population loss.

    Returns
    -------
    array (..., L, d, d)
    """
    return _factor_velocities(frames, slope, frames.right)


def printed_factor_velocities(frames: Frames, slope: Array) -> Array:
    """Problem 1 (d) as printed, ending in V_{k-1}^T, for k = 2 .. L where that exists; (..., L-1, d, d)."""
    last = np.concatenate([frames.right[..., :1, :, :], frames.right[..., :-1, :, :]], axis=-3)
    return _factor_velocities(frames, slope, last)[..., 1:, :, :]


def _factor_velocities(frames: Frames, slope: Array, last: Array) -> Array:
    """The velocities with `last`[..., k - 1, :, :] as the matrix whose transpose ends the k-th."""
    depth = frames.left.shape[-3]
    top = frames.left[..., -1, :, :]
    first = np.concatenate([frames.right[..., 1:, :, :], top[..., None, :, :]], axis=-3)
    middle = (transpose(top) @ slope @ frames.right[..., 0, :, :])[..., None, :, :]
    exponents = np.arange(depth)[:, None]
    rising = frames.values[..., :1, :] ** exponents
    core = rising[..., ::-1, :, None] * middle * rising[..., None, :]
    return np.asarray(-first @ core @ transpose(last))


def end_to_end_velocity_from_frames(frames: Frames, slope: Array) -> Array:
    """dW/dt = -sum_k U_L S^{2L-2k} U_L^T (dL/dW) V_1 S^{2k-2} V_1^T of a balanced flow (Problem 1 (e))."""
    depth = frames.left.shape[-3]
    values = frames.values[..., 0, :] ** 2
    return _sandwich(frames.left[..., -1, :, :], values, frames.right[..., 0, :, :], slope, depth)


def end_to_end_velocity(matrix: Array, slope: Array, depth: int) -> Array:
    """dW/dt = -sum_k [W W^T]^{(L-k)/L} (dL/dW) [W^T W]^{(k-1)/L} of a balanced flow (Problem 1 (f)).

    The fractional powers come from the singular values of W itself: W W^T is never formed, whose small
    eigenvalues would drown in rounding. With two factors only the square roots occur, with one none.

    Parameters
    ----------
    matrix : array (..., d, d)
        The end-to-end matrix W.
    slope : array (..., d, d)
        dL/dW.
    depth : int
        L.

    Returns
    -------
    array (..., d, d)
    """
    require_depth(depth)
    if depth == 1:
        return -slope
    left, values, right = np.linalg.svd(matrix)
    return _sandwich(left, values ** (2 / depth), transpose(right), slope, depth)


def gram_power(matrix: Array, exponent: float) -> Array:
    """[W W^T]^p for p >= 0 from the singular values of W, shape (..., d, d); [.]^0 is the identity."""
    left, values, _ = np.linalg.svd(matrix)
    return np.asarray((left * values[..., None, :] ** (2 * exponent)) @ transpose(left))


def _sandwich(left: Array, values: Array, right: Array, slope: Array, depth: int) -> Array:
    """-sum_k left diag(values^{L-k}) left^T slope right diag(values^{k-1}) right^T."""
    middle = transpose(left) @ slope @ right
    powers = [values**k for k in range(depth)]
    weights = sum(
        (powers[depth - 1 - k][..., :, None] * powers[k][..., None, :] for k in range(depth)),
        start=np.zeros(1),
    )
    return np.asarray(-left @ (weights * middle) @ transpose(right))
