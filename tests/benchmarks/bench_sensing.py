"""How much of the full sampler's time goes into normal numbers: at least 80 % should.

Run as a script: ``python tests/benchmarks/bench_sensing.py``. For several dimensions and counts of measurements the
sampler alternates with a bare fill of the same number of normals by the same generator, in a buffer of the same
size; the share is the median of the ratios of neighbours, which other load on the machine hits alike. NumPy draws in
both; `bench_fills.py` has compiled loops. Exit code 1 where the share is below 80 %.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mcstudy.fills.compiled import SWITCH
from mcstudy.models.deep_linear.starts import gaussian_product
from mcstudy.models.sensing.ensembles import BUFFER
from mcstudy.models.sensing.samplers import sample_full

CASES = ((8, 64), (8, 256), (12, 128), (16, 64), (16, 256))  # dimension, measurements
NORMALS = 2**24  # drawn in a round
ROUNDS = 7
ENOUGH = 0.8
SHARE = "share of the time in normals"


def stream() -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(1))


def seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def bare_fill(rng: np.random.Generator, buffer: np.ndarray, count: int) -> None:
    """Draw `count` normals, a buffer at a time."""
    whole, rest = divmod(count, len(buffer))
    for _ in range(whole):
        rng.standard_normal(out=buffer)
    rng.standard_normal(out=buffer[:rest])


def row(dimension: int, measurements: int) -> dict[str, Any]:
    """Entries a second, and time of the bare fill over time of the sampler, the median of the rounds."""
    size = NORMALS // (measurements * dimension**2)
    count = size * measurements * dimension**2
    rng, buffer = stream(), np.empty(BUFFER)
    delta = gaussian_product(rng, size, 2, dimension)
    fills, samples = [], []
    for _ in range(ROUNDS):
        fills.append(seconds(lambda: bare_fill(rng, buffer, count)))
        samples.append(seconds(lambda: sample_full(rng, delta, depth=2, measurements=measurements)))
    return {
        "d": dimension,
        "n": measurements,
        "million entries a second": count / float(np.median(samples)) / 1e6,
        SHARE: float(np.median(np.divide(fills, samples))),
    }


def rows() -> list[dict[str, Any]]:
    """Every case."""
    os.environ[SWITCH] = "0"
    return [row(*case) for case in CASES]


def main() -> int:
    """Print the share of every case; 0 if all are enough."""
    found = rows()
    print(pd.DataFrame(found).to_string(index=False, float_format="%.3g", na_rep=""))
    shares = [case[SHARE] for case in found]
    print(f"lowest share {min(shares):.1%}, wanted {ENOUGH:.0%}")
    return int(min(shares) < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
