"""Estimators with Monte Carlo standard errors and intervals; usable alone."""

from mcstudy.statistics.intervals import (
    clopper_pearson,
    dkw_band,
    hall_interval,
    standard_error,
    t_interval,
    upper_limit,
)
from mcstudy.statistics.moments import mean, rms, sd, variance
from mcstudy.statistics.order_statistics import maritz_jarrett, order_statistic_interval
from mcstudy.statistics.power_law import PowerLaw, fit_power_law, upper_half
from mcstudy.statistics.ranks import proportion, quantile
from mcstudy.statistics.replicatewise import of_each
from mcstudy.statistics.statistic import Estimate, Limits, Statistic

__all__ = [
    "Estimate",
    "Limits",
    "PowerLaw",
    "Statistic",
    "clopper_pearson",
    "dkw_band",
    "fit_power_law",
    "hall_interval",
    "maritz_jarrett",
    "mean",
    "of_each",
    "order_statistic_interval",
    "proportion",
    "quantile",
    "rms",
    "sd",
    "standard_error",
    "t_interval",
    "upper_half",
    "upper_limit",
    "variance",
]
