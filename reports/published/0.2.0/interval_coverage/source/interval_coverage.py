"""How often intervals for a binomial probability cover it, against exact sums over the binomial law.

A replicate is a count of successes in n trials with the interval, of nominal coverage 95 %, that a method makes of it;
the methods share their counts. The exact coverage is the probability of the counts whose interval holds p.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, betaincinv, ndtri

import mcstudy as mc

FloatArray = NDArray[np.float64]
METHODS = ("Wald", "Wilson", "Agresti-Coull", "Jeffreys", "Clopper-Pearson")
NOMINAL = 0.95
Z, TAIL = ndtri((1 + NOMINAL) / 2), (1 - NOMINAL) / 2


def limits(method: str, n: int) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limits for each count from 0 to n, shape (n + 1,)."""
    x = np.arange(n + 1.0)
    if method in ("Jeffreys", "Clopper-Pearson"):
        return _beta_limits(x, n, 0.5 if method == "Jeffreys" else 0.0)
    added = 0.0 if method == "Wald" else Z**2  # trials, half of them successes
    centre = (x + added / 2) / (n + added)
    variance = centre * (1 - centre) / (n + added)
    if method == "Wilson":  # the score test, which takes the variance at the limit itself
        variance = (x * (n - x) / n + Z**2 / 4) / (n + added) ** 2
    return centre - Z * np.sqrt(variance), centre + Z * np.sqrt(variance)


def _beta_limits(x: FloatArray, n: int, prior: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles of beta laws; without successes the interval begins at 0, without failures it ends at 1."""
    low, high = np.zeros(n + 1), np.ones(n + 1)
    low[1:] = betaincinv(x[1:] + prior, n - x[1:] + 1 - prior, TAIL)
    high[:-1] = betaincinv(x[:-1] + 1 - prior, n - x[:-1] + prior, 1 - TAIL)
    return low, high


def intervals(rng: np.random.Generator, size: int, *, method: str, n: int, p: float) -> dict[str, Any]:
    """One block: arrays of shape (size,)."""
    count = rng.binomial(n, p, size)
    low, high = limits(method, n)
    return {"low": low[count], "high": high[count]}


def probabilities(n: int, p: float) -> FloatArray:
    """The binomial law of the count, shape (n + 1,)."""
    return np.diff(bdtr(np.arange(n + 1), n, p), prepend=0.0)


def exact_coverage(method: str, n: int, p: float) -> float:
    """The probability of the counts whose interval holds p."""
    low, high = limits(method, n)
    return float(probabilities(n, p) @ ((low <= p) & (p <= high)))


def exact_width(method: str, n: int, p: float) -> float:
    """The expected width."""
    low, high = limits(method, n)
    return float(probabilities(n, p) @ (high - low))


COVERAGE, WIDTH = mc.coverage("low", "high", lambda p: p), mc.width("low", "high")
PROBABILITY = r"\mathbb{P}(L \le p \le U)"
CAREFUL, CARELESS = (
    rf"{PROBABILITY} \ge 0.95 \text{{ for {name}}}" for name in ("Clopper and Pearson", "Wald")
)
KEPT = partial(mc.AtLeast, of=COVERAGE, at_least=NOMINAL)
NORMAL = mc.control("few successes are far from normal, and none make an interval of no width")

study = mc.Study(
    name="interval_coverage",
    title="Intervals for a binomial probability",
    question="Which of five intervals of nominal coverage 95 % covers the probability as often as it says?",
    source="Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science 16 (2001) 101-133",
    answer=r"Only Clopper and Pearson's keeps its word for every $n$ and $p$. Wald's covers as rarely as {wald:.2f} where it is worst, and not more often as $n$ grows: at $p = 0.2$ by {wald.erratic} from 30 to 98 trials. All five cover what the binomial sum says.",
    simulate=intervals,
    scenarios=mc.grid(method=METHODS, n=(10, 30, 98), p=(0.05, 0.2, 0.5)),
    full=mc.grid(method=METHODS, n=(50,), p=tuple(k / 20 for k in range(1, 11))),
    common=("method",),
    block=4096,
    replicates=mc.Replicates(first=8192, quick=131072, full=131072),
    claims=[
        mc.Value(
            "exact",
            rf"{PROBABILITY} = \sum_x \binom{{n}}{{x}} p^x (1 - p)^{{n - x}} 1(L(x) \le p \le U(x))",
            of=COVERAGE,
            equals=exact_coverage,
            margin=0.01,
        ),
        mc.Value(
            "width",
            r"\mathbb{E} (U - L) = \sum_x \binom{n}{x} p^x (1 - p)^{n - x} (U(x) - L(x))",
            of=WIDTH,
            equals=exact_width,
            margin=mc.relative(0.02),
        ),
        KEPT("clopper-pearson", CAREFUL, where={"method": "Clopper-Pearson"}),
        KEPT("wald", CARELESS, where={"method": "Wald"}, expected=NORMAL),
        mc.Contrast(
            "wald.erratic",
            rf"{PROBABILITY} \text{{ of Wald's interval is lower for 98 trials than for 30, at }} p = 0.2",
            of=COVERAGE,
            across="n",
            levels=(98, 30),
            at_most=0.0,
            where={"method": "Wald", "p": 0.2, "n": (30, 98)},
        ),
    ],
    measures=[mc.Measure("coverage", of=COVERAGE, target=NOMINAL), mc.Measure("mean-width", of=WIDTH)],
)

if __name__ == "__main__":
    mc.main(study)
