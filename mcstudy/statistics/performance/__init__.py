"""Performance measures of estimators over replicates, with Monte Carlo standard errors; usable alone."""

from mcstudy.statistics.performance.summary import summarise

__all__ = ["summarise"]
