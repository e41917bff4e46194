"""One stacked solve of 64 gradient flows against 64 separate solves, L = 3 and d = 8, in one run.

Prints the ratio of the best times of several rounds, in which both take turns, and exits with 1 if it is below 8.
"""

import sys
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.problems import Problem, draw_problem

SIZE, DEPTH, DIMENSION = 64, 3, 8
TIMES = np.linspace(0.0, 2.0, 5)
TOLERANCE = 1e-11
ROUNDS = 5
LEAST = 8.0
RATIO = "separate over stacked"
APART = "largest relative difference"
SAME = 1e-8  # both are solved to 1e-11 a step


def stacked(problem: Problem) -> FloatArray:
    """All replicates as one system, states (K, size, L, d, d)."""
    return gradient_flow(problem.start, problem.slope, TIMES, tolerance=TOLERANCE).states


def separate(problem: Problem) -> FloatArray:
    """The same, each replicate by itself."""
    ends = []
    for replicate in range(SIZE):
        only = slice(replicate, replicate + 1)
        alone = Problem(problem.start[only], problem.target[only])
        ends.append(gradient_flow(alone.start, alone.slope, TIMES, tolerance=TOLERANCE).states)
    return np.concatenate(ends, axis=1)


def rows() -> list[dict[str, Any]]:
    """The best times of both, and how far apart their results are."""
    rng = np.random.Generator(np.random.SFC64(1))
    problem = draw_problem(rng, SIZE, depth=DEPTH, dimension=DIMENSION, start="balanced")
    difference = float(np.max(relative_residual(stacked(problem), separate(problem), 3)))
    seconds: dict[str, list[float]] = {"stacked": [], "separate": []}
    for _ in range(ROUNDS):
        for solve in (stacked, separate):
            begin = time.perf_counter()
            with threadpool_limits(1):  # as in a worker
                solve(problem)
            seconds[solve.__name__].append(time.perf_counter() - begin)
    best = {name: min(times) for name, times in seconds.items()}
    times = {f"{name}, s": least for name, least in best.items()}
    ratio = best["separate"] / best["stacked"]
    return [times | {RATIO: ratio, APART: difference}]


def main() -> int:
    """Time both and compare what they return."""
    (row,) = rows()
    print(", ".join(f"{name}: {value:.3g}" for name, value in row.items()))
    return int(row[RATIO] < LEAST or row[APART] > SAME)


if __name__ == "__main__":
    sys.exit(main())
