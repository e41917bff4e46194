"""Claims that a statistic is at most, or at least, what theory says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from mcstudy.report.kinds import Column, allowed
from mcstudy.report.kinds.value import ValueKind

__all__ = ["KIND", "OneSidedKind"]


class OneSidedKind(ValueKind):
    """Estimates with intervals, against a bound."""

    headings = ("Estimate", "Interval", "Allowed")
    decided = (
        "Statistics with a bound",
        "A statistic of the draws is at most, or at least, a number: one side of its interval decides, and there is no "
        "margin. Guarantees are those of values.",
    )
    drawn = "Points: estimates. Lines: intervals. Vertical line: the bound."
    columns: ClassVar[Mapping[str, Column]] = {
        name: column for name, column in ValueKind.columns.items() if name != "theory ± margin"
    } | {"allowed": lambda cell, _: allowed(cell)}


KIND = OneSidedKind()
