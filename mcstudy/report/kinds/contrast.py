"""Claims that two levels of a factor compare as theory says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from mcstudy.report.kinds import Column, allowed
from mcstudy.report.kinds.value import ValueKind

__all__ = ["KIND", "ContrastKind"]


class ContrastKind(ValueKind):
    """Differences and ratios with intervals."""

    headings = ("Estimate", "Interval", "Allowed")
    cell = "pair"
    sample = "level"
    decided = (
        "Contrasts",
        "A statistic at one level of a factor minus, or over, that at another, with the interval of what is compared: "
        "replicate by replicate where the levels share their random numbers.",
    )
    drawn = "Points: differences or ratios. Lines: intervals. Green: what is allowed."
    columns: ClassVar[Mapping[str, Column]] = {
        name: column for name, column in ValueKind.columns.items() if name != "theory ± margin"
    } | {"allowed": lambda cell, _: allowed(cell)}


KIND = ContrastKind()
