"""What came of a run, as an exit code says it."""

from __future__ import annotations

import shlex

from mcstudy.claims import beyond
from mcstudy.defaults import OUT
from mcstudy.draws import QUARANTINED
from mcstudy.ledger import Ledger
from mcstudy.measured import MeasureCell
from mcstudy.study import Study

__all__ = ["LOST", "again_after", "code_of", "is_lost"]

LOST = 3  # the exit code where more was lost than claims allow


def is_lost(study: Study, ledger: Ledger) -> bool:
    """Whether more replicates were lost than the claims allow, or without claims the measures; or a block was quarantined."""
    claims = {claim.id: claim for experiment in study.experiments for claim in experiment.claims}
    lost = any(beyond(claims[finding.id], cell) for finding in ledger.findings for cell in finding.cells)
    quarantined = any(failure.reason.startswith(QUARANTINED) for failure in ledger.failures)
    return lost or quarantined or (not ledger.findings and _is_lost_to_measures(study, ledger))


def _is_lost_to_measures(study: Study, ledger: Ledger) -> bool:
    """Whether a measure rests on fewer replicates than it allows; one that counts failures loses none by them."""
    allowed = {m.id: m.allowed_missing for experiment in study.experiments for m in experiment.measures}
    drawn = {(one.experiment, one.scenario): one.blocks * study.block_size for one in ledger.timings}
    return any(
        _loses(cell, drawn[measured.experiment, cell.scenario], allowed[measured.id])
        for measured in ledger.measures
        for cell in measured.cells
    )


def _loses(cell: MeasureCell, drawn: int, allowed: float | None) -> bool:
    if allowed is None:
        return cell.replicates + cell.missing < drawn
    return drawn - cell.replicates > allowed * drawn


def again_after(ledger: Ledger, out: str) -> str:
    """How to draw again what failed by accident: blocks that died with their worker are drawn again by every run."""
    died = all(failure.reason.startswith(QUARANTINED) for failure in ledger.failures)
    place = "" if out == OUT else f" --out {shlex.quote(out)}"
    return f"draw again what failed with: {ledger.run.command}{place}{'' if died else ' --retry-failures'}"


def code_of(study: Study, ledger: Ledger) -> int:
    """The exit code of a run; failures that every claim about them allows count for nothing."""
    return LOST if is_lost(study, ledger) else 0 if ledger.as_expected else 1
