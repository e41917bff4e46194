"""Errors that are as large as the spread of the measures, and what is said where a measure is not defined."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from mcstudy.statistics.performance import summarise

REPEATS, REPLICATES = 1000, 500
# The spread of 1000 estimates is known to 1/sqrt(2 * 1000) of itself, more or less, and a mean of errors far better.
TOLERANCE = 5 / math.sqrt(2 * REPEATS)


def study(law: str, seed: int) -> pd.DataFrame:
    """Studies of 500 replicates of two methods on the same data, 1000 times over."""
    rng = np.random.default_rng(seed)
    shape = (REPEATS, REPLICATES)
    if law == "normal":
        first, noise = rng.standard_normal(shape), rng.standard_normal(shape)
    else:
        first, noise = rng.standard_exponential(shape) - 1, rng.standard_exponential(shape) - 1
    # The standard errors follow the estimates, as they do for skewed data.
    se = np.sqrt(rng.chisquare(10, shape) / 10 * (np.exp(first / 4) if law == "skewed" else 1.0))
    methods = {"reference": (first, se), "other": (0.8 * first + 0.6 * noise, 1.1 * se)}
    repeat, replicate = (places.ravel() for places in np.indices(shape))
    parts = (
        pd.DataFrame({"m": m, "repeat": repeat, "i": replicate, "b": 2 + b.ravel(), "se": s.ravel()})
        for m, (b, s) in methods.items()
    )
    return pd.concat(parts, ignore_index=True)


def calibration(frame: pd.DataFrame, **options: Any) -> pd.Series:
    """Mean error over the spread of the estimates, for each measure of the method that is no reference."""
    table = summarise(
        frame,
        estimate="b",
        se="se",
        truth=2.0,
        null=1.0,
        by=["m", "repeat"],
        reference="reference",
        **options,
    )
    by_measure = table[table["m"] == "other"].groupby("measure")
    return by_measure["mcse"].mean() / by_measure["estimate"].std()


@pytest.mark.parametrize("law", ["normal", "skewed"])
def test_robust_errors_are_calibrated(law: str) -> None:
    ratios = calibration(study(law, 1))
    if law == "skewed":
        # The error of the center is neglected, and matters where the density is not the same at both ends.
        ratios = ratios.drop("bias_eliminated_coverage")
    assert ratios.between(1 - TOLERANCE, 1 + TOLERANCE).all(), ratios


def test_normal_errors_are_calibrated_for_normal_estimates() -> None:
    ratios = calibration(study("normal", 2), mcse="normal")
    assert ratios.between(1 - TOLERANCE, 1 + TOLERANCE).all(), ratios


def test_normal_errors_are_caught_on_skewed_estimates() -> None:
    ratios = calibration(study("skewed", 1), mcse="normal")
    # An exponential variance has four times the variance that a normal one has, of 0.8 X + 0.6 Y a little less.
    assert ratios["empirical_se"] < 0.75
    assert ratios["relative_precision"] < 0.75


def test_lost_pairs_are_caught() -> None:
    frame = study("normal", 3)
    frame.loc[frame["m"] == "other", "i"] = (frame["i"] + 1) % REPLICATES
    assert calibration(frame, replicate="i")["relative_precision"] > 1.2


def values(frame: Mapping[str, Any], measure: str, **options: Any) -> list[tuple[float, float]]:
    """Estimate and error of one measure in each group."""
    given: dict[str, Any] = {"se": "se" if "se" in frame else None, "by": "m" if "m" in frame else ()}
    table = summarise(pd.DataFrame(frame), **{"estimate": "b", "truth": 1.0, **given, **options})
    rows = table[table["measure"] == measure]
    return list(zip(rows["estimate"], rows["mcse"], strict=True))


def same(found: list[tuple[float, float]], *expected: tuple[float, float]) -> bool:
    return np.array_equal(found, expected, equal_nan=True)


NAN = math.nan
ALL_BUT_RELATIVE_PRECISION = (
    "bias", "relative_bias", "empirical_se", "mse", "rmse", "model_se", "relative_error", "coverage",
    "bias_eliminated_coverage", "power", "ci_width",
)  # fmt: skip


@pytest.mark.parametrize("robust", ["robust", "normal"])
@pytest.mark.parametrize("measure", ALL_BUT_RELATIVE_PRECISION)
def test_nothing_is_known_of_a_group_without_replicates(measure: str, robust: str) -> None:
    frame = {"m": ["a", "a", "b", "b"], "b": [NAN, NAN, 0.0, 1.5], "se": [NAN, NAN, 1.0, 2.0]}
    empty, full = values(frame, measure, mcse=robust)
    assert same([empty], (NAN, NAN))
    assert np.isfinite(full).all()


@pytest.mark.parametrize("robust", ["robust", "normal"])
def test_one_replicate_has_no_error(robust: str) -> None:
    frame = {"b": [1.5, NAN], "se": [0.5, NAN]}
    found = {name: values(frame, name, mcse=robust)[0] for name in ALL_BUT_RELATIVE_PRECISION}
    assert all(math.isnan(error) for _, error in found.values())
    assert {name for name, (value, _) in found.items() if math.isnan(value)} == {
        "empirical_se",
        "relative_error",
    }
    assert found["bias"][0] == found["rmse"][0] == found["relative_bias"][0] == 0.5
    assert found["coverage"][0] == 1.0


@pytest.mark.parametrize("robust", ["robust", "normal"])
def test_one_standard_error_among_estimates_has_no_error(robust: str) -> None:
    frame = {"b": [0.0, 1.0, 2.0], "se": [0.5, NAN, NAN]}
    assert same(values(frame, "relative_error", mcse=robust), (-0.5, NAN))
    assert same(values(frame, "model_se", mcse=robust), (0.5, NAN))
    assert np.isfinite(values(frame, "empirical_se", mcse=robust)).all()


@pytest.mark.parametrize("robust", ["robust", "normal"])
def test_equal_estimates(robust: str) -> None:
    # 0.1 is no binary fraction: a sum of three would give them a spread.
    frame = {"m": ["a"] * 3 + ["b"] * 3, "b": [0.1] * 3 + [0.0, 0.1, 0.3], "se": [0.1] * 6}
    assert same(values(frame, "empirical_se", mcse=robust)[:1], (0.0, 0.0))
    assert same(values(frame, "bias", mcse=robust)[:1], (-0.9, 0.0))
    assert same(values(frame, "rmse", truth=0.1, mcse=robust)[:1], (0.0, 0.0))
    assert same(values(frame, "relative_error", mcse=robust)[:1], (NAN, NAN))
    width, error = values(frame, "ci_width", mcse=robust)[1]
    assert width == pytest.approx(0.2 * ndtri(0.975), rel=1e-12)
    assert error == 0.0
    # Either method as the reference of the other: infinitely more precise is nan, infinitely less is -1.
    assert same(values(frame, "relative_precision", reference="b", mcse=robust), (NAN, NAN), (0.0, 0.0))
    precision = values(frame, "relative_precision", reference="a", mcse=robust)
    assert math.isnan(precision[0][0])
    assert precision[1][0] == -1.0


def test_estimates_far_from_zero_keep_their_digits() -> None:
    frame = {"b": [1e9 + 0.5, 1e9 + 1.0, 1e9 + 1.5]}
    assert values(frame, "empirical_se")[0][0] == pytest.approx(0.5, rel=1e-12)


def test_relative_bias_where_a_truth_is_zero() -> None:
    frame = {"m": ["a", "a", "b", "b"], "b": [0.5, 1.0, 0.5, 1.0], "truth": [0.0, 2.0, -2.0, -2.0]}
    zero, negative = values(frame, "relative_bias", truth="truth")
    assert same([zero], (NAN, NAN))
    assert negative == pytest.approx((-1.375, 0.125))
    assert np.isfinite(values(frame, "bias", truth="truth")).all()


def test_a_share_of_none_or_all_has_an_error() -> None:
    frame = {"m": ["a"] * 4 + ["b"] * 4, "b": [1.0] * 4 + [9.0] * 4, "se": [1.0] * 8}
    (all_cover, error), (none_cover, other) = values(frame, "coverage")
    assert (all_cover, none_cover) == (1.0, 0.0)
    # The standard deviation of Beta(1/2, 9/2).
    assert error == other == pytest.approx(math.sqrt(0.5 * 4.5 / 25 / 6), rel=1e-12)


@pytest.mark.parametrize("robust", ["robust", "normal"])
def test_a_method_that_is_the_reference_has_no_error_of_relative_precision(robust: str) -> None:
    b = np.random.default_rng(4).normal(size=30).tolist()
    frame = {"m": ["a"] * 30 + ["b"] * 30, "b": b + b}
    assert same(values(frame, "relative_precision", reference="a", mcse=robust), (0.0, 0.0), (0.0, 0.0))


def test_estimates_too_large_to_be_squared_are_infinitely_spread() -> None:
    assert values({"b": [1e200, -1e200, 0.0]}, "mse")[0][0] == math.inf
