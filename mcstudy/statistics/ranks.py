"""Frequencies and ranks of a column: proportions and quantiles, with intervals that hold for every law."""

import math
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcstudy.checks import is_real
from mcstudy.exceptions import InputError
from mcstudy.statistics.bernoulli import proportion_limits, quantile_limits
from mcstudy.statistics.intervals import FloatArray, clopper_pearson, standard_error
from mcstudy.statistics.moments import centered, estimates_of, mean
from mcstudy.statistics.order_statistics import (
    maritz_jarrett,
    order_statistic_interval,
    sample_quantile,
)
from mcstudy.statistics.pools import everywhere, total
from mcstudy.statistics.portions import in_portions
from mcstudy.statistics.statistic import Estimate, Limiting, Limits, Statistic, Summary, checked
from mcstudy.statistics.worst_case import mean_bounds, quantile_bounds

__all__ = ["proportion", "quantile"]


@dataclass(frozen=True)
class _Quantile(Statistic):
    probability: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (is_real(self.probability) and 0 < self.probability < 1):
            msg = (
                f"`probability` must lie strictly between 0 and 1, got {self.probability!r}; "
                f"the median is 0.5, and the extremes of a law are no quantiles"
            )
            raise InputError(msg)

    @property
    def name(self) -> str:
        return f"{self.probability} quantile"

    @property
    def is_exact(self) -> bool:
        return True

    @property
    def unbounded(self) -> tuple[str, ...]:
        return self.columns

    def estimate(self, values: ArrayLike) -> Estimate:
        data = checked(values, infinite=True)
        value = sample_quantile(data, self.probability)
        return Estimate(value, maritz_jarrett(data, self.probability), data.size)

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        return order_statistic_interval(checked(values, infinite=True), self.probability, confidence)

    def limiting(self, values: ArrayLike) -> Limiting:
        data = checked(values, infinite=True)
        return lambda share, tuned: Limits(*quantile_limits(data, self.probability, share=share, tuned=tuned))

    def worst_case(self, values: ArrayLike, missing: int) -> tuple[float, float]:
        return quantile_bounds(checked(values, infinite=True), self.probability, missing)

    def influence(self, values: ArrayLike) -> FloatArray:
        data = checked(values, infinite=True)
        estimate = self.estimate(data)
        share = total(data, lambda portion: np.count_nonzero(portion > estimate.value)) / data.size
        influence = in_portions(lambda portion: (portion > estimate.value) - share, data)
        error = standard_error(influence)
        # The influence is that of the indicator, divided by the density at the quantile; the density is the
        # one that the Maritz-Jarrett error implies, so that both ways to the standard error agree.
        factor = estimate.mcse / error if error else 0.0
        return in_portions(lambda portion: portion * factor, influence, out=influence)


@dataclass(frozen=True)
class _Proportion(Statistic):
    name = "proportion"
    shared = True

    @property
    def is_exact(self) -> bool:
        return True

    def estimate(self, values: ArrayLike) -> Estimate:
        return mean(self.column).estimate(self._indicators(values))

    def interval(self, values: ArrayLike, confidence: float) -> tuple[float, float]:
        data = self._indicators(values)
        return clopper_pearson(_hits(data), data.size, confidence)

    def limiting(self, values: ArrayLike) -> Limiting:
        data = self._indicators(values)
        return partial(_limits_of, _hits(data), data.size)

    def summaries(self, stack: FloatArray) -> list[Summary]:
        if not np.all((stack == 0) | (stack == 1)):
            return super().summaries(stack)
        centers, _, moments = centered(stack)
        limiting = (
            partial(_limits_of, hits, stack.shape[1]) for hits in np.count_nonzero(stack, axis=1).tolist()
        )
        return list(map(Summary, estimates_of(centers, moments), limiting))

    def worst_case(self, values: ArrayLike, missing: int) -> tuple[float, float]:
        estimate = self.estimate(values)
        return mean_bounds(estimate.value, estimate.replicates, missing)

    def scale(self, value: float) -> float | None:
        return math.sqrt(value * (1 - value)) if 0 <= value <= 1 else None

    def influence(self, values: ArrayLike) -> FloatArray:
        return mean(self.column).influence(self._indicators(values))

    def _indicators(self, values: ArrayLike) -> FloatArray:
        data = checked(values)
        if not everywhere(_is_indicator, data):
            index = int(np.argmin(_is_indicator(data)))
            msg = (
                f"`values` of the {self.label} must be 0 or 1, got {data[index]} at index {index}; "
                f"return an indicator column, or use `mean`"
            )
            raise InputError(msg)
        return data


def _is_indicator(portion: FloatArray) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (portion == 0) | (portion == 1)
    return found


def _hits(data: FloatArray) -> int:
    return int(total(data, np.count_nonzero))


@lru_cache(maxsize=4096)  # many samples have as many ones
def _limits_of(hits: int, count: int, share: float, tuned: float) -> Limits:
    low, high = proportion_limits(hits, count, share=share, tuned=tuned)
    return Limits(float(low), float(high))


def quantile(column: str, probability: float) -> Statistic:
    """Quantile of a column, interpolated as `numpy.quantile` does; its interval is distribution-free.

    Infinite values are values like others: those of a fit that diverged lie beyond all of those that did not.

    The interval has an infinite end where the replicates are too few for `probability` and confidence.

    Raises
    ------
    InputError
        If `probability` is not strictly between 0 and 1.
    """
    return _Quantile(column, probability)


def proportion(column: str) -> Statistic:
    """Proportion of ones in a column of zeros and ones; its interval keeps an honest width at 0 and 1."""
    return _Proportion(column)
