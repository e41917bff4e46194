"""A statistic that is reported without a claim: estimated and tabulated, with its Monte Carlo standard error."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mcstudy.checks import is_real
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import InputError, StudyError
from mcstudy.factors import call_with_factors, unknown_factors
from mcstudy.measured import LINES, MOST_ZIPS, Intervals, MeasureCell, Measured
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Statistic
from mcstudy.statistics.centiles import by_centile, spaced
from mcstudy.statistics.pools import everywhere
from mcstudy.statistics.portions import PORTION, chosen
from mcstudy.statistics.shares import covering, is_coverage
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
        The factor along which it is drawn; default: the numbers with the most levels.
    lines : str, optional
        The factor with a line of the picture, and a column of the table, for each level; default: words first. The
        remaining factors make panels, or where these are too many a nested loop.
    target : float or callable, optional
        What estimates are compared with by eye: a number, or a function of the factors that it names. It is drawn, and
        nothing is judged by it.
    allowed_missing : float, optional
        The share of a scenario's replicates, failed or without a value, that is no reason for exit code 3 in a study
        that claims nothing. Default: no failures, and missing values without a limit.
    zip : bool, optional
        Of a `coverage`: whether its picture is a zip plot of every scenario, for which at most 100 intervals of each
        are kept. Default: where these are at most six, and do not run along three numbers or more, of which a curve
        says more. At most nine can have one.

    Raises
    ------
    StudyError
        If the id is no such name, `of` no statistic, `lines` the same as `over`, `target` neither a finite number
        nor callable, `allowed_missing` no share, or `zip` True of what is no coverage, or neither True, False nor None.

    Examples
    --------
    >>> from mcstudy import coverage
    >>> covered = coverage("low", "high", 0.0)
    >>> Measure("coverage", of=covered, over="n", lines="method", target=0.95).lines
    'method'
    """

    id: str = field(kw_only=False)
    of: Statistic
    over: str = ""
    lines: str = ""
    target: float | Callable[..., float] | None = None
    zip: bool | None = None
    allowed_missing: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.id):
            msg = f"`id` must be letters, digits, '.', '-', '_', the first a letter or digit, got {self.id!r}"
            raise StudyError(msg)
        if not isinstance(self.of, Statistic):
            msg = f"measure {self.id}: `of` must be a statistic, got {said(self.of)}; write mean('x'), sd('x'), ... of a column"
            raise StudyError(msg)
        if self.lines and self.lines == self.over:
            msg = (
                f"measure {self.id}: `lines` must be another factor than `over`, got {self.lines!r} for both"
            )
            raise StudyError(msg)
        if not (self.target is None or callable(self.target) or is_real(self.target)):
            msg = f"measure {self.id}: `target` must be a finite number or a function of factors, got {said(self.target)}"
            raise StudyError(msg)
        share = 0 if self.allowed_missing is None else self.allowed_missing
        if not (is_real(share) and 0 <= share <= 1):
            msg = f"measure {self.id}: `allowed_missing` must be a share of replicates in [0, 1], got {share!r}; write 0.05 for one in twenty"
            raise StudyError(msg)
        if not (self.zip is None or isinstance(self.zip, bool)) or (self.zip and not is_coverage(self.of)):
            msg = f"measure {self.id}: `zip` must be True of a coverage, False or None, got {said(self.zip)} of the {self.of.label}; leave it out"
            raise StudyError(msg)

    def columns(self) -> tuple[str, ...]:
        """The columns that the measure reads."""
        return self.of.columns

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse a measure over what is no factor, a target that reads one or is no number in the first scenario, and too many zip plots.

        Raises
        ------
        StudyError
        """
        for argument, factor in (("over", self.over), ("lines", self.lines)):
            if factor and factor not in scenarios[0]:
                msg = f"measure {self.id}: `{argument}` must name a factor of the study, got {factor!r}; factors: {', '.join(scenarios[0])}"
                raise StudyError(msg)
        if callable(self.target) and (unknown := unknown_factors(self.target, scenarios[0])):
            msg = f"measure {self.id}: `target` {unknown}"
            raise StudyError(msg)
        if self.zip and len(scenarios) > MOST_ZIPS:
            msg = f"measure {self.id}: `zip` must be asked of at most {MOST_ZIPS} scenarios, got {len(scenarios)}; leave it out, or make an experiment of fewer"
            raise StudyError(msg)
        self._target_in(scenarios[0])

    def cells(self, draws: Draws) -> tuple[MeasureCell, ...]:
        """Estimate the statistic in every scenario that was drawn."""
        return tuple(
            replace(self._cell(sample), target=self._target_in(sample.scenario))
            for sample in draws.samples.values()
        )

    def take(self, draws: Draws, experiment: str = "") -> Measured:
        """What a ledger keeps: the estimates, and intervals where zip plots are drawn."""
        measured = Measured(self.id, experiment, self.of.label, self.over, self.cells(draws), self.lines)
        if not (measured.suits_zips if self.zip is None else self.zip):
            return measured
        pairs = zip(measured.cells, draws.samples.values(), strict=True)
        return replace(measured, cells=tuple(self._with_intervals(cell, sample) for cell, sample in pairs))

    def _target_in(self, scenario: Scenario) -> float | None:
        """The target in a scenario; the author's function may raise anything."""
        if not callable(self.target):
            return None if self.target is None else float(self.target)
        rule = f"measure {self.id}: `target` must give a finite number in {scenario}"
        try:
            found = float(call_with_factors(self.target, scenario))
        except Exception as error:
            msg = f"{rule}, but raised {type(error).__name__}: {error}"
            raise StudyError(msg) from error
        if not math.isfinite(found):
            msg = f"{rule}, got {found}"
            raise StudyError(msg)
        return found

    def _cell(self, sample: Sample) -> MeasureCell:
        values = sample.taken(self.of)
        failures = int(np.count_nonzero(~sample.valid & ~sample.kept(self.of)))
        missing = sample.replicates - failures - len(values)
        if len(values) < self.of.fewest or self._is_infinite(sample):  # no spread, no standard error
            return MeasureCell(sample.scenario, math.nan, math.nan, len(values), missing)
        of, lost = self.of.at(sample.scenario), sample.replicates - len(values)
        try:
            estimate = of.estimate(values)
            bounds = of.worst_case(values, lost) if lost else None
        except InputError as error:
            msg = f"measure {self.id}, in {sample.scenario}: {error}"
            raise InputError(msg) from error
        return MeasureCell(
            sample.scenario, estimate.value, estimate.mcse, estimate.replicates, missing, bounds
        )

    def _with_intervals(self, cell: MeasureCell, sample: Sample) -> MeasureCell:
        """A cell with some of its intervals, if these are what it is the coverage of."""
        of = self.of.at(sample.scenario)
        if math.isnan(cell.estimate) or not is_coverage(of):
            return cell
        # Of a large sample its beginning: a picture shows no more.
        columns = [column[:PORTION] for column in covering(of, sample.taken(of))]
        shown = by_centile(*columns)[spaced(columns[0].size, LINES)]
        low, high, truth = (tuple(column[shown].tolist()) for column in columns)
        return replace(cell, intervals=Intervals(low, high, truth if len(set(truth)) > 1 else truth[:1]))

    def _is_infinite(self, sample: Sample) -> bool:
        """Whether values are infinite where the statistic can't take them: kept draws may have such."""
        kept = sample.kept(self.of)
        bounded = [name for name in self.of.columns if name not in self.of.unbounded]
        return any(
            sample.has_infinite(name)
            and not everywhere(lambda portion: ~np.isinf(portion), chosen(sample.columns[name], kept))
            for name in bounded
        )
