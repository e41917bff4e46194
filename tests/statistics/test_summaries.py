"""Statistics of many samples at once are those of each by itself, to the last bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Statistic, mean, proportion, quantile, rms, sd, variance
from mcstudy.statistics.sequences import Moments
from mcstudy.statistics.tails import Tails

LAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "lognormal": lambda rng, shape: 1e-3 * rng.lognormal(0.0, 2.0, shape),
    "shifted": lambda rng, shape: 1e6 + rng.standard_normal(shape),
    "two points": lambda rng, shape: (rng.random(shape) < 0.3).astype(np.float64),
    "rare": lambda rng, shape: (rng.random(shape) < 1.5 / shape[1]).astype(np.float64),
    "few values": lambda rng, shape: rng.poisson(3.0, shape).astype(np.float64),
    "equal": lambda rng, shape: np.broadcast_to(rng.random(shape[0])[:, None], shape).copy(),
    "zero": lambda rng, shape: np.zeros(shape) * -rng.integers(0, 2, shape),
    "huge": lambda rng, shape: 1.7e308 * rng.random(shape),
    "tiny": lambda rng, shape: 1e-310 * rng.standard_normal(shape),
    "mixed": lambda rng, shape: np.where(rng.random((shape[0], 1)) < 0.5, 1.0, rng.standard_normal(shape)),
}
SHARES = [(0.01, 2048.0), (1e-6, 300.0)]


def bits(value: object) -> object:
    """As text in which every bit of a double shows, the sign of zero too."""
    return repr(value)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [2, 7, 64, 129, 256, 1000])
@pytest.mark.parametrize("of", [mean("x"), variance("x"), sd("x"), rms("x"), proportion("x")], ids=str)
@pytest.mark.filterwarnings("ignore:(overflow|invalid value|divide by zero) encountered:RuntimeWarning")
def test_summaries_are_those_of_each_sample(of: Statistic, n: int, law: str) -> None:
    stack = LAWS[law](np.random.default_rng(n), (9, n))
    if of.name == "proportion":
        stack = (stack > np.median(stack)).astype(np.float64)
    for values, (estimate, limiting) in zip(stack, of.summaries(stack), strict=True):
        assert bits(estimate) == bits(of.estimate(values))
        if not np.isfinite(estimate.mcse):  # squares of the largest doubles, which no limits can be made of
            continue
        for share, tuned in SHARES:
            assert bits(limiting(share, tuned)) == bits(of.limits(values, share, tuned))


@pytest.mark.parametrize("law", LAWS)
def test_moments_and_tails_are_those_of_each_sample(law: str) -> None:
    stack = LAWS[law](np.random.default_rng(1), (40, 300)) / 4
    roundings = np.where(np.arange(40) % 3, 0.0, 1e-3)
    assert bits(Moments.each(stack)) == bits([Moments.of(values) for values in stack])
    singles = [Tails.of(values, rounding=own) for values, own in zip(stack, roundings.tolist(), strict=True)]
    assert bits(Tails.each(stack, roundings)) == bits(singles)


def test_the_last_bit_shows() -> None:
    """The control of the tests above: a sum in another order is seen."""
    stack = np.random.default_rng(1).standard_normal((1, 1000))
    other = np.cumsum(stack, axis=1)[:, -1] / 1000
    (summary,) = mean("x").summaries(stack)
    assert summary.estimate.value == pytest.approx(float(other[0]))
    assert bits(summary.estimate.value) != bits(float(other[0]))


def test_what_one_sample_can_not_be_is_told() -> None:
    stack = np.zeros((3, 64))
    stack[1, 5] = np.nan
    with pytest.raises(InputError, match="must be finite, got nan at index 5"):
        mean("x").summaries(stack)
    stack[1, 5] = 2.0
    with pytest.raises(InputError, match=r"must be 0 or 1, got 2\.0 at index 5"):
        proportion("x").summaries(stack)


def test_other_statistics_take_one_sample_after_the_other() -> None:
    stack = np.random.default_rng(1).standard_normal((3, 64))
    (first, *_) = quantile("x", 0.5).summaries(stack)
    assert first.estimate == quantile("x", 0.5).estimate(stack[0])
