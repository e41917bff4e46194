"""Two ledgers of a study, or two versions of several, verdict by verdict, each difference of estimates in its own error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mcstudy.findings import Finding, Verdict
from mcstudy.ledger import Ledger
from mcstudy.measured import Measured, known
from mcstudy.results.results import load
from mcstudy.scenarios import Scenario

__all__ = ["HEADER", "Difference", "compare", "compare_places"]

HEADER = ("claim", "one", "other", "difference", "in errors", "remark")


class _Number(NamedTuple):
    """An estimate of one of two ledgers."""

    estimate: float
    mcse: float
    scenario: Scenario


@dataclass(frozen=True)
class Difference:
    """A claim or a measure in two ledgers; None where one of them does not have it.

    Attributes
    ----------
    claim : str
        Its id.
    one, other : Finding, Measured or None
    same_draws : bool
        Whether both ledgers rest on the same bits: then a difference is no chance.
    """

    claim: str
    one: Finding | Measured | None
    other: Finding | Measured | None
    same_draws: bool

    @property
    def same_verdict(self) -> bool:
        """Whether both have the claim and agree on it; a measure has no verdict to disagree on."""
        return self.one is not None and self.other is not None and _verdict(self.one) is _verdict(self.other)

    @property
    def change(self) -> float:
        """The other's estimate minus the one's; NaN where one is missing.

        Of a claim, of the cells that decide; of a measure, in the scenario where it differs most, in errors.
        """
        return self._numbers[1].estimate - self._numbers[0].estimate if self._numbers else math.nan

    @property
    def errors(self) -> float:
        """The difference in standard errors of independent estimates; NaN where it has none."""
        return _errors(*self._numbers) if self._numbers else math.nan

    @property
    def _numbers(self) -> tuple[_Number, _Number] | None:
        if isinstance(self.one, Finding) and isinstance(self.other, Finding):
            return _deciding(self.one), _deciding(self.other)
        if isinstance(self.one, Measured) and isinstance(self.other, Measured):
            return _furthest(self.one, self.other)
        return None

    @property
    def remark(self) -> str:
        """What to look at."""
        if self.one is None or self.other is None:
            return f"only in the {'other' if self.one is None else 'one'}"
        if not self.same_verdict:
            return "another verdict"
        if not self._numbers:
            return "no scenario that both have estimated"
        if self._numbers[0].scenario != self._numbers[1].scenario:
            return "another cell decides"
        # Five errors: beyond what chance does among some hundred claims.
        return "more than chance" if abs(self.errors) > 5.0 and not self.same_draws else ""

    def row(self) -> tuple[str, ...]:
        """The entries of `HEADER`."""
        verdicts = ("–" if found is None else _word(found) for found in (self.one, self.other))
        numbers = ("–" if math.isnan(value) else f"{value:.3g}" for value in (self.change, self.errors))
        return (self.claim, *verdicts, *numbers, self.remark)


def _verdict(found: Finding | Measured) -> Verdict | None:
    return found.verdict if isinstance(found, Finding) else None


def _word(found: Finding | Measured) -> str:
    verdict = _verdict(found)
    return "measured" if verdict is None else verdict.lower()


def _deciding(finding: Finding) -> _Number:
    return _Number(finding.estimate, finding.mcse, finding.cells[finding.deciding].scenario)


def _furthest(one: Measured, other: Measured) -> tuple[_Number, _Number] | None:
    """The numbers of the scenario where two measures differ most; None where there is none in common."""
    theirs = {cell.scenario: _Number(cell.estimate, cell.mcse, cell.scenario) for cell in known(other.cells)}
    pairs = [
        (_Number(cell.estimate, cell.mcse, cell.scenario), theirs[cell.scenario])
        for cell in known(one.cells)
        if cell.scenario in theirs
    ]
    return max(pairs, key=lambda pair: _distance(*pair), default=None)


def _distance(one: _Number, other: _Number) -> float:
    """How many errors lie between two numbers: without errors infinitely many, unless they are equal."""
    errors = _errors(one, other)
    return math.inf if math.isnan(errors) else abs(errors)


def _errors(one: _Number, other: _Number) -> float:
    change, error = other.estimate - one.estimate, math.hypot(one.mcse, other.mcse)
    return change / error if error > 0.0 else (0.0 if change == 0.0 else math.nan)


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
    ours, theirs = _found(one), _found(other)
    return [Difference(name, ours.get(name), theirs.get(name), False) for name in [*ours, *theirs]]


def _found(ledger: Ledger | None) -> dict[str, Finding | Measured]:
    """The findings, then the measures whose id no claim has."""
    if ledger is None:
        return {}
    findings = {finding.id: finding for finding in ledger.findings}
    return findings | {item.id: item for item in ledger.measures if item.id not in findings}


def compare(one: Ledger, other: Ledger) -> list[Difference]:
    """Compare two ledgers claim by claim, then measure by measure, in the order of the first.

    Parameters
    ----------
    one, other : Ledger
    """
    same = one.digests.get("draws") == other.digests.get("draws")
    ours, theirs = _found(one), _found(other)
    return [
        Difference(name, ours.get(name), theirs.get(name), same) for name in dict.fromkeys([*ours, *theirs])
    ]
