"""What was found of a claim: its verdict, and the cells that it rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from mcstudy.evidence import Evidence
from mcstudy.exceptions import InputError
from mcstudy.scenarios import Scenario, Where, unmatched

__all__ = [
    "STATEMENT",
    "Cell",
    "Finding",
    "Guarantee",
    "Interval",
    "Role",
    "Side",
    "Verdict",
    "Zone",
    "correction_of",
    "side_by_side",
]

Interval = tuple[float, float]

STATEMENT = "statement"  # the factor whose levels are a misprint and its correction


class Verdict(StrEnum):
    """What the draws say of a claim."""

    CONFIRMED = "CONFIRMED"
    REFUTED = "REFUTED"
    UNDECIDED = "UNDECIDED"

    @staticmethod
    def all_of(verdicts: Sequence[Verdict]) -> Verdict:
        """The verdict on a conjunction: one refuted part refutes, one undecided part leaves it open."""
        for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
            if verdict in verdicts:
                return verdict
        return Verdict.CONFIRMED if verdicts else Verdict.UNDECIDED


class Role(StrEnum):
    """What a claim is there for."""

    THEORY = "theory"
    MISPRINT = "misprint"  # what a source says where it is wrong
    CONTROL = "control"  # shows that the study can tell
    REFUTATION = "refutation"  # expected to be refuted, and the author does not say which of the two


class Guarantee(StrEnum):
    """What the confidence of a verdict rests on."""

    EXACT = "exact"  # holds for every law and every number of replicates
    ASYMPTOTIC = "asymptotic"  # holds as the number of replicates grows
    NONE = "none yet"


class Side(StrEnum):
    """Which side of theory a zone allows."""

    BOTH = "both"
    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True)
class Zone:
    """What counts as agreement with theory, fixed before drawing: theory +- margin, or all on one side of it."""

    theory: float
    margin: float
    side: Side = Side.BOTH

    @property
    def low(self) -> float:
        """Its lower end."""
        return -math.inf if self.side is Side.AT_MOST else self.theory - self.margin

    @property
    def high(self) -> float:
        """Its upper end."""
        return math.inf if self.side is Side.AT_LEAST else self.theory + self.margin

    def verdict(self, interval: Interval) -> Verdict:
        """CONFIRMED if the interval lies inside the zone, REFUTED if outside, else UNDECIDED.

        Examples
        --------
        >>> Zone(theory=1.0, margin=0.1).verdict((0.95, 1.2))
        <Verdict.UNDECIDED: 'UNDECIDED'>
        """
        low, high = interval
        if self._is_open(interval):
            return Verdict.UNDECIDED
        if self.low <= low and high <= self.high:
            return Verdict.CONFIRMED
        if high < self.low or low > self.high:
            return Verdict.REFUTED
        return Verdict.UNDECIDED

    def reach(self, interval: Interval) -> float:
        """How far an interval extends from theory, in margins: at most 1 inside the zone; -1 without an interval.

        On one side there is no margin: the edge is 1, and a tenth more is beyond it by a tenth of its size.
        """
        if self._is_open(interval):
            return -1.0
        if self.side is Side.BOTH:
            return max(abs(end - self.theory) for end in interval) / self.margin
        beyond = interval[1] - self.high if self.side is Side.AT_MOST else self.low - interval[0]
        size = abs(self.theory) or max(map(abs, interval)) or 1.0
        return max(1.0 + beyond / size, 0.0)

    def _is_open(self, interval: Interval) -> bool:
        """Whether there is nothing to compare."""
        return any(map(math.isnan, (*interval, self.theory)))


@dataclass(frozen=True, slots=True)
class Cell:
    """A claim in one scenario, or in several that are judged together: along a line, across a pair.

    A kind of claim fills in what it finds; `claims.judging` counts the replicates.

    Attributes
    ----------
    scenario : Scenario
        The factors that name the cell.
    theory, margin : float
        Its zone, with `side`.
    estimate, mcse : float
    interval : pair of float
    verdict : Verdict
    reach : float
        How near the cell comes to the edge of what theory allows, 1 at the edge: the cell with the largest
        speaks for the finding. -1 where there was nothing to judge.
    replicates : int
        Of a scenario, failed ones included; the fewest where there are several.
    failures, missing, drawn : int
        Over all its scenarios: replicates that failed, those without a value, and those that the numbers rest on.
    note : str
        Why the cell is undecided whatever its interval, or what is to be known of its verdict.
    hopeless : bool
        Whether more draws of this kind can't decide it.
    confidence : float
        Of the interval, at any time: each end by itself is missed with half of the rest.
    guarantee : Guarantee
    condition : float
        How far the tails are seen where the guarantee is asymptotic: replicates over those that the fourth moments
        ask for. From 1 on a standard error may be believed; 0 where replicates tell of no number that would do.
    lost : float
        The largest share, of a scenario's replicates, that failed or have no value; NaN where nobody counted.
    worst_case : pair of float, optional
        What the estimate could be if these had shown anything; None where none is lost, or nothing bounds it.
    needed : int
        The replicates of each of its scenarios that would probably decide it, those that were drawn included; 0
        where it is decided, or more draws can't decide it.
    """

    scenario: Scenario
    theory: float
    margin: float
    estimate: float
    mcse: float
    interval: Interval
    verdict: Verdict
    reach: float
    replicates: int = 0
    failures: int = 0
    missing: int = 0
    drawn: int = 0
    note: str = ""
    hopeless: bool = False
    confidence: float = math.nan
    guarantee: Guarantee = Guarantee.EXACT
    condition: float = math.nan
    needed: int = 0
    side: Side = Side.BOTH
    lost: float = math.nan
    worst_case: Interval | None = None

    @staticmethod
    def unjudged(scenario: Scenario, zone: Zone | None = None) -> Cell:
        """A cell in which there is nothing to judge, with its zone where that is known."""
        nan, zone = math.nan, zone or Zone(math.nan, math.nan)
        cell = Cell(scenario, zone.theory, zone.margin, nan, nan, (nan, nan), Verdict.UNDECIDED, -1.0)
        return replace(cell, guarantee=Guarantee.NONE)

    @property
    def zone(self) -> Zone:
        """What counts as agreement in this cell."""
        return Zone(self.theory, self.margin, self.side)

    def __format__(self, spec: str) -> str:
        """The estimate with its interval, each as `spec` says; four significant digits by default.

        Examples
        --------
        >>> cell = Cell(Scenario(), -0.5, 0.02, -0.4984, 0.0005, (-0.5007, -0.4961), Verdict.CONFIRMED, 0.2)
        >>> f"{cell:.3f}"
        '-0.498 (-0.501 to -0.496)'
        """
        spec, (low, high) = spec or ".4g", self.interval
        return f"{self.estimate:{spec}} ({low:{spec}} to {high:{spec}})"


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict and its evidence; the fields are those of ``ledger.json``.

    `theory`, `margin`, `estimate`, `mcse`, `interval`, `confidence` and `replicates` are those of the cell that
    decides, number `deciding` of `cells`: the one of the finding's verdict with the largest reach. `title` and
    `group` are words of the claim's author: they tell it from others, and where it belongs.
    """

    id: str
    experiment: str
    statement: str
    kind: str
    estimand: str
    source: str
    expected: Verdict
    role: Role
    because: str
    verdict: Verdict
    guarantee: Guarantee
    as_expected: bool
    theory: float
    margin: float
    estimate: float
    mcse: float
    interval: Interval
    confidence: float
    replicates: int
    deciding: int
    cells: tuple[Cell, ...]
    evidence: Evidence
    title: str = ""
    group: str = ""

    def among(self, where: Where = None, /, **levels: Any) -> Finding:
        """The finding with only the cells that match; its verdict and numbers stay those of the whole.

        Where the deciding cell is left out, the one that reaches furthest stands in for it.

        Raises
        ------
        InputError
            If no cell matches.
        """
        wanted = levels if where is None else where
        problem = unmatched(wanted, [cell.scenario for cell in self.cells])
        chosen = [] if problem else [i for i, cell in enumerate(self.cells) if cell.scenario.matches(wanted)]
        if not chosen:
            problem = problem or f"must leave a cell, got {wanted} which leaves none"
            msg = f"claim {self.id}: `where` {problem}"
            raise InputError(msg)
        kept = tuple(self.evidence.cells[index] for index in chosen) if self.evidence.cells else ()
        return replace(
            self,
            cells=tuple(self.cells[index] for index in chosen),
            evidence=replace(self.evidence, cells=kept),
            deciding=chosen.index(max(chosen, key=lambda i: (i == self.deciding, self.cells[i].reach))),
        )

    def cell(self, **levels: Any) -> Cell:
        """The one cell with these levels: ``finding.cell(width=64)``.

        Raises
        ------
        InputError
            If no cell has them, or more than one.
        """
        found = self.among(levels).cells if levels else self.cells
        if len(found) > 1:
            some = "; ".join(str(cell.scenario) for cell in found[:4])
            msg = f"claim {self.id}: `cell` must name one cell, got {len(found)} of them; name more factors: {some}"
            raise InputError(msg)
        return found[0]

    @property
    def note(self) -> str:
        """What the cells have to say of their verdicts, each remark once."""
        return "; ".join(dict.fromkeys(cell.note for cell in self.cells if cell.note))

    @property
    def condition(self) -> float:
        """How far the tails are seen in the deciding cell; NaN where its guarantee needs no condition."""
        return self.cells[self.deciding].condition

    @property
    def violations(self) -> int:
        """How many replicates violate a bound or an identity.

        Raises
        ------
        InputError
            If the claim is neither.
        """
        return sum(self._each("violations"))

    @property
    def largest_ratio(self) -> float:
        """The largest ratio of a column to its bound; NaN where nothing could be judged.

        Raises
        ------
        InputError
            If the claim is no bound.
        """
        return float(max(self._each("largest_ratio"), default=math.nan))

    @cached_property
    def ranked(self) -> list[int]:
        """The numbers of its cells, the deciding one first, then those that reach furthest."""
        return sorted(range(len(self.cells)), key=lambda i: (i != self.deciding, -self.cells[i].reach, i))

    @property
    def drawn(self) -> int:
        """How many replicates the cells rest on: neither failed nor missing."""
        return sum(cell.drawn for cell in self.cells)

    def _each(self, name: str) -> list[Any]:
        """A number of every cell that could be judged."""
        judged = [item for item in self.evidence.cells if item is not None]
        if not self.evidence.cells or not all(hasattr(item, name) for item in judged):
            msg = f"claim {self.id}: `{name}` must be asked of a finding that has it, got one of kind {self.kind}"
            raise InputError(msg)
        return [getattr(item, name) for item in judged]


def correction_of(misprint: Finding, findings: Sequence[Finding]) -> Finding | None:
    """What is true in place of a misprint, by the ids: 1b.2 for 1b.2-printed, of the same group.

    Parameters
    ----------
    misprint : Finding
        Of any role: what is no misprint has no correction.
    findings : sequence of Finding

    Returns
    -------
    Finding or None
        Of those that the misprint's id begins with, the one with the longest id.
    """
    meant = [
        one
        for one in findings
        if one.role is Role.THEORY and one.group == misprint.group and misprint.id.startswith(one.id)
    ]
    if misprint.role is not Role.MISPRINT or not meant:
        return None
    return max(meant, key=lambda one: len(one.id))


def side_by_side(printed: Finding, true: Finding, indices: Sequence[int]) -> Finding | None:
    """Join cells of a misprint with those of its correction in the same scenarios, to be looked at together.

    Parameters
    ----------
    printed, true : Finding
        Of one kind.
    indices : sequence of int
        The cells of `printed` to take, as far as `true` was judged there too; the deciding one among them.

    Returns
    -------
    Finding or None
        The misprint, with a cell "printed" and a cell "true" of the factor `STATEMENT` in each scenario. None where
        the two were not judged in the scenario that decides.
    """
    other = {cell.scenario: index for index, cell in enumerate(true.cells)}
    pairs = [
        (index, other[scenario]) for index in indices if (scenario := printed.cells[index].scenario) in other
    ]
    first = [index for index, _ in pairs]
    if printed.deciding not in first or any(STATEMENT in cell.scenario for cell in printed.cells):
        return None
    sources = [one for pair in pairs for one in zip((printed, true), pair, ("printed", "true"), strict=True)]
    cells = tuple(
        replace(own.cells[index], scenario=Scenario(**own.cells[index].scenario, **{STATEMENT: name}))
        for own, index, name in sources
    )
    evidence = [own.evidence.cells[index] for own, index, _ in sources if own.evidence.cells]
    return replace(
        printed,
        cells=cells,
        evidence=replace(printed.evidence, cells=tuple(evidence)),
        deciding=2 * first.index(printed.deciding),
    )
