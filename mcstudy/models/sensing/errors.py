"""Errors of the empirical sensing loss and its gradient, in units that make their laws free of Delta.

Replicates draw a new Delta each. In these units they are identically distributed all the same, and the closed forms
of `mcstudy.models.sensing.loss` become plain numbers: means 0, variances 1 or 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcstudy.models.arrays import FloatArray, as_matrices, frobenius, inner
from mcstudy.models.sensing.loss import (
    gradient_mean_square,
    loss_variance,
    sensing_gradient,
    sensing_loss,
    transverse,
)

__all__ = ["GradientErrors", "LossErrors", "gradient_errors", "loss_errors"]


class LossErrors(NamedTuple):
    """Errors of the loss.

    Attributes
    ----------
    relative : array, shape (size,)
        Lhat_n / E Lhat_n - 1: mean 0, root mean square sqrt(2/n).
    standardized : array, shape (size,)
        The error over the standard deviation of theory: variance 1.
    chi_square : array, shape (size,)
        2 L n Lhat_n / ||Delta||^2, of the chi-square law with n degrees of freedom.
    """

    relative: FloatArray
    standardized: FloatArray
    chi_square: FloatArray


class GradientErrors(NamedTuple):
    """Errors of the gradient.

    Attributes
    ----------
    along : array, shape (size,)
        Along Delta, over the standard deviation of any direction across it, ||Delta|| / (L sqrt n): variance 2.
    across : array, shape (size,)
        Along `mcstudy.models.sensing.loss.transverse`, in the same unit: variance 1.
    squared : array, shape (size,)
        The squared Frobenius norm of the error over its mean: mean 1.
    """

    along: FloatArray
    across: FloatArray
    squared: FloatArray


def loss_errors(delta: npt.ArrayLike, loss: FloatArray, *, depth: int, measurements: int) -> LossErrors:
    """Compare losses with their closed forms.

    Parameters
    ----------
    delta : array_like, shape (size, d, d)
        Nowhere zero.
    loss : array, shape (size,)
        Empirical losses.
    depth, measurements : int
        L and n.

    Returns
    -------
    LossErrors

    Raises
    ------
    ModelError
        If `delta` is no finite stack or a count is less than 1.
    """
    stack = as_matrices("delta", delta)
    expected = sensing_loss(stack, depth)
    error = loss - expected
    return LossErrors(
        relative=error / expected,
        standardized=error / np.sqrt(loss_variance(stack, depth, measurements)),
        chi_square=measurements * loss / expected,
    )


def gradient_errors(
    delta: npt.ArrayLike, gradient: FloatArray, *, depth: int, measurements: int
) -> GradientErrors:
    """Compare gradients with their closed forms.

    Parameters
    ----------
    delta : array_like, shape (size, d, d)
        Nowhere zero, symmetric or antisymmetric.
    gradient : array, shape (size, d, d)
        Empirical gradients.
    depth, measurements : int
        L and n.

    Returns
    -------
    GradientErrors

    Raises
    ------
    ModelError
        As `loss_errors`, and where a Delta spans no plane with its transpose.
    """
    stack = as_matrices("delta", delta)
    error = gradient - sensing_gradient(stack, depth)
    squared = gradient_mean_square(stack, depth, measurements)
    unit = np.sqrt(squared / (stack.shape[-1] ** 2 + 1))
    return GradientErrors(
        along=inner(error, stack) / (frobenius(stack) * unit),
        across=inner(error, transverse(stack)) / unit,
        squared=inner(error, error) / squared,
    )
