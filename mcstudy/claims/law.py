"""A column has a given law, or the same law in two scenarios: a Kolmogorov distance, confirmed point by point."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares
from mcstudy.claims.theory import check_margin
from mcstudy.draws import Draws, Sample
from mcstudy.evidence import LawCell, LawEvidence
from mcstudy.exceptions import ClaimError
from mcstudy.factors import call_with_factors
from mcstudy.findings import Cell, Guarantee, Verdict, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics.distances import Steps
from mcstudy.statistics.ordering import ordered
from mcstudy.statistics.paged import leave
from mcstudy.statistics.portions import appended, in_portions, places
from mcstudy.statistics.sequences import effective_z, law_band, replicates_for
from mcstudy.statistics.tails import FEWEST
from mcstudy.statistics.ties import clusters, widened

__all__ = ["Distribution", "Law", "SameLaw"]

FloatArray = npt.NDArray[np.float64]

CURVE = np.linspace(0.0, 1.0, 101)  # where the report draws the deviation


class Distribution(Protocol):
    """A frozen scipy distribution, or anything else with a distribution function."""

    def cdf(self, x: Any) -> Any:
        """P(X <= x), elementwise."""


@dataclass(frozen=True, kw_only=True)
class _Distance(Claim):
    """Base of the claims on a law: an interval for a Kolmogorov distance, against a distance margin."""

    column: str
    margin: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "margin", self.margin)

    def columns(self) -> tuple[str, ...]:
        """The column whose law is claimed."""
        return (self.column,)

    def unbounded(self) -> tuple[str, ...]:
        """The column: a law may have atoms at the infinities."""
        return (self.column,)

    def _judge(
        self, scenario: Scenario, found: LawCell, upper: float, shares: Shares, *counts: int
    ) -> Assessment:
        """Compare a distance with the margin; `counts` are the replicates of each sample that it rests on."""
        zone = Zone(0.0, self.margin)
        interval = (max(0.0, found.distance - found.band), min(1.0, upper))
        verdict = zone.verdict(interval)
        # The distance of a sample shrinks with its error: both close in on the margin together.
        needed = min(counts) * (upper / self.margin) ** 2 if verdict is Verdict.UNDECIDED else 0
        cell = Cell(
            scenario=scenario,
            theory=0.0,
            margin=self.margin,
            estimate=found.distance,
            # The largest standard error that empirical distribution functions have at a point: p = 1/2.
            mcse=0.5 * math.sqrt(sum(1.0 / count for count in counts)),
            interval=interval,
            verdict=verdict,
            reach=zone.reach(interval),
            confidence=shares.confidence(verdict),
            needed=math.ceil(needed),
        )
        return Assessment(cell, found)

    def collect(self, assessments: Sequence[Assessment]) -> LawEvidence:
        """Distance, band and deviation curve of every cell."""
        return LawEvidence(cells=tuple(assessment.evidence for assessment in assessments))


@dataclass(frozen=True, kw_only=True)
class Law(_Distance):
    r"""A column has a given distribution.

    The interval is that of the Kolmogorov distance between the law of the column and the claimed one, from the
    empirical distribution function. It is refuted by a band around the whole function; it is confirmed point by
    point, because a law that differs by the margin does so somewhere (`statistics.distances.Steps`). Both hold
    for every law and at every number of replicates. The law may be discrete, and have atoms at the infinities.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    column : str
    distribution : frozen scipy distribution, or callable
        The claimed law, or a function of the scenario's factors giving it.
    margin : float
        The largest Kolmogorov distance that counts as agreement.
    """

    distribution: Distribution | Callable[..., Distribution]

    kind = "law"

    @property
    def estimand(self) -> str:
        """The distance in words."""
        return f"Kolmogorov distance of {self.column} from its law"

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Measure the distance from the claimed law in one scenario."""
        (sample,) = samples
        law = self._law(sample.scenario)
        found = clusters(sample.values(self.column)[0])
        count = len(sample.values(self.column)[0])
        own = shares.retuned(max(FEWEST, replicates_for(2.0 * self.margin, shares.confirm)))
        # The supremum is reached at a replicate or just before one: the left limits see it where the law jumps.
        before = in_portions(lambda points: law.cdf(widened(points, -1)), found.low)
        if found.low[0] == -math.inf:
            before[0] = 0.0  # also of a law with an atom there
        at = in_portions(lambda points: law.cdf(widened(points, 1)), found.high)
        steps = Steps(counts=found.counts, at=at, before=before)
        cell = _law_cell(steps.deviations(), law_band(count, own.refute), found.merged)
        upper = steps.upper_limit(self.margin, own.confirm, own.tuned)
        return self._judge(sample.scenario, cell, upper, own, count)

    def rehearse(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse what has no distribution function."""
        for scenario in scenarios:
            self._law(scenario)

    def _law(self, scenario: Scenario) -> Distribution:
        try:
            law = self.distribution
            if not hasattr(law, "cdf"):
                law = call_with_factors(law, scenario)
            known = np.isfinite(law.cdf(0.0))
        except Exception as error:
            msg = (
                f"claim {self.id}: `distribution` must be a frozen scipy distribution, or a function of the factors giving "
                f"one, but in {scenario} it raised {type(error).__name__}: {error}"
            )
            raise ClaimError(msg) from error
        if not known:
            msg = f"claim {self.id}: `distribution` must have a distribution function, but in {scenario} its cdf is nan"
            raise ClaimError(msg)
        return law


def _law_cell(portions: Iterable[tuple[FloatArray, FloatArray]], band: float, merged: int) -> LawCell:
    """The distance, and the deviation on the grid of probabilities: the largest that falls to each point.

    Parameters
    ----------
    portions : iterable of pairs of arrays, shape (k,)
        Ascending values of one distribution function where the deviation may be largest, and the other one minus it.
    band : float
    merged : int
        Values that were taken for others, which only rounding tells apart.
    """
    curve: FloatArray | None = None
    highest, lowest = np.full(CURVE.size, -math.inf), np.full(CURVE.size, math.inf)
    for probability, deviation in portions:
        last = np.searchsorted(probability, CURVE, side="right") - 1
        curve = np.where(last < 0, deviation[0] if curve is None else curve, deviation[last])
        nearest = np.rint(probability * (CURVE.size - 1)).astype(np.intp)
        points, first = np.unique(nearest, return_index=True)
        highest[points] = np.maximum(highest[points], np.maximum.reduceat(deviation, first))
        lowest[points] = np.minimum(lowest[points], np.minimum.reduceat(deviation, first))
    extreme = np.where(highest >= -lowest, highest, lowest)
    curve = np.where(np.isfinite(highest), extreme, 0.0 if curve is None else curve)
    return LawCell(float(max(np.max(highest), -np.min(lowest))), band, CURVE, curve, merged)


def _differences(
    points: FloatArray, one: FloatArray, other: FloatArray
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """The distribution function of the second of two ordered samples at ascending points, and the first's minus it."""
    for place in places(points.size):
        own, its = (
            np.searchsorted(values, points[place], side="right") / len(values) for values in (one, other)
        )
        yield its, own - its
        leave(points, one, other)


@dataclass(frozen=True, kw_only=True)
class SameLaw(_Distance):
    r"""A column has the same law at two levels of a factor, whatever that law is.

    The interval is that of the Kolmogorov distance between the two laws. It is refuted by bands around the two
    empirical distribution functions; it is confirmed point by point, where their difference is nearly normal.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    column : str
    across : str
        The factor; `where` must leave exactly two levels of it.
    margin : float
        The largest Kolmogorov distance that counts as agreement.
    """

    across: str

    kind = "same_law"

    @property
    def estimand(self) -> str:
        """The distance in words."""
        return f"Kolmogorov distance of {self.column} between the levels of {self.across}"

    def groups(self, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ...]]:
        """The pairs of scenarios that differ in the factor only."""
        pairs: dict[Scenario, list[Scenario]] = {}
        for scenario in self.select(scenarios):
            pairs.setdefault(scenario.without(self.across), []).append(scenario)
        return [tuple(pair) for pair in pairs.values()]

    def cell_scenario(self, scenario: Scenario) -> Scenario:
        """The factors that name a pair."""
        return scenario.without(self.across)

    def check_cells(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse anything but pairs."""
        for pair in self.groups(scenarios):
            self._check_factor("across", self.across, list(pair[0]))
            if len(pair) != 2:
                levels = [scenario[self.across] for scenario in pair]
                msg = f"claim {self.id}: `across` must compare exactly 2 levels of {self.across}, got {levels}; use `where`"
                raise ClaimError(msg)

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Measure the distance between the two laws."""
        one, other = (ordered(sample.values(self.column)[0]) for sample in samples)
        found = clusters(appended(one, other))
        # Half of what may go wrong for each of the two bands.
        bands = [law_band(len(values), shares.refute / 2) for values in (one, other)]
        cell = _law_cell(_differences(found.high, one, other), sum(bands), found.merged)
        # An indicator varies by 1/4 at most; where they are paired, both may miss in opposite directions.
        errors = [0.5 / math.sqrt(len(values)) for values in (one, other)]
        error = sum(errors) if self.across in draws.common else math.hypot(*errors)
        z = effective_z(min(len(one), len(other)), shares.confirm, shares.tuned)
        upper = cell.distance + z * error
        assessment = self._judge(
            self.cell_scenario(samples[0].scenario), cell, upper, shares, len(one), len(other)
        )
        if assessment.cell.verdict is Verdict.REFUTED:
            return assessment
        return replace(assessment, cell=replace(assessment.cell, guarantee=Guarantee.ASYMPTOTIC))
