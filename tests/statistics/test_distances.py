"""A law is confirmed point by point: as by brute force, and as seldom wrongly as it says, at any look."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import betaincinv, ndtri

from mcstudy.statistics.bernoulli import at_least_rejected
from mcstudy.statistics.distances import POINTS, Steps
from mcstudy.statistics.sequences import effective_z, replicates_for

FloatArray = npt.NDArray[np.float64]
Rule = Callable[[Steps, float, float, float], bool]


def uniform(values: FloatArray) -> Steps:
    """A sample beside the uniform law on [0, 1]."""
    found, counts = np.unique(values, return_counts=True)
    return Steps(counts, found, found)


def lattice(values: FloatArray, atoms: int) -> Steps:
    """A sample of 0, ..., atoms - 1 beside the law that gives all of them the same probability."""
    found, counts = np.unique(values, return_counts=True)
    return Steps(counts, (found + 1) / atoms, found / atoms)


def confirmed(steps: Steps, margin: float, share: float, tuned: float) -> bool:
    return steps.upper_limit(margin, share, tuned) <= margin


def test_deviations_before_and_at_each_value() -> None:
    ((probability, deviation),) = lattice(np.array([0.0, 0.0, 2.0, 3.0]), 4).deviations()
    np.testing.assert_allclose(probability, [0, 1 / 4, 2 / 4, 3 / 4, 3 / 4, 1])
    np.testing.assert_allclose(deviation, [0, 1 / 4, 0, 0, 0, 0])
    assert lattice(np.array([0.0, 0.0, 2.0, 3.0]), 4).replicates == 4


def by_brute_force(
    values: FloatArray, law: Callable[[FloatArray], FloatArray], margin: float, share: float, tuned: float
) -> bool:
    """Whether no x is left where the law may lie `margin` above or below the claimed one; x in fine steps."""
    fine = np.linspace(-0.1, 1.1, 601) * max(1.0, float(np.max(values)))
    x = np.unique(np.concatenate([fine, values, values - 1e-9, values + 1e-9]))
    below = np.sum(values <= x[:, None], axis=1)
    above = np.sum(values >= x[:, None], axis=1)
    at, before = law(x), law(x - 1e-12)
    return bool(
        np.all(at_least_rejected(below, values.size, at + margin, share=share, tuned=tuned))
        and np.all(at_least_rejected(above, values.size, 1 - before + margin, share=share, tuned=tuned))
    )


def test_small_samples_against_brute_force() -> None:
    """Continuous and discrete, near the claimed law and off it: as many as not are confirmed."""
    rng = np.random.default_rng(1)
    verdicts = []
    for _ in range(60):
        size = int(rng.integers(20, 200))
        margin, share = (float(rng.choice(values)) for values in ([0.1, 0.2, 0.4], [0.1, 0.3]))
        one, other = rng.uniform(0.7, 1.4, size=2)
        continuous = rng.beta(one, other, size=size)
        discrete = np.floor(5 * continuous)
        for values, steps, law in (
            (continuous, uniform(continuous), lambda x: np.clip(x, 0, 1)),
            (discrete, lattice(discrete, 5), lambda x: np.clip((np.floor(x) + 1) / 5, 0, 1)),
        ):
            verdicts.append(confirmed(steps, margin, share, 64))
            assert verdicts[-1] == by_brute_force(values, law, margin, share, 64)
    assert 0.25 < np.mean(verdicts) < 0.75


def test_values_between_those_that_are_tested_are_not_forgotten() -> None:
    """Of a large sample not every value is tested, and what is confirmed is confirmed at every one."""
    rng = np.random.default_rng(2)
    size, margin, share, tuned = 1500, 0.1, 0.1, 300
    verdicts = []
    for shift in (0.0, 0.02, 0.04, 0.05, 0.055):
        for _ in range(4):
            steps = uniform(moved(rng.random(size), shift))
            assert steps.counts.size > POINTS / margin
            heights, points = np.arange(1, size + 1), steps.at
            least = np.append(points[:-1], 1.0)
            every = bool(
                np.all(at_least_rejected(heights[:-1], size, points[:-1] + margin, share=share, tuned=tuned))
                and np.all(
                    at_least_rejected(size - heights + 1, size, 1 - least + margin, share=share, tuned=tuned)
                )
            )
            verdicts.append(confirmed(steps, margin, share, tuned))
            assert every or not verdicts[-1]
    assert 0 < np.mean(verdicts) < 1


def moved(places: FloatArray, distance: float, width: float = 0.01) -> FloatArray:
    """Uniform draws of which those just above 1/2 lie just below it: the distance is reached at 1/2 alone."""
    inside = (places > 0.5) & (places < 0.5 + distance)
    return np.where(inside, 0.5 - width * (places - 0.5) / max(distance, 1e-300), places)


ATOMS, MARGIN, SHARE = 10, 0.1, 0.1
TUNED = replicates_for(2 * MARGIN, SHARE)
# Every 1.2-fold number of replicates.
LOOKS = np.unique(np.round(64 * 1.2 ** np.arange(22)).astype(int))


def on_the_edge(runs: int) -> Iterator[list[Steps]]:
    """Looks at a law of ten atoms whose distance from the uniform one is the margin, at one point.

    Only those that may confirm: with fewer replicates up to that point than are claimed to be there, by one error.
    """
    law = np.full(ATOMS, 1 / ATOMS)
    law[4:6] = [1 / ATOMS + MARGIN, 1 / ATOMS - MARGIN]
    drawn = np.random.default_rng(3).multinomial(np.diff(LOOKS, prepend=0), law, size=(runs, LOOKS.size))
    claimed = 0.5 + MARGIN
    for counts in np.cumsum(drawn, axis=1):
        share = np.sum(counts[:, :5], axis=1) / LOOKS
        near = share < claimed - np.sqrt(claimed * (1 - claimed) / LOOKS)
        yield [lattice(np.repeat(np.arange(ATOMS), row), ATOMS) for row in counts[near]]


def wrong(rule: Rule, runs: int) -> int:
    """How many of the runs confirm at some look."""
    return sum(any(rule(steps, MARGIN, SHARE, TUNED) for steps in looks) for looks in on_the_edge(runs))


def upper_limit(count: int, runs: int) -> float:
    """Upper 95 % limit of a rate, Clopper and Pearson's."""
    return float(betaincinv(count + 1, runs - count, 0.95))


@pytest.mark.calibration
def test_wrong_confirmations_on_the_edge_stay_below_their_share() -> None:
    assert upper_limit(wrong(confirmed, 4000), 4000) < 1.15 * SHARE


def by_one_look(steps: Steps, margin: float, share: float, tuned: float) -> bool:
    """With the normal quantile, as if this look were the only one."""
    ((probability, deviation),) = steps.deviations()
    spread = np.sqrt(probability * (1 - probability) / steps.replicates)
    return bool(np.max(np.abs(deviation) - ndtri(share) * spread) <= margin)


def by_few_values(steps: Steps, margin: float, share: float, tuned: float) -> bool:
    """At every third value only, with nothing said of what lies between them."""
    below, least = np.cumsum(steps.counts)[::3], steps.at[::3] + margin
    return bool(np.all(at_least_rejected(below, steps.replicates, least, share=share, tuned=tuned)))


@pytest.mark.calibration
@pytest.mark.parametrize("rule", [by_one_look, by_few_values])
def test_other_rules_confirm_wrongly(rule: Rule) -> None:
    assert wrong(rule, 300) > 2 * SHARE * 300


def test_a_margin_of_one_leaves_nothing_to_test() -> None:
    steps = uniform(np.linspace(0.01, 0.99, 64))
    assert steps.upper_limit(1.0, 0.1, 64) < 1.0
    assert uniform(np.full(64, 0.999)).upper_limit(1.0, 0.1, 64) == 1.0


def test_limit_is_that_of_a_normal_law_where_nothing_is_near() -> None:
    values = np.linspace(0.005, 0.995, 100)
    z = effective_z(100, 0.01, 64)
    ((probability, deviation),) = uniform(values).deviations()
    expected = np.max(np.abs(deviation) + z * np.sqrt(probability * (1 - probability) / 100))
    assert uniform(values).upper_limit(0.01, 0.01, 64) == pytest.approx(expected)


def test_the_normal_limit_gives_way_to_the_exact_test_where_it_is_too_far() -> None:
    """Then the limit is the margin itself, which is confirmed."""
    steps = lattice(np.repeat([0.0, 1.0], [50, 30]), 2)
    normal = steps.upper_limit(0.01, 0.01, 64)
    limits = {margin: steps.upper_limit(margin, 0.01, 64) for margin in np.linspace(0.2, 0.4, 201)}
    below = {margin: limit for margin, limit in limits.items() if margin < normal and limit <= margin}
    assert len(below) > 5
    assert all(limit == margin for margin, limit in below.items())
    assert all(limit == normal for margin, limit in limits.items() if margin not in below)


def test_the_normal_limit_gives_way_to_the_exact_test_where_it_is_too_near() -> None:
    """64 replicates at the one value that there is: no error, and yet others may have a probability of 0.05."""
    steps = Steps(np.array([64]), np.array([1.0]), np.array([0.0]))
    assert 0.95**64 > 0.01 > 0.8**64
    assert steps.upper_limit(0.05, 0.01, 64) == np.nextafter(0.05, 1)
    assert confirmed(steps, 0.2, 0.01, 64)
