r"""The empirical loss of deep matrix sensing: its mean, variance, law and rate, its gradient, and the spectrum behind.

W is a product of `depth` Gaussian factors, W* a planted matrix, Delta = W - W*. On n `measurements`, matrices A_i
with independent standard normal entries, the loss is Lhat_n = (1/(2 L n)) sum_i <Delta, A_i>^2. Columns compare the
loss and its gradient with their closed forms, each in its own unit, so that replicates with different Delta are
identically distributed: `along` is along Delta, `across` along a V perpendicular to it.

The rows of Phi are vec A_i. Columns say how far the extreme eigenvalues of Phi^T Phi / n are inside the edges:
`lower_gap` and `upper_gap` from those at finite sizes, `edge_distance` (relatively) from those of the limit.

The sampler "full" draws every entry of every A_i, "projected" only what loss, gradient and eigenvalues depend on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import isqrt
from pathlib import Path

import numpy as np

import mcstudy as mc
from mcstudy.exceptions import InputError
from mcstudy.models import data
from mcstudy.models.arrays import FloatArray
from mcstudy.models.deep_linear.starts import gaussian_product
from mcstudy.models.sensing.errors import gradient_errors, loss_errors
from mcstudy.models.sensing.extreme_eigenvalues import edge_gaps, full_extremes, projected_extremes
from mcstudy.models.sensing.loss import loss_law
from mcstudy.models.sensing.marchenko_pastur import GapLaw, largest_centre, log_smallest_centre
from mcstudy.models.sensing.samplers import Empirical, sample_full, sample_projected

Columns = dict[str, FloatArray]
Generator = np.random.Generator
Planted = Mapping[str, FloatArray]

TOGETHER = 2**17  # entries of Delta in work at once: 1 MiB, whatever the dimension
BIAS = 0.5  # of the control, in units of the loss


def gaussian_measurements(
    rng: Generator, size: int, *, matrices: Planted, planted: str, sampler: str, dimension: int, **counts: int
) -> Columns:
    """One block: arrays of shape (size,). W* is random, another in each replicate, or one of the `matrices`."""
    sample = sample_full if sampler == "full" else sample_projected

    def portion(size: int) -> Columns:
        if planted == "random":
            target = gaussian_product(rng, size, depth=1, dimension=dimension)
        else:
            target = matrices[planted]
        delta = gaussian_product(rng, size, depth=counts["depth"], dimension=dimension) - target
        return compared(delta, sample(rng, delta, **counts), **counts)

    return mc.portions(portion, size, entries=dimension**2, most=TOGETHER)


def compared(delta: FloatArray, empirical: Empirical, **counts: int) -> Columns:
    """Errors of loss and gradient in units that make their laws free of Delta; `counts` are depth and measurements."""
    loss = loss_errors(delta, empirical.loss, **counts)
    gradient = gradient_errors(delta, empirical.gradient, **counts)
    return {
        "relative_error": loss.relative,
        "biased_error": loss.relative + BIAS,
        "standardized_error": loss.standardized,
        "chi_square": loss.chi_square,
        "gradient_along": gradient.along,
        "gradient_across": gradient.across,
        "gradient_product": gradient.along * gradient.across,
        "gradient_error": gradient.squared,
    }


MEASUREMENTS = (16, 64, 256, 1024)
PROJECTED = {"planted": ("random",), "sampler": ("projected",), "measurements": MEASUREMENTS}
FULL = {**PROJECTED, "sampler": ("full",), "measurements": (16, 64)}  # n d^2 normals a replicate: no larger n
BOTH = {"planted": "random", "depth": 3, "measurements": (16, 64)}  # what both samplers draw
EL_NINO = {"planted": ("el_nino",), "dimension": (12,), "depth": (2,)}  # sea temperatures by month

# As the claims print them.
MEAN = r"\mathbb{E} \hat{L}_n = \frac{1}{2L} \lVert \Delta \rVert^2"
VARIANCE = r"\operatorname{Var} \hat{L}_n = \frac{1}{2 L^2 n} \lVert \Delta \rVert^4"
CHI_SQUARE = r"2 L n \hat{L}_n / \lVert \Delta \rVert^2 \sim \chi^2_n"
RATE = r"\sqrt{\mathbb{E} (\hat{L}_n - L)^2} \propto n^{-1/2}"
BIASED_RATE = rf"\sqrt{{\mathbb{{E}} (\hat{{L}}_n + {BIAS} L - L)^2}} \propto n^{{-1/2}}"
SQUARE = r"\mathbb{E} \lVert \nabla \hat{L}_n - \Delta / L \rVert^2 = \frac{d^2 + 1}{L^2 n} \lVert \Delta \rVert^2"
ALONG, ACROSS = r"\langle \nabla \hat{L}_n, \Delta \rangle", r"\langle \nabla \hat{L}_n, V \rangle"
VARIANCE_ALONG = rf"\operatorname{{Var}} {ALONG} = \frac{{2}}{{L^2 n}} \lVert \Delta \rVert^4"
VARIANCE_ACROSS = (
    rf"\operatorname{{Var}} {ACROSS} = \frac{{1}}{{L^2 n}} \lVert \Delta \rVert^2 \lVert V \rVert^2"
)
SAME_LAW = r"\text{ has one law in both samplers}"

loss = mc.Experiment(
    "loss",
    simulate=partial(gaussian_measurements, matrices={"el_nino": data.scaled(data.el_nino_covariance())}),
    scenarios=mc.grid(**PROJECTED, dimension=(8,), depth=(1, 3))
    + mc.grid(**PROJECTED, dimension=(2,), depth=(3,))
    + mc.grid(**PROJECTED | EL_NINO)
    + mc.grid(**FULL, dimension=(2, 8), depth=(3,)),
    full=mc.grid(**PROJECTED, dimension=(2, 8, 16), depth=(8,))
    + mc.grid(**FULL | EL_NINO | {"measurements": (16,)}),
    source="Problem 1",
    claims=[
        mc.Value("1.mean", MEAN, of=mc.mean("relative_error"), equals=0.0, margin=0.01),
        mc.Value("1.variance", VARIANCE, of=mc.variance("standardized_error"), equals=1.0, margin=mc.relative(0.05)),
        mc.Law("1.law", CHI_SQUARE, column="chi_square", distribution=loss_law, margin=0.02),
        mc.Rate(
            "1.rate", RATE, of=mc.rms("relative_error"), against="measurements", exponent=-1 / 2, margin=0.02,
            exact=True, where={"sampler": "projected"},
        ),
        mc.Rate(
            "1.rate-biased", BIASED_RATE, of=mc.rms("biased_error"), against="measurements", exponent=-1 / 2, margin=0.02,
            where={"sampler": "projected"}, expected=mc.control("a fixed bias does not average out: the error stops falling")
        ),
        mc.SameLaw(
            "1.samplers", rf"\hat{{L}}_n {SAME_LAW}", column="chi_square", across="sampler", margin=0.03, where=BOTH
        ),
        mc.Value("1.gradient", SQUARE, of=mc.mean("gradient_error"), equals=1.0, margin=0.03),
        mc.Value(
            "1.gradient.unbiased-along", rf"\mathbb{{E}} {ALONG} = \frac{{1}}{{L}} \lVert \Delta \rVert^2",
            of=mc.mean("gradient_along"), equals=0.0, margin=0.05
        ),
        mc.Value(
            "1.gradient.unbiased-across", rf"\mathbb{{E}} {ACROSS} = 0 \text{{ for }} V \perp \Delta",
            of=mc.mean("gradient_across"), equals=0.0, margin=0.05
        ),
        mc.Value(
            "1.gradient.variance-along", VARIANCE_ALONG, of=mc.variance("gradient_along"), equals=2.0, margin=mc.relative(0.05)
        ),
        mc.Value(
            "1.gradient.variance-across", VARIANCE_ACROSS, of=mc.variance("gradient_across"), equals=1.0, margin=mc.relative(0.05)
        ),
        mc.Value(
            "1.gradient.covariance", rf"\operatorname{{Cov}}({ALONG}, {ACROSS}) = 0",
            of=mc.mean("gradient_product"), equals=0.0, margin=0.05
        ),
        mc.SameLaw(
            "1.gradient.samplers", rf"\nabla \hat{{L}}_n {SAME_LAW}", column="gradient_error", across="sampler", margin=0.03, where=BOTH
        ),
    ],
)


def other_measurements(
    rng: Generator, size: int, *, ensemble: str, dimension: int, **counts: int
) -> Columns:
    """One block of the same columns for a random W*, on A_i whose entries are not independent normals."""
    target = gaussian_product(rng, size, depth=1, dimension=dimension)
    delta = gaussian_product(rng, size, depth=counts["depth"], dimension=dimension) - target
    return compared(delta, sample_full(rng, delta, ensemble=ensemble, **counts), **counts)


SMALL = {"dimension": (2,), "depth": (3,), "measurements": (16,)}  # where the entries show most

symmetric = mc.Experiment(
    "symmetric",
    simulate=other_measurements,
    scenarios=mc.grid(**SMALL, ensemble=("symmetric",)),
    source="Problem 1, control",
    claims=[
        mc.Value(
            "1.mean-symmetric", rf"{MEAN} \text{{ for symmetric }} A", of=mc.mean("relative_error"), equals=0.0, margin=0.01,
            expected=mc.control("entries that are not independent see Delta + Delta^T: the mean is another"),
        ),
        mc.Value(
            "1.mean-symmetric.exact",
            r"\mathbb{E} \hat{L}_n / L = 1 + 1/d \text{ for symmetric } A \text{ and exchangeable entries of } \Delta",
            of=mc.mean("relative_error"), equals=lambda dimension: 1 / dimension, margin=0.03,
        ),
        mc.Value(
            "1.gradient-symmetric", rf"\mathbb{{E}} {ACROSS} = 0 \text{{ for symmetric }} A",
            of=mc.mean("gradient_across"), equals=0.0, margin=0.05,
            expected=mc.control("the gradient on symmetric A has mean (Delta + Delta^T)/L"),
        ),
    ],
)

rademacher = mc.Experiment(
    "rademacher",
    simulate=other_measurements,
    scenarios=mc.grid(**SMALL, ensemble=("rademacher",)),
    source="Problem 1, control",
    claims=[
        mc.Value(
            "1.mean-rademacher", rf"{MEAN} \text{{ for entries }} \pm 1", of=mc.mean("relative_error"), equals=0.0, margin=0.01,
        ),
        mc.Law(
            "1.law-rademacher", rf"{CHI_SQUARE} \text{{ for entries }} \pm 1", column="chi_square", distribution=loss_law, margin=0.02,
            expected=mc.control("signs have the mean of normals but a smaller fourth moment: the law is another"),
        ),
    ],
)


def spectrum(rng: Generator, size: int, *, phi: str, measurements: int) -> Columns:
    """One block of gaps; n and d^2 grow together, d = sqrt(n)/2. Phi is bidiagonal, or has entries of an ensemble."""
    d = isqrt(measurements) // 2
    if phi == "bidiagonal":
        extremes = projected_extremes(rng, size, measurements=measurements, parameters=d**2)
    else:
        extremes = full_extremes(rng, size, measurements=measurements, dimension=d, ensemble=phi)
    return edge_gaps(extremes, measurements=measurements, parameters=d**2)._asdict()
