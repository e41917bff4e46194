import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.calibration.laws import law_named, parameter
from mcstudy.models.calibration.trials import EDGES, LEVELS, PLACES, Trial, trial_of

STATISTICS = {"mean": "mean", "variance": "variance", "sd": "sd", "quantile": "0.9 quantile", "range": "mean"}


def columns(trial: Trial, count: int) -> FloatArray:
    return np.asarray(trial.draw(np.random.default_rng(1), count))


@pytest.mark.parametrize("truth", PLACES)
@pytest.mark.parametrize("kind", STATISTICS)
def test_truth_lies_so_many_margins_above_theory(kind: str, truth: str) -> None:
    trial = trial_of(kind, "exponential", truth)
    found = parameter(STATISTICS[kind], trial.law)
    assert (found - trial.theory) / trial.margin == pytest.approx(PLACES[truth], abs=1e-9)


@pytest.mark.parametrize(("truth", "margins"), [("above", 1e-6), ("centre", -1.0), ("far", 0.5)])
def test_an_upper_limit_is_the_upper_edge_of_a_zone(truth: str, margins: float) -> None:
    trial = trial_of("at-most", "exponential", truth)
    assert (1.0 - trial.theory) / trial.margin == pytest.approx(margins, abs=1e-9)


@pytest.mark.parametrize(("kind", "equal"), [("contrast", 0.0), ("contrast.paired", 0.0), ("ratio", 1.0)])
def test_contrasts_of_equal_means_scatter_as_said(kind: str, equal: float) -> None:
    """2000 pairs of 400 draws: five standard errors, 1/sqrt(4000) for an sd, beside terms of order 1/n."""
    trial = trial_of(kind, "exponential", "far")
    one, other = columns(trial, 800_000).reshape(2, 2000, 400).mean(axis=2)
    found = one / other if kind == "ratio" else one - other
    assert np.mean(found) == pytest.approx(equal, abs=5 * trial.scatter / np.sqrt(800_000) + 2 / 400)
    assert np.std(found) * np.sqrt(400) == pytest.approx(trial.scatter, rel=5 / np.sqrt(4000) + 2 / 400)
    assert (equal - trial.theory) / trial.margin == pytest.approx(1.5)


def test_edges_lie_outside_by_a_hair() -> None:
    assert all(1 < abs(PLACES[truth]) < 1 + 1e-5 for truth in EDGES)


@pytest.mark.parametrize(
    ("kind", "factor", "levels", "paired"),
    [
        ("mean", "", (), False),
        ("contrast", "level", (0, 1), False),
        ("contrast.paired", "level", (0, 1), True),
        ("ratio", "level", (0, 1), False),
        ("same-law", "level", (0, 1), False),
        ("same-law.paired", "level", (0, 1), True),
        ("rate", "n", LEVELS, False),
        ("rate.paired", "n", LEVELS, True),
    ],
)
def test_a_column_for_each_level(kind: str, factor: str, levels: tuple[int, ...], paired: bool) -> None:
    trial = trial_of(kind, "exponential", "centre")
    assert (trial.factor, trial.levels, trial.paired) == (factor, levels, paired)
    assert columns(trial, 5).shape == (max(len(levels), 1), 5)


def test_violations_turn_up_as_often_as_they_may() -> None:
    """Their number is binomial; five standard deviations."""
    for truth, times in (("centre", 0.0), ("above", 0.8), ("far", 1.5)):
        (x,) = columns(trial_of("bound", "thrice in 512", truth), 10**6)
        expected = times * 3 / 512 * 10**6
        assert abs(x.sum() - expected) <= 5 * np.sqrt(expected)
        assert set(x) <= {0.0, 1.0}


@pytest.mark.parametrize("kind", ["same-law", "same-law.paired"])
@pytest.mark.parametrize("truth", ["centre", "above", "below"])
def test_pairs_differ_by_the_margin(kind: str, truth: str) -> None:
    """Kolmogorov's distance of samples of 10^5: off by 2 sqrt(2/n) at most in 99.9 %."""
    trial = trial_of(kind, "normal", truth)
    one, other = np.sort(columns(trial, 10**5))
    grid = law_named("normal").ppf(np.linspace(0.001, 0.999, 999))
    difference = (np.searchsorted(other, grid) - np.searchsorted(one, grid)) / 10**5
    found = difference[np.argmax(np.abs(difference))]
    assert found == pytest.approx(PLACES[truth] * trial.margin, abs=2 * np.sqrt(2 / 10**5))


def test_paired_columns_run_in_opposite_order() -> None:
    one, other = columns(trial_of("same-law.paired", "normal", "centre"), 1000)
    assert np.allclose(one, -other)
    free, apart = columns(trial_of("same-law", "normal", "centre"), 1000)
    assert abs(np.corrcoef(free, apart)[0, 1]) < 5 / np.sqrt(1000)


@pytest.mark.parametrize("kind", ["rate", "rate.paired"])
def test_levels_fall_as_roots_and_slopes_scatter_as_said(kind: str) -> None:
    """The slope over the upper three of 2000 lines of 200 draws, by least squares; its sd is known to 1/sqrt(4000)."""
    trial = trial_of(kind, "exponential", "centre")
    means = columns(trial, 400_000).reshape(len(LEVELS), 2000, 200).mean(axis=2)
    slopes = np.polyfit(np.log(LEVELS[2:]), np.log(means[2:]), 1)[0]
    assert np.mean(slopes) == pytest.approx(-1 / 2, abs=5 * trial.scatter / np.sqrt(400_000))
    assert np.std(slopes) * np.sqrt(200) == pytest.approx(trial.scatter, rel=5 / np.sqrt(4000))
    assert trial.theory == -1 / 2


def test_the_law_that_is_claimed_lies_above_by_so_much() -> None:
    trial = trial_of("law", "normal", "far")
    grid = np.linspace(-4, 4, 10_001)
    difference = trial.theory.cdf(grid) - trial.law.cdf(grid)
    assert np.max(difference) == pytest.approx(1.5 * trial.margin, rel=1e-6)
    assert np.min(difference) >= 0


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("means", "normal", "far"), "kind"),
        (("mean", "normal", "beside"), "truth"),
        (("mean", "gauss", "far"), "name"),
    ],
)
def test_unknown_levels_are_refused(arguments: tuple[str, str, str], name: str) -> None:
    with pytest.raises(ModelError, match=f"`{name}` must be"):
        trial_of(*arguments)
