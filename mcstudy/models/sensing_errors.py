"""Errors of the empirical sensing loss and its gradient, in units that make their laws free of Delta.

Replicates draw a new Delta each. In these units they are identically distributed all the same, and the closed forms
of `mcstudy.models.sensing` become plain numbers: means 0, variances 1 or 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcstudy.models.sensing import (
    as_stack,
    expected_gradient,
    expected_loss,
    gradient_error,
    inner,
    loss_variance,
    transverse,
)

__all__ = ["GradientErrors", "LossErrors", "gradient_errors", "loss_errors"]

FloatArray = npt.NDArray[np.float64]


class LossErrors(NamedTuple):
    """Errors of the loss, each of shape (size,).

    Attributes
    ----------
    relative
        Lhat_n / E Lhat_n - 1: mean 0, root mean square sqrt(2/n).
    standardized
        The error over the standard deviation of theory: variance 1.
    chi_square
        2 L n Lhat_n / ||Delta||^2, of the chi-square law with n degrees of freedom.
    """

    relative: FloatArray
    standardized: FloatArray
    chi_square: FloatArray


class GradientErrors(NamedTuple):
    """Errors of the gradient, each of shape (size,).

    Attributes
    ----------
    along
        Along Delta, over the standard deviation of any direction across it, ||Delta|| / (L sqrt n): variance 2.
    across
        Along `mcstudy.models.sensing.transverse`, in the same unit: variance 1.
    squared
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
    loss : array of shape (size,)
    depth, measurements : int
        L and n.

    Raises
    ------
    ModelError
        If `delta` is no finite stack or a count is less than 1.
    """
    expected = expected_loss(delta, depth)
    error = loss - expected
    return LossErrors(
        relative=error / expected,
        standardized=error / np.sqrt(loss_variance(delta, depth, measurements)),
        chi_square=measurements * loss / expected,
    )


def gradient_errors(
    delta: npt.ArrayLike, gradient: FloatArray, *, depth: int, measurements: int
) -> GradientErrors:
    """Compare gradients, shape (size, d, d), with their closed forms.

    Parameters are those of `loss_errors`; no Delta may be symmetric.

    Raises
    ------
    ModelError
        As `loss_errors`, and where a Delta spans no plane with its transpose.
    """
    stack = as_stack("delta", delta)
    error = gradient - expected_gradient(stack, depth)
    squared = gradient_error(stack, depth, measurements)
    unit = np.sqrt(squared / (stack.shape[-1] ** 2 + 1))
    return GradientErrors(
        along=inner(error, stack) / (np.sqrt(inner(stack, stack)) * unit),
        across=inner(error, transverse(stack)) / unit,
        squared=inner(error, error) / squared,
    )
