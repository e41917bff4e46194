"""How far a wide network is from its linearization: the bound, its sharp constant, and the rates on which it is silent.

Every replicate is a network f(W) = sum_j a_j sigma(w_j^T x) with its own signs a, weights W_0 and input x, moved to W
in one of several ways:

worst
    the displacement of norm R with the largest error, found by a certified primal-dual bracket
isotropic, gaussian
    a random direction: at norm R exactly, and with iid entries of variance R^2/(m d)
gradient
    along grad f(W_0), at norm R
near, independent
    two points V and W for the bound as printed: W close to V, and W and V drawn independently
infinitesimal
    difference quotients for the gradient; the two forms of the linearization

Columns that a displacement does not have are 0; no claim reads them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

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
from mcstudy.models import shallow
from mcstudy.models.activations import Activation, Array, activation, activations
from mcstudy.models.adversary import displaced, worst_displacement
from mcstudy.models.error_moments import sin_displacement_variance
from mcstudy.models.inputs import real_rows, sphere
from mcstudy.models.sharpness import expected_shortfall

Columns = dict[str, Array]

COLUMNS = (
    "error",
    "scaled_error",
    "scaled_spread",
    "bound",
    "reduced_bound",
    "rounding",
    "ceiling",
    "ratio",
    "shortfall",
    "gap",
    "printed_error",
    "printed_bound",
    "gradient_residual",
    "slopeless_residual",
    "formula_residual",
    "printed_formula_residual",
)
GROWING = "sqrt(m)/4"
UNIT, LONG = "unit sphere", "sphere of radius 2"
ENTRIES = 2**20  # of W_0 in work at once: 8 MiB, unless a single network has more
NEAR = 1e-3  # ||W - V|| in units of R
REDUCED = 0.9  # of beta/2, in the control
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Start:
    """Networks at initialization: a (n, m), W_0 (n, m, d), x (n, d), and the radius R."""

    a: Array
    W0: Array
    x: Array
    sigma: Activation
    radius: float

    @property
    def width(self) -> int:
        """Number of rows m."""
        return int(self.a.shape[-1])

    def isotropic(self, rng: np.random.Generator, radius: float) -> Array:
        """A displacement of norm `radius` and uniform direction, shape (n, m, d)."""
        V = rng.standard_normal(self.W0.shape)
        V *= (radius / _norm(V))[:, None, None]
        return V


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
) -> Columns:
    """One block: the columns of the scenario's displacement, each of shape (size,)."""
    measure = MEASURES[displacement]
    parts = []
    for count in _portions(size, width * dimension):
        start = _start(rng, (count, width, dimension), activation, inputs, _radius(radius, width))
        parts.append(measure(rng, start))
    empty = {name: np.zeros(size) for name in COLUMNS}
    return empty | {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _portions(size: int, entries: int) -> list[int]:
    """Cut a block into portions of at most `ENTRIES` weights, but of one network at least."""
    most = max(1, ENTRIES // entries)
    return [min(most, size - first) for first in range(0, size, most)]


def _radius(radius: float | str, width: int) -> float:
    return math.sqrt(width) / 4 if radius == GROWING else float(radius)


def _start(
    rng: np.random.Generator, shape: tuple[int, int, int], name: str, inputs: str, radius: float
) -> Start:
    count, width, dimension = shape
    a, W0 = shallow.draw_outputs(rng, (count, width)), shallow.draw_weights(rng, shape)
    return Start(a, W0, _inputs(rng, inputs, count, dimension), activation(name), radius)


def _inputs(rng: np.random.Generator, inputs: str, count: int, dimension: int) -> Array:
    if inputs in (UNIT, LONG):
        return sphere(rng, (count, dimension), 2.0 if inputs == LONG else 1.0)
    rows = real_rows()
    if inputs == "any state":
        return rows.inputs[rng.integers(len(rows.inputs), size=count)]
    return np.tile(rows.inputs[rows.names.index(inputs)], (count, 1))


def _worst(rng: np.random.Generator, start: Start) -> Columns:
    reach = start.radius * np.sqrt(shallow.squared_norm(start.x))
    bracket = worst_displacement(shallow.preactivations(start.W0, start.x), start.a, reach, start.sigma)
    columns = _compare(start, displaced(start.W0, bracket.shift, start.x))
    gap = bracket.upper / bracket.lower - 1.0
    return columns | {"ceiling": bracket.upper, "gap": gap}


def _isotropic(rng: np.random.Generator, start: Start) -> Columns:
    W = start.W0 + start.isotropic(rng, start.radius)
    return _compare(start, W) | {"scaled_spread": _spread(start, W)}


def _gaussian(rng: np.random.Generator, start: Start) -> Columns:
    W = start.W0 + start.radius / math.sqrt(start.W0[0].size) * rng.standard_normal(start.W0.shape)
    return _compare(start, W) | {"scaled_spread": _spread(start, W)}


def _gradient(rng: np.random.Generator, start: Start) -> Columns:
    G = shallow.gradient(start.W0, start.a, start.x, start.sigma)
    return _compare(start, start.W0 + (start.radius / _norm(G))[:, None, None] * G)


def _compare(start: Start, W: Array) -> Columns:
    """The error at W beside the bound, and beside the bound with a smaller constant."""
    z, z0 = shallow.preactivations(W, start.x), shallow.preactivations(start.W0, start.x)
    error = np.abs(shallow.linearization_error(z, z0, start.a, start.sigma))
    bound = shallow.bound(_norm(W - start.W0), start.x, start.width, start.sigma)
    return {
        "error": error,
        "scaled_error": error / shallow.squared_norm(start.x),
        "bound": bound,
        "reduced_bound": REDUCED * bound,
        "rounding": _rounding(start, z, z0),
        "ratio": error / bound,
        "shortfall": 1.0 - error / bound,
    }


def _rounding(start: Start, z: Array, z0: Array) -> Array:
    """Limit on the rounding of f(W) - f_0(W): each term carries a few units, pairwise sums a few more."""
    sigma = start.sigma
    terms = (
        np.abs(sigma.value(z)) + np.abs(sigma.value(z0)) + np.abs(sigma.slope(z0)) * (np.abs(z) + np.abs(z0))
    )
    return np.asarray(16 * EPS * np.vecdot(np.abs(start.a), terms))


def _spread(start: Start, W: Array) -> Array:
    """Root mean square of the scaled error over the signs a, given the rest: sqrt(sum_j a_j^2 h_j^2)/||x||^2."""
    z0 = shallow.preactivations(start.W0, start.x)
    h = start.sigma.remainder(z0, shallow.preactivations(W, start.x) - z0)
    return np.asarray(np.sqrt(np.vecdot(start.a**2, h**2)) / shallow.squared_norm(start.x))


def _near(rng: np.random.Generator, start: Start) -> Columns:
    V = start.W0 + start.isotropic(rng, start.radius)
    return _printed(start, V, V + start.isotropic(rng, NEAR * start.radius))


def _independent(rng: np.random.Generator, start: Start) -> Columns:
    V, W = rng.standard_normal((2, *start.W0.shape))
    return _printed(start, V, W)


def _printed(start: Start, V: Array, W: Array) -> Columns:
    """Both sides of |f(W) - f_0(V)| <= beta/(2 sqrt m) ||W - V||^2 ||x||^2."""
    f = shallow.network(W, start.a, start.x, start.sigma)
    f0 = shallow.linearization(V, start.W0, start.a, start.x, start.sigma)
    bound = shallow.bound(_norm(W - V), start.x, start.width, start.sigma)
    return {"printed_error": np.abs(f - f0), "printed_bound": bound}


def _infinitesimal(rng: np.random.Generator, start: Start) -> Columns:
    a, W0, x, sigma = start.a, start.W0, start.x, start.sigma
    V = rng.standard_normal(W0.shape)
    u, z0 = shallow.preactivations(V, x), shallow.preactivations(W0, x)
    along = _quotient(lambda h: shallow.network(W0 + h * V, a, x, sigma))
    scale = np.vecdot(np.abs(a), np.abs(u))
    terms = np.abs(sigma.value(z0)) + np.abs(sigma.slope(z0)) * (np.abs(z0) + np.abs(z0 + u))
    size = np.vecdot(np.abs(a), terms)
    f0 = shallow.linearization(W0 + V, W0, a, x, sigma)
    by_rows = shallow.linearization_by_rows(W0 + V, W0, a, x, sigma)
    return {
        "gradient_residual": np.abs(_inner(shallow.gradient(W0, a, x, sigma), V) - along) / scale,
        "slopeless_residual": np.abs(_inner(a[..., None] * x[..., None, :], V) - along) / scale,
        "formula_residual": np.abs(by_rows - f0) / size,
        "printed_formula_residual": np.abs(_printed_formula(start, z0, u) - f0) / size,
    }


def _quotient(f: Callable[[float], Array], h: float = 3e-4) -> Array:
    """f'(0) by central differences of fourth order."""
    return (8.0 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12.0 * h)


def _printed_formula(start: Start, z0: Array, u: Array) -> Array:
    """f_0 with sigma'(w_{0,j}) in place of sigma'(w_{0,j}^T x): a number for d = 1 only; from the first column else."""
    slope = start.sigma.slope(start.W0[..., 0])
    return np.asarray(np.vecdot(start.a, start.sigma.value(z0) - slope * z0 + slope * (z0 + u)))


def _inner(A: Array, B: Array) -> Array:
    """<A, B> for each network, shape (n,)."""
    return np.asarray(np.vecdot(A.reshape(len(A), -1), B.reshape(len(B), -1)))


def _norm(A: Array) -> Array:
    return np.sqrt(_inner(A, A))


MEASURES: dict[str, Callable[[np.random.Generator, Start], Columns]] = {
    "worst": _worst,
    "isotropic": _isotropic,
    "gaussian": _gaussian,
    "gradient": _gradient,
    "near": _near,
    "independent": _independent,
    "infinitesimal": _infinitesimal,
}


def _scenarios(**levels: tuple[int | float | str, ...]) -> tuple[Scenario, ...]:
    usual: dict[str, tuple[int | float | str, ...]] = {
        "displacement": ("worst",),
        "activation": ("tanh",),
        "width": FEW,
        "dimension": (10,),
        "inputs": (UNIT,),
        "radius": (1.0,),
    }
    return grid(**usual | levels)


MAIN = powers_of_two(6, 14)
FEW = powers_of_two(9, 12)
TWO = (64, 512)
BOTH = ("worst", "isotropic")
DRAWN = ("worst", "isotropic", "gaussian", "gradient")
ANALYTIC = tuple(name for name in activations(smooth=True) if name not in ("softsign", "elu"))
USUAL = ("tanh", "gelu", "sin")
RARER = tuple(name for name in activations(smooth=True) if name not in (*USUAL, "quadratic"))

QUICK = (
    _scenarios(displacement=("worst", "isotropic", "gradient"), width=MAIN, dimension=(2,))
    + _scenarios(displacement=BOTH)
    + _scenarios(displacement=BOTH, activation=("gelu", "sin"), dimension=(3,))
    + _scenarios(displacement=BOTH, dimension=(6,), inputs=("California",))
    + _scenarios(displacement=BOTH, dimension=(3,), inputs=(LONG,), radius=(0.5,))
    + _scenarios(
        displacement=("worst", "isotropic", "gradient"), width=TWO, dimension=(6,), inputs=("any state",)
    )
    + _scenarios(displacement=BOTH, width=TWO, radius=(0.1, 10.0))
    + _scenarios(displacement=BOTH, width=(64, 256, 1024), dimension=(2,), radius=(GROWING,))
    + _scenarios(activation=("quadratic",), width=TWO)
    + _scenarios(
        displacement=("gaussian",), activation=("sin",), width=TWO, dimension=(2,), inputs=(UNIT, LONG)
    )
    + _scenarios(displacement=("near", "independent"), width=TWO, inputs=(UNIT, LONG))
    + _scenarios(
        displacement=("infinitesimal",), activation=USUAL, width=(1, 64), dimension=(1, 10), inputs=(LONG,)
    )
)
FULL = _scenarios(displacement=BOTH, activation=RARER, dimension=(3,)) + _scenarios(
    displacement=("infinitesimal",),
    activation=tuple(name for name in ANALYTIC if name not in USUAL),
    width=(1, 64),
    dimension=(1, 10),
    inputs=(LONG,),
)

WORST = {"displacement": "worst"}
MAIN_LINE = {"activation": "tanh", "inputs": UNIT, "radius": 1.0, "dimension": 2}
TANH_PEAK = math.atanh(1 / math.sqrt(3))


def _in_ball(displacement: str, **levels: object) -> Callable[[Scenario], bool]:
    """Scenarios of a displacement in a fixed ball of reach at most 1.2 around a fixed input, on a line of widths."""

    def matches(scenario: Scenario) -> bool:
        fixed = scenario["radius"] in (0.5, 1.0) and scenario["inputs"] != "any state"
        line = scenario["activation"] != "quadratic" and scenario["displacement"] == displacement
        return bool(fixed and line and scenario.matches(levels))

    return matches


def _wide_tanh(least: int) -> Callable[[Scenario], bool]:
    """The worst displacement of wide tanh networks in a ball of reach about 1."""

    def matches(scenario: Scenario) -> bool:
        return _in_ball("worst", activation="tanh")(scenario) and int(scenario["width"] or 0) >= least

    return matches


def _shortfall(*, width: int, **_: object) -> float:
    return float(expected_shortfall(width, 1.0, 1.0, peaks=(-TANH_PEAK, TANH_PEAK), bend=2.0))


def _sin_rms(*, width: int, dimension: int, inputs: str, radius: float, **_: object) -> float:
    q = 4.0 if inputs == LONG else 1.0
    return math.sqrt(sin_displacement_variance(q, radius**2 * q / (width * dimension))) / q


FORMULAS = (
    Identity(
        "2a",
        r"\nabla f(W) = D a x^T, \quad D = \operatorname{diag} \sigma'(w_j^T x)",
        column="gradient_residual",
        # h^4/30 times fifth derivatives up to 10^3, and rounding over h = 3e-4.
        tolerance=1e-9,
        where={"displacement": "infinitesimal"},
        source="Problem 2 (a), against fourth-order differences",
    ),
    Identity(
        "2a-slopeless",
        r"\nabla f(W) = a x^T",
        column="slopeless_residual",
        tolerance=1e-9,
        where={"displacement": "infinitesimal"},
        expected=Verdict.REFUTED,
        because="control: the gradient without the slopes D is another one",
        source="Problem 2 (a)",
    ),
    Identity(
        "2b",
        r"f_0(W) = \sum_j a_j ( [\sigma(z_j) - \sigma'(z_j) z_j] + \sigma'(z_j) w_j^T x ), \quad z_j = w_{0,j}^T x",
        column="formula_residual",
        tolerance=1e-13,  # rounding of sums of 64 terms, relative to the sum of their sizes
        where={"displacement": "infinitesimal"},
        source="Problem 2 (b)",
    ),
    Identity(
        "2b-printed",
        r"f_0(W) = \sum_j a_j ( [\sigma(z_j) - \sigma'(w_{0,j}) z_j] + \sigma'(w_{0,j}) w_j^T x )",
        column="printed_formula_residual",
        tolerance=1e-13,
        where={"displacement": "infinitesimal", "dimension": 1},
        expected=Verdict.REFUTED,
        because="misprint: sigma'(w_{0,j}) is no number for d > 1 and wrong for d = 1; with |x| = 1 and an even sigma' "
        "the two agree, which is why inputs of length 2 are drawn",
        source="Problem 2 (b) as printed",
    ),
)

BOUNDS = (
    Bound(
        "2c",
        r"|f(W) - f_0(W)| \le \frac{\beta}{2 \sqrt{m}} \lVert W - W_0 \rVert^2 \lVert x \rVert^2",
        column="error",
        at_most="bound",
        rounding="rounding",
        probability=0.02,
        where={"displacement": DRAWN},
        source="Problem 2 (c)",
    ),
    Bound(
        "2c-reduced.worst",
        r"|f(W) - f_0(W)| \le 0.9 \, \frac{\beta}{2 \sqrt{m}} \lVert W - W_0 \rVert^2 \lVert x \rVert^2",
        column="error",
        at_most="reduced_bound",
        rounding="rounding",
        probability=0.02,
        where=_in_ball("worst"),
        expected=Verdict.REFUTED,
        because="control: a constant 10 % too small; the worst displacement finds it out",
        source="Problem 2 (c), mutated",
    ),
    Bound(
        "2c-reduced.isotropic",
        r"|f(W) - f_0(W)| \le 0.9 \, \frac{\beta}{2 \sqrt{m}} \lVert W - W_0 \rVert^2 \lVert x \rVert^2 "
        r"\text{ for isotropic draws}",
        column="error",
        at_most="reduced_bound",
        rounding="rounding",
        probability=0.02,
        where=_in_ball("isotropic"),
        source="Problem 2 (c), mutated: what a study without an adversary would report",
    ),
    Bound(
        "2c-printed",
        r"|f(W) - f_0(V)| \le \frac{\beta}{2 \sqrt{m}} \lVert W - V \rVert^2 \lVert x \rVert^2",
        column="printed_error",
        at_most="printed_bound",
        probability=0.02,
        where={"displacement": "near"},
        expected=Verdict.REFUTED,
        because="misprint: at W = V the right side is 0 and the left is the error at V; V must be W_0",
        source="Problem 2 (c) as printed",
    ),
    Bound(
        "2c-printed.independent",
        r"|f(W) - f_0(V)| \le \frac{\beta}{2 \sqrt{m}} \lVert W - V \rVert^2 \lVert x \rVert^2 "
        r"\text{ for independent } W, V",
        column="printed_error",
        at_most="printed_bound",
        probability=0.02,
        where={"displacement": "independent"},
        source="Problem 2 (c) as printed: independent points are far apart and hide the misprint",
    ),
)

SHARPNESS = (
    Value(
        "2c-sharp",
        r"\sup_{\lVert W - W_0 \rVert \le R} |f - f_0| \Big/ \frac{\beta R^2 \lVert x \rVert^2}{2 \sqrt{m}} \to 1",
        of=mean("ratio"),
        equals=1.0,
        margin=0.005,
        where=_wide_tanh(4096),
        source="Problem 2 (c)",
    ),
    Bound(
        "2c-sharp.bracket",
        r"\text{dual value} \le 1.002 \times \text{error of the displacement found}",
        column="gap",
        at_most=0.002,
        probability=0.02,
        where=_wide_tanh(4096),
        source="Problem 2 (c)",
    ),
    Identity(
        "2c-sharp.quadratic",
        r"\sup_{\lVert W - W_0 \rVert \le R} |f - f_0| = \frac{\beta R^2 \lVert x \rVert^2}{2 \sqrt{m}} "
        r"\text{ for } \sigma(z) = z^2/2",
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
    Rate(
        "2d.worst",
        r"\sup_{\lVert W - W_0 \rVert \le R} |f - f_0| \propto m^{-1/2}",
        of=mean("scaled_error"),
        against="width",
        exponent=-1 / 2,
        margin=0.01,
        where=_in_ball("worst"),
        source="Problem 2 (d)",
    ),
    Rate(
        "2d.worst.ceiling",
        r"\text{the dual value, which no displacement exceeds} \propto m^{-1/2}",
        of=mean("ceiling"),
        against="width",
        exponent=-1 / 2,
        margin=0.01,
        where=WORST | MAIN_LINE,
        source="Problem 2 (d)",
    ),
    Rate(
        "2d.bound",
        r"\frac{\beta}{2 \sqrt{m}} R^2 \lVert x \rVert^2 \propto m^{-1/2}",
        of=mean("bound"),
        against="width",
        exponent=-1 / 2,
        margin=0.01,
        where=WORST | MAIN_LINE,
        source="Problem 2 (c)",
    ),
    Rate(
        "2d.typical",
        r"\sqrt{\mathbb{E} (f - f_0)^2} \propto m^{-1} \text{ for an isotropic displacement of norm } R",
        of=rms("scaled_spread"),
        against="width",
        exponent=-1.0,
        margin=0.02,
        where=_in_ball("isotropic"),
        source="Problem 2 (d), the mean over the signs a_j taken exactly",
    ),
    Rate(
        "2d.typical.raw",
        r"\sqrt{\mathbb{E} (f - f_0)^2} \propto m^{-1} \text{ for an isotropic displacement of norm } R",
        of=rms("scaled_error"),
        against="width",
        exponent=-1.0,
        margin=0.1,
        where={"displacement": "isotropic"} | MAIN_LINE,
        source="Problem 2 (d), the error itself",
    ),
    Value(
        "2d.typical.exact",
        r"\sqrt{\mathbb{E} (f - f_0)^2} \text{ in closed form for } \sigma = \sin \text{ and a Gaussian displacement}",
        of=rms("scaled_spread"),
        equals=_sin_rms,
        margin=relative(0.02),
        where={"displacement": "gaussian"},
        source="Problem 2 (d), the mean over the signs a_j taken exactly",
    ),
    Value(
        "2d.typical.exact-raw",
        r"\sqrt{\mathbb{E} (f - f_0)^2} \text{ in closed form for } \sigma = \sin \text{ and a Gaussian displacement}",
        of=rms("scaled_error"),
        equals=_sin_rms,
        margin=relative(0.1),
        where={"displacement": "gaussian"},
        source="Problem 2 (d), the error itself",
    ),
    Rate(
        "2d.step",
        r"\sqrt{\mathbb{E} (f - f_0)^2} \propto m^{-1} \text{ along the gradient, at norm } R",
        of=rms("scaled_error"),
        against="width",
        exponent=-1.0,
        margin=0.1,
        where={"displacement": "gradient"} | MAIN_LINE,
        source="Problem 2 (d)",
    ),
)

CONTROLS = (
    Rate(
        "2d.growing.worst",
        r"\sup_{\lVert W - W_0 \rVert \le \sqrt{m}/4} |f - f_0| \propto m^{-1/2}",
        of=mean("scaled_error"),
        against="width",
        exponent=-1 / 2,
        margin=0.01,
        where=WORST | {"radius": GROWING},
        expected=Verdict.REFUTED,
        because="control: over a ball that grows as sqrt m the worst error grows as sqrt m too",
        source="Problem 2 (d) without ||W - W_0|| = O(1)",
    ),
    Rate(
        "2d.growing.typical",
        r"\sqrt{\mathbb{E} (f - f_0)^2} \propto m^{-1} \text{ for } \lVert W - W_0 \rVert = \sqrt{m}/4",
        of=rms("scaled_spread"),
        against="width",
        exponent=-1.0,
        margin=0.02,
        where={"displacement": "isotropic", "radius": GROWING},
        expected=Verdict.REFUTED,
        because="control: when every row moves by order one, the typical error does not decay at all",
        source="Problem 2 (d) without ||W - W_0|| = O(1)",
    ),
    Rate(
        "2d.growing.rates",
        r"\sqrt{\mathbb{E} (f - f_0)^2} \propto m^{0} \text{ for } \lVert W - W_0 \rVert = \sqrt{m}/4",
        of=rms("scaled_spread"),
        against="width",
        exponent=0.0,
        margin=0.02,
        where={"displacement": "isotropic", "radius": GROWING},
        source="Problem 2 (d) without ||W - W_0|| = O(1)",
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
            f"{ledger['2d.growing.rates'].estimate:.3f}: nothing is gained by width.",
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
    return float(
        max(item["largest_ratio"] for cell, item in pairs if Scenario(**cell.scenario).matches(where))
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
    replicates=Replicates(first=1024, quick=8192, full=16384),
    claims=(*FORMULAS, *BOUNDS, *SHARPNESS, *RATES, *CONTROLS),
    conclusion=conclude,
    overlays=(
        Overlay(
            "regimes",
            "Error against width, by regime",
            "tanh, R = 1, ||x|| = 1: the bound, the certified worst displacement that touches it, and the root mean "
            "square error of displacements along the gradient and of isotropic ones.",
            claims=("2d.bound", "2d.worst", "2d.step", "2d.typical", "2d.typical.raw"),
            where=MAIN_LINE,
        ),
    ),
)

if __name__ == "__main__":
    main(study)
