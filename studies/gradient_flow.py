"""Problem 1 (a)-(f) along gradient flows from random starts: what holds, what is misprinted, what hides it.

A replicate is a start, a planted matrix W* and the flow between (see `mcstudy.models.deep_linear.problems`), stored at
`TIMES`. Columns are relative residuals (see `mcstudy.models.deep_linear.residuals`), the largest over the stored times;
those called `..._start` are at time 0, where nothing was integrated yet. `vectors` and `velocity` are multiplied by the
relative gap of the singular values, since singular vectors are determined only to rounding over gap.

With an `imbalance` a balanced start is perturbed by that multiple of a Gaussian one; 1 makes it as unbalanced as
independent factors. A single factor has no neighbour and is its own end-to-end matrix: all that depth 1 can put to
the test is the closed form of its modes.
"""

from typing import Any

import numpy as np

import mcstudy as mc
from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear import alignment, flow, residuals, starts, velocities
from mcstudy.models.deep_linear.problems import Problem, draw_problem
from mcstudy.models.deep_linear.products import end_to_end, factor_gradients

TIMES = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
FINE, COARSE = 1e-12, 1e-11  # of the integrator, for each step and replicate
PAIRS = 32  # of factors that are decomposed one by one, for each replicate

# At a point: some thousand roundings of 1e-16 in products of at most seven matrices and their decompositions.
POINT = 1e-12
# Along a trajectory: the integrator's local error of 1e-12 in each of about a hundred steps, and the growth of
# errors along the flow, below a factor of a hundred. `1.integrator` measures what ten times the tolerance does.
PATH = 1e-8

DIMENSIONS, ALONE = (2, 4, 8), (1.0,)


def _starts(*kinds: str, **levels: tuple[Any, ...]) -> tuple[mc.Scenario, ...]:
    usual = {"depth": (2, 3, 4), "dimension": (4,), "imbalance": (0.0,), "loss": ("population",)}
    return mc.grid(**({"start": kinds} | usual | levels))


generic = _starts("balanced", "near_degenerate", dimension=DIMENSIONS) + _starts(
    "balanced", loss=("empirical",)
)
independent = _starts("balanced", imbalance=ALONE, dimension=DIMENSIONS)
independent += _starts("balanced", imbalance=ALONE, loss=("empirical",))
crossing_modes = _starts("crossing", dimension=DIMENSIONS)
careless = _starts("identity", "symmetric", "orthogonal")


def _identity(name: str, column: str, statement: str, tolerance: float = PATH, **rest: Any) -> mc.Identity:
    return mc.Identity(name, statement, column=column, tolerance=tolerance, **rest)


def _draw_flow(
    rng: np.random.Generator, size: int, factors: dict[str, Any]
) -> tuple[Problem, FloatArray, Any]:
    """A problem, the states of its flow, shape (K, size, L, d, d), and why replicates failed."""
    problem = draw_problem(rng, size, **factors)
    path = flow.gradient_flow(problem.start, problem.slope, TIMES, tolerance=FINE)
    # A replicate that failed rests at its start, for decompositions refuse NaN; its numbers count for nothing.
    return problem, np.where(np.isnan(path.states), problem.start, path.states), path.failures


def _columns(failures: Any, **compared: FloatArray) -> dict[str, Any]:
    """Residuals of shape (K, size) as columns: at time 0, and the largest over the stored times."""
    starts = {f"{name}_start": residual[0] for name, residual in compared.items()}
    return (
        starts | {name: residual.max(axis=0) for name, residual in compared.items()} | {"failure": failures}
    )


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


CONSERVED = r"W_{k+1}^T W_{k+1} - W_k W_k^T \text{ is constant in time, from any start}"
BALANCE = r"W_{k+1}^T W_{k+1} = W_k W_k^T"

any_start = mc.Experiment(
    "any_start",
    simulate=neighbours,
    scenarios=generic + crossing_modes + careless + independent,
    claims=[
        _identity("1a", "gradient", r"\nabla_{W_k} L = \tfrac{1}{L} W_{L:k+1}^T \Delta W_{k-1:1}^T", POINT),
        _identity(
            "1b.1", "exchange", r"W_{k+1}^T \dot W_{k+1} = \dot W_k W_k^T \text{, balanced or not}", POINT
        ),
        _identity("1b.conserved", "conserved", CONSERVED),
        _identity("1b.2", "balance", BALANCE, where={"imbalance": 0.0}),
    ],
    source="Problem 1 (a), (b)",
)


def whole_flow(rng: np.random.Generator, size: int, **factors: Any) -> dict[str, Any]:
    """What balance is said to bring about: shared singular values and vectors, and an equation for W alone."""
    problem, states, failures = _draw_flow(rng, size, factors)
    product = end_to_end(states)
    slope = problem.slope(product)
    moving = -factor_gradients(states, slope)
    svd = alignment.aligned_decompositions(states, smallest_gap=0.0)
    vectors = residuals.vector_residual(svd)
    moved = velocities.end_to_end_velocity_by_chain_rule(states, moving)
    coarse = flow.gradient_flow(problem.start, problem.slope, TIMES, tolerance=COARSE)
    alone = flow.end_to_end_flow(product[0], problem.slope, problem.depth, TIMES, tolerance=COARSE)
    return {"smallest_gap": svd.relative_gap.min(axis=0)} | _columns(
        list(map(max, failures, coarse.failures, alone.failures)),  # any reason is larger than none
        balance=residuals.balance_residual(states),
        printed_balance=residuals.printed_balance_residual(states),
        values=residuals.value_residual(svd),
        vectors=svd.relative_gap * vectors,
        unweighted_vectors=vectors,
        velocity=svd.relative_gap * residuals.velocity_residual(svd, slope, moving),
        printed_velocity=residuals.printed_velocity_residual(svd, slope, moving),
        with_vectors=relative_residual(velocities.end_to_end_velocity_from_vectors(svd, slope), moved),
        with_product=relative_residual(velocities.end_to_end_velocity(product, slope, problem.depth), moved),
        one_flow=relative_residual(alone.states, product),
        integrator=relative_residual(coarse.states, states, 3),
    )


VECTORS = r"U_k = V_{k+1} \text{ up to signs}"
ERROR = r" \text{ with } E = \tfrac{1}{L} (W^* - W)"
VELOCITY = r"\dot W_k = V_{k+1} \Sigma^{L-k} U_L^T E \, V_1 \Sigma^{k-1} V_k^T" + ERROR
WITH_VECTORS = r"\dot W = \sum_k U_L \Sigma^{2L-2k} U_L^T E \, V_1 \Sigma^{2k-2} V_1^T" + ERROR
WITH_PRODUCT = r"\dot W = \sum_k [W W^T]^{(L-k)/L} E \, [W^T W]^{(k-1)/L}" + ERROR
ONE_FLOW = r"\text{the equation of (f) and the flow of the factors give the same } W(t)"
TEN_TIMES = r"\text{ten times the tolerance of the integrator gives the same factors}"
PRINTED_BALANCE, PRINTED_VELOCITY = r"W_{k+1}^T W_{k+1} = W_k^T W_k", VELOCITY.replace("V_k^T", "V_{k-1}^T")
AT_START = r" \text{, at } t = 0"
NOT_K = mc.misprint("the right-hand side must read $W_k W_k^T$; a generic balanced start shows it at once")
NOT_V = mc.misprint("the product must end in $V_k^T$, the right singular vectors of the factor that moves")

balanced = mc.Experiment(
    "balanced",
    simulate=whole_flow,
    scenarios=generic,
    claims=[
        _identity("1b.2-start", "balance_start", BALANCE + AT_START, POINT),
        _identity("1b.2-printed", "printed_balance", PRINTED_BALANCE, expected=NOT_K),
        _identity("1c.values", "values", r"\Sigma_{k+1} = \Sigma_k"),
        _identity("1c-start", "vectors_start", VECTORS + AT_START, POINT),
        _identity("1c", "vectors", VECTORS),
        _identity("1d-start", "velocity_start", VELOCITY + AT_START, POINT),
        _identity("1d", "velocity", VELOCITY),
        _identity("1d-printed", "printed_velocity", PRINTED_VELOCITY, expected=NOT_V),
        _identity("1e-start", "with_vectors_start", WITH_VECTORS + AT_START, POINT),
        _identity("1e", "with_vectors", WITH_VECTORS),
        _identity("1f-start", "with_product_start", WITH_PRODUCT + AT_START, POINT),
        _identity("1f", "with_product", WITH_PRODUCT),
        _identity("1f.flow", "one_flow", ONE_FLOW),
        _identity("1.integrator", "integrator", TEN_TIMES, PATH / 10),
    ],
    source="Problem 1 (b)-(f)",
)

UNBALANCED = r" \text{, from an unbalanced start}"
SIZE = r"\text{the residual of (f) from an unbalanced start is of order } 0.1 \text{ to } 1"
NOT_ERASED = mc.control("the difference of an unbalanced start is conserved, not erased")
SHARED = mc.control(
    "the derivation replaces every factor's singular values by those of one, which needs balance"
)

unbalanced = mc.Experiment(
    "unbalanced",
    simulate=whole_flow,
    scenarios=independent,
    claims=[
        _identity("1b.2-unbalanced", "balance", BALANCE + UNBALANCED, expected=NOT_ERASED),
        _identity("1e-unbalanced", "with_vectors", WITH_VECTORS + UNBALANCED, expected=SHARED),
        _identity("1f-unbalanced", "with_product", WITH_PRODUCT + UNBALANCED, expected=SHARED),
        _identity("1f.flow-unbalanced", "one_flow", ONE_FLOW + UNBALANCED, expected=SHARED),
        mc.Value("1f.unbalanced-size", SIZE, of=mc.mean("with_product_start"), equals=0.5, margin=0.4),
        # An unbalanced start may pass close to a saddle, where any error grows: the median is claimed, not the worst.
        mc.Value(
            "1.integrator-unbalanced", MEDIAN, of=mc.quantile("integrator", 0.5), equals=0.0, margin=PATH / 10
        ),
    ],
    source="Problem 1 (b), (e), (f)",
)

nearly_balanced = mc.Experiment(
    "nearly_balanced",
    simulate=whole_flow,
    scenarios=_starts("balanced", imbalance=tuple(2.0**-k for k in range(16, 11, -1))),
    claims=[
        mc.Rate(
            name, LINEAR.format(name[1]), of=mc.mean(column), against="imbalance", exponent=1, margin=0.05
        )
        for name, column in (("1e.linear", "with_vectors_start"), ("1f.linear", "with_product_start"))
    ],
    common=("imbalance",),
    source="Problem 1 (e), (f)",
)

THROUGH_CROSSING = r" \text{, through a crossing of modes}"
DISTINCT = mc.control("where modes meet vectors are not determined: (c) needs distinct singular values")

crossing = mc.Experiment(
    "crossing",
    simulate=whole_flow,
    scenarios=crossing_modes,
    claims=[
        _identity("1c-distinct.meeting", "smallest_gap", r"\sigma_1 = \sigma_2 \text{ at a time } t > 0"),
        _identity("1c-distinct", "unweighted_vectors", VECTORS + THROUGH_CROSSING, expected=DISTINCT),
        _identity("1c-distinct.1e", "with_vectors", WITH_VECTORS + THROUGH_CROSSING),
        _identity("1c-distinct.1f", "with_product", WITH_PRODUCT + THROUGH_CROSSING),
        _identity("1c-distinct.1f.flow", "one_flow", ONE_FLOW + THROUGH_CROSSING),
    ],
    source="Problem 1 (c), (e), (f)",
)

CARELESS = PRINTED_BALANCE + r" \text{ for symmetric and orthogonal factors at } t = 0"
LATER = PRINTED_BALANCE + r" \text{ for the same symmetric and orthogonal starts at } t > 0"
SYMMETRIC, IDENTITY = (
    r" \text{, for symmetric factors at } t = 0",
    r" \text{, from } W_k = c I \text{ with a symmetric } W^*",
)
LEFT = mc.misprint("the flow leaves the symmetric and the orthogonal matrices, which hide it at $t = 0$ only")

hiding = mc.Experiment(
    "hiding",
    simulate=whole_flow,
    scenarios=careless,
    claims=[
        _identity("1b.2-printed.careless-start", "printed_balance_start", CARELESS, POINT),
        _identity(
            "1b.2-printed.careless-flow", "printed_balance", PRINTED_BALANCE + IDENTITY, where=IDENTITY
        ),
        _identity(
            "1b.2-printed.later",
            "printed_balance",
            LATER,
            where={"start": ("symmetric", "orthogonal")},
            expected=LEFT,
        ),
        _identity(
            "1d-printed.careless-start",
            "printed_velocity_start",
            PRINTED_VELOCITY + SYMMETRIC,
            POINT,
            where={"start": "symmetric"},
        ),
        _identity(
            "1d-printed.careless-flow", "printed_velocity", PRINTED_VELOCITY + IDENTITY, where=IDENTITY
        ),
    ],
    source="Problem 1 (b), (d), as printed",
)


def unaligned_pairs(rng: np.random.Generator, size: int, *, dimension: int) -> dict[str, Any]:
    """How often vectors of a balanced pair agree when nobody aligns their signs."""
    values = rng.uniform(0.5, 1.2, (size * PAIRS, dimension))
    factors = starts.balanced_factors(starts.haar_frames(rng, size * PAIRS, 2, dimension), values)
    return {"agreement": residuals.unaligned_agreement(factors).reshape(size, PAIRS).mean(axis=1)}


RAW = r"\text{raw decompositions agree, } U_k = V_{k+1} \text{, in a share } 2^{-d} \text{ of the pairs only}"

unaligned = mc.Experiment(
    "unaligned",
    simulate=unaligned_pairs,
    scenarios=mc.grid(dimension=DIMENSIONS),
    claims=[
        mc.Value("1c.raw", RAW, of=mc.mean("agreement"), equals=lambda dimension: 2.0**-dimension, margin=0.1)
    ],
    source="Problem 1 (c)",
)


def closed_forms(rng: np.random.Generator, size: int, **factors: Any) -> dict[str, Any]:
    """The end-to-end matrix against its formula, for modes of an aligned start and for two factors."""
    problem, states, failures = _draw_flow(rng, size, factors)
    return _columns(failures, closed_form=relative_residual(end_to_end(states), problem.closed_form(TIMES)))


MODES = r"\dot s = s^{2 - 2/L} (s^* - s) \text{ for each mode of an aligned start}"
RICCATI = r"Q Q^T(t) = e^{Ft/2} Q_0 [I + \tfrac{1}{2} Q_0^T (e^{Ft/2} F^{-1} e^{Ft/2} - F^{-1}) Q_0]^{-1} Q_0^T e^{Ft/2}"
TWO = r"\text{the closed form of two factors, from an unbalanced start}"

closed_form = mc.Experiment(
    "closed_form",
    simulate=closed_forms,
    scenarios=_starts("crossing", depth=(1, 2, 3, 4), dimension=DIMENSIONS)
    + _starts("balanced", "near_degenerate", depth=(2,), dimension=DIMENSIONS)
    + _starts("identity", "symmetric", "orthogonal", depth=(2,))
    + _starts("balanced", depth=(2,), dimension=DIMENSIONS, imbalance=(1.0,)),
    claims=[
        _identity("1.modes", "closed_form", MODES, where={"start": "crossing"}),
        _identity(
            "1.riccati",
            "closed_form",
            RICCATI,
            where=lambda start, imbalance: start != "crossing" and not imbalance,
        ),
        _identity("1.riccati-unbalanced", "closed_form", TWO, where={"imbalance": 1.0}, expected=SHARED),
    ],
    source="Problem 1 (f), in closed form",
)

study = mc.Study(
    name="gradient_flow",
    title="Deep linear networks under gradient flow",
    question="Do the conservation laws, the alignment and the end-to-end equation hold along every trajectory?",
    source="Optimization Landscape of Neural Networks, Problem 1 (a)-(f)",
    experiments=[any_start, balanced, unbalanced, nearly_balanced, crossing, hiding, unaligned, closed_form],
    block=32,
    replicates=mc.Replicates(first=32, quick=128, full=256),
)

if __name__ == "__main__":
    mc.main(study)
