"""The tables of a report: in all digits as CSV for programs, in those that count as text for the page."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mcstudy.findings import Cell, Finding
from mcstudy.ledger import Ledger
from mcstudy.measured import Measured
from mcstudy.report.kinds import Crossed, Estimate, Table, evidence_of, file_name, kind_of, leading
from mcstudy.report.numbers import interval, level, uncertain
from mcstudy.scenarios import Scenario, factors_of

__all__ = ["as_text", "cells_shown", "crossed_tables", "crossed_text", "measured_table", "write_tables"]

WORST = "whatever the missing were"  # heads the interval that the estimate can't leave
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a text begins that spreadsheets calculate
ENDS = {"interval": ("low", "high"), "worst_case": ("worst_low", "worst_high")}
_OF_A_FINDING: tuple[str, ...] = (
    "id",
    "experiment",
    "kind",
    "verdict",
    "expected",
    "role",
    "as_expected",
    "guarantee",
    "estimand",
)
_IN_CELLS = tuple(field.name for field in fields(Cell) if field.name != "scenario")
_OF_A_FINDING += (
    "theory",
    "margin",
    "estimate",
    "mcse",
    "interval",
    "confidence",
    "replicates",
    "source",
    "statement",
)


def write_tables(ledger: Ledger, folder: Path) -> None:
    """Write findings.csv, the cells of every claim and its points where it has some, every measure, and all together.

    Parameters
    ----------
    ledger : Ledger
    folder : Path
        Exists.
    """
    _write_csv(_finding_table(ledger), folder / "findings.csv")
    for finding in ledger.findings:
        stem = file_name("claim", finding.id)
        _write_csv(_cell_table(finding), folder / f"{stem}.csv")
        if points := kind_of(finding.kind).points(finding):
            _write_csv(points, folder / f"{stem}-points.csv")
    for measured in ledger.measures:
        _write_csv(measured_table(measured), folder / f"{file_name('measure', measured.id)}.csv")
    for stem, crossed in crossed_tables(ledger).items():
        _write_csv(_flat(crossed), folder / f"{stem}.csv")


def cells_shown(finding: Finding, most: int) -> Table:
    """Write the cells of a finding for the page, at most so many, those that matter most.

    Returns
    -------
    Table
        Of texts: a column for every factor, then those of the kind, then the verdict.
    """
    columns = dict(kind_of(finding.kind).columns)
    if any(cell.worst_case for cell in finding.cells):
        columns[WORST] = lambda cell, _: interval(*cell.worst_case) if cell.worst_case else ""
    factors = factors_of(cell.scenario for cell in finding.cells)
    rows: list[tuple[Any, ...]] = []
    for index in leading(finding, most):
        cell, own = finding.cells[index], evidence_of(finding, index)
        levels = (level(cell.scenario[name]) if name in cell.scenario else "" for name in factors)
        rows.append((*levels, *(write(cell, own) for write in columns.values()), cell.verdict.lower()))
    return Table((*factors, *columns, "verdict"), rows)


def as_text(table: Table, most: int) -> Table:
    """Write a table for the page, at most so many rows."""
    wide = _columns_of_estimates(table)
    header = tuple(f"{name} ± MCSE" if k in wide else name for k, name in enumerate(table.header))
    return Table(header, [tuple(map(_text, row)) for row in table.rows[:most]])


def measured_table(measured: Measured) -> Table:
    """A measure in every scenario."""
    factors = factors_of(cell.scenario for cell in measured.cells)
    lost = any(cell.worst_case for cell in measured.cells)
    rows: list[tuple[Any, ...]] = [
        (
            *(cell.scenario.get(name) for name in factors),
            Estimate(cell.estimate, cell.mcse),
            cell.replicates,
            cell.missing,
            *((cell.worst_case or (None, None)) if lost else ()),
        )
        for cell in measured.cells
    ]
    ends = ENDS["worst_case"] if lost else ()
    return Table((*factors, measured.label, "replicates", "missing", *ends), rows)


def crossed_tables(ledger: Ledger) -> dict[str, Crossed]:
    """Measures side by side, those of one experiment together whose lines are the levels of the same factor.

    Returns
    -------
    dict from str to Crossed
        By the stem of their files: ``measures``, ``measures-EXPERIMENT``, ``measures-by-FACTOR``, or both.
    """
    together: dict[str, list[Measured]] = {}
    for measured in ledger.measures:
        lines = measured.layout.lines
        parts = [measured.experiment, f"by-{lines}" if lines else ""]
        stem = file_name("measures", "-".join(filter(None, parts))) if any(parts) else "measures"
        together.setdefault(stem, []).append(measured)
    return {stem: _crossed(measures) for stem, measures in together.items()}


def _crossed(measures: Sequence[Measured]) -> Crossed:
    """Measures with the same factors: the first says in which order the rows are."""
    first = measures[0]
    factors = tuple(filter(None, [*first.layout.panels, first.layout.over]))
    lines = (first.layout.lines,) if first.layout.lines else ()
    columns = [str([one]) for one in first.ascending(*lines)] if lines else ["[]"]
    heads = tuple(level(one) for one in first.ascending(*lines)) if lines else ()
    rows: dict[str, tuple[Any, ...]] = {}
    found: dict[tuple[str, str, str], Estimate] = {}
    for measured in measures:
        for cell in measured.cells:
            place, column = _place(cell.scenario, factors), _place(cell.scenario, lines)
            found[measured.id, place, column] = Estimate(cell.estimate, cell.mcse)
    for cell in first.ordered(factors):
        place = _place(cell.scenario, factors)
        cells = (found.get((measured.id, place, column)) for measured in measures for column in columns)
        rows[place] = (*(cell.scenario.get(name) for name in factors), *cells)
    return Crossed(factors, tuple(measured.id for measured in measures), heads, list(rows.values()))


def _place(scenario: Scenario, factors: Sequence[str]) -> str:
    return str([scenario.get(name) for name in factors])


def crossed_text(table: Crossed, most: int) -> Crossed:
    """Write measures side by side for the page, at most so many rows."""
    return table._replace(rows=[tuple(map(_text, row)) for row in table.rows[:most]])


def _flat(table: Crossed) -> Table:
    """A table with one line of headings."""
    heads = (f"{name} {line}".rstrip() for name in table.measures for line in table.lines or ("",))
    return Table((*table.factors, *heads), table.rows)


def _finding_table(ledger: Ledger) -> Table:
    """All findings, with the numbers of the cell that decides each."""
    rows = [dict(_scalars(finding, only=_OF_A_FINDING)) for finding in ledger.findings]
    return Table(tuple(rows[0] if rows else _OF_A_FINDING), [tuple(row.values()) for row in rows])


def _cell_table(finding: Finding) -> Table:
    """All cells of a finding, with every single number of their evidence, and worst cases where there are some.

    A row is made when it is asked for: there may be 100,000.
    """
    factors = factors_of(cell.scenario for cell in finding.cells)
    lost = any(cell.worst_case for cell in finding.cells)
    names = [name for name in _IN_CELLS if lost or name != "worst_case"]
    ends = [end for name in names for end in ENDS.get(name, (name,))]
    keys = list(dict.fromkeys(name for item in finding.evidence.cells for name, _ in _scalars(item)))
    return Table((*factors, *ends, *keys), _Rows(finding, factors, names, keys))


class _Rows(Sequence[tuple[Any, ...]]):
    """The rows of a finding's cells."""

    def __init__(
        self, finding: Finding, factors: Sequence[str], names: Sequence[str], keys: Sequence[str]
    ) -> None:
        self._finding, self._factors, self._names, self._keys = finding, factors, names, keys

    def __len__(self) -> int:
        return len(self._finding.cells)

    def __getitem__(self, index: Any) -> Any:
        cell = self._finding.cells[index]
        row = [cell.scenario.get(name) for name in self._factors]
        for name in self._names:
            value = getattr(cell, name)
            if name in ENDS:
                row += value or (None, None)
            else:
                row.append(value)
        if self._keys:
            own = dict(_scalars(evidence_of(self._finding, index)))
            row += [own.get(key) for key in self._keys]
        return tuple(row)


def _scalars(item: Any, prefix: str = "", only: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The numbers and texts of a dataclass, intervals as two numbers, without arrays and scenarios."""
    if not is_dataclass(item):
        return
    for name in only or [field.name for field in fields(item)]:
        value = getattr(item, name)
        if is_dataclass(value):
            yield from _scalars(value, f"{prefix}{name}_")
        elif name in ENDS:
            yield from zip((f"{prefix}{end}" for end in ENDS[name]), value or (None, None), strict=True)
        elif value is None or isinstance(value, (str, int, float)):
            yield f"{prefix}{name}", value


def _text(value: Any) -> str:
    if isinstance(value, Estimate):
        return uncertain(*value)
    if value is None:
        return ""
    number = float(value) if isinstance(value, (float, np.floating)) else value
    return level(int(number)) if isinstance(number, float) and number.is_integer() else level(number)


def _write_csv(table: Table, path: Path) -> None:
    """Write a table in all digits; a column of estimates becomes two.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets hide.
    """
    wide = _columns_of_estimates(table)
    header = [
        part
        for k, name in enumerate(table.header)
        for part in ((name, f"{name} mcse") if k in wide else (name,))
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(_inert, header))
        for row in table.rows:
            writer.writerow(map(_inert, _widened(row, wide) if wide else row))


def _widened(row: tuple[Any, ...], wide: set[int]) -> list[Any]:
    """A row with two numbers for each estimate."""
    pairs = ((value or ("", "")) if k in wide else (value,) for k, value in enumerate(row))
    return [part for pair in pairs for part in pair]


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _columns_of_estimates(table: Table) -> set[int]:
    if isinstance(table.rows, _Rows):  # of plain numbers and texts
        return set()
    return {k for k in range(len(table.header)) if any(isinstance(row[k], Estimate) for row in table.rows)}
