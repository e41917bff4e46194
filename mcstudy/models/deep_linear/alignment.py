"""Singular value decompositions of balanced factors, with signs that agree from factor to factor (Problem 1 (c)).

Along a balanced flow all factors share their singular values, and the left vectors of each factor are the right
vectors of the next, up to signs. Signs are nobody's property: `aligned_decompositions` chooses them along the chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray

__all__ = ["SingularVectors", "aligned_decompositions", "decompose"]

# Singular vectors are known to about eps/gap: below this relative gap fewer than half of the digits are left.
SMALLEST_GAP = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True)
class SingularVectors:
    """W_k = U_k diag(S_k) V_k^T for all factors of each network.

    Attributes
    ----------
    left, right : array, shape (..., L, d, d)
        U_k and V_k, one vector a column.
    values : array, shape (..., L, d)
        S_k, descending.
    """

    left: FloatArray
    values: FloatArray
    right: FloatArray

    @property
    def relative_gap(self) -> FloatArray:
        """Smallest distance of neighbouring singular values over the largest value, shape (...); 1 for d = 1."""
        if self.values.shape[-1] == 1:
            return np.ones(self.values.shape[:-2])
        gaps = self.values[..., :-1] - self.values[..., 1:]
        return np.asarray((gaps / self.values[..., :1]).min(axis=(-1, -2)))


def decompose(factors: FloatArray) -> SingularVectors:
    """The decompositions as LAPACK returns them, each factor by itself: signs are arbitrary.

    Parameters
    ----------
    factors : array, shape (..., L, d, d)
    """
    left, values, right = np.linalg.svd(factors)
    return SingularVectors(left, values, right.mT)


def aligned_decompositions(factors: FloatArray, *, smallest_gap: float = SMALLEST_GAP) -> SingularVectors:
    """The decompositions with signs chosen so that V_{k+1} agrees with U_k as far as signs can make it.

    Parameters
    ----------
    factors : array, shape (..., L, d, d)
    smallest_gap : float
        Smallest relative gap between singular values of a factor that is accepted; 0 accepts all, for those
        who want to see what happens where modes meet.

    Returns
    -------
    SingularVectors

    Raises
    ------
    ModelError
        If singular values coincide: their vectors are not determined, and Problem 1 (c) needs distinct ones.
    """
    raw = decompose(factors)
    closest = float(np.min(raw.relative_gap, initial=1.0))
    if closest < smallest_gap:
        msg = (
            f"`factors` must have singular values apart by {smallest_gap:.1e} of the largest, got {closest:.1e}; "
            "vectors of equal values are not determined: use `end_to_end_velocity`, or `smallest_gap=0`"
        )
        raise ModelError(msg)
    left, right = raw.left.copy(), raw.right.copy()
    for k in range(1, factors.shape[-3]):
        overlap = np.sum(left[..., k - 1, :, :] * right[..., k, :, :], axis=-2, keepdims=True)
        signs = np.where(overlap < 0, -1.0, 1.0)
        left[..., k, :, :] *= signs
        right[..., k, :, :] *= signs
    return SingularVectors(left, raw.values, right)
