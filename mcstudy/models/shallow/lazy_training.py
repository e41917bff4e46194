"""How far a trained network is from its linearization, and how little it moved (Problem 2 (c), (d)).

The error at the trained weights is oriented by the first label: `undershoot` is how much less of it the network reaches
than its linearization does. To leading order it is (1/2) sum_j a_j sigma''(z_j) u_j^2, which is odd in the signs a_j, has
mean zero and hides the mean of the rest. A second network, trained with all signs turned, has the opposite leading term:
the average of the `pair` has the same mean without it.
"""

from __future__ import annotations

import numpy as np

from mcstudy.models.arrays import FloatArray, frobenius
from mcstudy.models.shallow.activations import check_smooth
from mcstudy.models.shallow.initialization import Initialization
from mcstudy.models.shallow.networks import error_bound, network, preactivations
from mcstudy.models.shallow.training import Trained, tangent_kernel

__all__ = ["movements", "trained_errors"]


def trained_errors(
    initial: Initialization, X: FloatArray, y: FloatArray, trained: Trained, mirrored: Trained
) -> dict[str, FloatArray]:
    """Compare networks with their linearizations at the trained weights, on the first input.

    Parameters
    ----------
    initial : Initialization
        n networks, with the first input of each as `x`; any activation.
    X : array, shape (n, k, d)
        Inputs of the training.
    y : array, shape (n, k)
        Labels.
    trained, mirrored : Trained
        The networks after training, and those with outputs -a after theirs.

    Returns
    -------
    dict of arrays, shape (n,)
        `undershoot` and `pair`, see the module; `row_spread`, the sample standard deviation of the rows' errors, times
        sqrt m: while rows are independent and identically distributed, as after one step, its mean square is the
        variance of the error.
    """
    side = np.sign(y[:, 0])
    rows = initial.a * _row_errors(initial, trained.weights(initial.W0, X))
    # Outputs -a of the mirrored network turn the sign of its error; both signs cancel in `pair`.
    reflected = initial.a * _row_errors(initial, mirrored.weights(initial.W0, X))
    undershoot = -side * np.sum(rows, axis=-1)
    return {
        "undershoot": undershoot,
        "pair": 0.5 * (undershoot + side * np.sum(reflected, axis=-1)),
        "row_spread": np.sqrt(initial.width) * np.std(rows, axis=-1, ddof=1),
    }


def movements(initial: Initialization, X: FloatArray, trained: Trained) -> dict[str, FloatArray]:
    """Compare weights, tangent kernels and predictions with those at initialization.

    Parameters
    ----------
    initial : Initialization
        n networks, with the first input of each as `x`; a beta-smooth activation, so that there is a bound and the
        tangent kernel does not vanish.
    X : array, shape (n, k, d)
        Inputs of the training.
    trained : Trained
        The networks after training.

    Returns
    -------
    dict of arrays, shape (n,)
        `bound` of Problem 2 (c) at the trained weights; `movement`, ||W_T - W_0|| / ||W_0||; `kernel_movement`, the same for
        the tangent kernel on `X`; `departure`, the prediction of the network on the first input minus that of the
        linearization trained as long.

    Raises
    ------
    ModelError
        If the activation is not smooth.
    """
    a, W0, x, sigma = initial.a, initial.W0, initial.x, check_smooth(initial.sigma)
    W = trained.weights(W0, X)
    distance = frobenius(W - W0)
    theta0, theta = tangent_kernel(W0, a, X, sigma), tangent_kernel(W, a, X, sigma)
    risen = network(W, a, x, sigma) - network(W0, a, x, sigma)
    # The bound is that of outputs +-1/sqrt m; it is linear in their common size, which another scaling changes.
    size = np.abs(a[:, 0]) * np.sqrt(initial.width)
    return {
        "bound": size * error_bound(distance, x, initial.width, sigma),
        "movement": distance / frobenius(W0),
        "kernel_movement": frobenius(theta - theta0) / frobenius(theta0),
        "departure": risen - np.vecdot(theta0[:, 0], trained.linear),
    }


def _row_errors(initial: Initialization, W: FloatArray) -> FloatArray:
    """h(z_j, u_j) of each row, shape (n, m)."""
    return initial.sigma.remainder(initial.z0, preactivations(W, initial.x) - initial.z0)
