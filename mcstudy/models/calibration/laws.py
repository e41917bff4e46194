"""Laws that try verdicts out: what is true of them, how far estimates scatter, and laws nearby, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.checks import check_choice

__all__ = ["LAWS", "Raised", "law_named", "parameter", "raised", "scatter", "unit"]

# Values that turn up once, or three times, in so many replicates.
RARE = 512

# Name -> the law's name in SciPy, with its shape parameters.
LAWS: dict[str, tuple[str, tuple[float, ...]]] = {
    "normal": ("norm", ()),
    "uniform": ("uniform", ()),
    "exponential": ("expon", ()),
    "lognormal 1": ("lognorm", (1.0,)),
    "lognormal 2": ("lognorm", (2.0,)),
    "t5": ("t", (5.0,)),
    "t3": ("t", (3.0,)),
    "Pareto 2.5": ("pareto", (2.5,)),
    "Cauchy": ("cauchy", ()),
    "Poisson 0.1": ("poisson", (0.1,)),
    "coin": ("bernoulli", (0.5,)),
    "once in 512": ("bernoulli", (1 / RARE,)),
    "thrice in 512": ("bernoulli", (3 / RARE,)),
}


@cache
def law_named(name: str) -> Any:
    """The frozen law of a name.

    Raises
    ------
    ModelError
        If there is none of the name.

    Examples
    --------
    >>> float(law_named("Poisson 0.1").mean())
    0.1
    """
    from scipy import stats

    kind, shape = LAWS[check_choice("name", name, LAWS)]
    return getattr(stats, kind)(*shape)


def parameter(name: str, law: Any) -> float:
    """What a statistic of a law estimates: its mean, variance, sd, proportion of ones, or a quantile.

    Parameters
    ----------
    name : str
        The name of a statistic: "mean", "0.9 quantile", ...
    law : frozen law
        Where it has no mean its median stands in.

    Examples
    --------
    >>> parameter("0.9 quantile", law_named("uniform"))
    0.9
    """
    if name in ("variance", "sd"):
        return float(law.var() if name == "variance" else law.std())
    if name.endswith(" quantile"):
        return float(law.ppf(_probability(name)))
    mean = float(law.mean())
    return mean if math.isfinite(mean) else float(law.median())


def scatter(name: str, law: Any) -> float:
    r"""The standard deviation of one replicate's influence on a statistic, which is :math:`\sqrt n` standard errors.

    Parameters
    ----------
    name, law
        See `parameter`.

    Returns
    -------
    float
        Not finite where the law has no such moment; 0 for a quantile of a lattice.

    Examples
    --------
    >>> round(scatter("variance", law_named("normal")) ** 2, 12)
    2.0
    """
    if name.endswith(" quantile"):
        p = _probability(name)
        return math.sqrt(p * (1 - p)) / float(law.pdf(law.ppf(p))) if hasattr(law, "pdf") else 0.0
    if name in ("mean", "proportion"):
        return float(law.std())
    # Fourth central moment minus the squared second, over the latter: the excess kurtosis and 2.
    relative = math.sqrt(float(law.stats(moments="k")) + 2)
    return relative * float(law.var()) if name == "variance" else relative * float(law.std()) / 2


def unit(name: str, law: Any) -> float:
    """What margins around a statistic are stated in: its scatter, within four spreads of the law.

    Parameters
    ----------
    name, law
        See `parameter`.

    Returns
    -------
    float
        1 where that is no positive number: without a spread, on a lattice.

    Examples
    --------
    >>> unit("mean", law_named("coin")), unit("variance", law_named("t3"))  # 3 is the variance of t3
    (0.5, 12.0)
    """
    own = scatter(name, law)
    spread = float(law.var() if name == "variance" else law.std())
    # Nobody asks for the variance of a heavy tail to within a thousand times itself.
    within = own if own <= 4 * spread or name.endswith(" quantile") else 4 * spread
    return within if 0 < within < math.inf else 1.0


def _probability(name: str) -> float:
    return float(name.removesuffix(" quantile"))


@dataclass(frozen=True)
class Raised:
    """The law whose distribution function is a power of another's.

    Parameters
    ----------
    law : frozen law
    power : float
        Positive; the law of the largest of so many draws where it is a whole number.
    """

    law: Any
    power: float

    def cdf(self, x: npt.ArrayLike) -> FloatArray:
        """P(X <= x), elementwise."""
        return np.asarray(self.law.cdf(x) ** self.power)

    def ppf(self, u: npt.ArrayLike) -> FloatArray:
        """Quantiles, elementwise: of uniform numbers they are draws."""
        return np.asarray(self.law.ppf(np.asarray(u) ** (1 / self.power)))


def raised(law: Any, distance: float) -> Raised:
    """The power of a law at a Kolmogorov distance from it.

    Parameters
    ----------
    law : frozen law
        Continuous, or on whole numbers.
    distance : float
        Of absolute value below 1. The power's distribution function lies above that of the law where it is
        positive, below where it is negative.

    Raises
    ------
    ModelError
        If the steps of the law leave no power so far away.

    Examples
    --------
    >>> round(raised(law_named("exponential"), 0.25).power, 12)  # a root lies 1/4 above u = 1/4
    0.5
    """
    from scipy.optimize import brentq

    heights = _heights(law)

    def missing(logarithm: float) -> float:
        return _distance(math.exp(-logarithm), heights) - abs(distance)

    far = math.copysign(30.0, distance)
    if distance and not missing(far) > 0:
        msg = f"`distance` must be one that a power of the law reaches, got {distance}; take less than {missing(far) + abs(distance):.3g}"
        raise ModelError(msg)
    return Raised(law, math.exp(-brentq(missing, 0.0, far, xtol=1e-14)) if distance else 1.0)


def _heights(law: Any) -> FloatArray | None:
    """The values of a distribution function on whole numbers; none where it takes all."""
    if not hasattr(law, "pmf"):
        return None
    low, high = law.support()[0], law.ppf(1 - 1e-15)
    return np.asarray(law.cdf(np.arange(low, high)))


def _distance(power: float, heights: FloatArray | None) -> float:
    """The largest distance between u and its power, over the values u of a distribution function."""
    if heights is None:
        # Where the slope of the power is 1; but for the power 1 itself.
        heights = np.array([power ** (1 / (1 - power)) if power != 1 else 0.5])
    return float(np.max(np.abs(heights**power - heights)))
