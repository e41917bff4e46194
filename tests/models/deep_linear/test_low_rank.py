from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import frobenius
from mcstudy.models.deep_linear.low_rank import effective_rank, low_rank_target, small_factors
from mcstudy.models.deep_linear.products import end_to_end

ROUNDING = 1e-12


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def test_effective_rank_against_theory() -> None:
    assert float(effective_rank(np.eye(4))) == pytest.approx(4.0, rel=ROUNDING)
    values = np.array([3.0, 1.0])
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert float(effective_rank(np.diag(values))) == pytest.approx(np.exp(entropy), rel=ROUNDING)
    assert np.all(effective_rank(low_rank_target(stream(), 5, 8, 2)) <= 2 + 1e-9)


def test_low_rank_target_has_unit_entries_and_its_rank() -> None:
    target = low_rank_target(stream(), 4, 8, 3)
    np.testing.assert_allclose(frobenius(target), 8.0, rtol=ROUNDING)
    assert np.linalg.matrix_rank(target).tolist() == [3] * 4


def test_small_factors_have_the_scale() -> None:
    """E ||W||^2 = scale^2 d for independent factors; 5 standard errors of 500 draws of a spread below 1/2."""
    products = end_to_end(small_factors(stream(), 500, 3, 20, 1e-3))
    ratio = np.mean(frobenius(products) ** 2) / (1e-6 * 20)
    assert abs(ratio - 1) < 5 * 0.5 / np.sqrt(500)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: low_rank_target(stream(), 2, 4, 5), "`rank` must be at most the dimension d = 4, got 5"),
        (lambda: low_rank_target(stream(), 2, 4, 0), "`rank` must be a whole number, at least 1, got 0"),
        (lambda: small_factors(stream(), 2, 0, 4, 1.0), "`depth` must be a whole number, at least 1, got 0"),
        (lambda: small_factors(stream(), 2, 2, 4, 0.0), "`scale` must be positive and finite, got 0.0"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()
