"""Verdicts that rest on a condition: wrong ones with the truth on the edge, at any look, for laws that break intervals."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import betaincinv

from mcstudy.exceptions import InputError
from mcstudy.statistics.sequences import effective_z, influence_limits
from mcstudy.statistics.tails import FEWEST, Condition, condition, tail_index

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def two_point(probability: float) -> Draw:
    return lambda rng, shape: (rng.random(shape) < probability).astype(float)


# Law, its mean and its variance.
LAWS: dict[str, tuple[Draw, float, float]] = {
    "normal": (lambda rng, shape: rng.standard_normal(shape), 0.0, 1.0),
    "exponential": (lambda rng, shape: rng.standard_exponential(shape), 1.0, 1.0),
    "lognormal-1": (lambda rng, shape: rng.lognormal(0, 1, shape), math.exp(0.5), math.e * (math.e - 1)),
    "lognormal-2": (lambda rng, shape: rng.lognormal(0, 2, shape), math.exp(2), math.exp(4) * math.expm1(4)),
    "t5": (lambda rng, shape: rng.standard_t(5, shape), 0.0, 5 / 3),
    "t3": (lambda rng, shape: rng.standard_t(3, shape), 0.0, 3.0),
    "pareto-2.5": (lambda rng, shape: rng.pareto(2.5, shape), 2 / 3, 2.5 / (1.5**2 * 0.5)),
    "poisson-0.1": (lambda rng, shape: rng.poisson(0.1, shape).astype(float), 0.1, 0.1),
    "bernoulli-0.01": (two_point(0.01), 0.01, 0.0099),
    "one-in-128": (two_point(1 / 128), 1 / 128, 127 / 128**2),
    "three-in-128": (two_point(3 / 128), 3 / 128, 375 / 128**2),
}

LOOKS = (64, 96, 128, 192, 256, 384, 512, 768, 1024)


def influences(data: np.ndarray, statistic: str) -> tuple[np.ndarray, np.ndarray]:
    """Estimates, shape (streams,), and influences, shape (streams, n)."""
    n = data.shape[1]
    squares = np.square(data - data.mean(axis=1, keepdims=True)) * (n / (n - 1))
    places = squares if statistic == "variance" else data
    center = places.mean(axis=1, keepdims=True)
    return center[:, 0], places - center


def wrong(law: str, statistic: str, share: float, streams: int, *, believe: bool = False) -> int:
    """Streams with an end on the wrong side of the truth at a look that gives a verdict.

    With the truth on the upper or on the lower edge of a zone this is where a wrong verdict falls.
    """
    draw, mean, variance = LAWS[law]
    truth = mean if statistic == "mean" else variance
    data = draw(np.random.default_rng(17), (streams, LOOKS[-1]))
    missed = {-1: np.zeros(streams, dtype=bool), 1: np.zeros(streams, dtype=bool)}
    for n in LOOKS:
        z = effective_z(n, share, tuned=64)
        centers, influence = influences(data[:, :n], statistic)
        # No limit is nearer than z errors: only these streams need one.
        near = z * np.sqrt(np.mean(influence**2, axis=1) / n)
        for i in np.flatnonzero(np.abs(centers - truth) > 0.99 * near):
            side = 1 if centers[i] < truth else -1
            if not missed[side][i]:
                missed[side][i] = is_missed(
                    float(centers[i]), influence[i], z, truth, statistic, believe=believe
                )
    return max(int(np.sum(missed[1])), int(np.sum(missed[-1])))


def is_missed(
    center: float, influence: np.ndarray, z: float, truth: float, statistic: str, *, believe: bool
) -> bool:
    found = Condition(True, 1.0, "") if believe else condition(influence, z, rounding=1e-12)
    remainder = center / influence.size if statistic == "variance" else 0.0
    low, high = influence_limits(center, influence, z, remainder=remainder, unseen=found.unseen)
    return found.met and not low <= truth <= high


def upper_limit(count: int, streams: int) -> float:
    """Upper 95 % limit of a rate."""
    return float(betaincinv(count + 1, streams - count, 0.95))


@pytest.mark.calibration
@pytest.mark.parametrize("statistic", ["mean", "variance"])
@pytest.mark.parametrize("law", LAWS)
def test_wrong_verdicts_stay_below_their_share(law: str, statistic: str) -> None:
    for share, streams in ((0.1, 500), (0.01, 1500)):
        assert upper_limit(wrong(law, statistic, share, streams), streams) < 1.15 * share


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("law", "statistic"),
    [
        ("lognormal-1", "variance"),
        ("lognormal-2", "variance"),
        ("t3", "variance"),
        ("pareto-2.5", "variance"),
        ("bernoulli-0.01", "mean"),
        ("one-in-128", "mean"),
    ],
)
def test_without_the_condition_they_do_not(law: str, statistic: str) -> None:
    assert wrong(law, statistic, 0.01, 1500, believe=True) > 3 * 0.01 * 1500


@pytest.mark.parametrize(
    ("law", "statistic", "n"),
    [
        ("normal", "mean", 256),
        ("normal", "variance", 4096),
        ("exponential", "mean", 2048),
        ("poisson-0.1", "mean", 4096),
        ("t5", "mean", 4096),
        ("bernoulli-0.01", "mean", 16384),
    ],
)
def test_harmless_columns_are_believed(law: str, statistic: str, n: int) -> None:
    """Else no verdict would be wrong: there would be none."""
    data = LAWS[law][0](np.random.default_rng(18), (100, n))
    _, influence = influences(data, statistic)
    met = [condition(row, effective_z(n, 1e-3)).met for row in influence]
    assert sum(met) >= 97


def test_cauchy_means_are_never_believed() -> None:
    data = np.random.default_rng(19).standard_cauchy((200, 1024))
    found = [condition(row - row.mean(), z=4.0) for row in data]
    assert not any(item.met for item in found)
    assert all("leaves no second moment" in item.reason for item in found[:20])
    assert all(item.lasting for item in found if "moment" in item.reason)
    few = condition(np.random.default_rng(19).exponential(size=256) - 1.0, z=9.0)
    assert (few.met, few.lasting) == (False, False)  # of tails that more replicates show


def test_ample_replicates_need_no_room_for_the_unseen() -> None:
    rng = np.random.default_rng(20)
    plain, roomy = (condition(rng.standard_exponential(n) - 1, z=4.0) for n in (4096, 256))
    assert plain.met
    assert plain.unseen == 0
    assert plain.value >= 5
    assert roomy.met
    assert roomy.unseen == pytest.approx(8.0)
    assert 1 <= roomy.value < 5
    assert "make room for 8 that were not seen" in roomy.reason


def test_value_is_replicates_over_those_asked_for() -> None:
    # Two values with frequencies f and 1 - f: the fourth moment on the side of the rare one is (1 - f)^2 / f.
    influence = np.where(np.arange(1000) < 40, 0.96, -0.04)
    found = condition(influence, z=4.0)
    assert found.value == pytest.approx(1000 / ((0.96**2 / 0.04 - 1.5) * 16))
    assert condition(-7 * influence, z=4.0).value == pytest.approx(found.value)


def test_equal_replicates_are_not_believed() -> None:
    found = condition(np.zeros(512), z=3.0)
    assert not found.met
    assert found.reason == "all 512 replicates are equal: declare them constant, or state a range"
    noise = 1e-17 * np.random.default_rng(21).standard_normal(512)
    assert condition(noise, z=3.0).met
    assert "are equal" in condition(noise, z=3.0, rounding=1e-15).reason


def test_one_value_in_many_is_not_believed() -> None:
    influence = np.full(1024, -1 / 1024)
    influence[7] += 1
    found = condition(influence, z=4.0)
    assert not found.met
    assert found.value < 0.1
    assert found.reason == "the tails ask for 16329 replicates, got 1024: one makes up 100% of the spread"


def test_few_replicates_are_not_believed() -> None:
    normal = np.random.default_rng(22).standard_normal(FEWEST)
    assert condition(normal, z=3.0).met
    assert (
        condition(normal[1:], z=3.0).reason
        == "63 replicates are too few to see their tails: 64 are the least"
    )


@pytest.mark.parametrize(("order", "moment"), [(2.2, "third"), (1.5, "second")])
def test_heavy_tail_is_named_with_its_side(order: float, moment: str) -> None:
    sample = np.random.default_rng(23).pareto(order, 65536)
    index, error = tail_index(sample)
    assert abs(index - 1 / order) < 3 * error
    for side, influence in (("right", sample - sample.mean()), ("left", sample.mean() - sample)):
        found = condition(influence, z=4.0)
        assert not found.met
        assert found.reason == f"the {side} tail's index {index:.2f} leaves no {moment} moment"


@pytest.mark.parametrize("index", [0.1, 0.25, 0.5, 1.0])
def test_tail_index_of_pareto_laws(index: float) -> None:
    rng = np.random.default_rng(24)
    found = [tail_index(rng.pareto(1 / index, 4000)) for _ in range(100)]
    mean, spread = np.mean([item[0] for item in found]), np.std([item[0] for item in found])
    error = np.mean([item[1] for item in found])
    # The threshold is a quantile, not infinity: half an error of bias is usual.
    assert abs(mean - index) < error / 2
    assert spread == pytest.approx(error, rel=0.3)


def test_tail_index_of_a_bounded_law_is_negative() -> None:
    assert tail_index(np.random.default_rng(25).random(4000))[0] < -0.5


def test_ties_have_no_tail_index() -> None:
    assert all(math.isnan(item) for item in tail_index(np.repeat([0.0, 1.0], [900, 100])))


@pytest.mark.parametrize(("influence", "z"), [(np.zeros(1), 3.0), (np.zeros(64), 0.0)])
def test_misuse(influence: np.ndarray, z: float) -> None:
    with pytest.raises(InputError, match="`influence` must hold at least 2 values and `z` be positive"):
        condition(influence, z)
