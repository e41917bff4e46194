"""A statistic equals its theoretical value to within a margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcstudy.claims.belief import check_constant, doubt
from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.theory import Relative, Theory, check_margin, check_statistic, evaluate
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Cell, Guarantee, Verdict, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Statistic

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
    constant : bool
        Declares that all replicates of a scenario are equal: only then do equal ones say what others would be.

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
    constant: bool = False

    kind = "value"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "margin", self.margin)
        check_statistic(self.id, self.of)

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """Exact where the statistic's interval holds for every law."""
        return Guarantee.EXACT if self.constant or self.of.is_exact else Guarantee.ASYMPTOTIC

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
        limits = self.of.limits(values - shift, confidence)
        # Paired, it is the differences that have an interval: theory is added back to stand beside the zone.
        offset = theory if np.ndim(shift) else 0.0
        interval = (limits.low + offset, limits.high + offset)
        if self.constant:
            check_constant(self.id, sample, self.of.column)
        note = "" if self.constant else doubt(limits.condition)
        cell = Cell(
            scenario=sample.scenario,
            theory=theory,
            margin=zone.margin,
            estimate=estimate.value + offset,
            mcse=estimate.mcse,
            interval=interval,
            verdict=Verdict.UNDECIDED if note else zone.verdict(interval),
            reach=zone.reach(interval),
            note=note,
        )
        return Assessment(cell)

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
