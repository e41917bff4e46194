"""Combinations of estimates at several levels: their limits at any time, paired and independent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import ndtr, ndtri, stdtrit
from scipy.stats import binom

from mcstudy.statistics import Statistic, mean, quantile
from mcstudy.statistics.joint import Joint
from mcstudy.statistics.regression import regress

FloatArray = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], list[FloatArray]]


def joint(columns: Sequence[FloatArray], *, of: Statistic | None = None, paired: bool = False) -> Joint:
    statistic = of or mean("x")
    estimates = [statistic.estimate(column) for column in columns]
    values = np.array([estimate.value for estimate in estimates])
    return Joint(
        logs=np.log(values),
        errors=np.array([estimate.mcse for estimate in estimates]) / values,
        influences=tuple(statistic.influence(c) / v for c, v in zip(columns, values, strict=True)),
        names=tuple(f"n = {2**k}" for k in range(len(columns))),
        streams=tuple(0 if paired else k for k in range(len(columns))),
    )


def slope(levels: Joint, last: int | None = None) -> FloatArray:
    """Weights of the slope over the last levels, which double."""
    k = len(levels.logs)
    log_x = np.log(2.0 ** np.arange(k))
    return np.asarray(levels.regress(log_x[:, None], np.arange(k - (last or k), k)).estimator[1])


def positive(rng: np.random.Generator, count: int, sd: float = 0.3) -> FloatArray:
    return np.asarray(1.0 + sd * rng.normal(size=count))


def test_covariance_of_streams_against_numpy() -> None:
    """Levels 0 and 2 share their random numbers; 1 has fewer replicates and its own."""
    rng = np.random.default_rng(1)
    first = positive(rng, 100)
    columns = [first, positive(rng, 60), 2.0 * first + 0.1 * rng.normal(size=100)]
    levels = joint(columns)
    mixed = Joint(levels.logs, levels.errors, levels.influences, levels.names, streams=(0, 1, 0))
    relative = [column / np.mean(column) for column in columns]
    expected = np.diag([np.var(r, ddof=1) / len(r) for r in relative])
    expected[0, 2] = expected[2, 0] = np.cov(relative[0], relative[2])[0, 1] / 100
    np.testing.assert_allclose(mixed.covariance, expected, rtol=1e-12)
    weights = np.array([1.0, -3.0, 2.0])
    assert mixed.spread(weights) == pytest.approx(math.sqrt(weights @ expected @ weights))
    assert mixed.replicates(weights) == 60
    assert mixed.replicates(np.array([1.0, 0.0, -1.0])) == 100


def test_one_level_has_the_limits_of_its_mean() -> None:
    """With small errors the logarithm is straight: limits of log y are those of y, relative."""
    column = positive(np.random.default_rng(2), 4096, sd=1e-3)
    own, alone = mean("x").limits(column, 0.01), joint([column]).limits(np.ones(1), 0.01)
    relative = np.log([own.low, own.high])
    # Of second order in the error, 1e-3 / 64, times the square of z.
    np.testing.assert_allclose([alone.low, alone.high], relative, atol=20 * (1e-3 / 64) ** 2)


def test_welch_degrees_of_freedom_where_few_replicates_carry_the_error() -> None:
    """Alternating signs have no skewness and the lightest tails: the limits are Student's."""
    signs = np.tile([-1.0, 1.0], 2048)
    levels = joint([1.0 + 0.1 * signs[:64], 1.0 + 0.2 * signs])
    weights, z = np.array([1.0, -1.0]), 4.0
    variances = np.array([0.1**2 / 63, 0.2**2 / 4095])
    degrees = np.sum(variances) ** 2 / np.sum(variances**2 / [63, 4095])
    assert 63 < degrees < 90
    # Influences over N - 1 instead of n_i - 1 for each level, and the bend of the logarithm: 1 % together.
    half_width = float(stdtrit(degrees, ndtr(z))) * math.sqrt(np.sum(variances))
    limits = levels.limits_at(weights, z)
    assert (limits.high - limits.low) / 2 == pytest.approx(half_width, rel=0.01)
    normal = z * math.sqrt(np.sum(variances))  # the control
    assert (limits.high - limits.low) / 2 > 1.03 * normal
    assert levels.plain_limits(weights, z) == pytest.approx(limits[:2], abs=0.01 * half_width)


def test_pairs_that_move_alike_leave_little() -> None:
    """x n (1 + common noise): the slope has the noise that is left, its curvature included."""
    rng = np.random.default_rng(3)
    shared = positive(rng, 1024)
    columns = [2.0**k * (shared + 1e-3 * rng.normal(size=1024)) for k in range(4)]
    paired, apart = joint(columns, paired=True), joint(columns)
    weights = slope(paired)
    narrow, wide = paired.limits(weights, 0.01), apart.limits(weights, 0.01)
    assert narrow.high - narrow.low < 0.01 * (wide.high - wide.low)
    assert narrow.low < 1.0 < narrow.high


def test_replicates_that_move_exactly_alike_wait_unless_levels_are_seen_apart() -> None:
    """A rare replicate that does not nobody has seen; limits of the levels hold for any dependence."""
    shared = positive(np.random.default_rng(4), 512)
    levels = joint([shared, 2.0 * shared, 4.0 * shared], paired=True)
    weights = slope(levels)
    together = levels.limits(weights, 0.01)
    assert not together.believed
    assert "all replicates move alike at all levels" in getattr(together.condition, "reason", "")
    apart = levels.limits_apart(weights, 0.01)
    assert apart.believed
    independent = joint([shared, 2.0 * shared, 4.0 * shared]).limits(weights, 0.01)
    assert apart.high - apart.low > independent.high - independent.low


def test_limits_apart_are_those_of_the_levels_at_their_part_of_the_share() -> None:
    rng = np.random.default_rng(4)
    levels = joint([positive(rng, 512), positive(rng, 256)], paired=False)
    one, other = (levels.limits(np.array(weights), 0.01 / 2) for weights in ([1.0, 0.0], [0.0, -1.0]))
    apart = levels.limits_apart(np.array([1.0, -1.0]), 0.01)
    assert apart[:2] == pytest.approx((one.low + other.low, one.high + other.high))


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (np.ones(512), "at n = 4, all 512 replicates are equal: declare them constant, or draw more"),
        (
            np.linspace(0.9, 1.1, 63),
            "at n = 4, 63 replicates are too few to see their tails: 64 are the least",
        ),
    ],
)
def test_a_level_of_which_nothing_can_be_seen_is_named(column: FloatArray, reason: str) -> None:
    rng = np.random.default_rng(5)
    levels = joint([positive(rng, 512), positive(rng, 512), column, positive(rng, 512)])
    limits = levels.limits(slope(levels), 0.01)
    assert not limits.believed
    assert getattr(limits.condition, "reason", "") == reason
    others = levels.limits(np.array([-1.0, 0.0, 0.0, 1.0]), 0.01)  # the control: it has no say
    assert others.believed


def test_a_heavy_level_waits_as_much_as_it_has_a_share() -> None:
    """Three of 512 replicates make up the spread of one level: alone it is not seen, with a hundredth of the error it is."""
    rng = np.random.default_rng(6)
    rare = np.where(np.arange(512) < 3, 3.0, 1.0)
    levels = joint([positive(rng, 512), rare])
    assert levels.limits(np.array([1.0, 0.1]), 0.01).believed
    alone = levels.limits(np.array([0.0, 1.0]), 0.01)
    assert not alone.believed
    assert getattr(alone.condition, "reason", "").startswith("the tails ask for ")
    assert not levels.limits(np.array([0.1, 1.0]), 0.01).believed


def test_constant_levels_are_known_to_rounding() -> None:
    levels = Joint(np.log([1.0, 2.0, 4.0]), np.zeros(3), (np.zeros(9),) * 3, ("a", "b", "c"), (0, 1, 2), True)
    limits = levels.limits(slope(levels), 0.01)
    assert limits.condition is None
    assert limits.low < 1.0 < limits.high
    assert limits.high - limits.low < 1e-14


def test_regression_of_some_levels_has_a_place_for_all() -> None:
    levels = joint([positive(np.random.default_rng(k), 256) for k in range(5)])
    u = np.arange(5.0)[:, None]
    chosen = np.array([4, 2, 3])
    fit = levels.regress(u, chosen, known=u[:, 0] ** 2)
    alone = regress(u[chosen], levels.logs[chosen] - chosen**2, levels.covariance[np.ix_(chosen, chosen)])
    np.testing.assert_allclose(fit.estimator[:, chosen], alone.estimator)
    assert not np.any(fit.estimator[:, :2])
    assert fit.coefficients == pytest.approx(alone.coefficients)
    assert not np.any(fit.misfit[:2])


# Looks at every 1.5-fold number of replicates; levels have one law each up to its scale, so that the slope is 0.
LOOKS = [int(64 * 1.5**k) for k in range(7)]
TRIALS, SHARE, TUNED = 120, 0.05, 256
# A rate of 1.15 shares gives more once in 1000 tests.
ALLOWED = int(binom.isf(1e-3, TRIALS, 1.15 * SHARE))


def exponentials(rng: np.random.Generator, count: int) -> list[FloatArray]:
    return [rng.exponential(size=count) for _ in range(5)]


def lognormals(rng: np.random.Generator, count: int) -> list[FloatArray]:
    return [np.exp(rng.normal(size=count)) for _ in range(5)]


def common_lognormals(rng: np.random.Generator, count: int) -> list[FloatArray]:
    """Four levels that share nine tenths of the variance of their logarithms."""
    shared = math.sqrt(0.9) * rng.normal(size=count)
    return [np.exp(shared + math.sqrt(0.1) * rng.normal(size=count)) for _ in range(4)]


def rare_top(rng: np.random.Generator, count: int) -> list[FloatArray]:
    """Four quiet levels, and one that is 101 times as large once in 512 replicates; its mean is 1 as well."""
    rare = np.where(rng.random(count) < 1 / 512, 101.0, 1.0) / (1.0 + 100 / 512)
    return [*(positive(rng, count) for _ in range(4)), rare]


def at_any_time(levels: Joint, weights: FloatArray) -> tuple[bool, bool]:
    limits = levels.limits(weights, SHARE, TUNED)
    return limits.believed and limits.low > 0, limits.believed and limits.high < 0


def at_one_look(levels: Joint, weights: FloatArray) -> tuple[bool, bool]:
    """What a normal quantile at the same share says."""
    center, half_width = float(weights @ levels.logs), -float(ndtri(SHARE)) * levels.spread(weights)
    return center - half_width > 0, center + half_width < 0


def most_misses(draw: Draw, of: Statistic, last: int | None, *, paired: bool) -> tuple[int, int]:
    """How many trials miss at some look, on the worse side: by limits at any time, and by those for one look."""
    rng = np.random.default_rng(11)
    found = np.zeros((2, 2), dtype=int)
    for _ in range(TRIALS):
        columns = draw(rng, LOOKS[-1])
        looks = [joint([c[:n] for c in columns], of=of, paired=paired) for n in LOOKS]
        found += np.any(
            [[at_any_time(one, w), at_one_look(one, w)] for one in looks for w in [slope(one, last)]], axis=0
        )
    right, wrong = np.max(found, axis=1).tolist()
    return right, wrong


CASES = [
    pytest.param(exponentials, mean("x"), None, False, id="exponential, 5 levels"),
    pytest.param(exponentials, mean("x"), 3, False, id="exponential, 3 levels"),
    pytest.param(exponentials, mean("x"), 2, False, id="exponential, 2 levels"),
    pytest.param(lognormals, mean("x"), None, False, id="lognormal, 5 levels"),
    pytest.param(common_lognormals, quantile("x", 0.9), None, True, id="common quantiles, 4 levels"),
    pytest.param(rare_top, mean("x"), None, False, id="rare values at one of 5 levels"),
]


@pytest.mark.calibration
@pytest.mark.parametrize(("draw", "of", "last", "paired"), CASES)
def test_limits_hold_at_any_time(draw: Draw, of: Statistic, last: int | None, paired: bool) -> None:
    right, wrong = most_misses(draw, of, last, paired=paired)
    assert right <= ALLOWED
    assert wrong > ALLOWED  # the control


def common_normals(rng: np.random.Generator, count: int) -> list[FloatArray]:
    shared = 0.3 * rng.normal(size=count)
    return [1.0 + shared + 0.1 * rng.normal(size=count) for _ in range(6)]


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("draw", "paired"), [(exponentials, False), (lognormals, False), (common_normals, True)]
)
def test_true_models_are_rejected_as_rarely_as_stated(draw: Draw, paired: bool) -> None:
    rng = np.random.default_rng(12)
    ever, at_looks = 0, 0
    for _ in range(TRIALS):
        columns = draw(rng, LOOKS[-1])
        looks = [joint([c[:n] for c in columns], paired=paired) for n in LOOKS]
        fits = [levels.regress(np.arange(float(len(columns)))[:, None]) for levels in looks]
        ever += any(levels.rejects(fit, SHARE, TUNED) for levels, fit in zip(looks, fits, strict=True))
        at_looks += any(fit.p_value < SHARE for fit in fits)
    assert ever <= ALLOWED
    assert at_looks > ALLOWED  # the control


def test_a_bent_line_is_rejected_and_what_is_known_of_it_is_not() -> None:
    rng = np.random.default_rng(13)
    u = np.arange(5.0)
    bend = 0.02 * u**2
    levels = joint([np.exp(0.5 * k + bend[k]) * positive(rng, 4096) for k in range(5)])
    assert levels.rejects(levels.regress(u[:, None]), 0.001)
    assert not levels.rejects(levels.regress(u[:, None], known=bend), 0.001, known=bend)
    assert not levels.rejects(levels.regress(np.stack([u, u**2], axis=1)), 0.001)
    straight = joint([np.exp(0.5 * k) * positive(rng, 4096) for k in range(5)])
    assert straight.rejects(straight.regress(u[:, None], known=bend), 0.001, known=bend)
    two = levels.regress(u[:, None], np.array([3, 4]))
    assert not levels.rejects(two, 0.001)  # nothing to test
