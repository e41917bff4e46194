"""Claims on rates: slopes on logarithmic axes, with the levels that decide, the fit, and the discard scan."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from mcstudy.evidence import Coefficient, Fit, Half, Line, RateEvidence
from mcstudy.findings import Cell, Finding, Verdict
from mcstudy.report.kinds import (
    Column,
    Estimate,
    Summary,
    Table,
    capital,
    evidence_of,
    leading,
    place,
    varying,
)
from mcstudy.report.kinds.value import ValueKind
from mcstudy.report.lines import (
    DISTINCT,
    NAME,
    Curve,
    curves_of,
    draw_curves,
    draw_dotted,
    draw_local_slopes,
    height_of_curves,
)
from mcstudy.report.numbers import (
    NO_BREAK,
    count,
    interval,
    label,
    percent,
    plural,
    probability,
    shown,
    uncertain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KIND", "RateKind"]

LOCAL = 1.0  # inches: the panel of local slopes
# What the numbers are called that are fitted to the levels near the limit.
SLOPE, EXPONENT = "slope", "exponent of "


class RateKind(ValueKind):
    """A slope for each line of scenarios."""

    headings = ("Slope", "Decided by", "Theory")
    cell, sample = "line", "level"
    decided = (
        "Rates",
        "A regression of the logarithm of a statistic on that of a factor, weighted by the Monte Carlo errors. What "
        "theory says is asymptotic: the half of the levels nearest to the limit decides, or all levels where a "
        "correction is fitted. Noise and misfit are different errors. Confirmed if the slope lies in the zone by the "
        "error of the draws, and no slope over fewer levels surely leaves it. Refuted if it lies outside by the error "
        "that the residuals show as well; else the line is bent, and more draws do not tell its limit. A claim of the "
        "power law itself is refuted if its fit is rejected.",
    )
    drawn = (
        "Above: the statistic with ± 2 MCSE, the fits, and the slope of theory (dashed grey). Below: slopes between "
        "neighbouring levels with ± 2 MCSE, and theory ± margin (green); dotted, for the line that decides, the slope "
        "over all levels from there to the limit with its interval. Open triangles: values that are not positive."
    )
    columns: ClassVar[Mapping[str, Column]] = {
        "slope ± MCSE": ValueKind.columns["estimate ± MCSE"],
        "interval": ValueKind.columns["interval"],
        "all levels": lambda _, line: (
            uncertain(fit.exponent, fit.sampling_error) if (fit := _fit(line)) else "–"
        ),
        "theory ± margin": ValueKind.columns["theory ± margin"],
        "χ² of the fit": lambda _, line: _chi_square(fit) if (fit := _fit(line)) else "–",
        "curvature ± MCSE": lambda _, line: _curvature(fit) if (fit := _fit(line)) else "–",
        "decided by": lambda cell, line: _decider(cell, line) or "–",
    }

    def summary(self, finding: Finding) -> Summary:
        """The number that decides, its interval, the zone."""
        estimate, ends, theory = super().summary(finding)
        line: Line | None = evidence_of(finding)
        decider = _decider(finding.cells[finding.deciding], line)
        if line and line.fit and decider == "fit":
            ends = f"fit, p {probability(line.fit.p_value)}"
        return Summary(estimate, f"{decider} {ends}" if decider not in ("", "fit") else ends, theory)

    def tell(self, finding: Finding) -> str:
        """Say where the number lies that decides, what all levels say, and what was found of the fit."""
        line: Line | None = evidence_of(finding)
        parts = [_tell_number(self, finding, line.fit) if line and line.fit else super().tell(finding)]
        if line and line.fit:
            parts += [_tell_others(finding, line.fit), _tell_fit(finding, line.fit)]
        # Where the power law itself is claimed, the fit refutes it: not a remark but the reason.
        if line and line.note and not (line.fit and _evidence(finding).exact):
            parts.append(f"{capital(line.note)}.")
        return " ".join(filter(None, parts))

    def diagnosis(self, finding: Finding) -> str:
        """Say how well the deciding line fits."""
        fit = _fit(evidence_of(finding))
        if not fit:
            return ""
        near = fit.upper_half or fit
        told = [
            f"Goodness of fit over all levels: χ² = {shown(fit.chi_square, 3)} on {fit.degrees} degrees of freedom, "
            f"p {probability(fit.p_value)}; curvature {_curvature(fit)}."
        ]
        if model := _evidence(finding).model:
            told.insert(0, f"Model: {model}.")
        if math.isfinite(near.sampling_error):  # older ledgers know neither
            told.append(
                f"Standard error of the slope that decides: {shown(near.sampling_error, 2)} from the draws, "
                f"{shown(near.robust_error, 2)} from the residuals; the latter has a say in a refutation only."
            )
        return " ".join(told)

    def points(self, finding: Finding) -> Table:
        """The statistic at every level of every line, the slope to the next level, and that from there to the limit."""
        lines = [line for line in finding.evidence.cells if line is not None]
        factors = varying([line.scenario for line in lines])
        behind = list(dict.fromkeys(name for line in lines for point in line.points for name in point))
        behind = [name for name in behind if name not in factors]
        own = _evidence(finding)
        rows = [
            (
                *(line.scenario.get(name) for name in factors),
                *(line.points[k][name] for name in behind),
                *point,
            )
            for line in lines
            for k, point in enumerate(_points(line, own.limit))
        ]
        header = (
            *factors,
            *behind,
            _axis(own),
            own.statistic,
            "replicates",
            "local slope",
            "slope from here on",
        )
        return Table(header, rows)

    def is_comparable(self, finding: Finding, other: Finding) -> bool:
        """The same statistic is, along the same factor."""
        own, others = _evidence(finding), _evidence(other)
        return (own.statistic, own.against) == (others.statistic, others.against)

    def heights(self, finding: Finding, *, most: int = 40) -> tuple[float, ...]:
        """The lines with their legend, and the local slopes where there is one axis to have them along."""
        height = height_of_curves(_curves(finding, most))
        return (height,) if _evidence(finding).factors else (height, LOCAL)

    def draw(self, axes: Axes, finding: Finding, *, most: int = 40) -> str:
        """Draw the statistic against its factor with the fits."""
        own = _evidence(finding)
        draw_curves(axes, _curves(finding, most), statistic=own.statistic, against=_axis(own))
        if (drawn := _most_lines(most)) < len(finding.cells):
            return f"{count(drawn)} of {plural(len(finding.cells), 'line')}."
        return ""

    def draw_below(self, axes: Axes, finding: Finding, *, most: int = 40) -> str:
        """Draw the slopes between neighbouring levels against the zone, and the discard scan of the deciding line."""
        curves = _curves(finding, most)
        together = len({(curve.cell.theory, curve.cell.margin) for curve in curves}) == 1
        line: Line | None = evidence_of(finding)
        if line and line.fit and line.fit.scan:
            _draw_scan(axes, line, _evidence(finding).limit, 0.0 if together else finding.theory)
        draw_local_slopes(axes, curves, against=_evidence(finding).against)
        return ""


def _evidence(finding: Finding) -> RateEvidence:
    return cast(RateEvidence, finding.evidence)


def _fit(line: Line | None) -> Fit | None:
    return line.fit if line else None


def _axis(own: RateEvidence) -> str:
    return f"theory's product of powers of {', '.join(own.factors)}" if own.factors else own.against


def _most_lines(most: int) -> int:
    return max(DISTINCT, most // 2)


def _curves(finding: Finding, most: int) -> list[Curve]:
    curves = curves_of(finding, leading(finding, _most_lines(most)))
    if not _evidence(finding).factors:
        return curves
    factors = varying([curve.cell.scenario for curve in curves])
    return [_projected(curve, label(curve.cell.scenario, factors)) for curve in curves]


def _projected(curve: Curve, name: str) -> Curve:
    """A fit in several factors along the product of powers that theory says, where the slope of theory is 1."""
    line, fit = curve.line, curve.line.fit
    if not fit:
        return curve
    order = np.argsort(line.x)
    slope, middle = np.polyfit(np.log(line.x), np.log(line.fitted), 1)
    exponents = (
        f"{own.name.removeprefix(EXPONENT)} {uncertain(own.estimate, own.mcse)}".replace(" ", NO_BREAK)
        for own in fit.coefficients
        if own.name.startswith(EXPONENT)
    )
    shown_along = replace(
        line,
        x=line.x[order],
        y=line.y[order],
        mcse=line.mcse[order],
        fit=replace(fit, exponent=float(slope), constant=float(np.exp(middle))),
    )
    text = textwrap.fill(" · ".join(filter(None, [name, *exponents])), NAME)
    return Curve(text, replace(curve.cell, theory=1.0), shown_along)


def _points(line: Line, limit: str) -> list[tuple[object, ...]]:
    slopes: list[Estimate | None] = []
    if line.fit:
        slopes += map(Estimate, line.fit.local_slopes, line.fit.local_mcse)
    slopes += [None] * (len(line.x) - len(slopes))
    values = map(Estimate, line.y, line.mcse)
    return list(zip(line.x, values, line.replicates, slopes, _kept(line, limit), strict=True))


def _kept(line: Line, limit: str) -> list[Estimate | None]:
    """At every level the slope over the levels from there to the limit."""
    scan = [Estimate(half.exponent, half.sampling_error) for half in line.fit.scan] if line.fit else []
    slopes = [*scan, *[None] * (len(line.x) - len(scan))]
    return slopes if limit == "infinity" else slopes[::-1]


def _draw_scan(axes: Axes, line: Line, limit: str, shift: float) -> None:
    scan = cast(Fit, line.fit).scan
    x = line.x[: len(scan)] if limit == "infinity" else line.x[::-1][: len(scan)]
    low, high = (np.array([half.interval[end] for half in scan]) - shift for end in (0, 1))
    draw_dotted(axes, x, np.array([half.exponent for half in scan]) - shift, low, high)


def _spoken(fit: Fit) -> Coefficient | None:
    """The number that a cell shows; an older ledger has the slope over all levels only."""
    return fit.coefficients[fit.deciding] if fit.coefficients else None


def _decider(cell: Cell, line: Line | None) -> str:
    """What has the verdict of the whole: a number that is claimed, or the fit."""
    fit = _fit(line)
    if not fit:
        return ""
    if cell.verdict is Verdict.REFUTED and cell.zone.verdict(cell.interval) is not Verdict.REFUTED:
        return "fit"
    spoken = _spoken(fit)
    if spoken is None or spoken.name != SLOPE:
        return spoken.name if spoken else "interval"
    return "upper half" if fit.upper_half else "all levels"


def _half(finding: Finding) -> str:
    near_zero = _evidence(finding).limit == "zero"
    return "half of the levels nearest to zero" if near_zero else "upper half of the levels"


def _tell_number(kind: ValueKind, finding: Finding, fit: Fit) -> str:
    opening, where = kind.opening(finding)
    spoken = _spoken(fit)
    name = finding.estimand if spoken is None or spoken.name == SLOPE else spoken.name
    over = f" over the {_half(finding)}" if spoken and spoken.name == SLOPE and fit.upper_half else ""
    found = f"the {name}{over} is {uncertain(finding.estimate, finding.mcse)}"
    lies = place(finding.cells[finding.deciding], finding.interval)
    return opening + capital(f"{where}{found}, its {percent(finding.confidence)} interval {lies}.")


def _tell_others(finding: Finding, fit: Fit) -> str:
    """Say what was found besides the number that decides."""
    cell = finding.cells[finding.deciding]
    told = [
        f"The {own.name} is {uncertain(own.estimate, own.mcse)}, "
        f"its interval {place(replace(cell, theory=own.theory, margin=own.margin), own.interval)}."
        for k, own in enumerate(fit.coefficients)
        if k != fit.deciding
    ]
    if fit.upper_half and not fit.coefficients:
        told.append(f"Over the {_half(finding)} it is {_slope(fit.upper_half)}.")
    elif fit.upper_half and not told:
        told.append(f"Over all levels it is {_slope(fit)}.")
    return " ".join(told)


def _slope(fit: Fit | Half) -> str:
    return f"{shown(fit.exponent)}, {interval(*fit.interval)}"


def _tell_fit(finding: Finding, fit: Fit) -> str:
    """Say that the fit decided, where it did."""
    if _decider(finding.cells[finding.deciding], evidence_of(finding)) != "fit":
        return ""
    rejected = (
        f"χ² = {shown(fit.chi_square, 3)} on {fit.degrees} degrees of freedom, p {probability(fit.p_value)}"
    )
    return f"It is refuted by its fit: {rejected}; the claim is the power law itself, not only its slope."


def _chi_square(fit: Fit) -> str:
    return f"{shown(fit.chi_square, 3)} on {fit.degrees}, p {probability(fit.p_value)}"


def _curvature(fit: Fit) -> str:
    return uncertain(fit.curvature, fit.curvature_mcse)


KIND = RateKind()
