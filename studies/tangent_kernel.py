"""The network at initialization: its kernels, their sampling error, and its approach to a Gaussian.

Every replicate draws W_0 and the signs a of one network and compares, on a fixed set of inputs, its random-feature kernel
(1/m) sum_j phi(w_j^T x) phi(w_j^T x') and its tangent kernel x^T x' (1/m) sum_j phi'(w_j^T x) phi'(w_j^T x') with their
limits, and its output with a Gaussian. Inputs are real rows of different lengths, or two unit vectors at 60 degrees.

The excess kurtosis of the output, of order 1/m, would drown in the sampling error of fourth powers. Its column takes the
mean over the signs exactly, E_a f^4 = 3 S_2^2 - 2 S_4 with S_2 = sum_j a_j^2 phi_j^2, S_4 = sum_j a_j^4 phi_j^4, and
leaves out 6 E S_2 (S_2 - E S_2), whose mean is zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mcstudy import (
    Law,
    Ledger,
    Overlay,
    Rate,
    Replicates,
    Scenario,
    Section,
    Study,
    Value,
    Verdict,
    grid,
    main,
    mean,
    powers_of_two,
    relative,
    rms,
    variance,
)
from mcstudy.models.arrays import FloatArray
from mcstudy.models.data import real_rows
from mcstudy.models.shallow.activations import Activation, activation
from mcstudy.models.shallow.initialization import draw_outputs, draw_weights
from mcstudy.models.shallow.kernels import closed_forms, kernel, slope_kernel
from mcstudy.models.shallow.quadrature import activation_moment

if TYPE_CHECKING:
    from mcstudy.claims.law import Distribution

Columns = dict[str, FloatArray]

STATES = ("California", "Louisiana", "Vermont", "Hawaii")
REAL, ANGLE = "real rows", "60 degrees"
RANDOM, POSITIVE = "random", "all positive"
ENTRIES = 2**18  # of W_0 in work at once: 2 MiB, unless a single network has more


def simulate(
    rng: np.random.Generator, size: int, *, activation: str, width: int, inputs: str, signs: str
) -> Columns:
    """One block: errors of both kernels and standardised outputs, each of shape (size,)."""
    X = _inputs(inputs)
    parts = []
    for count in _portions(size, width * X.shape[-1]):
        a = draw_outputs(rng, (count, width))
        W0 = draw_weights(rng, (count, width, X.shape[-1]))
        parts.append(_measure(W0, np.abs(a) if signs == POSITIVE else a, X, activation))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _portions(size: int, entries: int) -> list[int]:
    """Cut a block into portions of at most `ENTRIES` weights, but of one network at least."""
    most = max(1, ENTRIES // entries)
    return [min(most, size - first) for first in range(0, size, most)]


def _inputs(inputs: str) -> FloatArray:
    """Inputs, one a row."""
    if inputs == ANGLE:
        return np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    rows = real_rows()
    return rows.inputs[[rows.names.index(state) for state in STATES]]


def _limits(name: str, X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The kernel and the slope kernel between all inputs."""
    gram = X @ X.T
    q = np.diag(gram)
    return kernel(name, q[:, None], q, gram), slope_kernel(name, q[:, None], q, gram)


def _measure(W0: FloatArray, a: FloatArray, X: FloatArray, name: str) -> Columns:
    sigma, width = activation(name), a.shape[-1]
    z = W0 @ X.T
    features, slopes = sigma.value(z), sigma.slope(z)
    gram = X @ X.T
    limit, slope_limit = _limits(name, X)
    estimate, slope_estimate = _second_moments(features), _second_moments(slopes)
    output = np.vecdot(a, features[..., 0]) / math.sqrt(limit[0, 0])
    return {
        "kernel_error": _relative(estimate, limit),
        "tangent_error": _relative(gram * slope_estimate, gram * slope_limit),
        "kernel_deviation": estimate[:, 0, 1] - limit[0, 1],
        "tangent_deviation": gram[0, 1] * (slope_estimate - slope_limit)[:, 0, 1],
        "active": width * slope_estimate[:, 0, 1],
        "output": output,
        "output_cubed": output**3,
        "flatness": -_excess(features[..., 0], sigma, gram[0, 0]),
    }


def _second_moments(features: FloatArray) -> FloatArray:
    """(1/m) sum_j phi_ji phi_jk, shape (n, inputs, inputs)."""
    return np.asarray(features.mT @ features / features.shape[-2])


def _relative(estimate: FloatArray, limit: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.sum((estimate - limit) ** 2, axis=(-2, -1)) / np.sum(limit**2)))


def _excess(features: FloatArray, sigma: Activation, q: float) -> FloatArray:
    """A column whose mean is the excess kurtosis of f, exactly: (3 (S_2 - E S_2)^2 - 2 S_4)/(E S_2)^2."""
    second = activation_moment(sigma, q, 2)
    S2, S4 = np.mean(features**2, axis=-1), np.mean(features**4, axis=-1) / features.shape[-1]
    return np.asarray((3.0 * (S2 - second) ** 2 - 2.0 * S4) / second**2)


WIDTHS = powers_of_two(1, 9)
GAUSSIAN = ("tanh", "cos", "relu")


def _scenarios(**levels: tuple[int | str, ...]) -> tuple[Scenario, ...]:
    usual: dict[str, tuple[int | str, ...]] = {
        "activation": closed_forms(),
        "width": WIDTHS,
        "inputs": (REAL,),
        "signs": (RANDOM,),
    }
    return grid(**usual | levels)


SCENARIOS = (
    _scenarios()
    + _scenarios(activation=GAUSSIAN, inputs=(ANGLE,))
    + _scenarios(activation=("relu",), inputs=(ANGLE,), signs=(POSITIVE,), width=(16, 256))
)

KERNEL = {"inputs": REAL}
OUTPUT = {"inputs": ANGLE, "signs": RANDOM}
CONTROL = {"signs": POSITIVE}


def _binomial(*, width: int, inputs: str, **_: object) -> Distribution:
    from scipy.stats import binom

    return binom(width, _limits("relu", _inputs(inputs))[1][0, 1])


def _normal(**_: object) -> Distribution:
    from scipy.stats import norm

    return norm()


def _flatness(*, width: int, **factors: object) -> float:
    sigma = activation(str(factors["activation"]))
    return (3.0 - activation_moment(sigma, 1.0, 4) / activation_moment(sigma, 1.0, 2) ** 2) / width


KERNELS = (
    Rate(
        "2.kernel",
        r"\lVert k_m - k \rVert / \lVert k \rVert \propto m^{-1/2} \text{ for the random-feature kernel}",
        of=rms("kernel_error"),
        against="width",
        exponent=-1 / 2,
        margin=0.02,
        where=KERNEL,
        source="Problem 2, kernels",
    ),
    Rate(
        "2.kernel.tangent",
        r"\lVert \Theta_m - \Theta \rVert / \lVert \Theta \rVert \propto m^{-1/2} \text{ for the tangent kernel}",
        of=rms("tangent_error"),
        against="width",
        exponent=-1 / 2,
        margin=0.02,
        where=KERNEL,
        source="Problem 2, kernels",
    ),
    Value(
        "2.kernel.unbiased",
        r"\mathbb{E} \frac{1}{m} \sum_j \varphi(w_j^T x) \varphi(w_j^T x') = k(x, x')",
        of=mean("kernel_deviation"),
        equals=0.0,
        margin=0.01,
        where=KERNEL | {"width": (128, 512)},
        source="Problem 2, kernels: closed forms",
    ),
    Value(
        "2.kernel.tangent-unbiased",
        r"\mathbb{E} \frac{x^T x'}{m} \sum_j \varphi'(w_j^T x) \varphi'(w_j^T x') = \Theta(x, x')",
        of=mean("tangent_deviation"),
        equals=0.0,
        margin=0.01,
        where=KERNEL | {"width": (128, 512)},
        source="Problem 2, kernels: closed forms",
    ),
    Law(
        "2.binomial",
        r"\sum_j \varphi'(w_j^T x) \varphi'(w_j^T x') \sim \text{Binomial}(m, (\pi - \theta)/2\pi) \text{ for ReLU}",
        column="active",
        distribution=_binomial,
        margin=0.05,
        where={"activation": "relu", "signs": RANDOM},
        source="Problem 2, kernels",
    ),
)

LIMIT = (
    Law(
        "2.gaussian",
        r"f(W_0) / \sqrt{\mathbb{E} \sigma^2} \to N(0, 1)",
        column="output",
        distribution=_normal,
        margin=0.05,
        where=OUTPUT | {"width": (128, 512)},
        source="Problem 2, initialization",
    ),
    Value(
        "2.gaussian.variance",
        r"\operatorname{Var} f(W_0) = \mathbb{E} \sigma^2 \text{ at every } m",
        of=variance("output"),
        equals=1.0,
        margin=0.1,
        where=OUTPUT,
        source="Problem 2, initialization",
    ),
    Value(
        "2.gaussian.skewness",
        r"\mathbb{E} f(W_0)^3 = 0 \text{ at every } m",
        of=mean("output_cubed"),
        equals=0.0,
        margin=0.4,
        where=OUTPUT,
        source="Problem 2, initialization",
    ),
    Value(
        "2.gaussian.kurtosis",
        r"3 - \mathbb{E} f^4 / (\mathbb{E} f^2)^2 = (3 - \mathbb{E} \sigma^4 / (\mathbb{E} \sigma^2)^2) / m",
        of=mean("flatness"),
        equals=_flatness,
        margin=relative(0.2),
        where=OUTPUT | {"activation": ("tanh", "cos")},
        source="Problem 2, initialization",
    ),
    Rate(
        "2.gaussian.rate",
        r"3 - \mathbb{E} f^4 / (\mathbb{E} f^2)^2 \propto m^{-1}",
        of=mean("flatness"),
        against="width",
        exponent=-1.0,
        margin=0.1,
        where=OUTPUT | {"activation": ("tanh", "cos")},
        source="Problem 2, initialization",
    ),
    Value(
        "2.gaussian.positive-mean",
        r"\mathbb{E} f(W_0) = 0 \text{ with all } a_j = 1/\sqrt{m}",
        of=mean("output"),
        equals=0.0,
        margin=0.1,
        where=CONTROL,
        expected=Verdict.REFUTED,
        because="control: without random signs the output has a mean that grows as sqrt m",
        source="Problem 2, initialization",
    ),
    Value(
        "2.gaussian.positive-skewness",
        r"\mathbb{E} f(W_0)^3 = 0 \text{ with all } a_j = 1/\sqrt{m}",
        of=mean("output_cubed"),
        equals=0.0,
        margin=0.4,
        where=CONTROL,
        expected=Verdict.REFUTED,
        because="control: without random signs odd moments appear",
        source="Problem 2, initialization",
    ),
)


def conclude(ledger: Ledger) -> Section:
    """What width does before training, in the ledger's own numbers."""
    kurtosis = ledger["2.gaussian.rate"]
    return Section(
        "What over-parametrization does before training",
        (
            f"It makes the tangent kernel a constant. Around its limit the random-feature kernel scatters with an exponent "
            f"between {_range(ledger, '2.kernel')}, the tangent kernel between {_range(ledger, '2.kernel.tangent')}, over "
            f"{len(ledger['2.kernel'].cells)} activations on real rows: $m^{{-1/2}}$, the rate of any mean. How "
            f"little training moves it after that, the study `trained_networks` tells.",
            f"It makes the output Gaussian. Its variance is right at every width, its excess kurtosis falls with exponent "
            f"{kurtosis.estimate:.3f} ({kurtosis.interval[0]:.3f} to {kurtosis.interval[1]:.3f}); without random signs "
            f"$a_j$ it would have a mean, {ledger['2.gaussian.positive-mean'].estimate:.2f} standard deviations.",
        ),
    )


def _range(ledger: Ledger, claim: str) -> str:
    """Lowest and highest exponent of a claim's lines."""
    exponents = [cell.estimate for cell in ledger[claim].cells]
    return f"{min(exponents):.3f} and {max(exponents):.3f}"


study = Study(
    name="tangent_kernel",
    title="A wide network at initialization: kernels and the Gaussian limit",
    question="Do the kernels have their closed forms and scatter as 1/sqrt(m), and is the output Gaussian as m grows?",
    source="Optimization Landscape of Neural Networks, Problem 2, kernels at initialization",
    simulate=simulate,
    scenarios=SCENARIOS,
    block=1024,
    replicates=Replicates(first=2048, quick=16384, full=32768),
    claims=(*KERNELS, *LIMIT),
    conclusion=conclude,
    overlays=(
        Overlay(
            "kernels",
            "Kernels and kurtosis against width",
            "Relative errors of both kernels on real rows, m^(-1/2), and how much flatter than a Gaussian the output is, 1/m.",
            claims=("2.kernel", "2.kernel.tangent", "2.gaussian.rate"),
            where={"activation": ("erf", "cos")},
        ),
    ),
)

if __name__ == "__main__":
    main(study)
