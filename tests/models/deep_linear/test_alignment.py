import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear.alignment import SingularVectors, aligned_decompositions, decompose
from mcstudy.models.deep_linear.starts import (
    balanced_factors,
    gaussian_factors,
    haar_frames,
)

# Well separated singular values between 1 and 2: a few thousand roundings.
ROUNDING = 1e-12
DEPTHS = [1, 2, 3, 4]


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def balanced(depth: int, size: int = 5, dimension: int = 4) -> FloatArray:
    """Balanced factors with singular values between 1 and 2."""
    rng = stream(depth)
    values = np.linspace(2, 1, dimension) * rng.uniform(0.9, 1.1, (size, 1))
    return balanced_factors(haar_frames(rng, size, depth, dimension), values)


@pytest.mark.parametrize("depth", DEPTHS)
def test_aligned_decompositions_rebuild_factors_and_agree(depth: int) -> None:
    factors = balanced(depth)
    vectors = aligned_decompositions(factors)
    rebuilt = (vectors.left * vectors.values[..., None, :]) @ vectors.right.mT
    assert np.max(relative_residual(rebuilt, factors, 3)) < ROUNDING
    assert np.max(np.abs(vectors.left[:, :-1] - vectors.right[:, 1:]), initial=0) < ROUNDING
    assert np.max(np.abs(vectors.values - vectors.values[:, :1])) < ROUNDING


def test_separate_decompositions_do_not_agree() -> None:
    """The control: without a choice of signs nearly every pair of 4 x 4 factors disagrees."""
    raw = decompose(balanced(3, size=100))
    agree = np.max(np.abs(raw.left[:, :-1] - raw.right[:, 1:]), axis=(-1, -2)) < 0.5
    assert np.mean(agree) < 0.2


def test_aligned_decompositions_refuse_coinciding_values() -> None:
    frames = haar_frames(stream(), 2, 3, 3)
    factors = balanced_factors(frames, np.array([[2.0, 1.0, 1.0], [3.0, 2.0, 1.0]]))
    with pytest.raises(
        ModelError, match=r"`factors` must have singular values apart by 1.5e-08 of the largest, got"
    ):
        aligned_decompositions(factors)
    assert isinstance(aligned_decompositions(factors, smallest_gap=0.0), SingularVectors)


def test_relative_gap_against_brute_force() -> None:
    vectors = decompose(gaussian_factors(stream(), 3, 2, 4))
    for replicate in range(3):
        gaps = [-np.diff(values) / values[0] for values in vectors.values[replicate]]
        assert vectors.relative_gap[replicate] == np.min(gaps)
    assert decompose(np.ones((2, 1, 1, 1))).relative_gap.tolist() == [1.0, 1.0]


def test_gaps_are_among_the_values_of_a_factor() -> None:
    """However many factors there are: one factor has gaps, single values have none."""
    assert np.all(decompose(gaussian_factors(stream(), 3, 1, 4)).relative_gap < 1)
    assert decompose(np.ones((2, 3, 1, 1))).relative_gap.tolist() == [1.0, 1.0]
