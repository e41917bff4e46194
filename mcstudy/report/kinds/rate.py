"""Claims on rates: slopes on logarithmic axes, with the fit, the asymptotic half and the local slopes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from mcstudy.evidence import Fit, Line, RateEvidence
from mcstudy.findings import Cell, Finding, Verdict
from mcstudy.report.kinds import (
    CHOSEN,
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
from mcstudy.report.lines import DISTINCT, Curve, curves_of, draw_curves, draw_local_slopes, height_of_curves
from mcstudy.report.numbers import interval, probability, shown, uncertain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["KIND", "RateKind"]

LOCAL = 1.5  # inches: the panel of local slopes


class RateKind(ValueKind):
    """A slope for each line of scenarios."""

    headings = ("Slope", "Decided by", "Theory")
    cell, sample = "line", "level"
    decided = (
        "Rates",
        "A regression of the logarithm of a statistic on that of a factor, weighted by the Monte Carlo errors. "
        "Confirmed only if the slope over the full range and that over the half of the levels nearest to the limit "
        "both lie in the zone. The error of the slope is the larger of that from the draws and that from the "
        "residuals. A claim of the power law itself is refuted if its fit is rejected.",
    )
    drawn = (
        "Above: the statistic with ± 2 MCSE, the fitted power laws, and the slope of theory (dashed grey). Below: "
        "slopes between neighbouring levels with ± 2 MCSE, and theory ± margin (green). Open triangles: values that "
        "are not positive."
    )
    columns: ClassVar[Mapping[str, Column]] = {
        "slope ± MCSE": ValueKind.columns["estimate ± MCSE"],
        "interval": ValueKind.columns["interval"],
        "upper half": lambda _, line: interval(*fit.upper_half.interval) if (fit := _fit(line)) else "–",
        "theory ± margin": ValueKind.columns["theory ± margin"],
        "χ² of the fit": lambda _, line: _chi_square(fit) if (fit := _fit(line)) else "–",
        "curvature ± MCSE": lambda _, line: _curvature(fit) if (fit := _fit(line)) else "–",
        "decided by": lambda cell, line: _decider(cell, line) or "–",
    }

    def summary(self, finding: Finding) -> Summary:
        """The slope, what decided about it, the zone."""
        estimate, ends, theory = super().summary(finding)
        fit = _fit(evidence_of(finding))
        decider = _decider(finding.cells[finding.deciding], evidence_of(finding))
        if fit and decider == "upper half":
            ends = f"upper half {interval(*fit.upper_half.interval)}"
        elif fit and decider == "fit":
            ends = f"fit, p {probability(fit.p_value)}"
        return Summary(estimate, ends, theory)

    def tell(self, finding: Finding) -> str:
        """Say where slope and upper half lie, and which of them, or the fit, decided."""
        line: Line | None = evidence_of(finding)
        parts = [super().tell(finding)]
        if fit := _fit(line):
            parts += [_tell_half(finding, fit), _tell_decision(finding, fit)]
        # Where the power law itself is claimed, the fit refutes it: not a remark but the reason.
        if line and line.note and not (fit and _evidence(finding).exact):
            parts.append(f"{capital(line.note)}.")
        return " ".join(filter(None, parts))

    def diagnosis(self, finding: Finding) -> str:
        """Say how well the deciding line fits."""
        fit = _fit(evidence_of(finding))
        if not fit:
            return ""
        return (
            f"Goodness of fit: χ² = {shown(fit.chi_square, 3)} on {fit.degrees} degrees of freedom, "
            f"p {probability(fit.p_value)}; curvature {_curvature(fit)}. Standard error of the slope: "
            f"{shown(fit.sampling_error, 2)} from the draws, {shown(fit.robust_error, 2)} from the residuals; "
            "the larger one is used."
        )

    def points(self, finding: Finding) -> Table:
        """The statistic at every level of every line, and the slope to the next level."""
        chosen = [line for line in (evidence_of(finding, i) for i in range(len(finding.cells))) if line]
        factors = varying([line.scenario for line in chosen])
        header = (*factors, _evidence(finding).against, _evidence(finding).statistic)
        rows = [
            (*(line.scenario.get(name) for name in factors), *point)
            for line in chosen
            for point in _points(line)
        ]
        return Table((*header, "replicates", "local slope"), rows)

    def heights(self, finding: Finding, *, most: int = 40) -> tuple[float, ...]:
        """The lines with their legend, the local slopes."""
        return height_of_curves(_curves(finding, most)), LOCAL

    def draw(self, axes: Axes, finding: Finding, *, most: int = 40) -> str:
        """Draw the statistic against its factor with the fits."""
        own = _evidence(finding)
        curves = _curves(finding, most)
        draw_curves(axes, curves, statistic=own.statistic, against=own.against)
        if (drawn := _most_lines(most)) < len(finding.cells):
            return f"Of {len(finding.cells)} lines {drawn} are drawn: {CHOSEN}."
        return ""

    def draw_below(self, axes: Axes, finding: Finding, *, most: int = 40) -> str:
        """Draw the slopes between neighbouring levels against the zone."""
        draw_local_slopes(axes, _curves(finding, most), against=_evidence(finding).against)
        return ""


def _evidence(finding: Finding) -> RateEvidence:
    return cast(RateEvidence, finding.evidence)


def _fit(line: Line | None) -> Fit | None:
    return line.fit if line else None


def _most_lines(most: int) -> int:
    return max(DISTINCT, most // 2)


def _curves(finding: Finding, most: int) -> list[Curve]:
    return curves_of(finding, leading(finding, _most_lines(most)))


def _points(line: Line) -> list[tuple[float, Estimate, int, Estimate | None]]:
    slopes: list[Estimate | None] = []
    if line.fit:
        slopes += map(Estimate, line.fit.local_slopes, line.fit.local_mcse)
    slopes += [None] * (len(line.x) - len(slopes))
    values = map(Estimate, line.y, line.mcse)
    return list(zip(line.x, values, line.replicates, slopes, strict=True))


def _decider(cell: Cell, line: Line | None) -> str:
    """Which part of a conjunction has the verdict of the whole: all of them do in a confirmation."""
    fit = _fit(line)
    if not fit:
        return ""
    parts = {"interval": cell.interval, "upper half": fit.upper_half.interval}
    found = [name for name, ends in parts.items() if cell.zone.verdict(ends) is cell.verdict]
    if found:
        return found[0]
    return "fit" if cell.verdict is Verdict.REFUTED else ""  # the tails of a level may leave it open


def _tell_half(finding: Finding, fit: Fit) -> str:
    near_zero = _evidence(finding).limit == "zero"
    name = "half of the levels nearest to zero" if near_zero else "upper half of the levels"
    lies = place(finding.cells[finding.deciding], fit.upper_half.interval)
    return f"The {name} alone has slope {shown(fit.upper_half.exponent)}, its interval {lies}."


def _tell_decision(finding: Finding, fit: Fit) -> str:
    """Name what decided where the interval, which stands first, did not."""
    decider = _decider(finding.cells[finding.deciding], evidence_of(finding))
    if decider == "fit":
        rejected = f"χ² = {shown(fit.chi_square, 3)} on {fit.degrees} degrees of freedom, p {probability(fit.p_value)}"
        return f"It is refuted by its fit: {rejected}; the claim is the power law itself, not only its slope."
    if decider == "upper half":
        refuted = finding.verdict is Verdict.REFUTED
        return f"It is the upper half that {'refutes' if refuted else 'leaves the claim undecided'}."
    return ""


def _chi_square(fit: Fit) -> str:
    return f"{shown(fit.chi_square, 3)} on {fit.degrees}, p {probability(fit.p_value)}"


def _curvature(fit: Fit) -> str:
    return uncertain(fit.curvature, fit.curvature_mcse)


KIND = RateKind()
