"""The levels of a line of a rate: a statistic of their draws, whether it can be regressed, and its influences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mcstudy.claims.belief import check_constant
from mcstudy.claims.deciding import Shares
from mcstudy.claims.powers import Powers
from mcstudy.draws import Sample
from mcstudy.exceptions import ClaimError
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Estimate, Statistic
from mcstudy.statistics.joint import Joint
from mcstudy.statistics.portions import chosen, in_portions
from mcstudy.statistics.replicatewise import Replicatewise
from mcstudy.statistics.several import joined

__all__ = ["Levels"]

FloatArray = npt.NDArray[np.float64]

# The delta method takes log(estimate) for normal; beyond this relative error it is not.
LARGEST_RELATIVE_ERROR = 0.25


@dataclass(frozen=True, eq=False)
class Levels:
    """The draws of a line, level by level.

    Attributes
    ----------
    of : Statistic
        What is regressed.
    powers : Powers
        On what.
    samples : tuple of Sample
        Those of the levels.
    common : tuple of str
        Factors whose levels share their random numbers.
    constant : bool
        Whether all replicates of a level are declared equal.
    """

    of: Statistic
    powers: Powers
    samples: tuple[Sample, ...]
    common: tuple[str, ...]
    constant: bool

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios of the levels."""
        return tuple(sample.scenario for sample in self.samples)

    @cached_property
    def streams(self) -> tuple[int, ...]:
        """A number for the random numbers of each level: scenarios that differ in common factors only share them."""
        numbers: dict[Scenario, int] = {}
        own = (scenario.without(*self.common) for scenario in self.scenarios)
        return tuple(numbers.setdefault(scenario, len(numbers)) for scenario in own)

    def values(self) -> Iterator[FloatArray]:
        """What the statistic is taken of, level by level; of levels paired by random numbers what all of them have.

        Large columns are read again whenever they are asked for: so one level at a time is in memory.
        """
        for sample, stream in zip(self.samples, self.streams, strict=True):
            kept = self._kept[stream]
            columns = [sample.columns[name][: kept.size] for name in self.of.columns]
            yield joined(columns if kept.all() else [chosen(column, kept) for column in columns])

    @cached_property
    def _kept(self) -> dict[int, npt.NDArray[np.bool_]]:
        """Where all levels of a stream have values."""
        present: dict[int, list[npt.NDArray[np.bool_]]] = {}
        for sample, stream in zip(self.samples, self.streams, strict=True):
            present.setdefault(stream, []).append(sample.kept(self.of))
        return {
            stream: masks[0]  # of a large sample, no copy
            if len(masks) == 1
            else np.logical_and.reduce([own[: min(map(len, masks))] for own in masks])
            for stream, masks in present.items()
        }

    @cached_property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistic at every level."""
        return tuple(self.of.at(scenario) for scenario in self.scenarios)

    @property
    def replicates(self) -> int:
        """The fewest replicates of a level."""
        return min(int(np.count_nonzero(self._kept[stream])) for stream in self.streams)

    @cached_property
    def estimates(self) -> tuple[Estimate, ...]:
        """What the statistic comes to at every level."""
        return tuple(of.estimate(values) for of, values in zip(self.statistics, self.values(), strict=True))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the levels are called: "n = 8"."""
        if self.powers.several:
            return tuple(
                ", ".join(f"{factor} = {scenario[factor]}" for factor in self.powers.names)
                for scenario in self.scenarios
            )
        return tuple(f"{self.powers.label} = {x:g}" for x in self.powers.levels(self.scenarios)[:, 0])

    def obstacle(self) -> str:
        """Why no line can be fitted, or nothing."""
        if self.of.each:
            lowest = [float(np.min(values)) for values in self.values()]
            worst = int(np.argmin(lowest))
            return "" if lowest[worst] > 0.0 else f"{self.of.column} is not positive at {self.names[worst]}"
        for name, estimate in zip(self.names, self.estimates, strict=True):
            if not 0.0 < estimate.value < math.inf:
                what = "infinite" if estimate.value == math.inf else "not positive"
                return f"the {self.of.label} is {what} at {name}"
            if estimate.mcse > LARGEST_RELATIVE_ERROR * estimate.value:
                return f"the {self.of.label} is not known to 25 % at {name}"
        return ""

    def needed(self) -> int:
        """How many replicates will probably let a line be fitted; 0 where nobody can tell."""
        errors = [one.mcse / one.value for one in self.estimates if 0.0 < one.value < math.inf]
        if len(errors) < len(self.estimates) or max(errors) == math.inf:
            return 0
        return math.ceil(self.replicates * (max(errors) / LARGEST_RELATIVE_ERROR) ** 2)

    def surely_negative(self, shares: Shares) -> str:
        """That a level's statistic lies below 0, which no draws can mend, with the remedy; or nothing."""
        parts = zip(self.names, self.estimates, self.statistics, self.values(), strict=True)
        for name, estimate, of, values in parts:
            if estimate.value < 0.0:
                limits = of.limits(values, shares.refute, shares.tuned)
                if self.constant or (limits.high < 0.0 and limits.believed):
                    return f"the {self.of.label} is negative at {name}: negate the column, or use rms"
        return ""

    def joint(self, claim_id: str) -> Joint:
        """The logarithms of the statistic with the influences of the replicates; it must be positive.

        Raises
        ------
        ClaimError
            If a replicate differs where all are declared equal.
        """
        for sample in self.samples if self.constant else ():
            for column in self.of.columns:
                check_constant(claim_id, sample, column)
        if self.of.each:
            return self._replicatewise(claim_id)
        parts = zip(self.statistics, self.values(), self.estimates, strict=True)
        centers = np.array([estimate.value for estimate in self.estimates])
        return Joint(
            logs=np.log(centers),
            errors=np.array([estimate.mcse for estimate in self.estimates]) / centers,
            influences=tuple(
                _divided(of.influence(values), estimate.value) for of, values, estimate in parts
            ),
            names=self.names,
            streams=self.streams,
            constant=self.constant,
        )

    def _replicatewise(self, claim_id: str) -> Joint:
        """The logarithms of each replicate, which has a line of its own."""
        if len(set(self.streams)) > 1:
            msg = (
                f"claim {claim_id}: `of` must be a statistic of levels that share their random numbers, got of_each over "
                f"{', '.join(self.names)}; name the factor in the experiment's `common`, or use mean, rms or quantile"
            )
            raise ClaimError(msg)
        own = np.log(np.stack(tuple(self.values()), axis=1))
        return Replicatewise(
            logs=np.median(own, axis=0),
            errors=np.array([estimate.mcse / estimate.value for estimate in self.estimates]),
            influences=tuple((own - np.mean(own, axis=0)).T),
            names=self.names,
            streams=self.streams,
            own=own,
        )


def _divided(influence: FloatArray, value: float) -> FloatArray:
    # Not in its place: a statistic may keep its influences.
    return in_portions(lambda portion: portion / value, influence)
