import numpy as np
import pytest
from scipy.linalg import expm

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear.flow import Slope, gradient_flow
from mcstudy.models.deep_linear.products import end_to_end
from mcstudy.models.deep_linear.riccati import two_layer_end_to_end, two_layer_gram
from mcstudy.models.deep_linear.starts import (
    balanced_factors,
    gaussian_factors,
    gaussian_matrices,
    haar_frames,
)
from mcstudy.models.sensing.loss import sensing_gradient

# Local errors of 1e-11 a step, some fifty steps, a growth of errors by less than ten on the way.
PATH = 1e-8


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def population(target: FloatArray, depth: int) -> Slope:
    return lambda matrix: sensing_gradient(matrix - target, depth)


def balanced_start(rng: np.random.Generator, size: int, depth: int, dimension: int) -> FloatArray:
    values = rng.uniform(0.5, 1.2, (size, dimension))
    return balanced_factors(haar_frames(rng, size, depth, dimension), values)


@pytest.mark.parametrize("time", [0.0, 0.7, 3.0])
def test_two_layer_solution_against_gradient_flow(time: float) -> None:
    rng = stream()
    start, target = balanced_start(rng, 6, 2, 3), gaussian_matrices(rng, 6, 3)
    state = gradient_flow(start, population(target, 2), [0.0, time + 1e-300]).states[-1]
    assert np.max(relative_residual(two_layer_end_to_end(start, target, time), end_to_end(state))) < PATH
    q = np.concatenate([state[:, 0].mT, state[:, 1]], axis=-2)
    gram = two_layer_gram(start, target, time)
    assert np.max(relative_residual(gram, q @ q.mT)) < PATH


def test_two_layer_solution_against_the_formula_as_written() -> None:
    rng = stream()
    start, target, time = balanced_start(rng, 1, 2, 3), gaussian_matrices(rng, 1, 3), 1.3
    zero = np.zeros((3, 3))
    f = np.block([[zero, target[0].T], [target[0], zero]])
    q0 = np.concatenate([start[0, 0].T, start[0, 1]])
    half, inverse = expm(f * time / 2), np.linalg.inv(f)
    inner = np.eye(3) + q0.T @ (half @ inverse @ half - inverse) @ q0 / 2
    expected = half @ q0 @ np.linalg.inv(inner) @ q0.T @ half
    np.testing.assert_allclose(two_layer_gram(start, target, time)[0], expected, rtol=0, atol=1e-12)


def test_two_layer_solution_fails_from_unbalanced_start() -> None:
    rng = stream()
    start, target = gaussian_factors(rng, 10, 2, 3), gaussian_matrices(rng, 10, 3)
    state = gradient_flow(start, population(target, 2), [0.0, 1.0]).states[-1]
    assert np.min(relative_residual(two_layer_end_to_end(start, target, 1.0), end_to_end(state))) > 0.01


def test_two_layer_solution_refuses() -> None:
    start = balanced_start(stream(), 2, 2, 3)
    with pytest.raises(ModelError, match="`target` must be invertible"):
        two_layer_gram(start, np.ones((2, 3, 3)), 1.0)
    with pytest.raises(ModelError, match="`target` must be invertible"):
        two_layer_gram(start, np.zeros((2, 3, 3)), 1.0)
    with pytest.raises(ModelError, match="`start` must hold two factors, got 3"):
        two_layer_gram(balanced_start(stream(), 2, 3, 3), np.ones((2, 3, 3)), 1.0)


def test_a_target_is_invertible_relative_to_its_largest_value() -> None:
    start, target = balanced_start(stream(), 2, 2, 3), gaussian_matrices(stream(2), 2, 3)
    tiny = two_layer_end_to_end(start, 1e-20 * target, 1.0)
    none = gradient_flow(start, population(0 * target, 2), [0.0, 1.0]).states[-1]
    assert np.max(relative_residual(tiny, end_to_end(none))) < PATH
    for values in ([1.0, 1.0, 1e-16], [1e20, 1e20, 1e4]):
        with pytest.raises(ModelError, match="`target` must be invertible"):
            two_layer_gram(start, np.tile(np.diag(values), (2, 1, 1)), 1.0)
