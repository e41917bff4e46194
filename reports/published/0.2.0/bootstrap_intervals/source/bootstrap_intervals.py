"""Student's, percentile and BCa intervals for the mean of skewed data: how they miss, and how narrow they are.

A replicate is a sample of n exponential variables, of mean 1, with an interval of nominal coverage 95 %; methods share
their samples, and the bootstraps their resamples. `imbalance` is 1 where the interval lies below the mean, -1 where it
lies above, 0 where it covers: its mean tells how unequal the two tails are that the interval leaves out.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

import mcstudy as mc

FloatArray = NDArray[np.float64]
METHODS = ("t", "percentile", "BCa")
Z = ndtri(0.975)
RESAMPLES = 999  # with the sample itself 1000, so that 2.5 % of them are a whole number


def intervals(rng: np.random.Generator, size: int, *, method: str, n: int) -> dict[str, Any]:
    """One block: arrays of shape (size,)."""
    x = rng.standard_exponential((size, n))
    if method == "t":
        half = stdtrit(n - 1, 0.975) * x.std(axis=1, ddof=1) / math.sqrt(n)
        low, high = x.mean(axis=1) - half, x.mean(axis=1) + half
    else:
        means = np.sort(resampled_means(rng, x), axis=1)
        levels = bca_levels(x, means) if method == "BCa" else np.full((size, 2), ndtr([-Z, Z]))
        low, high = quantiles(means, levels).T
    return {"low": low, "high": high, "imbalance": 1.0 * (high < 1) - (low > 1)}


def resampled_means(rng: np.random.Generator, x: FloatArray) -> FloatArray:
    """Means of resamples, shape (size, RESAMPLES)."""
    size, n = x.shape
    # Cheap small integers: with n at most 255 a byte holds an index.
    chosen = rng.integers(n, size=(size, RESAMPLES * n), dtype=np.uint8)
    return np.stack([row[own].reshape(RESAMPLES, n).mean(axis=1) for row, own in zip(x, chosen, strict=True)])


def bca_levels(x: FloatArray, means: FloatArray) -> FloatArray:
    """Levels of the lower and the upper quantile, corrected for bias and acceleration, shape (size, 2)."""
    centred = x - x.mean(axis=1, keepdims=True)
    below = np.sum(means < x.mean(axis=1, keepdims=True), axis=1)
    bias = ndtri((below + 0.5) / (RESAMPLES + 1))[:, np.newaxis]  # the half keeps it finite
    acceleration = np.sum(centred**3, axis=1) / (6 * np.sum(centred**2, axis=1) ** 1.5)
    shifted = bias + np.array([-Z, Z])
    return np.asarray(ndtr(bias + shifted / (1 - acceleration[:, np.newaxis] * shifted)))


def quantiles(ordered: FloatArray, levels: FloatArray) -> FloatArray:
    """The order statistics that are nearest to the levels, row by row."""
    ranks = np.clip(np.rint(levels * (RESAMPLES + 1)), 1, RESAMPLES).astype(np.intp)
    return np.take_along_axis(ordered, ranks - 1, axis=1)


def leading_imbalance(n: int) -> float:
    """Of Student's interval, to an order of 1/n smaller; the skewness of the exponential law is 2."""
    density = math.exp(-(Z**2) / 2) / math.sqrt(2 * math.pi)
    return 2 * (2 / 6) * (2 * Z**2 + 1) * density / math.sqrt(n)


def narrowness(n: int) -> float:
    """The width of the percentile interval over that of Student's, of means that are resampled infinitely often."""
    return float(Z * math.sqrt((n - 1) / n) / stdtrit(n - 1, 0.975))


TAILS = r"\mathbb{P}(U < \mu) - \mathbb{P}(L > \mu)"
EDGEWORTH = rf"{TAILS} = \tfrac{{\gamma}}{{3}} (2 z^2 + 1) \varphi(z) n^{{-1/2}} + O(n^{{-3/2}}) \text{{ for Student's }} t"
BALANCED = rf"{TAILS} \text{{ is smaller for BCa than for the percentile bootstrap}}"
NARROW = r"\mathbb{E} (U - L) \text{ of percentile over that of } t = z \sqrt{(n - 1)/n} / t_{n-1}"
NOMINAL = r"\mathbb{P}(L \le \mu \le U) = 0.95 \text{ for } n = 20"
SKEWED = mc.control("from twenty skewed observations no method learns how long the tail is")
HALL = "Hall, The Bootstrap and Edgeworth Expansion (1992), 2.6 and 3.5"
HESTERBERG = "Hesterberg, What teachers should know about the bootstrap, Am. Stat. 69 (2015) 371-386"
TWO: dict[str, Any] = {"across": "method", "levels": ("BCa", "percentile"), "where": {"method": METHODS[1:]}}
RATIO: dict[str, Any] = {
    "across": "method",
    "levels": ("percentile", "t"),
    "kind": "ratio",
    "where": {"n": 20},
}
IMBALANCE, WIDTH, COVERAGE = mc.mean("imbalance"), mc.width("low", "high"), mc.coverage("low", "high", 1.0)

study = mc.Study(
    name="bootstrap_intervals",
    title="Bootstrap intervals for the mean of skewed data",
    question="Do the percentile and the BCa bootstrap mend what skewness does to Student's interval?",
    source="Efron, Better bootstrap confidence intervals, J. Am. Stat. Assoc. 82 (1987) 171-185",
    answer=r"Partly. With a skewed law Student's interval misses on one side by {t.imbalance} more than on the other, as the expansion says; BCa moves that by {bca.balance} against the percentile bootstrap; but of twenty observations the percentile interval is only {percentile.narrow:.3f} times as wide, and no method reaches 95 %.",
    simulate=intervals,
    scenarios=mc.grid(method=METHODS, n=(20,)) + mc.grid(method=("t",), n=(160,)),
    common=("method",),
    block=256,
    replicates=mc.Replicates(first=4096, quick=131072),
    claims=[
        mc.Value(
            "t.imbalance",
            EDGEWORTH,
            of=IMBALANCE,
            equals=leading_imbalance,
            margin=0.005,
            where={"method": "t", "n": 160},
            source=HALL,
        ),
        mc.Contrast("bca.balance", BALANCED, of=IMBALANCE, at_most=0.0, **TWO),
        mc.Contrast(
            "percentile.narrow", NARROW, of=WIDTH, equals=narrowness, margin=0.02, **RATIO, source=HESTERBERG
        ),
        mc.Value("nominal", NOMINAL, of=COVERAGE, equals=0.95, margin=0.01, where={"n": 20}, expected=SKEWED),
    ],
    measures=[mc.Measure("coverage", of=COVERAGE, target=0.95), mc.Measure("mean-width", of=WIDTH, over="n")],
)

if __name__ == "__main__":
    mc.main(study)
