"""How a number that a rate claims is decided: by the noise of its draws, and by its misfit.

Noise and misfit are different errors. Noise shrinks with draws; misfit, what the residuals of the fit show beyond
it, does not. So noise alone confirms. To refute, both must lie outside of the zone: a line that is known to be
bent has no slope that its limit could be told from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mcstudy.claims.deciding import Decision, Shares, decide
from mcstudy.findings import Cell, Interval, Verdict, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics.joint import Joint
from mcstudy.statistics.sequences import effective_z
from mcstudy.statistics.statistic import Limits

__all__ = ["Part", "Ruling", "rule"]

FloatArray = npt.NDArray[np.float64]

# The logarithm of the largest double.
LARGEST = math.log(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class Part:
    """A number that a rate claims of a line, as a combination of the logarithms of its levels.

    Attributes
    ----------
    name : str
        "slope", "prefactor", ...
    zone : Zone
    joint : Joint
        The logarithms of the levels.
    weights : array of shape (levels,)
        Of the combination; zero at levels that have no say.
    misfit, misfit_noise : float
        Its error by the residuals, and what the draws alone make of that; NaN where residuals have no say.
    where : str
        The levels that it is fitted to, in words.
    known : float
        What theory knows of the combination: it is taken off.
    exponential : bool
        Whether the number is the exponential of what is left.
    """

    name: str
    zone: Zone
    joint: Joint
    weights: FloatArray
    misfit: float
    misfit_noise: float
    where: str
    known: float = 0.0
    exponential: bool = False

    @property
    def estimate(self) -> float:
        """The number."""
        return self._number(self._combined)

    @property
    def error(self) -> float:
        """Its Monte Carlo standard error."""
        return self.joint.spread(self.weights) * (self.estimate if self.exponential else 1.0)

    @property
    def replicates(self) -> int:
        """The fewest replicates of a level that has a say."""
        return self.joint.replicates(self.weights)

    def limits(self, limits: Limits) -> Limits:
        """Its limits from those of the combination."""
        return Limits(self._number(limits.low), self._number(limits.high), limits.condition)

    def around(self, half_width: float) -> Interval:
        """Where it lies if the combination is so much off."""
        return self._number(self._combined - half_width), self._number(self._combined + half_width)

    @property
    def _combined(self) -> float:
        return self.joint.combined(self.weights)

    def _number(self, combined: float) -> float:
        number = combined - self.known
        return math.exp(min(number, LARGEST)) if self.exponential else number


@dataclass(frozen=True)
class Ruling:
    """What is decided of a part; `hopeless` where more draws can't decide it."""

    part: Part
    decision: Decision
    hopeless: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict on the part."""
        return self.decision.verdict

    @property
    def reach(self) -> float:
        """How near the part comes to the edge of its zone."""
        return self.part.zone.reach(self.decision.interval)

    def meets_zone_before(self, other: Ruling) -> bool:
        """Whether the zone, from which this part is away, may lie on the way to another part."""
        way = _hull(self.decision.wide, other.decision.wide)
        return self.part.zone.verdict(way) is not Verdict.REFUTED

    def bent(self, note: str, interval: Interval, *, hopeless: bool) -> Ruling:
        """The ruling where a misfit leaves no verdict."""
        decision = replace(
            self.decision, verdict=Verdict.UNDECIDED, interval=interval, note=f"misfit: {note}"
        )
        return Ruling(self.part, decision, hopeless)

    def cell(self, scenario: Scenario, shares: Shares) -> Cell:
        """The part as a cell."""
        part = self.part
        cell = self.decision.cell(scenario, part.zone, part.estimate, part.error, part.replicates, shares)
        # Nobody can tell how many draws take a misfit away.
        return replace(cell, needed=0) if self.decision.note.startswith("misfit: ") else cell


def rule(part: Part, shares: Shares) -> Ruling:
    """Decide a part: confirmed by noise, refuted by noise and misfit."""
    ruling = Ruling(part, _by_noise(part, shares))
    if ruling.verdict is not Verdict.REFUTED or math.isnan(part.misfit):
        return ruling
    z = effective_z(part.replicates, shares.refute, shares.tuned)
    wide = _hull(ruling.decision.wide, part.around(z * part.misfit))
    if part.zone.verdict(wide) is Verdict.REFUTED:
        return replace(ruling, decision=replace(ruling.decision, interval=wide))
    # Its error by the residuals is a norm of misfit and noise, so noise adds at most its own norm: the rest stays.
    lasting = part.around(z * max(part.misfit - z * part.misfit_noise, 0.0))
    note = (
        f"over {part.where} the {part.name} is {part.estimate:.4g}, with an error of {part.error:.2g} from the draws "
        f"and of {part.misfit:.2g} from the residuals; a correction term or levels nearer to the limit would tell"
    )
    return ruling.bent(note, wide, hopeless=part.zone.verdict(lasting) is not Verdict.REFUTED)


def _by_noise(part: Part, shares: Shares) -> Decision:
    """Decide by the tails of the combination; where they are not seen, by those of its levels if that decides."""

    def decided(limits: Callable[[FloatArray, float, float], Limits]) -> Decision:
        return decide(part.zone, lambda share: part.limits(limits(part.weights, share, shares.tuned)), shares)

    together = decided(part.joint.limits)
    if not together.note:
        return together
    apart = decided(part.joint.limits_apart)
    return together if apart.verdict is Verdict.UNDECIDED else apart


def _hull(one: Interval, other: Interval) -> Interval:
    return min(one[0], other[0]), max(one[1], other[1])
