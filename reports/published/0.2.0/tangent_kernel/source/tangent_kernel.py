"""The network at initialization: its kernels, their sampling error, and its approach to a Gaussian.

Every replicate draws W_0, and the signs a, of one network. On fixed inputs its random-feature kernel
(1/m) sum_j phi(w_j^T x) phi(w_j^T x') and its tangent kernel x^T x' (1/m) sum_j phi'(w_j^T x) phi'(w_j^T x') are compared
with their limits, and its output f(W_0) with a Gaussian. Columns are relative errors of kernel matrices, deviations of one
of their entries, counts of rows, and outputs in units of their standard deviation.
"""

import math
from functools import partial

import numpy as np
import scipy

import mcstudy as mc
from mcstudy.claims.law import Distribution
from mcstudy.models.arrays import FloatArray
from mcstudy.models.data import real_rows
from mcstudy.models.shallow.activations import activation as known
from mcstudy.models.shallow.initialization import draw_outputs, draw_weights
from mcstudy.models.shallow.kernels import closed_forms, kernel, slope_kernel
from mcstudy.models.shallow.quadrature import activation_moment

Columns = dict[str, FloatArray]

REAL, ANGLE = "real rows", "60 degrees"
WIDTHS = mc.powers_of_two(1, 9)
RATE = partial(mc.Rate, against="width")
ZERO = partial(mc.Value, equals=0.0)
ENTRIES = 2**18  # of W_0 in work at once: 2 MiB, which with its features stays in a processor's cache


def _inputs(inputs: str) -> FloatArray:
    """Inputs, one a row: four states of the USA, whose lengths differ, or two unit vectors."""
    if inputs == ANGLE:
        return np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    rows = real_rows()
    states = ("California", "Louisiana", "Vermont", "Hawaii")
    return rows.inputs[[rows.names.index(state) for state in states]]


def _limits(name: str, X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The kernel and the slope kernel between all inputs."""
    gram = X @ X.T
    q = np.diag(gram)
    return kernel(name, q[:, None], q, gram), slope_kernel(name, q[:, None], q, gram)


def kernels(rng: np.random.Generator, size: int, *, activation: str, width: int) -> Columns:
    """Compare both kernels of a network with their limits: arrays of shape (size,)."""
    X, sigma = _inputs(REAL), known(activation)
    gram, (limit, slope_limit) = X @ X.T, _limits(activation, X)

    def draw(count: int) -> Columns:
        z = draw_weights(rng, (count, width, X.shape[-1])) @ X.T
        estimate, slope_estimate = _second_moments(sigma.value(z)), _second_moments(sigma.slope(z))
        return {
            "kernel_error": _relative(estimate, limit),
            "tangent_error": _relative(gram * slope_estimate, gram * slope_limit),
            "kernel_deviation": estimate[:, 0, 1] - limit[0, 1],
            "tangent_deviation": gram[0, 1] * (slope_estimate - slope_limit)[:, 0, 1],
        }

    return mc.portions(draw, size, entries=width * X.shape[-1], most=ENTRIES)


def _second_moments(features: FloatArray) -> FloatArray:
    """(1/m) sum_j phi_ji phi_jk, shape (n, inputs, inputs)."""
    return np.asarray(features.mT @ features / features.shape[-2])


def _relative(estimate: FloatArray, limit: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.sum((estimate - limit) ** 2, axis=(-2, -1)) / np.sum(limit**2)))


FEATURES = r"\lVert k_m - k \rVert / \lVert k \rVert \propto m^{-1/2} \text{ for the random-feature kernel}"
TANGENT = (
    r"\lVert \Theta_m - \Theta \rVert / \lVert \Theta \rVert \propto m^{-1/2} \text{ for the tangent kernel}"
)
KERNEL_MEAN = r"\mathbb{E} \frac{1}{m} \sum_j \varphi(w_j^T x) \varphi(w_j^T x') = k(x, x')"
THETA_MEAN = r"\mathbb{E} \frac{x^T x'}{m} \sum_j \varphi'(w_j^T x) \varphi'(w_j^T x') = \Theta(x, x')"
WIDE = {"width": (128, 512)}

KERNELS = mc.Experiment(
    "kernels",
    simulate=kernels,
    scenarios=mc.grid(activation=closed_forms(), width=WIDTHS),
    source="Problem 2, kernels: closed forms",
    columns={
        "kernel_error": r"$\lVert k_m - k \rVert / \lVert k \rVert$ on four inputs",
        "tangent_error": r"$\lVert \Theta_m - \Theta \rVert / \lVert \Theta \rVert$ on four inputs",
        "kernel_deviation": "$k_m(x, x') - k(x, x')$ for the first two inputs",
        "tangent_deviation": r"$\Theta_m(x, x') - \Theta(x, x')$ for the first two inputs",
        "width": "$m$, the number of rows",
    },
    claims=[
        # Both laws hold at every width, so that the margins allow for sampling alone.
        RATE("2.kernel", FEATURES, of=mc.rms("kernel_error"), exponent=-1 / 2, margin=0.02),
        RATE("2.kernel.tangent", TANGENT, of=mc.rms("tangent_error"), exponent=-1 / 2, margin=0.02),
        # Entries are of order 1; at these widths the quick profile knows them to half of the margin.
        ZERO("2.kernel.unbiased", KERNEL_MEAN, of=mc.mean("kernel_deviation"), margin=0.01, where=WIDE),
        ZERO(
            "2.kernel.tangent-unbiased", THETA_MEAN, of=mc.mean("tangent_deviation"), margin=0.01, where=WIDE
        ),
    ],
)


def active_rows(rng: np.random.Generator, size: int, *, inputs: str, width: int) -> Columns:
    """Count the rows of ReLU that are active on both of the first two inputs: an array of shape (size,)."""
    X, relu = _inputs(inputs)[:2], known("relu")

    def draw(count: int) -> Columns:
        slopes = relu.slope(draw_weights(rng, (count, width, X.shape[-1])) @ X.T)
        return {"active": np.vecdot(slopes[..., 0], slopes[..., 1])}

    return mc.portions(draw, size, entries=width * X.shape[-1], most=ENTRIES)


def _binomial(width: int, inputs: str) -> Distribution:
    return scipy.stats.binom(width, _limits("relu", _inputs(inputs))[1][0, 1])


BINOMIAL = r"\sum_j \varphi'(w_j^T x) \varphi'(w_j^T x') \sim \text{Binomial}(m, (\pi - \theta)/2\pi) \text{ for ReLU}"

ACTIVE_ROWS = mc.Experiment(
    "active_rows",
    simulate=active_rows,
    scenarios=mc.grid(inputs=(REAL, ANGLE), width=WIDTHS),
    source="Problem 2, kernels",
    columns={"active": "the number of rows that are active on both inputs", "width": "$m$"},
    claims=[
        # Exact at every width: the margin is what the band of 8192 networks leaves.
        mc.Law("2.binomial", BINOMIAL, column="active", distribution=_binomial, margin=0.05),
    ],
)


def outputs(rng: np.random.Generator, size: int, *, activation: str, width: int) -> Columns:
    """Draw f(W_0) on one input of norm 1, over its standard deviation: arrays of shape (size,).

    The excess kurtosis, of order 1/m, would drown in the sampling error of fourth powers. Its negative, `flatness`, takes
    the mean over the signs exactly, E_a f^4 = 3 S_2^2 - 2 S_4 with S_2 = sum_j a_j^2 phi_j^2, S_4 = sum_j a_j^4 phi_j^4,
    and leaves out 6 E S_2 (S_2 - E S_2), whose mean is zero. `positive` is the output with all a_j = 1/sqrt m.
    """
    sigma, x = known(activation), np.array([0.6, 0.8])
    deviation = math.sqrt(activation_moment(sigma, 1.0, 2))

    def draw(count: int) -> Columns:
        a = draw_outputs(rng, (count, width))
        phi = sigma.value(draw_weights(rng, (count, width, 2)) @ x) / deviation
        output, positive = np.vecdot(a, phi), np.vecdot(np.abs(a), phi)
        S2, S4 = np.mean(phi**2, axis=-1), np.mean(phi**4, axis=-1) / width
        return {
            "output": output,
            "output_cubed": output**3,
            "flatness": 2.0 * S4 - 3.0 * (S2 - 1.0) ** 2,
            "positive": positive,
            "positive_cubed": positive**3,
        }

    return mc.portions(draw, size, entries=width * x.size, most=ENTRIES)


def _flatness(activation: str, width: int) -> float:
    fourth, second = (activation_moment(known(activation), 1.0, order) for order in (4, 2))
    return (3.0 - fourth / second**2) / width


SMOOTH = ("tanh", "cos")  # ReLU's features are unbounded: its kurtosis takes too many networks to see
BOUNDED, UNSIGNED = {"activation": SMOOTH}, {"activation": "relu", "width": (16, 256)}
LIMIT = r"f(W_0) / \sqrt{\mathbb{E} \sigma^2} \to N(0, 1)"
VARIANCE = r"\operatorname{Var} f(W_0) = \mathbb{E} \sigma^2 \text{ at every } m"
SKEWNESS = r"\mathbb{E} f(W_0)^3 = 0 \text{ at every } m"
FLATTER = r"3 - \mathbb{E} f^4 / (\mathbb{E} f^2)^2"
INVERSE = rf"{FLATTER} \propto m^{{-1}}"
KURTOSIS = rf"{FLATTER} = (3 - \mathbb{{E}} \sigma^4 / (\mathbb{{E}} \sigma^2)^2) / m"

OUTPUTS = mc.Experiment(
    "outputs",
    simulate=outputs,
    scenarios=mc.grid(activation=(*SMOOTH, "relu"), width=WIDTHS),
    source="Problem 2, initialization",
    columns={
        "output": r"$f(W_0) / \sqrt{\mathbb{E} \sigma^2}$",
        "output_cubed": "its third power",
        "flatness": r"$3 - \mathbb{E} f^4 / (\mathbb{E} f^2)^2$ of a network, the mean over the signs taken exactly",
        "positive": r"the output with all $a_j = 1/\sqrt m$",
        "positive_cubed": "its third power",
        "width": "$m$, the number of rows",
    },
    claims=[
        # At m = 128 the law is within 0.01 of normal.
        mc.Law(
            "2.gaussian",
            LIMIT,
            column="output",
            distribution=lambda: scipy.stats.norm(),
            margin=0.05,
            where=WIDE,
        ),
        # Moments of heavy-tailed outputs: margins that the quick profile can decide at a width of 2.
        mc.Value("2.gaussian.variance", VARIANCE, of=mc.variance("output"), equals=1.0, margin=0.1),
        ZERO("2.gaussian.skewness", SKEWNESS, of=mc.mean("output_cubed"), margin=0.4),
        mc.Value(
            "2.gaussian.kurtosis",
            KURTOSIS,
            of=mc.mean("flatness"),
            equals=_flatness,
            margin=mc.relative(0.2),
            where=BOUNDED,
        ),
        RATE("2.gaussian.rate", INVERSE, of=mc.mean("flatness"), exponent=-1.0, margin=0.1, where=BOUNDED),
        ZERO(
            "2.gaussian.positive-mean",
            r"\mathbb{E} f(W_0) = 0 \text{ with all } a_j = 1/\sqrt{m}",
            of=mc.mean("positive"),
            margin=0.1,
            where=UNSIGNED,
            expected=mc.control(r"without random signs the output has a mean that grows as $\sqrt{m}$"),
        ),
        ZERO(
            "2.gaussian.positive-skewness",
            r"\mathbb{E} f(W_0)^3 = 0 \text{ with all } a_j = 1/\sqrt{m}",
            of=mc.mean("positive_cubed"),
            margin=0.4,
            where=UNSIGNED,
            expected=mc.control("without random signs odd moments appear"),
        ),
    ],
)


def conclude(ledger: mc.Ledger) -> mc.Section:
    """What width does before training, in the ledger's own numbers."""
    features, tangent = (
        sorted(cell.estimate for cell in ledger[claim].cells) for claim in ("2.kernel", "2.kernel.tangent")
    )
    kurtosis = ledger["2.gaussian.rate"]
    return mc.Section(
        "What over-parametrization does before training",
        (
            f"It makes the tangent kernel a constant. Around its limit the random-feature kernel scatters with an exponent "
            f"between {features[0]:.3f} and {features[-1]:.3f}, the tangent kernel between {tangent[0]:.3f} and "
            f"{tangent[-1]:.3f}, over {len(features)} activations on real rows: $m^{{-1/2}}$, the rate of any mean. How "
            f"little training moves it after that, the study of trained networks tells.",
            f"It makes the output Gaussian. Its variance is right at every width, its excess kurtosis falls with exponent "
            f"{kurtosis.cells[kurtosis.deciding]:.3f}; without random signs $a_j$ it would have a mean, "
            f"{ledger['2.gaussian.positive-mean'].estimate:.2f} standard deviations.",
        ),
    )


study = mc.Study(
    name="tangent_kernel",
    title="A wide network at initialization: kernels and the Gaussian limit",
    question="Do the kernels have their closed forms and scatter as $1/\\sqrt{m}$, and is the output Gaussian as m grows?",
    source="Optimization Landscape of Neural Networks, Problem 2, kernels at initialization",
    answer=r"Around their closed forms the random-feature kernel scatters as $m^{{{2.kernel}}}$ and the tangent kernel as $m^{{{2.kernel.tangent}}}$, where the slopes are furthest from $-1/2$. The output becomes Gaussian: its excess kurtosis falls as $m^{{{2.gaussian.rate}}}$, its variance is right at every width. It takes the random signs: without them the mean is {2.gaussian.positive-mean} standard deviations at $m = 256$.",
    experiments=[KERNELS, ACTIVE_ROWS, OUTPUTS],
    block=1024,
    replicates=mc.Replicates(first=1024, quick=16384, full=32768),
    conclusion=conclude,
    overlays=(
        mc.Overlay(
            "kernels",
            "Kernels and kurtosis against width",
            "Relative errors of both kernels on real rows, $m^{-1/2}$, and how much flatter than a Gaussian the output is, $1/m$.",
            claims=("2.kernel", "2.kernel.tangent", "2.gaussian.rate"),
            where={"activation": ("erf", "cos")},
        ),
    ),
)

if __name__ == "__main__":
    mc.main(study)
