"""A line of a rate, fitted: the numbers that are claimed of it, how they are decided together, what is to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import Assessment
from mcstudy.claims.deciding import Shares
from mcstudy.claims.powers import Powers
from mcstudy.claims.slopes import Part, Ruling, rule
from mcstudy.evidence import Coefficient, Fit, Half, Line
from mcstudy.findings import Cell, Guarantee, Verdict, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics import upper_half
from mcstudy.statistics.joint import Joint
from mcstudy.statistics.power_law import curvature, local_slopes
from mcstudy.statistics.regression import Regression
from mcstudy.statistics.sequences import effective_z

__all__ = ["Claimed", "LineFit"]

FloatArray = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

SLOPE, WHOLE, PREFACTOR = "slope", "slope over all levels", "prefactor"
# Corrections are fitted in the logarithm: log(1 + u) and u differ by u^2/2, 3 % of the statistic here.
SMALL = 1 / 4
INEXACT = "a power law to within the margin, not exactly"


class Claimed(NamedTuple):
    """What is claimed of a line: exponents, maybe the prefactor, maybe the power law itself."""

    exponents: tuple[Zone, ...]
    prefactor: Zone | None
    exact: bool


@dataclass(frozen=True, eq=False)
class _Model:
    """What the logarithms are regressed on: columns of all levels, and what is known of these."""

    joint: Joint
    regressors: FloatArray
    known: FloatArray
    _fits: dict[tuple[int, ...], Regression] = field(default_factory=dict)

    def fit(self, levels: Indices) -> Regression:
        """The fit to some levels: what is claimed, the scan, and the picture ask for the same ones."""
        key = tuple(sorted(levels.tolist()))
        if key not in self._fits:
            self._fits[key] = self.joint.regress(self.regressors, levels, known=self.known)
        return self._fits[key]


@dataclass(frozen=True, eq=False)
class LineFit:
    """The regression of a line, over all its levels and over those that decide.

    Attributes
    ----------
    line : Line
        Without a fit.
    joint : Joint
        The logarithms of the statistic at the levels.
    powers : Powers
    scenarios : tuple of Scenario
        Those of the levels.
    claimed : Claimed
    onset : float, optional
        The level from which on the discard scan has a say.
    """

    line: Line
    joint: Joint
    powers: Powers
    scenarios: tuple[Scenario, ...]
    claimed: Claimed
    onset: float | None

    def judge(self, shares: Shares) -> Assessment:
        """Decide the parts, and the cell from them."""
        parts = self._parts()
        # The power law itself has one chance more to be refuted, by its fit.
        own = shares.among(len(parts) + self.claimed.exact)
        scan = self._scan(own)
        rulings = [rule(part, own) for part in parts]
        rulings[0] = self._with_room(self._straightened(self._scanned(rulings[0], scan), own))
        rejected = self.joint.rejects(self._whole, 2 * own.refute, own.tuned, known=self._known)
        speaks = _speaker(rulings)
        cell = self._cell(
            rulings,
            speaks,
            own,
            refuted=rejected and self.claimed.exact and not self._largest_correction > SMALL,
        )
        fit = replace(self._fit(own), scan=scan, coefficients=tuple(map(_shown, rulings)), deciding=speaks)
        if self.powers.takes_half:
            fit = replace(fit, upper_half=self._half(rulings[0]))
        note = INEXACT if rejected else ""
        line = replace(self.line, fit=fit, note=note, fitted=self._fitted())
        return Assessment(replace(cell, note=note) if cell.verdict is Verdict.CONFIRMED else cell, line)

    @cached_property
    def _regressors(self) -> FloatArray:
        return self.powers.regressors(self.scenarios)

    @cached_property
    def _known(self) -> FloatArray:
        return self.powers.known(self.scenarios)

    @cached_property
    def _model(self) -> _Model:
        return _Model(self.joint, self._regressors, self._known)

    @property
    def _whole(self) -> Regression:
        return self._model.fit(self._order)

    @cached_property
    def _order(self) -> Indices:
        """The levels, those nearest to the limit last."""
        ascending = np.argsort(self.line.x, kind="stable")
        return ascending if self.powers.limit == "infinity" else ascending[::-1]

    @cached_property
    def _deciding(self) -> Indices:
        """The levels that decide, those nearest to the limit last."""
        count = len(upper_half(self.line.x)) if self.powers.takes_half else len(self._order)
        return self._order[-count:]

    def _parts(self) -> list[Part]:
        parts = [
            self._part(
                f"exponent of {name}" if self.powers.several else SLOPE, zone, self._model, self._deciding, k
            )
            for k, (name, zone) in enumerate(
                zip(self.powers.names, self.claimed.exponents, strict=True), start=1
            )
        ]
        if self.claimed.exact and self.powers.takes_half:
            parts.append(self._part(WHOLE, parts[0].zone, self._model, self._order, 1))
        if self.claimed.prefactor is not None:
            # Given the exponents of theory: extrapolated along a fitted slope it would be nearly free.
            count = len(self.claimed.exponents)
            power = self._regressors[:, :count] @ [zone.theory for zone in self.claimed.exponents]
            model = _Model(self.joint, self._regressors[:, count:], self._known + power)
            prefactor = self._part(PREFACTOR, self.claimed.prefactor, model, self._deciding, 0)
            parts.append(replace(prefactor, exponential=True))
        return parts

    def _part(self, name: str, zone: Zone, model: _Model, levels: Indices, k: int) -> Part:
        """Coefficient k of a model."""
        fit = shows = model.fit(levels)
        if fit.degrees == 0:  # two levels have no residuals, but with the next one they do
            shows = model.fit(self._order[-len(levels) - 1 :])
        weights = fit.estimator[k]
        return Part(
            name=name,
            zone=zone,
            joint=self.joint,
            weights=weights,
            misfit=float(shows.robust_errors[k]),
            misfit_noise=float(shows.robust_noise[k]),
            where=self._where(levels),
            known=float(weights @ model.known),
        )

    def _where(self, levels: Indices) -> str:
        if len(levels) == len(self._order):
            return "all levels"
        first, last = self.line.x[levels[[0, -1]]]
        upper = self.powers.limit == "infinity"
        half = "the upper half of the levels" if upper else "the half of the levels nearest to zero"
        return f"{half} ({self.powers.label} = {first:g} to {last:g})"

    def _scan(self, shares: Shares) -> tuple[Half, ...]:
        """The slopes over all levels, over all but the furthest from the limit, ..., over the last two."""
        if not self.powers.takes_half:
            return ()
        count = len(self._order)
        return tuple(self._slope(self._order[first:], shares) for first in range(count - 1))

    def _slope(self, levels: Indices, shares: Shares) -> Half:
        fit = self._model.fit(levels)
        interval = self._plain_interval(fit.estimator[1], shares)
        return Half(float(fit.coefficients[1]), interval, len(levels), float(fit.sampling_errors[1]))

    def _plain_interval(self, weights: FloatArray, shares: Shares) -> tuple[float, float]:
        z = effective_z(self.joint.replicates(weights), shares.refute, shares.tuned)
        low, high = self.joint.plain_limits(weights, z)
        known = float(weights @ self._known)
        return low - known, high - known

    def _scanned(self, ruling: Ruling, scan: tuple[Half, ...]) -> Ruling:
        """What the slopes over fewer levels leave of a confirmation."""
        if ruling.verdict is not Verdict.CONFIRMED:
            return ruling
        for half in scan:
            first = float(self.line.x[self._order[-half.levels]])
            if self._is_claimed(first) and ruling.part.zone.verdict(half.interval) is Verdict.REFUTED:
                note = (
                    f"the slope over {self.powers.label} = {first:g} and beyond is {half.exponent:.4g}, outside of the "
                    "zone; a correction term or levels nearer to the limit would tell"
                )
                return ruling.bent(note, ruling.decision.interval, hopeless=True)
        return ruling

    def _straightened(self, ruling: Ruling, shares: Shares) -> Ruling:
        """What a bend leaves of a refutation: a line that bends towards the claim may get there.

        With the term of a slow correction, that noise must not explain, the limit has to be refuted too.
        """
        part = ruling.part
        if ruling.verdict is not Verdict.REFUTED or not self.powers.takes_half:
            return ruling
        corrected = np.hstack([self._regressors, self.powers.slow_correction(self.scenarios)])
        # One more than there are coefficients, or nothing tells whether the term is right.
        nearest = self._order[-max(len(self._deciding), corrected.shape[1] + 2) :]
        if len(nearest) < corrected.shape[1] + 2:
            return ruling
        model = _Model(self.joint, corrected, self._known)
        # The term leads too far already: what it does not fit makes no room.
        straight = replace(self._part(part.name, part.zone, model, nearest, 1), misfit=np.nan)
        if not (self._bends(model.fit(nearest), shares) and ruling.meets_zone_before(rule(straight, shares))):
            return ruling
        note = (
            f"over {part.where} the {part.name} is {part.estimate:.4g}, but the line bends towards {part.zone.theory:.4g}, and "
            f"with a correction of {self.powers.label}^{self.powers.slow:g} it may get there; state `correction=` or draw levels nearer to the limit"
        )
        return ruling.bent(note, ruling.decision.interval, hopeless=True)

    @cached_property
    def _largest_correction(self) -> float:
        """How large the correction that was stated is at the levels, as fitted; 0 where none was."""
        if self.powers.correction is None:
            return 0.0
        place = 1 + len(self.powers.names)  # behind the intercept and the exponents
        return float(np.max(np.abs(self._whole.coefficients[place] * self._regressors[:, place - 1])))

    def _with_room(self, ruling: Ruling) -> Ruling:
        """What a large correction leaves of a refutation: its logarithm is another function then than the one that is fitted."""
        largest = self._largest_correction
        if ruling.verdict is not Verdict.REFUTED or largest <= SMALL:
            return ruling
        note = (
            f"over {ruling.part.where} the {ruling.part.name} is {ruling.part.estimate:.4g}, but the correction is as large as "
            f"{largest:.2g} of the law there, too large to be fitted in the logarithm; draw levels nearer to the limit"
        )
        return ruling.bent(note, ruling.decision.interval, hopeless=True)

    def _bends(self, fit: Regression, shares: Shares) -> bool:
        """Whether the last term of a model is more than noise."""
        z = effective_z(self.joint.replicates(fit.estimator[-1]), shares.refute, shares.tuned)
        return bool(abs(fit.coefficients[-1]) > z * fit.sampling_errors[-1])

    def _is_claimed(self, level: float) -> bool:
        """Whether the law is claimed from a level on."""
        onset = float(self.line.x[self._deciding[0]]) if self.onset is None else self.onset
        return level >= onset if self.powers.limit == "infinity" else level <= onset

    def _cell(self, rulings: list[Ruling], speaks: int, shares: Shares, *, refuted: bool) -> Cell:
        """The conjunction of the parts."""
        cell = rulings[speaks].cell(self.line.scenario, shares)
        if refuted and cell.verdict is not Verdict.REFUTED:
            guarantee = Guarantee.EXACT if self.joint.constant else Guarantee.ASYMPTOTIC
            return replace(cell, verdict=Verdict.REFUTED, note="", needed=0, guarantee=guarantee)
        if cell.verdict is not Verdict.UNDECIDED:
            return cell
        open_ = [ruling for ruling in rulings if ruling.verdict is Verdict.UNDECIDED]
        needed = max(ruling.cell(self.line.scenario, shares).needed for ruling in open_)
        hopeless = self.joint.constant or all(ruling.hopeless for ruling in open_)
        return replace(cell, needed=needed, hopeless=hopeless)

    def _fit(self, shares: Shares) -> Fit:
        """The fit to all levels."""
        whole, (bend, bend_mcse), (slopes, slopes_mcse) = self._whole, *self._shape()
        with np.errstate(over="ignore"):
            constant = float(np.exp(whole.coefficients[0]))
        return Fit(
            constant=constant,
            exponent=float(whole.coefficients[1]),
            sampling_error=float(whole.sampling_errors[1]),
            robust_error=float(whole.robust_errors[1]),
            upper_half=None,
            chi_square=whole.chi_square,
            degrees=whole.degrees,
            p_value=whole.p_value,
            curvature=bend,
            curvature_mcse=bend_mcse,
            local_slopes=slopes,
            local_mcse=slopes_mcse,
            interval=self._plain_interval(whole.estimator[1], shares),
        )

    def _shape(self) -> tuple[tuple[float, float], tuple[FloatArray, FloatArray]]:
        """Curvature and the slopes between neighbours, along a single axis, with their errors."""
        if self.powers.several:
            return (np.nan, np.nan), (np.empty(0), np.empty(0))
        points = np.log(self.line.x), self.joint.logs - self._known, self.joint.covariance
        return curvature(*points), local_slopes(*points)

    def _half(self, ruling: Ruling) -> Half:
        part = ruling.part
        return Half(part.estimate, ruling.decision.interval, len(self._deciding), part.error, part.misfit)

    def _fitted(self) -> FloatArray:
        coefficients = self._whole.coefficients
        return np.asarray(np.exp(coefficients[0] + self._regressors @ coefficients[1:] + self._known))


def _speaker(rulings: list[Ruling]) -> int:
    """The part that a cell shows: of those with its verdict the exponent, or else the prefactor, that reaches furthest."""
    verdict = Verdict.all_of([ruling.verdict for ruling in rulings])
    chosen = [k for k, ruling in enumerate(rulings) if ruling.verdict is verdict]
    return max(chosen, key=lambda k: (rulings[k].part.name != PREFACTOR, rulings[k].reach, -k))


def _shown(ruling: Ruling) -> Coefficient:
    part = ruling.part
    return Coefficient(
        part.name, part.zone.theory, part.zone.margin, part.estimate, part.error, ruling.decision.interval
    )
