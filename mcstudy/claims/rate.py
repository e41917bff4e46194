"""A statistic is a power of a factor: a log-log regression with an honest error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mcstudy.claims.belief import check_constant, doubt
from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.theory import Theory, check_margin, check_statistic, evaluate
from mcstudy.draws import Draws, Sample
from mcstudy.evidence import Fit, Half, Line, RateEvidence
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Cell, Guarantee, Verdict, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Estimate, PowerLaw, Statistic, fit_power_law, upper_half

__all__ = ["Rate"]

FloatArray = npt.NDArray[np.float64]

# The delta method takes log(estimate) for normal; beyond this relative error it is not.
LARGEST_RELATIVE_ERROR = 0.25


@dataclass(frozen=True, kw_only=True)
class Rate(Claim):
    r"""A statistic falls or grows as a power of a factor: the slope of log statistic on log factor.

    There is one regression for each combination of the other factors: a line. CONFIRMED needs the slope over
    the full range and the slope over the upper half of the levels both inside the zone.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    of : Statistic
        What is regressed; it must be positive.
    against : str
        A factor with at least three positive levels.
    exponent : float or callable
        The theoretical slope, or a function of the line's other factors giving it.
    margin : float
        Half the width of the zone around the exponent.
    limit : {"infinity", "zero"}
        Where the law is asymptotic: the half of the levels nearest to it is the upper half.
    exact : bool
        Claim the power law itself: then a rejected goodness of fit REFUTES. Without it, the finding says that
        it is a power law to within the margin only.
    constant : bool
        Declares that all replicates of a scenario are equal, as those of a bound are: only then does a level
        without spread pin the line.
    """

    of: Statistic
    against: str
    exponent: Theory
    margin: float
    limit: str = "infinity"
    exact: bool = False
    constant: bool = False

    kind = "rate"
    guarantee = Guarantee.ASYMPTOTIC

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "margin", self.margin)
        check_statistic(self.id, self.of)
        if self.limit not in ("infinity", "zero"):
            msg = f"claim {self.id}: `limit` must be 'infinity' or 'zero', got {self.limit!r}"
            raise ClaimError(msg)

    @property
    def estimand(self) -> str:
        """The regression in words."""
        return f"slope of log {self.of.label} on log {self.against}"

    def columns(self) -> tuple[str, ...]:
        """The statistic's column."""
        return (self.of.column,)

    def groups(self, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ...]]:
        """The scenarios of each line, in order of the factor."""
        lines: dict[Scenario, list[Scenario]] = {}
        for scenario in self.select(scenarios):
            lines.setdefault(scenario.without(self.against), []).append(scenario)
        return [tuple(sorted(line, key=self._level)) for line in lines.values()]

    def _level(self, scenario: Scenario) -> float:
        """The factor as a number; NaN where it is none, which `check` refuses."""
        level = scenario.get(self.against)
        return float(level) if isinstance(level, (int, float)) else math.nan

    def cell_scenario(self, scenario: Scenario) -> Scenario:
        """The factors that name a line."""
        return scenario.without(self.against)

    def check_cells(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse a line of fewer than three positive levels, and an exponent that is no number."""
        for line in self.groups(scenarios):
            self._check_factor("against", self.against, list(line[0]))
            evaluate(self.id, "exponent", self.exponent, self.cell_scenario(line[0]))
            levels = [scenario[self.against] for scenario in line]
            if len(levels) < 3:
                msg = f"claim {self.id}: `{self.against}` needs at least 3 levels to fit a rate, got {levels}"
                raise ClaimError(msg)
            if not all(self._level(scenario) > 0 for scenario in line):
                msg = f"claim {self.id}: levels of `{self.against}` must be positive numbers, got {levels}"
                raise ClaimError(msg)

    def assess(self, samples: tuple[Sample, ...], confidence: float, draws: Draws) -> Assessment:
        """Fit one line and compare both slopes with the zone."""
        name, values = self.cell_scenario(samples[0].scenario), self._paired(samples, draws)
        zone = Zone(evaluate(self.id, "exponent", self.exponent, name), self.margin)
        if min(map(len, values)) < 2:  # levels that have replicates each, but none in common
            return Assessment(Cell.unjudged(name, zone))
        line = self._line(name, samples, values)
        if line.note:
            negative = self._surely_negative(line, values, confidence)
            cell = replace(
                Cell.unjudged(line.scenario, zone), note=negative or line.note, hopeless=bool(negative)
            )
            return Assessment(cell, line)
        covariance = self._log_covariance(values, line, draws)
        fitted = fit_power_law(line.x, line.y, covariance, replicates=min(line.replicates))
        # The full range and the half near the limit are two chances to be wrong; goodness of fit is a third.
        part = 1.0 - (1.0 - confidence) / (3 if self.exact else 2)
        half = self._asymptotic_half(line, covariance, part)
        rejected = fitted.p_value < 1.0 - part
        note = "a power law to within the margin, not exactly" if rejected else ""
        line = replace(line, fit=_fit(fitted, half), note=note)
        cell = self._cell(line, zone, fitted, part, rejected=rejected)
        if open_ := self._doubt(samples, values, confidence):
            return Assessment(replace(cell, verdict=Verdict.UNDECIDED, note=open_), line)
        return Assessment(replace(cell, note=note), line)

    def _doubt(self, samples: Sequence[Sample], values: Sequence[FloatArray], confidence: float) -> str:
        """Why the error of a level may not be believed, or nothing."""
        for sample, column in zip(samples, values, strict=True):
            if self.constant:
                check_constant(self.id, sample, self.of.column)
            elif reason := doubt(self.of.limits(column, confidence).condition):
                return f"at {self.against} = {self._level(sample.scenario):g}, {reason}"
        return ""

    def _surely_negative(self, line: Line, values: Sequence[FloatArray], confidence: float) -> str:
        """That a level's statistic lies below 0, which no draws can mend, with the remedy; or nothing."""
        for level, value, column in zip(line.x, line.y, values, strict=True):
            if value < 0.0:
                limits = self.of.limits(column, confidence)
                if limits.high < 0.0 and not doubt(limits.condition):
                    return f"the {self.of.label} is negative at {self.against} = {level:g}: negate the column, or use rms"
        return ""

    def _line(self, name: Scenario, samples: Sequence[Sample], values: Sequence[FloatArray]) -> Line:
        """The statistic at every level, with the reason why no line can be fitted if there is one."""
        levels = np.array([self._level(sample.scenario) for sample in samples])
        estimates = [self.of.estimate(column) for column in values]
        return Line(
            scenario=name,
            x=levels,
            y=np.array([estimate.value for estimate in estimates]),
            mcse=np.array([estimate.mcse for estimate in estimates]),
            replicates=tuple(estimate.replicates for estimate in estimates),
            fit=None,
            note=self._unfit(levels, estimates),
        )

    def _paired(self, samples: Sequence[Sample], draws: Draws) -> list[FloatArray]:
        """The column at every level; under common random numbers only the replicates that all levels have."""
        column = self.of.column
        if self.against not in draws.common:
            return [sample.values(column)[0] for sample in samples]
        count = min(sample.replicates for sample in samples)
        keep = np.logical_and.reduce([sample.present(column)[:count] for sample in samples])
        return [sample.columns[column][:count][keep] for sample in samples]

    def _cell(self, line: Line, zone: Zone, fitted: PowerLaw, part: float, *, rejected: bool) -> Cell:
        interval = fitted.interval(part)
        halves = [interval] if line.fit is None else [interval, line.fit.upper_half.interval]
        verdicts = [zone.verdict(ends) for ends in halves]
        if self.exact and rejected:
            verdicts.append(Verdict.REFUTED)
        return Cell(
            scenario=line.scenario,
            theory=zone.theory,
            margin=zone.margin,
            estimate=fitted.exponent,
            mcse=fitted.mcse,
            interval=interval,
            verdict=Verdict.all_of(verdicts),
            reach=zone.reach(interval),
        )

    def _asymptotic_half(self, line: Line, covariance: FloatArray, confidence: float) -> Half:
        """The slope over the half near the limit: near zero, that of 1/x near infinity with the other sign."""
        if self.limit == "infinity":
            top = upper_half(line.x, line.y, covariance)
            return Half(top.exponent, top.interval(confidence), top.degrees + 2)
        top = upper_half(1.0 / line.x, line.y, covariance)
        low, high = top.interval(confidence)
        return Half(-top.exponent, (-high, -low), top.degrees + 2)

    def _unfit(self, levels: FloatArray, estimates: Sequence[Estimate]) -> str:
        """Why no line can be fitted, or nothing."""
        for level, estimate in zip(levels, estimates, strict=True):
            if not estimate.value > 0.0:
                return f"the {self.of.label} is not positive at {self.against} = {level:g}"
            if estimate.mcse > LARGEST_RELATIVE_ERROR * estimate.value:
                return f"the {self.of.label} is not known to 25 % at {self.against} = {level:g}"
        return ""

    def _log_covariance(self, values: Sequence[FloatArray], line: Line, draws: Draws) -> FloatArray:
        """Covariance of the log statistics: diagonal, or from paired influence values."""
        if self.against not in draws.common:
            return np.diag((line.mcse / line.y) ** 2)
        influence = np.stack([self.of.influence(column) for column in values])
        covariance = np.cov(influence / line.y[:, None]) / influence.shape[1]
        return np.asarray(covariance, dtype=np.float64)

    def collect(self, assessments: Sequence[Assessment]) -> RateEvidence:
        """The lines with their fits."""
        lines = tuple(assessment.evidence for assessment in assessments)
        return RateEvidence(lines, self.against, self.of.label, self.limit, self.exact)


def _fit(fit: PowerLaw, half: Half) -> Fit:
    return Fit(
        constant=fit.constant,
        exponent=fit.exponent,
        sampling_error=fit.sampling_error,
        robust_error=fit.robust_error,
        upper_half=half,
        chi_square=fit.chi_square,
        degrees=fit.degrees,
        p_value=fit.p_value,
        curvature=fit.curvature,
        curvature_mcse=fit.curvature_mcse,
        local_slopes=fit.local_slopes,
        local_mcse=fit.local_mcse,
    )
