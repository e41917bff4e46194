"""How many times faster compiled loops fill than NumPy: bare arrays, and the samplers of the sensing loss.

Run as a script: ``python tests/benchmarks/bench_fills.py``; it needs numba. Both sides alternate, and a ratio is the
median over neighbours of processor times. Exit code 1 where the full sampler, products of matrices and all, takes more
than half the time in which NumPy alone fills a buffer with as many normals.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mcstudy.fills import compiled, fill
from mcstudy.fills.filling import LAWS
from mcstudy.models.deep_linear.starts import gaussian_product
from mcstudy.models.sensing.ensembles import BUFFER
from mcstudy.models.sensing.samplers import sample_full, sample_projected

# Values: near the fewest that loops fill, as many as a sampler draws at once, and more than a second-level cache holds.
SIZES = (2**13, BUFFER, 2**20)
CASES = ((8, 64), (8, 256), (12, 128), (16, 64), (16, 256))  # dimension, measurements
# Each with the normals that it draws for a replicate.
SAMPLERS: dict[str, tuple[Callable[..., object], Callable[[int, int], int]]] = {
    "full": (sample_full, lambda d, n: n * d**2),
    "projected": (sample_projected, lambda d, n: n + d**2),
}
RATIO = "NumPy's fill over the loop's"
FULL = "NumPy's fill over the full sampler"
RATIO_OF = {"full": FULL, "projected": "over the projected one"}
VALUES = 2**22  # drawn in a round
ROUNDS = 11
ENOUGH = 2.0


def stream() -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(1))


def seconds(task: Callable[[], object]) -> float:
    start = time.process_time()
    task()
    return time.process_time() - start


def ratio(numpys: Callable[[], object], ours: Callable[[], object]) -> float:
    """Time of the first task over that of the second, the median of the rounds."""
    return float(np.median([seconds(numpys) / seconds(ours) for _ in range(ROUNDS)]))


def of_fills(law: str, size: int) -> float:
    """NumPy's time for a round of fills over that of the loops."""
    ours, numpys, out = stream(), getattr(stream(), LAWS[law]), np.empty(size)
    rounds = range(VALUES // size)
    return ratio(lambda: [numpys(out=out) for _ in rounds], lambda: [fill(ours, out, law) for _ in rounds])


def of_sampler(sampler: str, dimension: int, measurements: int) -> float:
    """NumPy's time for the normals alone over that of the sampler."""
    sample, count = SAMPLERS[sampler]
    each = count(dimension, measurements)
    size = VALUES // each
    rng, normals, buffer = stream(), stream().standard_normal, np.empty(BUFFER)
    delta = gaussian_product(rng, size, 2, dimension)
    rounds = range(size * each // BUFFER)
    return ratio(
        lambda: [normals(out=buffer) for _ in rounds],
        lambda: sample(rng, delta, depth=2, measurements=measurements),
    )


def rows_of_fills() -> list[dict[str, Any]]:
    """All laws and sizes of arrays."""
    os.environ[compiled.SWITCH] = "1"
    return [{"law": law, "values": size, RATIO: of_fills(law, size)} for law in LAWS for size in SIZES]


def rows_of_samplers() -> list[dict[str, Any]]:
    """Both samplers; the ratio of the full one alone has a limit."""
    os.environ[compiled.SWITCH] = "1"
    return [
        {"sampler": name, "d": d, "n": n, RATIO_OF[name]: of_sampler(name, d, n)}
        for name in SAMPLERS
        for d, n in CASES
    ]


def main() -> int:
    """Print the ratios; 0 if the sampler's are enough."""
    os.environ[compiled.SWITCH] = "1"
    loading = seconds(lambda: fill(stream(), np.empty(SIZES[0])))
    print(f"{compiled.word()}, loaded in {loading:.2f} s of processor time")
    samplers = rows_of_samplers()
    for found in (rows_of_fills(), samplers):
        print(pd.DataFrame(found).to_string(index=False, float_format="%.3g", na_rep=""))
    lowest = min(row[FULL] for row in samplers if FULL in row)
    print(f"lowest of the full sampler {lowest:.2f}, wanted {ENOUGH}")
    return int(lowest < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
