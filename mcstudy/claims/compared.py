"""What claims on a statistic have in common: what it is compared with, and the limits that they rest on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcstudy.checks import is_real
from mcstudy.claims.belief import check_constant, check_range
from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares, decide
from mcstudy.claims.theory import Theory, check_statistic, evaluate
from mcstudy.draws import Draws, Sample, summarise
from mcstudy.exceptions import ClaimError, InputError
from mcstudy.findings import Cell, Interval, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Limits, Statistic
from mcstudy.statistics.bounded import BoundedMean
from mcstudy.statistics.paged import leave
from mcstudy.statistics.pools import extremes, mean_of
from mcstudy.statistics.portions import in_portions, places
from mcstudy.statistics.several import joined
from mcstudy.statistics.statistic import Limiting, Summary
from mcstudy.statistics.tails import FEWEST
from mcstudy.statistics.worst_case import mean_bounds
from mcstudy.words import said

__all__ = ["Compared"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Compared(Claim):
    """Base of the claims that compare a statistic with theory, scenario by scenario.

    A subclass says with what (`theory`) and how far they may lie apart (`zone`).

    Parameters
    ----------
    of : Statistic
    constant : bool
        Declares that all replicates of a scenario are equal: only then do equal ones say what others would be.
    range : pair of float, optional
        Declares that what a mean is taken of (the differences where it is paired) lies within these two: then the
        limits hold for every law and every number of replicates. A replicate outside is an error.
    """

    of: Statistic
    constant: bool = False
    range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_statistic(self.id, self.of)
        self._check_range()

    def _check_range(self) -> None:
        if self.range is None:
            return
        ends = tuple(self.range) if isinstance(self.range, Sequence) else ()
        if len(ends) != 2 or not all(map(is_real, ends)) or not ends[0] < ends[1]:
            msg = f"claim {self.id}: `range` must be two numbers (low, high), low below high, got {said(self.range)}"
            raise ClaimError(msg)
        if self.of.name != "mean" or self.constant:
            other = "a constant" if self.constant else f"a {self.of.name}"
            msg = f"claim {self.id}: `range` must go with a mean, got {other}; leave `range` out"
            raise ClaimError(msg)

    @property
    @abstractmethod
    def theory(self) -> tuple[str, Theory | str]:
        """The argument that holds what the statistic is compared with, and that: a theory or a column."""

    @abstractmethod
    def zone(self, theory: float) -> Zone:
        """What counts as agreement."""

    def shares(self, shares: Shares, zone: Zone) -> Shares:
        """What a cell may spend, and where its limits are to be tightest."""
        return shares

    @property
    def estimand(self) -> str:
        """The statistic and its column."""
        return self.of.label

    def columns(self) -> tuple[str, ...]:
        """The statistic's column, and that of the theoretical value if it has one."""
        _, theory = self.theory
        return (*self.of.columns, theory) if isinstance(theory, str) else self.of.columns

    def unbounded(self) -> tuple[str, ...]:
        """Those of the statistic, but for what it is compared with."""
        _, theory = self.theory
        return tuple(name for name in self.of.unbounded if name != theory)

    @property
    def least(self) -> int:
        """What the statistic needs."""
        return self.of.fewest

    def kept(self, sample: Sample) -> npt.NDArray[np.bool_]:
        """The replicates that the statistic is taken of, and theory where it is a column."""
        _, theory = self.theory
        return super().kept(sample) if isinstance(theory, str) else sample.kept(self.of)

    def worst_case(self, samples: tuple[Sample, ...], cell: Cell) -> Interval | None:
        """Bounds where the statistic has some, or the author states a range."""
        (sample,) = samples
        if self.constant:
            return None
        missing = cell.replicates - cell.drawn
        values, theory, shift = self._compared(sample)
        if self.range is not None:
            offset = _offset(theory, shift)
            within = (float(self.range[0]) + offset, float(self.range[1]) + offset)
            return mean_bounds(cell.estimate, cell.drawn, missing, within)
        return self.of.at(sample.scenario).worst_case(values, missing)

    def check_cells(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse a theoretical value that is no number, and a zone that is none."""
        name, theory = self.theory
        if not isinstance(theory, str):
            for scenario in scenarios:
                self.zone(evaluate(self.id, name, theory, scenario))

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Compare the statistic's limits with the zone in one scenario."""
        (sample,) = samples
        values, theory, shift = self._compared(sample)
        zone = self.zone(theory)
        own = self.shares(shares, zone)
        of, places = self.of.at(sample.scenario), _less(values, shift)
        offset, (estimate, limiting) = _offset(theory, shift), self._summary(of, sample, places)

        def limits(share: float) -> Limits:
            low, high, condition = limiting(share, own.tuned)
            return Limits(low + offset, high + offset, condition)

        decision = decide(zone, limits, own)
        cell = decision.cell(sample.scenario, zone, estimate.value + offset, estimate.mcse, len(values), own)
        return Assessment(cell)

    def prepare(self, samples: Sequence[Sample]) -> None:
        """Summarise samples of one size together."""
        if not (self._is_plain and self.of.shared):
            return
        alike: dict[Statistic, list[Sample]] = {}
        for sample in samples:
            with suppress(InputError):  # of a scenario that it has no number for: who assesses it is told
                alike.setdefault(self.of.at(sample.scenario), []).append(sample)
        for of, own in alike.items():
            summarise(own, of)

    @property
    def _is_plain(self) -> bool:
        """Whether its limits are those of the statistic by itself."""
        return not self.constant and self.range is None and not isinstance(self.theory[1], str)

    def _summary(self, of: Statistic, sample: Sample, values: FloatArray) -> Summary:
        if self._is_plain:
            return sample.summary(of)
        return Summary(of.estimate(values), self._limiting(of, sample, values))

    def _limiting(self, of: Statistic, sample: Sample, values: FloatArray) -> Limiting:
        if self.constant:
            for column in self.columns():
                check_constant(self.id, sample, column)
            value = of.estimate(values).value
            return lambda share, tuned: Limits(value, value)
        if self.range is not None:
            low, high = check_range(self.id, sample, values, self.range, self.columns())
            bounded = BoundedMean(low, high)
            for place in places(values.size):
                bounded = bounded.extended(values[place])
                leave(values)
            return lambda share, tuned: Limits(*bounded.limits(share=share, tuned=tuned))
        return of.limiting(values)

    def fewest(self, shares: Shares) -> int:
        """So many that their tails can be seen, where limits rest on tails."""
        free = self.constant or self.range is not None or self.of.is_exact
        return super().fewest(shares) if free else FEWEST

    def _compared(self, sample: Sample) -> tuple[FloatArray, float, float | FloatArray]:
        """The replicates, the theoretical value, and what to subtract from each replicate to pair with it."""
        name, claimed = self.theory
        if not isinstance(claimed, str):
            return sample.taken(self.of), evaluate(self.id, name, claimed, sample.scenario), 0.0
        *values, theory = sample.values(*self.of.columns, claimed)
        if len(set(extremes(theory))) == 1:  # a number that `simulate` has computed: no pair is needed
            return joined(values), float(theory[0]), 0.0
        if self.of.name != "mean":
            msg = (
                f"claim {self.id}: column `{claimed}` must be constant within a scenario to be compared with "
                f"a {self.of.name}, but it varies in {sample.scenario}; compare means, or normalise the column"
            )
            raise ClaimError(msg)
        return values[0], mean_of(theory), theory


def _less(values: FloatArray, shift: float | FloatArray) -> FloatArray:
    """The replicates that are judged: themselves, but where a column of theory is taken off."""
    return in_portions(np.subtract, values, shift) if isinstance(shift, np.ndarray) else values


def _offset(theory: float, shift: float | FloatArray) -> float:
    """What is added back to limits: paired, they are those of the differences, and have to stand beside the zone."""
    return theory if np.ndim(shift) else 0.0
