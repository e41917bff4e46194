"""What a second worker brings, and what Dask costs: throughput of the sensing loss, every entry drawn.

Run as a script from the root: ``python -m tests.benchmarks.bench_workers``; it needs distributed. Throughput is that between
a short and a long run: starting workers, a cluster, and loading libraries is in both. Rounds take turns; a ratio is
the median of those of the rounds. Exit code 1 where Dask's throughput is below 0.8 of joblib's.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import mcstudy as mc
from mcstudy.engine.loading import load_study
from mcstudy.fills.compiled import SWITCH
from tests.benchmarks.tables import Row

STUDY = Path(__file__).parents[2] / "studies" / "sensing_loss.py"
WAYS = {
    "joblib, one worker": ("joblib", 1),
    "joblib, two workers": ("joblib", 2),
    "Dask, two workers": ("dask", 2),
}
SHORT, LONG = 2**15, 2**19 + 2**15
ROUNDS = 5
RATIO = "Dask over joblib"
ENOUGH = 0.8


def study(replicates: int) -> mc.Study:
    """One scenario, in full, of which a mean is wanted."""
    sensing = load_study(STUDY)
    scenarios = mc.grid(
        planted=("random",), sampler=("gaussian",), dimension=(8,), depth=(3,), measurements=(64,)
    )
    measures = [mc.Measure("mean", of=mc.mean("relative_error"))]
    loss = replace(sensing["loss"], scenarios=scenarios, full=(), claims=[], measures=measures)
    return replace(
        sensing, experiments=[loss], overlays=(), options=(), answer="", replicates=mc.Replicates(replicates)
    )


def seconds(replicates: int, executor: str, jobs: int) -> float:
    start = time.perf_counter()
    mc.run(study(replicates), out=None, executor=executor, jobs=jobs)
    return time.perf_counter() - start


def measured(way: str) -> tuple[float, float]:
    """Seconds of a short run, and replicates a second beyond it."""
    short, long = (seconds(count, *WAYS[way]) for count in (SHORT, LONG))
    return short, (LONG - SHORT) / (long - short)


def rows() -> list[Row]:
    """Each way, beside joblib's with one worker; the last one beside joblib's with two as well."""
    os.environ[SWITCH] = "1"  # workers load the loops at once, in short and long runs alike
    rounds = [{way: measured(way) for way in WAYS} for _ in range(ROUNDS)]

    def over(way: str, other: str) -> float:
        return float(np.median([found[way][1] / found[other][1] for found in rounds]))

    one, two, dask = WAYS
    found: list[Row] = [
        {
            "way": way,
            "replicates a second": float(np.median([found[way][1] for found in rounds])),
            f"seconds of a run of {SHORT:,}": float(np.median([found[way][0] for found in rounds])),
            "over one worker": over(way, one),
        }
        for way in WAYS
    ]
    return [*found[:-1], {**found[-1], RATIO: over(dask, two)}]


def main() -> int:
    """Measure and print; 0 if Dask is quick enough."""
    found = rows()
    print(pd.DataFrame(found).to_string(index=False, float_format="%.3g", na_rep=""))
    return int(float(found[-1][RATIO]) < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
