r"""How costs grow: slopes of processor time on n, d, m, L and replicates, fitted by the package's own `Rate`.

Run as a script from the root: ``python -m tests.benchmarks.bench_cost``. All levels of a line are timed once a round, in
random order; the columns of a study are what was timed, a round a replicate. A slope is that of the median on the half
of the levels that are largest, with its interval. Beside it stands the exponent that counting operations gives, which
small sizes stay below: there calls cost more than what they do. No limit is set.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

import mcstudy as mc
from mcstudy.fills.compiled import SWITCH
from mcstudy.models.arrays import FloatArray
from mcstudy.models.deep_linear.flow import factor_flow_velocity
from mcstudy.models.deep_linear.problems import draw_problem
from mcstudy.models.deep_linear.starts import gaussian_product
from mcstudy.models.sensing.samplers import sample_full, sample_projected
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.initialization import draw_outputs
from mcstudy.models.shallow.networks import network
from tests.benchmarks.tables import Row

ROUNDS = 96
MARGIN = 0.1  # which a claim must have; only its estimate is used

Task = Callable[[], object]


class Line(NamedTuple):
    """What is timed, against what, at which levels, and the exponent by counting."""

    what: str
    against: str
    levels: Sequence[int]
    task: Callable[[int], Task]
    counted: float


def stream() -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(1))


def sampler(level: int, *, of: str, sample: Callable[..., object], size: int) -> Task:
    """Draws of the sensing loss: n = 64, d = 8 and so many replicates where these are not the level."""
    given = {"size": size, "n": 64, "d": 8} | {of: level}
    delta = gaussian_product(stream(), given["size"], 2, given["d"])
    return partial(sample, stream(), delta, depth=2, measurements=given["n"])


full = partial(sampler, sample=sample_full, size=64)
projected = partial(sampler, sample=sample_projected, size=1024)


def flow(level: int, *, of: str) -> Task:
    """Velocities of the factors: of 4 networks, L = 3, d = 32 where these are not the level."""
    given = {"size": 4, "L": 3, "d": 32} | {of: level}
    problem = draw_problem(stream(), given["size"], depth=given["L"], dimension=given["d"], start="balanced")
    return partial(factor_flow_velocity(problem.slope), problem.start)


def shallow(level: int) -> Task:
    """A draw of a network of so many neurons, d = 10, and its value."""
    rng, x, sigma = stream(), np.full(10, 10**-0.5), activation("tanh")
    a = draw_outputs(rng, (level,))
    return lambda: network(rng.standard_normal((level, 10)), a, x, sigma)


def powers(first: int, last: int) -> tuple[int, ...]:
    return tuple(mc.powers_of_two(first, last))


LINES = (
    Line("full sampler", "n", powers(5, 10), partial(full, of="n"), 1),
    Line("full sampler", "d", powers(2, 6), partial(full, of="d"), 2),
    Line("full sampler", "replicates", powers(4, 9), partial(full, of="size"), 1),
    Line("projected sampler", "n", powers(6, 11), partial(projected, of="n"), 1),
    Line("projected sampler", "d", powers(3, 6), partial(projected, of="d"), 2),
    Line("projected sampler", "replicates", powers(8, 14), partial(projected, of="size"), 1),
    Line("step of the flow", "L", powers(1, 6), partial(flow, of="L"), 1),
    Line("step of the flow", "d", powers(4, 8), partial(flow, of="d"), 3),
    Line("step of the flow", "replicates", powers(3, 8), partial(flow, of="size"), 1),
    Line("network, drawn and evaluated", "m", powers(12, 17), shallow, 1),
)


def seconds(task: Task) -> float:
    start = time.process_time()
    task()
    return time.process_time() - start


def timed(line: Line) -> dict[int, FloatArray]:
    """Processor time of every level in every round, seconds."""
    tasks = {level: line.task(level) for level in line.levels}
    found: dict[int, list[float]] = {level: [] for level in line.levels}
    order, rng = list(line.levels), np.random.default_rng(1)
    for task in tasks.values():  # what a first call loads
        task()
    for _ in range(ROUNDS):
        rng.shuffle(order)
        for level in order:
            found[level].append(seconds(tasks[level]))
    return {level: np.array(times) for level, times in found.items()}


def given(
    rng: np.random.Generator, size: int, *, times: Mapping[int, FloatArray], level: int
) -> dict[str, FloatArray]:
    """One block: all that was timed."""
    return {"seconds": times[level]}


def row(line: Line) -> Row:
    """The slope of a line."""
    times = timed(line)
    rate = mc.Rate(
        "slope",
        "seconds",
        of=mc.quantile("seconds", 0.5),
        against="level",
        exponent=line.counted,
        margin=MARGIN,
    )
    study = mc.Study(
        name="cost",
        title="Cost",
        question="How does the cost grow?",
        source="none",
        simulate=partial(given, times=times),
        scenarios=mc.grid(level=line.levels),
        claims=[rate],
        block=ROUNDS,
        replicates=mc.Replicates(ROUNDS),
    )
    (cell,) = mc.run(study, out=None, executor="serial")["slope"].cells
    low, high = cell.interval
    return {
        "cost of": line.what,
        "against": line.against,
        "from": line.levels[0],
        "to": line.levels[-1],
        "ms at the last": 1e3 * float(np.median(times[line.levels[-1]])),
        "counted": str(line.counted),
        "slope": f"{cell.estimate:.2f}",
        "interval": f"{low:.2f} to {high:.2f}",
    }


def rows() -> list[Row]:
    """The slopes of all lines."""
    os.environ[SWITCH] = "1"
    with threadpool_limits(1):  # as in a worker
        return [row(line) for line in LINES]


def main() -> int:
    """Measure and print."""
    print(pd.DataFrame(rows()).to_string(index=False, float_format="%.3g"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
