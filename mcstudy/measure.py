"""A statistic that is reported without a claim: estimated and tabulated, with its Monte Carlo standard error."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import StudyError
from mcstudy.ledger import MeasureCell, Measured
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Statistic
from mcstudy.words import said

__all__ = ["Measure"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A statistic of every scenario, without a verdict and without a share of alpha.

    Parameters
    ----------
    id : str
        Letters, digits, dots, dashes, underscores.
    of : Statistic
        NaN in a scenario with fewer than two values, or with infinite ones that it can't take.
    over : str, optional
        The factor along which the report lists it.

    Raises
    ------
    StudyError
        If the id is no such name, or `of` no statistic.
    """

    id: str = field(kw_only=False)
    of: Statistic
    over: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.id):
            msg = f"`id` must be letters, digits, '.', '-', '_', the first a letter or digit, got {self.id!r}"
            raise StudyError(msg)
        if not isinstance(self.of, Statistic):
            msg = f"measure {self.id}: `of` must be a statistic, got {said(self.of)}; write mean('x'), sd('x'), ... of a column"
            raise StudyError(msg)

    def columns(self) -> tuple[str, ...]:
        """The columns that the measure reads."""
        return self.of.columns

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse a measure over what is no factor.

        Raises
        ------
        StudyError
        """
        if self.over and self.over not in scenarios[0]:
            msg = f"measure {self.id}: `over` must name a factor of the study, got {self.over!r}; factors: {', '.join(scenarios[0])}"
            raise StudyError(msg)

    def take(self, draws: Draws, experiment: str = "") -> Measured:
        """Estimate the statistic in every scenario that was drawn."""
        cells = tuple(self._cell(sample) for sample in draws.samples.values())
        return Measured(self.id, experiment, self.of.label, self.over, cells)

    def _cell(self, sample: Sample) -> MeasureCell:
        values = sample.taken(self.of)
        missing = sample.replicates - sample.failures - len(values)
        if len(values) < 2 or self._is_infinite(sample):  # no spread, no standard error
            return MeasureCell(sample.scenario, math.nan, math.nan, len(values), missing)
        of, lost = self.of.at(sample.scenario), sample.replicates - len(values)
        estimate = of.estimate(values)
        bounds = of.worst_case(values, lost) if lost else None
        return MeasureCell(
            sample.scenario, estimate.value, estimate.mcse, estimate.replicates, missing, bounds
        )

    def _is_infinite(self, sample: Sample) -> bool:
        """Whether values are infinite where the statistic can't take them: kept draws may have such."""
        kept = sample.kept(self.of)
        bounded = [name for name in self.of.columns if name not in self.of.unbounded]
        return any(bool(np.isinf(sample.columns[name][kept]).any()) for name in bounded)
