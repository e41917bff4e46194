r"""Deep matrix sensing: the loss on n measurements, its gradient, and their exact moments and law.

Model (Problem 1): ``W = W_L ... W_1`` with d x d factors, a planted ``W*``, and measurement matrices ``A_1, ..., A_n``
with independent standard normal entries. With ``Delta = W - W*``

    Lhat_n = (1 / (2 L n)) sum_i <Delta, A_i>^2,        E Lhat_n = ||Delta||^2 / (2 L),

``||.||`` the Frobenius norm. Everything here is a function of Delta, L (`depth`) and n (`measurements`); all
functions take stacks of matrices, shape (..., d, d).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError

__all__ = [
    "empirical_gradient",
    "empirical_loss",
    "expected_gradient",
    "expected_loss",
    "gradient_covariance",
    "gradient_error",
    "inner",
    "loss_law",
    "loss_variance",
    "rademacher_loss_variance",
    "symmetric_expected_loss",
    "transverse",
]

FloatArray = npt.NDArray[np.float64]


def as_stack(name: str, matrices: npt.ArrayLike) -> FloatArray:
    """Matrices as a float64 stack of shape (..., d, d), or a ModelError that names the argument."""
    stack = np.asarray(matrices, dtype=np.float64)
    if stack.ndim < 2 or stack.shape[-1] != stack.shape[-2] or stack.shape[-1] < 1:
        msg = (
            f"`{name}` must be a square matrix or a stack of them, shape (..., d, d), got shape {stack.shape}"
        )
        raise ModelError(msg)
    if not np.isfinite(stack).all():
        msg = f"`{name}` must be finite, got {np.count_nonzero(~np.isfinite(stack))} entries that are not"
        raise ModelError(msg)
    return stack


def check_count(name: str, count: int) -> None:
    """Refuse a depth, a number of measurements, ... that is no positive whole number."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        msg = f"`{name}` must be a whole number, at least 1, got {count!r}"
        raise ModelError(msg)


def inner(a: FloatArray, b: FloatArray) -> FloatArray:
    """The Frobenius inner product <a, b> of two stacks, shape (...)."""
    return np.asarray(np.einsum("...ij,...ij->...", a, b), dtype=np.float64)


def empirical_loss(delta: npt.ArrayLike, matrices: npt.ArrayLike, depth: int) -> FloatArray:
    """The loss on given measurement matrices, (1/(2 L n)) sum_i <Delta, A_i>^2.

    Parameters
    ----------
    delta : array_like, shape (..., d, d)
    matrices : array_like, shape (..., n, d, d)
        The measurement matrices A_i of each Delta.
    depth : int
        L, the number of factors.

    Returns
    -------
    array of shape (...)

    Raises
    ------
    ModelError
        If shapes do not match, an entry is not finite or `depth` is less than 1.

    Examples
    --------
    >>> float(empirical_loss(np.eye(2), [np.eye(2), 3 * np.eye(2)], depth=2))
    5.0
    """
    products, _ = _measure(delta, matrices, depth)
    return np.asarray(np.mean(products**2, axis=-1) / (2 * depth), dtype=np.float64)


def empirical_gradient(delta: npt.ArrayLike, matrices: npt.ArrayLike, depth: int) -> FloatArray:
    """The gradient of the empirical loss in the end-to-end matrix W, (1/(L n)) sum_i <Delta, A_i> A_i.

    Parameters and errors are those of `empirical_loss`.

    Returns
    -------
    array of shape (..., d, d)
    """
    products, stack = _measure(delta, matrices, depth)
    total = np.einsum("...n,...nij->...ij", products, stack)
    return np.asarray(total / (depth * products.shape[-1]), dtype=np.float64)


def _measure(delta: npt.ArrayLike, matrices: npt.ArrayLike, depth: int) -> tuple[FloatArray, FloatArray]:
    """The products <Delta, A_i>, shape (..., n), and the checked matrices."""
    check_count("depth", depth)
    at, stack = as_stack("delta", delta), as_stack("matrices", matrices)
    if stack.ndim < 3 or stack.shape[-3] < 1 or stack.shape[-2:] != at.shape[-2:]:
        msg = (
            f"`matrices` must have shape (..., n, d, d) with n >= 1 and the d of `delta` ({at.shape[-1]}), "
            f"got shape {stack.shape}"
        )
        raise ModelError(msg)
    return inner(at[..., None, :, :], stack), stack


def expected_loss(delta: npt.ArrayLike, depth: int) -> FloatArray:
    """The mean of the empirical loss for every n, ||Delta||^2 / (2 L): the population loss (1.mean)."""
    check_count("depth", depth)
    stack = as_stack("delta", delta)
    return inner(stack, stack) / (2 * depth)


def symmetric_expected_loss(delta: npt.ArrayLike, depth: int) -> FloatArray:
    """The mean of the loss when A is symmetric instead, A = (G + G^T)/sqrt 2 with G of iid normal entries.

    Then <Delta, A> = <Delta + Delta^T, G>/sqrt 2 and the mean is (||Delta||^2 + <Delta, Delta^T>)/(2 L).
    """
    stack = as_stack("delta", delta)
    return expected_loss(stack, depth) + inner(stack, np.swapaxes(stack, -1, -2)) / (2 * depth)


def loss_variance(delta: npt.ArrayLike, depth: int, measurements: int) -> FloatArray:
    """The variance of the empirical loss, ||Delta||^4 / (2 L^2 n) (1.variance)."""
    check_count("measurements", measurements)
    return np.asarray(2 * expected_loss(delta, depth) ** 2 / measurements, dtype=np.float64)


def rademacher_loss_variance(delta: npt.ArrayLike, depth: int, measurements: int) -> FloatArray:
    """The variance of the loss when the entries of A are signs instead: smaller, at the same mean.

    E <Delta, A>^4 = 3 ||Delta||^4 - 2 sum_ij Delta_ij^4, so (||Delta||^4 - sum_ij Delta_ij^4) / (2 L^2 n).
    """
    stack = as_stack("delta", delta)
    fourth = np.sum(stack**4, axis=(-1, -2)) / (2 * depth**2 * measurements)
    return np.asarray(loss_variance(stack, depth, measurements) - fourth, dtype=np.float64)


def loss_law(measurements: int) -> Any:
    """The exact law of 2 L n Lhat_n / ||Delta||^2: chi-square with n degrees of freedom (1.law).

    Returns
    -------
    frozen scipy distribution

    Examples
    --------
    >>> float(loss_law(10).mean())
    10.0
    """
    from scipy.stats import chi2

    check_count("measurements", measurements)
    return chi2(measurements)


def expected_gradient(delta: npt.ArrayLike, depth: int) -> FloatArray:
    """The mean of the empirical gradient, Delta / L (1.gradient)."""
    check_count("depth", depth)
    return as_stack("delta", delta) / depth


def gradient_error(delta: npt.ArrayLike, depth: int, measurements: int) -> FloatArray:
    """The mean squared error of the empirical gradient, (d^2 + 1) ||Delta||^2 / (L^2 n) (1.gradient)."""
    check_count("measurements", measurements)
    stack = as_stack("delta", delta)
    entries = stack.shape[-1] ** 2
    return np.asarray((entries + 1) * 2 * expected_loss(stack, depth) / (depth * measurements))


def gradient_covariance(delta: npt.ArrayLike, depth: int, measurements: int) -> FloatArray:
    """The covariance of the empirical gradient, (||Delta||^2 I + vec Delta vec Delta^T) / (L^2 n) (1.gradient).

    Along Delta the variance is twice that of any direction across it.

    Returns
    -------
    array of shape (..., d^2, d^2)
        In the order of a row-major ``reshape`` of the gradient.
    """
    check_count("depth", depth)
    check_count("measurements", measurements)
    stack = as_stack("delta", delta)
    vector = stack.reshape(*stack.shape[:-2], -1)
    isotropic = inner(stack, stack)[..., None, None] * np.eye(vector.shape[-1])
    return np.asarray((isotropic + vector[..., :, None] * vector[..., None, :]) / (depth**2 * measurements))


def transverse(delta: npt.ArrayLike) -> FloatArray:
    """The unit matrix across Delta in the plane of Delta and its transpose.

    It is the direction in which a transposed gradient, or a symmetric A, would show its bias.

    Raises
    ------
    ModelError
        If some Delta is a multiple of its own transpose: the plane is a line then.

    Examples
    --------
    >>> transverse([[0.0, 1.0], [0.0, 0.0]]).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    stack = as_stack("delta", delta)
    turned = np.swapaxes(stack, -1, -2)
    square = inner(stack, stack)[..., None, None]
    across = square * turned - inner(stack, turned)[..., None, None] * stack
    length = np.sqrt(inner(across, across))[..., None, None]
    if np.any(length <= np.finfo(np.float64).eps * square**1.5):
        msg = "`delta` must not be symmetric, antisymmetric or zero, got one that spans no plane with its transpose"
        raise ModelError(msg)
    return np.asarray(across / length)
