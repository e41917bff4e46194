import math

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from mcstudy.exceptions import ModelError
from mcstudy.models.shallow.activations import Activation, activation, activations

SMOOTH = activations(smooth=True)
# Second implementations, from the definitions, in 40 digits.
REFERENCE = {
    "tanh": mpmath.tanh,
    "logistic": lambda z: 1 / (1 + mpmath.exp(-z)),
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "erf": mpmath.erf,
    "gelu": lambda z: z * mpmath.ncdf(z),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "arctan": mpmath.atan,
    "log_cosh": lambda z: mpmath.log(mpmath.cosh(z)),
    "gaussian": lambda z: mpmath.exp(-z * z),
    "quadratic": lambda z: z * z / 2,
    "softsign": lambda z: z / (1 + abs(z)),
    "elu": lambda z: z if z > 0 else mpmath.exp(z) - 1,
    "relu": lambda z: max(z, mpmath.mpf(0)),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
}


POINTS = np.array([-8.3, -2.1, -0.6584, -0.3, -0.01, 0.02, 0.5, 0.99, 1.01, 1.7, 4.4, 9.0])


def test_every_activation_has_a_reference() -> None:
    assert set(REFERENCE) == set(activations())


@pytest.mark.parametrize("name", activations())
def test_derivatives_against_40_digits(name: str) -> None:
    """Tolerance: a few roundings of values of order 10."""
    known, reference = activation(name), REFERENCE[name]
    with mpmath.workdps(40):
        for order, function in enumerate((known.value, known.slope, known.curvature)):
            exact = [float(mpmath.diff(reference, mpmath.mpf(float(z)), order)) for z in POINTS]
            assert function(POINTS) == pytest.approx(exact, rel=2e-14, abs=2e-15), order


@pytest.mark.parametrize("name", sorted(set(SMOOTH) - {"softsign", "elu"}))
def test_beta_against_numerical_supremum(name: str) -> None:
    """Brent's method around the best of a grid; a maximum's value is known to rounding although its place is not."""
    known = activation(name)
    z = np.linspace(-8, 8, 16001)
    top = z[np.argmax(np.abs(known.curvature(z)))]
    best = minimize_scalar(
        lambda y: -abs(float(known.curvature(np.array([y]))[0])),
        bounds=(top - 1e-3, top + 1e-3),
        method="bounded",
    )
    assert known.beta == pytest.approx(-best.fun, rel=1e-10)


@pytest.mark.parametrize(("name", "side"), [("softsign", 1.0), ("softsign", -1.0), ("elu", -1.0)])
def test_beta_is_approached_at_the_kink(name: str, side: float) -> None:
    known = activation(name)
    nearby = np.abs(known.curvature(side * np.geomspace(1e-12, 8, 1000)))
    assert np.max(nearby) <= known.beta
    assert nearby[0] == pytest.approx(known.beta, rel=1e-10)


@pytest.mark.parametrize("name", SMOOTH)
def test_slope_is_lipschitz_with_beta(name: str) -> None:
    known = activation(name)
    y, z = np.random.default_rng(1).normal(scale=2, size=(2, 10_000))
    change = np.abs(known.slope(y) - known.slope(z))
    assert np.all(change <= known.beta * np.abs(y - z) * (1 + 1e-12))


@pytest.mark.parametrize("name", activations())
def test_large_arguments_raise_nothing_and_stay_finite(name: str) -> None:
    known = activation(name)
    z = np.array([-700.0, -350.0, -40.0, 0.0, 40.0, 350.0, 700.0])
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        results = [function(z) for function in (known.value, known.slope, known.curvature)]
    assert all(np.all(np.isfinite(result)) for result in results)
    assert all(result.shape == z.shape and result.dtype == np.float64 for result in results)


@pytest.mark.parametrize(("name", "tail"), [("tanh", 4.0), ("logistic", 1.0), ("log_cosh", 4.0)])
def test_tails_keep_their_relative_precision(name: str, tail: float) -> None:
    """Derivatives that decay as tail * exp(-2|z|) or exp(-|z|): 1 - tanh^2 would give 0."""
    known = activation(name)
    decaying = known.curvature if name == "log_cosh" else known.slope
    rate = 1.0 if name == "logistic" else 2.0
    assert decaying(np.array([-300.0])) == pytest.approx(tail * math.exp(-300.0 * rate), rel=1e-13)


def test_remainder_against_definition() -> None:
    known = activation("tanh")
    z, u = np.array([0.3]), np.array([0.7])
    expected = math.tanh(1.0) - math.tanh(0.3) - 0.7 / math.cosh(0.3) ** 2
    assert known.remainder(z, u) == pytest.approx(expected, rel=1e-15)


def test_unknown_activation_lists_the_known() -> None:
    with pytest.raises(ModelError, match=r"`activation` must be one of tanh, logistic, .*, got 'swish'"):
        activation("swish")
    with pytest.raises(ModelError, match=r"did you mean 'softplus'"):
        activation("soft_plus")


def test_smooth_and_others() -> None:
    assert activations(smooth=False) == ("relu", "leaky_relu")
    assert set(SMOOTH) | {"relu", "leaky_relu"} == set(activations())


@pytest.mark.parametrize("name", SMOOTH)
def test_a_beta_stated_too_small_is_refused_with_the_point(name: str) -> None:
    known = activation(name)
    with pytest.raises(
        ModelError, match=r"at least sup \|sigma''\|, got .*; .* at rate .* at z = .*, state a larger beta"
    ):
        Activation("mine", known.value, known.slope, known.curvature, 0.999 * known.beta, "a guess")


def test_a_kink_with_a_finite_beta_is_refused() -> None:
    """sigma'' vanishes wherever it exists; it is the difference quotients of sigma' that tell."""
    with pytest.raises(ModelError, match=r"`beta` of 'kink' must be at least"):
        Activation(
            "kink",
            lambda z: np.maximum(z, 0.0),
            lambda z: np.heaviside(z, 0.5),
            np.zeros_like,
            1.0,
            "a guess",
        )


def test_derivatives_that_do_not_belong_are_refused() -> None:
    with pytest.raises(
        ModelError,
        match=r"`slope` of 'mine' must be the derivative of `value`, got .* at z = .*; differences give ",
    ):
        Activation("mine", np.sin, np.sin, np.sin, 1.0, "")
    with pytest.raises(
        ModelError,
        match=r"`curvature` of 'mine' must be the derivative of `slope`, got .* at z = .*; differences give ",
    ):
        Activation("mine", np.sin, np.cos, np.sin, 1.0, "")


def test_an_activation_of_ones_own_may_jump_in_its_curvature() -> None:
    huber = Activation(
        "huber",
        lambda z: np.where(np.abs(z) < 1, 0.5 * z * z, np.abs(z) - 0.5),
        lambda z: np.clip(z, -1.0, 1.0),
        lambda z: np.where(np.abs(z) < 1, 1.0, 0.0),
        1.0,
        "1, at |z| < 1",
    )
    assert huber.smooth


@pytest.mark.parametrize("beta", [0.0, -1.0, math.nan])
def test_a_beta_that_is_no_positive_number_is_refused(beta: float) -> None:
    with pytest.raises(ModelError, match=r"`beta` of 'mine' must be positive"):
        Activation("mine", np.sin, np.cos, lambda z: -np.sin(z), beta, "")
