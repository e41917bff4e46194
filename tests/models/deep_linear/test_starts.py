from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import frobenius, inner
from mcstudy.models.deep_linear.starts import (
    balanced_factors,
    gaussian_factors,
    gaussian_matrices,
    gaussian_product,
    haar_frames,
    identity_frames,
)

ROUNDING = 1e-12  # sums of some hundred terms of order 1, in double precision


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_product_has_entries_of_variance_one_over_d(depth: int) -> None:
    product = gaussian_product(stream(), 4000, depth, 4)
    squares = inner(product, product)
    error = 5 * np.std(squares) / np.sqrt(4000)  # five standard errors
    assert np.mean(squares) == pytest.approx(4.0, abs=error)
    assert abs(np.mean(product)) < 5 * 0.5 / np.sqrt(product.size)


def test_product_against_brute_force() -> None:
    rng = stream()
    first, second, third = (rng.standard_normal((2, 3, 3)) for _ in range(3))
    expected = [third[r] @ second[r] @ first[r] / 3**1.5 for r in range(2)]
    np.testing.assert_allclose(gaussian_product(stream(), 2, 3, 3), expected, rtol=ROUNDING)


def test_balanced_factors_refuse_negative_values() -> None:
    with pytest.raises(ModelError, match=r"`singular_values` must not be negative, got -1.0; signs belong"):
        balanced_factors(haar_frames(stream(), 1, 2, 2), np.array([[1.0, -1.0]]))


def test_frames_are_orthogonal() -> None:
    frames = haar_frames(stream(), 10, 2, 5)
    identity = frames.mT @ frames
    assert np.max(frobenius(identity - np.eye(5))) < ROUNDING


def test_balanced_factors_refuse_infinite_values() -> None:
    with pytest.raises(ModelError, match="`singular_values` must be finite, got 1 entries"):
        balanced_factors(haar_frames(stream(), 1, 2, 2), np.array([[1.0, np.inf]]))


def test_gaussian_draws_are_those_of_one_stream() -> None:
    """Matrices, factors and products take the same normals in the same order."""
    matrices = gaussian_matrices(stream(), 5, 3)
    np.testing.assert_array_equal(matrices, gaussian_factors(stream(), 5, 1, 3)[:, 0])
    np.testing.assert_array_equal(matrices, gaussian_product(stream(), 5, 1, 3))
    np.testing.assert_array_equal(matrices, stream().standard_normal((5, 3, 3)) / np.sqrt(3))


def test_identity_frames_make_diagonal_factors() -> None:
    factors = balanced_factors(identity_frames(2, 3, 2), np.array([[2.0, 1.0], [3.0, 0.5]]))
    np.testing.assert_array_equal(factors[1], [np.diag([3.0, 0.5])] * 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: gaussian_product(stream(), 1, 1, 0),
            "`dimension` must be a whole number, at least 1, got 0",
        ),
        (lambda: gaussian_product(stream(), 0, 1, 1), "`size` must be a whole number, at least 1, got 0"),
        (lambda: gaussian_factors(stream(), 1, 0, 1), "`depth` must be a whole number, at least 1, got 0"),
        (lambda: haar_frames(stream(), 1, -1, 1), "`depth` must be a whole number, at least 1, got -1"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()


def test_frames_are_of_haar_measure() -> None:
    """Haar measure does not change when columns change signs: the mean is 0, which that of LAPACK's Q is not."""
    frames = haar_frames(stream(), 2000, 1, 3)
    plain, _ = np.linalg.qr(stream().standard_normal(frames.shape))
    drawn, control = (np.mean(stack, axis=(0, 1)) for stack in (frames, plain))
    # Entries have variance 1/d; nine means, five standard errors.
    error = 5 / np.sqrt(3 * 4000)
    assert np.max(np.abs(drawn)) < error
    assert np.max(np.abs(control)) > 5 * error


def test_balanced_factors_against_loops() -> None:
    """W_k = V_{k+1} diag(s) V_k^T, one frame more than there are factors."""
    frames, values = haar_frames(stream(), 2, 3, 4), stream(2).uniform(1.0, 2.0, (2, 4))
    assert frames.shape == (2, 4, 4, 4)
    expected = [
        [v[k + 1] @ np.diag(s) @ v[k].T for k in range(3)] for v, s in zip(frames, values, strict=True)
    ]
    np.testing.assert_allclose(balanced_factors(frames, values), expected, rtol=0, atol=ROUNDING)
