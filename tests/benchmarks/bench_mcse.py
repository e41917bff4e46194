"""How good standard errors are: the mean MCSE over the true standard deviation, at 1,000 replicates, for all statistics.

Run as a script: ``python tests/benchmarks/bench_mcse.py``. Prints the table of the manual, each ratio with the
error of its last digit in brackets. Means and second moments are divided by their exact standard deviation. Elsewhere
the ratio is a statistic of the samples, and its error that of the package; where the package would not believe it, for
the tails of the estimates, their standard deviation is larger than what was seen, and the ratio stands as a bound. Samples that do not define a statistic (no spread, nothing to divide by) are
left out. Exit code 1 where a statistic of a light law is off by more than 5 % and three errors. Some six minutes of
one core.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import mcstudy as mc

REPLICATES = 1000
SAMPLES = 4000
# The jackknife calls its function a thousand times a sample.
SAMPLES_OF_CUSTOM = 500
TOLERANCE = 0.05
SHARE = 0.05  # of which the limits of a ratio must be believed

FloatArray = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], FloatArray]


class Law(NamedTuple):
    """How columns are distributed: independent draws, moments, and below which order these exist."""

    draw: Draw
    mean: float
    variance: float
    kurtosis: float = math.nan
    moments: float = math.inf


class Ratio(NamedTuple):
    """Mean standard error over standard deviation: nan where both are 0; only a bound where tails are not seen."""

    value: float
    error: float
    believed: bool


class Case(NamedTuple):
    """A statistic, the order of the moments that its standard error rests on, and its exact spread where it is known."""

    statistic: mc.Statistic
    order: int = 2
    spread: Callable[[Law], float] | None = None


def of_mean(law: Law) -> float:
    return math.sqrt(law.variance / REPLICATES)


def of_mse(law: Law) -> float:
    return law.variance * math.sqrt((law.kurtosis - 1) / REPLICATES)


def of_variance(law: Law) -> float:
    return math.hypot(of_mse(law), law.variance * math.sqrt(2 / (REPLICATES * (REPLICATES - 1))))


def of_covariance(law: Law) -> float:
    """That of x and 0.8 x + 0.6 z: their correlation is 0.8, both have the variance of the law."""
    products = 0.64 * law.kurtosis + 0.36 - 0.64 * (REPLICATES - 2) / (REPLICATES - 1) + 1 / (REPLICATES - 1)
    return law.variance * math.sqrt(products / REPLICATES)


def rare(p: float) -> Law:
    """Zeros and ones."""
    variance = p * (1 - p)
    return Law(
        lambda rng, n: (rng.random(n) < p).astype(np.float64), p, variance, (1 - 3 * variance) / variance
    )


def lognormal(sigma: float) -> Law:
    w = math.exp(sigma**2)
    return Law(
        lambda rng, n: rng.lognormal(0.0, sigma, n), math.sqrt(w), (w - 1) * w, w**4 + 2 * w**3 + 3 * w**2 - 3
    )


LAWS = {
    "normal": Law(lambda rng, n: rng.standard_normal(n), 0.0, 1.0, 3.0),
    "exponential": Law(lambda rng, n: rng.standard_exponential(n), 1.0, 1.0, 9.0),
    "Poisson 0.1": Law(lambda rng, n: rng.poisson(0.1, n).astype(np.float64), 0.1, 0.1, 13.0),
    "Bernoulli 0.01": rare(0.01),
    "two points, 3/n": rare(3 / REPLICATES),
    "two points, 1/n": rare(1 / REPLICATES),
    "t5": Law(lambda rng, n: rng.standard_t(5, n), 0.0, 5 / 3, 9.0, moments=5),
    "t3": Law(lambda rng, n: rng.standard_t(3, n), 0.0, 3.0, moments=3),
    "Pareto 2.5": Law(lambda rng, n: rng.pareto(2.5, n), 1 / 1.5, 20 / 9, moments=2.5),
    "lognormal 1": lognormal(1.0),
    "lognormal 2": lognormal(2.0),
}
LIGHT = ("normal", "exponential")


def trimmed(x: FloatArray) -> float:
    """Mean of the middle four fifths."""
    tenth = len(x) // 10
    return float(np.mean(np.sort(x)[tenth : len(x) - tenth]))


def cases(mean: float) -> dict[str, Case]:
    """All statistics of the columns of `sample`, by what the table calls them."""
    return {
        "mean, bias, width": Case(mc.bias("x", mean), spread=of_mean),
        "mean controlled by y": Case(mc.mean("x", control="y", expectation=1.4 * mean)),
        "relative bias": Case(mc.relative_bias("x", 2.0), spread=lambda law: of_mean(law) / 2),
        "variance": Case(mc.variance("x"), 4, of_variance),
        "sd": Case(mc.sd("x"), 4),
        "empirical SE": Case(mc.empirical_se("x"), 4),
        "MSE": Case(mc.mse("x", mean), 4, of_mse),
        "RMSE, rms": Case(mc.rmse("x", mean), 4),
        "model SE": Case(mc.model_se("se"), 4),
        "relative error": Case(mc.relative_error("se", "x"), 4),
        "relative precision": Case(mc.relative_precision("y", "x"), 4),
        "covariance": Case(mc.covariance("x", "y"), 4, of_covariance),
        "correlation": Case(mc.correlation("x", "y"), 4),
        "ratio": Case(mc.ratio("x", "se")),
        "mean over sd": Case(mc.mean("x") / mc.sd("x"), 4),
        "0.5 quantile": Case(mc.quantile("x", 0.5), 0),
        "0.9 quantile": Case(mc.quantile("x", 0.9), 0),
        "proportion": Case(mc.proportion("above"), 0),
        "coverage": Case(mc.coverage("low", "high", mean), 0),
        "bias-eliminated coverage": Case(mc.bias_eliminated_coverage("low", "high", "x")),
        "power": Case(mc.power("p"), 0),
        "missing share": Case(mc.share_missing("gaps"), 0),
        "conditional mean": Case(mc.conditional(mc.mean("x"), given="converged")),
        "trimmed mean (custom)": Case(mc.custom("x", trimmed), 0),
    }


def sample(law: Law, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Columns of one sample: estimates of two methods on the same data, standard errors, intervals, tests."""
    x, se = law.draw(rng, REPLICATES), np.abs(law.draw(rng, REPLICATES))
    p = rng.random(REPLICATES)
    return {
        "x": x,
        "y": 0.8 * x + 0.6 * law.draw(rng, REPLICATES),
        "se": se,
        "low": x - 2 * se,
        "high": x + 2 * se,
        "p": p,
        "above": (x > law.mean).astype(np.float64),
        "converged": (p < 0.8).astype(np.float64),
        "gaps": np.where(p < 0.1, np.nan, x),
    }


def calibration(law: Law, chosen: Sequence[Case], samples: int, seed: int) -> list[Ratio]:
    """Ratio of the mean standard error to the standard deviation of the estimates, for each case."""
    rng = np.random.default_rng(seed)
    found = np.empty((len(chosen), samples, 2))
    for i in range(samples):
        columns = sample(law, rng)
        for j, case in enumerate(chosen):
            values = [columns[name] for name in case.statistic.columns]
            estimate = case.statistic.estimate(values[0] if len(values) == 1 else np.column_stack(values))
            found[j, i] = estimate.mcse, estimate.value
    finite = (pairs[np.all(np.isfinite(pairs), axis=1)] for pairs in found)
    return [
        _ratio(pairs, case.spread and case.spread(law)) for pairs, case in zip(finite, chosen, strict=True)
    ]


def _ratio(pairs: FloatArray, spread: float | None) -> Ratio:
    """Mean of the first column over the standard deviation of the second, or over what it is known to be."""
    if np.ptp(pairs[:, 1]) == 0:
        return Ratio(math.nan, 0.0, believed=True)
    if spread is not None:
        estimate = mc.mean("mcse").estimate(pairs[:, 0])
        return Ratio(estimate.value / spread, estimate.mcse / spread, believed=True)
    statistic = mc.mean("mcse") / mc.sd("value")
    estimate = statistic.estimate(pairs)
    return Ratio(estimate.value, estimate.mcse, statistic.limits(pairs, SHARE).believed)


def column(law: Law, seed: int) -> dict[str, Ratio | None]:
    """The ratios of all statistics for a law; None where it has not the moments."""
    chosen = {name: case for name, case in cases(law.mean).items() if case.order < law.moments}
    found: dict[str, Ratio] = {}
    for slow, samples in ((False, SAMPLES), (True, SAMPLES_OF_CUSTOM)):
        names = [name for name in chosen if ("custom" in name) == slow]
        found |= zip(names, calibration(law, [chosen[name] for name in names], samples, seed), strict=True)
    return {name: found.get(name) for name in cases(law.mean)}


def shown(ratio: Ratio | None) -> str:
    """A ratio with the error of its last digit: 0.98(1); a dash without moments, "exact" without error."""
    if ratio is None:
        return "–"
    if math.isnan(ratio.value):
        return "exact"
    if not ratio.believed:
        return f"< {ratio.value:.2f}"
    return f"{ratio.value:.2f}({max(1, math.ceil(100 * ratio.error))})"


def main() -> int:
    """Print the table; 1 where a light law is off."""
    table = {}
    for seed, (name, law) in enumerate(LAWS.items()):
        table[name] = column(law, seed)
        print(f"{name} done", file=sys.stderr, flush=True)
    print("| | " + " | ".join(LAWS) + " |")
    print("|---" * (len(LAWS) + 1) + "|")
    for row in cases(0.0):
        print(f"| {row} | " + " | ".join(shown(table[name][row]) for name in LAWS) + " |")
    worst = 0.0
    for name in LIGHT:
        ratios = [ratio for ratio in table[name].values() if ratio is not None]
        worst = max(worst, *(abs(ratio.value - 1) - 3 * ratio.error for ratio in ratios))
    print(f"light laws are off by at most {worst:.1%} and three errors, wanted {TOLERANCE:.0%}")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
