"""Intervals beside the errors, on request."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from mcstudy.statistics import clopper_pearson
from mcstudy.statistics.performance import summarise


def table_of(confidence: float | None) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"m": ["a"] * 20 + ["b"] * 20, "b": rng.normal(size=40), "se": 1.0})
    frame.loc[frame["m"] == "b", "se"] = 100.0
    return summarise(frame, estimate="b", se="se", truth=0.0, by="m", confidence=confidence)


def test_intervals_are_normal_but_exact_for_shares() -> None:
    table = table_of(0.99)
    assert list(table.columns) == ["m", "measure", "estimate", "mcse", "low", "high"]
    is_share = table["measure"].isin(["coverage", "bias_eliminated_coverage", "power"])
    others, shares = table[~is_share], table[is_share]
    reach = ndtri(0.995) * others["mcse"]
    np.testing.assert_allclose(others["low"], others["estimate"] - reach, rtol=1e-12)
    np.testing.assert_allclose(others["high"], others["estimate"] + reach, rtol=1e-12)
    for estimate, low, high in zip(shares["estimate"], shares["low"], shares["high"], strict=True):
        assert (low, high) == clopper_pearson(round(20 * estimate), 20, 0.99)
    # Intervals of 20 that all cover: the share may be well below 1, and its interval says so.
    assert shares.loc[shares["estimate"] == 1.0, "low"].max() == pytest.approx(0.005 ** (1 / 20), rel=1e-9)


def test_intervals_are_added_on_request_only() -> None:
    pd.testing.assert_frame_equal(table_of(None), table_of(0.9).drop(columns=["low", "high"]))


def test_without_replicates_there_is_no_interval() -> None:
    frame = pd.DataFrame({"b": [np.nan], "se": [np.nan]})
    table = summarise(frame, estimate="b", se="se", truth=1.0, confidence=0.9)
    assert table[["estimate", "mcse", "low", "high"]].isna().all(axis=None)
