"""The flow on an empirical loss, beside the population flow: with ample measurements, and with too few.

`departure` is ||W_n - W||/||W||, W_n from the empirical loss and W from the population loss.

sampling
    n > d^2 Gaussian measurements and a balanced start; both flows at time 1. `late_departure` compares W_n a fifth
    later with W: the control of a careless comparison.
small_start, large_start
    n < d^2 measurements of a low-rank W*, Gaussian ("sensing") or of single entries ("completion"). The empirical
    flow is followed until it fits them, to the loss `fit` relative to that of W = 0; the population flow to its end,
    which is W*. Factors start at random; `start_scale` is the size of their product. `excess_rank` is the effective
    rank of W_n above that of W*.

The full profile repeats a published experiment: S. Arora, N. Cohen, W. Hu, Y. Luo, "Implicit regularization in deep
matrix factorization", NeurIPS 2019; a 100 x 100 matrix of rank 5, of which 2000 entries are seen.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import mcstudy as mc
from mcstudy.models.arrays import FloatArray, frobenius
from mcstudy.models.deep_linear.descent import descend
from mcstudy.models.deep_linear.few_measurements import Completion, GaussianSensing
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.low_rank import effective_rank, low_rank_target, small_factors
from mcstudy.models.deep_linear.problems import draw_problem
from mcstudy.models.deep_linear.products import end_to_end
from mcstudy.models.sensing.wishart import wishart_moment

Columns = dict[str, FloatArray | Sequence[str]]

TIME, LATE = 1.0, 1.2  # the second is what should be matched and is not
TOLERANCE = 1e-11  # of the integrator: far below departures, of order d/sqrt(n) > 1e-2
SMALL, LARGE = 1e-3, 1.0


def with_many(rng: np.random.Generator, size: int, *, dimension: int, measurements: int, depth: int) -> Columns:
    """One block: arrays of shape (size,)."""
    problem = draw_problem(rng, size, depth=depth, dimension=dimension, start="balanced")
    noisy = replace(problem, moment=wishart_moment(rng, size, dimension, measurements))
    population = gradient_flow(problem.start, problem.slope, [0.0, TIME], tolerance=TOLERANCE)
    empirical = gradient_flow(problem.start, noisy.slope, [0.0, TIME, LATE], tolerance=TOLERANCE)
    W = end_to_end(population.states[-1])
    matched, late = end_to_end(empirical.states[1:])
    both = zip(empirical.failures, population.failures, strict=True)
    return {
        "departure": frobenius(matched - W) / frobenius(W),
        "late_departure": frobenius(late - W) / frobenius(W),
        "failure": [one or other for one, other in both],
    }


sampling = mc.Experiment(
    "sampling",
    simulate=with_many,
    scenarios=mc.grid(dimension=(4,), measurements=mc.powers_of_two(10, 15), depth=(1, 2, 3)),
    common=("measurements", "depth"),
    claims=[
        mc.Rate(
            "1.sampling",
            r"\lVert \hat W_n(t) - W(t) \rVert \propto n^{-1/2} \text{ at fixed } t",
            of=mc.rms("departure"),
            against="measurements",
            exponent=-1 / 2,
            margin=0.02,
        ),
        mc.Rate(
            "1.sampling.mismatched",
            r"\lVert \hat W_n(1.2 \, t) - W(t) \rVert \propto n^{-1/2}",
            of=mc.rms("late_departure"),
            against="measurements",
            exponent=-1 / 2,
            margin=0.02,
            expected=mc.control(
                "flows compared at different times stay apart however many measurements there are"
            ),
        ),
    ],
)
