"""How memory grows with replicates: the peaks of a run's processes, four columns under four kinds of claims.

Run as a script from the root: ``python -m tests.benchmarks.bench_memory [--large]``. Each number of replicates is a run with
two workers in a process of its own, which writes journal and report to a folder; the peak of each process is read
from `/proc` while it lasts, so Linux is needed. With ``--large`` there is a run of 10^8 too, whose journal takes 3 GB of
disk.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import mcstudy as mc
from tests.benchmarks.tables import Row

LEVELS = (16, 64, 256, 1024)
REPLICATES, LARGE = (10**5, 10**6, 10**7), 10**8
BLOCK = 62_500
INTERVAL = 0.05  # seconds between two looks
COLUMNS = 4


def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, np.ndarray]:
    """One block: arrays of shape (size,)."""
    normals = rng.standard_normal((3, size))
    return {
        "mean": 1.0 + normals[0] / n**0.5,
        "error": normals[1] / n**0.5,
        "normal": normals[2],
        "loss": rng.standard_exponential(size),
    }


def normal(n: int) -> Any:
    """The law of a column; whoever only draws does not load it."""
    from scipy.stats import norm

    return norm()


def study(replicates: int) -> mc.Study:
    """So many replicates over all scenarios, each kind of claim on a column of its own."""
    each = replicates // len(LEVELS)
    return mc.Study(
        name="large",
        title="Many replicates",
        question="What do they take?",
        source="none",
        simulate=simulate,
        scenarios=mc.grid(n=LEVELS),
        claims=[
            mc.Value("value", r"\mathbb{E} X = 1", of=mc.mean("mean"), equals=1, margin=0.01),
            mc.Rate(
                "rate", r"\propto n^{-1/2}", of=mc.rms("error"), against="n", exponent=-1 / 2, margin=0.02
            ),
            mc.Value("quantile", r"q = \log 10", of=mc.quantile("loss", 0.9), equals=np.log(10), margin=0.01),
            mc.Law("law", r"X \sim N(0, 1)", column="normal", distribution=normal, margin=0.01),
        ],
        block=min(BLOCK, each),
        replicates=mc.Replicates(each),
    )


def processes(root: int) -> list[int]:
    """A process and all below it."""
    found = [root]
    for number in found:  # which grows on the way
        try:
            for thread in Path(f"/proc/{number}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        except (OSError, ProcessLookupError):
            continue  # it has ended
    return found


def peak(process: int) -> float:
    """The most memory that a process has had, MiB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (OSError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM"))


def row(replicates: int) -> Row:
    """A run of so many."""
    start, peaks = time.perf_counter(), dict[int, float]()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", __spec__.name, str(replicates), folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                for number in processes(process.pid):
                    peaks[number] = max(peaks.get(number, 0.0), peak(number))
                time.sleep(INTERVAL)
        if process.returncode:
            msg = f"a run of {replicates} replicates ended with {process.returncode}"
            raise RuntimeError(msg)
    main, *others = (peaks[number] for number in sorted(peaks, key=lambda number: number != process.pid))
    return {
        "replicates": replicates,
        "MiB of columns": COLUMNS * 8 * replicates / 2**20,
        "main process, MiB": main,
        "largest worker, MiB": max(others),
        "seconds": time.perf_counter() - start,
    }


def rows(*, large: bool = False) -> list[Row]:
    """All numbers of replicates, each beside the one before."""
    found = [row(replicates) for replicates in (*REPLICATES, *[LARGE] * large)]
    before = [found[0], *found]
    key = "main process, MiB"
    return [
        {**this, "main process over that of the row above": float(this[key]) / float(last[key])}
        for this, last in zip(found, before, strict=False)
    ]


def main(arguments: list[str]) -> int:
    """Measure and print; or, given a number and a folder, be what is measured."""
    if len(arguments) == 2:
        mc.run(study(int(arguments[0])), out=arguments[1], profile="full", jobs=2)
        return 0
    import pandas as pd  # which the runs that are measured do without

    print(pd.DataFrame(rows(large="--large" in arguments)).to_string(index=False, float_format="%.3g"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
