"""What the package adds to draws that cost nothing: per replicate and per block, in one process and with two workers.

Run as a script from the root: ``python -m tests.benchmarks.bench_overhead``. `simulate` draws a normal a replicate. Whole
runs, whose journal and ledger stay in memory, are compared with a loop over blocks that calls `simulate` on a
generator of each block's own and keeps what it returns, and with joblib's one task a replicate. All take turns;
times are the least of the rounds. Exit code 1 where two workers are slower than one process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

import mcstudy as mc
from tests.benchmarks.tables import Row

# Replicates in a block, and blocks.
CASES = ((1, 2048), (32, 2048), (1024, 2048), (16384, 512), (262144, 64))
TASKS = 2**14  # of joblib
JOBS = 2
ROUNDS = 3
FASTER = "one process over two workers"
LEAST = 1.0

Columns = dict[str, np.ndarray]


def nothing(rng: np.random.Generator, size: int, *, n: int) -> Columns:
    """A normal a replicate."""
    return {"x": rng.standard_normal(size)}


def study(block: int, blocks: int) -> mc.Study:
    """So many blocks of it, of which the mean is wanted."""
    return mc.Study(
        name="nothing",
        title="A normal a replicate",
        question="What does it cost?",
        source="none",
        simulate=nothing,
        scenarios=mc.grid(n=(1,)),
        block=block,
        replicates=mc.Replicates(block * blocks),
        measures=[mc.Measure("mean", of=mc.mean("x"))],
    )


def loop(block: int, blocks: int) -> float:
    """What anyone would write."""
    streams = (
        np.random.Generator(np.random.SFC64(np.random.SeedSequence(1, spawn_key=(i,)))) for i in range(blocks)
    )
    return float(np.mean(np.concatenate([nothing(rng, block, n=1)["x"] for rng in streams])))


def one(seed: int) -> float:
    """A replicate, as a task of joblib draws it."""
    return float(nothing(np.random.default_rng(seed), 1, n=1)["x"][0])


def seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def tasks() -> float:
    """Seconds of joblib for a replicate."""
    return seconds(lambda: Parallel(n_jobs=JOBS)(delayed(one)(seed) for seed in range(TASKS))) / TASKS


def row(block: int, blocks: int, task: float) -> Row:
    """All ways, at one size of blocks; `task` are the seconds of joblib for a replicate."""

    def run(executor: str, jobs: int) -> float:
        return seconds(lambda: mc.run(study(block, blocks), out=None, executor=executor, jobs=jobs))

    rounds = [
        (seconds(lambda: loop(block, blocks)), run("serial", 1), run("joblib", JOBS)) for _ in range(ROUNDS)
    ]
    numpy, single, double = (min(times) for times in zip(*rounds, strict=True))
    replicates = block * blocks
    return {
        "replicates in a block": block,
        "blocks": blocks,
        "NumPy's loop, µs a replicate": 1e6 * numpy / replicates,
        "one process, µs a replicate": 1e6 * single / replicates,
        "one process, µs a block beyond the loop": 1e6 * (single - numpy) / blocks,
        "one process over the loop": single / numpy,
        FASTER: single / double,
        "joblib's task a replicate over two workers": task * replicates / double,
    }


def rows() -> list[Row]:
    """All sizes of blocks."""
    for executor in ("serial", "joblib"):  # what is loaded at first, and workers that start
        mc.run(study(1, 64), out=None, executor=executor, jobs=JOBS)
    task = min(tasks() for _ in range(ROUNDS))
    return [row(*case, task) for case in CASES]


def main() -> int:
    """Measure and print; 0 if two workers are nowhere slower."""
    found = rows()
    print(pd.DataFrame(found).to_string(index=False, float_format="%.3g", na_rep=""))
    return int(min(float(row[FASTER]) for row in found) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
