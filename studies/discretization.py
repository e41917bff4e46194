"""From gradient flow to gradient descent: what steps, tolerances and small starts do to the theory.

A scenario has one of two quantities:

steps
    Factors moved from time 0 to 1 by some integrator, beside an accurate flow: the relative error of the end-to-end
    matrix, also over that of a unit step, and the drift of D_k = W_{k+1}^T W_{k+1} - W_k W_k^T, over ||W_k W_k^T||. For gradient descent also
    the drift's part along its prediction, the step times the time integral of G_{k+1}^T G_{k+1} - G_k G_k^T with
    G_k = dL/dW_k, over the prediction.
escape
    The time at which the leading mode of W first reaches half of s*, from a start with all singular values
    `start_scale`. From an aligned start every stored time is compared with the closed form.

Columns of what a scenario does not measure are 0; no claim reads them.
"""

from collections.abc import Sequence

import numpy as np

from mcstudy import Identity, Rate, Replicates, Study, Value, Verdict, grid, main, mean, quantile, rms
from mcstudy.draws import Scenario
from mcstudy.models.arrays import FloatArray, frobenius, relative_residual
from mcstudy.models.deep_linear.escape import follow_escape
from mcstudy.models.deep_linear.fixed_step import balancedness_kick, gauss_collocation, gradient_descent
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.mode_dynamics import mode_time
from mcstudy.models.deep_linear.problems import Problem, draw_problem, draw_small_start
from mcstudy.models.deep_linear.products import balancedness_defect, end_to_end

Columns = dict[str, FloatArray | Sequence[str]]

COLUMNS = (
    "error",
    "error_ratio",
    "drift",
    "drift_decades",
    "drift_ratio",
    "kick",
    "escape_time",
    "escape_ratio",
    "escape_residual",
)
TIGHT, LOOSE = 1e-12, 1e-3  # tolerances of adaptive solves; the second is the default of scipy's solve_ivp
NODES = 24  # of Gauss quadrature in time, for an integrand that is analytic
LONG_STEP = 0.5  # of the single step whose kick is compared; the identity holds for steps of any length
ORDERS = {"descent": 1.0, "midpoint": 2.0, "gauss": 4.0}
# The step whose error is the unit of `error_ratio`: errors of single problems differ by factors of a hundred.
UNIT_STEPS = {"descent": 1 / 32, "midpoint": 1 / 8, "gauss": 1 / 12}
STAGES = {"midpoint": 1, "gauss": 2}


def simulate(
    rng: np.random.Generator,
    size: int,
    *,
    quantity: str,
    depth: int,
    dimension: int,
    start: str,
    method: str | None,
    step: float | None,
    start_scale: float | None,
) -> Columns:
    """One block: the columns of the scenario's quantity, each of shape (size,)."""
    if quantity == "escape" and start_scale is not None:
        measured = _escape(rng, size, depth, dimension, start_scale, aligned=start == "aligned")
    else:
        problem = draw_problem(rng, size, depth=depth, dimension=dimension, start=start)
        measured = _steps(problem, str(method), step or 0.0)
    return {name: np.zeros(size) for name in COLUMNS} | measured


def _steps(problem: Problem, method: str, step: float) -> Columns:
    flow = gradient_flow(problem.start, problem.slope, [0.0, 1.0], tolerance=TIGHT)
    moved = flow.states[-1] if method == "tight" else _integrate(problem, method, step)
    change = balancedness_defect(moved) - balancedness_defect(problem.start)
    drift = frobenius(change, 3) / frobenius(problem.start @ problem.start.mT, 3)
    end = end_to_end(flow.states[-1])
    error = relative_residual(end_to_end(moved), end)
    columns = {
        "error": error,
        "drift": drift,
        "drift_decades": np.log10(np.maximum(drift, np.finfo(np.float64).tiny)),
        "kick": _kick_residual(problem),
    }
    if method in ORDERS:
        unit = end_to_end(_integrate(problem, method, UNIT_STEPS[method]))
        columns["error_ratio"] = error / relative_residual(unit, end)
    if method == "descent":
        prediction = step * _drift_integral(problem)
        square = np.sum(prediction**2, axis=(-1, -2, -3))
        columns["drift_ratio"] = np.sum(change * prediction, axis=(-1, -2, -3)) / square
    return {**columns, "failure": flow.failures}


def _integrate(problem: Problem, method: str, step: float) -> FloatArray:
    """The factors at time 1."""
    if method == "loose":
        return _default_tolerance(problem)
    steps = round(1 / step)
    if method == "descent":
        return gradient_descent(problem.start, problem.slope, step, steps)
    return gauss_collocation(problem.start, problem.slope, step, steps, stages=STAGES[method])


def _default_tolerance(problem: Problem) -> FloatArray:
    """The factors by RK45 with relative tolerance 1e-3, each replicate by itself as a user would solve it."""
    ends = []
    for replicate, start in enumerate(problem.start):
        alone = Problem(start[None], problem.target[replicate : replicate + 1])
        ends.append(
            gradient_flow(start[None], alone.slope, [0.0, 1.0], tolerance=LOOSE, method="RK45").states[-1]
        )
    return np.concatenate(ends)


def _drift_integral(problem: Problem) -> FloatArray:
    """The integral of G_{k+1}^T G_{k+1} - G_k G_k^T from time 0 to 1 along the flow, shape (size, L-1, d, d)."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    times = np.concatenate([[0.0], (nodes + 1) / 2])
    states = gradient_flow(problem.start, problem.slope, times, tolerance=TIGHT).states[1:]
    kicks = np.stack([balancedness_kick(state, problem.slope) for state in states])
    return np.asarray(np.tensordot(weights / 2, kicks, axes=1))


def _kick_residual(problem: Problem) -> FloatArray:
    """The change of D_k in one long step of gradient descent, against the step's square times the kick.

    Relative to ||W_k W_k^T|| after the step, whose rounding is all that the difference may hold.
    """
    after = gradient_descent(problem.start, problem.slope, LONG_STEP, 1)
    change = balancedness_defect(after) - balancedness_defect(problem.start)
    kick = LONG_STEP**2 * balancedness_kick(problem.start, problem.slope)
    return np.asarray(frobenius(change - kick, 3) / frobenius(after @ after.mT, 3))


def _escape(
    rng: np.random.Generator, size: int, depth: int, dimension: int, scale: float, *, aligned: bool
) -> Columns:
    problem = draw_small_start(rng, size, depth=depth, dimension=dimension, scale=scale, aligned=aligned)
    path = follow_escape(problem.start, problem.target, problem.slope)
    largest = np.linalg.norm(problem.target, 2, axis=(-1, -2))
    columns: Columns = {
        "escape_time": path.escape_time,
        "escape_ratio": path.escape_time * largest / np.log(largest / scale),
        "failure": path.failures,
    }
    if aligned:
        before = (path.leading > scale) & (path.leading < largest / 2) & (path.times > 0)
        value = np.where(before, path.leading, largest / 2)
        expected = mode_time(scale, value, largest, depth)
        columns["escape_residual"] = np.where(before, np.abs(path.times / expected - 1), 0.0).max(axis=0)
    return columns


DEPTHS = (2, 3, 4)


def _halvings(*exponents: int) -> tuple[float, ...]:
    return tuple(2.0**-exponent for exponent in exponents)


def _step_scenarios(method: str, *steps: float | None, start: str = "balanced") -> tuple[Scenario, ...]:
    return grid(
        quantity=("steps",),
        depth=DEPTHS,
        dimension=(4,),
        start=(start,),
        method=(method,),
        step=steps,
        start_scale=(None,),
    )


DESCENT_STEPS = _halvings(6, 7, 8, 9, 10)
SCENARIOS = (
    _step_scenarios("descent", *DESCENT_STEPS)
    + _step_scenarios("descent", DESCENT_STEPS[0], start="crossing")
    + _step_scenarios("midpoint", *_halvings(4, 5, 6, 7))
    + _step_scenarios("gauss", 1 / 24, 1 / 36, 1 / 54)
    + _step_scenarios("loose", None)
    + _step_scenarios("tight", None)
    + grid(
        quantity=("escape",),
        depth=DEPTHS,
        dimension=(3,),
        start=("aligned", "generic"),
        method=(None,),
        step=(None,),
        start_scale=(1e-8, 1e-7, 1e-6, 1e-5),
    )
)

ROUNDING = 1e-12  # some thousand roundings: factors of order 1, up to a few hundred small steps
PATH = 1e-8  # the integrator, as in the study of the gradient flow

STEP_CLAIMS = (
    Identity(
        "1.descent.kick",
        r"D_k^+ - D_k = h^2 (G_{k+1}^T G_{k+1} - G_k G_k^T) \text{ in every step of gradient descent}",
        column="kick",
        tolerance=ROUNDING,
        where={"quantity": "steps"},
        source="Problem 1 (b), discretized",
    ),
    Rate(
        "1.descent",
        r"\lVert D_k(T) - D_k(0) \rVert \propto h \text{ after gradient descent for a fixed time } T",
        of=rms("drift"),
        against="step",
        exponent=1.0,
        margin=0.02,
        where={"method": "descent", "start": "balanced"},
        source="Problem 1 (b), discretized",
    ),
    Value(
        "1.descent.constant",
        r"D_k(T) - D_k(0) = h \int_0^T (G_{k+1}^T G_{k+1} - G_k G_k^T) \, dt + O(h^2)",
        of=mean("drift_ratio"),
        equals=1.0,
        margin=0.01,
        where={"method": "descent", "start": "balanced", "step": DESCENT_STEPS[-1]},
        source="Problem 1 (b), discretized",
    ),
    Identity(
        "1.descent.aligned",
        r"D_k(T) = D_k(0) \text{ for gradient descent from an aligned start}",
        column="drift",
        tolerance=ROUNDING,
        where={"method": "descent", "start": "crossing"},
        source="Problem 1 (b), discretized",
    ),
    Identity(
        "1.descent.conserved",
        r"D_k(T) = D_k(0) \text{ for gradient descent}",
        column="drift",
        tolerance=PATH,
        where={"method": "descent", "start": "balanced"},
        expected=Verdict.REFUTED,
        because="gradient descent keeps the difference only up to first order in each step",
        source="Problem 1 (b), discretized",
    ),
    Identity(
        "1.midpoint",
        r"D_k(T) = D_k(0) \text{ for the implicit midpoint rule and Gauss collocation}",
        column="drift",
        tolerance=ROUNDING,
        where={"method": ("midpoint", "gauss")},
        source="Quadratic invariants (Hairer, Lubich, Wanner 2006, IV.2.1)",
    ),
    Rate(
        "1.orders",
        r"\lVert W - W(T) \rVert \propto h^p \text{ with } p = 1, 2, 4 \text{ for descent, midpoint, Gauss}",
        of=rms("error_ratio"),
        against="step",
        exponent=lambda *, method, **_: ORDERS[method],
        margin=0.05,
        where={"method": tuple(ORDERS), "start": "balanced"},
        source="Orders of collocation (Hairer, Lubich, Wanner 2006, II.1.5)",
    ),
    Identity(
        "1b.conserved.tight",
        r"D_k \text{ is constant, integrated with tolerance } 10^{-12}",
        column="drift",
        tolerance=PATH,
        where={"method": "tight"},
        source="Problem 1 (b)",
    ),
    Identity(
        "1b.conserved.loose",
        r"D_k \text{ is constant, integrated with tolerance } 10^{-3}",
        column="drift",
        tolerance=PATH,
        where={"method": "loose"},
        expected=Verdict.REFUTED,
        because="the default tolerance of a common integrator fakes a violation of its own size",
        source="Problem 1 (b)",
    ),
    Value(
        "1b.conserved.loose-size",
        r"\log_{10} \text{ of the violation faked by tolerance } 10^{-3} \text{ is } -3 \pm 1",
        of=quantile("drift_decades", 0.5),
        equals=np.log10(LOOSE),
        margin=1.0,
        where={"method": "loose"},
        source="Problem 1 (b)",
    ),
)


def _escape_exponent(*, depth: int, **_: object) -> float:
    return -(1 - 2 / depth)


ESCAPE_CLAIMS = (
    Rate(
        "1.escape",
        r"t_{1/2} \propto s_0^{-(1 - 2/L)} \text{ as } s_0 \to 0, L \ge 3",
        of=mean("escape_time"),
        against="start_scale",
        exponent=_escape_exponent,
        margin=0.02,
        where={"quantity": "escape", "depth": (3, 4)},
        source="Problem 1 (f)",
    ),
    Identity(
        "1.escape.closed-form",
        r"t = \left[ \frac{s^{1-p}}{s^* (1-p)} \, {}_2F_1(1, 1-p; 2-p; s/s^*) \right]_{s_0}^{s} , p = 2 - 2/L",
        column="escape_residual",
        tolerance=PATH,
        where={"quantity": "escape", "start": "aligned"},
        source="Problem 1 (f)",
    ),
    Value(
        "1.escape.logarithm",
        r"s^* t_{1/2} / \log(s^*/s_0) \to 1 \text{ for } L = 2",
        of=mean("escape_ratio"),
        equals=1.0,
        margin=0.02,
        where={"quantity": "escape", "depth": 2, "start": "aligned"},
        source="Problem 1 (f)",
    ),
)

study = Study(
    name="discretization",
    title="Steps, tolerances and small starts",
    question="How fast does gradient descent leave the conservation laws, and how long does a small start wait?",
    source="Optimization Landscape of Neural Networks, Problem 1",
    simulate=simulate,
    scenarios=SCENARIOS,
    block=64,
    replicates=Replicates(first=64, quick=128, full=256),
    common=("step", "method", "start_scale"),
    claims=(*STEP_CLAIMS, *ESCAPE_CLAIMS),
)

if __name__ == "__main__":
    main(study)
