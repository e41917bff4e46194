r"""The loss of deep matrix sensing on n measurements, its gradient, and their exact moments and law.

Model (Problem 1): ``W = W_L ... W_1`` with d x d factors, a planted ``W*``, and measurement matrices ``A_1, ..., A_n``
with independent standard normal entries. With ``Delta = W - W*`` and ``M = (1/n) sum_i vec(A_i) vec(A_i)^T``

    Lhat_n = (1 / (2 L n)) sum_i <Delta, A_i>^2 = vec(Delta)^T M vec(Delta) / (2 L),    E Lhat_n = ||Delta||^2 / (2 L),

||.|| the Frobenius norm: the measurements enter through their second moment M only, and E M = I gives the population
loss. All functions take stacks of Delta, shape (..., d, d).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, as_matrices, inner
from mcstudy.models.checks import check_count

__all__ = [
    "gradient_mean_square",
    "loss_law",
    "loss_variance",
    "sensing_gradient",
    "sensing_loss",
    "transverse",
]


def sensing_loss(delta: FloatArray, depth: int, moment: FloatArray | None = None) -> FloatArray:
    """The sensing loss vec(Delta)^T M vec(Delta) / (2 L).

    Parameters
    ----------
    delta : array, shape (..., d, d)
        W - W*; it may be complex, the loss is analytic in it.
    depth : int
        L, which enters as the factor 1/(2L) only.
    moment : array, shape (..., d^2, d^2), optional
        Second moment M of the measurements, see `mcstudy.models.sensing.wishart`. Without it M is the identity and
        the loss is the population loss ||Delta||^2/(2L), the mean of the empirical loss for every n (1.mean).

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If `depth` is less than 1.

    Examples
    --------
    >>> float(sensing_loss(np.eye(2), depth=2))
    0.5
    """
    vector = _vectors(delta)
    product = vector if moment is None else moment @ vector
    # Without a conjugate, as `inner` would take: complex steps differentiate through this line.
    return np.asarray((vector.mT @ product)[..., 0, 0] / (2 * check_count("depth", depth)))


def sensing_gradient(delta: FloatArray, depth: int, moment: FloatArray | None = None) -> FloatArray:
    """The gradient of `sensing_loss` in the end-to-end matrix W, M vec(Delta) / L folded back to a matrix.

    Parameters and errors are those of `sensing_loss`. Without a moment it is Delta/L, the mean of the empirical
    gradient (1.gradient).

    Returns
    -------
    array, shape (..., d, d)
    """
    scale = check_count("depth", depth)
    if moment is None:
        return delta / scale
    product = moment @ _vectors(delta)
    return np.asarray(product.reshape(*product.shape[:-2], *delta.shape[-2:]) / scale)


def _vectors(delta: FloatArray) -> FloatArray:
    """vec(Delta) as columns, row by row, shape (..., d^2, 1)."""
    return delta.reshape(*delta.shape[:-2], -1, 1)


def loss_variance(delta: npt.ArrayLike, depth: int, measurements: int) -> FloatArray:
    """The variance of the empirical loss, ||Delta||^4 / (2 L^2 n) (1.variance).

    Parameters
    ----------
    delta : array_like, shape (..., d, d)
    depth, measurements : int
        L and n.

    Returns
    -------
    array, shape (...)

    Raises
    ------
    ModelError
        If `delta` is no finite stack of square matrices or a count is less than 1.
    """
    check_count("measurements", measurements)
    return np.asarray(2 * sensing_loss(as_matrices("delta", delta), depth) ** 2 / measurements)


def loss_law(measurements: int) -> Any:
    """The exact law of 2 L n Lhat_n / ||Delta||^2: chi-square with n degrees of freedom (1.law).

    Parameters
    ----------
    measurements : int
        n.

    Returns
    -------
    frozen scipy distribution

    Raises
    ------
    ModelError
        If `measurements` is less than 1.

    Examples
    --------
    >>> float(loss_law(10).mean())
    10.0
    """
    from scipy.stats import chi2

    return chi2(check_count("measurements", measurements))


def gradient_mean_square(delta: npt.ArrayLike, depth: int, measurements: int) -> FloatArray:
    """The mean squared error of the empirical gradient, (d^2 + 1) ||Delta||^2 / (L^2 n) (1.gradient).

    Along Delta the variance is 2 ||Delta||^2 / (L^2 n), in each of the d^2 - 1 directions across it half of that.

    Parameters, result and errors are those of `loss_variance`.
    """
    check_count("measurements", measurements)
    stack = as_matrices("delta", delta)
    entries = stack.shape[-1] ** 2
    return np.asarray((entries + 1) * 2 * sensing_loss(stack, depth) / (depth * measurements))


def transverse(delta: npt.ArrayLike) -> FloatArray:
    """The unit matrix across Delta in the plane of Delta and its transpose.

    It is the direction in which a transposed gradient, or a symmetric A, would show its bias.

    Parameters
    ----------
    delta : array_like, shape (..., d, d)

    Returns
    -------
    array, shape (..., d, d)

    Raises
    ------
    ModelError
        If some Delta is a multiple of its own transpose: the plane is a line then.

    Examples
    --------
    >>> transverse([[0.0, 1.0], [0.0, 0.0]]).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    stack = as_matrices("delta", delta)
    square = inner(stack, stack)[..., None, None]
    across = square * stack.mT - inner(stack, stack.mT)[..., None, None] * stack
    length = np.sqrt(inner(across, across))[..., None, None]
    # `across` is a difference of terms of size ||Delta||^3: below their rounding it has no direction.
    if np.any(length <= np.finfo(np.float64).eps * square**1.5):
        msg = (
            "`delta` must not be symmetric, antisymmetric or zero, "
            "got one that spans no plane with its transpose"
        )
        raise ModelError(msg)
    return np.asarray(across / length)
