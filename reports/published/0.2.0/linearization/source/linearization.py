"""How far a wide network is from its linearization: the bound, its sharp constant, and the rates it is silent on.

Every replicate is a network with its own signs a, weights W_0 and input x, mostly moved to some W within R of W_0. Columns
are those of `mcstudy.models.shallow.linearization_errors`: `error` is |f(W) - f_0(W)|, `bound` what (c) says it never exceeds;
what is scaled is over ||x||^2. Inputs are random points of the unit sphere, of one of radius 2 where ||x|| = 1 might hide a
wrong power, or rows of a data set: a fixed state of the USA, or any.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.random import Generator

import mcstudy as mc
from mcstudy.models.arrays import FloatArray
from mcstudy.models.shallow import linearization_errors as errors
from mcstudy.models.shallow.activations import activation, activations
from mcstudy.models.shallow.error_moments import sin_displacement_variance
from mcstudy.models.shallow.initialization import Initialization, draw_initialization
from mcstudy.models.shallow.inputs import draw_inputs
from mcstudy.models.shallow.shortfall import expected_shortfall

Columns = dict[str, FloatArray]
UNIT, LONG = "unit sphere", "sphere of radius 2"
MAIN, FEW, TWO = mc.powers_of_two(6, 14), mc.powers_of_two(9, 12), (64, 512)
COMMON, JUMPING = ("tanh", "gelu", "sin"), ("softsign", "elu")  # the latter in their second derivative
RARE = tuple(name for name in activations(smooth=True) if name not in (*COMMON, *JUMPING, "quadratic"))
LINE = {"dimension": 2}  # the longest: tanh, R = 1, ||x|| = 1


def networks(measure: Callable[..., Columns], rng: Generator, size: int, **factors: Any) -> Columns:
    """One block: what `measure` finds in networks, told the factors besides the networks' own; arrays of shape (size,)."""
    name, width, dimension, inputs = map(factors.pop, ("activation", "width", "dimension", "inputs"))

    def draw(count: int) -> Columns:
        x = draw_inputs(rng, inputs, count, dimension)
        return measure(rng, draw_initialization(rng, x, width, activation(name)), **factors)

    return mc.portions(draw, size, entries=width * dimension)


def _grid(**levels: Any) -> tuple[mc.Scenario, ...]:
    usual = {"activation": ("tanh",), "width": FEW, "dimension": (10,), "inputs": (UNIT,), "radius": (1.0,)}
    return mc.grid(**usual | levels)


def _rms(width: int, dimension: int, inputs: str, radius: float) -> float:
    q = 4.0 if inputs == LONG else 1.0
    return math.sqrt(sin_displacement_variance(q, radius**2 * q / (width * dimension))) / q


# The lines of the sheet.
A, B = "Problem 2 (a): the gradient", "Problem 2 (b): the linearization"
C, D = "Problem 2 (c): the bound on its error", "Problem 2 (d): what over-parametrization does"
BOUND = partial(mc.Bound, column="error", at_most="bound", rounding="rounding", probability=0.02, group=C)
RATE = partial(mc.Rate, against="width", exponent=-1 / 2, margin=0.01, group=D)
ERROR, SUPREMUM = r"|f(W) - f_0(W)|", r"\sup_{\lVert W - W_0 \rVert \le R} |f - f_0|"
RIGHT_SIDE = r"\frac{\beta}{2 \sqrt{m}} \lVert W - W_0 \rVert^2 \lVert x \rVert^2"
TYPICAL = r"\sqrt{\mathbb{E} (f - f_0)^2}"
FACTORS = {"width": "$m$, the number of rows of $W$", "radius": "$R$: how far $W$ may move from $W_0$"}
MEASURED = {
    "error": f"${ERROR}$",
    "bound": f"${RIGHT_SIDE}$, what (c) says that the error never exceeds",
    "scaled_error": rf"${ERROR} / \lVert x \rVert^2$",
    "rounding": "the most that rounding may add to the error",
} | FACTORS
OVER_SIGNS = r"root mean square of $f - f_0$ over the signs $a$, taken exactly, over $\lVert x \rVert^2$"
AVERAGED = MEASURED | {"scaled_spread": OVER_SIGNS}
ERRORS, SPREAD = mc.rms("scaled_error"), mc.rms("scaled_spread")
EXACT, RAW = "the mean over the signs taken exactly", "errors as drawn, signs and all"
GRADIENT = r"\nabla f(W) = D a x^T, \quad D = \operatorname{diag} \sigma'(w_j^T x)"
AXT = r"\nabla f(W) = a x^T"
NO_D = mc.control("the gradient without the slopes $D$ is another one")
BY_ROWS = r"f_0(W) = \sum_j a_j ( [\sigma(z_j) - \sigma'(z_j) z_j] + \sigma'(z_j) w_j^T x )"
FORMULAS = mc.Experiment(
    "formulas",
    simulate=partial(networks, errors.formula_residuals),
    scenarios=mc.grid(activation=COMMON, width=(1, 64), dimension=(1, 10), inputs=(LONG,)),
    full=mc.grid(activation=RARE, width=(1, 64), dimension=(1, 10), inputs=(LONG,)),
    source="Problem 2 (a), (b), with $z_j = w_{0,j}^T x$",
    columns={
        "gradient_residual": r"$|\langle \nabla f, V \rangle - \text{difference quotient}| / \sum_j |a_j| \lVert x \rVert$, $V$ random",
        "slopeless_residual": "the same for the gradient without $D$",
        "formula_residual": "the two forms of $f_0(W)$ apart, over the sizes of all terms",
    },
    claims=[
        # Differences with h = 1e-4: h^4/30 times fifth derivatives, below 1e7 for shifts of 5 sd, and rounding over h.
        mc.Identity("2a", GRADIENT, column="gradient_residual", tolerance=1e-9, probability=0.01, group=A),
        mc.Identity("2a-slopeless", AXT, column="slopeless_residual", tolerance=1e-9, expected=NO_D, group=A),
        # Rounding of sums of 64 terms, relative to the sum of their sizes.
        mc.Identity("2b", BY_ROWS, column="formula_residual", tolerance=1e-13, probability=0.01, group=B),
    ],
)

MISPRINTED = r"f_0(W) = \sum_j a_j ( [\sigma(z_j) - \sigma'(w_{0,j}) z_j] + \sigma'(w_{0,j}) w_j^T x )"
NO_NUMBER = r"$\sigma'(w_{0,j})$ is no number for $d > 1$ and wrong for $d = 1$; for $|x| = 1$ and even $\sigma'$ it would be right by chance, hence the inputs of length 2"
PRINTED_SLOPE: dict[str, Any] = {"column": "printed_formula_residual", "expected": mc.misprint(NO_NUMBER)}
PRINTED_FORMULA = mc.Experiment(
    "printed_formula",
    simulate=partial(networks, errors.printed_formula_residuals),
    scenarios=mc.grid(activation=COMMON, width=(1, 64), dimension=(1,), inputs=(LONG,)),
    full=mc.grid(activation=RARE, width=(1, 64), dimension=(1,), inputs=(LONG,)),
    source="Problem 2 (b) as printed",
    columns={"printed_formula_residual": "the printed form and $f_0(W)$ apart, over the sizes of all terms"},
    group=B,
    claims=[mc.Identity("2b-printed", MISPRINTED, **PRINTED_SLOPE, tolerance=1e-13)],
)

# Balls of reach R ||x|| of about 1, and activations whose second derivative is analytic.
IN_BALL = _grid() + _grid(width=MAIN, dimension=(2,)) + _grid(inputs=("California",), dimension=(6,))
IN_BALL += _grid(activation=("gelu", "sin"), dimension=(3,))
IN_BALL += _grid(inputs=(LONG,), dimension=(3,), radius=(0.5,))
LARGEST = r"\frac{\beta R^2 \lVert x \rVert^2}{2 \sqrt{m}}"
ATTAINED = rf"{SUPREMUM} \Big/ {LARGEST} \to 1"
EXACTLY = rf"{SUPREMUM} = {LARGEST} \text{{ for }} \sigma(z) = z^2/2"
BRACKET = r"\text{dual value} \le 1.002 \times \text{error of the displacement found}"
SLOWLY = r"1 - \sup |f - f_0| / \text{bound} \propto m^{-2/3}"
CONSTANT = r"1 - \sup |f - f_0| / \text{bound} = 0.279 \, m^{-2/3} \text{ for tanh, } R \lVert x \rVert = 1"
CEILING = r"\text{the dual value, which no displacement exceeds} \propto m^{-1/2}"
TOO_SMALL = mc.control("a constant 10 % too small; the worst displacement finds it out")
WIDE, QUADRATIC = {"activation": "tanh", "width": MAIN[-3:]}, {"activation": "quadratic"}
ROUNDED: dict[str, Any] = {"tolerance": 1e-9, "law": "continuous"}
UNEQUAL = {"activation": (*COMMON, *RARE)}  # z^2/2 makes an equation of the bound: only rounding varies
PEAK = math.atanh(1 / math.sqrt(3))  # where |tanh''| is largest
THEORY: dict[str, Any] = {
    "equals": lambda width: float(expected_shortfall(width, 1.0, 1.0, peaks=(-PEAK, PEAK), bend=2.0))
}
MISSING, LAST = mc.mean("shortfall"), LINE | {"width": MAIN[-2:]}
DUAL = "the dual value, which the error of no displacement exceeds"
GAP = "how much the ceiling exceeds the error found, relatively"
OVER = {"ratio": "error over bound", "shortfall": "1 less error over bound", "ceiling": DUAL, "gap": GAP}
WORST = mc.Experiment(
    "worst",
    simulate=partial(networks, lambda _, start, radius: errors.worst_errors(start, radius)),
    scenarios=IN_BALL + _grid(activation=("quadratic",), width=mc.powers_of_two(6, 9)),
    full=_grid(activation=RARE, dimension=(3,)),
    source=r"Problem 2 (c), (d); what is missing to the bound by an expansion where $|\sigma''|$ peaks",
    columns=MEASURED | OVER,
    group=C,
    claims=[
        BOUND("2c", rf"{ERROR} \le {RIGHT_SIDE}"),
        BOUND("2c-reduced.worst", rf"{ERROR} \le 0.9 \, {RIGHT_SIDE}", times=0.9, expected=TOO_SMALL),
        # At m = 4096 a third of the margin is missing to 1.
        mc.Value("2c-sharp", ATTAINED, of=mc.mean("ratio"), equals=1.0, margin=0.005, where=WIDE),
        mc.Bound("2c-sharp.bracket", BRACKET, column="gap", at_most=0.002, probability=0.02, where=WIDE),
        # Rounding of f, of order 1, over an error of order 1e-2.
        mc.Identity("2c-sharp.quadratic", EXACTLY, column="shortfall", **ROUNDED, where=QUADRATIC),
        # The next term of the expansion is relative m^(-1/3), 0.04 at the largest width.
        RATE("2c-sharp.rate", SLOWLY, of=MISSING, exponent=-2 / 3, margin=0.03, where=LINE, group=C),
        mc.Value("2c-sharp.constant", CONSTANT, of=MISSING, **THEORY, margin=mc.relative(0.05), where=LAST),
        RATE("2d.worst", rf"{SUPREMUM} \propto m^{{-1/2}}", of=mc.mean("scaled_error"), where=UNEQUAL),
        RATE("2d.worst.ceiling", CEILING, of=mc.mean("ceiling"), where=UNEQUAL),
        RATE("2d.bound", rf"{RIGHT_SIDE} \propto m^{{-1/2}}", of=mc.mean("bound"), constant=True),
    ],
)

UNNOTICED = rf"{ERROR} \le 0.9 \, {RIGHT_SIDE} \text{{ for isotropic draws}}"
AT_RANDOM = rf"{TYPICAL} \propto m^{{-1}} \text{{ for an isotropic displacement of norm }} R"
ISOTROPIC = mc.Experiment(
    "isotropic",
    simulate=partial(networks, errors.averaged_errors, displacement="isotropic"),
    scenarios=IN_BALL,
    full=_grid(activation=RARE, dimension=(3,)),
    source="Problem 2 (d)",
    columns=AVERAGED,
    claims=[
        # What a study without an adversary would report.
        BOUND("2c-reduced.isotropic", UNNOTICED, times=0.9, source="Problem 2 (c), a smaller constant"),
        RATE("2d.typical", AT_RANDOM, of=SPREAD, exponent=-1.0, margin=0.02, title=EXACT),
        # The margins of the errors themselves allow for the scatter of the signs.
        RATE("2d.typical.raw", AT_RANDOM, of=ERRORS, exponent=-1.0, margin=0.1, where=LINE, title=RAW),
    ],
)

SINE = rf"{TYPICAL} \text{{ in closed form for }} \sigma = \sin \text{{ and a Gaussian displacement}}"
GAUSSIAN = mc.Experiment(
    "gaussian",
    simulate=partial(networks, errors.averaged_errors, displacement="gaussian"),
    scenarios=_grid(activation=("sin",), width=TWO, inputs=(UNIT, LONG)),
    source="Problem 2 (d)",
    columns=AVERAGED,
    group=D,
    claims=[
        mc.Value("2d.typical.exact", SINE, of=SPREAD, equals=_rms, margin=mc.relative(0.03), title=EXACT),
        mc.Value("2d.typical.exact-raw", SINE, of=ERRORS, equals=_rms, margin=mc.relative(0.1), title=RAW),
    ],
)

STEP = rf"{TYPICAL} \propto m^{{-1}} \text{{ along the gradient, at norm }} R"
DISPLACEMENT = mc.Experiment(
    "displacement",
    simulate=partial(networks, errors.moved_errors),
    scenarios=_grid(displacement=("gradient",), width=MAIN, dimension=(2,))
    + _grid(displacement=("worst", "isotropic", "gradient"), width=TWO, dimension=(6,), inputs=("any state",))
    + _grid(displacement=("worst", "isotropic"), width=TWO, radius=(0.1, 10.0))
    + _grid(displacement=("gaussian",), activation=("sin",), width=TWO, inputs=(UNIT, LONG)),
    full=_grid(displacement=("worst", "isotropic"), activation=JUMPING, dimension=(3,)),
    columns=MEASURED,
    claims=[
        BOUND("2c.displacement", rf"{ERROR} \le {RIGHT_SIDE} \text{{ however }} W \text{{ is reached}}"),
        RATE("2d.step", STEP, of=ERRORS, exponent=-1.0, margin=0.1, where=LINE),
    ],
)


def growing(rng: Generator, start: Initialization) -> Columns:
    """Measure the worst error, and the typical one, at norm sqrt(m)/4."""
    R = math.sqrt(start.width) / 4
    typical = errors.averaged_errors(rng, start, "isotropic", R)
    return errors.moved_errors(rng, start, "worst", R) | {"scaled_spread": typical["scaled_spread"]}


UNBOUNDED = r"\sup_{\lVert W - W_0 \rVert \le \sqrt{m}/4} |f - f_0| \propto m^{-1/2}"
NO_DECAY = rf"{TYPICAL} \propto m^{{0}} \text{{ for }} \lVert W - W_0 \rVert = \sqrt{{m}}/4"
GROWS = mc.control(r"over a ball that grows as $\sqrt{m}$ the worst error grows as $\sqrt{m}$ too")
GROWING = mc.Experiment(
    "growing",
    simulate=partial(networks, growing),
    scenarios=mc.grid(activation=("tanh",), width=mc.powers_of_two(7, 10), dimension=(2,), inputs=(UNIT,)),
    source=r"Problem 2 (d) without $\lVert W - W_0 \rVert = O(1)$",
    columns={name: meaning for name, meaning in AVERAGED.items() if name != "radius"},
    claims=[
        BOUND("2c.growing", rf"{ERROR} \le {RIGHT_SIDE} \text{{ over a ball that grows}}"),
        RATE("2d.growing.worst", UNBOUNDED, of=mc.mean("scaled_error"), expected=GROWS),
        RATE("2d.growing.typical", NO_DECAY, of=SPREAD, exponent=0.0, margin=0.05),
    ],
)

PRINTED = r"|f(W) - f_0(V)| \le \frac{\beta}{2 \sqrt{m}} \lVert W - V \rVert^2 \lVert x \rVert^2"
FAR_APART = rf"{PRINTED} \text{{ for independent }} W, V"
AT_V = mc.misprint("at $W = V$ the right side is 0 and the left one the error at $V$; $V$ must be $W_0$")
SIDES: dict[str, Any] = {"column": "printed_error", "at_most": "printed_bound", "probability": 0.02}
PRINTED_BOUND = mc.Experiment(
    "printed_bound",
    simulate=partial(networks, errors.printed_bound_errors),
    scenarios=_grid(points=("near", "independent"), width=TWO, inputs=(UNIT, LONG)),
    source="Problem 2 (c) as printed; independent points are far apart and hide the misprint",
    columns={
        "printed_error": "$|f(W) - f_0(V)|$",
        "printed_bound": r"$\frac{\beta}{2 \sqrt{m}} \lVert W - V \rVert^2 \lVert x \rVert^2$",
        "points": "$W$ and $V$: near each other, or independent",
    },
    group=C,
    claims=[
        mc.Bound("2c-printed", PRINTED, **SIDES, expected=AT_V),
        mc.Bound("2c-printed.independent", FAR_APART, **SIDES, where={"points": "independent"}),
    ],
)


def conclude(ledger: mc.Ledger) -> mc.Section:
    """What over-parametrization does, in the ledger's own numbers."""
    bounds = [ledger[claim] for claim in ("2c", "2c.displacement", "2c.growing")]
    elsewhere = ledger["2c"].among(lambda activation: activation != "quadratic")
    independent = ledger["2c-printed.independent"]
    told = (
        f"Over-parametrization makes the network its linearization. In {sum(bound.drawn for bound in bounds):,} moved networks the bound of (c) was exceeded {sum(bound.violations for bound in bounds)} times. "
        f"The largest ratio of error to bound was {ledger['2c'].largest_ratio:.6f} for $z^2/2$, where the bound is an equation, and {elsewhere.largest_ratio:.6f} elsewhere.",
        f"The $1/\\sqrt{{m}}$ of the bound is attained, with its constant, by the worst displacement. "
        f"Its error falls with exponent {ledger['2d.worst'].cell(**LINE):.4f}, and from $m = 4096$ on it is {ledger['2c-sharp'].estimate:.4f} of the bound or more. What is missing to 1 falls with exponent {ledger['2c-sharp.rate'].cell():.4f}.",
        f"Displacements that do not seek the error do better, because the signs $a_j$ cancel: the error of an isotropic one falls with exponent {ledger['2d.typical'].cell(**LINE):.4f}, along the gradient with {ledger['2d.step'].cell():.4f}. "
        "A simulation of random displacements alone would report $1/m$, not the bound's rate.",
        f"It would not notice a wrong constant either. With 0.9 of the bound in its place, isotropic displacements came no closer than {ledger['2c-reduced.isotropic'].largest_ratio:.3f} of it, while the worst displacements reach {ledger['2c-reduced.worst'].largest_ratio:.3f} times it. "
        f"Nor would it notice the misprint of (c): for independent $W$ and $V$ the printed bound was exceeded {independent.violations} times in {independent.drawn:,}; for $W$ near $V$ the left side reaches {ledger['2c-printed'].largest_ratio:.3g} times the right one.",
        f"All of it needs $\\lVert W - W_0 \\rVert = O(1)$. Over a ball that grows as $\\sqrt{{m}}$ the worst error has exponent {ledger['2d.growing.worst'].estimate:.3f} and the typical one {ledger['2d.growing.typical'].estimate:.3f}: nothing is gained by width.",
    )
    return mc.Section("What over-parametrization does", told)


REGIMES = "tanh, $R = 1$, $|x| = 1$: the bound, the certified worst displacement that touches it, and the root mean square error of displacements along the gradient and of isotropic ones."
LINES = ("2d.bound", "2d.worst", "2d.step", "2d.typical")
study = mc.Study(
    name="linearization",
    title="How far a wide network is from its linearization",
    question="Does the error of the linearization fall as the bound says, and is the bound sharp?",
    source="Optimization Landscape of Neural Networks, Problem 2 (a)-(d)",
    answer=r"The worst error falls as $m^{{{2d.worst}}}$: the bound's rate and, from $m = 4096$ on, at least {2c-sharp:.4f} of the bound itself. A typical displacement does better, $m^{{{2d.typical}}}$, because the signs $a_j$ cancel. Over a ball that grows as $\sqrt{{m}}$ nothing is gained. As printed, (b) and (c) are wrong: in (b) the slope is $\sigma'(w_{{0,j}}^T x)$, in (c) $V$ must be $W_0$.",
    experiments=[FORMULAS, PRINTED_FORMULA, WORST, ISOTROPIC, GAUSSIAN, DISPLACEMENT, GROWING, PRINTED_BOUND],
    block=128,
    # In full a million displacements.
    replicates=mc.Replicates(first=128, quick=6144, full=6144),
    conclusion=conclude,
    overlays=(mc.Overlay("regimes", "Error against width, by regime", REGIMES, claims=LINES, where=LINE),),
)

if __name__ == "__main__":
    mc.main(study)
