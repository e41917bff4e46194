r"""The empirical loss of deep matrix sensing: its mean, variance, law and rate, its gradient, its spectrum.

W is a product of `depth` Gaussian factors, W* a planted matrix, Delta = W - W*. On n `measurements`, matrices
A_i with independent standard normal entries, the loss is Lhat_n = (1/(2 L n)) sum_i <Delta, A_i>^2. Columns
compare loss and gradient with their closed forms, each in its own unit, so that replicates with different
Delta are identically distributed: `along` is along Delta, `across` along a V perpendicular to it. Phi has the
rows vec A_i.

The sampler "gaussian" draws every entry of every A_i, "projected" of these only what the columns depend on.
Controls draw every entry of "symmetric" A_i, and "rademacher" signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import isqrt
from pathlib import Path
from typing import Any

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
from mcstudy.models.sensing.samplers import sample_full, sample_projected

Generator = np.random.Generator
Columns = dict[str, FloatArray]
Planted = Mapping[str, FloatArray]

TOGETHER = 2**17  # entries of Delta in work at once: 1 MiB, whatever the dimension
BIAS = 0.5  # of the control, in units of the loss


def measured(
    rng: Generator, size: int, *, matrices: Planted, planted: str, sampler: str, dimension: int, **counts: int
) -> Columns:
    """One block: arrays of shape (size,). `counts` are depth and measurements."""
    sample = sample_projected if sampler == "projected" else partial(sample_full, ensemble=sampler)

    def portion(size: int) -> Columns:
        target = gaussian_product(rng, size, 1, dimension) if planted == "random" else matrices[planted]
        delta = gaussian_product(rng, size, counts["depth"], dimension) - target
        empirical = sample(rng, delta, depth=counts["depth"], measurements=counts["measurements"])
        loss = loss_errors(delta, empirical.loss, **counts)
        gradient = gradient_errors(delta, empirical.gradient, **counts)
        return {
            "relative_error": loss.relative,
            "standardized_error": loss.standardized,
            "biased_error": loss.relative + BIAS,
            "chi_square": loss.chi_square,
            "gradient_along": gradient.along,
            "gradient_across": gradient.across,
            "gradient_product": gradient.along * gradient.across,
            "gradient_error": gradient.squared,
        }

    return mc.portions(portion, size, entries=dimension**2, most=TOGETHER)


measure = partial(measured, matrices={"el_nino": data.scaled(data.el_nino_covariance())})

PROJECTED = {"planted": ("random",), "sampler": ("projected",), "measurements": (16, 64, 256, 1024)}
GAUSSIAN = {"planted": ("random",), "sampler": ("gaussian",)}
EL_NINO = {"planted": ("el_nino",), "dimension": (12,), "depth": (2,)}  # sea temperatures, by month
DRAWN_TWICE = {"planted": "random", "depth": 3, "measurements": (16, 64)}  # in full: n d^2 normals
TWICE: dict[str, Any] = {"across": "sampler", "margin": 0.03, "where": DRAWN_TWICE}
CHI: dict[str, Any] = {"column": "chi_square", "distribution": loss_law, "margin": 0.02}

SQUARE = r"\lVert \Delta \rVert^2"
MEAN = rf"\mathbb{{E}} \hat{{L}}_n = \frac{{1}}{{2L}} {SQUARE}"
VARIANCE = r"\operatorname{Var} \hat{L}_n = \frac{1}{2 L^2 n} \lVert \Delta \rVert^4"
CHI_SQUARE = rf"2 L n \hat{{L}}_n / {SQUARE} \sim \chi^2_n"
RATE = r"\sqrt{\mathbb{E} (\hat{L}_n - L)^2} \propto n^{-1/2}"
BIASED = rf"\sqrt{{\mathbb{{E}} (\hat{{L}}_n + {BIAS} L - L)^2}} \propto n^{{-1/2}}"
ERROR = rf"\mathbb{{E}} \lVert \nabla \hat{{L}}_n - \Delta / L \rVert^2 = \frac{{d^2 + 1}}{{L^2 n}} {SQUARE}"
ON_DELTA, ON_V = r"\langle \nabla \hat{L}_n, \Delta \rangle", r"\langle \nabla \hat{L}_n, V \rangle"
ALONG = rf"\mathbb{{E}} {ON_DELTA} = \frac{{1}}{{L}} {SQUARE}"
ACROSS = rf"\mathbb{{E}} {ON_V} = 0 \text{{ for }} V \perp \Delta"
VAR_ALONG = rf"\operatorname{{Var}} {ON_DELTA} = \frac{{2}}{{L^2 n}} \lVert \Delta \rVert^4"
VAR_ACROSS = rf"\operatorname{{Var}} {ON_V} = \frac{{1}}{{L^2 n}} {SQUARE} \lVert V \rVert^2"
COVARIANCE = rf"\operatorname{{Cov}}({ON_DELTA}, {ON_V}) = 0"
ONE_LAW = r"\text{ has one law in both samplers}"

LOSS = {
    "relative_error": r"$\hat L_n / \mathbb{E} \hat L_n - 1$, the mean that of theory",
    "standardized_error": r"$\hat L_n - \mathbb{E} \hat L_n$ over the standard deviation of theory",
    "biased_error": f"the same plus {BIAS}",
    "chi_square": r"$2 L n \hat L_n / \lVert \Delta \rVert^2$",
    "gradient_along": r"error of the gradient along $\Delta$, in units of $\lVert \Delta \rVert / (L \sqrt n)$",
    "gradient_across": r"error of the gradient along $V$, in the same unit",
    "gradient_product": "the product of both",
    "gradient_error": r"the gradient's squared error over that of theory",
    "measurements": "$n$",
    "sampler": "how $A_i$ are drawn: entry by entry, only what matters of them, or otherwise",
}
# Margins are about seven standard errors at 65,536 replicates: less than any wrong constant would change.
mean_error = partial(mc.Value, of=mc.mean("relative_error"), equals=0, margin=0.01)
rate = partial(mc.Rate, against="measurements", exponent=-1 / 2, margin=0.02, where={"sampler": "projected"})
STOPS = mc.control("a fixed bias does not average out: the error stops falling")

loss = mc.Experiment(
    "loss",
    simulate=measure,
    scenarios=mc.grid(**PROJECTED, dimension=(8,), depth=(1, 3))
    + mc.grid(**PROJECTED, dimension=(2,), depth=(3,))
    + mc.grid(**PROJECTED | EL_NINO)
    + mc.grid(**GAUSSIAN, dimension=(2, 8), depth=(3,), measurements=(16, 64)),
    columns=LOSS,
    full=mc.grid(**PROJECTED, dimension=(2, 8, 16), depth=(8,))
    + mc.grid(**GAUSSIAN | EL_NINO, measurements=(16,)),
    claims=[
        mean_error("1.mean", MEAN),
        mc.Value("1.variance", VARIANCE, of=mc.variance("standardized_error"), equals=1, margin=0.05),
        mc.Law("1.law", CHI_SQUARE, **CHI),
        rate("1.rate", RATE, of=mc.rms("relative_error"), exact=True),
        rate("1.rate-biased", BIASED, of=mc.rms("biased_error"), expected=STOPS),
        mc.SameLaw("1.samplers", rf"\hat{{L}}_n {ONE_LAW}", column="chi_square", **TWICE),
        mc.Value("1.gradient", ERROR, of=mc.mean("gradient_error"), equals=1, margin=0.03),
        mean_error("1.gradient.unbiased-along", ALONG, of=mc.mean("gradient_along"), margin=0.05),
        mean_error("1.gradient.unbiased-across", ACROSS, of=mc.mean("gradient_across"), margin=0.05),
        mc.Value(
            "1.gradient.variance-along", VAR_ALONG, of=mc.variance("gradient_along"), equals=2, margin=0.1
        ),
        mc.Value(
            "1.gradient.variance-across", VAR_ACROSS, of=mc.variance("gradient_across"), equals=1, margin=0.05
        ),
        mean_error("1.gradient.covariance", COVARIANCE, of=mc.mean("gradient_product"), margin=0.05),
        mc.SameLaw("1.gradient.samplers", rf"\nabla \hat{{L}}_n {ONE_LAW}", column="gradient_error", **TWICE),
    ],
)

SMALL = {"planted": ("random",), "dimension": (2,), "depth": (3,), "measurements": (16,)}
SYMMETRIC, SIGNS = r" \text{ for symmetric } A", r" \text{ for entries } \pm 1"
EXACT = rf"\mathbb{{E}} \hat{{L}}_n / L = 1 + 1/d{SYMMETRIC} \text{{ and exchangeable entries of }} \Delta"
TWISTED = rf"\mathbb{{E}} {ON_V} = 0{SYMMETRIC}"
DEPENDENT = mc.control(r"entries that are not independent see $\Delta + \Delta^T$: the mean is another")
TILTED = mc.control(r"the gradient on symmetric $A$ has mean $(\Delta + \Delta^T)/L$")
OTHER_LAW = mc.control("signs have the mean of normals but a smaller fourth moment: another law")

symmetric = mc.Experiment(
    "symmetric",
    simulate=measure,
    scenarios=mc.grid(**SMALL, sampler=("symmetric",)),
    columns=LOSS,
    claims=[
        mean_error("1.mean-symmetric", MEAN + SYMMETRIC, expected=DEPENDENT),
        mean_error("1.mean-symmetric.exact", EXACT, equals=lambda dimension: 1 / dimension, margin=0.03),
        mean_error(
            "1.gradient-symmetric", TWISTED, of=mc.mean("gradient_across"), margin=0.05, expected=TILTED
        ),
    ],
)

rademacher = mc.Experiment(
    "rademacher",
    simulate=measure,
    scenarios=mc.grid(**SMALL, sampler=("rademacher",)),
    columns=LOSS,
    claims=[
        mean_error("1.mean-rademacher", MEAN + SIGNS),
        mc.Law("1.law-rademacher", CHI_SQUARE + SIGNS, **CHI, expected=OTHER_LAW),
    ],
)


def spectrum(rng: Generator, size: int, *, sampler: str, measurements: int) -> Columns:
    """One block: arrays of shape (size,). n and d^2 grow together, d = sqrt(n)/2."""
    d = isqrt(measurements) // 2
    if sampler == "projected":
        extremes = projected_extremes(rng, size, measurements=measurements, parameters=d**2)
    else:
        extremes = full_extremes(rng, size, measurements=measurements, dimension=d, ensemble=sampler)
    gaps = edge_gaps(extremes, measurements=measurements, parameters=d**2)
    return {"lower_gap": gaps.lower, "upper_gap": gaps.upper, "edge_distance": gaps.distance}


EDGES = {
    "upper_gap": r"the centre of $\lambda_{\max}$ at these sizes, less $\lambda_{\max}$",
    "lower_gap": r"$\log \lambda_{\min}$, less its centre at these sizes",
    "edge_distance": "the larger of the relative distances from both edges of the limit",
    "measurements": "$n$",
    "sampler": r"how $\Phi$ is drawn",
}
SIDES = (("upper", r"\lambda_{\max}", largest_centre), ("lower", r"\log \lambda_{\min}", log_smallest_centre))

EDGE = r"\lambda_{\min}, \lambda_{\max} \text{ of } \tfrac{1}{n} \Phi^T \Phi \text{ tend to } (1 \mp \sqrt{d^2/n})^2"
NEAR = r"\lvert \mathbb{E} %s - \text{edge, centred for } n \text{ and } d^2 \rvert \propto n^{-2/3}"
TRACY_WIDOM = r"%s \text{, centred and scaled, has the Tracy-Widom law}"
EITHER = r"%s \text{ has one law, drawn from } \Phi \text{ or from its bidiagonal form}"
EITHER_A = r"\lambda_{\min} \text{ has one law for symmetric and for independent entries of } A"
LARGE = {"measurements": (5184, 46656)}
AT_64: dict[str, Any] = TWICE | {"margin": 0.05, "where": {"measurements": 64}}
ZERO = mc.control(r"symmetric $A$ give $\Phi$ equal columns: its smallest eigenvalue is 0")

edges = mc.Experiment(
    "edges",
    simulate=spectrum,
    scenarios=mc.grid(sampler=("projected",), measurements=(64, 576, 5184, 46656))  # d = 4, 12, 36, 108
    + mc.grid(sampler=("gaussian",), measurements=(64,)),
    columns=EDGES,
    claims=[
        # At n = 5184 finite sizes leave 0.011.
        mc.Value("1.edges", EDGE, of=mc.mean("edge_distance"), equals=0, margin=0.02, where=LARGE),
        *(
            rate(f"1.edges.{side}-rate", NEAR % end, of=mc.mean(f"{side}_gap"), exponent=-2 / 3, margin=0.03)
            for side, end, _ in SIDES
        ),
        *(
            mc.Law(
                f"1.edges.{side}-law",
                TRACY_WIDOM % end,
                column=f"{side}_gap",
                distribution=lambda measurements, centre=centre: GapLaw(
                    centre(measurements, measurements // 4).scale
                ),
                margin=0.05,  # at n = 64 the limit itself is 0.024 off
            )
            for side, end, centre in SIDES
        ),
        *(
            mc.SameLaw(f"1.edges.{side}-samplers", EITHER % end, column=f"{side}_gap", **AT_64)
            for side, end, _ in SIDES
        ),
    ],
)

symmetric_edges = mc.Experiment(
    "symmetric_edges",
    simulate=spectrum,
    scenarios=mc.grid(sampler=("gaussian", "symmetric"), measurements=(64,)),
    columns=EDGES,
    claims=[
        mc.SameLaw(
            "1.edges-symmetric", EITHER_A, column="lower_gap", across="sampler", margin=0.05, expected=ZERO
        )
    ],
)


def plant(study: mc.Study, path: str) -> mc.Study:
    """The study with the square matrix of a CSV file as one more W* of the experiment `loss`."""
    matrix = data.read_square_csv(path)
    if len(matrix) < 2:
        msg = f"`{path}` must hold at least 2 x 2 numbers, got one: nothing is across a number"
        raise InputError(msg)
    label = f"{Path(path).stem}@{data.fingerprint(matrix)}"
    old = study["loss"]
    matrices = getattr(old.simulate, "keywords", {})["matrices"] | {label: data.scaled(matrix)}
    more = mc.grid(**PROJECTED | {"planted": (label,), "dimension": (len(matrix),), "depth": (2,)})
    new = replace(old, simulate=partial(measured, matrices=matrices), scenarios=(*old.scenarios, *more))
    return replace(study, experiments=[new if e is old else e for e in study.experiments])


FALLING = "Error of the loss against measurements"
CAPTION = "Two by two matrices, three factors: the relative error, and what a fixed bias makes of it."
SHOWN = {"dimension": 2, "depth": 3}
study = mc.Study(
    name="sensing_loss",
    title="The loss of deep matrix sensing on finitely many measurements",
    question="Does the empirical loss have the mean, variance, law and rate that theory gives it, and its gradient too?",
    source="Optimization Landscape of Neural Networks, Problem 1",
    answer=r"It has, and its gradient too: the error falls as $n^{{{1.rate}}}$; where they are furthest from theory, the variance is {1.variance} and the gradient's mean square error {1.gradient} times that of theory. The eigenvalues behind both keep within {1.edges:.1%} of the edges from $n = 5184$ on. Signs for normal entries keep the mean and change the law; symmetric matrices add {1.mean-symmetric} of the mean.",
    experiments=[loss, symmetric, rademacher, edges, symmetric_edges],
    block=1024,
    replicates=mc.Replicates(first=1024, quick=131072, full=262144),
    overlays=(mc.Overlay("rate", FALLING, CAPTION, claims=("1.rate", "1.rate-biased"), where=SHOWN),),
    options=(
        mc.Option("planted", metavar="FILE", help="a square CSV: plant it, scaled, as W*", apply=plant),
    ),
)

if __name__ == "__main__":
    mc.main(study)
