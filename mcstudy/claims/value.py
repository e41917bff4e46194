"""A statistic equals its theoretical value to within a margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcstudy.checks import is_real
from mcstudy.claims.belief import check_constant, check_range
from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares, decide
from mcstudy.claims.theory import Relative, Theory, check_margin, check_statistic, evaluate
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Limits, Statistic
from mcstudy.statistics.bounded import BoundedMean
from mcstudy.statistics.sequences import replicates_for
from mcstudy.statistics.tails import FEWEST

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
    range : pair of float, optional
        Declares that what a mean is taken of (the differences where it is paired) lies within these two: then the
        limits hold for every law and every number of replicates. A replicate outside is an error.

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
    range: tuple[float, float] | None = None

    kind = "value"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "margin", self.margin)
        check_statistic(self.id, self.of)
        self._check_range()

    def _check_range(self) -> None:
        if self.range is None:
            return
        ends = tuple(self.range) if isinstance(self.range, Sequence) else ()
        if len(ends) != 2 or not all(map(is_real, ends)) or not ends[0] < ends[1]:
            msg = f"claim {self.id}: `range` must be two numbers (low, high), low below high, got {self.range!r}"
            raise ClaimError(msg)
        if self.of.name != "mean" or self.constant:
            other = "a constant" if self.constant else f"a {self.of.name}"
            msg = f"claim {self.id}: `range` must go with a mean, got {other}; leave `range` out"
            raise ClaimError(msg)

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

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Compare the statistic's limits with the zone in one scenario."""
        (sample,) = samples
        values, theory, shift = self._compared(sample)
        zone = self._zone(theory)
        own = shares.retuned(self._tuned(zone, shares))
        places = values - shift
        # Paired, it is the differences that have limits: theory is added back to stand beside the zone.
        offset = theory if np.ndim(shift) else 0.0

        def limits(share: float) -> Limits:
            low, high, condition = self._limits(sample, places, share, own.tuned)
            return Limits(low + offset, high + offset, condition)

        decision = decide(zone, limits, own)
        estimate = self.of.estimate(places)
        cell = decision.cell(sample.scenario, zone, estimate.value + offset, estimate.mcse, len(values), own)
        return Assessment(cell)

    def _tuned(self, zone: Zone, shares: Shares) -> float:
        """Where limits are to be tightest: at the number of replicates that the margin asks for, where that is known."""
        # Within a margin of 0 or 1 the spread of a proportion is that at the edge of the zone.
        inside = min(max(zone.theory, zone.margin), 1.0 - zone.margin)
        scale = self.of.scale(inside)
        return max(FEWEST, replicates_for(zone.margin / scale, shares.confirm)) if scale else shares.tuned

    def _limits(self, sample: Sample, values: FloatArray, share: float, tuned: float) -> Limits:
        if self.constant:
            for column in self.columns():
                check_constant(self.id, sample, column)
            value = self.of.estimate(values).value
            return Limits(value, value)
        if self.range is not None:
            low, high = check_range(self.id, sample, values, self.range, self.columns())
            return Limits(*BoundedMean(low, high).extended(values).limits(share=share, tuned=tuned))
        return self.of.limits(values, share, tuned)

    def fewest(self, shares: Shares) -> int:
        """So many that their tails can be seen, where limits rest on tails."""
        free = self.constant or self.range is not None or self.of.is_exact
        return super().fewest(shares) if free else FEWEST

    def _compared(self, sample: Sample) -> tuple[FloatArray, float, float | FloatArray]:
        """The replicates, the theoretical value, and what to subtract from each replicate to pair with it."""
        if not isinstance(self.equals, str):
            (values,) = sample.values(self.of.column)
            return values, evaluate(self.id, "equals", self.equals, sample.scenario), 0.0
        values, theory = sample.values(self.of.column, self.equals)
        if np.ptp(theory) == 0.0:  # a number that `simulate` has computed: no pair is needed
            return values, float(theory[0]), 0.0
        if isinstance(self.margin, Relative):
            msg = (
                f"claim {self.id}: `margin` must be absolute where column `{self.equals}` varies within a scenario, "
                f"got relative({self.margin.fraction}); divide both columns by the scale of theory"
            )
            raise ClaimError(msg)
        if self.of.name != "mean":
            msg = (
                f"claim {self.id}: column `{self.equals}` must be constant within a scenario to be compared with "
                f"a {self.of.name}, but it varies in {sample.scenario}; compare means, or normalise the column"
            )
            raise ClaimError(msg)
        return values, float(np.mean(theory)), theory
