"""How a cell is decided: what it may spend of alpha, and its zone against limits that hold at any time.

A claim that is true can only be refuted wrongly, one that is false only be confirmed wrongly, so each direction
may spend the claim's whole share a of alpha.

- CONFIRMED is an intersection: if the claim is false, then in some cell, on some side of its zone. That part would
  have to be confirmed, so each part is tested by itself, one-sided, at a.
- REFUTED is a union: every cell and both of its sides can go wrong, so they share a.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from mcstudy.findings import Cell, Guarantee, Interval, Verdict, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics.sequences import effective_z
from mcstudy.statistics.statistic import Limits

__all__ = ["Decision", "Shares", "decide", "needed"]

# A forecast further ahead than this says only: not with draws like these.
FARTHEST = 2**40


@dataclass(frozen=True)
class Shares:
    """What a cell may spend of alpha, fixed before anything is drawn.

    Attributes
    ----------
    confirm : float
        Of each part of the claim by itself: an end of an interval that has to lie inside of the zone.
    refute : float
        Of each end of an interval that may lie outside of the zone.
    tuned : float
        The number of replicates at which limits are tightest.
    """

    confirm: float
    refute: float
    tuned: float

    @staticmethod
    def of(share: float, cells: int, tuned: float) -> Shares:
        """The shares of each of the cells of a claim that may spend `share`."""
        return Shares(share, share / (2 * cells), tuned)

    def among(self, parts: int) -> Shares:
        """The shares of each of the parts of a cell that has several chances to be refuted."""
        return replace(self, refute=self.refute / parts)

    def one_sided(self) -> Shares:
        """The shares of a cell whose interval can lie beyond one end of its zone only."""
        return replace(self, refute=2 * self.refute)

    def retuned(self, tuned: float) -> Shares:
        """The same shares, with limits that are tightest elsewhere."""
        return replace(self, tuned=tuned)

    def confidence(self, verdict: Verdict) -> float:
        """The confidence of the interval that a verdict shows."""
        return 1.0 - 2.0 * (self.confirm if verdict is Verdict.CONFIRMED else self.refute)


@dataclass(frozen=True)
class Decision:
    """What limits say of a zone.

    Attributes
    ----------
    verdict : Verdict
    interval : pair of float
        The one that decides: inside of the zone where it confirms, outside where it refutes.
    confidence : float
        Of the interval.
    note : str
        Why the limits may not be believed yet.
    condition : float
        How far the tails are seen: replicates over those that they ask for, at least 1 where a standard error may
        be believed; NaN where the limits need no such condition.
    lasting : bool
        Whether the limits are not believed for want of a moment, which no number of replicates mends.
    exact : bool
        Whether the limits hold for every law.
    narrow, wide : pair of float
        The interval that may confirm, and the one that may refute.
    """

    verdict: Verdict
    interval: Interval
    confidence: float
    note: str
    condition: float
    lasting: bool
    exact: bool
    narrow: Interval
    wide: Interval

    @property
    def guarantee(self) -> Guarantee:
        """What the verdict rests on: nothing yet where the limits may not be believed."""
        if self.note:
            return Guarantee.NONE
        return Guarantee.EXACT if self.exact else Guarantee.ASYMPTOTIC

    def cell(
        self, scenario: Scenario, zone: Zone, estimate: float, mcse: float, replicates: int, shares: Shares
    ) -> Cell:
        """The cell that it decides; `replicates` are those that the limits rest on."""
        return Cell(
            scenario=scenario,
            theory=zone.theory,
            margin=zone.margin,
            estimate=estimate,
            mcse=mcse,
            interval=self.interval,
            verdict=self.verdict,
            reach=zone.reach(self.interval),
            note=self.note,
            confidence=self.confidence,
            guarantee=self.guarantee,
            condition=0.0 if self.lasting else self.condition,
            needed=needed(self, zone, estimate, replicates, shares),
            side=zone.side,
        )


def decide(zone: Zone, limits: Callable[[float], Limits], shares: Shares) -> Decision:
    """Compare limits with a zone.

    Parameters
    ----------
    zone : Zone
    limits : callable
        Limits of which each end holds at the share that it is called with.
    shares : Shares
    """
    confirming, refuting = limits(shares.confirm), limits(shares.refute)
    narrow, wide = _interval(confirming), _interval(refuting)
    if confirming.believed and zone.verdict(narrow) is Verdict.CONFIRMED:
        verdict, deciding = Verdict.CONFIRMED, confirming
    elif refuting.believed and zone.verdict(wide) is Verdict.REFUTED:
        verdict, deciding = Verdict.REFUTED, refuting
    else:
        verdict, deciding = Verdict.UNDECIDED, refuting
    undecided = verdict is Verdict.UNDECIDED
    # Limits that lie outside of the zone wait for their own tails, all others for those of the nearer ones.
    waiting = refuting if zone.verdict(wide) is Verdict.REFUTED else confirming
    condition = (waiting if undecided else deciding).condition
    return Decision(
        verdict=verdict,
        interval=_interval(deciding),
        confidence=shares.confidence(verdict),
        note=condition.reason if undecided and condition and not condition.met else "",
        condition=math.nan if condition is None else condition.value,
        lasting=undecided and condition is not None and condition.lasting,
        exact=deciding.condition is None,
        narrow=narrow,
        wide=wide,
    )


def needed(decision: Decision, zone: Zone, estimate: float, replicates: int, shares: Shares) -> int:
    """How many replicates will probably decide, if the estimate stays where it is.

    Limits close in as z(n) / sqrt(n) does. Twice as many where nobody can tell: with an estimate on the edge, with
    tails that have not been seen.

    Returns
    -------
    int
        Of each scenario of the cell, those that were drawn included; 0 where it is decided.
    """
    if decision.verdict is not Verdict.UNDECIDED:
        return 0
    low, high = zone.low, zone.high
    if low < estimate < high:
        ends, share = decision.narrow, shares.confirm
        ratio = max((ends[1] - estimate) / (high - estimate), (estimate - ends[0]) / (estimate - low))
    elif estimate > high:
        ratio, share = (estimate - decision.wide[0]) / (estimate - high), shares.refute
    elif estimate < low:
        ratio, share = (decision.wide[1] - estimate) / (low - estimate), shares.refute
    else:
        ratio, share = math.inf, shares.refute
    forecast = _closing(ratio, replicates, share, shares.tuned)
    if decision.condition < 1.0:
        seen = replicates / decision.condition if decision.condition > 0.0 else math.inf
        forecast = max(forecast, seen)
    elif decision.note:  # of a tail whose index, not its size, keeps the cell open
        forecast = max(forecast, 2.0 * replicates)
    if not forecast < FARTHEST:
        return 2 * replicates
    return max(math.ceil(forecast), replicates + 1)


def _closing(ratio: float, replicates: int, share: float, tuned: float) -> float:
    """The replicates at which limits are `ratio` times closer than now."""
    if not ratio < math.inf:
        return math.inf
    now = effective_z(replicates, share, tuned)
    forecast = replicates * ratio**2
    for _ in range(4):  # z changes by the logarithm only
        forecast = min(max(forecast, 1.0), float(FARTHEST))
        forecast = replicates * (ratio * effective_z(math.ceil(forecast), share, tuned) / now) ** 2
    return forecast


def _interval(limits: Limits) -> Interval:
    return limits.low, limits.high
