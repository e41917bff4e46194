"""Two ledgers of a study, or two versions of several, verdict by verdict, each difference of estimates in its own error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from mcstudy.findings import Finding
from mcstudy.ledger import Ledger
from mcstudy.results.results import load

__all__ = ["HEADER", "Difference", "compare", "compare_places"]

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


def compare_places(one: str | Path, other: str | Path) -> dict[str, list[Difference]]:
    """Compare two ledgers of a study, or all studies of two folders, such as published versions.

    Parameters
    ----------
    one, other : path
        A ``ledger.json``, a study's folder, or a folder of several.

    Returns
    -------
    dict from str to list of Difference
        By study; a study that only one of two folders has is different in all its claims.

    Raises
    ------
    InputError
        If there is no ledger in one of them, or one that can't be read.
    """
    ours, theirs = _ledgers(one), _ledgers(other)
    if ours is None or theirs is None:
        first, second = load(one), load(other)
        return {first.study.name: compare(first, second)}
    return {name: _compared(ours.get(name), theirs.get(name)) for name in dict.fromkeys([*ours, *theirs])}


def _ledgers(place: str | Path) -> dict[str, Ledger] | None:
    """The ledgers of a folder of several; None where it is of one, or of none."""
    if (Path(place) / "ledger.json").is_file():
        return None
    found = {file.parent.name: load(file) for file in sorted(Path(place).glob("*/ledger.json"))}
    return dict(found) or None


def _compared(one: Ledger | None, other: Ledger | None) -> list[Difference]:
    if one is not None and other is not None:
        return compare(one, other)
    ours = [Difference(finding.id, finding, None, False) for finding in one.findings] if one else []
    theirs = [Difference(finding.id, None, finding, False) for finding in other.findings] if other else []
    return ours + theirs


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
