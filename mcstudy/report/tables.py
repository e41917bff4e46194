"""The numbers of a report as files: CSV for programs, LaTeX tables and macros for papers."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mcstudy.report.cells import Finding, evidence, factors
from mcstudy.report.mathematics import Piece, statement_pieces
from mcstudy.report.names import escape_tex, file_name, macro_name
from mcstudy.report.numbers import count, latex
from mcstudy.report.wording import summary, verdict

__all__ = ["Table", "cell_table", "finding_table", "point_table", "write_macros", "write_tables"]

Row = tuple[Any, ...]
FIELDS = ("id", "kind", "verdict", "expected", "as_expected", "what", "theory", "margin", "estimate", "mcse")
CELL_FIELDS = ("theory", "margin", "estimate", "mcse", "low", "high", "verdict", "replicates", "failures")


class Table(NamedTuple):
    """A header and rows of equal length."""

    header: tuple[str, ...]
    rows: list[Row]


def finding_table(findings: Sequence[Finding]) -> Table:
    """All findings, with the numbers of the cell that decides each."""
    header = (*FIELDS, "low", "high", "confidence", "replicates", "cells", "source", "statement")
    rows = [
        (
            *(finding[field] for field in FIELDS),
            *finding["interval"],
            finding["confidence"],
            finding["replicates"],
            len(finding["cells"]),
            finding["source"],
            finding["statement"],
        )
        for finding in findings
    ]
    return Table(header, rows)


def cell_table(finding: Finding) -> Table:
    """All cells of a finding, with every single number of their evidence."""
    cells = finding["cells"]
    names = factors(cell["scenario"] for cell in cells)
    extra = [dict(_scalars(evidence(finding, index))) for index in range(len(cells))]
    keys = [key for key in dict.fromkeys(key for item in extra for key in item) if key not in names]
    rows = []
    for cell, item in zip(cells, extra, strict=True):
        low, high = cell["interval"]
        own = cell | {"low": low, "high": high, "failures": cell.get("failures", 0)}
        levels = (cell["scenario"].get(name, "") for name in names)
        rows.append((*levels, *(own[field] for field in CELL_FIELDS), *(item.get(key, "") for key in keys)))
    return Table((*names, *CELL_FIELDS, *keys), rows)


def _scalars(own: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers and texts of an evidence, intervals as two numbers, without its curves."""
    for key, value in own.items():
        if key == "scenario":
            continue
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{prefix}{key}_")
        elif key == "interval":
            yield from ((f"{prefix}low", value[0]), (f"{prefix}high", value[1]))
        elif not isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", value


def point_table(finding: Finding) -> Table:
    """The points of a rate's lines: the statistic and its MCSE at every level, and the slope to the next."""
    lines = [line for line in finding["diagnostics"]["lines"] if line]
    names = factors(line["scenario"] for line in lines)
    against, statistic = finding["diagnostics"]["against"], finding["diagnostics"]["statistic"]
    rows: list[Row] = []
    for line in lines:
        levels = [line["scenario"].get(name, "") for name in names]
        slopes = list(zip(line.get("local_slopes", ()), line.get("local_mcse", ()), strict=True))
        slopes += [("", "")] * (len(line["x"]) - len(slopes))
        points = zip(line["x"], line["y"], line["mcse"], line["replicates"], slopes, strict=True)
        rows += [(*levels, *point, *slope) for *point, slope in points]
    header = (*names, against, statistic, "mcse", "replicates", "local_slope", "local_slope_mcse")
    return Table(header, rows)


def write_tables(findings: Sequence[Finding], folder: Path) -> None:
    """Write findings.csv, findings.tex, and for every claim its cells, and its points if it is a rate.

    Parameters
    ----------
    findings : sequence of mapping
    folder : Path
        Exists.
    """
    _write_csv(finding_table(findings), folder / "findings.csv")
    (folder / "findings.tex").write_text(_findings_tex(findings), encoding="utf-8")
    for finding in findings:
        stem = file_name("claim", finding["id"])
        _write_csv(cell_table(finding), folder / f"{stem}.csv")
        if "lines" in finding["diagnostics"]:
            _write_csv(point_table(finding), folder / f"{stem}-points.csv")


def _write_csv(table: Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.header)
        writer.writerows(table.rows)


def _findings_tex(findings: Sequence[Finding]) -> str:
    lines = [
        "% Needs the packages booktabs and amsmath, amssymb.",
        r"\begin{tabular}{llllll}",
        r"\toprule",
        r"Claim & Statement & Estimate & Interval & Theory & Verdict \\",
        r"\midrule",
        *(" & ".join(_tex_row(finding)) + r" \\" for finding in findings),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _tex_row(finding: Finding) -> list[str]:
    numbers = [f"${latex(text)}$" for text in summary(finding)]
    statement = "".join(map(_tex_piece, statement_pieces(finding["statement"])))
    return [escape_tex(finding["id"]), statement, *numbers, escape_tex(_verdict(finding))]


def _tex_piece(piece: Piece) -> str:
    return f"${piece.content}$" if piece.mathematics else escape_tex(piece.content)


def _verdict(finding: Finding) -> str:
    name, remark = verdict(finding)
    return f"{name.lower()} ({remark})" if remark else name.lower()


def write_macros(ledger: Mapping[str, Any], path: Path) -> None:
    r"""Write a file of LaTeX macros, so that a paper's numbers are the ledger's.

    ``\mcs`` + study + claim + field, in letters only: digits are spelled, and a letter after a separator becomes
    a capital. Claim 2d.worst of the study linearization has ``\mcsLinearizationTwoDWorstEstimate``.

    Parameters
    ----------
    ledger : mapping
    path : Path
    """
    study = macro_name(ledger["study"]["name"])
    run = ledger["run"]
    lines = [
        f"% Numbers of the study {ledger['study']['name']}, draws sha256 {ledger['digests']['draws']}.",
        r"% \mcs + study + claim + Estimate, Interval, Theory or Verdict; digits are spelled, separators dropped:",
        r"% claim 2d.worst is TwoDWorst. Use with \input{macros.tex}; needs amsmath.",
        _macro(f"{study}Digest", ledger["digests"]["draws"][:12]),
        _macro(f"{study}Replicates", rf"\ensuremath{{{latex(count(run['replicates']))}}}"),
        _macro(f"{study}Seed", str(run["seed"])),
    ]
    stems = _stems([finding["id"] for finding in ledger["findings"]])
    for finding, stem in zip(ledger["findings"], stems, strict=True):
        lines.append(f"% claim {finding['id']}".replace("\n", " "))
        numbers = zip(("Estimate", "Interval", "Theory"), summary(finding), strict=True)
        lines += [
            _macro(f"{study}{stem}{field}", rf"\ensuremath{{{latex(text)}}}") for field, text in numbers
        ]
        lines.append(_macro(f"{study}{stem}Verdict", _verdict(finding)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _stems(ids: Sequence[str]) -> list[str]:
    """Spell the ids; one that is spelled like an earlier one gets a letter: B, C, ..."""
    stems: list[str] = []
    for name in ids:
        stem = macro_name(name)
        letters = iter("BCDEFGHIJKLMNOPQRSTUVWXYZ")
        while stem in stems:
            stem = macro_name(name) + next(letters)
        stems.append(stem)
    return stems


def _macro(name: str, text: str) -> str:
    return rf"\newcommand{{\mcs{name}}}{{{text}}}"
