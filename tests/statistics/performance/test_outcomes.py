"""Which intervals cover and which tests reject, at their ends too."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mcstudy.statistics.performance import summarise


def shares(frame: pd.DataFrame, **options: Any) -> dict[str, float]:
    arguments: dict[str, Any] = {"estimate": "b", "truth": 0.0, **options}
    table = summarise(frame, **arguments)
    return dict(zip(table["measure"], table["estimate"], strict=True))


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    b, se, df = (
        rng.normal(size=200),
        rng.uniform(0.5, 1.5, 200),
        rng.choice([1.0, 3.0, 10.0, np.inf, np.nan], 200),
    )
    return pd.DataFrame({"b": b, "se": se, "df": df})


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_t_limits_for_each_row_against_scipy(frame: pd.DataFrame, level: float) -> None:
    tail = (1 - level) / 2
    degrees = frame["df"].fillna(np.inf)
    reach = np.where(np.isinf(degrees), stats.norm.isf(tail), stats.t.isf(tail, degrees)) * frame["se"]
    own = shares(frame.assign(low=frame["b"] - reach, high=frame["b"] + reach), lower="low", upper="high")
    made = shares(frame, se="se", df="df", level=level)
    for name in ("coverage", "bias_eliminated_coverage", "power", "ci_width"):
        assert made[name] == pytest.approx(own[name], rel=1e-12)
    # The control: normal limits are narrower.
    assert shares(frame, se="se", level=level)["coverage"] < own["coverage"]


def test_power_by_p_values_is_power_by_intervals(frame: pd.DataFrame) -> None:
    p = 2 * stats.norm.sf(np.abs(frame["b"] - 0.3) / frame["se"])
    by_intervals = shares(frame, se="se", null=0.3)["power"]
    assert shares(frame.assign(p=p), p_value="p")["power"] == by_intervals
    assert shares(frame, se="se", null=0.0)["power"] != by_intervals


def test_power_prefers_p_values_to_own_limits_to_standard_errors() -> None:
    frame = pd.DataFrame(
        {"b": [3.0, 3.0], "se": [1.0, 1.0], "low": [-1.0, 1.0], "high": [9.0, 9.0], "p": [0.5, 0.5]}
    )
    assert shares(frame, se="se")["power"] == 1.0
    assert shares(frame, se="se", lower="low", upper="high")["power"] == 0.5
    assert shares(frame, se="se", lower="low", upper="high", p_value="p")["power"] == 0.0


def test_ends_belong_to_intervals_and_alpha_rejects() -> None:
    frame = pd.DataFrame(
        {
            "b": [1.0, -1.0, 0.5],
            "low": [0.0, -2.0, 0.1],
            "high": [2.0, 0.0, 0.9],
            "p": [0.05, 0.0500001, 0.04],
        }
    )
    found = shares(frame, lower="low", upper="high")
    assert found["coverage"] == pytest.approx(2 / 3)
    assert found["power"] == pytest.approx(1 / 3)
    assert shares(frame, p_value="p")["power"] == pytest.approx(2 / 3)


def test_limits_of_one_side_share_the_misses_of_both(frame: pd.DataFrame) -> None:
    frame = frame.assign(low=frame["b"] - frame["se"], high=frame["b"] + frame["se"])
    both, low, high = (
        1 - shares(frame, **limits)["coverage"]
        for limits in ({"lower": "low", "upper": "high"}, {"lower": "low"}, {"upper": "high"})
    )
    assert both == pytest.approx(low + high)
    assert min(low, high) > 0


def test_missing_limits_miss_no_estimate() -> None:
    frame = pd.DataFrame({"b": [0.0, 1.0, np.nan], "low": [-1.0, np.nan, -3.0], "high": [np.inf, 2.0, -2.0]})
    found = shares(frame, lower="low", upper="high")
    assert found["bias"] == 0.5
    # An interval may come without an estimate: it counts, and misses.
    assert found["coverage"] == 0.5
    assert found["ci_width"] == np.inf
