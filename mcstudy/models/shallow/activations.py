"""Activation functions with two derivatives and the smoothness constant beta, stable for |z| up to 700.

An activation is beta-smooth when its first derivative is beta-Lipschitz; where the second derivative exists
everywhere, beta = sup |sigma''|. An activation of one's own is an `Activation(...)`: its construction refuses
derivatives that do not belong together and a beta smaller than what is observed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import special

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_choice

__all__ = ["Activation", "activation", "activations", "check_smooth"]

Function: TypeAlias = Callable[[FloatArray], FloatArray]

# Differences of doubles over this step carry rounding of about 1e-13.
_STEP = 1e-3
_NEAR_ZERO = np.geomspace(1e-9, 1e-2, 50)  # where a kink is likely
_PROBES = np.sort(np.concatenate([np.linspace(-12.0, 12.0, 4801), _NEAR_ZERO, -_NEAR_ZERO]))


@dataclass(frozen=True)
class Activation:
    """An activation sigma with its derivatives.

    Parameters
    ----------
    name : str
        What messages and figures call it.
    value, slope, curvature : callable
        sigma, sigma' and sigma'', elementwise on float64 arrays of any shape.
    beta : float
        Lipschitz constant of sigma'; `math.inf` where there is none.
    source : str
        Where beta comes from, in words: the point at which |sigma''| attains it.

    Raises
    ------
    ModelError
        If beta is not positive, if `slope` is not the derivative of `value`, or if sigma' varies faster than
        beta allows. The message gives the point.

    Examples
    --------
    >>> cubic = Activation("tamed cube", lambda z: z - np.sin(z), lambda z: 1 - np.cos(z), np.sin, 1.0, "z = pi/2")
    >>> cubic.smooth
    True
    """

    name: str
    value: Function
    slope: Function
    curvature: Function
    beta: float
    source: str

    def __post_init__(self) -> None:
        if not self.beta > 0:
            msg = f"`beta` of {self.name!r} must be positive, got {self.beta!r}; a kink has math.inf"
            raise ModelError(msg)
        self._refuse_wrong_derivative("slope", "value")
        if self.smooth:
            self._refuse_small_beta()
            self._refuse_wrong_derivative("curvature", "slope")

    @property
    def smooth(self) -> bool:
        """Whether sigma' is Lipschitz, so that the quadratic bound applies."""
        return math.isfinite(self.beta)

    def remainder(self, z: FloatArray, u: FloatArray) -> FloatArray:
        """h(z, u) = sigma(z + u) - sigma(z) - sigma'(z) u, the error of the tangent at `z`, elementwise."""
        return self.value(z + u) - self.value(z) - self.slope(z) * u

    def _refuse_wrong_derivative(self, derivative: str, function: str) -> None:
        """Refuse a stated derivative that lies outside the two one-sided difference quotients."""
        f, stated = getattr(self, function), getattr(self, derivative)(_PROBES)
        here = f(_PROBES)
        left, right = (here - f(_PROBES - _STEP)) / _STEP, (f(_PROBES + _STEP) - here) / _STEP
        low, high = np.minimum(left, right), np.maximum(left, right)
        # Half a step of third derivatives of order one, and of functions that grow.
        allowed = _STEP * (1.0 + np.abs(left) + np.abs(right))
        excess = np.maximum(low - stated, stated - high) - allowed
        worst = int(np.argmax(excess))
        if excess[worst] > 0:
            msg = (
                f"`{derivative}` of {self.name!r} must be the derivative of `{function}`, got {stated[worst]:.6g} "
                f"at z = {_PROBES[worst]:.6g}; differences give {low[worst]:.6g} to {high[worst]:.6g}"
            )
            raise ModelError(msg)

    def _refuse_small_beta(self) -> None:
        """Compare beta with |sigma''| and with difference quotients of sigma', either of which it must exceed."""
        quotient = np.abs(self.slope(_PROBES + _STEP) - self.slope(_PROBES)) / _STEP
        observed = np.maximum(quotient, np.abs(self.curvature(_PROBES)))
        worst = int(np.argmax(observed))
        # Rounding of the quotient: a few 1e-16 |sigma'| over the step.
        rounding = 1e-12 * (1.0 + abs(float(self.slope(_PROBES[worst : worst + 1])[0])))
        if observed[worst] > self.beta + rounding:
            msg = (
                f"`beta` of {self.name!r} must be at least sup |sigma''|, got {self.beta:.6g}; sigma' varies at "
                f"rate {observed[worst]:.6g} at z = {_PROBES[worst]:.6g}, state a larger beta"
            )
            raise ModelError(msg)


def activation(name: str) -> Activation:
    """The activation of a name.

    Parameters
    ----------
    name : str
        One of `activations()`.

    Raises
    ------
    ModelError
        If there is none; the message lists those there are.

    Examples
    --------
    >>> round(activation("tanh").beta, 4)
    0.7698
    """
    return _REGISTRY[check_choice("activation", name, _REGISTRY)]


def activations(*, smooth: bool | None = None) -> tuple[str, ...]:
    """Names of the known activations, all or only the (non-)smooth ones."""
    return tuple(name for name, known in _REGISTRY.items() if smooth is None or known.smooth == smooth)


def check_smooth(sigma: Activation) -> Activation:
    """A beta-smooth activation.

    Raises
    ------
    ModelError
        If sigma' is not Lipschitz.
    """
    if not sigma.smooth:
        msg = (
            f"`activation` must be beta-smooth for the bound, got {sigma.name!r} without a finite beta "
            f"({sigma.source}); take one of {', '.join(activations(smooth=True))}"
        )
        raise ModelError(msg)
    return sigma


def _sech2(z: FloatArray) -> FloatArray:
    """1 / cosh(z)^2 without the overflow of cosh and without the cancellation of 1 - tanh^2."""
    e = np.exp(-2.0 * np.abs(z))
    return 4.0 * e / (1.0 + e) ** 2


def _bell(z: FloatArray) -> FloatArray:
    """Derivative of the logistic function."""
    return special.expit(z) * special.expit(-z)


def _density(z: FloatArray) -> FloatArray:
    """Density of the standard normal law."""
    return np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def _log_cosh(z: FloatArray) -> FloatArray:
    size = np.abs(z)
    near = np.log1p(2.0 * np.sinh(0.5 * np.minimum(size, 1.0)) ** 2)
    far = size + np.log1p(np.exp(-2.0 * size)) - math.log(2.0)
    return np.where(size < 1.0, near, far)


def _silu_slope(z: FloatArray) -> FloatArray:
    return special.expit(z) * (1.0 + z * special.expit(-z))


def _silu_curvature(z: FloatArray) -> FloatArray:
    return _bell(z) * (2.0 - z * np.tanh(0.5 * z))


_TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)

_KNOWN = (
    Activation(
        "tanh",
        np.tanh,
        _sech2,
        lambda z: -2.0 * np.tanh(z) * _sech2(z),
        4.0 / (3.0 * math.sqrt(3.0)),
        "4/(3 sqrt 3), at tanh z = 1/sqrt 3",
    ),
    Activation(
        "logistic",
        special.expit,
        _bell,
        lambda z: -np.tanh(0.5 * z) * _bell(z),
        1.0 / (6.0 * math.sqrt(3.0)),
        "1/(6 sqrt 3), at tanh(z/2) = 1/sqrt 3",
    ),
    Activation("softplus", lambda z: np.logaddexp(0.0, z), special.expit, _bell, 0.25, "1/4, at z = 0"),
    Activation(
        "erf",
        special.erf,
        lambda z: _TWO_OVER_ROOT_PI * np.exp(-z * z),
        lambda z: -2.0 * _TWO_OVER_ROOT_PI * z * np.exp(-z * z),
        2.0 * math.sqrt(2.0 / (math.pi * math.e)),
        "2 sqrt 2/sqrt(pi e), at z = 1/sqrt 2",
    ),
    Activation(
        "gelu",
        lambda z: z * special.ndtr(z),
        lambda z: special.ndtr(z) + z * _density(z),
        lambda z: (2.0 - z * z) * _density(z),
        math.sqrt(2.0 / math.pi),
        "sqrt(2/pi), at z = 0",
    ),
    Activation("silu", lambda z: z * special.expit(z), _silu_slope, _silu_curvature, 0.5, "1/2, at z = 0"),
    Activation("sin", np.sin, np.cos, lambda z: -np.sin(z), 1.0, "1, at z = pi/2"),
    Activation("cos", np.cos, lambda z: -np.sin(z), lambda z: -np.cos(z), 1.0, "1, at z = 0"),
    Activation(
        "arctan",
        np.arctan,
        lambda z: 1.0 / (1.0 + z * z),
        lambda z: -2.0 * z / (1.0 + z * z) ** 2,
        3.0 * math.sqrt(3.0) / 8.0,
        "3 sqrt 3/8, at z = 1/sqrt 3",
    ),
    Activation("log_cosh", _log_cosh, np.tanh, _sech2, 1.0, "1, at z = 0"),
    Activation(
        "gaussian",
        lambda z: np.exp(-z * z),
        lambda z: -2.0 * z * np.exp(-z * z),
        lambda z: (4.0 * z * z - 2.0) * np.exp(-z * z),
        2.0,
        "2, at z = 0",
    ),
    Activation("quadratic", lambda z: 0.5 * z * z, lambda z: z, np.ones_like, 1.0, "1, at every z"),
    Activation(
        "softsign",
        lambda z: z / (1.0 + np.abs(z)),
        lambda z: (1.0 + np.abs(z)) ** -2.0,
        lambda z: -2.0 * np.sign(z) * (1.0 + np.abs(z)) ** -3.0,
        2.0,
        "2, approached as z -> 0; sigma'' jumps there",
    ),
    Activation(
        "elu",
        lambda z: np.where(z > 0.0, z, np.expm1(np.minimum(z, 0.0))),
        lambda z: np.exp(np.minimum(z, 0.0)),
        lambda z: np.where(z > 0.0, 0.0, np.exp(np.minimum(z, 0.0))),
        1.0,
        "1, approached as z -> 0 from below; sigma'' jumps there",
    ),
    Activation(
        "relu",
        lambda z: np.maximum(z, 0.0),
        lambda z: np.heaviside(z, 0.0),
        np.zeros_like,
        math.inf,
        "none: sigma' jumps at z = 0",
    ),
    Activation(
        "leaky_relu",
        lambda z: np.where(z > 0.0, z, 0.01 * z),
        lambda z: np.where(z > 0.0, 1.0, 0.01),
        np.zeros_like,
        math.inf,
        "none: sigma' jumps at z = 0",
    ),
)

_REGISTRY = {known.name: known for known in _KNOWN}
