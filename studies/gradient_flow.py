"""Problem 1 (a)-(f) along gradient flows from random starts: what holds, what is misprinted, what hides it.

A replicate is a start, a planted matrix W* and the flow between (see `mcstudy.models.deep_linear.problems`), stored at
`TIMES`. Columns are relative residuals (see `mcstudy.models.deep_linear.residuals`), the largest over the stored times;
those called `..._start` are at time 0, where nothing was integrated yet. For (c) and (d) what involves singular vectors
is multiplied by the relative gap of the singular values, for vectors are determined only to rounding over gap.

With an `imbalance` a balanced start is perturbed by that multiple of a Gaussian one; 1 makes it as unbalanced as
independent factors. A single factor has no neighbour and is its own end-to-end matrix, so that (b)-(f) compare it
with itself: depth 1 is drawn only for (a) and for the closed form of its modes.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import mcstudy as mc
from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear import residuals
from mcstudy.models.deep_linear.alignment import aligned_decompositions, decompose
from mcstudy.models.deep_linear.flow import end_to_end_flow, gradient_flow
from mcstudy.models.deep_linear.problems import Problem, draw_problem
from mcstudy.models.deep_linear.products import end_to_end, factor_gradients
from mcstudy.models.deep_linear.starts import balanced_factors, haar_frames
from mcstudy.models.deep_linear.velocities import (
    end_to_end_velocity,
    end_to_end_velocity_by_chain_rule,
    end_to_end_velocity_from_vectors,
)

Columns = dict[str, FloatArray | Sequence[str]]

TIMES = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
FINE, COARSE = 1e-12, 1e-11  # of the integrator, for each step and replicate

# At a point: some thousand roundings of 1e-16 in products of at most seven matrices and their decompositions.
POINT = 1e-12
# Along a trajectory: the integrator's local error of 1e-12 in each of about a hundred steps, and the growth of
# errors along the flow, below a factor of a hundred. `1.integrator` measures what ten times the tolerance does.
PATH = 1e-8

DEEP, DIMENSIONS, POPULATION, EMPIRICAL = (2, 3, 4), (2, 4, 8), ("population",), ("empirical",)
BALANCED, UNBALANCED = {"imbalance": 0.0}, {"imbalance": 1.0}


def _starts(*kinds: str, imbalance: float = 0.0, **levels: tuple[Any, ...]) -> tuple[mc.Scenario, ...]:
    """Scenarios of some kinds of starts; of all depths from 2, dimension 4 and the population loss if not told."""
    usual = {"depth": DEEP, "dimension": (4,), "start": kinds, "imbalance": (imbalance,), "loss": POPULATION}
    return mc.grid(**(usual | levels))


generic = _starts("balanced", "near_degenerate", dimension=DIMENSIONS) + _starts("balanced", loss=EMPIRICAL)
special = _starts("crossing", dimension=DIMENSIONS) + _starts("identity", "symmetric", "orthogonal")
unbalanced = _starts("balanced", imbalance=1.0, dimension=DIMENSIONS)
unbalanced += _starts("balanced", imbalance=1.0, loss=EMPIRICAL)
single = _starts("balanced", "near_degenerate", "crossing", depth=(1,), dimension=DIMENSIONS)


class Flow(NamedTuple):
    """A block of problems with their flows at the stored times."""

    problem: Problem
    states: FloatArray  # (K, size, L, d, d)
    slope: FloatArray  # dL/dW, (K, size, d, d)
    velocities: FloatArray  # dW_k/dt, as `states`
    failures: tuple[str, ...]


def _draw_flow(rng: np.random.Generator, size: int, factors: dict[str, Any]) -> Flow:
    problem = draw_problem(rng, size, **factors)
    flow = gradient_flow(problem.start, problem.slope, TIMES, tolerance=FINE)
    # A replicate that failed rests at its start, for decompositions refuse NaN; its numbers count for nothing.
    states = np.where(np.isnan(flow.states), problem.start, flow.states)
    slope = problem.slope(end_to_end(states))
    return Flow(problem, states, slope, -factor_gradients(states, slope), flow.failures)


def _columns(failures: Sequence[str], **compared: FloatArray) -> Columns:
    """Residuals of shape (K, size) as columns: at time 0, and the largest over the stored times."""
    starts = {f"{name}_start": residual[0] for name, residual in compared.items()}
    return (
        starts | {name: residual.max(axis=0) for name, residual in compared.items()} | {"failure": failures}
    )


def gradients(rng: np.random.Generator, size: int, **factors: Any) -> Columns:
    """The derivative of the loss along a random direction by complex step, against that of (a)."""
    flow = _draw_flow(rng, size, factors)
    direction = rng.standard_normal(flow.states.shape)
    residual = residuals.gradient_residual(flow.states, flow.slope, direction, flow.problem.loss)
    return _columns(flow.failures, gradient=residual)


GRADIENT = r"\nabla_{W_k} L = \tfrac{1}{L} W_{L:k+1}^T \Delta W_{k-1:1}^T"

gradient = mc.Experiment(
    "gradient",
    simulate=gradients,
    scenarios=single + generic + special + unbalanced,
    claims=[mc.Identity("1a", GRADIENT, column="gradient", tolerance=POINT)],
    source="Problem 1 (a)",
)


def neighbours(rng: np.random.Generator, size: int, **factors: Any) -> Columns:
    """Products of neighbouring factors with their velocities and with themselves."""
    flow = _draw_flow(rng, size, factors)
    return _columns(
        flow.failures,
        exchange=residuals.exchange_residual(flow.states, flow.velocities),
        conserved=residuals.conservation_residual(flow.states),
        balance=residuals.balance_residual(flow.states),
    )


EXCHANGE = r"W_{k+1}^T \dot W_{k+1} = \dot W_k W_k^T \text{, balanced or not}"
CONSERVED = r"W_{k+1}^T W_{k+1} - W_k W_k^T \text{ is constant in time, from any start}"
BALANCE = r"W_{k+1}^T W_{k+1} = W_k W_k^T"
AT_START, FROM_UNBALANCED = r" \text{, at } t = 0", r" \text{, from an unbalanced start}"
NOT_ERASED = mc.control("the difference of an unbalanced start is conserved, not erased")

conservation = mc.Experiment(
    "conservation",
    simulate=neighbours,
    scenarios=generic + special + unbalanced,
    claims=[
        mc.Identity("1b.1", EXCHANGE, column="exchange", tolerance=POINT),
        mc.Identity("1b.conserved", CONSERVED, column="conserved", tolerance=PATH),
        mc.Identity(
            "1b.2-start", BALANCE + AT_START, column="balance_start", tolerance=POINT, where=BALANCED
        ),
        mc.Identity("1b.2", BALANCE, column="balance", tolerance=PATH, where=BALANCED),
        mc.Identity(
            "1b.2-unbalanced",
            BALANCE + FROM_UNBALANCED,
            column="balance",
            tolerance=PATH,
            where=UNBALANCED,
            expected=NOT_ERASED,
        ),
    ],
    source="Problem 1 (b)",
)


def singular_vectors(rng: np.random.Generator, size: int, **factors: Any) -> Columns:
    """Singular values and vectors of neighbouring factors, velocities written with them, and what is misprinted."""
    flow = _draw_flow(rng, size, factors)
    vectors = aligned_decompositions(flow.states, smallest_gap=0.0)
    gap = vectors.relative_gap
    return _columns(
        flow.failures,
        values=residuals.value_residual(vectors),
        vectors=gap * residuals.vector_residual(vectors),
        velocity=gap * residuals.velocity_residual(vectors, flow.slope, flow.velocities),
        printed_balance=residuals.printed_balance_residual(flow.states),
        printed_velocity=residuals.printed_velocity_residual(vectors, flow.slope, flow.velocities),
    )


VECTORS = r"U_k = V_{k+1} \text{ up to signs}"
ERROR = r" \text{ with } E = \tfrac{1}{L} (W^* - W)"
VELOCITY = r"\dot W_k = V_{k+1} \Sigma^{L-k} U_L^T E \, V_1 \Sigma^{k-1} V_k^T" + ERROR
PRINTED_BALANCE = r"W_{k+1}^T W_{k+1} = W_k^T W_k"
PRINTED_VELOCITY = VELOCITY.replace("V_k^T", "V_{k-1}^T")
WRONG_SIDE = mc.misprint("the right side must read $W_k W_k^T$: a generic balanced start shows it at once")
WRONG_VECTORS = mc.misprint("it must end in $V_k^T$, the right singular vectors of the factor that moves")
SOON = mc.misprint("the flow leaves the symmetric and the orthogonal matrices, which hide it at $t = 0$ only")
SYMMETRIC = r" \text{, from } W_k = c I \text{ with a symmetric } W^*"

alignment = mc.Experiment(
    "alignment",
    simulate=singular_vectors,
    scenarios=generic,
    claims=[
        mc.Identity(
            "1b.2-printed", PRINTED_BALANCE, column="printed_balance", tolerance=PATH, expected=WRONG_SIDE
        ),
        mc.Identity("1c.values", r"\Sigma_{k+1} = \Sigma_k", column="values", tolerance=PATH),
        mc.Identity("1c-start", VECTORS + AT_START, column="vectors_start", tolerance=POINT),
        mc.Identity("1c", VECTORS, column="vectors", tolerance=PATH),
        mc.Identity("1d-start", VELOCITY + AT_START, column="velocity_start", tolerance=POINT),
        mc.Identity("1d", VELOCITY, column="velocity", tolerance=PATH),
        mc.Identity(
            "1d-printed", PRINTED_VELOCITY, column="printed_velocity", tolerance=PATH, expected=WRONG_VECTORS
        ),
    ],
    source="Problem 1 (b), (c), (d)",
)
