"""Starts of a gradient flow: balanced ones from orthonormal frames and shared singular values, and others.

A balanced start is W_k = V_{k+1} diag(s) V_k^T with orthogonal V_1, ..., V_{L+1}: independent frames make it
generic (no factor is normal, nothing commutes), equal frames make it symmetric, s = 1 makes it orthogonal.
"""

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear import Array, require_depth, transpose

__all__ = ["balanced_factors", "gaussian_factors", "gaussian_target", "identity_frames", "random_frames"]


def random_frames(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Array:
    """Independent orthogonal matrices V_1 .. V_{L+1} from Haar measure, shape (size, L + 1, d, d).

    The Q of a Gaussian matrix, with the signs that make R's diagonal positive (without them Q is not Haar).
    """
    require_depth(depth)
    gaussian = rng.standard_normal((size, depth + 1, dimension, dimension))
    q, r = np.linalg.qr(gaussian)
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    return np.asarray(q * signs[..., None, :])


def identity_frames(size: int, depth: int, dimension: int) -> Array:
    """Frames that are all the identity, shape (size, L + 1, d, d): every factor becomes one diagonal matrix."""
    require_depth(depth)
    return np.broadcast_to(np.eye(dimension), (size, depth + 1, dimension, dimension)).copy()


def balanced_factors(frames: Array, singular_values: Array) -> Array:
    """The balanced factors W_k = V_{k+1} diag(s) V_k^T, shape (..., L, d, d).

    Parameters
    ----------
    frames : array (..., L + 1, d, d)
        Orthogonal V_1 .. V_{L+1}; V_{L+1} is the U_L of Problem 1.
    singular_values : array (..., d)
        Shared by all factors; not negative.

    Raises
    ------
    ModelError
        If a singular value is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from mcstudy.models.deep_linear import balancedness_defect
    >>> rng = np.random.Generator(np.random.SFC64(1))
    >>> factors = balanced_factors(random_frames(rng, 1, 3, 2), np.array([[2.0, 1.0]]))
    >>> bool(np.abs(balancedness_defect(factors)).max() < 1e-14)
    True
    """
    if not np.all(np.isfinite(singular_values)) or np.any(singular_values < 0):
        msg = "`singular_values` must be finite and not negative; signs belong into the frames."
        raise ModelError(msg)
    values = singular_values[..., None, None, :]
    return np.asarray((frames[..., 1:, :, :] * values) @ transpose(frames[..., :-1, :, :]))


def gaussian_factors(rng: np.random.Generator, size: int, depth: int, dimension: int) -> Array:
    """Independent factors with N(0, 1/d) entries, shape (size, L, d, d): a start that is not balanced."""
    require_depth(depth)
    return np.asarray(rng.standard_normal((size, depth, dimension, dimension)) / np.sqrt(dimension))


def gaussian_target(rng: np.random.Generator, size: int, dimension: int) -> Array:
    """Planted matrices W* with N(0, 1/d) entries, shape (size, d, d); their singular values lie below about 2."""
    return np.asarray(rng.standard_normal((size, dimension, dimension)) / np.sqrt(dimension))
