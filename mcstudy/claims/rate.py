"""A statistic is a power of a factor: a log-log regression with an honest error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import (
    Assessment,
    Cell,
    Claim,
    Verdict,
    Zone,
    check_margin,
    check_statistic,
    evaluate,
)
from mcstudy.draws import Draws, Sample, Scenario
from mcstudy.exceptions import ClaimError
from mcstudy.statistics import Estimate, PowerLaw, Statistic, fit_power_law, upper_half

__all__ = ["Rate"]

FloatArray = npt.NDArray[np.float64]

# The delta method takes log(estimate) for normal; beyond this relative error it is not.
LARGEST_RELATIVE_ERROR = 0.25


class _Half(NamedTuple):
    """The slope over the half of the levels nearest to the limit."""

    exponent: float
    interval: tuple[float, float]
    levels: int


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
    """

    of: Statistic
    against: str
    exponent: float | Callable[..., float]
    margin: float
    limit: str = "infinity"
    exact: bool = False

    kind = "rate"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "margin", self.margin)
        check_statistic(self.id, self.of)
        if self.limit not in ("infinity", "zero"):
            msg = f"claim {self.id}: `limit` must be 'infinity' or 'zero', got {self.limit!r}"
            raise ClaimError(msg)

    @property
    def what(self) -> str:
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
        rest = self.cell_scenario(samples[0].scenario)
        zone = Zone(evaluate(self.id, "exponent", self.exponent, rest), self.margin)
        paired = self.against in draws.common
        samples = _in_common(samples) if paired else samples
        levels = np.array([self._level(sample.scenario) for sample in samples])
        estimates = [self.of.estimate(sample.values(self.of.column)) for sample in samples]
        evidence = _evidence(rest, levels, estimates)
        if note := self._unfit(levels, estimates):
            cell = _cell(rest, zone, evidence, math.nan, math.nan, (math.nan, math.nan), Verdict.UNDECIDED)
            return Assessment(cell, {**evidence, "note": note})
        covariance = self._log_covariance(samples, estimates, paired=paired)
        fit = fit_power_law(levels, evidence["y"], covariance, replicates=min(evidence["replicates"]))
        part = 1.0 - (1.0 - confidence) / (3 if self.exact else 2)
        half = self._asymptotic_half(levels, evidence["y"], covariance, part)
        interval = fit.interval(part)
        rejected = fit.p_value < 1.0 - part
        verdicts = [zone.verdict(interval), zone.verdict(half.interval)]
        if self.exact and rejected:
            verdicts.append(Verdict.REFUTED)
        cell = _cell(rest, zone, evidence, fit.exponent, fit.mcse, interval, Verdict.all_of(verdicts))
        return Assessment(cell, {**evidence, **_fit_evidence(fit, half), "note": _note(rejected)})

    def _asymptotic_half(
        self, levels: FloatArray, values: FloatArray, covariance: FloatArray, confidence: float
    ) -> _Half:
        if self.limit == "infinity":
            top = upper_half(levels, values, covariance)
            return _Half(top.exponent, top.interval(confidence), top.degrees + 2)
        top = upper_half(1.0 / levels, values, covariance)
        low, high = top.interval(confidence)
        return _Half(-top.exponent, (-high, -low), top.degrees + 2)

    def _unfit(self, levels: FloatArray, estimates: Sequence[Estimate]) -> str:
        """Why no line can be fitted, or nothing."""
        for level, estimate in zip(levels, estimates, strict=True):
            if not estimate.value > 0.0:
                return f"the {self.of.label} is not positive at {self.against} = {level:g}"
            if estimate.mcse > LARGEST_RELATIVE_ERROR * estimate.value:
                return f"the {self.of.label} is not known to 25 % at {self.against} = {level:g}"
        return ""

    def _log_covariance(
        self, samples: Sequence[Sample], estimates: Sequence[Estimate], *, paired: bool
    ) -> FloatArray:
        """Covariance of the log statistics: diagonal, or from paired influence values."""
        values = np.array([estimate.value for estimate in estimates])
        if not paired:
            mcse = np.array([estimate.mcse for estimate in estimates])
            return np.diag((mcse / values) ** 2)
        influence = np.stack([self.of.influence(sample.values(self.of.column)) for sample in samples])
        covariance = np.cov(influence / values[:, None]) / influence.shape[1]
        return np.asarray(covariance, dtype=np.float64)

    def summarise(self, assessments: Sequence[Assessment]) -> dict[str, Any]:
        """The lines with their fits."""
        notes = dict.fromkeys(str(a.evidence["note"]) for a in assessments if a.evidence.get("note"))
        return {
            "against": self.against,
            "statistic": self.of.label,
            "limit": self.limit,
            "exact": self.exact,
            "note": "; ".join(notes),
            "lines": [dict(assessment.evidence) for assessment in assessments if assessment.evidence],
        }


def _in_common(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The samples limited to the replicates that all levels have: those that are paired."""
    count = min(sample.replicates for sample in samples)
    keep = np.logical_and.reduce([sample.valid[:count] for sample in samples])
    return tuple(sample.limited(keep) for sample in samples)


def _note(rejected: bool) -> str:
    return "a power law to within the margin, not exactly" if rejected else ""


def _evidence(rest: Scenario, levels: FloatArray, estimates: Sequence[Estimate]) -> dict[str, Any]:
    return {
        "scenario": dict(rest),
        "x": levels,
        "y": np.array([estimate.value for estimate in estimates]),
        "mcse": np.array([estimate.mcse for estimate in estimates]),
        "replicates": [estimate.replicates for estimate in estimates],
    }


def _cell(
    rest: Scenario,
    zone: Zone,
    evidence: Mapping[str, Any],
    estimate: float,
    mcse: float,
    interval: tuple[float, float],
    verdict: Verdict,
) -> Cell:
    replicates = min(evidence["replicates"])
    return Cell(dict(rest), zone.theory, zone.margin, estimate, mcse, interval, verdict, replicates)


def _fit_evidence(fit: PowerLaw, half: _Half) -> dict[str, Any]:
    return {
        "constant": fit.constant,
        "exponent": fit.exponent,
        "sampling_error": fit.sampling_error,
        "robust_error": fit.robust_error,
        "upper_half": half._asdict(),
        "chi_square": fit.chi_square,
        "degrees": fit.degrees,
        "p_value": fit.p_value,
        "curvature": {"estimate": fit.curvature, "mcse": fit.curvature_mcse},
        "local_slopes": fit.local_slopes,
        "local_mcse": fit.local_mcse,
    }
