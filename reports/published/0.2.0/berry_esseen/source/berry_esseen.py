"""How fast a sum becomes normal: the Kolmogorov distance of its law from the normal law, and the Berry-Esseen bound.

A replicate is a sum of n independent skewed variables, exponential or rarely 1 and else 0, less its mean and over its
standard deviation: `sum`, and `level`, the normal distribution function there. The distance belongs to all replicates
together: that of their empirical law from the normal one is that of the levels from the uniform law.
"""

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import binom, gamma, norm

import mcstudy as mc

FloatArray = NDArray[np.float64]

SKEWED, RARE, P = "exponential", "rarely 1", 0.1
# E|X - EX|^3 over the cube of the standard deviation.
THIRD_MOMENT = {SKEWED: 12 / math.e - 2, RARE: (P**2 + (1 - P) ** 2) / math.sqrt(P * (1 - P))}


def sums(rng: np.random.Generator, size: int, *, law: str, n: int) -> dict[str, Any]:
    """One block: arrays of shape (size,)."""
    if law == SKEWED:
        standardized: NDArray[Any] = (rng.standard_exponential((size, n)).sum(axis=1) - n) / math.sqrt(n)
    else:
        standardized = ((rng.random((size, n)) < P).sum(axis=1) - n * P) / math.sqrt(n * P * (1 - P))
    return {"sum": standardized, "level": ndtr(standardized)}


def _widest(level: FloatArray) -> tuple[float, float, bool]:
    """The distance from the uniform law, the level where it is, and whether that is just before the level."""
    ordered, m = np.sort(level), level.size
    above, below = np.arange(1, m + 1) / m - ordered, ordered - np.arange(m) / m
    up, down = int(np.argmax(above)), int(np.argmax(below))
    if above[up] > below[down]:
        return float(above[up]), float(ordered[up]), False
    return float(below[down]), float(ordered[down]), True


def distance(level: FloatArray) -> float:
    """Kolmogorov distance from the uniform law."""
    return _widest(level)[0]


def influence(level: FloatArray) -> FloatArray:
    """Influence of each replicate: it moves the empirical law where that is farthest from the uniform one."""
    _, place, before = _widest(level)
    moved = np.where(before, -1.0 * (level < place), 1.0 * (level <= place))
    return np.asarray(moved - moved.mean())


DISTANCE = mc.custom("level", distance, influence=influence)


def exact(law: str, n: int) -> float:
    """The distance of the law of the sum from the normal one."""
    if law == SKEWED:
        x = np.linspace(
            -4, 4, 10001
        )  # steps of 0.0008: the difference is smooth, and flat where it is largest
        return float(np.max(np.abs(gamma(n).cdf(n + x * math.sqrt(n)) - ndtr(x))))
    k, law_of_sum = np.arange(n + 1), binom(n, P)
    above = law_of_sum.cdf(k) - ndtr((k - law_of_sum.mean()) / law_of_sum.std())
    return float(max(np.max(above), np.max(law_of_sum.pmf(k) - above)))


GAP = r"\sup_x |\mathbb{P}(S_n \le x) - \Phi(x)|"
RATE = partial(mc.Rate, of=DISTANCE, against="n", margin=0.15, where={"law": RARE})
FAST = mc.control("the next order, which sums reach that have neither skewness nor a lattice")
STANDARD = mc.control("the limit, taken for the law at a finite n")

study = mc.Study(
    name="berry_esseen",
    title="How fast a sum becomes normal",
    question="At what rate does the law of a sum approach the normal law, and how far below its bound does it stay?",
    source="Feller, An Introduction to Probability Theory and Its Applications II (1971), XVI.4-5",
    answer=r"On a lattice the distance falls as $n^{{{rate}}}$, at the rate of the bound; at each $n$ it is the exact one, and the bound holds with 0.4748 in it.",
    simulate=sums,
    # Where nP is whole, the lattice lies alike about the mean.
    scenarios=mc.grid(law=(SKEWED,), n=(4, 16)) + mc.grid(law=(RARE,), n=(10, 40, 160)),
    block=2048,
    replicates=mc.Replicates(first=32768, quick=131072, full=524288),
    claims=[
        mc.Value("exact", rf"{GAP} \text{{ of that law}}", of=DISTANCE, equals=exact, margin=0.02),
        RATE("rate", rf"{GAP} \propto n^{{-1/2}}", exponent=-1 / 2),
        RATE("rate.fast", rf"{GAP} \propto n^{{-1}}", exponent=-1, expected=FAST),
        mc.AtMost(
            "bound",
            rf"{GAP} \le 0.4748 \, \mathbb{{E}} |X|^3 / \sqrt{{n}}",
            of=DISTANCE,
            at_most=lambda law, n: 0.4748 * THIRD_MOMENT[law] / math.sqrt(n),
            source="Shevtsova (2011), arXiv:1111.6554",
        ),
        mc.Law(
            "gamma",
            r"n + \sqrt{n} S_n \sim \text{Gamma}(n)",
            column="sum",
            distribution=lambda n: gamma(n, loc=-math.sqrt(n), scale=1 / math.sqrt(n)),
            margin=0.02,
            where={"law": SKEWED},
        ),
        mc.Law(
            "normal", r"S_n \sim N(0, 1)", column="sum", distribution=norm(), margin=0.02, expected=STANDARD
        ),
    ],
)

if __name__ == "__main__":
    mc.main(study)
