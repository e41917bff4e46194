"""The levels of a line of a rate: a statistic of their draws, whether it can be regressed, and its influences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mcstudy.claims.belief import check_constant
from mcstudy.claims.deciding import Shares
from mcstudy.claims.powers import Powers
from mcstudy.draws import Sample
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Estimate, Statistic
from mcstudy.statistics.joint import Joint

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

    @cached_property
    def values(self) -> tuple[FloatArray, ...]:
        """The column at every level; levels that share random numbers keep the replicates that all of them have."""
        column = self.of.column
        kept = {stream: self._kept(stream) for stream in set(self.streams)}
        return tuple(
            sample.columns[column][: kept[stream].size][kept[stream]]
            for sample, stream in zip(self.samples, self.streams, strict=True)
        )

    def _kept(self, stream: int) -> npt.NDArray[np.bool_]:
        present = [
            sample.present(self.of.column)
            for sample, own in zip(self.samples, self.streams, strict=True)
            if own == stream
        ]
        count = min(map(len, present))
        return np.asarray(np.logical_and.reduce([own[:count] for own in present]))

    @property
    def replicates(self) -> int:
        """The fewest replicates of a level."""
        return min(map(len, self.values))

    @cached_property
    def estimates(self) -> tuple[Estimate, ...]:
        """The statistic at every level."""
        return tuple(self.of.estimate(column) for column in self.values)

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
        for name, estimate in zip(self.names, self.estimates, strict=True):
            if not estimate.value > 0.0:
                return f"the {self.of.label} is not positive at {name}"
            if estimate.mcse > LARGEST_RELATIVE_ERROR * estimate.value:
                return f"the {self.of.label} is not known to 25 % at {name}"
        return ""

    def needed(self) -> int:
        """How many replicates will probably let a line be fitted; 0 where nobody can tell."""
        errors = [one.mcse / one.value for one in self.estimates if one.value > 0.0]
        if len(errors) < len(self.estimates):
            return 0
        return math.ceil(self.replicates * (max(errors) / LARGEST_RELATIVE_ERROR) ** 2)

    def surely_negative(self, shares: Shares) -> str:
        """That a level's statistic lies below 0, which no draws can mend, with the remedy; or nothing."""
        for name, estimate, column in zip(self.names, self.estimates, self.values, strict=True):
            if estimate.value < 0.0:
                limits = self.of.limits(column, shares.refute, shares.tuned)
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
            check_constant(claim_id, sample, self.of.column)
        values = np.array([estimate.value for estimate in self.estimates])
        return Joint(
            logs=np.log(values),
            errors=np.array([estimate.mcse for estimate in self.estimates]) / values,
            influences=tuple(
                self.of.influence(column) / value for column, value in zip(self.values, values, strict=True)
            ),
            names=self.names,
            streams=self.streams,
            constant=self.constant,
        )
