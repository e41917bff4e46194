"""Two levels of a factor compare as theory says: a difference or a ratio of a statistic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares, decide
from mcstudy.claims.theory import Relative, Theory, check_margin, check_statistic, evaluate
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Cell, Interval, Side, Zone
from mcstudy.scenarios import Level, Scenario
from mcstudy.statistics import Statistic
from mcstudy.statistics.expansion import Expansion, expansion, side_by_side
from mcstudy.statistics.intervals import standard_error
from mcstudy.statistics.portions import chosen
from mcstudy.statistics.several import joined
from mcstudy.statistics.smooth import combined
from mcstudy.statistics.tails import FEWEST
from mcstudy.words import said

__all__ = ["Contrast"]

FUNCTIONS: dict[str, Callable[..., Any]] = {"difference": np.subtract, "ratio": np.divide}
WORDS = {"difference": "minus", "ratio": "over"}


@dataclass(frozen=True, kw_only=True)
class Contrast(Claim):
    r"""A statistic at one level of a factor minus, or over, that at another level is what theory says.

    Where the levels share their random numbers (`common` of the experiment) replicates are paired, and what they
    have in common cancels; otherwise the two samples are independent.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source`, `allowed_failures` and `weight`.
    of : Statistic
        Of any columns.
    across : str
        The factor.
    levels : pair
        The level that is compared, and the one that it is compared with.
    kind : {"difference", "ratio"}
    equals : float or callable, optional
        The theoretical value: a number, or a function of the other factors that it names; with `margin`.
    margin : float or Relative, optional
    at_most, at_least : float or callable, optional
        A bound on one side, in place of `equals` and `margin`.

    Examples
    --------
    >>> from mcstudy.statistics import mean
    >>> Contrast("gain", "a < b", of=mean("loss"), across="method", levels=("a", "b"), at_most=0.0).estimand
    'mean of loss, method = a minus b'
    """

    of: Statistic
    across: str
    levels: tuple[Level, Level]
    kind: str = "difference"
    equals: Theory | None = None
    margin: float | Relative | None = None
    at_most: Theory | None = None
    at_least: Theory | None = None

    finding_kind = "contrast"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_statistic(self.id, self.of)
        if self.kind not in FUNCTIONS:
            msg = f"claim {self.id}: `kind` must be 'difference' or 'ratio', got {said(self.kind)}"
            raise ClaimError(msg)
        given = [name for name in ("equals", "at_most", "at_least") if getattr(self, name) is not None]
        if len(given) != 1:
            msg = f"claim {self.id}: a contrast must have one of `equals`, `at_most` and `at_least`, got {' and '.join(given) or 'none'}"
            raise ClaimError(msg)
        if (self.margin is None) == (self.equals is not None):
            msg = (
                f"claim {self.id}: `margin` must go with `equals`, got {said(self.margin)} with `{given[0]}`"
            )
            raise ClaimError(msg)
        if self.margin is not None:
            check_margin(self.id, "margin", self.margin)
        if not isinstance(self.levels, Sequence) or len(self.levels) != 2 or self.levels[0] == self.levels[1]:
            msg = f"claim {self.id}: `levels` must be two different levels of {self.across}, got {said(self.levels)}"
            raise ClaimError(msg)

    @property
    def estimand(self) -> str:
        """The statistic, and what is compared."""
        one, other = self.levels
        return f"{self.of.label}, {self.across} = {one} {WORDS[self.kind]} {other}"

    def columns(self) -> tuple[str, ...]:
        """What the statistic is taken of."""
        return self.of.columns

    def unbounded(self) -> tuple[str, ...]:
        """Those of the statistic."""
        return self.of.unbounded

    @property
    def least(self) -> int:
        """What the statistic needs."""
        return self.of.fewest

    def kept(self, sample: Sample) -> npt.NDArray[np.bool_]:
        """The replicates that the statistic is taken of; those without a value too where it counts them."""
        return sample.kept(self.of)

    def worst_case(self, samples: tuple[Sample, ...], cell: Cell) -> Interval | None:
        """Bounds of a difference, from those of both levels."""
        if self.kind != "difference":
            return None
        ends = [
            self.of.at(sample.scenario).worst_case(
                sample.taken(self.of), int(np.count_nonzero(~self.kept(sample)))
            )
            for sample in samples
        ]
        if None in ends:
            return None
        (low, high), (other_low, other_high) = filter(None, ends)
        return low - other_high, high - other_low

    def select(self, scenarios: Sequence[Scenario]) -> list[Scenario]:
        """The scenarios of the two levels."""
        return [
            scenario for scenario in super().select(scenarios) if scenario.get(self.across) in self.levels
        ]

    def groups(self, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ...]]:
        """The pairs, in the order of the levels."""
        pairs: dict[Scenario, list[Scenario]] = {}
        for scenario in self.select(scenarios):
            pairs.setdefault(scenario.without(self.across), []).append(scenario)
        return [tuple(sorted(pair, key=self._place)) for pair in pairs.values()]

    def _place(self, scenario: Scenario) -> int:
        return list(self.levels).index(scenario[self.across])

    def cell_scenario(self, scenario: Scenario) -> Scenario:
        """The factors that name a pair."""
        return scenario.without(self.across)

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse a factor that is none before levels of it are looked for."""
        self._check_factor("across", self.across, list(scenarios[0]))
        super().check(scenarios)

    def check_cells(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse pairs that lack a level, and theory that is no number."""
        for pair in self.groups(scenarios):
            if len(pair) != 2:
                found = [scenario[self.across] for scenario in pair]
                msg = f"claim {self.id}: `levels` must both be there in each pair, got {found} at {self.cell_scenario(pair[0])}; use `where`"
                raise ClaimError(msg)
            self._zone(self.cell_scenario(pair[0]))

    def fewest(self, shares: Shares) -> int:
        """So many that their tails can be seen."""
        return FEWEST

    def _zone(self, scenario: Scenario) -> Zone:
        if self.at_most is not None:
            return Zone(evaluate(self.id, "at_most", self.at_most, scenario), 0.0, Side.AT_MOST)
        if self.at_least is not None:
            return Zone(evaluate(self.id, "at_least", self.at_least, scenario), 0.0, Side.AT_LEAST)
        theory = evaluate(self.id, "equals", self.equals or 0.0, scenario)
        if not isinstance(self.margin, Relative):
            return Zone(theory, float(self.margin or 0.0))
        if theory == 0.0:
            msg = f"claim {self.id}: `margin` must be absolute where theory is 0, got relative({self.margin.fraction})"
            raise ClaimError(msg)
        return Zone(theory, self.margin.fraction * abs(theory))

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Compare the limits of the difference, or the ratio, with the zone."""
        scenario = self.cell_scenario(samples[0].scenario)
        zone = self._zone(scenario)
        paired = self.across in draws.common
        kept = self._kept_in_common(samples) if paired else [self.kept(sample) for sample in samples]
        if (common := min(int(np.count_nonzero(mask)) for mask in kept)) < self.least:
            note = f"{common} replicates have a value at both levels: {self.least} are the least"
            return Assessment(replace(Cell.unjudged(scenario, zone), note=note))
        parts = [self._expanded(sample, mask) for sample, mask in zip(samples, kept, strict=True)]
        parts = parts if paired else side_by_side(parts)
        count = min(np.count_nonzero(self.kept(sample)) for sample in samples)
        found = combined(FUNCTIONS[self.kind], parts)
        own = shares if zone.side is Side.BOTH else shares.one_sided()
        limits = found.limiting(replicates=int(count))
        decision = decide(zone, lambda share: limits(share, own.tuned), own)
        mcse = standard_error(found.influence)
        return Assessment(decision.cell(scenario, zone, found.value, mcse, int(count), own))

    def _kept_in_common(self, samples: tuple[Sample, ...]) -> list[npt.NDArray[np.bool_]]:
        """The replicates that both levels have, for each."""
        shortest = min(sample.replicates for sample in samples)
        kept = np.logical_and.reduce([self.kept(sample)[:shortest] for sample in samples])
        return [kept] * len(samples)

    def _expanded(self, sample: Sample, kept: npt.NDArray[np.bool_]) -> Expansion:
        values = joined([chosen(sample.columns[name][: len(kept)], kept) for name in self.columns()])
        return expansion(self.of.at(sample.scenario), values)
