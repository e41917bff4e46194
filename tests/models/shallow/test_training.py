import math

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow import networks
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.initialization import draw_outputs, draw_weights
from mcstudy.models.shallow.inputs import sphere
from mcstudy.models.shallow.training import tangent_kernel, train


def start(width: int = 30, points: int = 4) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Three networks of one width, and data of their own for each."""
    rng = np.random.Generator(np.random.SFC64(1))
    W0, a = draw_weights(rng, (3, width, 5)), draw_outputs(rng, (3, width))
    return W0, a, sphere(rng, (3, points, 5)), rng.standard_normal((3, points))


def predictions(W: FloatArray, a: FloatArray, X: FloatArray, name: str) -> FloatArray:
    return np.stack([networks.network(W, a, x, activation(name)) for x in np.moveaxis(X, -2, 0)], axis=-1)


def naive_descent(
    W0: FloatArray, a: FloatArray, X: FloatArray, y: FloatArray, name: str, step: float, steps: int
) -> FloatArray:
    """Descent on all entries of W, through the gradient of every point."""
    W, start_predictions = W0.copy(), predictions(W0, a, X, name)
    for _ in range(steps):
        residual = predictions(W, a, X, name) - start_predictions - y
        gradients = [networks.gradient(W, a, x, activation(name)) for x in np.moveaxis(X, -2, 0)]
        W -= step * sum(residual[:, i, None, None] * gradient for i, gradient in enumerate(gradients))
    return W


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize("steps", [1, 7])
def test_weights_against_descent_on_all_entries(name: str, steps: int) -> None:
    W0, a, X, y = start()
    trained = train(W0, a, X, y, activation(name), step=0.3, steps=steps)
    assert trained.weights(W0, X) == pytest.approx(naive_descent(W0, a, X, y, name, 0.3, steps), abs=1e-13)
    assert trained.time == pytest.approx(0.3 * steps)
    residual = predictions(trained.weights(W0, X), a, X, name) - predictions(W0, a, X, name) - y
    assert trained.loss == pytest.approx(0.5 * np.sum(residual**2, axis=-1), rel=1e-12)


def test_linearized_network_against_a_matrix_power() -> None:
    """Descent on the linear network leaves (I - step Theta_0)^k (-y) of the residual."""
    W0, a, X, y = start()
    theta = tangent_kernel(W0, a, X, activation("tanh"))
    trained = train(W0, a, X, y, activation("tanh"), step=0.3, steps=9)
    predicted = (theta @ trained.linear[..., None])[..., 0]
    for n in range(3):
        residual = -np.linalg.matrix_power(np.eye(4) - 0.3 * theta[n], 9) @ y[n]
        assert predicted[n] - y[n] == pytest.approx(residual, abs=1e-13)


def test_tangent_kernel_against_gradients() -> None:
    W0, a, X, _ = start()
    theta = tangent_kernel(W0, a, X, activation("erf"))
    gradients = np.stack(
        [networks.gradient(W0, a, x, activation("erf")) for x in np.moveaxis(X, -2, 0)], axis=1
    )
    flat = gradients.reshape(3, 4, -1)
    assert theta == pytest.approx(flat @ flat.mT, rel=1e-12, abs=1e-14)


def test_training_stops_at_the_wanted_loss() -> None:
    """The last step is cut by log-linear interpolation: off by the square of a step's relative change, at most."""
    W0, a, X, y = start()
    wanted = 0.05 * np.sum(y[0] ** 2)
    fine = train(W0, a, X, y, activation("tanh"), step=0.05, steps=10_000, loss=wanted)
    assert np.all(fine.reached)
    assert fine.loss == pytest.approx(wanted, rel=1e-3)
    coarse = train(W0, a, X, y, activation("tanh"), step=0.1, steps=10_000, loss=wanted)
    assert coarse.time == pytest.approx(fine.time, rel=0.1)  # descent of twice the step: an error of one step


def test_networks_of_a_stack_do_not_wait_for_each_other() -> None:
    W0, a, X, y = start()
    together = train(W0, a, X, y, activation("tanh"), step=0.1, steps=10_000, loss=0.2)
    for n in range(3):
        alone = train(W0[n], a[n], X[n], y[n], activation("tanh"), step=0.1, steps=10_000, loss=0.2)
        assert together.shift[n] == pytest.approx(alone.shift, abs=1e-13)
        assert together.time[n] == pytest.approx(float(alone.time), rel=1e-13)
        assert together.linear[n] == pytest.approx(alone.linear, abs=1e-13)


def test_a_loss_that_is_out_of_reach_is_told() -> None:
    W0, a, X, y = start()
    trained = train(W0, a, X, y, activation("tanh"), step=0.1, steps=3, loss=1e-9)
    assert not np.any(trained.reached)
    assert trained.time == pytest.approx(0.3)


def test_mean_field_scaling_keeps_pace_when_the_step_grows_as_the_width() -> None:
    """Outputs +-1/m and step m: rows move by order one, whatever the width."""
    moves = []
    for width in (100, 1600):
        W0, a, X, y = start(width)
        trained = train(W0, a / math.sqrt(width), X, y, activation("tanh"), step=0.2 * width, steps=10)
        moves.append(np.sqrt(np.mean((trained.shift @ X) ** 2)))
    assert moves[1] == pytest.approx(moves[0], rel=0.2)


def test_bad_arguments_are_refused() -> None:
    W0, a, X, y = start()
    with pytest.raises(ModelError, match=r"`step` must be positive and finite, got 0.0"):
        train(W0, a, X, y, activation("tanh"), step=0, steps=3)
    with pytest.raises(ModelError, match="`steps` must be a whole number, at least 1, got 0"):
        train(W0, a, X, y, activation("tanh"), step=0.1, steps=0)
    y[1] = 0.0
    with pytest.raises(ModelError, match="`y` must not be all zero, got 1 networks without a label"):
        train(W0, a, X, y, activation("tanh"), step=0.1, steps=3)
