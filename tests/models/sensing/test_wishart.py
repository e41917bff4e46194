import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.sensing.wishart import second_moment, wishart_moment


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def test_wishart_moment_against_theory() -> None:
    """E M = I, and Var M_ij = (1 + [i = j])/n; tolerance 5 standard errors of 4000 draws."""
    size, order, n = 4000, 4, 9
    moments = wishart_moment(stream(), size, 2, n)
    variance = (1 + np.eye(order)) / n
    error = np.abs(moments.mean(axis=0) - np.eye(order))
    assert np.all(error < 5 * np.sqrt(variance / size))
    # A moment of order four is below 20 variances squared for n = 9, hence the standard error of a variance.
    assert np.all(np.abs(moments.var(axis=0) - variance) < 5 * np.sqrt(20 / size) * variance)


def test_wishart_moment_against_drawn_measurements() -> None:
    """tr M and tr M^2 have the same means by both samplers; tolerance 5 standard errors."""
    size = 3000
    bartlett = wishart_moment(stream(1), size, 2, 6)
    drawn = second_moment(stream(2).standard_normal((size, 6, 2, 2)))
    for power in (1, 2):
        a, b = (np.trace(np.linalg.matrix_power(m, power), axis1=1, axis2=2) for m in (bartlett, drawn))
        assert abs(a.mean() - b.mean()) < 5 * np.sqrt((a.var() + b.var()) / size)


def test_wishart_moment_pairs_sample_sizes() -> None:
    few, many = (wishart_moment(stream(3), 200, 2, n) - np.eye(4) for n in (400, 1600))
    assert np.corrcoef(few.ravel(), many.ravel())[0, 1] > 0.99


def test_wishart_moment_refuses_too_few_measurements() -> None:
    with pytest.raises(ModelError, match=r"`measurements` must be at least d\^2 = 9, got 8"):
        wishart_moment(stream(), 1, 3, 8)


def test_second_moment_against_brute_force() -> None:
    matrices = stream().standard_normal((2, 5, 3, 3))
    expected = [np.mean([np.outer(A.ravel(), A.ravel()) for A in one], axis=0) for one in matrices]
    np.testing.assert_allclose(second_moment(matrices), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", [(3, 3), (0, 3, 3)])
def test_second_moment_needs_a_matrix(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ModelError, match=r"`matrices` must have shape \(\.\.\., n, d, d\) with n >= 1, got shape"
    ):
        second_moment(np.ones(shape))
