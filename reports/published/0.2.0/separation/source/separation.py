"""Logistic regression where outcomes may be separated: how often there is no estimate, and what the others are worth.

A replicate is a regression of n binary outcomes on n evenly spaced values in [-1, 1], by maximum likelihood or with the
penalty of D. Firth, Biometrika 80 (1993) 27-38; methods share outcomes. `estimate`, `low` and `high`, the slope and its
95 % interval, are missing where Newton's steps do not converge. `overlap` is 1 unless a threshold separates outcomes:
then, and only then, there is a maximum of the likelihood. Theory is a sum over all 2^n outcomes.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

import mcstudy as mc

Array = NDArray[Any]
Columns = dict[str, Array]
REGRESSORS = {n: np.linspace(-1.0, 1.0, n) for n in (8, 12)}
METHODS = ML, FIRTH = "maximum likelihood", "Firth"
# Full steps with the penalty may go to and fro for ever; far out, separated outcomes leave residuals of 0.
STEPS, LONGEST, CONVERGED = 40, 0.5, 1e-8


def fitted(y: Array, method: str) -> Columns:
    """Regressions of outcomes of shape (size, n)."""
    x, intercept, slope = REGRESSORS[y.shape[1]], np.zeros(len(y)), np.zeros(len(y))
    for _ in range(STEPS):
        mean = expit(intercept[:, np.newaxis] + np.outer(slope, x))
        weight = mean * (1 - mean)
        s0, s1, s2 = (weight @ x**k for k in range(3))
        determinant = np.maximum(s0 * s2 - s1**2, 1e-300)  # vanishes as separated estimates run away
        residual = y - mean
        if method == FIRTH:
            inverse = np.stack([s2, -2 * s1, s0], axis=1) / determinant[:, np.newaxis]
            residual += weight * (inverse @ [x**0, x, x**2]) * (0.5 - mean)  # the first two make the leverage
        g0, g1 = residual.sum(axis=1), residual @ x
        step = np.stack([s2 * g0 - s1 * g1, s0 * g1 - s1 * g0]) / determinant
        length = np.max(np.abs(step), axis=0)
        intercept, slope = np.stack([intercept, slope]) + step / np.maximum(length / LONGEST, 1.0)
    estimate = np.where(length < CONVERGED, slope, np.nan)
    half = ndtri(0.975) * np.sqrt(s0 / determinant)
    change = np.diff(y, axis=1)  # along the regressor: separated outcomes change at most once
    overlap = np.where((change > 0).any(axis=1) & (change < 0).any(axis=1), 1.0, 0.0)
    return {"estimate": estimate, "low": estimate - half, "high": estimate + half, "overlap": overlap}


def regressions(rng: np.random.Generator, size: int, *, method: str, n: int, slope: float) -> Columns:
    """One block: arrays of shape (size,)."""
    return fitted(1.0 * (rng.random((size, n)) < expit(slope * REGRESSORS[n])), method)


@lru_cache
def enumerated(method: str, n: int) -> tuple[Array, Columns]:
    """All outcomes, shape (2^n, n), and their regressions."""
    outcomes = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) % 2 * 1.0
    return outcomes, fitted(outcomes, method)


def expected(quantity: Callable[[Columns, float], Array], *, given: bool = True) -> Callable[..., float]:
    """The expectation of a quantity of columns and slope, where there is overlap or over all outcomes."""

    def theory(method: str, n: int, slope: float) -> float:
        outcomes, columns = enumerated(method, n)
        mean = expit(slope * REGRESSORS[n])
        probability = np.prod(np.where(outcomes == 1, mean, 1 - mean), axis=1)
        kept = columns["overlap"] == 1 if given else np.full(len(outcomes), True)
        return float(probability[kept] @ quantity(columns, slope)[kept] / probability[kept].sum())

    return theory


BIAS, COVERAGE = mc.bias("estimate", lambda slope: slope), mc.coverage("low", "high", lambda slope: slope)
GIVEN_BIAS, GIVEN_COVERAGE = (mc.conditional(of, given="overlap") for of in (BIAS, COVERAGE))
MISSING = mc.share_missing("estimate")
SEPARATED = expected(lambda columns, _: 1 - columns["overlap"], given=False)
OFF = expected(lambda columns, slope: columns["estimate"] - slope)
COVERED = expected(lambda columns, slope: (columns["low"] <= slope) & (slope <= columns["high"]))
ALBERT = r"\mathbb{P}(\text{no estimate}) = \mathbb{P}(\text{no overlap}) \text{ by maximum likelihood}"
EXISTS = r"\mathbb{P}(\text{no estimate}) = 0 \text{ with Firth's penalty}"
BIASED = r"\mathbb{E} (\hat\beta - \beta \mid \text{overlap}) \text{ by enumeration}"
COVERS = r"\mathbb{P} (L \le \beta \le U \mid \text{overlap}) \text{ by enumeration}"
CENTRED = r"\mathbb{E} (\hat\beta - \beta \mid \text{overlap}) = 0 \text{ by maximum likelihood}"
UNBIASED = r"\mathbb{E} \hat\beta = \beta \text{ with Firth's penalty}"
SELECTED = mc.control("to have an overlap is to be selected, and a few of the selected are far out")
LIKELY, PENALIZED = {"method": ML}, {"method": FIRTH, "n": 12, "slope": (1.0, 2.0)}

study = mc.Study(
    name="separation",
    title="Logistic regression with separated outcomes",
    question="How often has the likelihood no maximum, and what are estimates and intervals worth where it has one?",
    source="Albert and Anderson, Biometrika 71 (1984) 1-10; Heinze and Schemper, Stat. Med. 21 (2002) 2409-2419",
    answer=r"It has none exactly as often as outcomes are separated, which enumeration gives. Where it has one, bias and coverage are those of the outcomes that overlap: to be estimable is to be selected. Firth's penalty always gives an estimate, off by {firth.bias:.2f} where it is worst.",
    simulate=regressions,
    scenarios=mc.grid(method=METHODS, n=tuple(REGRESSORS), slope=(1.0, 2.0)),
    full=mc.grid(method=METHODS, n=tuple(REGRESSORS), slope=(0.0, 3.0)),
    common=("method",),
    missing=("estimate", "low", "high"),
    block=1024,
    replicates=mc.Replicates(first=8192, quick=65536, full=131072),
    claims=[
        mc.Value("separation", ALBERT, of=MISSING, equals=SEPARATED, margin=0.02, where=LIKELY),
        mc.Value("bias", BIASED, of=GIVEN_BIAS, equals=OFF, margin=0.1),
        mc.Value("coverage", COVERS, of=GIVEN_COVERAGE, equals=COVERED, margin=0.01),
        mc.Value("unbiased", CENTRED, of=GIVEN_BIAS, equals=0.0, margin=0.1, where=LIKELY, expected=SELECTED),
        mc.Value("firth.exists", EXISTS, of=MISSING, equals=0.0, margin=0.005, where={"method": FIRTH}),
        mc.Value("firth.bias", UNBIASED, of=BIAS, equals=0.0, margin=0.1, where=PENALIZED),
    ],
    measures=[
        mc.Measure("missing", of=MISSING, over="slope"),
        mc.Measure("covered", of=GIVEN_COVERAGE, over="slope"),
    ],
)

if __name__ == "__main__":
    mc.main(study)
