"""The index of a tail, against the fit of Zhang and Stephens written with loops."""

import math

import numpy as np
import pytest

from mcstudy.statistics.tails import tail_index


def zhang_and_stephens(excesses: list[float]) -> float:
    """Minus the k-hat of Technometrics 51 (2009) 316-325, formulas (5) to (8); `excesses` ascending."""
    n = len(excesses)
    m = 30 + math.isqrt(n)
    quartile = excesses[math.floor(n / 4 + 0.5) - 1]
    theta = [1 / excesses[-1] + (1 - math.sqrt(m / (j - 0.5))) / (3 * quartile) for j in range(1, m + 1)]

    def k(at: float) -> float:
        return -sum(math.log1p(-at * x) for x in excesses) / n

    profile = [n * (math.log(at / k(at)) + k(at) - 1) for at in theta]
    weights = [1 / sum(math.exp(other - own) for other in profile) for own in profile]
    return -k(sum(at * weight for at, weight in zip(theta, weights, strict=True)))


@pytest.mark.parametrize("size", [60, 500])
@pytest.mark.parametrize("power", [0.1, 0.7])
def test_index_against_loops(size: int, power: float) -> None:
    values = np.random.default_rng(1).random(size) ** -power
    count = min(size // 5, int(3 * math.sqrt(size)))
    *_, threshold = sorted(values.tolist())[: size - count]
    expected = zhang_and_stephens([value - threshold for value in sorted(values.tolist())[size - count :]])
    index, error = tail_index(values)
    assert index == pytest.approx(expected, rel=1e-10)
    assert error == pytest.approx((1 + max(expected, 0)) / math.sqrt(count))


def test_ties_that_rounding_has_broken_are_no_tail() -> None:
    """A unit in the last place tells 80 values from the threshold; taken for excesses they make an index of 6."""
    values = np.repeat([0.0, 1.0, np.nextafter(1.0, 2.0)], [3900, 104, 80])
    index, _ = tail_index(np.append(values, np.linspace(2.0, 2.4, 12)))
    assert index < 0
