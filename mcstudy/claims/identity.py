"""An equation that holds for every draw, up to a tolerance whose source is stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.theory import check_margin
from mcstudy.draws import Draws, Sample
from mcstudy.evidence import IdentityCell, IdentityEvidence, Witness
from mcstudy.findings import Cell, Verdict, Zone
from mcstudy.statistics import upper_limit

__all__ = ["Identity"]


@dataclass(frozen=True, kw_only=True)
class Identity(Claim):
    r"""A relative residual never exceeds a tolerance.

    A fact about the replicates that were drawn, not an estimate: the interval is the largest residual itself,
    and one residual above the tolerance REFUTES. The evidence gives an upper limit on the probability of
    replicates that would, and the largest residual as a witness that can be replayed.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    column : str
        A residual relative to the norm of what is compared, at least 0.
    tolerance : float
        What rounding or an integrator explains; say which in `source` or in the study.
    """

    column: str
    tolerance: float

    kind = "identity"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "tolerance", self.tolerance)

    @property
    def estimand(self) -> str:
        """The residual in words."""
        return f"largest {self.column}"

    def columns(self) -> tuple[str, ...]:
        """The residual's column."""
        return (self.column,)

    def assess(self, samples: tuple[Sample, ...], confidence: float, draws: Draws) -> Assessment:
        """Compare the largest residual of one scenario with the tolerance."""
        (sample,) = samples
        residual = np.abs(sample.values(self.column)[0])
        position = int(np.argmax(residual))
        largest = float(residual[position])
        violations = int(np.count_nonzero(residual > self.tolerance))
        limit = upper_limit(violations, len(residual), confidence)
        cell = Cell(
            scenario=sample.scenario,
            theory=0.0,
            margin=self.tolerance,
            # The largest of what was drawn is known exactly: no error, and an interval without width.
            estimate=largest,
            mcse=0.0,
            interval=(largest, largest),
            verdict=Verdict.REFUTED if violations else Verdict.CONFIRMED,
            reach=Zone(0.0, self.tolerance).reach((largest, largest)),
        )
        found = IdentityCell(largest, float(np.median(residual)), violations, limit)
        block, index = sample.locate(position, self.column)
        return Assessment(cell, found, Witness.at(block, index, largest))

    def collect(self, assessments: Sequence[Assessment]) -> IdentityEvidence:
        """Residuals of every cell, and the replicate with the largest."""
        witnesses = [a.witness for a in assessments if a.witness is not None]
        return IdentityEvidence(
            cells=tuple(a.evidence for a in assessments),
            witness=max(witnesses, key=lambda witness: witness.value, default=None),
        )
