"""Reads the cells of a finding: what tells them apart, and which of them matter most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcstudy.report.numbers import level, number

__all__ = ["deciding", "evidence", "factors", "label", "leading", "reach", "varying"]

NO_BREAK = "\N{NO-BREAK SPACE}"

Finding = Mapping[str, Any]
Scenario = Mapping[str, Any]


def factors(scenarios: Iterable[Scenario]) -> list[str]:
    """The factors of scenarios, in order of appearance."""
    return list(dict.fromkeys(factor for scenario in scenarios for factor in scenario))


def varying(scenarios: Sequence[Scenario]) -> list[str]:
    """The factors that tell scenarios apart.

    Examples
    --------
    >>> varying([{"d": 2, "n": 8}, {"d": 2, "n": 16}])
    ['n']
    """
    return [
        factor
        for factor in factors(scenarios)
        if len({repr(scenario.get(factor)) for scenario in scenarios}) > 1
    ]


def label(scenario: Scenario, only: Iterable[str] | None = None) -> str:
    """A scenario in words: the levels of some factors, or of all that have one.

    Examples
    --------
    >>> label({"d": 3, "start": "balanced"}).replace(NO_BREAK, " ")
    'd = 3, start = balanced'
    """
    if only is None:
        only = [name for name in scenario if scenario[name] is not None]
    names = [name for name in only if name in scenario]
    return ", ".join(f"{name}{NO_BREAK}={NO_BREAK}{level(scenario[name])}" for name in names)


def deciding(finding: Finding) -> int:
    """The index of the cell whose numbers are those of the finding."""
    return int(finding["diagnostics"].get("deciding_cell", 0))


def evidence(finding: Finding, index: int) -> Mapping[str, Any]:
    """What the diagnostics hold of one cell; empty where it could not be judged."""
    diagnostics, scenario = finding["diagnostics"], finding["cells"][index]["scenario"]
    if "lines" in diagnostics:  # a line that could not be judged has none
        return next((line for line in diagnostics["lines"] if line.get("scenario") == scenario), {})
    of_cells = diagnostics.get("cells", ())
    return of_cells[index] if index < len(of_cells) else {}


def reach(finding: Finding, index: int) -> float:
    """How far a cell goes towards or beyond the edge of its zone, in margins; -1 if it could not be judged."""
    cell, own = finding["cells"][index], evidence(finding, index)
    if finding["kind"] == "bound":
        value = number(own.get("largest_ratio"))
    else:
        theory, margin = number(cell["theory"]), number(cell["margin"])
        value = max(abs(number(end) - theory) for end in cell["interval"]) / margin if margin else math.inf
    return -1.0 if math.isnan(value) else value


def leading(finding: Finding, most: int) -> list[int]:
    """The cells to show where there is room for some only, in their own order.

    The deciding cell is among them, then those nearest to or furthest beyond the edge of their zone.
    """
    indices = range(len(finding["cells"]))
    if len(indices) <= most:
        return list(indices)
    ranked = sorted(indices, key=lambda index: (index != deciding(finding), -reach(finding, index), index))
    return sorted(ranked[:most])
