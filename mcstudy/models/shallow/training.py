"""Training a shallow network by gradient descent, and its linearization beside it at matched time (Problem 2 (d)).

Networks are centred: they predict g(x) = f(W; x) - f(W_0; x), so that training starts at zero whatever the draw and
the first step depends on the labels alone. The loss is (1/2) sum_i (g(x_i) - y_i)^2. Weights never leave W_0 plus
combinations of the inputs, W = W_0 + C X with C of shape (m, n), and descent runs on C:

    C_{ji} <- C_{ji} - step (g_i - y_i) a_j sigma'(w_j^T x_i)

The linearized network keeps sigma'(w_{0,j}^T x_i): its C_{ji} is b_i a_j sigma'(w_{0,j}^T x_i), with n numbers b.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_count, check_positive
from mcstudy.models.shallow.activations import Activation

__all__ = ["Trained", "tangent_kernel", "train"]


@dataclass(frozen=True)
class Trained:
    """Where gradient descent ended, one network for each leading index.

    Attributes
    ----------
    shift : array, shape (..., m, n)
        C: the weights are W_0 + C X.
    linear : array, shape (..., n)
        b: the linearized network at the same time predicts sum_i Theta_0(x, x_i) b_i.
    time : array, shape (...)
        Step size times steps, the last step counted by its fraction.
    loss : array, shape (...)
        Loss at the end.
    reached : array of bool, shape (...)
        Whether the wanted loss was reached.
    """

    shift: FloatArray
    linear: FloatArray
    time: FloatArray
    loss: FloatArray
    reached: npt.NDArray[np.bool_]

    def weights(self, W0: FloatArray, X: FloatArray) -> FloatArray:
        """W_0 + C X, shape (..., m, d)."""
        return W0 + self.shift @ X


def tangent_kernel(W: FloatArray, a: FloatArray, X: FloatArray, sigma: Activation) -> FloatArray:
    """Theta_{ik} = <grad f(W; x_i), grad f(W; x_k)> = x_i^T x_k sum_j a_j^2 sigma'(w_j^T x_i) sigma'(w_j^T x_k).

    Parameters
    ----------
    W : array, shape (..., m, d)
        Weights.
    a : array, shape (..., m)
        Outputs.
    X : array, shape (..., n, d)
        Inputs, one a row.
    sigma : Activation

    Returns
    -------
    array, shape (..., n, n)
    """
    slopes = a[..., None] * sigma.slope(W @ X.mT)
    return (X @ X.mT) * (slopes.mT @ slopes)


def train(
    W0: FloatArray,
    a: FloatArray,
    X: FloatArray,
    y: FloatArray,
    sigma: Activation,
    *,
    step: float,
    steps: int,
    loss: npt.ArrayLike = 0.0,
) -> Trained:
    """Train centred networks until the loss falls to `loss`, for `steps` steps at most.

    The last step is shortened, by linear interpolation of log loss, so that the loss ends at `loss`.

    Parameters
    ----------
    W0 : array, shape (..., m, d)
        Weights at the start.
    a : array, shape (..., m)
        Outputs.
    X : array, shape (..., n, d)
        Inputs, one a row.
    y : array, shape (..., n)
        Labels.
    sigma : Activation
    step : float
        Step size. With outputs +-1/m (mean-field scaling) it must grow as m to keep pace.
    steps : int
        Limit on the steps.
    loss : array_like, shape (...)
        Loss to stop at; 0 runs all steps.

    Returns
    -------
    Trained

    Raises
    ------
    ModelError
        If `step` is not positive, `steps` is below 1, or the labels of a network are all zero.
    """
    _check(y, step, steps)
    wanted = np.asarray(loss, dtype=np.float64)
    # Only preactivations enter, and (W_0 + C X) X^T = z_0 + C X X^T: no weights are formed on the way.
    gram, z0 = X @ X.mT, W0 @ X.mT
    theta, start = tangent_kernel(W0, a, X, sigma), sigma.value(z0)
    front = np.broadcast_shapes(z0.shape[:-2], y.shape[:-1])
    z, shift, time = z0, np.zeros(front + z0.shape[-2:]), np.zeros(front)
    linear, residual = np.zeros(front + y.shape[-1:]), np.broadcast_to(-y, front + y.shape[-1:])
    current = _half_square(residual)
    for _ in range(steps):
        change = (-step * residual)[..., None, :] * a[..., None] * sigma.slope(z)
        z = z0 + (shift + change) @ gram
        residual = _predictions(sigma.value(z) - start, a) - y
        after = _half_square(residual)
        part = _fraction(current, after, wanted)
        shift += part[..., None, None] * change
        linear -= step * part[..., None] * ((theta @ linear[..., None])[..., 0] - y)
        time += step * part
        current = np.where(part < 1.0, wanted, after)
        if np.all(current <= wanted):
            break
    reached = current <= wanted
    # The interpolated step is not exact: the loss reported is that of the weights returned.
    end = _predictions(sigma.value(z0 + shift @ gram) - start, a) - y
    return Trained(shift, linear, time, _half_square(end), reached)


def _fraction(before: FloatArray, after: FloatArray, wanted: FloatArray) -> FloatArray:
    """How much of a step to take: all, what brings the loss to `wanted`, or nothing where it is there already."""
    # Where no step crosses `wanted`, the ratio is not read.
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.log(before / wanted) / np.log(before / after)
    whole = np.where(before > wanted, 1.0, 0.0)
    return np.where((before > wanted) & (after < wanted), crossing, whole)


def _predictions(rise: FloatArray, a: FloatArray) -> FloatArray:
    """What centred networks predict, shape (..., n), from the rise of sigma since the start, shape (..., m, n)."""
    return np.asarray((a[..., None, :] @ rise)[..., 0, :])


def _half_square(residual: FloatArray) -> FloatArray:
    return 0.5 * np.asarray(np.vecdot(residual, residual))


def _check(y: FloatArray, step: float, steps: int) -> None:
    check_positive("step", step)
    check_count("steps", steps)
    silent = np.count_nonzero(~np.any(y != 0.0, axis=-1))
    if silent:
        msg = (
            f"`y` must not be all zero, got {silent} networks without a label; "
            "a centred network predicts zero from the start and has nothing to learn"
        )
        raise ModelError(msg)
