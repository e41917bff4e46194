"""Tests of a slope by robust standard errors: level, power and bias, against exact laws of quadratic forms.

A replicate is a regression on n fixed, skewed regressors, quantiles of a lognormal law, with normal errors whose standard
deviation is constant or grows with the regressor; the unit of the slope is its standard deviation. `variance` is what a
method takes for the variance of the slope, which is 1; `p_value` that of the t-test of slope 0; `effect` the true slope.

The test rejects where y'(cc' - q^2 V)y > 0, with the slope c'y, its estimated variance y'Vy and a quantile q of t: the
probability is that of a form in normal variables, by J. P. Imhof, Biometrika 48 (1961) 419-426.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import ndtri, stdtr, stdtrit

import mcstudy as mc

FloatArray = NDArray[np.float64]
METHODS = ("classical", "HC0", "HC1", "HC2", "HC3")
LEVEL = 0.05


def design(n: int, errors: str) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Regressors, standard deviations of errors, weights of the slope, shape (n,); the maker of residuals, (n, n)."""
    x = np.exp(ndtri((np.arange(n) + 0.5) / n))
    sigma = np.ones(n) if errors == "constant" else x
    slope = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    unit = np.linalg.norm(slope * sigma)
    return x * unit, sigma, slope / unit, np.eye(n) - 1 / n - np.outer(x - x.mean(), slope)


def weights(method: str, slope: FloatArray, maker: FloatArray) -> FloatArray:
    """Weights of the squared residuals in the estimated variance of the slope, shape (n,)."""
    n, free = len(slope), np.diag(maker)  # 1 - leverage
    factors = {"HC0": np.ones(n), "HC1": np.full(n, n / (n - 2)), "HC2": 1 / free, "HC3": 1 / free**2}
    return np.full(n, slope @ slope / (n - 2)) if method == "classical" else slope**2 * factors[method]


def regressions(
    rng: np.random.Generator, size: int, *, method: str, n: int, errors: str, effect: float
) -> dict[str, Any]:
    """One block: arrays of shape (size,)."""
    x, sigma, slope, maker = design(n, errors)
    y = effect * x + sigma * rng.standard_normal((size, n))
    variance = (y @ maker) ** 2 @ weights(method, slope, maker)
    return {"variance": variance, "p_value": 2 * stdtr(n - 2, -np.abs(y @ slope) / np.sqrt(variance))}


def expected_variance(method: str, n: int, errors: str) -> float:
    """The expectation of `variance`."""
    _, sigma, slope, maker = design(n, errors)
    return float(weights(method, slope, maker) @ maker**2 @ sigma**2)


@lru_cache
def rejected(method: str, n: int, errors: str, effect: float) -> float:
    """The probability that the test rejects."""
    x, sigma, slope, maker = design(n, errors)
    critical = stdtrit(n - 2, 1 - LEVEL / 2)
    form = np.outer(slope, slope) - critical**2 * maker @ np.diag(weights(method, slope, maker)) @ maker
    values, vectors = np.linalg.eigh(sigma[:, np.newaxis] * form * sigma)
    shift = (effect * vectors.T @ (x / sigma)) ** 2

    def integrand(u: float) -> float:
        v = values * u
        angle = np.sum(np.arctan(v) + shift * v / (1 + v**2)) / 2
        return float(np.sin(angle) / u * np.exp(-np.sum(np.log1p(v**2) / 4 + shift * v**2 / (1 + v**2) / 2)))

    return 0.5 + float(quad(integrand, 0, math.inf, limit=500)[0]) / math.pi


POWER, VARIANCE, NULL = mc.power("p_value", LEVEL), mc.mean("variance"), {"effect": 0.0}
STUDENT, UNBIASED = ({"method": method, "errors": "constant"} | NULL for method in ("classical", "HC2"))
IMHOF = r"\mathbb{P}(\text{reject}) = \mathbb{P}(y^T (c c^T - q^2 V) y > 0)"
EXACT = r"\mathbb{P}(\text{reject}) = 0.05 \text{ for Student's test, with constant variance}"
NAIVE = r"\mathbb{P}(\text{reject}) \le 0.05 \text{ by HC0, with any variance, as for large } n"
SHORT = mc.control("where the leverage is high residuals are too short, and HC0 takes them as they are")
BIAS = r"\mathbb{E} \hat V = \sum_i w_i \sum_j M_{ij}^2 \sigma_j^2"
WHITE = r"\mathbb{E} \hat V = 1 \text{ by HC2, with constant variance}"
CAREFUL = r"\mathbb{E} \hat V \ge 1 \text{ by HC3, as by the jackknife}"
PRICE = r"\text{HC3 rejects less often than HC0, whatever the slope}"

study = mc.Study(
    name="robust_errors",
    title="Robust standard errors with few observations",
    question="Do tests by HC0 to HC3 keep their level under heteroscedasticity, and what power do they pay for it?",
    source="MacKinnon and White, J. Econometrics 29 (1985) 305-325; Long and Ervin, Am. Stat. 54 (2000) 217-224",
    answer=r"Not with twenty observations: HC0 rejects a true hypothesis with probability {level.hc0:.3f} where it is worst, in place of 0.05. HC2 estimates a constant variance without bias, HC3 none too small, and pays for it in power. Levels and powers are those of Imhof's integral.",
    simulate=regressions,
    scenarios=mc.grid(method=METHODS, n=(20, 80), errors=("constant", "growing"), effect=(0.0, 2.0)),
    full=mc.grid(method=METHODS, n=(20, 80), errors=("growing",), effect=(1.0, 3.0, 4.0, 5.0)),
    common=("method", "effect"),
    block=1024,
    replicates=mc.Replicates(first=4096, quick=65536, full=131072),
    claims=[
        mc.Value("rejections", IMHOF, of=POWER, equals=rejected, margin=0.02),
        mc.Value("level.student", EXACT, of=POWER, equals=LEVEL, margin=0.01, where=STUDENT),
        mc.AtMost(
            "level.hc0", NAIVE, of=POWER, at_most=LEVEL, where={"method": "HC0"} | NULL, expected=SHORT
        ),
        mc.Value("bias", BIAS, of=VARIANCE, equals=expected_variance, margin=mc.relative(0.1), where=NULL),
        mc.Value("bias.hc2", WHITE, of=VARIANCE, equals=1.0, margin=0.05, where=UNBIASED),
        mc.AtLeast("bias.hc3", CAREFUL, of=VARIANCE, at_least=1.0, where={"method": "HC3"} | NULL),
        mc.Contrast("price", PRICE, of=POWER, across="method", levels=("HC3", "HC0"), at_most=0.0),
    ],
    measures=[mc.Measure("power", of=POWER, over="effect", lines="method", target=LEVEL)],
)

if __name__ == "__main__":
    mc.main(study)
