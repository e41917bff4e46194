"""What the certified worst displacement costs: at most 30 times drawing W_0 and evaluating the network once.

Run as a script: ``python tests/benchmarks/bench_adversary.py``. At m = 2^14 and d = 10 the bracket alternates with a draw
of W_0 and one evaluation of f; the ratio is the median of the ratios of neighbours, which other load on the machine hits
alike. Then networks of m = 2^20 are moved, worst and isotropic, in a process of its own, whose peak memory must
stay below 2 GiB. Exit code 1 where either fails.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd

from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.adversary import worst_displacement
from mcstudy.models.shallow.initialization import draw_initialization, draw_outputs
from mcstudy.models.shallow.inputs import sphere
from mcstudy.models.shallow.linearization_errors import moved_errors
from mcstudy.models.shallow.networks import network, preactivations

WIDTH, DIMENSION, ROUNDS = 2**14, 10, 21
LARGEST_RATIO = 30.0
RATIO = "bracket over both"
PEAK = "peak, GiB"
WIDEST = 2**20
GIBIBYTES = 2.0


def seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def row(name: str) -> dict[str, Any]:
    """Times of the bracket, of a draw and an evaluation, and the median of their ratio."""
    rng, sigma = np.random.Generator(np.random.SFC64(1)), activation(name)
    a, x = draw_outputs(rng, (WIDTH,)), np.full(DIMENSION, 1 / np.sqrt(DIMENSION))
    z = preactivations(rng.standard_normal((WIDTH, DIMENSION)), x)
    once, bracket = [], []
    for _ in range(ROUNDS):
        once.append(seconds(lambda: network(rng.standard_normal((WIDTH, DIMENSION)), a, x, sigma)))
        bracket.append(seconds(lambda: worst_displacement(z, a, 1.0, sigma)))
    return {
        "activation": name,
        "draw and evaluate, ms": 1e3 * float(np.median(once)),
        "bracket, ms": 1e3 * float(np.median(bracket)),
        RATIO: float(np.median(np.divide(bracket, once))),
    }


def rows() -> list[dict[str, Any]]:
    """All activations, and the memory of very wide networks."""
    found = [row(name) for name in ("tanh", "gelu", "sin")]
    with get_context("spawn").Pool(1) as pool:
        memory = pool.apply(peak)
    return [*found, {"activation": "tanh, m = 2^20", PEAK: memory}]


def peak() -> float:
    """Move two very wide networks, one at a time as the study does; the peak memory of this process in GiB."""
    for displacement in ("worst", "isotropic"):
        rng = np.random.Generator(np.random.SFC64(1))
        ratios = []
        for _ in range(2):
            initial = draw_initialization(rng, sphere(rng, (1, DIMENSION)), WIDEST, activation("tanh"))
            ratios.append(moved_errors(rng, initial, displacement, 1.0)["ratio"])
        print(f"m = 2^20, {displacement}: error over bound {np.max(ratios):.6f}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> int:
    """Measure and print; 0 if it is quick and small enough."""
    found = pd.DataFrame(rows())
    print(found.to_string(index=False, float_format="%.3g", na_rep=""))
    return int(found[RATIO].max() > LARGEST_RATIO or found[PEAK].max() > GIBIBYTES)


if __name__ == "__main__":
    sys.exit(main())
