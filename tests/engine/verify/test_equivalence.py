"""Cells of two ledgers compared by their intervals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from mcstudy import Cell, Scenario, Verdict, load
from mcstudy.engine.verify.equivalence import compare_cells


@pytest.fixture
def finding(run_once: Any) -> Any:
    return load(run_once / "reports" / "toy")["mean"]


def cell(
    low: float, high: float, verdict: Verdict = Verdict.UNDECIDED, margin: float = 1.0, mcse: float = 0.1
) -> Cell:
    return Cell(Scenario(n=1), 0.0, margin, (low + high) / 2, mcse, (low, high), verdict, 0.5)


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        (
            cell(0.0, 1.0),
            cell(0.5, 1.5),
            "equivalent",
        ),  # the truths are at most 1.5 apart, the zone is 2 wide
        (cell(0.0, 1.0), cell(1.1, 1.5), "contradiction"),
        (cell(1.1, 1.5), cell(0.0, 1.0), "contradiction"),
        (cell(0.0, 1.0, Verdict.CONFIRMED), cell(0.5, 2.5), "open"),
        (cell(0.0, 1.0, Verdict.REFUTED, margin=0.1), cell(0.5, 0.9), "open"),
        (cell(3.0, 9.0, Verdict.REFUTED), cell(4.0, 20.0, Verdict.REFUTED), "equivalent"),
        (cell(-0.9, 0.9, Verdict.CONFIRMED), cell(0.8, 3.0), "open"),
        (cell(-0.9, 0.9, Verdict.CONFIRMED), cell(0.8, 3.0, Verdict.REFUTED), "contradiction"),
        (
            cell(1e-16, 1e-16, Verdict.CONFIRMED, mcse=0.0),
            cell(2e-16, 2e-16, Verdict.CONFIRMED, mcse=0.0),
            "equivalent",
        ),
        (cell(math.nan, math.nan), cell(0.0, 9.0), "equivalent"),  # both undecided, nothing to compare
        (cell(-math.inf, 1.0), cell(0.0, math.inf, Verdict.CONFIRMED), "open"),
    ],
)
def test_two_cells(finding: Any, one: Cell, other: Cell, outcome: str) -> None:
    found = compare_cells([replace(finding, cells=(one,))], [replace(finding, cells=(other,))])
    counts = (len(found.contradictions), len(found.open))
    assert counts == {"equivalent": (0, 0), "contradiction": (1, 0), "open": (0, 1)}[outcome]
    assert found.cells == 1


def test_a_cell_that_is_not_there_contradicts(finding: Any) -> None:
    found = compare_cells([finding], [replace(finding, cells=finding.cells[:1])])
    assert (found.cells, found.open) == (2, ())
    (line,) = found.contradictions
    assert line.startswith("claim mean at n=4: ")
    assert line.endswith("nothing at the other seed")
