"""An inequality that holds for every draw: one violation refutes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares
from mcstudy.claims.theory import check_limit, check_margin
from mcstudy.claims.violations import (
    PROBABILITY,
    check_probability,
    replicates_without,
    verdict_on,
    violation_interval,
)
from mcstudy.draws import Draws, Sample
from mcstudy.evidence import BoundCell, BoundEvidence, Witness
from mcstudy.findings import Cell, Interval, Verdict
from mcstudy.statistics.pools import count_where, place_of_largest
from mcstudy.statistics.portions import in_portions
from mcstudy.statistics.worst_case import mean_bounds

__all__ = ["Bound"]

FloatArray = npt.NDArray[np.float64]

# Comparing two computed numbers: a few units in the last place are nobody's violation.
ROUNDING = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True)
class Bound(Claim):
    r"""The absolute value of a column never exceeds a bound.

    One violation beyond rounding REFUTES and is kept as a witness: scenario, block and index, which replay it.
    Without a violation the interval is an upper limit on the probability of one, exact at any number of replicates,
    and the claim is CONFIRMED once that is at most `probability`. The largest ratio tells how tight the bound is.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    column : str
    at_most : str or float
        The bound: a column, or a non-negative number.
    times : float
        A factor on the bound: 0.9 claims a bound that is 10 % smaller.
    probability : float
        The largest probability of a violation that still counts as none.
    rounding : str or float
        What rounding may add to the column: a column of absolute errors, or a number. Comes on top of 16 units
        in the last place of the bound.
    """

    column: str
    at_most: str | float
    times: float = 1.0
    probability: float = PROBABILITY
    rounding: str | float = 0.0

    kind = "bound"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_probability(self.id, self.probability)
        check_margin(self.id, "times", self.times)
        check_limit(self.id, "at_most", self.at_most)
        check_limit(self.id, "rounding", self.rounding)

    @property
    def estimand(self) -> str:
        """The probability that is limited."""
        factor = "" if self.times == 1.0 else f"{self.times:g} times "
        return f"probability that |{self.column}| exceeds {factor}{self.at_most}"

    def columns(self) -> tuple[str, ...]:
        """The column, and those of its bound and its rounding error."""
        return tuple(name for name in (self.column, self.at_most, self.rounding) if isinstance(name, str))

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Count the violations in one scenario."""
        (sample,) = samples
        columns = sample.values(*self.columns())
        count = columns[0].size
        excess, ratio = in_portions(self._excess, *columns), in_portions(self._ratio, *columns)
        violations, closest = count_where(lambda portion: portion > 0.0, excess), place_of_largest(ratio)
        # The witness of a violation exceeds its bound most; without one it comes closest in proportion.
        worst = place_of_largest(excess) if violations else closest
        block, index = sample.locate(worst, *self.columns())
        interval = violation_interval(violations, count, shares)
        found = BoundCell(float(ratio[closest]), violations, interval[1])
        size, bound, _ = self._values(*(column[worst : worst + 1] for column in columns))
        witness = Witness.at(block, index, float(size[0]), float(bound[0]))
        return Assessment(self._cell(sample, found, interval, count, shares), found, witness)

    def _cell(self, sample: Sample, found: BoundCell, interval: Interval, count: int, shares: Shares) -> Cell:
        share = found.violations / count
        verdict = verdict_on(found.violations, found.upper_limit, self.probability)
        return Cell(
            scenario=sample.scenario,
            theory=0.0,
            margin=self.probability,
            estimate=share,
            mcse=float(np.sqrt(share * (1.0 - share) / count)),
            interval=interval,
            verdict=verdict,
            reach=found.largest_ratio,
            confidence=1.0 - (2.0 * shares.refute if found.violations else shares.confirm),
            needed=replicates_without(self.probability, shares) if verdict is Verdict.UNDECIDED else 0,
        )

    def _excess(self, *portions: FloatArray) -> FloatArray:
        size, bound, rounding = self._values(*portions)
        return size - bound * (1.0 + ROUNDING) - rounding

    def _ratio(self, *portions: FloatArray) -> FloatArray:
        return _ratio(*self._values(*portions)[:2])

    def _values(self, *portions: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The size of the column, its bound and its rounding error, of the claim's columns: each of shape (k,)."""
        columns = dict(zip(self.columns(), portions, strict=True))
        size = np.abs(columns[self.column])
        bound, rounding = (
            columns[source] if isinstance(source, str) else np.full(len(size), float(source))
            for source in (self.at_most, self.rounding)
        )
        return size, self.times * bound, rounding

    def worst_case(self, samples: tuple[Sample, ...], cell: Cell) -> Interval:
        """All that were lost kept to the bound, or none did."""
        return mean_bounds(cell.estimate, cell.drawn, cell.replicates - cell.drawn)

    def fewest(self, shares: Shares) -> int:
        """So many that none of them violates an event of the probability."""
        return replicates_without(self.probability, shares)

    def collect(self, assessments: Sequence[Assessment]) -> BoundEvidence:
        """Ratios and counts of every cell, the worst violation and the tightest case."""
        cells: tuple[BoundCell | None, ...] = tuple(assessment.evidence for assessment in assessments)
        witnesses = [assessment.witness for assessment in assessments]
        judged = [(cell, own) for cell, own in zip(cells, witnesses, strict=True) if cell and own]
        violated = [own for cell, own in judged if cell.violations]
        tightest = max(judged, key=lambda pair: pair[0].largest_ratio, default=(None, None))
        return BoundEvidence(cells, max(violated, key=_excess, default=None), tightest[1])


def _excess(witness: Witness) -> float:
    return witness.value - (witness.bound or 0.0)


def _ratio(size: FloatArray, bound: FloatArray) -> FloatArray:
    """|column| / bound; where the bound is 0 or less, 0 for a size that keeps to it and else infinite."""
    # Doubles overflow before a ratio to a tiny bound ends: infinite is what it then is.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(bound > 0.0, size / bound, np.where(size <= bound, 0.0, np.inf))
