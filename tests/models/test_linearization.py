import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models import shallow
from mcstudy.models.activations import Array, activation
from mcstudy.models.displacements import draw_start
from mcstudy.models.inputs import sphere
from mcstudy.models.linearization import COLUMNS, measure

OWN = {
    "worst": {"error", "bound", "ceiling", "gap"},
    "isotropic": {"error", "bound", "scaled_spread"},
    "gaussian": {"error", "bound", "scaled_spread"},
    "gradient": {"error", "bound"},
    "near": {"printed_error", "printed_bound"},
    "independent": {"printed_error", "printed_bound"},
    "infinitesimal": {"slopeless_residual", "printed_formula_residual"},
}


def drawn(displacement: str, radius: float = 0.8, width: int = 64, name: str = "tanh") -> dict[str, Array]:
    rng = np.random.Generator(np.random.SFC64(1))
    start = draw_start(rng, sphere(rng, (200, 3), 2.0), width, activation(name))
    return measure(rng, start, displacement, radius)


@pytest.mark.parametrize("displacement", OWN)
def test_columns_are_all_there_and_their_own_are_measured(displacement: str) -> None:
    columns = drawn(displacement)
    assert tuple(columns) == COLUMNS
    assert all(values.shape == (200,) and np.all(np.isfinite(values)) for values in columns.values())
    for name in OWN[displacement]:
        assert np.all(columns[name] > 0), name


@pytest.mark.parametrize("displacement", ["worst", "isotropic", "gaussian", "gradient"])
def test_errors_stay_below_the_bound(displacement: str) -> None:
    columns = drawn(displacement)
    assert np.all(columns["error"] <= columns["bound"] + columns["rounding"])
    assert columns["ratio"] + columns["shortfall"] == pytest.approx(1.0, rel=1e-14)
    assert columns["scaled_error"] == pytest.approx(columns["error"] / 4, rel=1e-13)
    if displacement != "gaussian":  # the only one whose norm is random
        assert columns["bound"] == pytest.approx(activation("tanh").beta / 16 * 0.8**2 * 4, rel=1e-12)


def test_worst_displacement_exceeds_a_smaller_bound_and_others_do_not() -> None:
    assert np.all(drawn("worst", 0.2)["error"] > drawn("worst", 0.2)["reduced_bound"])
    for displacement in ("isotropic", "gradient"):
        columns = drawn(displacement, 0.2)
        assert np.all(columns["error"] < columns["reduced_bound"])


def test_printed_bound_fails_near_and_hides_from_independent_points() -> None:
    near, independent = drawn("near"), drawn("independent")
    assert np.all(near["printed_error"] > near["printed_bound"])
    assert np.all(independent["printed_error"] < independent["printed_bound"])


def test_formulas_hold_and_their_mutations_do_not() -> None:
    """Tolerances as the study has them: differences of fourth order, and rounding."""
    columns = drawn("infinitesimal")
    assert np.max(columns["gradient_residual"]) < 1e-9
    assert np.max(columns["formula_residual"]) < 1e-13
    assert np.median(columns["slopeless_residual"]) > 0.01
    assert np.median(columns["printed_formula_residual"]) > 1e-3


def test_transposed_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: the input's entries in reversed order."""
    right = shallow.gradient
    monkeypatch.setattr(shallow, "gradient", lambda *arguments: right(*arguments)[..., ::-1])
    assert np.median(drawn("infinitesimal")["gradient_residual"]) > 1e-2


def test_unknown_displacement_is_refused() -> None:
    with pytest.raises(ModelError, match=r"`displacement` must be one of worst, isotropic, .*; got 'best'"):
        drawn("best")
