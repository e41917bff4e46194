"""A statistic equals its theoretical value to within a margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcstudy.claims.claim import Assessment
from mcstudy.claims.compared import Compared
from mcstudy.claims.deciding import Shares
from mcstudy.claims.theory import Relative, Theory, check_margin
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Zone
from mcstudy.statistics.sequences import replicates_for
from mcstudy.statistics.tails import FEWEST

__all__ = ["Value"]


@dataclass(frozen=True, kw_only=True)
class Value(Compared):
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
    constant, range
        See `Compared`.

    Examples
    --------
    >>> from mcstudy.claims.theory import relative
    >>> from mcstudy.statistics import mean
    >>> Value("1.mean", r"\mathbb{E} X = 1", of=mean("x"), equals=1.0, margin=relative(0.01)).estimand
    'mean of x'
    """

    equals: Theory | str
    margin: float | Relative

    kind = "value"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "margin", self.margin)

    @property
    def theory(self) -> tuple[str, Theory | str]:
        """The theoretical value."""
        return "equals", self.equals

    def zone(self, theory: float) -> Zone:
        """Theory +- margin."""
        if not isinstance(self.margin, Relative):
            return Zone(theory, self.margin)
        if theory == 0.0:
            msg = f"claim {self.id}: `margin` must be absolute where theory is 0, got relative({self.margin.fraction})"
            raise ClaimError(msg)
        return Zone(theory, self.margin.fraction * abs(theory))

    def shares(self, shares: Shares, zone: Zone) -> Shares:
        """Tightest at the number of replicates that the margin asks for, where that is known."""
        # Within a margin of 0 or 1 the spread of a proportion is that at the edge of the zone.
        inside = min(max(zone.theory, zone.margin), 1.0 - zone.margin)
        scale = self.of.scale(inside)
        if not scale:
            return shares
        return shares.retuned(max(FEWEST, replicates_for(zone.margin / scale, shares.confirm)))

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Compare the statistic's limits with the zone in one scenario."""
        (sample,) = samples
        if isinstance(self.equals, str) and isinstance(self.margin, Relative):
            (theory,) = sample.values(self.equals)
            if np.ptp(theory) > 0.0:
                msg = (
                    f"claim {self.id}: `margin` must be absolute where column `{self.equals}` varies within a scenario, "
                    f"got relative({self.margin.fraction}); divide both columns by the scale of theory"
                )
                raise ClaimError(msg)
        return super().assess(samples, shares, draws)
