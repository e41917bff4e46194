"""Claims that a statistic is at least what theory says; see `at_most`."""

from mcstudy.report.kinds.at_most import KIND

__all__ = ["KIND"]
