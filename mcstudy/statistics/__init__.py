"""Estimators with Monte Carlo standard errors and intervals; usable alone."""

from mcstudy.statistics.accuracy import bias, empirical_se, model_se, mse, relative_bias, rmse, width
from mcstudy.statistics.bias_eliminated import bias_eliminated_coverage
from mcstudy.statistics.comparisons import correlation, covariance, ratio, relative_error, relative_precision
from mcstudy.statistics.conditional import conditional
from mcstudy.statistics.custom import custom
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
from mcstudy.statistics.shares import coverage, power, share_missing
from mcstudy.statistics.smooth import smooth
from mcstudy.statistics.statistic import Estimate, Limits, Statistic

__all__ = [
    "Estimate",
    "Limits",
    "PowerLaw",
    "Statistic",
    "bias",
    "bias_eliminated_coverage",
    "clopper_pearson",
    "conditional",
    "correlation",
    "covariance",
    "coverage",
    "custom",
    "dkw_band",
    "empirical_se",
    "fit_power_law",
    "hall_interval",
    "maritz_jarrett",
    "mean",
    "model_se",
    "mse",
    "of_each",
    "order_statistic_interval",
    "power",
    "proportion",
    "quantile",
    "ratio",
    "relative_bias",
    "relative_error",
    "relative_precision",
    "rms",
    "rmse",
    "sd",
    "share_missing",
    "smooth",
    "standard_error",
    "t_interval",
    "upper_half",
    "upper_limit",
    "variance",
    "width",
]
