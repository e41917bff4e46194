"""How far a trained network is from its linearization, in every sense of Problem 2 (d).

The error at the trained weights is oriented by the first label: `undershoot` is how much less of it the network reaches
than its linearization does. To leading order it is (1/2) sum_j a_j sigma''(z_j) u_j^2, which is odd in the signs a_j, has
mean zero and hides the mean of the rest. A second network, trained with all signs turned, has the opposite leading term:
the average of the `pair` has the same mean without it.
"""

from __future__ import annotations

import numpy as np

from mcstudy.models import shallow
from mcstudy.models.activations import Activation, Array
from mcstudy.models.displacements import Start, norm
from mcstudy.models.training import Trained, tangent_kernel

__all__ = ["departures"]


def departures(start: Start, X: Array, y: Array, trained: Trained, mirrored: Trained) -> dict[str, Array]:
    """Compare trained networks with their linearizations, at the first input.

    Parameters
    ----------
    start
        n networks at initialization, with the first input as `x`.
    X, y
        Inputs (n, k, d) and labels (n, k) of the training.
    trained, mirrored
        The networks after training, and those with outputs -a after theirs.

    Returns
    -------
    dict of arrays of shape (n,)
        undershoot, pair
            see the module
        row_spread
            sample standard deviation of the rows' errors, times sqrt m: while rows are independent and identically
            distributed, as after one step, its mean square is the variance of the error
        bound
            of Problem 2 (c) at the trained weights; 0 for an activation that has none
        movement, kernel_movement
            ||W_T - W_0|| / ||W_0||, and the same for the tangent kernel on `X`; 0 for a network of dead ReLU rows only,
            which has no tangent kernel and never moves
        departure
            prediction of the network minus that of the linearization trained as long
    """
    a, W0, x, sigma = start.a, start.W0, start.x, start.sigma
    W, side = trained.weights(W0, X), np.sign(y[:, 0])
    rows = a * _row_errors(W, start)
    undershoot = -side * np.sum(rows, axis=-1)
    reflected = side * np.sum(a * _row_errors(mirrored.weights(W0, X), start), axis=-1)
    theta0, theta = tangent_kernel(W0, a, X, sigma), tangent_kernel(W, a, X, sigma)
    risen = shallow.network(W, a, x, sigma) - shallow.network(W0, a, x, sigma)
    return {
        "undershoot": undershoot,
        "pair": 0.5 * (undershoot + reflected),
        "row_spread": np.sqrt(start.width) * np.std(rows, axis=-1, ddof=1),
        "bound": _bound(start, norm(W - W0), sigma),
        "movement": norm(W - W0) / norm(W0),
        "kernel_movement": _relative(theta, theta0),
        "departure": risen - np.vecdot(theta0[:, 0], trained.linear),
    }


def _row_errors(W: Array, start: Start) -> Array:
    """h(z_j, u_j) of each row, shape (n, m)."""
    return start.sigma.remainder(start.z0, shallow.preactivations(W, start.x) - start.z0)


def _relative(theta: Array, theta0: Array) -> Array:
    size = norm(theta0)
    return np.asarray(np.divide(norm(theta - theta0), size, out=np.zeros_like(size), where=size > 0))


def _bound(start: Start, distance: Array, sigma: Activation) -> Array:
    """The bound for outputs of any common size |a_j|, of which 1/sqrt m is one."""
    if not sigma.smooth:
        return np.zeros_like(distance)
    size = np.abs(start.a[:, 0]) * np.sqrt(start.width)
    return np.asarray(size * shallow.bound(distance, start.x, start.width, sigma))
