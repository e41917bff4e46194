"""The empirical loss of deep matrix sensing: its mean, variance, law and rate, its gradient, and the spectrum behind.

A scenario has one of two quantities:

loss
    W is a product of `depth` Gaussian factors and W* a planted matrix ("random", new in every replicate; "el_nino",
    the covariance of El Nino sea temperatures; or a CSV given with --planted). Columns compare the loss and its
    gradient on `measurements` matrices with their closed forms, each in its own unit, so that replicates with
    different Delta = W - W* are identically distributed.
spectrum
    The smallest and largest eigenvalue of Phi^T Phi / n, whose rows are the measurement matrices. n and d^2 grow
    together: the dimension is sqrt(n)/2, so d^2/n = 1/4.

The sampler "full" draws every entry of every measurement matrix, "projected" only what loss, gradient and extreme
eigenvalues depend on. Columns of the quantity that a scenario does not have are 0; no claim reads them there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from mcstudy import (
    Law,
    Option,
    Rate,
    Replicates,
    SameLaw,
    Study,
    Value,
    Verdict,
    grid,
    main,
    mean,
    relative,
    rms,
    variance,
)
from mcstudy.claims.claim import Claim
from mcstudy.exceptions import InputError
from mcstudy.models import data
from mcstudy.models.arrays import FloatArray
from mcstudy.models.deep_linear.starts import gaussian_product
from mcstudy.models.sensing import extreme_eigenvalues as spectra
from mcstudy.models.sensing import marchenko_pastur as edges
from mcstudy.models.sensing import samplers as draws
from mcstudy.models.sensing.errors import gradient_errors, loss_errors
from mcstudy.models.sensing.loss import loss_law

Columns = dict[str, FloatArray]

COLUMNS = (
    *("relative_error", "standardized_error", "biased_error", "chi_square", "gradient_along"),
    *("gradient_across", "gradient_product", "gradient_error", "lower_gap", "upper_gap", "edge_distance"),
)
BIAS = 0.5  # of the control, in units of the loss
TOGETHER = 2**17  # entries of Delta in work at once: 1 MiB, whatever the dimension


def simulate(rng: np.random.Generator, size: int, *, quantity: str, **rest: Any) -> Columns:
    """One block: arrays of shape (size,)."""
    measured = _loss(rng, size, **rest) if quantity == "loss" else _spectrum(rng, size, **rest)
    return {name: np.zeros(size) for name in COLUMNS} | measured


def _loss(
    rng: np.random.Generator,
    size: int,
    *,
    dimension: int,
    planted: str,
    matrices: Mapping[str, FloatArray] | None = None,
    **rest: Any,
) -> Columns:
    """A block in portions whose stacks of matrices stay small."""
    most = max(1, TOGETHER // dimension**2)
    sizes = [min(most, size - first) for first in range(0, size, most)]
    targets = (_planted(rng, portion, dimension, planted, matrices or {}) for portion in sizes)
    parts = [_compare(rng, target, **rest) for target in targets]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _planted(
    rng: np.random.Generator, size: int, dimension: int, name: str, matrices: Mapping[str, FloatArray]
) -> FloatArray:
    """W* of each replicate: one for each if it is random, else the same for all."""
    if name == "random":
        return gaussian_product(rng, size, depth=1, dimension=dimension)
    matrix = data.scaled(data.el_nino_covariance()) if name == "el_nino" else matrices[name]
    return np.broadcast_to(matrix, (size, dimension, dimension))


def _compare(
    rng: np.random.Generator,
    target: FloatArray,
    *,
    depth: int,
    measurements: int,
    ensemble: str,
    sampler: str,
) -> Columns:
    """Draw W and the loss on measurements, and compare it and its gradient with their closed forms."""
    size, dimension, _ = target.shape
    counts = {"depth": depth, "measurements": measurements}
    delta = gaussian_product(rng, size, depth=depth, dimension=dimension) - target
    if sampler == "full":
        empirical = draws.sample_full(rng, delta, ensemble=ensemble, **counts)
    else:
        empirical = draws.sample_projected(rng, delta, **counts)
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


def _spectrum(
    rng: np.random.Generator, size: int, *, measurements: int, ensemble: str, sampler: str, **_: Any
) -> Columns:
    """How far the extreme eigenvalues are inside the edges: those at finite sizes, and (relatively) the limits."""
    dimension = isqrt(measurements) // 2
    counts = {"measurements": measurements, "parameters": dimension**2}
    if sampler == "full":
        extremes = spectra.full_extremes(
            rng, size, measurements=measurements, dimension=dimension, ensemble=ensemble
        )
    else:
        extremes = spectra.projected_extremes(rng, size, **counts)
    gaps = spectra.edge_gaps(extremes, **counts)
    return {"lower_gap": gaps.lower, "upper_gap": gaps.upper, "edge_distance": gaps.distance}


LOSS = {"quantity": ("loss",), "ensemble": ("gaussian",), "sampler": ("projected",), "planted": ("random",)}
SPECTRUM = {
    **LOSS, "quantity": ("spectrum",), "planted": (None,), "depth": (None,), "dimension": ("sqrt(n)/2",)
}  # fmt: skip
MEASUREMENTS = (16, 64, 256, 1024)
OTHERS = ("symmetric", "rademacher")
GROWING = (64, 576, 5184, 46656)  # d = 4, 12, 36, 108
QUICK = (
    grid(**LOSS, dimension=(8,), depth=(1, 3), measurements=MEASUREMENTS)
    + grid(**LOSS, dimension=(2,), depth=(3,), measurements=MEASUREMENTS)
    + grid(**LOSS | {"planted": ("el_nino",)}, dimension=(12,), depth=(2,), measurements=MEASUREMENTS)
    + grid(**LOSS | {"sampler": ("full",)}, dimension=(2, 8), depth=(3,), measurements=(16, 64))
    + grid(
        **LOSS | {"sampler": ("full",), "ensemble": OTHERS}, dimension=(2,), depth=(3,), measurements=(16,)
    )
    + grid(**SPECTRUM, measurements=GROWING)
    + grid(**SPECTRUM | {"sampler": ("full",), "ensemble": ("gaussian", "symmetric")}, measurements=(64,))
)
FULL = grid(**LOSS, dimension=(2, 8, 16), depth=(8,), measurements=MEASUREMENTS) + grid(
    **LOSS | {"planted": ("el_nino",), "sampler": ("full",)}, dimension=(12,), depth=(2,), measurements=(16,)
)


def _chi_square(*, measurements: int, **_: Any) -> Any:
    return loss_law(measurements)


def _gap_law(centre: Callable[[int, int], edges.Centre], *, measurements: int, **_: Any) -> edges.GapLaw:
    return edges.GapLaw(centre(measurements, measurements // 4).scale)


OF_LOSS = {"quantity": "loss", "ensemble": "gaussian"}
DRAWN_TWICE = OF_LOSS | {"planted": "random", "depth": 3, "measurements": (16, 64)}
OF_SPECTRUM = {"quantity": "spectrum", "ensemble": "gaussian"}
OF_SYMMETRIC = {"quantity": "loss", "ensemble": "symmetric"}
OF_RADEMACHER = {"quantity": "loss", "ensemble": "rademacher"}
REFUTED: dict[str, Any] = {"expected": Verdict.REFUTED, "source": "Problem 1, control"}

loss_value = partial(Value, where=OF_LOSS, source="Problem 1")
loss_mean = partial(loss_value, of=mean("relative_error"), equals=0.0, margin=0.01)
loss_variance = partial(loss_value, margin=relative(0.05))
loss_rate = partial(
    Rate,
    against="measurements",
    exponent=-1 / 2,
    margin=0.02,
    where=OF_LOSS | {"sampler": "projected"},
    source="Problem 1",
)
chi_square_law = partial(
    Law, column="chi_square", distribution=_chi_square, margin=0.02, where=OF_LOSS, source="Problem 1"
)
unbiased = partial(loss_value, equals=0.0, margin=0.05)
same_loss = partial(SameLaw, across="sampler", margin=0.03, where=DRAWN_TWICE, source="Problem 1")

LOSS_CLAIMS = (
    loss_mean("1.mean", r"\mathbb{E} \hat{L}_n = \frac{1}{2L} \lVert \Delta \rVert^2"),
    loss_variance(
        "1.variance",
        r"\operatorname{Var} \hat{L}_n = \frac{1}{2 L^2 n} \lVert \Delta \rVert^4",
        of=variance("standardized_error"),
        equals=1.0,
    ),
    chi_square_law("1.law", r"2 L n \hat{L}_n / \lVert \Delta \rVert^2 \sim \chi^2_n"),
    loss_rate(
        "1.rate",
        r"\sqrt{\mathbb{E} (\hat{L}_n - L)^2} \propto n^{-1/2}",
        of=rms("relative_error"),
        exact=True,
    ),
    same_loss("1.samplers", r"\hat{L}_n \text{ has one law in both samplers}", column="chi_square"),
)

GRADIENT_CLAIMS = (
    loss_value(
        "1.gradient",
        r"\mathbb{E} \lVert \nabla \hat{L}_n - \Delta / L \rVert^2 = \frac{d^2 + 1}{L^2 n} \lVert \Delta \rVert^2",
        of=mean("gradient_error"),
        equals=1.0,
        margin=0.03,
    ),
    unbiased(
        "1.gradient.unbiased-along",
        r"\mathbb{E} \langle \nabla \hat{L}_n, \Delta \rangle = \frac{1}{L} \lVert \Delta \rVert^2",
        of=mean("gradient_along"),
    ),
    unbiased(
        "1.gradient.unbiased-across",
        r"\mathbb{E} \langle \nabla \hat{L}_n, V \rangle = 0 \text{ for } V \perp \Delta",
        of=mean("gradient_across"),
    ),
    loss_variance(
        "1.gradient.variance-along",
        r"\operatorname{Var} \langle \nabla \hat{L}_n, \Delta \rangle = \frac{2}{L^2 n} \lVert \Delta \rVert^4",
        of=variance("gradient_along"),
        equals=2.0,
    ),
    loss_variance(
        "1.gradient.variance-across",
        r"\operatorname{Var} \langle \nabla \hat{L}_n, V \rangle = \frac{1}{L^2 n} \lVert \Delta \rVert^2 \lVert V \rVert^2",
        of=variance("gradient_across"),
        equals=1.0,
    ),
    unbiased(
        "1.gradient.covariance",
        r"\operatorname{Cov}(\langle \nabla \hat{L}_n, \Delta \rangle, \langle \nabla \hat{L}_n, V \rangle) = 0",
        of=mean("gradient_product"),
    ),
    same_loss(
        "1.gradient.samplers",
        r"\nabla \hat{L}_n \text{ has one law in both samplers}",
        column="gradient_error",
    ),
)


def _edge_claims(side: str, eigenvalue: str, centre: Callable[..., Any]) -> tuple[Claim, ...]:
    """What is claimed of either extreme eigenvalue's distance from its edge at finite sizes."""
    return (
        Rate(
            f"1.edges.{side}-rate",
            rf"\lvert \mathbb{{E}} {eigenvalue} - \text{{edge, centred for }} n \text{{ and }} d^2 \rvert \propto n^{{-2/3}}",
            of=mean(f"{side}_gap"),
            against="measurements",
            exponent=-2 / 3,
            margin=0.03,
            where=OF_SPECTRUM | {"sampler": "projected", "measurements": GROWING},
            source="Problem 1",
        ),
        Law(
            f"1.edges.{side}-law",
            rf"{eigenvalue} \text{{, centred and scaled, has the Tracy-Widom law}}",
            column=f"{side}_gap",
            distribution=partial(_gap_law, centre),
            margin=0.05,
            where=OF_SPECTRUM | {"measurements": GROWING},
            source="Problem 1",
        ),
        SameLaw(
            f"1.edges.{side}-samplers",
            rf"{eigenvalue} \text{{ has one law, drawn from }} \Phi \text{{ or from its bidiagonal form}}",
            column=f"{side}_gap",
            across="sampler",
            margin=0.05,
            where=OF_SPECTRUM | {"measurements": 64},
            source="Problem 1",
        ),
    )


EDGE_CLAIMS = (
    Value(
        "1.edges",
        r"\lambda_{\min}, \lambda_{\max} \text{ of } \tfrac{1}{n} \Phi^T \Phi \text{ tend to } (1 \mp \sqrt{d^2/n})^2",
        of=mean("edge_distance"),
        equals=0.0,
        margin=0.02,
        where=OF_SPECTRUM | {"measurements": GROWING[2:]},
        source="Problem 1",
    ),
    *_edge_claims("upper", r"\lambda_{\max}", edges.largest_centre),
    *_edge_claims("lower", r"\log \lambda_{\min}", edges.log_smallest_centre),
)

CONTROLS = (
    loss_mean(
        "1.mean-symmetric",
        r"\mathbb{E} \hat{L}_n = \frac{1}{2L} \lVert \Delta \rVert^2 \text{ for symmetric } A",
        where=OF_SYMMETRIC,
        because="entries that are not independent see Delta + Delta^T: the mean is another",
        **REFUTED,
    ),
    loss_value(
        "1.mean-symmetric.exact",
        r"\mathbb{E} \hat{L}_n / L = 1 + 1/d \text{ for symmetric } A \text{ and exchangeable entries of } \Delta",
        of=mean("relative_error"),
        equals=lambda dimension, **_: 1 / dimension,
        margin=0.03,
        where=OF_SYMMETRIC,
    ),
    unbiased(
        "1.gradient-symmetric",
        r"\mathbb{E} \langle \nabla \hat{L}_n, V \rangle = 0 \text{ for symmetric } A",
        of=mean("gradient_across"),
        where=OF_SYMMETRIC,
        because="the gradient on symmetric A has mean (Delta + Delta^T)/L",
        **REFUTED,
    ),
    loss_mean(
        "1.mean-rademacher",
        r"\mathbb{E} \hat{L}_n = \frac{1}{2L} \lVert \Delta \rVert^2 \text{ for entries } \pm 1",
        where=OF_RADEMACHER,
    ),
    chi_square_law(
        "1.law-rademacher",
        r"2 L n \hat{L}_n / \lVert \Delta \rVert^2 \sim \chi^2_n \text{ for entries } \pm 1",
        where=OF_RADEMACHER,
        because="signs have the mean of normals but a smaller fourth moment: the law is another",
        **REFUTED,
    ),
    loss_rate(
        "1.rate-biased",
        rf"\sqrt{{\mathbb{{E}} (\hat{{L}}_n + {BIAS} L - L)^2}} \propto n^{{-1/2}}",
        of=rms("biased_error"),
        because="a fixed bias does not average out: the error stops falling",
        **REFUTED,
    ),
    SameLaw(
        "1.edges-symmetric",
        r"\lambda_{\min} \text{ has one law for symmetric and for independent entries of } A",
        column="lower_gap",
        across="ensemble",
        margin=0.05,
        where={"quantity": "spectrum", "sampler": "full", "measurements": 64},
        because="symmetric A give Phi equal columns: its smallest eigenvalue is 0",
        **REFUTED,
    ),
)


def add_planted(study: Study, path: str) -> Study:
    """The study with the square matrix of a CSV file as one more W*."""
    matrix = data.read_square_csv(path)
    if len(matrix) < 2:
        msg = f"`{path}` must hold at least 2 x 2 numbers, got one: nothing is across a number"
        raise InputError(msg)
    label = f"{Path(path).stem}@{data.fingerprint(matrix)}"
    levels = LOSS | {"planted": (label,), "dimension": (len(matrix),), "depth": (2,)}
    before = getattr(study.simulate, "keywords", {}).get("matrices", {})
    return replace(
        study,
        scenarios=(*study.scenarios, *grid(**levels, measurements=MEASUREMENTS)),
        simulate=partial(study.simulate, matrices=before | {label: data.scaled(matrix)}),
    )


study = Study(
    name="sensing_loss",
    title="The loss of deep matrix sensing on finitely many measurements",
    question="Does the empirical loss have the mean, variance, law and rate that theory gives it, and its gradient too?",
    source="Optimization Landscape of Neural Networks, Problem 1",
    simulate=simulate,
    scenarios=QUICK + FULL,
    full_only=lambda scenario: scenario in FULL,
    block=1024,
    replicates=Replicates(first=8192, quick=131072, full=262144),
    claims=(*LOSS_CLAIMS, *GRADIENT_CLAIMS, *EDGE_CLAIMS, *CONTROLS),
    options=(
        Option("planted", metavar="FILE", help="a square CSV: plant it, scaled, as W*", apply=add_planted),
    ),
)

if __name__ == "__main__":
    main(study)
