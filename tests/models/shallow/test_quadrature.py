import math

import pytest

from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.quadrature import activation_moment


@pytest.mark.parametrize(
    ("name", "order", "expected"),
    [
        ("relu", 2, 0.35),
        ("relu", 4, 1.5 * 0.49),
        ("sin", 2, (1 - math.exp(-1.4)) / 2),
        ("gaussian", 4, (1 + 8 * 0.7) ** -0.5),
        ("quadratic", 4, 105 * 0.7**4 / 16),
    ],
)
def test_moments_against_closed_forms(name: str, order: int, expected: float) -> None:
    assert activation_moment(activation(name), 0.7, order) == pytest.approx(expected, rel=1e-13)
