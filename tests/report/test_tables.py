from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from mcstudy.evidence import BoundEvidence, RateEvidence
from mcstudy.ledger import MeasureCell, Measured
from mcstudy.report.kinds import Crossed, Estimate, Table
from mcstudy.report.tables import (
    as_text,
    cells_shown,
    crossed_tables,
    crossed_text,
    measured_table,
    write_tables,
)
from mcstudy.scenarios import Scenario


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_holds_the_ledgers_numbers_to_the_last_bit(written: Any) -> None:
    tables = written.out / "linearization" / "tables"
    rows = read(tables / "findings.csv")
    assert [row["id"] for row in rows] == list(written.ledger)
    for row, finding in zip(rows, written.ledger.findings, strict=True):
        assert [row["low"], row["high"]] == [str(end) for end in finding.interval]
        assert (row["verdict"], row["role"]) == (finding.verdict, finding.role)
        cells = read(tables / f"claim-{finding.id}.csv")
        for field in ("estimate", "mcse", "theory", "margin", "verdict", "replicates", "failures"):
            assert [row[field] for row in cells] == [str(getattr(cell, field)) for cell in finding.cells]
        for field in ("estimate", "mcse", "theory", "margin", "confidence"):
            assert row[field] == str(getattr(finding, field))


def test_csv_of_cells_has_factors_and_all_numbers_of_the_evidence(written: Any) -> None:
    tables = written.out / "linearization" / "tables"
    bound = read(tables / "claim-2c.csv")[0]
    evidence = written.ledger["2c"].evidence
    assert isinstance(evidence, BoundEvidence)
    assert evidence.cells[0] is not None
    assert (bound["width"], bound["displacement"], bound["violations"]) == ("64", "near", "0")
    assert bound["largest_ratio"] == str(evidence.cells[0].largest_ratio)
    rate = read(tables / "claim-2d.rate.csv")[1]
    line = written.ledger["2d.rate"].evidence.cells[1]
    assert rate["fit_upper_half_low"] == str(line.fit.upper_half.interval[0])
    assert rate["fit_curvature"] == str(line.fit.curvature)
    assert "fit_local_slopes" not in rate


def test_csv_of_points_has_the_whole_line(written: Any) -> None:
    points = read(written.out / "linearization" / "tables" / "claim-2d.rate-points.csv")
    evidence = written.ledger["2d.rate"].evidence
    assert isinstance(evidence, RateEvidence)
    (first, second) = evidence.cells
    assert first is not None
    assert second is not None
    assert [row["mean of error"] for row in points] == [str(y) for y in [*first.y, *second.y]]
    assert [row["mean of error mcse"] for row in points[:5]] == [str(error) for error in first.mcse]
    assert first.fit is not None
    assert points[0]["local slope mcse"] == str(first.fit.local_mcse[0])
    assert points[4]["local slope"] == ""  # there is no level after the last


def test_csv_of_a_measure(written: Any) -> None:
    rows = read(written.out / "linearization" / "tables" / "measure-spread.csv")
    (measured,) = written.ledger.measures
    name = "0.9-quantile of error" if "0.9-quantile of error" in rows[0] else measured.label
    assert [row[name] for row in rows] == [str(cell.estimate) for cell in measured.cells]
    assert rows[0]["width"] == "64"


def test_cells_of_the_page_are_those_that_matter_most(written: Any) -> None:
    table = cells_shown(written.ledger["2c"], 3)
    assert table.header[:2] == ("width", "displacement")
    assert len(table.rows) == 3
    assert {row[-1] for row in table.rows} == {"confirmed"}


def test_estimates_are_written_to_the_digits_of_their_error() -> None:
    table = Table(
        ("n", "x", "slope"),
        [(2.0, Estimate(0.123456, 0.001), None), (4096, Estimate(1.0, 0.0), Estimate(-1.0, 0.5))],
    )
    assert as_text(table, 9) == (
        ("n", "x ± MCSE", "slope ± MCSE"),
        [("2", "0.1235 ± 0.0010", ""), ("4096", "1", "−1.0 ± 0.5")],
    )
    assert len(as_text(table, 1).rows) == 1


def test_measure_without_an_estimate_is_a_dash() -> None:
    cell = MeasureCell(Scenario(n=1), math.nan, math.nan, 1, 3)
    table = as_text(measured_table(Measured("m", "", "sd of x", "n", (cell,))), 5)
    assert table == (("n", "sd of x ± MCSE", "replicates", "missing"), [("1", "–", "1", "3")])


def measured(name: str, *, experiment: str = "", unknown: float = 9.0) -> Measured:
    """A number for every n and method, and none for the last of both."""
    scenarios = [Scenario(n=n, method=method) for n in (20, 10) for method in ("Wald", "Wilson")]
    cells = [
        MeasureCell(scenario, 0.5 + k, 0.25, 64, 0) for k, scenario in enumerate(scenarios) if k != unknown
    ]
    return Measured(name, experiment, "mean of x", "n", tuple(cells), "method")


def test_measures_of_an_experiment_stand_side_by_side(make: Any, tmp_path: Path) -> None:
    both = (measured("level"), measured("spread", unknown=3))
    ledger = make.ledger_of((), measures=both)
    (table,) = crossed_tables(ledger).values()
    assert table == Crossed(
        ("n",),
        ("level", "spread"),
        ("Wald", "Wilson"),
        [
            (10, Estimate(2.5, 0.25), Estimate(3.5, 0.25), Estimate(2.5, 0.25), None),
            (20, *(Estimate(0.5 + k, 0.25) for k in (0, 1, 0, 1))),
        ],
    )
    assert crossed_text(table, 1).rows == [("10", "2.5 ± 0.2", "3.5 ± 0.2", "2.5 ± 0.2", "")]
    write_tables(ledger, tmp_path)
    first, _ = read(tmp_path / "measures-by-method.csv")
    assert list(first)[:4] == ["n", "level Wald", "level Wald mcse", "level Wilson"]
    assert (first["spread Wald"], first["spread Wilson"], first["spread Wilson mcse"]) == ("2.5", "", "")


def test_measures_of_other_experiments_and_lines_stand_apart(make: Any) -> None:
    along = Measured("x", "first", "mean of x", "", tuple(measured("x").cells[::2]))
    ledger = make.ledger_of((), measures=(measured("a"), measured("b", experiment="first"), along))
    tables = crossed_tables(ledger)
    assert {stem: table.measures for stem, table in tables.items()} == {
        "measures-by-method": ("a",),
        "measures-first-by-method": ("b",),
        "measures-first": ("x",),
    }
    assert tables["measures-first"].lines == ()
    assert tables["measures-first"].rows[0] == (10, Estimate(2.5, 0.25))


def test_a_factor_named_like_a_number_keeps_its_levels(make: Any, tmp_path: Path) -> None:
    from mcstudy.claims import Value
    from mcstudy.statistics import mean

    columns = {Scenario(estimate=7): make.normals(0.0)[Scenario(n=1)]}
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=1.0), columns)
    write_tables(make.ledger_of([finding]), tmp_path)
    header, row = (tmp_path / "claim-1.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("estimate,theory,margin,estimate,")
    assert row.startswith(f"7,0.0,1.0,{finding.estimate},")


def test_a_level_that_looks_like_a_formula_is_none_to_a_spreadsheet(make: Any, tmp_path: Path) -> None:
    from mcstudy.claims import Value
    from mcstudy.statistics import mean

    columns = {
        Scenario(x=x): make.normals(0.0)[Scenario(n=1)] for x in ("=cmd|x", "@a", "-b", "+c", "d", -1.0)
    }
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=1.0), columns)
    write_tables(make.ledger_of([finding]), tmp_path)
    assert [row["x"] for row in read(tmp_path / "claim-1.csv")] == [
        "'=cmd|x",
        "'@a",
        "'-b",
        "'+c",
        "d",
        "-1.0",
    ]


def test_neither_is_the_name_of_a_factor(make: Any, tmp_path: Path) -> None:
    from mcstudy.claims import Value
    from mcstudy.statistics import mean

    scenario = Scenario(**{"=cmd": 1})
    claim = Value("1", "x", of=mean("x"), equals=0.0, margin=1.0)
    (finding,) = make.judged(claim, {scenario: make.normals(0.0)[Scenario(n=1)]})
    write_tables(make.ledger_of([finding]), tmp_path)
    assert (tmp_path / "claim-1.csv").read_text(encoding="utf-8").startswith("'=cmd,")
