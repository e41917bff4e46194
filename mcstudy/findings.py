"""What was found of a claim: its verdict, its cells, and the evidence of its kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Block
from mcstudy.exceptions import InputError
from mcstudy.scenarios import Scenario, Where, unmatched

__all__ = [
    "BoundCell",
    "BoundEvidence",
    "Cell",
    "Evidence",
    "Finding",
    "Fit",
    "Guarantee",
    "Half",
    "IdentityCell",
    "IdentityEvidence",
    "Interval",
    "LawCell",
    "LawEvidence",
    "Line",
    "RateEvidence",
    "Role",
    "Verdict",
    "Witness",
    "Zone",
]

Interval = tuple[float, float]
FloatArray = npt.NDArray[np.float64]


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


@dataclass(frozen=True)
class Zone:
    """What counts as agreement with theory, fixed before drawing: theory +- margin."""

    theory: float
    margin: float

    def verdict(self, interval: Interval) -> Verdict:
        """CONFIRMED if the interval lies inside the zone, REFUTED if outside, else UNDECIDED.

        Examples
        --------
        >>> Zone(theory=1.0, margin=0.1).verdict((0.95, 1.2))
        <Verdict.UNDECIDED: 'UNDECIDED'>
        """
        low, high = interval
        if math.isnan(low) or math.isnan(high) or math.isnan(self.theory):
            return Verdict.UNDECIDED
        if self.theory - self.margin <= low and high <= self.theory + self.margin:
            return Verdict.CONFIRMED
        if high < self.theory - self.margin or low > self.theory + self.margin:
            return Verdict.REFUTED
        return Verdict.UNDECIDED

    def reach(self, interval: Interval) -> float:
        """How far an interval extends from theory, in margins: at most 1 inside the zone; -1 without an interval."""
        distance = max(abs(interval[0] - self.theory), abs(interval[1] - self.theory))
        return -1.0 if math.isnan(distance) else distance / self.margin


@dataclass(frozen=True)
class Cell:
    """A claim in one scenario, or along one line of scenarios.

    Attributes
    ----------
    scenario : Scenario
        The factors that name the cell.
    theory, margin : float
        Its zone.
    estimate, mcse : float
    interval : pair of float
    verdict : Verdict
    replicates : int
        Failed ones included.
    reach : float
        How near the cell comes to the edge of what theory allows, 1 at the edge: the cell with the largest
        speaks for the finding. -1 where there was nothing to judge.
    failures, missing : int
        Replicates that failed, and those without a value.
    """

    scenario: Scenario
    theory: float
    margin: float
    estimate: float
    mcse: float
    interval: Interval
    verdict: Verdict
    replicates: int
    reach: float
    failures: int = 0
    missing: int = 0

    @staticmethod
    def unjudged(scenario: Scenario, replicates: int, zone: Zone | None = None) -> Cell:
        """A cell in which there is nothing to judge."""
        nan = math.nan
        zone = zone or Zone(nan, nan)
        return Cell(
            scenario, zone.theory, zone.margin, nan, nan, (nan, nan), Verdict.UNDECIDED, replicates, -1.0
        )

    @property
    def zone(self) -> Zone:
        """What counts as agreement in this cell."""
        return Zone(self.theory, self.margin)

    def __format__(self, spec: str) -> str:
        """The estimate with its interval, each as `spec` says; four significant digits by default.

        Examples
        --------
        >>> zone = Zone(-0.5, 0.02)
        >>> cell = Cell(Scenario(), -0.5, 0.02, -0.4984, 0.0005, (-0.5007, -0.4961), Verdict.CONFIRMED, 64, 0.2)
        >>> f"{cell:.3f}"
        '-0.498 (-0.501 to -0.496)'
        """
        spec = spec or ".4g"
        low, high = self.interval
        return f"{self.estimate:{spec}} ({low:{spec}} to {high:{spec}})"


@dataclass(frozen=True)
class Witness:
    """One replicate that speaks for a claim: it violates it, or comes closest.

    Attributes
    ----------
    scenario : Scenario
    block, index : int
        The block's number, and the replicate's within it.
    token : str
        What ``mcstudy replay STUDY`` takes to draw it again.
    value : float
    bound : float, optional
        What the value may not exceed.
    """

    scenario: Scenario
    block: int
    index: int
    token: str
    value: float
    bound: float | None = None

    @staticmethod
    def at(block: Block, index: int, value: float, bound: float | None = None) -> Witness:
        """The replicate of a block at an index."""
        return Witness(block.scenario, block.number, index, f"{block.token}:{index}", value, bound)

    @property
    def ratio(self) -> float:
        """The value over its bound; 0 where both vanish, NaN without a bound."""
        if self.bound is None:
            return math.nan
        if self.value == 0.0:
            return 0.0
        return self.value / self.bound if self.bound else math.inf


@dataclass(frozen=True)
class Evidence:
    """What a finding rests on besides the numbers that all kinds share.

    A kind of claim with more to show subclasses it: ``class BoundEvidence(Evidence, kind="bound")``.

    Attributes
    ----------
    cells : tuple
        One item for each cell of the finding; None where there was nothing to judge.
    """

    cells: tuple[Any, ...] = ()

    of_kind: ClassVar[dict[str, type[Evidence]]] = {}

    def __init_subclass__(cls, *, kind: str = "") -> None:
        """Register the evidence of a kind of claim, so that a ledger can be read."""
        if kind:
            Evidence.of_kind[kind] = cls


@dataclass(frozen=True)
class BoundCell:
    """A bound in one scenario: how near the draws come to it, and how often they exceed it."""

    largest_ratio: float
    violations: int
    upper_limit: float  # of the probability of a violation


@dataclass(frozen=True)
class BoundEvidence(Evidence, kind="bound"):
    """The worst violation of a bound, if there is one, and the draw that comes closest to it."""

    cells: tuple[BoundCell | None, ...] = ()
    witness: Witness | None = None
    tightest: Witness | None = None


@dataclass(frozen=True)
class IdentityCell:
    """The residuals of an identity in one scenario."""

    largest: float
    median: float
    violations: int
    upper_limit: float  # of the probability of a violation


@dataclass(frozen=True)
class IdentityEvidence(Evidence, kind="identity"):
    """The draw with the largest residual."""

    cells: tuple[IdentityCell | None, ...] = ()
    witness: Witness | None = None


@dataclass(frozen=True)
class LawCell:
    """A Kolmogorov distance, its band, and the deviation of the distribution function against probability."""

    distance: float
    band: float
    probability: FloatArray
    deviation: FloatArray


@dataclass(frozen=True)
class LawEvidence(Evidence, kind="law"):
    """The deviations of a law in every cell."""

    cells: tuple[LawCell | None, ...] = ()


Evidence.of_kind["same_law"] = LawEvidence


@dataclass(frozen=True)
class Half:
    """The slope over the half of the levels nearest to the limit."""

    exponent: float
    interval: Interval
    levels: int


@dataclass(frozen=True)
class Fit:
    """A power law fitted to a line of a rate; `sampling_error` and `robust_error` are those of the slope."""

    constant: float
    exponent: float
    sampling_error: float
    robust_error: float
    upper_half: Half
    chi_square: float
    degrees: int
    p_value: float
    curvature: float
    curvature_mcse: float
    local_slopes: FloatArray
    local_mcse: FloatArray


@dataclass(frozen=True)
class Line:
    """A statistic along the levels of a factor, all arrays of shape (levels,), and the fit where there is one."""

    scenario: Scenario
    x: FloatArray
    y: FloatArray
    mcse: FloatArray
    replicates: tuple[int, ...]
    fit: Fit | None
    note: str = ""  # why there is none, or what is wrong with it


@dataclass(frozen=True)
class RateEvidence(Evidence, kind="rate"):
    """The lines of a rate; `exact` claims the power law itself and not its exponent only."""

    cells: tuple[Line | None, ...] = ()
    against: str = ""
    statistic: str = ""
    limit: str = "infinity"
    exact: bool = False


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict and its evidence; the fields are those of ``ledger.json``.

    `theory`, `margin`, `estimate`, `mcse`, `interval`, `confidence` and `replicates` are those of the cell that
    decides: the one of the finding's verdict with the largest reach.
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

    def among(self, where: Where = None, /, **levels: Any) -> Finding:
        """The finding with only the cells that match; its verdict and numbers stay those of the whole.

        Raises
        ------
        InputError
            If no cell matches.
        """
        wanted = levels if where is None else where
        chosen = [index for index, cell in enumerate(self.cells) if cell.scenario.matches(wanted)]
        problem = unmatched(wanted, [cell.scenario for cell in self.cells])
        if problem or not chosen:
            msg = (
                f"claim {self.id}: `where` {problem or f'must leave a cell, got {wanted} which leaves none'}"
            )
            raise InputError(msg)
        kept: tuple[Any, ...] = tuple(self.evidence.cells[i] for i in chosen) if self.evidence.cells else ()
        cells = tuple(self.cells[index] for index in chosen)
        return replace(self, cells=cells, evidence=replace(self.evidence, cells=kept))

    def cell(self, **levels: Any) -> Cell:
        """The one cell with these levels: ``finding.cell(width=64)``.

        Raises
        ------
        InputError
            If no cell has them, or more than one.
        """
        found = self.among(levels).cells if levels else self.cells
        if len(found) > 1:
            alternatives = "; ".join(str(cell.scenario) for cell in found[:4])
            msg = f"claim {self.id}: `cell` must name one cell, got {len(found)} of them; name more factors: {alternatives}"
            raise InputError(msg)
        return found[0]

    @property
    def violations(self) -> int:
        """How many replicates violate a bound or an identity."""
        return sum(self._each("violations"))

    @property
    def largest_ratio(self) -> float:
        """The largest ratio of a column to its bound."""
        return float(max(self._each("largest_ratio")))

    @property
    def drawn(self) -> int:
        """How many replicates the cells rest on: neither failed nor missing."""
        return sum(cell.replicates - cell.failures - cell.missing for cell in self.cells)

    def _each(self, name: str) -> list[Any]:
        values = [getattr(item, name) for item in self.evidence.cells if hasattr(item, name)]
        if not values:
            msg = f"claim {self.id}: `{name}` must be asked of a finding that has it, got one of kind {self.kind} with none"
            raise InputError(msg)
        return values
