"""Non-asymptotic time-uniform limits for the mean of a column within a stated range."""

import math
from dataclasses import dataclass, replace

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.sequences import TUNED, mixture_scale

__all__ = ["BoundedMean"]


@dataclass(frozen=True)
class BoundedMean:
    """What a stream of replicates within a stated range says of their mean, with nothing assumed but the range.

    Parameters
    ----------
    low, high : float
        The range, finite; ``low < high``.
    replicates : int
        How many have been taken in.
    total : float
        Sum of their places in the range, from 0 at `low` to 1 at `high`.
    spread : float
        Sum of the squared distances of each place from the mean of those before it.

    Raises
    ------
    InputError
        If the range is none.

    References
    ----------
    S. R. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, Ann. Statist. 49 (2021) 1055-1080, Theorem 4 with the
    gamma-exponential mixture of Proposition 9.

    Examples
    --------
    >>> mean = BoundedMean(0.0, 2.0).extended(np.tile([0.8, 1.2], 2000))
    >>> low, high = mean.limits(share=0.001)
    >>> round(low, 3), round(high, 3)
    (0.984, 1.016)
    """

    low: float
    high: float
    replicates: int = 0
    total: float = 0.0
    spread: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            msg = f"`low` and `high` must be finite and in this order, got {self.low} and {self.high}; state the range"
            raise InputError(msg)

    def extended(self, values: FloatArray) -> "BoundedMean":
        """With further replicates, shape (m,), in the order of the stream; costs O(m).

        Raises
        ------
        InputError
            If a value lies outside the range: the claim on the range is false.
        """
        strange = ~((values >= self.low) & (values <= self.high))
        if np.any(strange):
            index = int(np.argmax(strange))
            msg = f"`values` must lie within [{self.low}, {self.high}], got {values[index]} at index {index}; widen the range"
            raise InputError(msg)
        places = (values - self.low) / (self.high - self.low)
        sums = self.total + np.cumsum(places)
        # Half a replicate in the middle of the range stands before the first.
        predicted = (sums - places + 0.5) / (self.replicates + np.arange(values.size) + 1)
        return replace(
            self,
            replicates=self.replicates + values.size,
            total=self.total + float(np.sum(places)),
            spread=self.spread + float(np.sum((places - predicted) ** 2)),
        )

    def limits(self, *, share: float, tuned: float = TUNED) -> tuple[float, float]:
        """Time-uniform limits for the mean, each at `share`; never outside of the range."""
        if self.replicates == 0:
            return self.low, self.high
        mean = self.total / self.replicates
        reach = _sum_boundary(self.spread, share, tuned) / self.replicates
        width = self.high - self.low
        return self.low + width * max(mean - reach, 0.0), self.low + width * min(mean + reach, 1.0)


def _sum_boundary(spread: float, share: float, tuned: float) -> float:
    """Gamma-exponential mixture boundary for a sum of centered places, at the intrinsic time `spread`."""
    from scipy.optimize import brentq
    from scipy.special import gammainc, gammaln

    # Tightest for columns whose standard deviation is a seventh of their range: half as wide as uniform ones.
    scale = mixture_scale(share, tuned) / 48
    start = scale * math.log(scale) - gammaln(scale) - math.log(gammainc(scale, scale))

    def excess(total: float) -> float:
        shape, reached = spread + scale, total + spread + scale
        mixed = gammaln(shape) + math.log(gammainc(shape, reached)) - shape * math.log(reached)
        return float(start + mixed + total + spread + math.log(share))

    upper = 1.0
    while excess(upper) < 0:
        upper *= 2
    return float(brentq(excess, 0.0, upper))
