"""How far moved networks are from their linearizations: both sides of the statements of Problem 2 (a)-(d).

Each function measures what one kind of experiment needs, as a dictionary of columns, arrays of shape (n,) for n
networks. `error` is |f(W) - f_0(W)| and `bound` what (c) says it never exceeds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.fills import fill
from mcstudy.models.arrays import FloatArray, frobenius, inner
from mcstudy.models.checks import check_choice
from mcstudy.models.shallow import displacements, networks
from mcstudy.models.shallow.initialization import Initialization

__all__ = [
    "AVERAGED",
    "MOVES",
    "POINTS",
    "averaged_errors",
    "formula_residuals",
    "moved_errors",
    "printed_bound_errors",
    "printed_formula_residuals",
    "sign_averaged_rms",
    "worst_errors",
]

Columns: TypeAlias = dict[str, FloatArray]
Move: TypeAlias = Callable[[np.random.Generator, Initialization, float], FloatArray]

EPS = float(np.finfo(np.float64).eps)
NEAR = 1e-3  # ||W - V|| in units of R
STEP = 1e-4  # of differences of fourth order: truncation h^4/30 and rounding eps/h are both below 1e-11

AVERAGED: dict[str, Move] = {"isotropic": displacements.isotropic, "gaussian": displacements.gaussian}
MOVES: dict[str, Move] = {
    "worst": lambda _, initial, radius: displacements.worst(initial, radius)[0],
    **AVERAGED,
    "gradient": lambda _, initial, radius: displacements.along_gradient(initial, radius),
}
POINTS = ("near", "independent")


def moved_errors(
    rng: np.random.Generator, initial: Initialization, displacement: str, radius: float
) -> Columns:
    """Move networks in one of the ways of `mcstudy.models.shallow.displacements` and measure error and bound.

    Parameters
    ----------
    rng : numpy.random.Generator
        For random displacements.
    initial : Initialization
        n networks with a beta-smooth activation.
    displacement : {"worst", "isotropic", "gaussian", "gradient"}
    radius : float
        R.

    Returns
    -------
    dict of arrays, shape (n,)
        `error`; `scaled_error`, over ||x||^2; `bound`; `rounding`, a limit on the rounding of `error`; `ratio` of error
        to bound.

    Raises
    ------
    ModelError
        If there is no such displacement, the activation is not smooth or the radius not positive.
    """
    move = MOVES[check_choice("displacement", displacement, MOVES)]
    return _errors(initial, move(rng, initial, radius))


def worst_errors(initial: Initialization, radius: float) -> Columns:
    """Move networks to the largest error in a ball, and certify that it is the largest (Problem 2 (c), sharpness).

    Parameters
    ----------
    initial : Initialization
        n networks with a beta-smooth activation.
    radius : float
        R.

    Returns
    -------
    dict of arrays, shape (n,)
        The columns of `moved_errors`; `shortfall`, what the ratio lacks to 1; `ceiling`, which no displacement exceeds;
        `gap`, by how much the ceiling exceeds the error, relatively.

    Raises
    ------
    ModelError
        If the activation is not smooth or the radius not positive.
    """
    V, ceiling = displacements.worst(initial, radius)
    columns = _errors(initial, V)
    certificate = {"ceiling": ceiling, "gap": ceiling / columns["error"] - 1.0}
    return columns | {"shortfall": 1.0 - columns["ratio"]} | certificate


def averaged_errors(
    rng: np.random.Generator, initial: Initialization, displacement: str, radius: float
) -> Columns:
    """Move networks without regard to their signs, and average over these exactly.

    Parameters
    ----------
    rng : numpy.random.Generator
    initial : Initialization
        n networks with a beta-smooth activation.
    displacement : {"isotropic", "gaussian"}
    radius : float
        R.

    Returns
    -------
    dict of arrays, shape (n,)
        The columns of `moved_errors`; `scaled_spread`, the error's root mean square over the signs, over ||x||^2.

    Raises
    ------
    ModelError
        If there is no such displacement or the activation is not smooth.
    """
    V = AVERAGED[check_choice("displacement", displacement, AVERAGED)](rng, initial, radius)
    spread = sign_averaged_rms(initial, V) / networks.squared_norm(initial.x)
    return _errors(initial, V) | {"scaled_spread": spread}


def sign_averaged_rms(initial: Initialization, V: FloatArray) -> FloatArray:
    """Root mean square of the error over the signs of a, given all else: sqrt(sum_j a_j^2 h_j^2).

    For displacements that do not depend on the signs its mean square is that of the error, at far less variance.

    Parameters
    ----------
    initial : Initialization
        n networks.
    V : array, shape (n, m, d)
        Displacements.

    Returns
    -------
    array, shape (n,)
    """
    h = initial.sigma.remainder(initial.z0, networks.preactivations(V, initial.x))
    return np.asarray(np.sqrt(np.vecdot(initial.a**2, h**2)))


def formula_residuals(rng: np.random.Generator, initial: Initialization) -> Columns:
    """Compare the gradient with difference quotients, and the linearization's two forms (Problem 2 (a), (b)).

    Parameters
    ----------
    rng : numpy.random.Generator
        For the direction of each network.
    initial : Initialization
        n networks.

    Returns
    -------
    dict of arrays, shape (n,)
        `gradient_residual` of D a x^T, and `slopeless_residual` of a x^T, over sum_j |a_j| ||x||;
        `formula_residual` of the linearization written by rows, over the sizes of all its terms.
    """
    a, W0, x, sigma = initial.a, initial.W0, initial.x, initial.sigma
    V = fill(rng, np.empty(W0.shape))
    slope = _difference_quotient(lambda h: networks.network(W0 + h * V, a, x, sigma))
    scale = np.sum(np.abs(a), axis=-1) * np.sqrt(networks.squared_norm(x))
    slopeless = a[..., None] * x[..., None, :]
    return {
        "gradient_residual": np.abs(inner(networks.gradient(W0, a, x, sigma), V) - slope) / scale,
        "slopeless_residual": np.abs(inner(slopeless, V) - slope) / scale,
        "formula_residual": _form_residual(
            initial, V, networks.linearization_by_rows(W0 + V, W0, a, x, sigma)
        ),
    }


def printed_formula_residuals(rng: np.random.Generator, initial: Initialization) -> Columns:
    """Compare Problem 2 (b) as printed, sigma'(w_{0,j}) in place of sigma'(w_{0,j}^T x), with the linearization.

    Parameters
    ----------
    rng : numpy.random.Generator
        For the displacement of each network.
    initial : Initialization
        n networks on inputs of one entry: for d > 1 the printed slope is no number.

    Returns
    -------
    dict of arrays, shape (n,)
        `printed_formula_residual`, over the sizes of all its terms.

    Raises
    ------
    ModelError
        If d is not 1.
    """
    if initial.x.shape[-1] != 1:
        msg = (
            f"`x` must have one entry for sigma'(w_0j) to be a number, got {initial.x.shape[-1]}; take d = 1"
        )
        raise ModelError(msg)
    V = fill(rng, np.empty(initial.W0.shape))
    z0, z = initial.z0, networks.preactivations(initial.W0 + V, initial.x)
    slope = initial.sigma.slope(initial.W0[..., 0])
    printed = np.vecdot(initial.a, initial.sigma.value(z0) - slope * z0 + slope * z)
    return {"printed_formula_residual": _form_residual(initial, V, printed)}


def printed_bound_errors(
    rng: np.random.Generator, initial: Initialization, points: str, radius: float
) -> Columns:
    """Both sides of (c) as printed, |f(W) - f_0(V)| <= beta/(2 sqrt m) ||W - V||^2 ||x||^2.

    Parameters
    ----------
    rng : numpy.random.Generator
    initial : Initialization
        n networks with a beta-smooth activation.
    points : {"near", "independent"}
        V at distance R of W_0 and W a thousandth of that from V, or both drawn independently.
    radius : float
        R, for points that are near.

    Returns
    -------
    dict of arrays, shape (n,)
        `printed_error` and `printed_bound`.

    Raises
    ------
    ModelError
        If there are no such points or the activation is not smooth.
    """
    a, x, sigma = initial.a, initial.x, initial.sigma
    if check_choice("points", points, POINTS) == "near":
        V = initial.W0 + displacements.isotropic(rng, initial, radius)
        W = V + displacements.isotropic(rng, initial, NEAR * radius)
    else:
        # On the scale of W_0 itself, so that ||W - V||^2 is of order m d and the bound is far away.
        V, W = fill(rng, np.empty((2, *initial.W0.shape)))
    error = networks.network(W, a, x, sigma) - networks.linearization(V, initial.W0, a, x, sigma)
    bound = networks.error_bound(frobenius(W - V), x, initial.width, sigma)
    return {"printed_error": np.abs(error), "printed_bound": bound}


def _errors(initial: Initialization, V: FloatArray) -> Columns:
    """The columns of `moved_errors` at W_0 + V."""
    z = networks.preactivations(initial.W0 + V, initial.x)
    error = np.abs(networks.linearization_error(z, initial.z0, initial.a, initial.sigma))
    bound = networks.error_bound(frobenius(V), initial.x, initial.width, initial.sigma)
    return {
        "error": error,
        "scaled_error": error / networks.squared_norm(initial.x),
        "bound": bound,
        # Every term carries a few units in its last place, pairwise sums a few more.
        "rounding": 16 * EPS * _size_of_terms(initial, V),
        "ratio": error / bound,
    }


def _form_residual(initial: Initialization, V: FloatArray, form: FloatArray) -> FloatArray:
    """What a form of f_0(W_0 + V) lacks to the definition, over the sizes of all terms."""
    f0 = networks.linearization(initial.W0 + V, initial.W0, initial.a, initial.x, initial.sigma)
    return np.asarray(np.abs(form - f0) / _size_of_terms(initial, V))


def _size_of_terms(initial: Initialization, V: FloatArray) -> FloatArray:
    """Sum of the sizes of all terms of f(W) - f_0(W), shape (n,): what its rounding is relative to."""
    sigma, z0, z = initial.sigma, initial.z0, networks.preactivations(initial.W0 + V, initial.x)
    lines = np.abs(sigma.slope(z0)) * (np.abs(z) + np.abs(z0))
    terms = np.abs(sigma.value(z)) + np.abs(sigma.value(z0)) + lines
    return np.asarray(np.vecdot(np.abs(initial.a), terms))


def _difference_quotient(f: Callable[[float], FloatArray]) -> FloatArray:
    """f'(0) by central differences of fourth order."""
    near, far = f(STEP) - f(-STEP), f(2 * STEP) - f(-2 * STEP)
    return np.asarray((8.0 * near - far) / (12.0 * STEP))
