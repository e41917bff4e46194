"""Training a shallow network by gradient descent, and its linearization beside it at matched time (Problem 2 (d)).

Networks are centred: they predict g(x) = f(W; x) - f(W_0; x), so that training starts at zero whatever the draw and
the first step depends on the labels alone. The loss is (1/2) sum_i (g(x_i) - y_i)^2. Weights never leave W_0 plus
combinations of the inputs, W = W_0 + C X with C of shape (m, n), and descent runs on C:

    C_{ji} <- C_{ji} - step (g_i - y_i) a_j sigma'(w_j^T x_i)

The linearized network keeps sigma'(w_{0,j}^T x_i): its C_{ji} is b_i a_j sigma'(w_{0,j}^T x_i), with n numbers b.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.exceptions import ModelError
from mcstudy.models.activations import Activation, Array

__all__ = ["Trained", "tangent_kernel", "train"]


@dataclass(frozen=True)
class Trained:
    """Where gradient descent ended, one network for each leading index.

    Attributes
    ----------
    shift
        C of shape (..., m, n): the weights are W_0 + C X.
    linear
        b of shape (..., n): the linearized network at the same time predicts sum_i Theta_0(x, x_i) b_i.
    time
        Step size times steps, the last step counted by its fraction; shape (...).
    loss
        Loss at the end, shape (...).
    reached
        Whether the wanted loss was reached, shape (...).
    """

    shift: Array
    linear: Array
    time: Array
    loss: Array
    reached: NDArray[np.bool_]

    def weights(self, W0: Array, X: Array) -> Array:
        """W_0 + C X, shape (..., m, d)."""
        return W0 + self.shift @ X


def tangent_kernel(W: Array, a: Array, X: Array, sigma: Activation) -> Array:
    """Return Theta_{ik} = <grad f(W; x_i), grad f(W; x_k)> = x_i^T x_k sum_j a_j^2 sigma'_ji sigma'_jk, (..., n, n)."""
    slopes = a[..., None] * sigma.slope(W @ _transposed(X))
    return (X @ _transposed(X)) * (_transposed(slopes) @ slopes)


def train(
    W0: Array,
    a: Array,
    X: Array,
    y: Array,
    sigma: Activation,
    *,
    step: float,
    steps: int,
    loss: ArrayLike = 0.0,
) -> Trained:
    """Train centred networks until the loss falls to `loss`, for `steps` steps at most.

    The last step is shortened, by linear interpolation of log loss, so that the loss ends at `loss`.

    Parameters
    ----------
    W0, a
        Weights (..., m, d) and outputs (..., m) at the start.
    X, y
        Inputs (..., n, d) and labels (..., n).
    sigma
        Activation.
    step
        Step size, positive. With outputs +-1/m (mean-field scaling) it must grow as m to keep pace.
    steps
        Limit on the steps.
    loss
        Loss to stop at, a number or one for each network; 0 runs all steps.

    Raises
    ------
    ModelError
        If `step` is not positive, `steps` is below 1, or the labels of a network are all zero.
    """
    _check(y, step, steps)
    wanted = np.asarray(loss, dtype=np.float64)
    gram, z0 = X @ _transposed(X), W0 @ _transposed(X)
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
    end = _predictions(sigma.value(z0 + shift @ gram) - start, a) - y
    return Trained(shift, linear, time, _half_square(end), reached)


def _fraction(before: Array, after: Array, wanted: Array) -> Array:
    """How much of a step to take: all, what brings the loss to `wanted`, or nothing where it is there already."""
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # where no step crosses `wanted`, the ratio is not read
        crossing = np.log(before / wanted) / np.log(before / after)
    whole = np.where(before > wanted, 1.0, 0.0)
    return np.where((before > wanted) & (after < wanted), crossing, whole)


def _predictions(rise: Array, a: Array) -> Array:
    return (a[..., None, :] @ rise)[..., 0, :]


def _half_square(residual: Array) -> Array:
    return 0.5 * np.asarray(np.vecdot(residual, residual))


def _transposed(A: Array) -> Array:
    return np.swapaxes(A, -1, -2)


def _check(y: Array, step: float, steps: int) -> None:
    if not step > 0:
        msg = f"`step` must be positive; got {step}"
        raise ModelError(msg)
    if steps < 1:
        msg = f"`steps` must be at least 1; got {steps}"
        raise ModelError(msg)
    if not np.all(np.any(y != 0.0, axis=-1)):
        msg = "`y` must not be all zero: a centred network predicts zero from the start and has nothing to learn"
        raise ModelError(msg)
