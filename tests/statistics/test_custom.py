"""Users' own statistics: functionals of the whole sample, their errors against simulation."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Statistic, standard_error
from mcstudy.statistics.custom import custom
from mcstudy.statistics.expansion import Expansion

REPEATS, N = 2000, 100


def distance_from_uniform(x: np.ndarray) -> float:
    """Kolmogorov distance from the uniform law on [0, 1]."""
    ordered, n = np.sort(x), x.size
    steps = np.arange(n + 1) / n
    return float(max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1])))


def largest_eigenvalue(*columns: np.ndarray) -> float:
    """Largest eigenvalue of the empirical covariance."""
    return float(np.linalg.eigvalsh(np.cov(columns))[-1])


DISTANCE = custom("x", distance_from_uniform)
EIGENVALUE = custom(("x", "y", "z"), largest_eigenvalue)
SPREADS = (2.0, 1.0, 0.5)


def crowded(rng: np.random.Generator, size: int = N) -> np.ndarray:
    """Half of it below 0.3, more than belongs there: the distance from the uniform law is 0.35, at this point alone."""
    return np.where(rng.random(size) < 0.5, 0.3, 1.0) * rng.random(size)


def gaussian(rng: np.random.Generator) -> np.ndarray:
    sample: np.ndarray = rng.standard_normal((N, 3)) * SPREADS
    return sample


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("statistic", "function", "draw"),
    [(DISTANCE, distance_from_uniform, crowded), (EIGENVALUE, largest_eigenvalue, gaussian)],
    ids=["distance", "eigenvalue"],
)
def test_mcse_against_the_true_spread(
    statistic: Statistic, function: Callable[..., float], draw: Callable[..., np.ndarray]
) -> None:
    rng = np.random.default_rng(1)
    values, errors = [], []
    for repeat in range(REPEATS):
        sample = draw(rng)
        values.append(function(*np.atleast_2d(sample.T)))
        if repeat % 10 == 0:
            errors.append(statistic.estimate(sample).mcse)
    # The spread of 2000 values is known to 1/sqrt(4000), three times over 5 %.
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.05)


def test_influence_of_an_eigenvalue_against_perturbation_theory() -> None:
    sample = gaussian(np.random.default_rng(2))
    values, vectors = np.linalg.eigh(np.cov(sample.T))
    projected = (sample - sample.mean(axis=0)) @ vectors[:, -1]
    influence = EIGENVALUE.influence(sample)
    # The first order is the variance along the eigenvector; leaving one out shows orders of 1/N.
    np.testing.assert_allclose(
        influence, projected**2 - values[-1], rtol=0, atol=3 * np.max(np.square(projected)) ** 2 / N
    )
    assert np.corrcoef(influence, projected**2)[0, 1] > 0.99


def test_a_distance_of_zero_has_no_narrow_limits() -> None:
    """It has no derivative there: what the influences leave out is as large as itself."""
    rng = np.random.default_rng(3)

    def left_out(sample: np.ndarray) -> float:
        found: Expansion = DISTANCE.expand(sample)
        return found.remainder / standard_error(found.influence)

    at_zero = np.mean([left_out(rng.random(400)) for _ in range(10)])
    apart = np.mean([left_out(crowded(rng, 400)) for _ in range(10)])
    assert at_zero > 0.4 > 4 * apart
    assert DISTANCE.limits(rng.random(400), 0.01).low < 0


def test_words_and_values() -> None:
    assert DISTANCE.label == "distance_from_uniform of x"
    assert custom(("x", "y"), largest_eigenvalue, name="spectral norm").label == "spectral norm of x, y"
    assert custom("x", np.ptp).name == "ptp"
    assert EIGENVALUE.columns == ("x", "y", "z")
    assert custom("x", np.ptp) == custom(["x"], np.ptp) != custom("y", np.ptp)
    assert hash(EIGENVALUE) == hash(custom(["x", "y", "z"], largest_eigenvalue))


@pytest.mark.parametrize(
    ("columns", "function", "message"),
    [
        ((), np.ptp, r"`columns` must be names of columns, got \(\); name what `function` takes"),
        (("x", 1), np.ptp, r"`columns` must be names of columns, got \('x', 1\)"),
        (
            "x",
            "ptp",
            r"`function` must be a function of arrays, got 'ptp'; write custom\(columns, function\)",
        ),
    ],
    ids=["none", "number", "name"],
)
def test_misuse(columns: Any, function: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        custom(columns, function)


def test_misuse_of_values() -> None:
    with pytest.raises(InputError, match="`values` must be finite, got nan at index 1 of x"):
        DISTANCE.estimate([0.1, math.nan, 0.3, 0.4])
    with pytest.raises(InputError, match="`values` must hold at least 4 replicates"):
        DISTANCE.estimate([0.1, 0.2, 0.3])
    with pytest.raises(
        InputError, match="`function` must return a number for 4 replicates, but raised LinAlgError"
    ):
        custom("x", largest_eigenvalue).estimate([0.1, 0.2, 0.3, 0.4])


def influence_of_mean(x: np.ndarray) -> np.ndarray:
    return np.asarray(x - x.mean())


def test_a_given_influence_takes_the_place_of_the_jackknife() -> None:
    sample = np.random.default_rng(3).exponential(size=3000)
    given = custom("x", np.mean, influence=influence_of_mean)
    np.testing.assert_allclose(given.influence(sample), custom("x", np.mean).influence(sample), atol=0.3)
    assert given.estimate(sample).mcse == pytest.approx(standard_error(influence_of_mean(sample)))


@pytest.mark.parametrize(
    ("influence", "message"),
    [
        (lambda x: x, r"must return 100 finite numbers of mean 0 for 100 replicates, got a mean of .*; subtract it"),
        (lambda x: x[1:], r"got dtype float64 of shape \(99,\); mend the function"),
        (lambda x: x * np.nan, "must return 100 finite numbers"),
        (lambda x: 1 / 0, "must return 100 numbers for 100 replicates, but raised ZeroDivisionError"),
    ],
    ids=["mean", "shape", "nan", "raises"],
)  # fmt: skip
def test_an_influence_that_is_none_is_refused(influence: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=f"`influence` .*{message}"):
        custom("x", np.mean, influence=influence).influence(np.random.default_rng(3).random(N))


def test_an_influence_must_be_a_function() -> None:
    with pytest.raises(InputError, match=r"`influence` must be a function of arrays, got 1\.0; leave it out"):
        custom("x", np.mean, influence=1.0)  # type: ignore[arg-type]


def test_what_a_claim_asks_for_one_by_one_is_computed_once() -> None:
    calls = []

    def counted(x: np.ndarray) -> float:
        calls.append(x.size)
        return float(x.mean())

    statistic, sample = custom("x", counted), np.random.default_rng(4).random(N)
    statistic.estimate(sample)
    first = len(calls)
    statistic.limits(sample, 0.01)
    statistic.influence(sample.copy())
    assert len(calls) == first
    statistic.influence(sample + 1e-9)
    assert len(calls) == 2 * first


def test_a_function_without_a_hash_is_taken_too() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, x: np.ndarray) -> float:
            return float(x.mean())

    sample = np.random.default_rng(4).random(N)
    assert custom("x", Unhashable(), name="own").estimate(sample).value == pytest.approx(sample.mean())
