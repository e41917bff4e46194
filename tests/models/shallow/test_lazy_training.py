import math

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow import networks
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.error_moments import gradient_step_moments
from mcstudy.models.shallow.initialization import Initialization, draw_outputs
from mcstudy.models.shallow.lazy_training import movements, trained_errors
from mcstudy.models.shallow.networks import error_bound
from mcstudy.models.shallow.training import tangent_kernel, train


def one_input(size: int, width: int, name: str = "tanh") -> tuple[Initialization, FloatArray, FloatArray]:
    rng = np.random.Generator(np.random.SFC64(1))
    W0, a = rng.standard_normal((size, width, 2)), draw_outputs(rng, (size, width))
    X, y = np.tile([[[0.8, 0.6]]], (size, 1, 1)), np.ones((size, 1))
    return Initialization(a, W0, X[:, 0], activation(name)), X, y


def after(start: Initialization, X: FloatArray, y: FloatArray, **options: float) -> dict[str, FloatArray]:
    settings = {"step": 1.0, "steps": 1} | options
    runs = [train(start.W0, a, X, y, start.sigma, **settings) for a in (start.a, -start.a)]  # type: ignore[arg-type]
    moved = movements(start, X, runs[0]) if start.sigma.smooth else {}
    return trained_errors(start, X, y, *runs) | moved


def test_columns_against_the_definitions() -> None:
    start, X, y = one_input(7, 20)
    trained = train(start.W0, start.a, X, y, start.sigma, step=1.0, steps=1)
    columns, W = after(start, X, y), trained.weights(start.W0, X)
    f0 = networks.linearization(W, start.W0, start.a, start.x, start.sigma)
    f = networks.network(W, start.a, start.x, start.sigma)
    assert columns["undershoot"] == pytest.approx(f0 - f, abs=1e-14)
    distance = np.linalg.matrix_norm(W - start.W0)
    assert columns["movement"] == pytest.approx(distance / np.linalg.matrix_norm(start.W0), rel=1e-12)
    assert columns["bound"] == pytest.approx(error_bound(distance, start.x, 20, start.sigma), rel=1e-12)
    assert np.all(np.abs(columns["undershoot"]) <= columns["bound"])


def test_one_step_of_network_and_linearization_are_the_same_step() -> None:
    columns = after(*one_input(7, 20))
    assert columns["departure"] == pytest.approx(-columns["undershoot"], abs=1e-13)


def test_labels_turn_the_orientation() -> None:
    """Turning the label and all signs turns nothing else."""
    start, X, y = one_input(7, 20)
    turned = after(Initialization(-start.a, start.W0, start.x, start.sigma), X, -y)
    for name, values in after(start, X, y).items():
        sign = -1 if name == "departure" else 1
        assert sign * turned[name] == pytest.approx(values, abs=1e-14), name


@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_moments_against_theory(name: str) -> None:
    """Five standard errors for the pair's mean, and for the mean square of the rows' spread."""
    columns = after(*one_input(20_000, 64, name))
    exact = gradient_step_moments(activation(name), 1.0, 1.0, 64)
    for column, expected in ((columns["pair"], -exact.mean), (columns["row_spread"] ** 2, exact.sd**2)):
        assert abs(np.mean(column) - expected) < 5 * np.std(column) / math.sqrt(column.size)


def test_pair_has_far_less_spread_than_its_members() -> None:
    columns = after(*one_input(2000, 256))
    assert np.std(columns["pair"]) < np.std(columns["undershoot"]) / 10


def test_bound_holds_for_outputs_of_any_size() -> None:
    start, X, y = one_input(50, 64)
    smaller = Initialization(start.a / 8, start.W0, start.x, start.sigma)
    columns = after(smaller, X, y, step=64.0)
    assert np.all(np.abs(columns["undershoot"]) <= columns["bound"])
    assert np.max(np.abs(columns["undershoot"]) / columns["bound"]) > 0.05


def test_kernel_movement_against_the_definition() -> None:
    start, X, y = one_input(7, 20)
    trained = train(start.W0, start.a, X, y, start.sigma, step=1.0, steps=1)
    before, after_it = (
        tangent_kernel(W, start.a, X, start.sigma)[:, 0, 0] for W in (start.W0, trained.weights(start.W0, X))
    )
    moved = movements(start, X, trained)["kernel_movement"]
    assert moved == pytest.approx(np.abs(after_it / before - 1), rel=1e-12)


def test_movements_need_a_smooth_activation() -> None:
    start, X, y = one_input(5, 8, "relu")
    trained = train(start.W0, start.a, X, y, start.sigma, step=1.0, steps=1)
    with pytest.raises(ModelError, match="`activation` must be beta-smooth for the bound, got 'relu'"):
        movements(start, X, trained)


def test_network_of_dead_rows_has_no_error() -> None:
    start, X, y = one_input(3, 4, "relu")
    dead = Initialization(
        start.a, np.where(np.arange(2) == 0, -5.0, 0.0) + 0 * start.W0, start.x, start.sigma
    )
    assert all(np.all(values == 0) for values in after(dead, X, y).values())
