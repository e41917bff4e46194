"""How far a wide network is from its linearization: the bound, its sharp constant, and the rates it is silent on.

Every replicate is a network with its own signs a, weights W_0 and input x, moved to W in one of the ways of
`mcstudy.models.shallow.linearization_errors`, which also says what the columns are. Inputs are random points of the unit sphere or of one
of radius 2, where ||x|| = 1 might hide a wrong power, or rows of a data set: a fixed state of the USA, or any.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from mcstudy import (
    Bound,
    Identity,
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
)
from mcstudy.draws import Where
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow import linearization_errors as errors
from mcstudy.models.shallow.activations import activation as known
from mcstudy.models.shallow.activations import activations
from mcstudy.models.shallow.error_moments import sin_displacement_variance
from mcstudy.models.shallow.initialization import Initialization, draw_initialization
from mcstudy.models.shallow.inputs import draw_inputs
from mcstudy.models.shallow.shortfall import expected_shortfall

GROWING = "sqrt(m)/4"
UNIT, LONG = "unit sphere", "sphere of radius 2"
ENTRIES = 2**20  # of W_0 in work at once: 8 MiB, unless a single network has more


def simulate(
    rng: np.random.Generator,
    size: int,
    *,
    displacement: str,
    activation: str,
    width: int,
    dimension: int,
    inputs: str,
    radius: float | str,
) -> dict[str, FloatArray]:
    """One block: all columns of the measurements, each of shape (size,)."""
    R = math.sqrt(width) / 4 if radius == GROWING else float(radius)
    most = max(1, ENTRIES // (width * dimension))
    parts = []
    for first in range(0, size, most):
        x = draw_inputs(rng, inputs, min(most, size - first), dimension)
        parts.append(_measure(rng, draw_initialization(rng, x, width, known(activation)), displacement, R))
    measured = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {name: np.zeros(size) for name in COLUMNS} | measured


COLUMNS = (
    *("error", "scaled_error", "bound", "reduced_bound", "rounding", "ratio", "shortfall", "ceiling", "gap"),
    *("scaled_spread", "printed_error", "printed_bound", "gradient_residual", "slopeless_residual"),
    *("formula_residual", "printed_formula_residual"),
)


def _measure(
    rng: np.random.Generator, start: Initialization, displacement: str, R: float
) -> dict[str, FloatArray]:
    if displacement in errors.POINTS:
        return errors.printed_bound_errors(rng, start, displacement, R)
    if displacement == "infinitesimal":
        formulas = errors.formula_residuals(rng, start)
        return formulas | (errors.printed_formula_residuals(rng, start) if start.x.shape[-1] == 1 else {})
    if displacement == "worst":
        columns = errors.worst_errors(start, R)
    elif displacement in errors.AVERAGED:
        columns = errors.averaged_errors(rng, start, displacement, R)
    else:
        columns = errors.moved_errors(rng, start, displacement, R)
    return columns | {"reduced_bound": 0.9 * columns["bound"]}


def _scenarios(**levels: tuple[int | float | str, ...]) -> tuple[Scenario, ...]:
    return grid(**USUAL | levels)


MAIN, FEW, TWO = powers_of_two(6, 14), powers_of_two(9, 12), (64, 512)
USUAL: dict[str, tuple[int | float | str, ...]] = {
    "displacement": ("worst", "isotropic"),
    "activation": ("tanh",),
    "width": FEW,
    "dimension": (10,),
    "inputs": (UNIT,),
    "radius": (1.0,),
}
DRAWN = ("worst", "isotropic", "gradient", "gaussian")
COMMON, JUMPING = ("tanh", "gelu", "sin"), ("softsign", "elu")  # the latter in their second derivative
RARE = tuple(name for name in activations(smooth=True) if name not in (*COMMON, *JUMPING, "quadratic"))
FORMULAE = partial(
    _scenarios, displacement=("infinitesimal",), width=(1, 64), dimension=(1, 10), inputs=(LONG,)
)

QUICK = (
    _scenarios(displacement=DRAWN[:3], width=MAIN, dimension=(2,))
    + _scenarios()
    + _scenarios(activation=("gelu", "sin"), dimension=(3,))
    + _scenarios(dimension=(6,), inputs=("California",))
    + _scenarios(dimension=(3,), inputs=(LONG,), radius=(0.5,))
    + _scenarios(displacement=DRAWN[:3], width=TWO, dimension=(6,), inputs=("any state",))
    + _scenarios(width=TWO, radius=(0.1, 10.0))
    + _scenarios(width=powers_of_two(7, 10), dimension=(2,), radius=(GROWING,))
    + _scenarios(displacement=("worst",), activation=("quadratic",), width=TWO)
    + _scenarios(displacement=("gaussian",), activation=("sin",), width=TWO, inputs=(UNIT, LONG))
    + _scenarios(displacement=("near", "independent"), width=TWO, inputs=(UNIT, LONG))
    + FORMULAE(activation=COMMON)
)
FULL = _scenarios(activation=(*RARE, *JUMPING), dimension=(3,)) + FORMULAE(activation=RARE)

WORST = {"displacement": "worst"}
MAIN_LINE = {"activation": "tanh", "inputs": UNIT, "radius": 1.0, "dimension": 2}
TANH_PEAK = math.atanh(1 / math.sqrt(3))


def _in_ball(displacement: str, **levels: object) -> Callable[[Scenario], bool]:
    """Scenarios of a displacement in a ball of reach R ||x|| of about 1, on a line of widths."""

    def matches(scenario: Scenario) -> bool:
        around_one = scenario["radius"] in (0.5, 1.0) and scenario["inputs"] != "any state"
        analytic = scenario["activation"] not in (*JUMPING, "quadratic")
        return around_one and analytic and scenario.matches({"displacement": displacement} | levels)

    return matches


def _shortfall(*, width: int, **_: object) -> float:
    return float(expected_shortfall(width, 1.0, 1.0, peaks=(-TANH_PEAK, TANH_PEAK), bend=2.0))


def _sin_rms(*, width: int, dimension: int, inputs: str, radius: float, **_: object) -> float:
    q = 4.0 if inputs == LONG else 1.0
    return math.sqrt(sin_displacement_variance(q, radius**2 * q / (width * dimension))) / q


IDENTITY = partial(Identity, where={"displacement": "infinitesimal"})
BOUND = partial(Bound, column="error", at_most="bound", rounding="rounding", probability=0.02)
REDUCED = partial(BOUND, at_most="reduced_bound")
PRINTED = partial(Bound, column="printed_error", at_most="printed_bound", probability=0.02)
ROOT = partial(Rate, against="width", exponent=-1 / 2, margin=0.01, source="Problem 2 (d)")
SINE = partial(Value, equals=_sin_rms, where={"displacement": "gaussian"})
INVERSE = partial(Rate, against="width", exponent=-1.0, margin=0.02, source="Problem 2 (d)")

RIGHT_SIDE = r"\frac{\beta}{2 \sqrt{m}} \lVert W - W_0 \rVert^2 \lVert x \rVert^2"
PRINTED_BOUND = r"|f(W) - f_0(V)| \le \frac{\beta}{2 \sqrt{m}} \lVert W - V \rVert^2 \lVert x \rVert^2"
SUPREMUM = r"\sup_{\lVert W - W_0 \rVert \le R} |f - f_0|"
TYPICAL = r"\sqrt{\mathbb{E} (f - f_0)^2}"
CLOSED_FORM = rf"{TYPICAL} \text{{ in closed form for }} \sigma = \sin \text{{ and a Gaussian displacement}}"
AVERAGED, ITSELF = "Problem 2 (d), the mean over the signs taken exactly", "Problem 2 (d), the error itself"
WITHOUT = "Problem 2 (d) without ||W - W_0|| = O(1)"

FORMULAS = (
    IDENTITY(
        "2a",
        r"\nabla f(W) = D a x^T, \quad D = \operatorname{diag} \sigma'(w_j^T x)",
        column="gradient_residual",
        # At h = 1e-4: h^4/30 times fifth derivatives along V, below 1e7 for shifts of 5 sd, and rounding over h.
        tolerance=1e-9,
        source="Problem 2 (a), against fourth-order differences",
    ),
    IDENTITY(
        "2a-slopeless",
        r"\nabla f(W) = a x^T",
        column="slopeless_residual",
        tolerance=1e-9,
        expected=Verdict.REFUTED,
        because="control: the gradient without the slopes D is another one",
        source="Problem 2 (a), mutated",
    ),
    IDENTITY(
        "2b",
        r"f_0(W) = \sum_j a_j ( [\sigma(z_j) - \sigma'(z_j) z_j] + \sigma'(z_j) w_j^T x )",
        column="formula_residual",
        tolerance=1e-13,  # rounding of sums of 64 terms, relative to the sum of their sizes
        source="Problem 2 (b), with z_j = w_{0,j}^T x",
    ),
    IDENTITY(
        "2b-printed",
        r"f_0(W) = \sum_j a_j ( [\sigma(z_j) - \sigma'(w_{0,j}) z_j] + \sigma'(w_{0,j}) w_j^T x )",
        column="printed_formula_residual",
        tolerance=1e-13,
        where={"displacement": "infinitesimal", "dimension": 1},
        expected=Verdict.REFUTED,
        because="misprint: $\\sigma'(w_{0,j})$ is no number for $d > 1$ and wrong for $d = 1$; for $|x| = 1$ and even "
        "$\\sigma'$ it would be right by chance, hence the inputs of length 2",
        source="Problem 2 (b) as printed",
    ),
)

BOUNDS = (
    BOUND("2c", rf"|f(W) - f_0(W)| \le {RIGHT_SIDE}", where={"displacement": DRAWN}, source="Problem 2 (c)"),
    REDUCED(
        "2c-reduced.worst",
        rf"|f(W) - f_0(W)| \le 0.9 \, {RIGHT_SIDE}",
        where=_in_ball("worst"),
        expected=Verdict.REFUTED,
        because="control: a constant 10 % too small; the worst displacement finds it out",
        source="Problem 2 (c), mutated",
    ),
    REDUCED(
        "2c-reduced.isotropic",
        rf"|f(W) - f_0(W)| \le 0.9 \, {RIGHT_SIDE} \text{{ for isotropic draws}}",
        where=_in_ball("isotropic"),
        source="Problem 2 (c), mutated: what a study without an adversary would report",
    ),
    PRINTED(
        "2c-printed",
        PRINTED_BOUND,
        where={"displacement": "near"},
        expected=Verdict.REFUTED,
        because="misprint: at $W = V$ the right side is 0 and the left one the error at $V$; $V$ must be $W_0$",
        source="Problem 2 (c) as printed",
    ),
    PRINTED(
        "2c-printed.independent",
        rf"{PRINTED_BOUND} \text{{ for independent }} W, V",
        where={"displacement": "independent"},
        source="Problem 2 (c) as printed: independent points are far apart and hide the misprint",
    ),
)

SHARPNESS = (
    Value(
        "2c-sharp",
        rf"{SUPREMUM} \Big/ \frac{{\beta R^2 \lVert x \rVert^2}}{{2 \sqrt{{m}}}} \to 1",
        of=mean("ratio"),
        equals=1.0,
        margin=0.005,
        where=_in_ball("worst", activation="tanh", width=(4096, 8192, 16384)),
        source="Problem 2 (c)",
    ),
    Bound(
        "2c-sharp.bracket",
        r"\text{dual value} \le 1.002 \times \text{error of the displacement found}",
        column="gap",
        at_most=0.002,
        probability=0.02,
        where=_in_ball("worst", activation="tanh", width=(4096, 8192, 16384)),
        source="Problem 2 (c)",
    ),
    Identity(
        "2c-sharp.quadratic",
        rf"{SUPREMUM} = \frac{{\beta R^2 \lVert x \rVert^2}}{{2 \sqrt{{m}}}} \text{{ for }} \sigma(z) = z^2/2",
        column="shortfall",
        tolerance=1e-9,  # rounding of f, of order 1, over an error of order 1e-2
        where=WORST | {"activation": "quadratic"},
        source="Problem 2 (c)",
    ),
    Rate(
        "2c-sharp.rate",
        r"1 - \sup |f - f_0| / \text{bound} \propto m^{-2/3}",
        of=mean("shortfall"),
        against="width",
        exponent=-2 / 3,
        margin=0.03,
        where=WORST | MAIN_LINE,
        source="expansion where |sigma''| peaks; the next term is relative m^(-1/3)",
    ),
    Value(
        "2c-sharp.constant",
        r"1 - \sup |f - f_0| / \text{bound} = 0.279 \, m^{-2/3} \text{ for tanh, } R \lVert x \rVert = 1",
        of=mean("shortfall"),
        equals=_shortfall,
        margin=relative(0.05),
        where=WORST | MAIN_LINE | {"width": MAIN[-2:]},
        source="expansion where |sigma''| peaks",
    ),
)

RATES = (
    ROOT("2d.worst", rf"{SUPREMUM} \propto m^{{-1/2}}", of=mean("scaled_error"), where=_in_ball("worst")),
    ROOT(
        "2d.worst.ceiling",
        r"\text{the dual value, which no displacement exceeds} \propto m^{-1/2}",
        of=mean("ceiling"),
        where=WORST | MAIN_LINE,
    ),
    ROOT("2d.bound", rf"{RIGHT_SIDE} \propto m^{{-1/2}}", of=mean("bound"), where=WORST | MAIN_LINE),
    INVERSE(
        "2d.typical",
        rf"{TYPICAL} \propto m^{{-1}} \text{{ for an isotropic displacement of norm }} R",
        of=rms("scaled_spread"),
        where=_in_ball("isotropic"),
        source=AVERAGED,
    ),
    INVERSE(
        "2d.typical.raw",
        rf"{TYPICAL} \propto m^{{-1}} \text{{ for an isotropic displacement of norm }} R",
        of=rms("scaled_error"),
        margin=0.1,
        where={"displacement": "isotropic"} | MAIN_LINE,
        source=ITSELF,
    ),
    SINE("2d.typical.exact", CLOSED_FORM, of=rms("scaled_spread"), margin=relative(0.03), source=AVERAGED),
    SINE("2d.typical.exact-raw", CLOSED_FORM, of=rms("scaled_error"), margin=relative(0.1), source=ITSELF),
    INVERSE(
        "2d.step",
        rf"{TYPICAL} \propto m^{{-1}} \text{{ along the gradient, at norm }} R",
        of=rms("scaled_error"),
        margin=0.1,
        where={"displacement": "gradient"} | MAIN_LINE,
    ),
)

CONTROLS = (
    ROOT(
        "2d.growing.worst",
        r"\sup_{\lVert W - W_0 \rVert \le \sqrt{m}/4} |f - f_0| \propto m^{-1/2}",
        of=mean("scaled_error"),
        where=WORST | {"radius": GROWING},
        expected=Verdict.REFUTED,
        because="control: over a ball that grows as $\\sqrt{m}$ the worst error grows as $\\sqrt{m}$ too",
        source=WITHOUT,
    ),
    INVERSE(
        "2d.growing.typical",
        rf"{TYPICAL} \propto m^{{0}} \text{{ for }} \lVert W - W_0 \rVert = \sqrt{{m}}/4",
        of=rms("scaled_spread"),
        exponent=0.0,
        margin=0.05,
        where={"displacement": "isotropic", "radius": GROWING},
        source=WITHOUT,
    ),
)


def conclude(ledger: Ledger) -> Section:
    """What over-parametrization does, in the ledger's own numbers."""
    exact = {"activation": "quadratic"}
    attained, others = _largest(ledger, "2c", exact), _largest(ledger, "2c", lambda s: not s.matches(exact))
    return Section(
        "What over-parametrization does",
        (
            f"Over-parametrization makes the network its linearization. In {_drawn(ledger, '2c'):,} networks moved by "
            f"a fixed distance the bound of (c) was exceeded {_violations(ledger, '2c')} times. The largest ratio of error "
            f"to bound was {attained:.6f} for $z^2/2$, where the bound is an equation, and {others:.6f} elsewhere.",
            f"The $1/\\sqrt{{m}}$ of the bound is attained, with its constant, by the worst displacement. Its error falls "
            f"with exponent {_slope(ledger, '2d.worst')}, and from $m = 4096$ on it is {ledger['2c-sharp'].estimate:.4f} of the "
            f"bound or more. What is missing to 1 falls with exponent {_slope(ledger, '2c-sharp.rate')}.",
            f"Displacements that do not seek the error do better, because the signs $a_j$ cancel: the error of an "
            f"isotropic one falls with exponent {_slope(ledger, '2d.typical')}, along the gradient with "
            f"{_slope(ledger, '2d.step')}. A simulation of random displacements alone would thus report $1/m$, and "
            f"never the rate of the bound.",
            f"It would not notice a wrong constant either. With 0.9 of the bound in its place, isotropic displacements came "
            f"no closer than {_largest(ledger, '2c-reduced.isotropic'):.3f} of it, while the worst displacements reach "
            f"{_largest(ledger, '2c-reduced.worst'):.3f} times it. Nor would it notice the misprint of (c): for independent "
            f"$W$ and $V$ the printed bound was exceeded {_violations(ledger, '2c-printed.independent')} times in "
            f"{_drawn(ledger, '2c-printed.independent'):,}; for $W$ near $V$ the left side reaches "
            f"{_largest(ledger, '2c-printed'):.3g} times the right one.",
            f"All of it needs $\\lVert W - W_0 \\rVert = O(1)$. Over a ball that grows as $\\sqrt{{m}}$ the worst error has "
            f"exponent {ledger['2d.growing.worst'].estimate:.3f} and the typical one "
            f"{ledger['2d.growing.typical'].estimate:.3f}: nothing is gained by width.",
        ),
    )


def _drawn(ledger: Ledger, claim: str) -> int:
    return sum(cell.replicates for cell in ledger[claim].cells)


def _violations(ledger: Ledger, claim: str) -> int:
    return sum(cell["violations"] for cell in ledger[claim].diagnostics["cells"])


def _largest(ledger: Ledger, claim: str, where: Where = None) -> float:
    """The largest ratio of a bound claim, over the scenarios that match."""
    finding = ledger[claim]
    pairs = zip(finding.cells, finding.diagnostics["cells"], strict=True)
    return max(
        float(item["largest_ratio"]) for cell, item in pairs if Scenario(**cell.scenario).matches(where)
    )


def _slope(ledger: Ledger, claim: str) -> str:
    """The exponent on the main line, with its simultaneous interval."""
    cell = next(cell for cell in ledger[claim].cells if Scenario(**cell.scenario).matches(MAIN_LINE))
    low, high = cell.interval
    return f"{cell.estimate:.4f} ({low:.4f} to {high:.4f})"


study = Study(
    name="linearization",
    title="How far a wide network is from its linearization",
    question="Does the error of the linearization fall as the bound says, and is the bound sharp?",
    source="Optimization Landscape of Neural Networks, Problem 2 (a)-(d)",
    simulate=simulate,
    scenarios=QUICK + FULL,
    full_only=lambda scenario: scenario in set(FULL),
    block=128,
    replicates=Replicates(first=1024, quick=8192, full=8192),
    claims=(*FORMULAS, *BOUNDS, *SHARPNESS, *RATES, *CONTROLS),
    conclusion=conclude,
    overlays=(
        Overlay(
            "regimes",
            "Error against width, by regime",
            "tanh, R = 1, ||x|| = 1: the bound, the certified worst displacement that touches it, and the root mean "
            "square error of displacements along the gradient and of isotropic ones.",
            claims=("2d.bound", "2d.worst", "2d.step", "2d.typical"),
            where=MAIN_LINE,
        ),
    ),
)

if __name__ == "__main__":
    main(study)
