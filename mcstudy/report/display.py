"""The tables of a claim's section: its cells and points, in the digits that a reader wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcstudy.report.cells import Finding, evidence, factors, leading, varying
from mcstudy.report.numbers import count, interval, level, number, shown, uncertain, zone
from mcstudy.report.tables import Table

__all__ = ["cells_shown", "points_shown"]

Cell = Mapping[str, Any]
Columns = dict[str, Callable[[Cell, Mapping[str, Any]], str]]


def cells_shown(finding: Finding, most: int) -> Table:
    """Write the cells of a finding, at most so many, those that matter most.

    Parameters
    ----------
    finding : mapping
    most : int

    Returns
    -------
    Table
        Of texts: a column for every factor, then those of the kind, then the verdict.
    """
    columns = _COLUMNS.get(finding["kind"], _VALUE)
    names = factors(cell["scenario"] for cell in finding["cells"])
    rows = []
    for index in leading(finding, most):
        cell, own = finding["cells"][index], evidence(finding, index)
        levels = (level(cell["scenario"][name]) if name in cell["scenario"] else "" for name in names)
        rows.append((*levels, *(write(cell, own) for write in columns.values()), cell["verdict"].lower()))
    return Table((*names, *columns, "verdict"), rows)


def points_shown(finding: Finding, most: int) -> Table:
    """Write the points of a rate's lines, at most so many."""
    chosen = [evidence(finding, index) for index in leading(finding, len(finding["cells"]))]
    lines = [line for line in chosen if line]
    names = varying([line["scenario"] for line in lines])
    rows = []
    for line in lines:
        levels = [level(line["scenario"].get(name)) for name in names]
        slopes = [
            uncertain(*pair)
            for pair in zip(line.get("local_slopes", ()), line.get("local_mcse", ()), strict=True)
        ]
        slopes += [""] * (len(line["x"]) - len(slopes))
        points = zip(line["x"], line["y"], line["mcse"], line["replicates"], slopes, strict=True)
        rows += [
            (*levels, _level(x), uncertain(y, mcse), count(replicates), slope)
            for x, y, mcse, replicates, slope in points
        ]
    diagnostics = finding["diagnostics"]
    header = (
        *names,
        diagnostics["against"],
        f"{diagnostics['statistic']} ± MCSE",
        "replicates",
        "slope to the next",
    )
    return Table(header, rows[:most])


def _level(x: Any) -> str:
    value = number(x)
    return level(int(value)) if value.is_integer() else shown(value, 6)


def _upper_half(_: Cell, own: Mapping[str, Any]) -> str:
    return interval(*own["upper_half"]["interval"]) if "upper_half" in own else "–"


def _fit(_: Cell, own: Mapping[str, Any]) -> str:
    if "chi_square" not in own:
        return "–"
    return f"{shown(own['chi_square'], 3)} on {own['degrees']}, p = {shown(own['p_value'], 2)}"


def _curvature(_: Cell, own: Mapping[str, Any]) -> str:
    return uncertain(own["curvature"]["estimate"], own["curvature"]["mcse"]) if "curvature" in own else "–"


def _failures(cell: Cell, _: Mapping[str, Any]) -> str:
    failed = int(cell.get("failures", 0))
    replicates = count(cell["replicates"])
    return f"{replicates} ({count(failed)} failed)" if failed else replicates


def _evidence(key: str, digits: int = 4) -> Callable[[Cell, Mapping[str, Any]], str]:
    return lambda _, own: shown(own.get(key), digits)


def _whole(key: str) -> Callable[[Cell, Mapping[str, Any]], str]:
    return lambda _, own: count(own[key]) if key in own else "–"


_ESTIMATE: Columns = {
    "estimate ± MCSE": lambda cell, _: uncertain(cell["estimate"], cell["mcse"]),
    "interval": lambda cell, _: interval(*cell["interval"]),
    "theory ± margin": lambda cell, _: zone(cell["theory"], cell["margin"]),
}
_VALUE: Columns = _ESTIMATE | {"replicates": _failures}
_COLUMNS: dict[str, Columns] = {
    "value": _VALUE,
    "rate": {
        "slope ± MCSE": _ESTIMATE["estimate ± MCSE"],
        "interval": _ESTIMATE["interval"],
        "upper half": _upper_half,
        "theory ± margin": _ESTIMATE["theory ± margin"],
        "χ² of the fit": _fit,
        "curvature ± MCSE": _curvature,
    },
    "bound": {
        "largest ratio": _evidence("largest_ratio"),
        "violations": _whole("violations"),
        "P(violation) ≤": _evidence("upper_limit", 2),
        "replicates": _failures,
    },
    "identity": {
        "median residual": _evidence("median", 2),
        "largest residual": _evidence("largest", 2),
        "tolerance": lambda cell, _: shown(cell["margin"], 3),
        "violations": _whole("violations"),
        "replicates": _failures,
    },
}
_COLUMNS["law"] = _COLUMNS["same_law"] = {
    "distance": _evidence("distance", 3),
    "interval": _ESTIMATE["interval"],
    "margin": lambda cell, _: shown(cell["margin"], 3),
    "replicates": _failures,
}
