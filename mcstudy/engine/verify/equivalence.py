"""Do two ledgers of different draws say the same? Cell by cell, by intervals that hold for all cells at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcstudy.findings import Cell, Finding, Verdict
from mcstudy.scenarios import Scenario

__all__ = ["Equivalence", "compare_cells"]

OPPOSITE = {Verdict.CONFIRMED, Verdict.REFUTED}


@dataclass(frozen=True)
class Equivalence:
    """How the cells of two ledgers compare.

    Attributes
    ----------
    cells : int
        How many were compared.
    contradictions : tuple of str
        Cells whose intervals have nothing in common, or whose verdicts are opposite. The intervals of a ledger hold
        the truth all at once, but for a chance of alpha; where both ledgers are right there is a contradiction with a
        chance of at most the sum of both alphas.
    open : tuple of str
        Cells that neither contradict each other nor are shown to be equivalent: more draws would tell.
    """

    cells: int
    contradictions: tuple[str, ...]
    open: tuple[str, ...]


def compare_cells(written: Sequence[Finding], found: Sequence[Finding]) -> Equivalence:
    """Compare findings of different draws.

    Two cells are equivalent where they have the same verdict, or where what their intervals leave of the two truths
    lies no further apart than the zone is wide.

    Parameters
    ----------
    written, found : sequence of Finding
    """
    others = {(finding.id, cell.scenario): cell for finding in found for cell in finding.cells}
    contradictions, still_open, cells = [], [], 0
    for finding in written:
        for cell in finding.cells:
            cells += 1
            name, other = _name(finding.id, cell.scenario), others.get((finding.id, cell.scenario))
            if other is None or _contradict(cell, other):
                numbers = "nothing" if other is None else f"{other:.4g}"
                contradictions.append(f"{name}: {cell:.4g} in the ledger, {numbers} at the other seed")
            elif not _equivalent(cell, other):
                still_open.append(name)
    return Equivalence(cells, tuple(contradictions), tuple(still_open))


def _contradict(one: Cell, other: Cell) -> bool:
    if {one.verdict, other.verdict} == OPPOSITE:
        return True
    # An extreme over the replicates is no estimate of anything: an identity has the largest residual, without error.
    if one.mcse == 0.0 and one.interval[0] == one.interval[1]:
        return False
    # A NaN, where nothing was judged, contradicts nothing.
    return one.interval[1] < other.interval[0] or other.interval[1] < one.interval[0]


def _equivalent(one: Cell, other: Cell) -> bool:
    apart = max(one.interval[1] - other.interval[0], other.interval[1] - one.interval[0])
    return one.verdict is other.verdict or apart <= 2.0 * one.margin


def _name(claim: str, scenario: Scenario) -> str:
    return f"claim {claim} at {scenario}" if scenario else f"claim {claim}"
