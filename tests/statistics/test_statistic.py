"""Estimates, standard errors and limits against closed forms, jackknife and exact variances."""

import dataclasses
import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike

from mcstudy.exceptions import InputError
from mcstudy.statistics import (
    Statistic,
    bias_eliminated_coverage,
    conditional,
    mean,
    mse,
    proportion,
    quantile,
    ratio,
    rms,
    sd,
    variance,
)
from mcstudy.statistics.bernoulli import proportion_limits, quantile_limits
from mcstudy.statistics.sequences import effective_z, influence_limits
from mcstudy.statistics.statistic import Estimate, Limiting, Limits, believed
from mcstudy.statistics.tails import condition

N = 1001
REPEATS = 300
# Five standard errors of the test's own Monte Carlo mean: exceeded by a right formula once in 10^6 tests.
SIGMAS = 5.0

Sampler = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def exponential(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_exponential(shape)


def lognormal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.exp(0.3 * rng.standard_normal(shape))


def chi_square(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_normal(shape) ** 2


def log_moment(k: int) -> float:
    return math.exp(0.3**2 * k**2 / 2)


# Raw moments E X, ..., E X^4.
MOMENTS: dict[Sampler, tuple[float, float, float, float]] = {
    exponential: (1.0, 2.0, 6.0, 24.0),
    lognormal: (log_moment(1), log_moment(2), log_moment(3), log_moment(4)),
    chi_square: (1.0, 3.0, 15.0, 105.0),
}


def exact_variances(sampler: Sampler) -> dict[str, float]:
    """Sampling variances at N replicates: exact for mean and variance, to first order for the roots."""
    m1, m2, m3, m4 = MOMENTS[sampler]
    spread = m2 - m1**2
    fourth = m4 - 4 * m3 * m1 + 6 * m2 * m1**2 - 3 * m1**4
    of_variance = (fourth - spread**2 * (N - 3) / (N - 1)) / N
    return {
        "mean": spread / N,
        "variance": of_variance,
        "sd": of_variance / (4 * spread),
        "rms": (m4 - m2**2) / (4 * m2 * N),
    }


def standard_scores(squared_errors: np.ndarray, truth: float) -> float:
    """How many of its own standard errors the mean of `squared_errors` is away from `truth`."""
    return float(
        (squared_errors.mean() - truth) / (squared_errors.std(ddof=1) / math.sqrt(squared_errors.size))
    )


@pytest.mark.parametrize("statistic", [mean("x"), variance("x"), sd("x"), rms("x")], ids=lambda s: s.name)
@pytest.mark.parametrize("sampler", list(MOMENTS), ids=lambda s: s.__name__)
def test_mcse_against_theory(statistic: Statistic, sampler: Sampler) -> None:
    samples = sampler(np.random.default_rng(1), (REPEATS, N))
    squared = np.array([statistic.estimate(sample).mcse ** 2 for sample in samples])
    assert abs(standard_scores(squared, exact_variances(sampler)[statistic.name])) < SIGMAS


@pytest.mark.parametrize("sampler", [exponential, chi_square], ids=lambda s: s.__name__)
def test_mcse_of_normal_theory_is_caught(sampler: Sampler) -> None:
    samples = sampler(np.random.default_rng(1), (REPEATS, N))
    of_variance = 2 * samples.var(axis=1, ddof=1) ** 2 / (N - 1)
    assert abs(standard_scores(of_variance, exact_variances(sampler)["variance"])) > 2 * SIGMAS


def test_mcse_of_quantile_against_exact_order_statistics() -> None:
    # With n = 1001, the 0.9 quantile is the 901st value: Renyi's sum gives its variance for exponential data.
    rank = 901
    samples = exponential(np.random.default_rng(2), (REPEATS, N))
    squared = np.array([quantile("x", 0.9).estimate(sample).mcse ** 2 for sample in samples])
    truth = sum(1 / (N - i + 1) ** 2 for i in range(1, rank + 1))
    # Maritz and Jarrett weight with a smooth law in place of the exact one: an error of order 1/sqrt(n).
    smoothing = squared.mean() / math.sqrt(N)
    assert abs(squared.mean() - truth) < SIGMAS * squared.std(ddof=1) / math.sqrt(REPEATS) + smoothing
    wrong = 0.9 * 0.1 / N  # without the density
    assert abs(squared.mean() - wrong) > 2 * (SIGMAS * squared.std(ddof=1) / math.sqrt(REPEATS) + smoothing)


def test_mcse_of_proportion_against_theory() -> None:
    samples = np.random.default_rng(3).random((REPEATS, N)) < 0.2
    squared = np.array([proportion("x").estimate(sample).mcse ** 2 for sample in samples])
    assert abs(standard_scores(squared, 0.2 * 0.8 / N)) < SIGMAS


def test_estimates_against_numpy() -> None:
    x = np.random.default_rng(4).lognormal(size=N)
    for statistic, expected in [
        (mean("x"), np.mean(x)),
        (variance("x"), np.var(x, ddof=1)),
        (sd("x"), np.std(x, ddof=1)),
        (rms("x"), np.sqrt(np.mean(x**2))),
        (quantile("x", 0.3), np.quantile(x, 0.3)),
    ]:
        estimate = statistic.estimate(x)
        # Sums of n terms, each way of summing within n roundings.
        assert estimate.value == pytest.approx(float(expected), rel=N * np.finfo(float).eps)
        assert estimate.replicates == N
    assert proportion("x").estimate(x > 1).value == np.mean(x > 1)


@pytest.mark.parametrize("statistic", [mean("x"), variance("x")], ids=lambda s: s.name)
def test_influence_against_jackknife(statistic: Statistic) -> None:
    x = np.random.default_rng(5).standard_exponential(50)
    n = x.size
    left_out = np.array([statistic.estimate(np.delete(x, i)).value for i in range(n)])
    jackknife = (n - 1) * (statistic.estimate(x).value - left_out)
    # Leaving one out of a variance stretches its influence by exactly (n - 1)/(n - 2).
    stretch = 1.0 if statistic.name == "mean" else (n - 1) / (n - 2)
    # (n - 1) times a difference of two rounded sums of n terms, each sum of some ten roundings at most.
    np.testing.assert_allclose(
        statistic.influence(x) * stretch, jackknife, atol=100 * n * np.finfo(float).eps
    )


@pytest.mark.parametrize(("root", "square"), [(sd("x"), variance("x")), (rms("x"), mean("x"))])
def test_influence_of_a_root_against_chain_rule(root: Statistic, square: Statistic) -> None:
    x = np.random.default_rng(6).standard_exponential(50)
    argument = x if root.name == "sd" else x**2
    expected = square.influence(argument) / (2 * root.estimate(x).value)
    np.testing.assert_allclose(root.influence(x), expected, rtol=0, atol=1e3 * np.finfo(float).eps)


@pytest.mark.parametrize(
    "statistic", [mean("x"), rms("x"), quantile("x", 0.7), proportion("x")], ids=lambda s: s.name
)
def test_influence_gives_the_mcse(statistic: Statistic) -> None:
    x = np.random.default_rng(7).standard_exponential(200)
    values = x > 0.5 if statistic.name == "proportion" else x
    influence = statistic.influence(values)
    assert influence.shape == (200,)
    assert abs(influence.mean()) < 200 * np.finfo(float).eps
    expected = np.std(influence, ddof=1) / math.sqrt(200)
    assert statistic.estimate(values).mcse == pytest.approx(expected, rel=200 * np.finfo(float).eps)


def test_influence_of_quantiles_pairs_columns() -> None:
    x = np.random.default_rng(8).standard_normal(501)
    median = quantile("x", 0.5)
    np.testing.assert_array_equal(median.influence(4 * x), 4 * median.influence(x))
    assert np.all((median.influence(x) > 0) == (x > np.median(x)))


def test_variance_of_random_signs_against_exact_variance() -> None:
    # Squared deviations of balanced signs are constant: the first-order error is 0, the exact one is not.
    signs = np.tile([-1.0, 1.0], 50)
    n = signs.size
    estimate = variance("a").estimate(signs)
    assert np.std(variance("a").influence(signs)) == 0
    # The exact variance (mu_4 - sigma^4 (n-3)/(n-1))/n at mu_4 = sigma^4, at the estimated sigma.
    assert estimate.mcse == pytest.approx(math.sqrt(2 / (n * (n - 1))) * estimate.value, rel=1e-12)
    low, high = variance("a").interval(signs, 1 - 1e-6)
    assert low < 1 < high


@pytest.mark.parametrize("statistic", [mean("x"), variance("x")], ids=lambda s: s.name)
def test_limits_are_those_of_the_influences_with_room_for_what_was_not_seen(statistic: Statistic) -> None:
    x = np.random.default_rng(10).standard_exponential(256)
    z, influence, value = effective_z(256, 0.01, 128), statistic.influence(x), statistic.estimate(x).value
    seen = condition(influence, z)
    remainder = value / 256 if statistic.name == "variance" else 0.0
    expected = influence_limits(value, influence, z, remainder=remainder, unseen=seen.unseen)
    limits = statistic.limits(x, 0.01, tuned=128)
    assert seen.unseen > 0
    assert (limits.low, limits.high) == pytest.approx(expected)
    assert limits.condition == seen
    assert limits.believed is seen.met
    narrow = influence_limits(value, influence, z, remainder=remainder)
    assert limits.high > narrow[1]  # the control: the unseen do widen


def test_limits_of_a_look_at_more_replicates_than_influences() -> None:
    """Where several replicates make one influence, it is they that count for the boundary."""
    influence = np.random.default_rng(11).standard_normal(256)
    few, many = (believed(0.0, influence, replicates=count)(0.01, 256) for count in (256, 4096))
    assert few == believed(0.0, influence)(0.01, 256)
    assert many.high / few.high == pytest.approx(
        effective_z(4096, 0.01, 256) / effective_z(256, 0.01, 256), rel=0.1
    )


PAIRS = np.random.default_rng(13).standard_normal((400, 2)) + np.array([2.0, 0.0])
GIVEN = np.column_stack([PAIRS[:, 0], PAIRS[:, 1] > 0.3])
BOUNDS = np.column_stack([PAIRS[:, 1] - 1.0, PAIRS[:, 1] + 1.0, PAIRS[:, 1]])


@pytest.mark.parametrize(
    ("statistic", "values"),
    [
        *((of, PAIRS[:, 0]) for of in (mean("x"), variance("x"), sd("x"), rms("x"), quantile("x", 0.9))),
        (proportion("x"), GIVEN[:, 1]),
        (conditional(mean("x"), given="g"), GIVEN),
        (conditional(quantile("x", 0.5), given="g"), GIVEN),
        (ratio("x", "y"), PAIRS[:, ::-1]),
        (mse("x", 2.0), PAIRS[:, 0]),
        (bias_eliminated_coverage("lower", "upper", "x"), BOUNDS),
    ],
    ids=lambda one: one.label if isinstance(one, Statistic) else "",
)
def test_limits_at_several_shares_are_those_at_each(statistic: Statistic, values: np.ndarray) -> None:
    limiting = statistic.limiting(values)
    for share in (0.05, 1e-4):
        assert limiting(share, 512) == statistic.limits(values, share, 512)
    assert limiting(1e-4, 512).low < limiting(0.05, 512).low


def test_limits_of_a_statistic_of_ones_own_are_its_own() -> None:
    class Own(Statistic):
        name = "own"

        def estimate(self, values: ArrayLike) -> Estimate:
            return mean("x").estimate(values)

        def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
            return mean("x").interval(values, confidence)

        def influence(self, values: ArrayLike) -> np.ndarray:
            return mean("x").influence(values)

    class Declared(Own):
        def limiting(self, values: ArrayLike) -> Limiting:
            return lambda share, tuned: Limits(share, tuned)

    x = PAIRS[:, 0]
    assert Own("x").limits(x, 0.01, 512) == mean("x").limits(x, 0.01, 512)
    assert Declared("x").limits(x, 0.01, 512) == Limits(0.01, 512)


@pytest.mark.parametrize(("root", "square"), [(sd("x"), variance("x")), (rms("x"), mean("x"))])
def test_limits_of_a_root_are_roots_of_limits(root: Statistic, square: Statistic) -> None:
    x = np.random.default_rng(12).standard_normal(512)
    argument = x if root.name == "sd" else x**2
    expected, limits = square.limits(argument, 0.01), root.limits(x, 0.01)
    assert (limits.low, limits.high) == pytest.approx((math.sqrt(expected.low), math.sqrt(expected.high)))
    assert limits.believed
    heavy = np.append(np.zeros(200), 1.0)  # the lower limit of its square is below 0
    assert square.limits(heavy if root.name == "sd" else heavy**2, 0.01).low < 0
    assert root.limits(heavy, 0.01).low == 0


def test_limits_of_frequencies_and_ranks_hold_for_every_law() -> None:
    x = np.random.default_rng(13).standard_normal(256)
    limits = proportion("x").limits(x > 1, 0.01, tuned=64)
    low, high = proportion_limits(int(np.sum(x > 1)), 256, share=0.01, tuned=64)
    assert tuple(limits) == (float(low), float(high), None)
    ranks = quantile("x", 0.3).limits(x, 0.01, tuned=64)
    assert tuple(ranks) == (*quantile_limits(x, 0.3, share=0.01, tuned=64), None)
    assert limits.believed
    assert ranks.believed


def test_only_the_spread_of_a_proportion_is_known_from_its_value() -> None:
    assert proportion("x").scale(0.2) == pytest.approx(0.4)
    assert proportion("x").scale(0.0) == 0.0
    assert proportion("x").scale(1.5) is None
    assert [statistic.scale(0.2) for statistic in STATISTICS] == [None] * 5


STATISTICS = [mean("x"), variance("x"), sd("x"), rms("x"), quantile("x", 0.9)]


@pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: s.name)
@pytest.mark.parametrize("constant", [0.1, -3.7, 0.0])
def test_deterministic_column_has_no_width(statistic: Statistic, constant: float) -> None:
    values = np.full(1000, constant)
    truth = {"variance": 0.0, "sd": 0.0, "rms": abs(constant)}.get(statistic.name, constant)
    assert statistic.estimate(values) == type(statistic.estimate(values))(truth, 0.0, 1000)
    assert statistic.interval(values, 1 - 1e-6) == (truth, truth)
    assert not statistic.influence(values).any()


@pytest.mark.parametrize("statistic", [mean("x"), variance("x"), sd("x"), rms("x")], ids=lambda s: s.name)
@pytest.mark.parametrize("constant", [0.1, -3.7, 0.0])
def test_limits_of_a_deterministic_column_are_not_believed(statistic: Statistic, constant: float) -> None:
    values = np.full(1000, constant)
    values[::3] *= 1 + 4 * np.finfo(float).eps  # rounding tells no two values apart
    limits = statistic.limits(values, 0.01)
    assert not limits.believed
    assert limits.condition is not None
    assert limits.condition.reason.startswith("all 1000 replicates are equal")


def test_plain_mean_of_equal_values_would_have_width() -> None:
    assert np.mean(np.full(1000, 0.1)) != 0.1


@pytest.mark.parametrize("ones", [0, 1])
def test_constant_proportion_keeps_an_honest_width(ones: int) -> None:
    low, high = proportion("x").interval(np.full(1000, ones), 0.99)
    # Rule of three: 1 - (error/2)^(1/n).
    assert high - low == pytest.approx(1 - 0.005 ** (1 / 1000), rel=1e-9)


@pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: s.name)
@pytest.mark.parametrize("power", [-600, 600])
def test_invariant_to_units(statistic: Statistic, power: int) -> None:
    # Powers of two are exact; 2^600 is about 10^180, whose square overflows. A variance must not overflow itself.
    x = np.random.default_rng(9).standard_exponential(100)
    unit = 2.0 ** (power // 2 if statistic.name == "variance" else power)
    factor = unit**2 if statistic.name == "variance" else unit
    small, large = statistic.estimate(x), statistic.estimate(unit * x)
    ends = [*statistic.interval(x, 0.99), small.value, small.mcse]
    scaled = [*statistic.interval(unit * x, 0.99), large.value, large.mcse]
    np.testing.assert_allclose(scaled, np.multiply(factor, ends), rtol=1e3 * np.finfo(float).eps)
    limits, scaled_limits = statistic.limits(x, 0.01)[:2], statistic.limits(unit * x, 0.01)[:2]
    np.testing.assert_allclose(scaled_limits, np.multiply(factor, limits), rtol=1e3 * np.finfo(float).eps)


@pytest.mark.parametrize("values", [[True, False, True], [1, 0, 1], np.array([1, 0, 1], dtype=np.float32)])
def test_takes_any_real_dtype(values: object) -> None:
    array = np.asarray(values)
    assert mean("x").estimate(array).value == pytest.approx(2 / 3)
    assert proportion("x").estimate(array).value == pytest.approx(2 / 3)


def test_statistics_are_frozen_values_with_words() -> None:
    assert mean("error").label == "mean of error"
    assert quantile("error", 0.9).label == "0.9 quantile of error"
    assert [s("x").name for s in (mean, variance, sd, rms, proportion)] == [
        "mean",
        "variance",
        "sd",
        "rms",
        "proportion",
    ]
    assert mean("x") == mean("x") != variance("x")
    assert quantile("x", 0.9) != quantile("x", 0.8)
    assert len({sd("x"), sd("x"), sd("y")}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        mean("x").column = "y"  # type: ignore[misc]


@pytest.mark.parametrize("statistic", [*STATISTICS, proportion("x")], ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[0.0, 1.0], [1.0, 0.0]], r"`values` must be one-dimensional, got shape \(2, 2\)"),
        ([1.0], "`values` must hold at least 2 replicates, got 1"),
        ([0.0, 1.0, math.nan], "`values` must (be finite|not be missing), got nan at index 2"),
        (["a", "b"], "`values` must be real numbers or booleans, got dtype <U1"),
        ([1j, 0j], "`values` must be real numbers or booleans, got dtype complex128"),
    ],
)
def test_bad_values_are_refused(statistic: Statistic, values: list[object], message: str) -> None:
    array = np.array(values)
    for method in (
        statistic.estimate,
        statistic.influence,
        lambda v: statistic.interval(v, 0.99),
        lambda v: statistic.limits(v, 0.01),
    ):
        with pytest.raises(InputError, match=message):
            method(array)


@pytest.mark.parametrize("statistic", [*STATISTICS, proportion("x")], ids=lambda s: s.name)
def test_infinite_values_are_for_those_that_take_them(statistic: Statistic) -> None:
    values = np.array([0.0, math.inf, 1.0])
    if statistic.unbounded:
        assert statistic.estimate(values).replicates == 3
        return
    with pytest.raises(InputError, match="`values` must be finite, got inf at index 1"):
        statistic.estimate(values)


@pytest.mark.parametrize("statistic", [*STATISTICS, proportion("x")], ids=lambda s: s.name)
@pytest.mark.parametrize("confidence", [0, 1, -0.5, 99, math.nan])
def test_bad_confidence_is_refused(statistic: Statistic, confidence: float) -> None:
    with pytest.raises(InputError, match=f"`confidence` must lie strictly between 0 and 1, got {confidence}"):
        statistic.interval(np.array([0.0, 1.0, 1.0]), confidence)


@pytest.mark.parametrize("statistic", [*STATISTICS, proportion("x")], ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("share", "tuned", "message"),
    [
        (0.0, 64, r"`share` must lie in \(0, 1/2\], got 0.0"),
        (0.6, 64, r"`share` must lie in \(0, 1/2\], got 0.6"),
        (math.nan, 64, r"`share` must lie in \(0, 1/2\], got nan"),
        (0.01, 0.5, "`tuned` must be at least 1 and finite, got 0.5"),
        (0.01, math.inf, "`tuned` must be at least 1 and finite, got inf"),
    ],
)
def test_bad_shares_are_refused(statistic: Statistic, share: float, tuned: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        statistic.limits(np.array([0.0, 1.0, 1.0]), share, tuned)


@pytest.mark.parametrize("probability", [0, 1, -1, 1.5, math.nan])
def test_bad_probability_is_refused(probability: float) -> None:
    with pytest.raises(InputError, match=f"`probability` must lie strictly .* got {probability}; the median"):
        quantile("x", probability)


def test_proportion_of_other_numbers_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"`values` of the proportion of hit must be 0 or 1, got 0\.5 at index 1"
    ):
        proportion("hit").estimate([0, 0.5, 1])


def test_import_is_light() -> None:
    heavy = ("scipy.stats", "statsmodels", "pandas", "matplotlib")
    code = f"import sys, mcstudy.statistics.performance; print([m for m in {heavy} if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
