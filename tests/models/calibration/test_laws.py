import numpy as np
import pytest
from scipy import stats

from mcstudy.exceptions import ModelError
from mcstudy.models.calibration.laws import LAWS, law_named, parameter, raised, scatter, unit
from mcstudy.statistics import Statistic, mean, proportion, quantile, sd, variance

CONTINUOUS = [name for name in LAWS if hasattr(law_named(name), "pdf")]
LATTICES = ["Poisson 0.1", "coin", "thrice in 512"]
ESTIMATED = [
    (mean("x"), "exponential"),
    (mean("x"), "Poisson 0.1"),
    (variance("x"), "normal"),
    (variance("x"), "uniform"),
    (sd("x"), "exponential"),
    (quantile("x", 0.9), "normal"),
    (quantile("x", 0.9), "Cauchy"),
    (proportion("x"), "thrice in 512"),
]


@pytest.mark.parametrize(
    ("statistic", "name"), ESTIMATED, ids=lambda value: str(getattr(value, "name", value))
)
def test_parameter_and_scatter_against_draws(statistic: Statistic, name: str) -> None:
    """2000 samples of 400: five standard errors, 1/sqrt(4000) for an sd, beside terms of order 1/n that are left out."""
    law = law_named(name)
    samples = law.rvs((2000, 400), random_state=np.random.default_rng(1)).astype(float)
    estimates = np.array([statistic.estimate(sample).value for sample in samples])
    own = scatter(statistic.name, law)
    assert abs(np.mean(estimates) - parameter(statistic.name, law)) < own * (
        5 / np.sqrt(samples.size) + 2 / 400
    )
    assert np.std(estimates) * np.sqrt(400) == pytest.approx(own, rel=5 / np.sqrt(4000) + 10 / 400)


def test_what_does_not_exist_is_not_finite() -> None:
    assert not np.isfinite(scatter("mean", law_named("Cauchy")))
    for name in ("t3", "Pareto 2.5"):
        assert not np.isfinite(scatter("variance", law_named(name)))
    assert parameter("mean", law_named("Cauchy")) == pytest.approx(0.0, abs=1e-12)  # the median


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("statistic", ["mean", "variance", "sd", "0.9 quantile"])
def test_units_are_positive_and_within_four_spreads(name: str, statistic: str) -> None:
    law = law_named(name)
    own = unit(statistic, law)
    assert 0 < own < np.inf
    if statistic in ("variance", "sd") and np.isfinite(law.std()):
        assert own == 1.0 or own <= 4 * law.std() ** (2 if statistic == "variance" else 1) * (1 + 1e-12)


@pytest.mark.parametrize("name", [*CONTINUOUS, *LATTICES])
@pytest.mark.parametrize("distance", [-0.005, 0.005])
def test_raised_laws_lie_at_their_distance(name: str, distance: float) -> None:
    """Against the largest difference on a grid: of a million quantiles, or of all whole numbers that matter."""
    law = law_named(name)
    grid = law.ppf(np.linspace(0, 1, 1_000_003)[1:-1]) if name in CONTINUOUS else np.arange(0.0, 20.0)
    difference = raised(law, distance).cdf(grid) - law.cdf(grid)
    assert difference[np.argmax(np.abs(difference))] == pytest.approx(distance, rel=1e-5)


def test_raised_law_draws_what_it_says() -> None:
    """The distribution function of its draws is uniform: Kolmogorov's statistic is below 1.95/sqrt(n) in 99.9 %."""
    law = raised(law_named("exponential"), -0.2)
    x = np.sort(law.ppf(np.random.default_rng(1).random(10_000)))
    assert stats.kstest(law.cdf(x), "uniform").statistic < 1.95 / 100
    assert stats.kstest(law.law.cdf(x), "uniform").statistic > 0.18


def test_a_law_without_distance_is_the_law() -> None:
    law = law_named("t5")
    assert raised(law, 0.0).cdf(1.0) == law.cdf(1.0)


def test_what_a_lattice_cannot_reach_is_refused() -> None:
    with pytest.raises(
        ModelError,
        match=r"`distance` must be one that a power of the law reaches, got 0\.2; take less than 0\.0952",
    ):
        raised(law_named("Poisson 0.1"), 0.2)


def test_unknown_law_is_refused() -> None:
    with pytest.raises(ModelError, match="`name` must be"):
        law_named("normel")
