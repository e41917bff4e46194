"""Measures of groups as a frame: a row for each group and measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mcstudy.statistics.intervals import FloatArray, clopper_pearson, tail_probability
from mcstudy.statistics.performance.measures import Measured

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["tabulate"]


def tabulate(
    levels: pd.DataFrame, measures: Mapping[str, Measured], confidence: float | None = None
) -> pd.DataFrame:
    """Put measures side by side with the levels of their groups.

    Parameters
    ----------
    levels : DataFrame with a row for each group
        What the rows of a group have in common.
    measures : mapping of names to measures
        In the order of the rows of a group.
    confidence : float, optional
        If given, with intervals of this confidence in the columns `low` and `high`.

    Raises
    ------
    InputError
        If `confidence` is not strictly between 0 and 1.
    """
    table = levels.loc[np.repeat(np.arange(len(levels)), len(measures))].reset_index(drop=True)
    table["measure"] = list(measures) * len(levels)
    table["estimate"] = _interleaved([measured.estimate for measured in measures.values()])
    table["mcse"] = _interleaved([measured.mcse for measured in measures.values()])
    if confidence is not None:
        ends = [_interval(measured, confidence) for measured in measures.values()]
        table["low"] = _interleaved([low for low, _ in ends])
        table["high"] = _interleaved([high for _, high in ends])
    return table


def _interleaved(columns: list[FloatArray]) -> FloatArray:
    return np.stack(columns, axis=1).ravel()


def _interval(measured: Measured, confidence: float) -> tuple[FloatArray, FloatArray]:
    from scipy.special import ndtri

    reach = -ndtri(tail_probability(confidence)) * measured.mcse
    low, high = measured.estimate - reach, measured.estimate + reach
    if measured.trials is not None:
        for group in np.flatnonzero(measured.trials > 0):
            trials = int(measured.trials[group])
            hits = round(float(measured.estimate[group]) * trials)
            low[group], high[group] = clopper_pearson(hits, trials, confidence)
    return low, high
