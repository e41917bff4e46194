"""Two ledgers of a study, verdict by verdict, each difference of estimates in its own error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mcstudy.findings import Finding
from mcstudy.ledger import Ledger

__all__ = ["HEADER", "Difference", "compare"]

HEADER = ("claim", "one", "other", "difference", "in errors", "remark")


@dataclass(frozen=True)
class Difference:
    """A claim in two ledgers; None where one of them does not have it.

    Attributes
    ----------
    claim : str
    one, other : Finding or None
    same_draws : bool
        Whether both ledgers rest on the same bits: then a difference is no chance.
    """

    claim: str
    one: Finding | None
    other: Finding | None
    same_draws: bool

    @property
    def same_verdict(self) -> bool:
        """Whether both have the claim and agree on it."""
        return self.one is not None and self.other is not None and self.one.verdict is self.other.verdict

    @property
    def change(self) -> float:
        """The other's estimate minus the one's; NaN where one is missing."""
        if self.one is None or self.other is None:
            return math.nan
        return self.other.estimate - self.one.estimate

    @property
    def errors(self) -> float:
        """The difference in standard errors of independent estimates; NaN where it has none."""
        if self.one is None or self.other is None:
            return math.nan
        error = math.hypot(self.one.mcse, self.other.mcse)
        return self.change / error if error > 0.0 else (0.0 if self.change == 0.0 else math.nan)

    @property
    def remark(self) -> str:
        """What to look at."""
        if self.one is None or self.other is None:
            return f"only in the {'other' if self.one is None else 'one'}"
        if not self.same_verdict:
            return "another verdict"
        if self.one.cells[self.one.deciding].scenario != self.other.cells[self.other.deciding].scenario:
            return "another cell decides"
        # Five errors: beyond what chance does among some hundred claims.
        return "more than chance" if abs(self.errors) > 5.0 and not self.same_draws else ""

    def row(self) -> tuple[str, ...]:
        """The entries of `HEADER`."""
        verdicts = ("–" if finding is None else finding.verdict.lower() for finding in (self.one, self.other))
        numbers = ("–" if math.isnan(value) else f"{value:.3g}" for value in (self.change, self.errors))
        return (self.claim, *verdicts, *numbers, self.remark)


def compare(one: Ledger, other: Ledger) -> list[Difference]:
    """Compare two ledgers claim by claim, in the order of the first.

    Parameters
    ----------
    one, other : Ledger
    """
    same = one.digests.get("draws") == other.digests.get("draws")
    ours, theirs = ({finding.id: finding for finding in ledger.findings} for ledger in (one, other))
    return [
        Difference(name, ours.get(name), theirs.get(name), same) for name in dict.fromkeys([*ours, *theirs])
    ]
