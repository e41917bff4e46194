"""An equation that holds for every draw, up to a tolerance whose source is stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcstudy.claims.belief import check_constant
from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares
from mcstudy.claims.theory import check_margin
from mcstudy.claims.violations import (
    PROBABILITY,
    check_probability,
    replicates_without,
    verdict_on,
    violation_interval,
)
from mcstudy.draws import Draws, Sample
from mcstudy.evidence import IdentityCell, IdentityEvidence, Witness
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Cell, Verdict, Zone
from mcstudy.statistics.ordering import median_of
from mcstudy.statistics.pools import count_where, place_of_largest
from mcstudy.statistics.portions import in_portions
from mcstudy.words import said

__all__ = ["Identity"]

LAWS = ("any", "continuous", "constant")


@dataclass(frozen=True, kw_only=True)
class Identity(Claim):
    r"""A relative residual never exceeds a tolerance.

    The interval is the largest residual itself, known exactly, and one residual above the tolerance REFUTES. None
    confirms once the upper limit on the probability of one, exact at any number of replicates, is at most
    `probability`. The largest residual is a witness that can be replayed.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    column : str
        A residual relative to the norm of what is compared, at least 0.
    tolerance : float
        What rounding or an integrator explains; say which in `source` or in the study.
    probability : float
        The largest probability of a violation that still counts as none.
    law : {"any", "continuous", "constant"}
        What the identity is about. "continuous": both of its sides are analytic functions of draws that have a
        density, so that it holds for almost all of them or for almost none, and one replicate tells. "constant":
        the residual is no random number; all replicates of a scenario must be equal. Of "any" other law a
        violation may be rare, and `probability` says how rare.
    """

    column: str
    tolerance: float
    probability: float = PROBABILITY
    law: str = "any"

    kind = "identity"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "tolerance", self.tolerance)
        check_probability(self.id, self.probability)
        if self.law not in LAWS:
            msg = f"claim {self.id}: `law` must be one of {', '.join(map(repr, LAWS))}, got {said(self.law)}"
            raise ClaimError(msg)

    @property
    def estimand(self) -> str:
        """The residual in words."""
        return f"largest {self.column}"

    def columns(self) -> tuple[str, ...]:
        """The residual's column."""
        return (self.column,)

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Compare the largest residual of one scenario with the tolerance."""
        (sample,) = samples
        residual = in_portions(np.abs, *sample.values(self.column))
        if self.law == "constant":
            check_constant(self.id, sample, self.column)
        position = place_of_largest(residual)
        largest = float(residual[position])
        violations = count_where(lambda portion: portion > self.tolerance, residual)
        limit = violation_interval(violations, len(residual), shares)[1]
        # Elsewhere what holds for one replicate holds for almost all.
        probability = self.probability if self.law == "any" else 1.0
        verdict = verdict_on(violations, limit, probability)
        undecided = verdict is Verdict.UNDECIDED
        cell = Cell(
            scenario=sample.scenario,
            theory=0.0,
            margin=self.tolerance,
            # The largest of what was drawn is known exactly: no error, and an interval without width.
            estimate=largest,
            mcse=0.0,
            interval=(largest, largest),
            verdict=verdict,
            reach=Zone(0.0, self.tolerance).reach((largest, largest)),
            note=f"a violation in {limit:.2g} of the draws is not excluded yet" if undecided else "",
            confidence=1.0 - shares.confirm,
            needed=replicates_without(probability, shares) if undecided else 0,
        )
        found = IdentityCell(largest, median_of(residual), violations, limit)
        block, index = sample.locate(position, self.column)
        return Assessment(cell, found, Witness.at(block, index, largest))

    def fewest(self, shares: Shares) -> int:
        """One where one tells, else so many that none of them violates an event of the probability."""
        return replicates_without(self.probability, shares) if self.law == "any" else super().fewest(shares)

    def collect(self, assessments: Sequence[Assessment]) -> IdentityEvidence:
        """Residuals of every cell, and the replicate with the largest."""
        witnesses = [a.witness for a in assessments if a.witness is not None]
        return IdentityEvidence(
            cells=tuple(a.evidence for a in assessments),
            witness=max(witnesses, key=lambda witness: witness.value, default=None),
        )
