"""From gradient flow to gradient descent: what steps, tolerances and small starts do to the theory.

Factors are moved from time 0 to 1 by an integrator, beside an accurate flow, and D_k = W_{k+1}^T W_{k+1} - W_k W_k^T is
watched. Gradient descent is predicted to change it by the step times the time integral of G_{k+1}^T G_{k+1} - G_k G_k^T,
G_k = dL/dW_k. A small start has singular values that are all `start_scale`.
"""

from functools import partial
from typing import Any

import numpy as np

import mcstudy as mc
from mcstudy.models.arrays import FloatArray, frobenius, inner, relative_residual
from mcstudy.models.deep_linear.escape import follow_escape
from mcstudy.models.deep_linear.fixed_step import balancedness_kick, gauss_collocation, gradient_descent
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.mode_dynamics import mode_time
from mcstudy.models.deep_linear.problems import Problem, draw_problem, draw_small_start
from mcstudy.models.deep_linear.products import balancedness_defect, end_to_end

DEPTHS, DIMENSION = (2, 3, 4), 4
RATE = partial(mc.Rate, against="step", limit="zero")
EXACT = partial(mc.Identity, law="continuous")

ROUNDING = 1e-12  # some thousand roundings: factors of order 1, up to a few hundred small steps
PATH = 1e-8  # the integrator, as in the study of the gradient flow
TIGHT, LOOSE = 1e-12, 1e-3  # tolerances of adaptive solves; the second is the default of scipy's solve_ivp
LONG_STEP = 0.5  # whose kick is compared; the identity holds for steps of any length


def one_step(rng: np.random.Generator, size: int, *, depth: int) -> dict[str, Any]:
    """The change of D_k in one step of gradient descent, against the step's square times the kick."""
    problem = draw_problem(rng, size, depth=depth, dimension=DIMENSION, start="balanced")
    after = gradient_descent(problem.start, problem.slope, LONG_STEP, 1)
    kick = LONG_STEP**2 * balancedness_kick(problem.start, problem.slope)
    # Over ||W_k W_k^T|| after the step, whose rounding is all that the difference may hold.
    return {"kick": frobenius(_change(problem, after) - kick, 3) / frobenius(after @ after.mT, 3)}


DRIFT = {"drift": r"the change of $D_k = W_{k+1}^T W_{k+1} - W_k W_k^T$ over $\lVert W_k W_k^T \rVert$"}
KICK = r"D_k^+ - D_k = h^2 (G_{k+1}^T G_{k+1} - G_k G_k^T) \text{ in every step of gradient descent}"

kick = mc.Experiment(
    "kick",
    simulate=one_step,
    scenarios=mc.grid(depth=DEPTHS),
    columns={"kick": r"both sides apart, over $\lVert W_k W_k^T \rVert$"},
    claims=[EXACT("1.descent.kick", KICK, column="kick", tolerance=ROUNDING)],
    source="Problem 1 (b), discretized",
)

ORDERS, STAGES = {"descent": 1.0, "midpoint": 2.0, "gauss": 4.0}, {"midpoint": 1, "gauss": 2}
# The step whose error is the unit of `error_ratio`: errors of single problems differ by factors of a hundred.
UNIT_STEPS = {"descent": 1 / 32, "midpoint": 1 / 8, "gauss": 1 / 12}
DESCENT_STEPS = tuple(2.0**-k for k in range(6, 11))
NODES = 24  # of Gauss quadrature in time, for an integrand that is analytic


def fixed_steps(
    rng: np.random.Generator, size: int, *, depth: int, method: str, step: float
) -> dict[str, Any]:
    """Error and drift at time 1 of an integrator with a fixed step."""
    problem = draw_problem(rng, size, depth=depth, dimension=DIMENSION, start="balanced")
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    flow = gradient_flow(problem.start, problem.slope, [0.0, *(nodes + 1) / 2, 1.0], tolerance=TIGHT)
    kicks = np.stack([balancedness_kick(state, problem.slope) for state in flow.states[1:-1]])
    prediction = step * np.tensordot(weights / 2, kicks, axes=1)
    end = end_to_end(flow.states[-1])
    moved, unit = (_moved(problem, method, length) for length in (step, UNIT_STEPS[method]))
    return {
        "error_ratio": relative_residual(end_to_end(moved), end) / relative_residual(end_to_end(unit), end),
        "drift": _drift(problem, moved),
        "drift_ratio": inner(_change(problem, moved), prediction, 3) / inner(prediction, prediction, 3),
        "failure": flow.failures,
    }


def _moved(problem: Problem, method: str, step: float) -> FloatArray:
    """The factors at time 1."""
    steps = round(1 / step)
    if method == "descent":
        return gradient_descent(problem.start, problem.slope, step, steps)
    return gauss_collocation(problem.start, problem.slope, step, steps, stages=STAGES[method])


def _change(problem: Problem, moved: FloatArray) -> FloatArray:
    """D_k after the move less D_k before, shape (size, L - 1, d, d)."""
    return balancedness_defect(moved) - balancedness_defect(problem.start)


def _drift(problem: Problem, moved: FloatArray) -> FloatArray:
    return np.asarray(frobenius(_change(problem, moved), 3) / frobenius(problem.start @ problem.start.mT, 3))


LINEAR = r"\lVert D_k(T) - D_k(0) \rVert \propto h \text{ after gradient descent for a fixed time } T"
KICKS = r"D_k(T) - D_k(0) = h \int_0^T (G_{k+1}^T G_{k+1} - G_k G_k^T) \, dt + O(h^2)"
KEPT = r"D_k(T) = D_k(0) \text{ for gradient descent}"
LEAVES = mc.control("gradient descent keeps the difference only up to first order in each step")
INVARIANT = r"D_k(T) = D_k(0) \text{ for the implicit midpoint rule and Gauss collocation}"
QUADRATIC = "Quadratic invariants (Hairer, Lubich, Wanner 2006, IV.2.1)"
DESCENT, IMPLICIT = {"method": "descent"}, {"method": ("midpoint", "gauss")}
FINE = DESCENT | {"step": DESCENT_STEPS[-1]}

steps = mc.Experiment(
    "steps",
    simulate=fixed_steps,
    scenarios=mc.grid(depth=DEPTHS, method=("descent",), step=DESCENT_STEPS)
    + mc.grid(depth=DEPTHS, method=("midpoint",), step=tuple(2.0**-k for k in range(4, 8)))
    + mc.grid(depth=DEPTHS, method=("gauss",), step=(1 / 24, 1 / 36, 1 / 54)),
    columns=DRIFT
    | {
        "drift_ratio": "the part of the change of $D_k$ along what is predicted, over it",
        "error_ratio": "the error of $W$ over that of a longer step",
        "step": "$h$",
        "depth": "$L$, the number of factors",
    },
    claims=[
        # The margin is for the next order, half a percent of the drift at the longest step.
        RATE("1.descent", LINEAR, of=mc.of_each("drift"), exponent=1.0, margin=0.02, where=DESCENT),
        # The margin is for O(h^2), a thousandth of the drift at the shortest step.
        mc.Value("1.descent.constant", KICKS, of=mc.mean("drift_ratio"), equals=1.0, margin=0.01, where=FINE),
        mc.Identity(
            "1.descent.conserved", KEPT, column="drift", tolerance=PATH, where=DESCENT, expected=LEAVES
        ),
        EXACT("1.midpoint", INVARIANT, column="drift", tolerance=ROUNDING, where=IMPLICIT, source=QUADRATIC),
        RATE(
            "1.orders",
            r"\lVert W - W(T) \rVert \propto h^p \text{ with } p = 1, 2, 4 \text{ for descent, midpoint, Gauss}",
            of=mc.of_each("error_ratio"),
            exponent=lambda method: ORDERS[method],
            margin=0.05,  # for the next order, and for three steps only of Gauss collocation
            source="Orders of collocation (Hairer, Lubich, Wanner 2006, II.1.5)",
        ),
    ],
    common=("method", "step"),
    source="Problem 1 (b), discretized",
)


def aligned_descent(rng: np.random.Generator, size: int, *, depth: int) -> dict[str, Any]:
    """Gradient descent from a start that is aligned with W*, whose modes cross on their way."""
    problem = draw_problem(rng, size, depth=depth, dimension=DIMENSION, start="crossing")
    return {"drift": _drift(problem, _moved(problem, "descent", DESCENT_STEPS[0]))}


ALIGNED = r"D_k(T) = D_k(0) \text{ for gradient descent from an aligned start}"

aligned = mc.Experiment(
    "aligned",
    simulate=aligned_descent,
    scenarios=mc.grid(depth=DEPTHS),
    columns=DRIFT,
    claims=[EXACT("1.descent.aligned", ALIGNED, column="drift", tolerance=ROUNDING)],
    source="Problem 1 (b), discretized",
)


def tight_solve(rng: np.random.Generator, size: int, *, depth: int) -> dict[str, Any]:
    """The flow as the other studies integrate it."""
    problem = draw_problem(rng, size, depth=depth, dimension=DIMENSION, start="balanced")
    flow = gradient_flow(problem.start, problem.slope, [0.0, 1.0], tolerance=TIGHT)
    return {"drift": _drift(problem, flow.states[-1]), "failure": flow.failures}


CONSTANT = r"D_k \text{ is constant, integrated with tolerance } 10^{-12}"

tight = mc.Experiment(
    "tight",
    simulate=tight_solve,
    scenarios=mc.grid(depth=DEPTHS),
    columns=DRIFT,
    claims=[mc.Identity("1b.conserved.tight", CONSTANT, column="drift", tolerance=PATH, probability=0.05)],
    source="Problem 1 (b)",
)


def loose_solves(rng: np.random.Generator, size: int, *, depth: int) -> dict[str, Any]:
    """The flow by RK45 with relative tolerance 1e-3, each replicate by itself as a user would solve it."""
    problem = draw_problem(rng, size, depth=depth, dimension=DIMENSION, start="balanced")
    alone = [Problem(problem.start[[i]], problem.target[[i]]) for i in range(size)]
    flows = [gradient_flow(one.start, one.slope, [0.0, 1.0], tolerance=LOOSE, method="RK45") for one in alone]
    drift = _drift(problem, np.concatenate([flow.states[-1] for flow in flows]))
    failures = [reason for flow in flows for reason in flow.failures]
    return {"drift": drift, "drift_decades": np.log10(drift), "failure": failures}


LOOSELY = r"D_k \text{ is constant, integrated with tolerance } 10^{-3}"
FAKED = mc.control("a common integrator's default tolerance fakes a violation of its own size")
SIZE = r"\log_{10} \text{ of the violation faked by tolerance } 10^{-3} \text{ is } -3 \pm 1"
MEDIAN = mc.quantile("drift_decades", 0.5)

loose = mc.Experiment(
    "loose",
    simulate=loose_solves,
    scenarios=mc.grid(depth=DEPTHS),
    columns=DRIFT | {"drift_decades": "the decimal logarithm of the drift"},
    claims=[
        mc.Identity("1b.conserved.loose", LOOSELY, column="drift", tolerance=PATH, expected=FAKED),
        mc.Value("1b.conserved.loose-size", SIZE, of=MEDIAN, equals=np.log10(LOOSE), margin=1.0),
    ],
    source="Problem 1 (b)",
)

SCALES = (1e-8, 1e-7, 1e-6, 1e-5)


def escapes(
    rng: np.random.Generator, size: int, *, depth: int, start: str, start_scale: float
) -> dict[str, Any]:
    """How long a small start waits, and every stored time until then against that of an aligned start."""
    aligned = start == "aligned"
    problem = draw_small_start(rng, size, depth=depth, dimension=3, scale=start_scale, aligned=aligned)
    path = follow_escape(problem.start, problem.target, problem.slope)
    largest = np.linalg.norm(problem.target, 2, axis=(-1, -2))
    before = (path.leading > start_scale) & (path.leading < largest / 2) & (path.times > 0)
    expected = mode_time(start_scale, np.where(before, path.leading, largest / 2), largest, depth)
    return {
        "escape_time": path.escape_time,
        "escape_ratio": path.escape_time * largest / np.log(largest / start_scale),
        "closed_form": np.where(before, np.abs(path.times / expected - 1), 0.0).max(axis=0),
        "failure": path.failures,
    }


FORM = r"t = \left[ \frac{s^{1-p}}{s^* (1-p)} \, {}_2F_1(1, 1-p; 2-p; s/s^*) \right]_{s_0}^{s} , p = 2 - 2/L"
WAIT = r"s^* t_{1/2} / \log(s^*/s_0) \to 1 \text{ for } L = 2"
TWO = {"depth": 2}

escape = mc.Experiment(
    "escape",
    simulate=escapes,
    scenarios=mc.grid(depth=DEPTHS, start=("aligned",), start_scale=SCALES)
    + mc.grid(depth=(3, 4), start=("generic",), start_scale=SCALES),
    columns={
        "escape_time": "$t_{1/2}$, when the leading mode of $W$ first reaches half of $s^*$",
        "escape_ratio": r"$t_{1/2}$ over its limit for two factors, $\log(s^*/s_0) / s^*$",
        "closed_form": "the way there and that of the formula apart, relatively; the largest over the stored times",
        "start_scale": "$s_0$",
        "depth": "$L$, the number of factors",
    },
    claims=[
        mc.Rate(
            "1.escape",
            r"t_{1/2} \propto s_0^{-(1 - 2/L)} \text{ as } s_0 \to 0, L \ge 3",
            of=mc.of_each("escape_time"),
            against="start_scale",
            exponent=lambda depth: -(1 - 2 / depth),
            margin=0.02,  # for the next term, of relative order s_0^(1 - 2/L)
            limit="zero",
            where={"depth": (3, 4)},
        ),
        EXACT("1.escape.closed-form", FORM, column="closed_form", tolerance=PATH, where={"start": "aligned"}),
        # The margin is for s_0 and for the linear interpolation of the time, both far less.
        mc.Value("1.escape.logarithm", WAIT, of=mc.mean("escape_ratio"), equals=1.0, margin=0.02, where=TWO),
    ],
    common=("start_scale",),
    source="Problem 1 (f)",
)

CAPTION = "Three factors: the drift of gradient descent, and the errors of all three integrators."
errors = mc.Overlay(
    "steps", "Error and drift against the step", CAPTION, claims=("1.descent", "1.orders"), where={"depth": 3}
)

study = mc.Study(
    name="discretization",
    title="Steps, tolerances and small starts",
    question="How fast does gradient descent leave the conservation laws, and how long does a small start wait?",
    source="Optimization Landscape of Neural Networks, Problem 1",
    answer=r"Gradient descent leaves them in proportion to its step, as $h^{{{1.descent}}}$, by {1.descent.constant:.4f} times the kicks that theory adds up. The implicit midpoint rule and Gauss collocation keep them to rounding, {1.midpoint}. A small start waits for a time of order $s_0^{{-(1 - 2/L)}}$, $L \ge 3$: where the slope is furthest from that, it is {1.escape}. Two factors wait for $\log(s^*/s_0) / s^*$, to a factor of {1.escape.logarithm:.6f}.",
    experiments=[kick, steps, aligned, tight, loose, escape],
    block=64,
    replicates=mc.Replicates(first=64, quick=512, full=512),
    overlays=(errors,),
)

if __name__ == "__main__":
    mc.main(study)
