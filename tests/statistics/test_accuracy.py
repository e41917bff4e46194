"""Bias, errors and spread of estimates against their definitions and closed-form errors."""

import math
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics import Statistic, mean, rms, sd, standard_error
from mcstudy.statistics.accuracy import bias, empirical_se, model_se, mse, relative_bias, rmse, width
from mcstudy.statistics.expansion import expansion

RNG = np.random.default_rng(1)
N = 200
X, T = 2 + RNG.standard_exponential(N), RNG.uniform(1, 3, N)
XT = np.column_stack([X, T])
# Sums of N terms, each rounded.
ROUNDED = N * np.finfo(np.float64).eps


def named(given: Any) -> str:
    if isinstance(given, Statistic):
        return f"{given.label}, {getattr(given, 'against', '')}"
    return given if isinstance(given, str) else ""


def error_of_mean(rows: np.ndarray) -> float:
    return float(np.std(rows, ddof=1)) / math.sqrt(rows.size)


@pytest.mark.parametrize(
    ("statistic", "values", "value", "mcse"),
    [
        (bias("x", 2.5), X, np.mean(X - 2.5), error_of_mean(X)),
        (bias("x", "t"), XT, np.mean(X - T), error_of_mean(X - T)),
        (relative_bias("x", -2.5), X, np.mean(X / -2.5) - 1, error_of_mean(X / 2.5)),
        (relative_bias("x", "t"), XT, np.mean(X / T) - 1, error_of_mean(X / T)),
        (mse("x", 2.5), X, np.mean((X - 2.5) ** 2), error_of_mean((X - 2.5) ** 2)),
        (mse("x", "t"), XT, np.mean((X - T) ** 2), error_of_mean((X - T) ** 2)),
        (model_se("x"), X, np.sqrt(np.mean(X**2)), error_of_mean(X**2) / 2 / np.sqrt(np.mean(X**2))),
        (width("x", "u"), np.column_stack([X, X + T]), np.mean(T), error_of_mean(T)),
    ],
    ids=named,
)
def test_against_definitions(statistic: Statistic, values: np.ndarray, value: float, mcse: float) -> None:
    estimate = statistic.estimate(values)
    assert estimate.value == pytest.approx(value, rel=ROUNDED)
    assert estimate.mcse == pytest.approx(mcse, rel=10 * ROUNDED)
    assert estimate.replicates == N
    assert standard_error(statistic.influence(values)) == pytest.approx(mcse, rel=10 * ROUNDED)


def test_error_of_the_rmse_is_that_of_the_mse_over_twice_the_root() -> None:
    square, root = mse("x", 2.5).estimate(X), rmse("x", 2.5).estimate(X)
    assert root.value == pytest.approx(math.sqrt(square.value), rel=ROUNDED)
    assert root.mcse == pytest.approx(square.mcse / (2 * root.value), rel=ROUNDED)


def test_empirical_se_is_the_sd_without_its_second_order() -> None:
    estimate = empirical_se("x").estimate(X)
    assert estimate.value == pytest.approx(np.std(X, ddof=1), rel=ROUNDED)
    assert estimate.mcse == pytest.approx(standard_error(sd("x").influence(X)), rel=10 * ROUNDED)
    assert estimate.mcse < sd("x").estimate(X).mcse
    # What verdicts rest on keeps it.
    assert empirical_se("x").limits(X, 0.01) == sd("x").limits(X, 0.01)
    assert expansion(empirical_se("x"), X).remainder > 0


def test_limits_are_those_of_the_errors() -> None:
    assert bias("x", "t").limits(XT, 0.01) == mean("x").limits(X - T, 0.01)
    assert rmse("x", "t").limits(XT, 0.01) == rms("x").limits(X - T, 0.01)
    assert mse("x", "t").interval(XT, 0.99) == mean("x").interval((X - T) ** 2, 0.99)


def test_a_truth_that_is_a_function_of_factors() -> None:
    scenario = {"n": 4, "d": 3}
    unbound = bias("x", lambda n: 10 / n)
    assert unbound.at(scenario) == bias("x", 2.5)
    assert bias("x", "t").at(scenario) == bias("x", "t")
    assert empirical_se("x").at(scenario) == empirical_se("x")
    with pytest.raises(InputError, match=r"`truth` of the bias of x must be bound .*; call statistic\.at"):
        unbound.estimate(X)
    with pytest.raises(
        InputError, match="`truth` must name factors only, got the parameter m; factors: n, d"
    ):
        bias("x", lambda m: m).at(scenario)


def test_words_and_values() -> None:
    assert [s.label for s in (bias("x", 0), relative_bias("x", 1), mse("x", "t"), rmse("x", 0))] == [
        "bias of x",
        "relative bias of x",
        "MSE of x",
        "RMSE of x",
    ]
    assert [s.label for s in (empirical_se("x"), model_se("se"), width("l", "u"))] == [
        "empirical SE of x",
        "model SE of se",
        "width of l, u",
    ]
    assert bias("x", "t").columns == ("x", "t")
    assert width("l", "u").columns == ("l", "u")
    assert bias("x", 1.0) == bias("x", 1.0) != bias("x", 2.0)
    assert bias("x", 1.0) != mse("x", 1.0)
    assert len({bias("x", 1.0), bias("x", 1.0)}) == 1


@pytest.mark.parametrize("truth", [None, math.nan, True])
def test_misuse_of_the_truth(truth: Any) -> None:
    for make in (bias, relative_bias, mse, rmse):
        with pytest.raises(
            InputError, match="`truth` must be a finite number, a column or a function of factors"
        ):
            make("x", truth)


def test_a_truth_of_0_has_no_relative_bias() -> None:
    message = "`truth` of a relative bias must not be 0, got 0; take the bias"
    with pytest.raises(InputError, match=message):
        relative_bias("x", 0.0)
    with pytest.raises(InputError, match=message):
        relative_bias("x", lambda n: n - 4).at({"n": 4})
    with pytest.raises(InputError, match="must not be 0, got 0 at index 1; take the bias"):
        relative_bias("x", "t").estimate([[1.0, 2.0], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("statistic", "values", "message"),
    [
        (
            model_se("se"),
            [1.0, -1.0],
            r"must not be negative, got -1\.0 at index 1; name the column of standard",
        ),
        (
            width("l", "u"),
            [[0.0, 1.0], [2.0, 1.0]],
            r"no upper limit below the lower one, got 1\.0 at index 1",
        ),
        (width("l", "u"), [[0.0, 1.0], [2.0, math.inf]], "must be finite, got inf at index 1 of u"),
        (bias("x", 0.0), [1.0], "must hold at least 2 replicates, got 1"),
        (bias("x", "t"), [1.0, 2.0], r"must be of shape \(n, 2\), for x, t"),
        (mse("x", 0.0), [1.0, 1e200], "must be finite, got inf at index 1"),
    ],
    ids=named,
)
def test_misuse_of_values(statistic: Statistic, values: Any, message: str) -> None:
    for method in (
        statistic.estimate,
        statistic.influence,
        lambda v: statistic.interval(v, 0.99),
        lambda v: statistic.limits(v, 0.01),
    ):
        with pytest.raises(InputError, match=message):
            method(values)
