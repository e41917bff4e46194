"""What is measured on networks moved away from their start: both sides of every statement of Problem 2 (a)-(d).

A way to move is called

worst
    the displacement of norm R with the largest error, by a certified primal-dual bracket
isotropic, gaussian
    a random direction: at norm R exactly, and with iid entries of variance R^2/(m d)
gradient
    along grad f(W_0), at norm R
near, independent
    two points V and W, for the bound as printed: W close to V, and W and V drawn independently
infinitesimal
    difference quotients for the gradient; the forms of the linearization

and each measures columns of its own, of shape (n,) for n networks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mcstudy.exceptions import ModelError
from mcstudy.models import displacements as move
from mcstudy.models import shallow
from mcstudy.models.activations import Array
from mcstudy.models.displacements import Start

__all__ = ["COLUMNS", "measure"]

Columns = dict[str, Array]

ERRORS = ("error", "scaled_error", "bound", "reduced_bound", "rounding", "ratio", "shortfall")
COLUMNS = (
    *ERRORS,
    *("ceiling", "gap", "scaled_spread", "printed_error", "printed_bound"),
    *("gradient_residual", "slopeless_residual", "formula_residual", "printed_formula_residual"),
)
NEAR = 1e-3  # ||W - V|| in units of R
REDUCED = 0.9  # of beta/2, in the control


def measure(rng: np.random.Generator, start: Start, displacement: str, radius: float) -> Columns:
    """Move networks and measure them; all `COLUMNS`, those that the displacement does not have being 0.

    Parameters
    ----------
    rng
        For random displacements.
    start
        n networks.
    displacement
        A way to move: see the module.
    radius
        R.

    Returns
    -------
    dict of arrays of shape (n,)
        `error` |f(W) - f_0(W)|, its `bound`, their `ratio` and its `shortfall` from 1, the `reduced_bound` with a constant
        that is too small, `rounding` of the error; `scaled_error` over ||x||^2, like `scaled_spread`, the error's root
        mean square over the signs; `ceiling` of the worst displacement and its relative `gap`; both sides of the bound as
        printed; relative residuals of the formulas.

    Raises
    ------
    ModelError
        If there is no such displacement.
    """
    if displacement not in _MEASURES:
        msg = f"`displacement` must be one of {', '.join(_MEASURES)}; got {displacement!r}"
        raise ModelError(msg)
    return {name: np.zeros(len(start.a)) for name in COLUMNS} | _MEASURES[displacement](rng, start, radius)


def _worst(rng: np.random.Generator, start: Start, radius: float) -> Columns:
    V, ceiling = move.worst(start, radius)
    columns = _errors(start, V)
    return columns | {"ceiling": ceiling, "gap": ceiling / columns["error"] - 1.0}


def _isotropic(rng: np.random.Generator, start: Start, radius: float) -> Columns:
    V = move.isotropic(rng, start, radius)
    return _errors(start, V) | _spread(start, V)


def _gaussian(rng: np.random.Generator, start: Start, radius: float) -> Columns:
    V = move.gaussian(rng, start, radius)
    return _errors(start, V) | _spread(start, V)


def _gradient(rng: np.random.Generator, start: Start, radius: float) -> Columns:
    return _errors(start, move.along_gradient(start, radius))


def _errors(start: Start, V: Array) -> Columns:
    found = move.compare(start, V)
    ratio = found.error / found.bound
    scaled = found.error / shallow.squared_norm(start.x)
    values = (found.error, scaled, found.bound, REDUCED * found.bound, found.rounding, ratio, 1.0 - ratio)
    return dict(zip(ERRORS, values, strict=True))


def _spread(start: Start, V: Array) -> Columns:
    return {"scaled_spread": move.conditional_rms(start, V) / shallow.squared_norm(start.x)}


def _near(rng: np.random.Generator, start: Start, radius: float) -> Columns:
    V = start.W0 + move.isotropic(rng, start, radius)
    return _printed(start, V, V + move.isotropic(rng, start, NEAR * radius))


def _independent(rng: np.random.Generator, start: Start, radius: float) -> Columns:
    V, W = rng.standard_normal((2, *start.W0.shape))
    return _printed(start, V, W)


def _printed(start: Start, V: Array, W: Array) -> Columns:
    """Both sides of |f(W) - f_0(V)| <= beta/(2 sqrt m) ||W - V||^2 ||x||^2."""
    f = shallow.network(W, start.a, start.x, start.sigma)
    f0 = shallow.linearization(V, start.W0, start.a, start.x, start.sigma)
    bound = shallow.bound(move.norm(W - V), start.x, start.width, start.sigma)
    return {"printed_error": np.abs(f - f0), "printed_bound": bound}


def _infinitesimal(rng: np.random.Generator, start: Start, radius: float) -> Columns:
    a, W0, x, sigma = start.a, start.W0, start.x, start.sigma
    V = rng.standard_normal(W0.shape)
    slope = move.difference_quotient(lambda h: shallow.network(W0 + h * V, a, x, sigma))
    scale = np.sum(np.abs(a), axis=-1) * np.sqrt(shallow.squared_norm(x))
    f0 = shallow.linearization(W0 + V, W0, a, x, sigma)
    by_rows = shallow.linearization_by_rows(W0 + V, W0, a, x, sigma)
    size = move.size_of_terms(start, V)
    return {
        "gradient_residual": np.abs(move.inner(shallow.gradient(W0, a, x, sigma), V) - slope) / scale,
        "slopeless_residual": np.abs(move.inner(a[..., None] * x[..., None, :], V) - slope) / scale,
        "formula_residual": np.abs(by_rows - f0) / size,
        "printed_formula_residual": np.abs(move.linearization_as_printed(start, V) - f0) / size,
    }


_MEASURES: dict[str, Callable[[np.random.Generator, Start, float], Columns]] = {
    "worst": _worst,
    "isotropic": _isotropic,
    "gaussian": _gaussian,
    "gradient": _gradient,
    "near": _near,
    "independent": _independent,
    "infinitesimal": _infinitesimal,
}
