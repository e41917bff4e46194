"""What every claim has in common: which scenarios it is about, what it reads, and what is expected of it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.checks import is_count, is_positive, is_real
from mcstudy.claims.deciding import Shares
from mcstudy.claims.expectation import Expectation
from mcstudy.draws import Draws, Sample
from mcstudy.evidence import Evidence, Witness
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Cell, Interval, Role, Verdict
from mcstudy.scenarios import Scenario, Where, unmatched

__all__ = ["Assessment", "Claim"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """A cell, what its kind has to show of it, and the replicate that speaks for it."""

    cell: Cell
    evidence: Any = None
    witness: Witness | None = None


@dataclass(frozen=True, kw_only=True)
class Claim(ABC):
    """Base of all claims.

    A subclass says which columns it reads (`columns`), which scenarios make a cell (`groups`) and how it is judged (`assess`).

    Parameters
    ----------
    id : str
        Letters, digits, dots, dashes, underscores: the anchor of citations.
    statement : str
        LaTeX mathematics, or text with mathematics between dollar signs.
    where : mapping or callable, optional
        Factor -> level or levels; or a function of the factors that it names. Default: all scenarios.
    expected : Verdict or Expectation, optional
        CONFIRMED; for what must be refuted ``control("why")`` or ``misprint("why")``.
    because : str
        Why it is expected to be refuted, where `expected` is ``Verdict.REFUTED``.
    source : str
        Where the statement stands; default: the experiment's.
    allowed_failures : int
        Failed replicates a cell that the claim tolerates; beyond them it stays UNDECIDED.
    allowed_missing : float, optional
        The share of a scenario's replicates, failed or without a value, that the claim tolerates, in place of
        `allowed_failures`; where both are given both must hold. Default: no failures but those, any missing values.
    title, group : str
        What tells it from others in a few words, where the statement alone does not; and the line of the source that
        it is about, the heading under which a report has it; default: the experiment's.
    weight : float, optional
        The part of the study's alpha that it may spend; default: an equal part of what is left.
    """

    id: str = field(kw_only=False)
    statement: str = field(kw_only=False)
    where: Where = None
    expected: Verdict | Expectation = Verdict.CONFIRMED
    because: str = ""
    source: str = ""
    allowed_failures: int = 0
    allowed_missing: float | None = None
    weight: float | None = None
    title: str = ""
    group: str = ""

    kind = "claim"

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.id):
            msg = f"`id` must be letters, digits, '.', '-', '_', the first a letter or digit, got {self.id!r}"
            raise ClaimError(msg)
        for argument in ("title", "group"):
            if not isinstance(text := getattr(self, argument), str):
                msg = f"claim {self.id}: `{argument}` must be a text, got {text!r}"
                raise ClaimError(msg)
        if not is_count(self.allowed_failures, at_least=0):
            msg = f"claim {self.id}: `allowed_failures` must be a whole number, at least 0, got {self.allowed_failures!r}"
            raise ClaimError(msg)
        allowed = 0 if self.allowed_missing is None else self.allowed_missing
        if not (is_real(allowed) and 0 <= allowed <= 1):
            msg = f"claim {self.id}: `allowed_missing` must be a share of replicates in [0, 1], got {self.allowed_missing!r}; write 0.05 for one in twenty"
            raise ClaimError(msg)
        if self.weight is not None and not (is_positive(self.weight) and self.weight <= 1):
            msg = f"claim {self.id}: `weight` must be a part of alpha in (0, 1], got {self.weight!r}; leave it out for an equal part"
            raise ClaimError(msg)
        _ = self.expectation  # refuses what is none

    @property
    def expectation(self) -> Expectation:
        """The expected verdict, with the role of the claim and the reason."""
        return self.expected if isinstance(self.expected, Expectation) else self._spelled_out()

    def _spelled_out(self) -> Expectation:
        if self.expected not in (Verdict.CONFIRMED, Verdict.REFUTED):
            msg = f"claim {self.id}: `expected` must be CONFIRMED, REFUTED, control('...') or misprint('...'), got {self.expected!r}"
            raise ClaimError(msg)
        if self.expected == Verdict.CONFIRMED:
            return Expectation(Verdict.CONFIRMED, Role.THEORY, self.because)
        if not self.because:
            msg = f"claim {self.id}: `because` must say why the claim is expected to be refuted, got nothing; write expected=control('...')"
            raise ClaimError(msg)
        return Expectation(Verdict.REFUTED, Role.REFUTATION, self.because)

    @property
    def finding_kind(self) -> str:
        """The kind of its findings."""
        return self.kind

    @property
    @abstractmethod
    def estimand(self) -> str:
        """What is estimated, in plain words."""

    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that the claim reads."""

    @abstractmethod
    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Judge one cell from its samples."""

    def prepare(self, samples: Sequence[Sample]) -> None:  # noqa: B027 - most cells need no more
        """Find together what cells of one sample each will ask for."""

    def unbounded(self) -> tuple[str, ...]:
        """Those of its columns in which infinite values are values like others."""
        return ()

    @property
    def least(self) -> int:
        """The fewest replicates with a value that it can be judged by: a spread needs two."""
        return 2

    def kept(self, sample: Sample) -> npt.NDArray[np.bool_]:
        """The replicates that it is taken of, shape (replicates,)."""
        return sample.present(*self.columns())

    def worst_case(self, samples: tuple[Sample, ...], cell: Cell) -> Interval | None:
        """What the estimate could be if the replicates that were lost had shown anything; None if nothing bounds it."""
        return None

    def fewest(self, shares: Shares) -> int:
        """The replicates of a scenario below which it can't be confirmed, whatever they are."""
        return self.least

    def collect(self, assessments: Sequence[Assessment]) -> Evidence:
        """The evidence of the finding, from that of its cells."""
        return Evidence()

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
        """Refuse cells that can't be judged as stated; `scenarios` are those of the claim."""

    def rehearse(self, scenarios: Sequence[Scenario]) -> None:  # noqa: B027 - most claims have nothing heavy
        """Refuse, before anything is drawn, what is too heavy to look at when the study is written down."""

    def _check_factor(self, argument: str, factor: str, factors: Sequence[str]) -> None:
        if factor not in factors:
            msg = f"claim {self.id}: `{argument}` must name a factor of the study, got {factor!r}; factors: {', '.join(factors)}"
            raise ClaimError(msg)
