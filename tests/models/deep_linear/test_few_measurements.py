import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.deep_linear.few_measurements import Completion, FewMeasurements, GaussianSensing
from mcstudy.models.deep_linear.low_rank import low_rank_target

ROUNDING = 1e-12


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def drawn(kind: str, size: int = 3, dimension: int = 6, measurements: int = 20) -> FewMeasurements:
    target = low_rank_target(stream(), size, dimension, 1)
    if kind == "sensing":
        return GaussianSensing.draw(stream(2), target, measurements)
    return Completion.draw(stream(2), target, measurements)


@pytest.mark.parametrize("kind", ["sensing", "completion"])
def test_slope_against_complex_step(kind: str) -> None:
    problem = drawn(kind)
    matrix, direction = stream(3).standard_normal((2, 3, 6, 6))
    derivative = problem.loss(matrix + 1e-30j * direction).imag / 1e-30
    product = np.sum(problem.slope(matrix) * direction, axis=(-1, -2))
    np.testing.assert_allclose(product, derivative, rtol=ROUNDING)


def test_completion_loss_against_brute_force() -> None:
    target = low_rank_target(stream(), 2, 5, 2)
    problem = Completion.draw(stream(2), target, 7)
    assert problem.observed.sum(axis=(1, 2)).tolist() == [7, 7]
    expected = [np.sum(t[seen] ** 2) / 14 for t, seen in zip(target, problem.observed, strict=True)]
    np.testing.assert_allclose(problem.loss(np.zeros_like(target)), expected, rtol=ROUNDING)


def test_completion_sees_every_entry_equally_often() -> None:
    """Each of 16 entries is seen with probability 5/16; tolerance 5 standard errors of 4000 draws."""
    problem = Completion.draw(stream(), np.ones((4000, 4, 4)), 5)
    share = problem.observed.mean(axis=0)
    assert np.all(np.abs(share - 5 / 16) < 5 * np.sqrt(5 / 16 * 11 / 16 / 4000))


@pytest.mark.parametrize(
    ("kind", "measurements", "message"),
    [
        (Completion, 17, r"`measurements` must be at most the number of entries d\^2 = 16, got 17"),
        (Completion, 0, "`measurements` must be a whole number, at least 1, got 0"),
        (GaussianSensing, 0, "`measurements` must be a whole number, at least 1, got 0"),
    ],
)
def test_too_many_or_no_measurements_are_refused(
    kind: type[Completion] | type[GaussianSensing], measurements: int, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        kind.draw(stream(), np.ones((2, 4, 4)), measurements)
