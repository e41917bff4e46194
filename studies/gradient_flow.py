"""Problem 1 (a)-(f) along gradient flows from random starts: what holds, what is misprinted, what hides it.

A replicate is a start, a planted matrix W* and the flow between (see `mcstudy.models.deep_linear.problems`), stored at `TIMES`.
Columns are relative residuals (see `mcstudy.models.deep_linear.residuals`), the largest over the stored times; those called
`..._start` are at time 0, where nothing was integrated yet. Residuals that involve singular vectors are multiplied
by the relative gap of the singular values. The column of a closed form is 0 where there is none.

With an `imbalance` the balanced start is perturbed by that multiple of a Gaussian one; 1 makes it as unbalanced as
independent factors.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from mcstudy import Identity, Rate, Replicates, Study, Value, Verdict, grid, main, mean, quantile
from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear import residuals
from mcstudy.models.deep_linear.alignment import aligned_decompositions
from mcstudy.models.deep_linear.flow import end_to_end_flow, gradient_flow
from mcstudy.models.deep_linear.problems import Problem, draw_problem
from mcstudy.models.deep_linear.products import end_to_end, factor_gradients
from mcstudy.models.deep_linear.starts import balanced_factors, haar_frames
from mcstudy.models.deep_linear.velocities import (
    end_to_end_velocity,
    end_to_end_velocity_by_chain_rule,
    end_to_end_velocity_from_vectors,
)

TIMES = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
FINE, COARSE = 1e-12, 1e-11  # of the integrator, for each step and replicate
PAIRS = 32  # of factors that are decomposed without alignment, for each replicate


def simulate(
    rng: np.random.Generator,
    size: int,
    *,
    depth: int,
    dimension: int,
    start: str,
    imbalance: float,
    loss: str,
) -> dict[str, FloatArray | Sequence[str]]:
    """One block: residuals of every statement, each of shape (size,)."""
    problem = draw_problem(
        rng, size, depth=depth, dimension=dimension, start=start, imbalance=imbalance, loss=loss
    )
    fine = gradient_flow(problem.start, problem.slope, TIMES, tolerance=FINE)
    coarse = gradient_flow(problem.start, problem.slope, TIMES, tolerance=COARSE)
    alone = end_to_end_flow(end_to_end(problem.start), problem.slope, depth, TIMES, tolerance=COARSE)
    failures = [
        next(filter(None, reasons), "")
        for reasons in zip(*(flow.failures for flow in (fine, coarse, alone)), strict=True)
    ]
    states = np.where(np.isnan(fine.states), problem.start, fine.states)
    product = end_to_end(states)
    closed = problem.closed_form(TIMES) if problem.has_closed_form else None
    columns = (
        _pointwise(rng, problem, states)
        | _frames(problem, states)
        | _end_to_end(problem, states)
        | _raw_frames(rng, size, dimension)
        | {
            "integrator": _worst(relative_residual(coarse.states, states, 3)),
            "end_to_end_flow": _worst(relative_residual(alone.states, product)),
            "closed_form": np.zeros(size) if closed is None else _worst(relative_residual(product, closed)),
        }
    )
    failed = np.array([bool(reason) for reason in failures])
    return {name: np.where(failed, np.nan, column) for name, column in columns.items()} | {
        "failure": failures
    }


def _worst(residuals: FloatArray) -> FloatArray:
    """The largest over the stored times, from (K, size) to (size,)."""
    return np.asarray(residuals.max(axis=0))


def _pointwise(rng: np.random.Generator, problem: Problem, states: FloatArray) -> dict[str, FloatArray]:
    """Problem 1 (a) and (b)."""
    slope = problem.slope(end_to_end(states))
    direction = rng.standard_normal(states.shape)
    gradient = {"gradient": _worst(residuals.gradient_residual(states, slope, direction, problem.loss))}
    if problem.depth == 1:
        return gradient | _nothing(states, *PAIRWISE)
    balance, printed = residuals.balance_residual(states), residuals.printed_balance_residual(states)
    return gradient | {
        "exchange": _worst(residuals.exchange_residual(states, -factor_gradients(states, slope))),
        "conserved": _worst(residuals.conservation_residual(states)),
        "balance_start": balance[0],
        "balance": _worst(balance),
        "printed_balance_start": printed[0],
        "printed_balance": _worst(printed),
    }


PAIRWISE = (
    *("exchange", "conserved", "balance_start", "balance", "printed_balance_start", "printed_balance"),
)
ALIGNED = (
    *("values", "vectors_start", "vectors", "vectors_unweighted", "printed_velocity_start"),
    "printed_velocity",
)


def _nothing(states: FloatArray, *columns: str) -> dict[str, FloatArray]:
    """Columns of statements about neighbouring factors, of which one factor has none."""
    return {name: np.zeros(states.shape[1]) for name in columns}


def _frames(problem: Problem, states: FloatArray) -> dict[str, FloatArray]:
    """Problem 1 (c) and (d)."""
    slope = problem.slope(end_to_end(states))
    velocities = -factor_gradients(states, slope)
    frames = aligned_decompositions(states, smallest_gap=0.0)
    gap = frames.relative_gap
    velocity = gap * residuals.velocity_residual(frames, slope, velocities)
    alone = {
        "gap": np.asarray(gap.min(axis=0)),
        "velocity_start": velocity[0],
        "velocity": _worst(velocity),
    }
    if problem.depth == 1:
        return alone | _nothing(states, *ALIGNED)
    vectors = residuals.vector_residual(frames)
    printed = residuals.printed_velocity_residual(frames, slope, velocities)
    return alone | {
        "values": _worst(residuals.value_residual(frames)),
        "vectors_start": (gap * vectors)[0],
        "vectors": _worst(gap * vectors),
        "vectors_unweighted": _worst(vectors),
        "printed_velocity_start": printed[0],
        "printed_velocity": _worst(printed[1:]),
    }


def _end_to_end(problem: Problem, states: FloatArray) -> dict[str, FloatArray]:
    """Problem 1 (e) and (f)."""
    product = end_to_end(states)
    slope = problem.slope(product)
    velocity = end_to_end_velocity_by_chain_rule(states, -factor_gradients(states, slope))
    frames = aligned_decompositions(states, smallest_gap=0.0)
    with_frames = relative_residual(end_to_end_velocity_from_vectors(frames, slope), velocity)
    with_product = relative_residual(end_to_end_velocity(product, slope, problem.depth), velocity)
    return {
        "with_frames_start": with_frames[0],
        "with_frames": _worst(with_frames),
        "with_product_start": with_product[0],
        "with_product": _worst(with_product),
    }


def _raw_frames(rng: np.random.Generator, size: int, dimension: int) -> dict[str, FloatArray]:
    """How often vectors agree if nobody aligns their signs: the share of `PAIRS` fresh pairs a replicate."""
    values = rng.uniform(0.5, 1.2, (size * PAIRS, dimension))
    factors = balanced_factors(haar_frames(rng, size * PAIRS, 2, dimension), values)
    return {"raw_agreement": residuals.unaligned_agreement(factors).reshape(size, PAIRS).mean(axis=1)}


DEEP = (2, 3, 4)
GENERIC = ("balanced", "near_degenerate")
HIDING = ("identity", "symmetric", "orthogonal")
IMBALANCES = tuple(2.0**-k for k in range(16, 11, -1))
SCENARIOS = (
    grid(
        depth=(1, *DEEP),
        dimension=(2, 4, 8),
        start=(*GENERIC, "crossing"),
        imbalance=(0.0,),
        loss=("population",),
    )
    + grid(depth=DEEP, dimension=(2, 4, 8), start=("balanced",), imbalance=(1.0,), loss=("population",))
    + grid(depth=DEEP, dimension=(4,), start=("balanced",), imbalance=IMBALANCES, loss=("population",))
    + grid(depth=DEEP, dimension=(4,), start=HIDING, imbalance=(0.0,), loss=("population",))
    + grid(depth=DEEP, dimension=(4,), start=("balanced",), imbalance=(0.0,), loss=("empirical",))
    + grid(depth=DEEP, dimension=(4,), start=("balanced",), imbalance=(1.0,), loss=("empirical",))
)

# At a point: some thousand roundings of 1e-16 in products of at most seven matrices and their decompositions.
POINT = 1e-12
# Along a trajectory: the integrator's local error of 1e-12 in each of about a hundred steps, and the growth of
# errors along the flow, below a factor of a hundred. `1.integrator` measures what ten times the tolerance does.
PATH = 1e-8

Levels = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]


def _holds(
    name: str, statement: str, column: str, tolerance: float, source: str, **where: Levels
) -> Identity:
    return Identity(
        name, statement, column=column, tolerance=tolerance, where=where, source=f"Problem 1 ({source})"
    )


def _fails(name: str, statement: str, column: str, source: str, because: str, **where: Levels) -> Identity:
    claim = _holds(name, statement, column, PATH, source, **where)
    return replace(claim, expected=Verdict.REFUTED, because=because)


def _linear(name: str, statement: str, column: str, source: str) -> Rate:
    """A residual is linear in a small imbalance; 0.05 leaves room for replicates whose gaps are as small."""
    return Rate(
        name,
        statement,
        of=mean(column),
        against="imbalance",
        exponent=1.0,
        margin=0.05,
        where={"start": "balanced", "imbalance": IMBALANCES},
        source=f"Problem 1 ({source})",
    )


any_depth = partial(dict[str, Levels], start=GENERIC, imbalance=0.0)
balanced = partial(any_depth, depth=DEEP)
unbalanced = partial(dict[str, Levels], start="balanced", imbalance=1.0)
meeting = partial(dict[str, Levels], start="crossing")

CONSERVED = r"W_{k+1}^T W_{k+1} - W_k W_k^T \text{ is constant in time, from any start}"
BALANCED = r"W_{k+1}^T W_{k+1} = W_k W_k^T"
PRINTED_BALANCED = r"W_{k+1}^T W_{k+1} = W_k^T W_k"
VECTORS = r"U_k = V_{k+1} \text{ up to signs}"
ERROR = r" \text{ with } E = \tfrac{1}{L} (W^* - W)"
VELOCITY = r"\dot W_k = V_{k+1} \Sigma^{L-k} U_L^T E \, V_1 \Sigma^{k-1} V_k^T" + ERROR
PRINTED_VELOCITY = VELOCITY.replace("V_k^T", "V_{k-1}^T")
WITH_FRAMES = r"\dot W = \sum_k U_L \Sigma^{2L-2k} U_L^T E \, V_1 \Sigma^{2k-2} V_1^T" + ERROR
WITH_PRODUCT = r"\dot W = \sum_k [W W^T]^{(L-k)/L} E \, [W^T W]^{(k-1)/L}" + ERROR
AT_START = r" \text{, at } t = 0"
UNBALANCED = r" \text{, from an unbalanced start}"
CROSSING = r" \text{, through a crossing of modes}"
ONE_FLOW = r"\text{the equation of (f) and the flow of the factors give the same } W(t)"

NOT_KEPT = "the difference of an unbalanced start is conserved, not erased"
MISPRINT_B = (
    "the right-hand side must read $W_k W_k^T$; a generic balanced start shows the difference at once"
)
MISPRINT_D = "the product must end in $V_k^T$, the right singular vectors of the factor that moves"
NOT_DETERMINED = (
    "where modes meet their singular vectors are not determined: (c) needs distinct singular values"
)
NEEDS_BALANCE = "the derivation replaces every factor's singular values by those of one, which needs balance"

BALANCE_CLAIMS = (
    _holds("1a", r"\nabla_{W_k} L = \tfrac{1}{L} W_{L:k+1}^T \Delta W_{k-1:1}^T", "gradient", POINT, "a"),
    _holds(
        "1b.1",
        r"W_{k+1}^T \dot W_{k+1} = \dot W_k W_k^T \text{, balanced or not}",
        "exchange",
        POINT,
        "b",
        depth=DEEP,
    ),
    _holds("1b.conserved", CONSERVED, "conserved", PATH, "b", depth=DEEP),
    _holds("1b.2-start", BALANCED + AT_START, "balance_start", POINT, "b", **balanced()),
    _holds("1b.2", BALANCED, "balance", PATH, "b", depth=DEEP, imbalance=0.0),
    _fails("1b.2-unbalanced", BALANCED + UNBALANCED, "balance", "b", NOT_KEPT, **unbalanced()),
    _fails("1b.2-printed", PRINTED_BALANCED, "printed_balance", "b, as printed", MISPRINT_B, **balanced()),
    _holds(
        "1b.2-printed.careless-start",
        PRINTED_BALANCED + r" \text{ for symmetric and orthogonal factors at } t = 0",
        "printed_balance_start",
        POINT,
        "b, as printed",
        start=("symmetric", "orthogonal"),
    ),
    _holds(
        "1b.2-printed.careless-flow",
        PRINTED_BALANCED + r" \text{ from } W_k = c I \text{ with a symmetric } W^*",
        "printed_balance",
        PATH,
        "b, as printed",
        start="identity",
    ),
    _fails(
        "1b.2-printed.later",
        PRINTED_BALANCED + r" \text{ for the same symmetric and orthogonal starts at } t > 0",
        "printed_balance",
        "b, as printed",
        "the flow leaves the symmetric and the orthogonal matrices, which hide the misprint at t = 0 only",
        start=("symmetric", "orthogonal"),
    ),
)

FRAME_CLAIMS = (
    _holds("1c.values", r"\Sigma_{k+1} = \Sigma_k", "values", PATH, "c", **balanced()),
    _holds("1c-start", VECTORS + AT_START, "vectors_start", POINT, "c", **balanced()),
    _holds("1c", VECTORS, "vectors", PATH, "c", **balanced()),
    Value(
        "1c.raw",
        r"\text{raw decompositions agree, } U_k = V_{k+1} \text{, in a share } 2^{-d} \text{ of the pairs only}",
        of=mean("raw_agreement"),
        equals=lambda *, dimension, **_: 2.0**-dimension,
        margin=0.1,
        where={"depth": DEEP, "start": "balanced", "imbalance": 0.0},
        source="Problem 1 (c)",
    ),
    _holds(
        "1c-distinct.meeting", r"\sigma_1 = \sigma_2 \text{ at a time } t > 0", "gap", PATH, "c", **meeting()
    ),
    _fails(
        "1c-distinct", VECTORS + CROSSING, "vectors_unweighted", "c", NOT_DETERMINED, depth=DEEP, **meeting()
    ),
    _holds("1c-distinct.1e", WITH_FRAMES + CROSSING, "with_frames", PATH, "e", **meeting()),
    _holds("1c-distinct.1f", WITH_PRODUCT + CROSSING, "with_product", PATH, "f", **meeting()),
    _holds("1d-start", VELOCITY + AT_START, "velocity_start", POINT, "d", **any_depth()),
    _holds("1d", VELOCITY, "velocity", PATH, "d", **any_depth()),
    _fails("1d-printed", PRINTED_VELOCITY, "printed_velocity", "d, as printed", MISPRINT_D, **balanced()),
    _holds(
        "1d-printed.careless-start",
        PRINTED_VELOCITY + r" \text{, for symmetric factors at } t = 0",
        "printed_velocity_start",
        POINT,
        "d, as printed",
        start="symmetric",
    ),
    _holds(
        "1d-printed.careless-flow",
        PRINTED_VELOCITY + r" \text{, from } W_k = c I \text{ with a symmetric } W^*",
        "printed_velocity",
        PATH,
        "d, as printed",
        start="identity",
    ),
)

END_TO_END_CLAIMS = (
    _holds("1e-start", WITH_FRAMES + AT_START, "with_frames_start", POINT, "e", **any_depth()),
    _holds("1e", WITH_FRAMES, "with_frames", PATH, "e", **any_depth()),
    _fails("1e-unbalanced", WITH_FRAMES + UNBALANCED, "with_frames", "e", NEEDS_BALANCE, **unbalanced()),
    _linear("1e.linear", r"\text{the residual of (e) is linear in the imbalance}", "with_frames_start", "e"),
    _holds("1f-start", WITH_PRODUCT + AT_START, "with_product_start", POINT, "f", **any_depth()),
    _holds("1f", WITH_PRODUCT, "with_product", PATH, "f", **any_depth()),
    _holds("1f.flow", ONE_FLOW, "end_to_end_flow", PATH, "f", imbalance=0.0),
    _fails("1f-unbalanced", WITH_PRODUCT + UNBALANCED, "with_product", "f", NEEDS_BALANCE, **unbalanced()),
    _fails(
        "1f.flow-unbalanced", ONE_FLOW + UNBALANCED, "end_to_end_flow", "f", NEEDS_BALANCE, **unbalanced()
    ),
    _linear("1f.linear", r"\text{the residual of (f) is linear in the imbalance}", "with_product_start", "f"),
    Value(
        "1f.unbalanced-size",
        r"\text{the residual of (f) from an unbalanced start is of order } 0.1 \text{ to } 1",
        of=mean("with_product_start"),
        equals=0.5,
        margin=0.4,
        where=unbalanced(),
        source="Problem 1 (f)",
    ),
)

CLOSED_FORM_CLAIMS = (
    _holds(
        "1.modes",
        r"\dot s = s^{2 - 2/L} (s^* - s) \text{ for each mode of an aligned start}",
        "closed_form",
        PATH,
        "f, aligned",
        **meeting(),
    ),
    _holds(
        "1.riccati",
        r"Q Q^T(t) = e^{Ft/2} Q_0 [I + \tfrac{1}{2} Q_0^T (e^{Ft/2} F^{-1} e^{Ft/2} - F^{-1}) Q_0]^{-1} Q_0^T e^{Ft/2}",
        "closed_form",
        PATH,
        "f, L = 2",
        depth=2,
        start=(*GENERIC, *HIDING),
        imbalance=0.0,
        loss="population",
    ),
    _fails(
        "1.riccati-unbalanced",
        r"\text{the closed form of two factors, from an unbalanced start}",
        "closed_form",
        "f, L = 2",
        NEEDS_BALANCE,
        depth=2,
        loss="population",
        **unbalanced(),
    ),
    _holds(
        "1.integrator",
        r"\text{ten times the tolerance of the integrator gives the same factors}",
        "integrator",
        PATH / 10,
        "a",
        imbalance=(0.0, *IMBALANCES),
    ),
    # An unbalanced start may pass close to a saddle, where any error grows: what is typical is claimed, not the worst.
    Value(
        "1.integrator-unbalanced",
        r"\text{the same, for the median of unbalanced starts}",
        of=quantile("integrator", 0.5),
        equals=0.0,
        margin=PATH / 10,
        where=unbalanced(),
        source="Problem 1 (a)",
    ),
)

study = Study(
    name="gradient_flow",
    title="Deep linear networks under gradient flow",
    question="Do the conservation laws, the alignment and the end-to-end equation hold along every trajectory?",
    source="Optimization Landscape of Neural Networks, Problem 1 (a)-(f)",
    simulate=simulate,
    scenarios=SCENARIOS,
    block=32,
    replicates=Replicates(first=32, quick=128, full=256),
    common=("imbalance",),
    claims=(*BALANCE_CLAIMS, *FRAME_CLAIMS, *END_TO_END_CLAIMS, *CLOSED_FORM_CLAIMS),
)

if __name__ == "__main__":
    main(study)
