import itertools
from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, frobenius
from mcstudy.models.shallow import displacements, networks
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.initialization import Initialization, draw_initialization
from mcstudy.models.shallow.inputs import sphere
from mcstudy.models.shallow.linearization_errors import (
    AVERAGED,
    MOVES,
    averaged_errors,
    formula_residuals,
    moved_errors,
    printed_bound_errors,
    printed_formula_residuals,
    sign_averaged_rms,
    worst_errors,
)

MOVED = {"error", "scaled_error", "bound", "rounding", "ratio"}
FORMULAS = {"gradient_residual", "slopeless_residual", "formula_residual"}


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def start(
    count: int = 200, width: int = 64, dimension: int = 3, length: float = 2.0, name: str = "tanh"
) -> Initialization:
    x = sphere(stream(2), (count, dimension), length)
    return draw_initialization(stream(), x, width, activation(name))


def error_of_weights(one: Initialization, V: FloatArray) -> FloatArray:
    """|f(W_0 + V) - f_0(W_0 + V)| from the definitions."""
    W = one.W0 + V
    f0 = networks.linearization(W, one.W0, one.a, one.x, one.sigma)
    return np.abs(networks.network(W, one.a, one.x, one.sigma) - f0)


@pytest.mark.parametrize(
    ("measure", "names"),
    [
        (lambda: moved_errors(stream(), start(), "worst", 0.8), MOVED),
        (lambda: moved_errors(stream(), start(), "gradient", 0.8), MOVED),
        (lambda: worst_errors(start(), 0.8), MOVED | {"shortfall", "ceiling", "gap"}),
        (lambda: averaged_errors(stream(), start(), "isotropic", 0.8), MOVED | {"scaled_spread"}),
        (lambda: formula_residuals(stream(), start()), FORMULAS),
        (lambda: printed_formula_residuals(stream(), start(dimension=1)), {"printed_formula_residual"}),
        (lambda: printed_bound_errors(stream(), start(), "near", 0.8), {"printed_error", "printed_bound"}),
    ],
    ids=["worst", "gradient", "certified", "averaged", "formulas", "printed formula", "printed bound"],
)
def test_every_column_is_measured(measure: Callable[[], dict[str, FloatArray]], names: set[str]) -> None:
    """No column is constant, but for the bound on displacements of one norm and inputs of one length."""
    columns = measure()
    assert set(columns) == names
    for name, values in columns.items():
        assert values.shape == (200,), name
        assert np.all(np.isfinite(values)), name
        assert np.ptp(values) > 0 or name == "bound", name


@pytest.mark.parametrize("displacement", MOVES)
def test_errors_against_the_definitions(displacement: str) -> None:
    one = start(20)
    V = MOVES[displacement](stream(3), one, 0.8)
    columns = moved_errors(stream(3), one, displacement, 0.8)
    assert np.all(np.abs(columns["error"] - error_of_weights(one, V)) <= columns["rounding"])
    assert np.all(columns["rounding"] < 1e-12)
    bound = networks.error_bound(frobenius(V), one.x, 64, one.sigma)
    assert columns["bound"] == pytest.approx(bound, rel=1e-13)
    assert columns["ratio"] == pytest.approx(columns["error"] / bound, rel=1e-13)
    assert columns["scaled_error"] == pytest.approx(columns["error"] / 4, rel=1e-13)


@pytest.mark.parametrize("displacement", MOVES)
def test_errors_stay_below_the_bound(displacement: str) -> None:
    columns = moved_errors(stream(), start(), displacement, 0.8)
    assert np.all(columns["error"] <= columns["bound"] + columns["rounding"])
    if displacement != "gaussian":  # the only one whose norm is random
        assert columns["bound"] == pytest.approx(activation("tanh").beta / 16 * 0.8**2 * 4, rel=1e-12)


def test_worst_displacement_exceeds_a_smaller_bound_and_others_do_not() -> None:
    assert np.all(moved_errors(stream(), start(), "worst", 0.2)["ratio"] > 0.9)
    for displacement in ("isotropic", "gradient"):
        assert np.all(moved_errors(stream(), start(), displacement, 0.2)["ratio"] < 0.9)


def test_certificate_holds_and_is_that_of_the_worst_displacement() -> None:
    moved, worst = moved_errors(stream(), start(), "worst", 0.8), worst_errors(start(), 0.8)
    for name, values in moved.items():
        np.testing.assert_array_equal(worst[name], values)
    assert np.all(worst["ceiling"] >= worst["error"] * (1 - 1e-12))
    assert np.all(worst["ceiling"] <= worst["bound"] * (1 + 1e-12))
    assert worst["ratio"] + worst["shortfall"] == pytest.approx(1.0, rel=1e-14)
    assert worst["error"] * (1 + worst["gap"]) == pytest.approx(worst["ceiling"], rel=1e-12)


@pytest.mark.parametrize("displacement", AVERAGED)
def test_averages_are_those_of_the_same_displacement(displacement: str) -> None:
    one = start(20)
    columns = averaged_errors(stream(3), one, displacement, 0.8)
    moved = moved_errors(stream(3), one, displacement, 0.8)
    np.testing.assert_array_equal(columns["error"], moved["error"])
    V = AVERAGED[displacement](stream(3), one, 0.8)
    assert columns["scaled_spread"] == pytest.approx(sign_averaged_rms(one, V) / 4, rel=1e-13)


def test_sign_averaged_rms_against_all_signs() -> None:
    """Sixteen networks that differ in the signs only, exactly enumerated."""
    one = start(5, 4)
    V = stream(3).standard_normal(one.W0.shape)
    squares = [
        error_of_weights(Initialization(np.tile(signs, (5, 1)) / 2.0, one.W0, one.x, one.sigma), V) ** 2
        for signs in itertools.product((-1.0, 1.0), repeat=4)
    ]
    assert sign_averaged_rms(one, V) ** 2 == pytest.approx(np.mean(squares, axis=0), rel=1e-11)


def test_formulas_hold_and_their_mutation_does_not() -> None:
    """Tolerances as the study has them: differences of fourth order, and rounding."""
    columns = formula_residuals(stream(), start())
    assert np.max(columns["gradient_residual"]) < 1e-9
    assert np.max(columns["formula_residual"]) < 1e-13
    assert np.median(columns["slopeless_residual"]) > 0.01


def test_transposed_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: the input's entries in reversed order."""
    right = networks.gradient
    monkeypatch.setattr(networks, "gradient", lambda *arguments: right(*arguments)[..., ::-1])
    assert np.median(formula_residuals(stream(), start())["gradient_residual"]) > 1e-2


@pytest.mark.parametrize(("length", "hidden"), [(1.0, True), (2.0, False)])
def test_misprint_hides_behind_inputs_of_length_one(length: float, hidden: bool) -> None:
    """In one dimension sigma'(w) = sigma'(w x) for x = +-1 and even sigma'."""
    one = start(dimension=1, length=length)
    residual = printed_formula_residuals(stream(3), one)["printed_formula_residual"]
    assert (np.max(residual) < 1e-13) == hidden
    assert (np.median(residual) > 1e-3) == (not hidden)


def test_printed_bound_fails_near_and_hides_from_independent_points() -> None:
    near = printed_bound_errors(stream(), start(), "near", 0.8)
    independent = printed_bound_errors(stream(), start(), "independent", 0.8)
    assert np.all(near["printed_error"] > near["printed_bound"])
    assert np.all(independent["printed_error"] < independent["printed_bound"])


def test_misuse_is_refused() -> None:
    with pytest.raises(
        ModelError, match=r"`displacement` must be one of worst, isotropic, gaussian, .*, got 'best'"
    ):
        moved_errors(stream(), start(), "best", 1.0)
    with pytest.raises(ModelError, match="`displacement` must be one of isotropic, gaussian, got 'worst'"):
        averaged_errors(stream(), start(), "worst", 1.0)
    with pytest.raises(ModelError, match="`points` must be one of near, independent, got 'far'"):
        printed_bound_errors(stream(), start(), "far", 1.0)
    with pytest.raises(ModelError, match=r"`x` must have one entry for sigma'\(w_0j\) to be a number, got 3"):
        printed_formula_residuals(stream(), start())
    with pytest.raises(ModelError, match="`activation` must be beta-smooth for the bound, got 'relu'"):
        moved_errors(stream(), start(name="relu"), "isotropic", 1.0)


def test_isotropic_displacements_keep_their_draws() -> None:
    """One normal for each weight, in the order of W_0: what stored draws depend on."""
    one = start(5, 4)
    V = stream(3).standard_normal(one.W0.shape)
    expected = 0.8 * V / frobenius(V)[:, None, None]
    np.testing.assert_allclose(displacements.isotropic(stream(3), one, 0.8), expected, rtol=1e-14)
