"""What every claim has in common: an interval, a zone, and one of three verdicts."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from mcstudy.draws import Draws, Level, Sample, Scenario, Where, unmatched
from mcstudy.exceptions import ClaimError
from mcstudy.statistics import Statistic

__all__ = ["Assessment", "Cell", "Claim", "Finding", "Relative", "Verdict", "Zone", "look_share", "relative"]

Interval = tuple[float, float]


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


@dataclass(frozen=True)
class Relative:
    """A margin as a fraction of the theoretical value."""

    fraction: float


def relative(fraction: float) -> Relative:
    """A margin relative to theory: ``relative(0.01)`` is 1 % of the theoretical value."""
    return Relative(_positive("fraction", fraction))


@dataclass(frozen=True)
class Cell:
    """A claim in one scenario, or along one line of scenarios."""

    scenario: Mapping[str, Level]
    theory: float
    margin: float
    estimate: float
    mcse: float
    interval: Interval
    verdict: Verdict
    replicates: int
    failures: int = 0

    @property
    def reach(self) -> float:
        """How far the interval extends from theory, in margins: at most 1 where it lies in the zone.

        A cell without an interval has -1: it never speaks for a finding while another cell can.
        """
        distance = max(abs(self.interval[0] - self.theory), abs(self.interval[1] - self.theory))
        return -1.0 if math.isnan(distance) else distance / self.margin


@dataclass(frozen=True)
class Assessment:
    """A cell with the evidence that belongs to it alone."""

    cell: Cell
    evidence: Mapping[str, Any] = field(default_factory=dict)
    hopeless: bool = False  # undecided because of failures: more draws can't help


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict and its evidence; the fields are those of ``ledger.json``.

    `theory`, `margin`, `estimate`, `mcse`, `interval`, `confidence` and `replicates` are those of the cell that
    decides: the worst one.
    """

    id: str
    statement: str
    kind: str
    what: str
    source: str
    expected: Verdict
    because: str
    verdict: Verdict
    as_expected: bool
    theory: float
    margin: float
    estimate: float
    mcse: float
    interval: Interval
    confidence: float
    replicates: int
    cells: tuple[Cell, ...]
    diagnostics: Mapping[str, Any]
    hopeless: bool = False


def look_share(look: int) -> float:
    """The part of alpha spent at a look, 1/(look (look + 1)): the parts of all looks sum to 1."""
    return 1.0 / (look * (look + 1))


@dataclass(frozen=True, kw_only=True)
class Claim(ABC):
    """Base of all claims: which scenarios it is about, what is expected of it, and how it is judged.

    A subclass says which columns it reads (`columns`), which scenarios make a cell (`groups`) and how a
    cell is assessed at a given confidence (`assess`).

    Parameters
    ----------
    id : str
        Letters, digits, dots, dashes, underscores: the anchor of citations.
    statement : str
        LaTeX mathematics, or text with mathematics between dollar signs.
    where : mapping or callable, optional
        Factor -> level or levels; or a predicate on the Scenario. Default: all scenarios.
    expected : Verdict, optional
        CONFIRMED, or REFUTED for misprints and controls.
    because : str
        Why it is expected to be refuted; required then.
    source : str
        Where the statement stands.
    allowed_failures : int
        Failed replicates a cell that the claim tolerates; beyond them it stays UNDECIDED.
    """

    id: str = field(kw_only=False)
    statement: str = field(kw_only=False)
    where: Where = None
    expected: Verdict = Verdict.CONFIRMED
    because: str = ""
    source: str = ""
    allowed_failures: int = 0

    kind = "claim"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.id):
            msg = f"`id`: letters, digits, '.', '-', '_' only, got {self.id!r}"
            raise ClaimError(msg)
        try:
            object.__setattr__(self, "expected", Verdict(self.expected))
        except ValueError:
            msg = f"claim {self.id}: `expected` must be a Verdict, got {self.expected!r}"
            raise ClaimError(msg) from None
        if not isinstance(self.allowed_failures, int) or self.allowed_failures < 0:
            msg = f"claim {self.id}: `allowed_failures` must be a whole number, at least 0, got {self.allowed_failures!r}"
            raise ClaimError(msg)
        if self.expected is Verdict.REFUTED and not self.because:
            msg = f"claim {self.id}: `because` must say why the claim is expected to be refuted, got nothing"
            raise ClaimError(msg)
        if self.expected is Verdict.UNDECIDED:
            msg = f"claim {self.id}: `expected` must be CONFIRMED or REFUTED, got UNDECIDED"
            raise ClaimError(msg)

    @property
    @abstractmethod
    def what(self) -> str:
        """What is estimated, in plain words."""

    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that the claim reads."""

    @abstractmethod
    def assess(self, samples: tuple[Sample, ...], confidence: float, draws: Draws) -> Assessment:
        """Judge one cell from its samples."""

    def groups(self, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ...]]:
        """The scenarios of each cell."""
        return [(scenario,) for scenario in self.select(scenarios)]

    def cell_scenario(self, scenario: Scenario) -> Scenario:
        """The factors that name the cell of a scenario."""
        return scenario

    def select(self, scenarios: Sequence[Scenario]) -> list[Scenario]:
        """The scenarios that the claim is about."""
        return [scenario for scenario in scenarios if scenario.matches(self.where)]

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse a claim that names an unknown factor or level, no scenario at all, or cells it can't judge.

        Raises
        ------
        ClaimError
        """
        if problem := unmatched(self.where, scenarios):
            msg = f"claim {self.id}: `where` {problem}"
            raise ClaimError(msg)
        if not self.select(scenarios):
            msg = f"claim {self.id}: `where` must leave at least one scenario, got {self.where} which leaves none"
            raise ClaimError(msg)
        self.check_cells(self.select(scenarios))

    def check_cells(self, scenarios: Sequence[Scenario]) -> None:  # noqa: B027 - most cells need no more
        """Refuse cells that can't be judged as stated; `scenarios` are those of the claim.

        Raises
        ------
        ClaimError
        """

    def rehearse(self, scenarios: Sequence[Scenario]) -> None:  # noqa: B027 - most claims have nothing heavy
        """Refuse, before anything is drawn, what is too heavy to look at when the study is written down.

        Raises
        ------
        ClaimError
        """

    def _check_factor(self, argument: str, factor: str, factors: Sequence[str]) -> None:
        if factor not in factors:
            msg = f"claim {self.id}: `{argument}` must name a factor of the study, got {factor!r}; factors: {', '.join(factors)}"
            raise ClaimError(msg)

    def summarise(self, assessments: Sequence[Assessment]) -> dict[str, Any]:
        """Collect the evidence of the cells into the finding's diagnostics."""
        return {}

    def find(self, draws: Draws, alpha: float) -> Finding:
        """Judge the claim: the conjunction of its cells, which share `alpha` equally.

        Parameters
        ----------
        draws : Draws
        alpha : float
            The chance of a wrong verdict that this claim may spend over all its cells and looks.

        Returns
        -------
        Finding
        """
        groups = self.groups(draws.scenarios)
        levels = [self._confidence(group, draws, alpha / len(groups)) for group in groups]
        assessments = [
            self._assess_or_fail(tuple(draws.samples[scenario] for scenario in group), level, draws)
            for group, level in zip(groups, levels, strict=True)
        ]
        return self._conclude(assessments, levels)

    def _confidence(self, group: tuple[Scenario, ...], draws: Draws, alpha: float) -> float:
        look = draws.look(min(draws.samples[scenario].replicates for scenario in group))
        return 1.0 - alpha * look_share(look)

    def _assess_or_fail(self, samples: tuple[Sample, ...], confidence: float, draws: Draws) -> Assessment:
        failures = sum(sample.failures for sample in samples)
        if all(sample.replicates - sample.failures >= 2 for sample in samples):
            assessment = self.assess(samples, confidence, draws)
        else:
            assessment = self._nothing_to_judge(samples)
        cell = replace(assessment.cell, failures=failures)
        if failures <= self.allowed_failures:
            return replace(assessment, cell=cell)
        return replace(assessment, cell=replace(cell, verdict=Verdict.UNDECIDED), hopeless=True)

    def _nothing_to_judge(self, samples: tuple[Sample, ...]) -> Assessment:
        nan = math.nan
        cell = Cell(
            dict(self.cell_scenario(samples[0].scenario)),
            nan,
            nan,
            nan,
            nan,
            (nan, nan),
            Verdict.UNDECIDED,
            samples[0].replicates,
        )
        return Assessment(cell)

    def _conclude(self, assessments: Sequence[Assessment], levels: Sequence[float]) -> Finding:
        cells = tuple(assessment.cell for assessment in assessments)
        verdict = Verdict.all_of([cell.verdict for cell in cells])
        deciding = max(
            (index for index, cell in enumerate(cells) if cell.verdict is verdict),
            key=lambda index: (cells[index].reach, -index),
        )
        cell = cells[deciding]
        return Finding(
            id=self.id,
            statement=self.statement,
            kind=self.kind,
            what=self.what,
            source=self.source,
            expected=self.expected,
            because=self.because,
            verdict=verdict,
            as_expected=verdict is self.expected,
            theory=cell.theory,
            margin=cell.margin,
            estimate=cell.estimate,
            mcse=cell.mcse,
            interval=cell.interval,
            confidence=levels[deciding],
            replicates=cell.replicates,
            cells=cells,
            diagnostics={"deciding_cell": deciding, **self.summarise(assessments)},
            hopeless=verdict is Verdict.UNDECIDED
            and all(a.hopeless for a in assessments if a.cell.verdict is Verdict.UNDECIDED),
        )


def _positive(name: str, value: float) -> float:
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
        msg = f"`{name}` must be a positive number, got {value!r}"
        raise ClaimError(msg)
    return float(value)


Theory = float | Callable[..., float]


def check_margin(claim_id: str, name: str, value: Any) -> None:
    """Refuse a margin, tolerance or probability that is no positive number."""
    if isinstance(value, Relative):
        return
    try:
        _positive(name, value)
    except ClaimError as error:
        msg = f"claim {claim_id}: {error}"
        raise ClaimError(msg) from None


def evaluate(claim_id: str, name: str, theory: Theory, scenario: Scenario) -> float:
    """The theoretical value in a scenario: a number, or a function of the scenario's factors.

    Raises
    ------
    ClaimError
        If the function can't be called with the factors, or the value is no finite number.
    """
    try:
        value = float(theory(**scenario)) if callable(theory) else float(theory)
    except Exception as error:
        msg = f"claim {claim_id}: `{name}` must give a number in {scenario}, but raised {type(error).__name__}: {error}"
        raise ClaimError(msg) from error
    if not math.isfinite(value):
        msg = f"claim {claim_id}: `{name}` must be finite, got {value} in {scenario}"
        raise ClaimError(msg)
    return value


def check_statistic(claim_id: str, statistic: Any) -> None:
    """Refuse what is no statistic."""
    if not isinstance(statistic, Statistic):
        msg = f"claim {claim_id}: `of` must be a statistic, got {statistic!r}; write mean({statistic!r}), rms(...), ..."
        raise ClaimError(msg)
