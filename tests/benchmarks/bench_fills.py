"""How many times faster compiled loops fill than NumPy: bare arrays, and the full sampler of the sensing loss.

Run as a script: ``python tests/benchmarks/bench_fills.py``; it needs numba. Both sides alternate, and a ratio is the
median over neighbours of processor times. Exit code 1 where the full sampler, products of matrices and all, takes more
than half the time in which NumPy alone fills a buffer with as many normals.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import numpy as np

from mcstudy.fills import compiled, fill
from mcstudy.fills.filling import LAWS
from mcstudy.models.deep_linear.starts import gaussian_product
from mcstudy.models.sensing.ensembles import BUFFER
from mcstudy.models.sensing.samplers import sample_full

# Values: near the fewest that loops fill, as many as a sampler draws at once, and more than a second-level cache holds.
SIZES = (2**13, BUFFER, 2**20)
CASES = ((8, 64), (8, 256), (12, 128), (16, 64), (16, 256))  # dimension, measurements
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


def of_sampler(dimension: int, measurements: int) -> float:
    """NumPy's time for the normals alone over that of the sampler."""
    size = VALUES // (measurements * dimension**2)
    rng, normals, buffer = stream(), stream().standard_normal, np.empty(BUFFER)
    delta = gaussian_product(rng, size, 2, dimension)
    rounds = range(size * measurements * dimension**2 // BUFFER)
    return ratio(
        lambda: [normals(out=buffer) for _ in rounds],
        lambda: sample_full(rng, delta, depth=2, measurements=measurements),
    )


def main() -> int:
    """Print the ratios; 0 if the sampler's are enough."""
    os.environ[compiled.SWITCH] = "1"
    loading = seconds(lambda: fill(stream(), np.empty(SIZES[0])))
    print(f"{compiled.word()}, loaded in {loading:.2f} s of processor time")
    for law in LAWS:
        ratios = (f"{of_fills(law, size):.2f} at {size}" for size in SIZES)
        print(f"{law:11}: NumPy's time over that of the loop {', '.join(ratios)} values")
    found = [of_sampler(*case) for case in CASES]
    for (dimension, measurements), times in zip(CASES, found, strict=True):
        print(
            f"d = {dimension:2}, n = {measurements:3}: full sampler {times:.2f} times as fast as NumPy's normals"
        )
    print(f"lowest {min(found):.2f}, wanted {ENOUGH}")
    return int(min(found) < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
