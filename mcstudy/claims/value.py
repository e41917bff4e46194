"""A statistic equals its theoretical value to within a margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.theory import Relative, Theory, check_margin, check_statistic, evaluate
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Cell, Guarantee, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Statistic, proportion

__all__ = ["Value"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Value(Claim):
    r"""A statistic of a column equals a theoretical value to within a margin, in every scenario.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    of : Statistic
        ``mean("loss")``, ``variance("loss")``, ``proportion("covered")``, ...
    equals : float, str or callable
        The theoretical value: a number; a function of the factors that it names; or the name of a
        column that holds it for each replicate. With a column and a mean the comparison is paired: the
        interval is that of the mean difference. With another statistic the column must be constant.
    margin : float or Relative
        Half the width of the zone; ``relative(0.01)`` is 1 % of the theoretical value.

    Examples
    --------
    >>> from mcstudy.claims.theory import relative
    >>> from mcstudy.statistics import mean
    >>> Value("1.mean", r"\mathbb{E} X = 1", of=mean("x"), equals=1.0, margin=relative(0.01)).estimand
    'mean of x'
    """

    of: Statistic
    equals: Theory | str
    margin: float | Relative

    kind = "value"
    guarantee = Guarantee.ASYMPTOTIC

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "margin", self.margin)
        check_statistic(self.id, self.of)

    @property
    def estimand(self) -> str:
        """The statistic and its column."""
        return self.of.label

    def columns(self) -> tuple[str, ...]:
        """The statistic's column, and that of the theoretical value if it has one."""
        return (self.of.column, self.equals) if isinstance(self.equals, str) else (self.of.column,)

    def check_cells(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse a theoretical value that is no number, and a relative margin around zero."""
        if not isinstance(self.equals, str):
            for scenario in scenarios:
                self._zone(evaluate(self.id, "equals", self.equals, scenario))

    def _zone(self, theory: float) -> Zone:
        if not isinstance(self.margin, Relative):
            return Zone(theory, self.margin)
        if theory == 0.0:
            msg = f"claim {self.id}: `margin` must be absolute where theory is 0, got relative({self.margin.fraction})"
            raise ClaimError(msg)
        return Zone(theory, self.margin.fraction * abs(theory))

    def assess(self, samples: tuple[Sample, ...], confidence: float, draws: Draws) -> Assessment:
        """Compare the statistic's interval with the zone in one scenario."""
        (sample,) = samples
        values, theory, shift = self._compared(sample)
        zone = self._zone(theory)
        estimate = self.of.estimate(values - shift)
        low, high = self._statistic(values).interval(values - shift, confidence)
        # Paired, it is the differences that have an interval: theory is added back to stand beside the zone.
        offset = theory if np.ndim(shift) else 0.0
        interval = (low + offset, high + offset)
        cell = Cell(
            scenario=sample.scenario,
            theory=theory,
            margin=zone.margin,
            estimate=estimate.value + offset,
            mcse=estimate.mcse,
            interval=interval,
            verdict=zone.verdict(interval),
            reach=zone.reach(interval),
        )
        return Assessment(cell)

    def _statistic(self, values: FloatArray) -> Statistic:
        """The statistic whose interval is honest: the mean of zeros and ones is a proportion."""
        indicator = self.of.name == "mean" and not isinstance(self.equals, str) and _are_indicators(values)
        return proportion(self.of.column) if indicator else self.of

    def _compared(self, sample: Sample) -> tuple[FloatArray, float, float | FloatArray]:
        """The replicates, the theoretical value, and what to subtract from each replicate to pair with it."""
        if not isinstance(self.equals, str):
            (values,) = sample.values(self.of.column)
            return values, evaluate(self.id, "equals", self.equals, sample.scenario), 0.0
        values, theory = sample.values(self.of.column, self.equals)
        if np.ptp(theory) == 0.0:  # a number that `simulate` has computed: no pair is needed
            return values, float(theory[0]), 0.0
        if self.of.name != "mean":
            msg = (
                f"claim {self.id}: column `{self.equals}` must be constant within a scenario to be compared with "
                f"a {self.of.name}, but it varies in {sample.scenario}; compare means, or normalise the column"
            )
            raise ClaimError(msg)
        return values, float(np.mean(theory)), theory


def _are_indicators(values: FloatArray) -> bool:
    return bool(np.all((values == 0.0) | (values == 1.0)))
