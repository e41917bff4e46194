"""The distance of a sample from a claimed law, confirmed point by point at any number of replicates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mcstudy.statistics.bernoulli import at_least_rejected
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.paged import empty, leave, taken
from mcstudy.statistics.portions import PORTION
from mcstudy.statistics.sequences import effective_z

__all__ = ["Steps"]

# Points at which a distance is tested, for each unit of distance that is allowed: what lies between two of them
# costs a sixty-fourth of the margin at most.
POINTS = 64


@dataclass(frozen=True)
class Steps:
    """An empirical distribution function beside a claimed one.

    Parameters
    ----------
    counts : array of int, shape (k,)
        Replicates at each of the k different values, in ascending order.
    at, before : array, shape (k,)
        The claimed distribution function at each value, and just before it.
    """

    counts: NDArray[np.intp]
    at: FloatArray
    before: FloatArray

    @cached_property
    def _total(self) -> NDArray[np.intp]:
        """Replicates up to each value, from 0 before the first: shape (k + 1,)."""
        found = empty(self.counts.size + 1, np.intp)
        found[0] = 0
        for first in range(0, self.counts.size, PORTION):
            place = slice(first + 1, first + 1 + PORTION)
            np.cumsum(self.counts[first : first + PORTION], out=found[place])
            found[place] += found[first]
            leave(found, self.counts)
        return found

    @property
    def replicates(self) -> int:
        """The number of replicates."""
        return int(self._total[-1])

    def deviations(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Claimed probabilities, ascending, and what the empirical ones are above: before and at each value.

        In portions, ascending too: pairs of arrays of one shape (k,).
        """
        for first in range(0, self.counts.size, PORTION):
            place = slice(first, first + PORTION)
            before, at = self.before[place], self.at[place]
            heights = self._total[first : first + at.size + 1] / self.replicates
            probability = np.stack([before, at], axis=1).ravel()
            yield probability, np.stack([heights[:-1] - before, heights[1:] - at], axis=1).ravel()
            leave(self._total, self.before, self.at)

    def upper_limit(self, margin: float, share: float, tuned: float) -> float:
        """Upper limit of the distance between the two laws, for a comparison with a margin.

        If the distance is the margin or more, then at some x ``P(X <= x) >= F(x) + margin`` or
        ``P(X >= x) >= 1 - F(x-) + margin``. So it suffices to reject each of these statements by itself, exactly
        (`bernoulli.at_least_rejected`): a limit at most `margin` is wrong with probability at most `share`, at
        any number of replicates. Where it is compared with nothing, the limit is that of a normal law.

        Parameters
        ----------
        margin : float
            In (0, 1).
        share, tuned : float
            See `sequences.effective_z`.
        """
        limit = self._normal_limit(share, tuned)
        if margin >= 1.0:
            return min(limit, 1.0)
        # A normal law that is off by half its distance has no binomial beside it.
        if limit > 1.5 * margin or not self._all_rejected(margin, share, tuned):
            return max(limit, float(np.nextafter(margin, math.inf)))
        return min(limit, margin)

    def _normal_limit(self, share: float, tuned: float) -> float:
        z = effective_z(self.replicates, share, tuned)

        def reach(probability: FloatArray, deviation: FloatArray) -> float:
            spread = np.sqrt(probability * (1.0 - probability) / self.replicates)
            return float(np.max(np.abs(deviation) + z * spread))

        return max(reach(*portion) for portion in self.deviations())

    def _all_rejected(self, margin: float, share: float, tuned: float) -> bool:
        """Whether at no x the law can lie `margin` above or below the claimed one."""
        n, total = self.replicates, self._total
        chosen = self._chosen(margin)
        # Between two chosen values: at most the replicates before the later one, at least F at the earlier one.
        below = np.append(taken(total, chosen), n)
        above = n - np.concatenate([[0], taken(total, chosen + 1)])
        least_below = np.concatenate([[0.0], taken(self.at, chosen)])
        least_above = np.append(1.0 - taken(self.before, chosen), 0.0)
        return all(
            bool(np.all(at_least_rejected(count, n, least + margin, share=share, tuned=tuned)))
            for count, least in ((below, least_below), (above, least_above))
        )

    def _chosen(self, margin: float) -> NDArray[np.intp]:
        """The values that are tested, evenly spaced among the replicates; the first and the last among them."""
        points = math.ceil(POINTS / margin)
        if self.counts.size <= points:
            return np.arange(self.counts.size)
        ranks = np.linspace(0, self.replicates - 1, points).astype(np.intp)
        if self.counts.size == self.replicates:  # each value once: its rank is its place
            return np.unique(ranks)
        return np.unique(np.searchsorted(self._total[1:], ranks, side="right"))
