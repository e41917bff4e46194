"""Problem 1 (a)-(f) along gradient flows from random starts: what holds, what is misprinted, what hides it.

A replicate is a start, a planted matrix W* and the flow between (`mcstudy.models.deep_linear`), stored at `TIMES`.
Columns are relative residuals, the largest over the stored times; those called `..._start` are at time 0. `vectors` and
`velocity` are multiplied by the relative gap of the singular values: vectors are determined to rounding over gap.
With an `imbalance` a balanced start is perturbed by that multiple of a Gaussian one; 1 makes it as unbalanced as
independent factors. A single factor is its own end-to-end matrix: depth 1 is drawn for its modes.
"""

from typing import Any

import numpy as np

import mcstudy as mc
from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear import alignment, flow, residuals, starts
from mcstudy.models.deep_linear.problems import Problem, draw_problem
from mcstudy.models.deep_linear.products import end_to_end, factor_gradients

TIMES = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
FINE, COARSE = 1e-12, 1e-11  # of the integrator, for each step and replicate
PAIRS = 128  # decomposed one by one for each replicate: so many that at d = 8 some agree in most replicates
POINT = 1e-12  # at a point: some thousand roundings of 1e-16 in products of at most seven matrices and their decompositions
PATH = 1e-8  # along a trajectory: 1e-12 in each of about a hundred steps, growing by less than a hundred; see `1.integrator`
DIMENSIONS = (2, 4, 8)
LINES = {  # the lines of the sheet
    "a": "Problem 1 (a): the gradient",
    "b.1": "Problem 1 (b), first: neighbouring velocities",
    "b": "Problem 1 (b), then: balance",
    "c.values": "Problem 1 (c), first: shared singular values",
    "c": "Problem 1 (c), then: shared singular vectors",
    "d": "Problem 1 (d): the velocity of a factor",
    "e": "Problem 1 (e): the end-to-end velocity by singular vectors",
    "f": "Problem 1 (f): the end-to-end velocity by $W$ alone",
}
IN_C, C, IN_F, F = "Problem 1 (c)", LINES["c"], "Problem 1 (f)", LINES["f"]
GENERIC, CARELESS = ("balanced", "near_degenerate"), ("identity", "symmetric", "orthogonal")


def _starts(*kinds: str, **levels: tuple[Any, ...]) -> tuple[mc.Scenario, ...]:
    usual = {"depth": (2, 3, 4), "dimension": (4,), "imbalance": (0.0,), "loss": ("population",)}
    return mc.grid(**({"start": kinds} | usual | levels))


def _zero(name: str, column: str, statement: str, tolerance: float = PATH, **rest: Any) -> mc.Identity:
    """An identity of flows, which are analytic in starts that have a density; its id names the part of Problem 1."""
    at = name[1] if name[1].isalpha() else "f"
    rest |= {"group": LINES.get(name[1:], LINES[at]), "source": f"Problem 1 ({at})" if name[1] == at else ""}
    return mc.Identity(name, statement, column=column, tolerance=tolerance, law="continuous", **rest)


def _draw_flow(rng: np.random.Generator, size: int, factors: Any) -> tuple[Problem, FloatArray, Any]:
    """A problem, the states of its flow, shape (K, size, L, d, d), and why replicates failed."""
    problem = draw_problem(rng, size, **factors)
    path = flow.gradient_flow(problem.start, problem.slope, TIMES, tolerance=FINE)
    # A replicate that failed rests at its start, for decompositions refuse NaN.
    return problem, np.where(np.isnan(path.states), problem.start, path.states), path.failures


def _columns(failures: Any, at_start: tuple[str, ...] = (), **compared: FloatArray) -> dict[str, Any]:
    """Residuals of shape (K, size) as columns: the largest over the stored times, and some of them at time 0."""
    first = {f"{name}_start": compared[name][0] for name in at_start}
    largest = {name: residual.max(axis=0) for name, residual in compared.items()}
    return first | largest | {"failure": failures}


def neighbours(rng: np.random.Generator, size: int, **factors: Any) -> dict[str, Any]:
    """Gradients, and the products of neighbouring factors with their velocities and with themselves."""
    problem, states, failures = _draw_flow(rng, size, factors)
    slope = problem.slope(end_to_end(states))
    direction = rng.standard_normal(states.shape)
    return _columns(
        failures,
        gradient=residuals.gradient_residual(states, slope, direction, problem.loss),
        exchange=residuals.exchange_residual(states, -factor_gradients(states, slope)),
        conserved=residuals.conservation_residual(states),
        balance=residuals.balance_residual(states),
    )


def whole_flow(rng: np.random.Generator, size: int, **factors: Any) -> dict[str, Any]:
    """What balance is said to bring about: shared singular values and vectors, and an equation for W alone."""
    problem, states, failures = _draw_flow(rng, size, factors)
    product = end_to_end(states)
    slope = problem.slope(product)
    moving = -factor_gradients(states, slope)
    svd = alignment.aligned_decompositions(states, smallest_gap=0.0)
    vectors = residuals.vector_residual(svd)
    coarse = flow.gradient_flow(problem.start, problem.slope, TIMES, tolerance=COARSE)
    alone = flow.end_to_end_flow(product[0], problem.slope, problem.depth, TIMES, tolerance=COARSE)
    return {"smallest_gap": svd.relative_gap.min(axis=0)} | _columns(
        list(map(max, failures, coarse.failures, alone.failures)),  # any reason is larger than none
        ("balance", "misprint_b", "vectors", "velocity", "misprint_d", "with_vectors", "with_product"),
        balance=residuals.balance_residual(states),
        misprint_b=residuals.printed_balance_residual(states),
        values=residuals.value_residual(svd),
        vectors=svd.relative_gap * vectors,
        bare_vectors=vectors,
        velocity=svd.relative_gap * residuals.velocity_residual(svd, slope, moving),
        misprint_d=residuals.printed_velocity_residual(svd, slope, moving),
        **residuals.end_to_end_residuals(svd, slope, states),
        one_flow=relative_residual(alone.states, product),
        integrator=relative_residual(coarse.states, states, 3),
    )


def nearly(rng: np.random.Generator, size: int, **factors: Any) -> dict[str, Any]:
    """What (e) and (f) leave at a nearly balanced start; the gaps of a few are as small as the imbalance."""
    problem = draw_problem(rng, size, **factors)
    svd = alignment.aligned_decompositions(problem.start, smallest_gap=0.0)
    return residuals.end_to_end_residuals(svd, problem.slope(end_to_end(problem.start)), problem.start)


def unaligned_pairs(rng: np.random.Generator, size: int, *, dimension: int) -> dict[str, Any]:
    """How often vectors of a balanced pair agree when nobody aligns their signs."""
    values = rng.uniform(0.5, 1.2, (size * PAIRS, dimension))
    factors = starts.balanced_factors(starts.haar_frames(rng, size * PAIRS, 2, dimension), values)
    return {"match": residuals.unaligned_agreement(factors).reshape(size, PAIRS).mean(axis=1)}


def closed_forms(rng: np.random.Generator, size: int, **factors: Any) -> dict[str, Any]:
    """The end-to-end matrix against its formula, for modes of an aligned start and for two factors."""
    problem, states, failures = _draw_flow(rng, size, factors)
    return _columns(failures, closed_form=relative_residual(end_to_end(states), problem.closed_form(TIMES)))


RELATIVE, AT_0 = ", relatively; the largest over the stored times", " at time 0, relatively"
CONSERVED = r"W_{k+1}^T W_{k+1} - W_k W_k^T \text{ is constant in time, from any start}"
BALANCE, VECTORS = r"W_{k+1}^T W_{k+1} = W_k W_k^T", r"U_k = V_{k+1} \text{ up to signs}"
generic = _starts(*GENERIC, dimension=DIMENSIONS) + _starts("balanced", loss=("empirical",))
uneven = _starts("balanced", imbalance=(1.0,), dimension=DIMENSIONS)
uneven += _starts("balanced", imbalance=(1.0,), loss=("empirical",))
meeting, careless = _starts("crossing", dimension=DIMENSIONS), _starts(*CARELESS)
anywhere = generic + meeting + careless + uneven
LAWS = {
    "gradient": "both sides of (a) apart, along a random direction" + RELATIVE,
    "exchange": r"$W_{k+1}^T \dot W_{k+1}$ and $\dot W_k W_k^T$ apart" + RELATIVE,
    "conserved": "the change of $W_{k+1}^T W_{k+1} - W_k W_k^T$ since time 0" + RELATIVE,
    "balance": "$W_{k+1}^T W_{k+1}$ and $W_k W_k^T$ apart" + RELATIVE,
}
on_start = [
    _zero("1a", "gradient", r"\nabla_{W_k} L = \tfrac{1}{L} W_{L:k+1}^T \Delta W_{k-1:1}^T", POINT),
    _zero("1b.1", "exchange", r"W_{k+1}^T \dot W_{k+1} = \dot W_k W_k^T \text{, balanced or not}", POINT),
    _zero("1b.conserved", "conserved", CONSERVED),
    _zero("1b.2", "balance", BALANCE, where={"imbalance": 0.0}),
]
any_start = mc.Experiment("any_start", simulate=neighbours, scenarios=anywhere, columns=LAWS, claims=on_start)

AT_START, ERROR = r" \text{, at } t = 0", r" \text{ with } E = \tfrac{1}{L} (W^* - W)"
VELOCITY = r"\dot W_k = V_{k+1} \Sigma^{L-k} U_L^T E \, V_1 \Sigma^{k-1} V_k^T" + ERROR
WITH_VECTORS = r"\dot W = \sum_k U_L \Sigma^{2L-2k} U_L^T E \, V_1 \Sigma^{2k-2} V_1^T" + ERROR
WITH_PRODUCT = r"\dot W = \sum_k [W W^T]^{(L-k)/L} E \, [W^T W]^{(k-1)/L}" + ERROR
ONE_FLOW = r"\text{the equation of (f) and the flow of the factors give the same } W(t)"
TEN_TIMES = r"\text{ten times the tolerance of the integrator gives the same factors}"
PRINTED_BALANCE, PRINTED_VELOCITY = r"W_{k+1}^T W_{k+1} = W_k^T W_k", VELOCITY.replace("V_k^T", "V_{k-1}^T")
WRONG_SIDE = mc.misprint("the right side must read $W_k W_k^T$; a generic balanced start shows it at once")
WRONG_END = mc.misprint("it must end in $V_k^T$, the right singular vectors of the factor that moves")
WHOLE = {
    "smallest_gap": "the smallest relative gap of singular values, over the stored times",
    "balance": "$W_{k+1}^T W_{k+1}$ and $W_k W_k^T$ apart" + RELATIVE,
    "misprint_b": "$W_{k+1}^T W_{k+1}$ and $W_k^T W_k$ apart" + RELATIVE,
    "values": r"$\Sigma_{k+1}$ and $\Sigma_k$ apart" + RELATIVE,
    "vectors": "$U_k$ and $V_{k+1}$ apart, times the relative gap of the singular values" + RELATIVE,
    "bare_vectors": "$U_k$ and $V_{k+1}$ apart" + RELATIVE,
    "velocity": r"both sides of (d) apart, times the relative gap" + RELATIVE,
    "misprint_d": "both sides of (d) as printed apart" + RELATIVE,
    "with_vectors": "both sides of (e) apart" + RELATIVE,
    "with_product": "both sides of (f) apart" + RELATIVE,
    "one_flow": "$W(t)$ by (f) and by the factors apart" + RELATIVE,
    "integrator": "the factors at a tolerance of 1e-11 and of 1e-12 apart" + RELATIVE,
}
FIRST = ("balance", "misprint_b", "vectors", "velocity", "misprint_d", "with_vectors", "with_product")
WHOLE |= {f"{name}_start": WHOLE[name].replace(RELATIVE, ", relatively, at time 0") for name in FIRST}
on_balance = [
    _zero("1b.2-start", "balance_start", BALANCE + AT_START, POINT),
    _zero("1b.2-printed", "misprint_b", PRINTED_BALANCE, expected=WRONG_SIDE),
    _zero("1c.values", "values", r"\Sigma_{k+1} = \Sigma_k"),
    _zero("1c-start", "vectors_start", VECTORS + AT_START, POINT),
    _zero("1c", "vectors", VECTORS),
    _zero("1d-start", "velocity_start", VELOCITY + AT_START, POINT),
    _zero("1d", "velocity", VELOCITY),
    _zero("1d-printed", "misprint_d", PRINTED_VELOCITY, expected=WRONG_END),
    _zero("1e-start", "with_vectors_start", WITH_VECTORS + AT_START, POINT),
    _zero("1e", "with_vectors", WITH_VECTORS),
    _zero("1f-start", "with_product_start", WITH_PRODUCT + AT_START, POINT),
    _zero("1f", "with_product", WITH_PRODUCT),
    _zero("1f.flow", "one_flow", ONE_FLOW),
    _zero("1.integrator", "integrator", TEN_TIMES, PATH / 10),
]
balanced = mc.Experiment("balanced", simulate=whole_flow, scenarios=generic, columns=WHOLE, claims=on_balance)

UNBALANCED, CROSSED = r" \text{, from an unbalanced start}", r" \text{, through a crossing of modes}"
HALF = r"\text{ten times the tolerance gives the same factors, in the median of unbalanced starts}"
SIZE = r"\text{the residual of (f) from an unbalanced start is of order } 0.1 \text{ to } 1"
NOT_ERASED = mc.control("the difference of an unbalanced start is conserved, not erased")
LINEAR = r"\text{the residual of (%s) is linear in the imbalance}"
SHARED = mc.control("the derivation takes one factor's singular values for those of all, which needs balance")
DISTINCT = mc.control("where modes meet vectors are not determined: (c) needs distinct singular values")
controls = [
    _zero("1b.2-unbalanced", "balance", BALANCE + UNBALANCED, expected=NOT_ERASED),
    _zero("1e-unbalanced", "with_vectors", WITH_VECTORS + UNBALANCED, expected=SHARED),
    _zero("1f-unbalanced", "with_product", WITH_PRODUCT + UNBALANCED, expected=SHARED),
    _zero("1f.flow-unbalanced", "one_flow", ONE_FLOW + UNBALANCED, expected=SHARED),
    mc.Value("1f.unbalanced-size", SIZE, of=mc.mean("with_product_start"), equals=0.5, margin=0.4),
    # An unbalanced start may pass close to a saddle, where any error grows: the median is claimed, not the worst.
    mc.Value("1.integrator-unbalanced", HALF, of=mc.quantile("integrator", 0.5), equals=0, margin=PATH / 10),
]
unbalanced = mc.Experiment(
    "unbalanced", simulate=whole_flow, scenarios=uneven, columns=WHOLE, claims=controls, source=IN_F, group=F
)
SIDES = {"with_vectors": "both sides of (e) apart" + AT_0, "with_product": "both sides of (f) apart" + AT_0}
nearly_balanced = mc.Experiment(
    "nearly_balanced",
    simulate=nearly,
    scenarios=_starts("balanced", imbalance=tuple(2.0**-k for k in range(16, 11, -1))),
    claims=[
        mc.Rate(name, LINEAR % name[1], of=mc.of_each(column), against="imbalance", exponent=1, margin=0.05)
        for name, column in (("1e.linear", "with_vectors"), ("1f.linear", "with_product"))
    ],
    common=("imbalance",),
    source="Problem 1 (e), (f)",
    columns=SIDES | {"imbalance": "the size of what is added to a balanced start"},
    group=F,
)
on_meeting = [
    _zero("1c-distinct.meeting", "smallest_gap", r"\sigma_1 = \sigma_2 \text{ at a time } t > 0"),
    _zero("1c-distinct", "bare_vectors", VECTORS + CROSSED, expected=DISTINCT),
    _zero("1c-distinct.1e", "with_vectors", WITH_VECTORS + CROSSED),
    _zero("1c-distinct.1f", "with_product", WITH_PRODUCT + CROSSED),
    _zero("1c-distinct.1f.flow", "one_flow", ONE_FLOW + CROSSED),
]
crossing = mc.Experiment("crossing", simulate=whole_flow, scenarios=meeting, columns=WHOLE, claims=on_meeting)

EARLY_B = PRINTED_BALANCE + r" \text{ for symmetric and orthogonal factors at } t = 0"
LATE_B = PRINTED_BALANCE + r" \text{ for the same symmetric and orthogonal starts at } t > 0"
EARLY_D = PRINTED_VELOCITY + r" \text{, for symmetric factors at } t = 0"
SCALED = r" \text{, from } W_k = c I \text{ with a symmetric } W^*"
LEFT = mc.misprint("the flow leaves the symmetric and the orthogonal matrices, which hide it at $t = 0$ only")
IDENTITY, OTHERS = {"start": "identity"}, {"start": ("symmetric", "orthogonal")}
on_hiding = [
    _zero("1b.2-printed.careless-start", "misprint_b_start", EARLY_B, POINT),
    _zero("1b.2-printed.careless-flow", "misprint_b", PRINTED_BALANCE + SCALED, where=IDENTITY),
    _zero("1b.2-printed.later", "misprint_b", LATE_B, where=OTHERS, expected=LEFT),
    _zero("1d-printed.careless-start", "misprint_d_start", EARLY_D, POINT, where={"start": "symmetric"}),
    _zero("1d-printed.careless-flow", "misprint_d", PRINTED_VELOCITY + SCALED, where=IDENTITY),
]
hiding = mc.Experiment("hiding", simulate=whole_flow, scenarios=careless, columns=WHOLE, claims=on_hiding)

RAW = r"\text{raw decompositions agree, } U_k = V_{k+1} \text{, in a share } 2^{-d} \text{ of the pairs only}"
MATCH = {"match": "the share of pairs whose vectors agree when nobody aligns their signs"}
sizes = mc.grid(dimension=DIMENSIONS)
# 0.1 tells 2^-d, at most 1/4, from 1/2, one free sign for all.
raw = mc.Value("1c.raw", RAW, of=mc.mean("match"), equals=lambda dimension: 2**-dimension, margin=0.1)
unaligned = mc.Experiment(
    "unaligned", simulate=unaligned_pairs, scenarios=sizes, claims=[raw], columns=MATCH, source=IN_C, group=C
)
MODES = r"\dot s = s^{2 - 2/L} (s^* - s) \text{ for each mode of an aligned start}"
RICCATI = r"Q Q^T(t) = e^{Ft/2} Q_0 [I + \tfrac{1}{2} Q_0^T (e^{Ft/2} F^{-1} e^{Ft/2} - F^{-1}) Q_0]^{-1} Q_0^T e^{Ft/2}"
TWO_FACTORS = r"\text{the closed form of two factors, from an unbalanced start}"
solved = _starts("crossing", depth=(1, 2, 3, 4), dimension=DIMENSIONS)
solved += _starts(*GENERIC, depth=(2,), dimension=DIMENSIONS) + _starts(*CARELESS, depth=(2,))
solved += _starts("balanced", depth=(2,), dimension=DIMENSIONS, imbalance=(1.0,))
CLOSED = {"closed_form": "the end-to-end matrix and its formula apart" + RELATIVE}
on_formulas = [
    _zero("1.modes", "closed_form", MODES, where={"start": "crossing"}),
    _zero("1.riccati", "closed_form", RICCATI, where={"start": (*GENERIC, *CARELESS), "imbalance": 0.0}),
    _zero("1.riccati-unbalanced", "closed_form", TWO_FACTORS, where={"imbalance": 1.0}, expected=SHARED),
]
closed_form = mc.Experiment(
    "closed_form", simulate=closed_forms, scenarios=solved, columns=CLOSED, claims=on_formulas, source=IN_F
)

TITLE = "What (e) and (f) leave at a nearly balanced start"
CAPTION = "Three factors: both residuals are linear in the imbalance, and vanish with it."
study = mc.Study(
    name="gradient_flow",
    title="Deep linear networks under gradient flow",
    question="Do the conservation laws, the alignment and the end-to-end equation hold along every trajectory?",
    source="Optimization Landscape of Neural Networks, Problem 1 (a)-(f)",
    answer="As they must read, they do, to what the integrator leaves: balance is kept to {1b.2}, and the end-to-end equation gives the flow of the factors to {1f.flow}. As printed, (b) and (d) are wrong by the size of what they state ({1b.2-printed} and {1d-printed}): (b) must end in $W_k W_k^T$, (d) in $V_k^T$; symmetric starts hide both. From (c) on all needs a balanced start.",
    experiments=[any_start, balanced, unbalanced, nearly_balanced, crossing, hiding, unaligned, closed_form],
    block=32,
    replicates=mc.Replicates(first=32, quick=128, full=256),
    overlays=(mc.Overlay("linear", TITLE, CAPTION, claims=("1e.linear", "1f.linear"), where={"depth": 3}),),
)

if __name__ == "__main__":
    mc.main(study)
