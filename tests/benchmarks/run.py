"""Runs the benchmarks, one after the other, and writes the tables of what they found.

Run as a script from the root: ``python -m tests.benchmarks.run [--only NAME ...] [--large] [--write]``, on a machine that does
nothing else. Each has a process of its own, so that none profits by what another has loaded. With ``--write`` the
tables become `docs/benchmarks.md`. Exit code 1 where a ratio is not as it is wanted. Some ten minutes of two cores;
`bench_mcse`, which measures standard errors and no times, is left to itself.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from math import inf
from multiprocessing import get_context
from pathlib import Path

from joblib.externals.loky import get_reusable_executor

from mcstudy.engine.executors import THREAD_VARIABLES, available_cores
from tests.benchmarks import (
    bench_adversary,
    bench_cost,
    bench_fills,
    bench_memory,
    bench_overhead,
    bench_sensing,
    bench_stacked_flow,
    bench_summarise,
    bench_verdict,
    bench_workers,
)
from tests.benchmarks.tables import Row, Section

__all__ = ["PAGE", "SECTIONS", "main", "page"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
LIBRARIES = ("numpy", "scipy", "joblib", "distributed", "numba")
HEADER = """\
# Benchmarks

Written by `tox -e bench` in one run, in which what is compared took turns: {machine}. Times are those of that run, on that
machine; ratios are what counts. Each table comes from a script in `tests/benchmarks`, which says more of how it measures.

"""

SECTIONS = (
    Section(
        "verdict",
        "Time to verdict",
        "Seconds until every verdict on the loss of matrix sensing, at d = 8 and n = 16 and 64, by two workers that have started "
        "before. The sampler `gaussian` draws every entry, `projected` what matters of it. The ordinary way is joblib with one task a replicate, and as many as a fixed design needs for the same margins.",
        bench_verdict.table,
    ),
    Section(
        "overhead",
        "Overhead per replicate and block",
        "Whole runs, in memory, of a `simulate` that draws one normal a replicate, beside a loop of NumPy over the same blocks "
        "and joblib's one task a replicate. Each block is kept by itself: a study whose replicates cost little has large ones.",
        bench_overhead.rows,
        {bench_overhead.FASTER: (bench_overhead.LEAST, inf)},
    ),
    Section(
        "fills",
        "Fills",
        "Compiled loops beside NumPy, processor times: arrays of so many values.",
        bench_fills.rows_of_fills,
    ),
    Section(
        "samplers",
        "Samplers against fills",
        "The time in which NumPy's SFC64 alone fills a buffer with as many normals as a sampler of the sensing loss draws, over "
        "that of the sampler with compiled loops, products of matrices and all.",
        bench_fills.rows_of_samplers,
        {bench_fills.FULL: (bench_fills.ENOUGH, inf)},
    ),
    Section(
        "normals",
        "Normals in the full sampler",
        "Without compiled loops: how much of the sampler's time NumPy takes for the normals.",
        bench_sensing.rows,
        {bench_sensing.SHARE: (bench_sensing.ENOUGH, inf)},
    ),
    Section(
        "workers",
        "Workers",
        "Throughput of the sensing loss, every entry drawn at d = 8 and n = 64, without the time in which a run starts.",
        bench_workers.rows,
        {bench_workers.RATIO: (bench_workers.ENOUGH, inf)},
    ),
    Section(
        "cost",
        "Cost against size",
        "Slopes of processor time on a logarithmic scale, estimated by `Rate` on the larger half of the levels, and the exponent "
        "that counting operations gives.",
        bench_cost.rows,
    ),
    Section(
        "memory",
        "Memory against replicates",
        "Peaks of the processes of a run with two workers: four columns in four scenarios under a `Value`, a `Rate`, a quantile and "
        "a `Law`, journal and report written.",
        bench_memory.rows,
    ),
    Section(
        "stacked",
        "Stacked gradient flows",
        "64 flows solved as one system, L = 3 and d = 8, beside 64 separate solves.",
        bench_stacked_flow.rows,
        {
            bench_stacked_flow.RATIO: (bench_stacked_flow.LEAST, inf),
            bench_stacked_flow.APART: (0, bench_stacked_flow.SAME),
        },
    ),
    Section(
        "adversary",
        "Worst displacement",
        "The certified bracket of the worst displacement at m = 2^14 and d = 10, beside a draw of the network and its value; and the "
        "peak of a process that moves networks of m = 2^20.",
        bench_adversary.rows,
        {
            bench_adversary.RATIO: (0, bench_adversary.LARGEST_RATIO),
            bench_adversary.PEAK: (0, bench_adversary.GIBIBYTES),
        },
    ),
    Section(
        "summarise",
        "Summaries",
        "`summarise` of a million rows in 20 groups beside a bare groupby of mean and variance by pandas; memory in numbers a row.",
        bench_summarise.rows,
        {
            bench_summarise.TIME: (0, bench_summarise.SECONDS),
            bench_summarise.MEMORY: (0, bench_summarise.NUMBERS),
        },
    ),
)


def machine() -> str:
    """What kind of machine it is."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{platform.system()} on {available_cores()} processors, Python {platform.python_version()}, {libraries}"


def alone(measure: Callable[[], Sequence[Row]]) -> Sequence[Row]:
    """What is measured in this process, which is to end afterwards."""
    rows = measure()
    get_reusable_executor().shutdown()  # idle workers would hold it up for minutes
    return rows


def page(found: Mapping[str, Sequence[Row]]) -> str:
    """All sections in Markdown, the time to verdict above them."""
    headline = bench_verdict.headline(found["verdict"])
    sections = (section.page(found[section.name]) for section in SECTIONS)
    return HEADER.format(machine=machine()) + f"{headline}\n\n" + "\n".join(sections)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; the exit code."""
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(description="Run the benchmarks, one after the other.")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--only", action="append", choices=names, help="only these")
    chosen.add_argument("--write", action="store_true", help="write what they found into docs/benchmarks.md")
    parser.add_argument("--large", action="store_true", help="memory of 10^8 replicates too: 3 GB of disk")
    options = parser.parse_args(arguments)
    os.environ |= dict.fromkeys(THREAD_VARIABLES, "1")  # in all processes that start now, as in workers
    found: dict[str, Sequence[Row]] = {}
    missed: list[str] = []
    for section in SECTIONS:
        if options.only and section.name not in options.only:
            continue
        measure = (
            partial(bench_memory.rows, large=True)
            if options.large and section.name == "memory"
            else section.measure
        )
        start = time.perf_counter()
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            found[section.name] = process.submit(alone, measure).result()
        print(section.page(found[section.name]))
        print(f"{time.perf_counter() - start:.0f} s\n", flush=True)
        missed += section.missed(found[section.name])
    print(*missed, sep="\n")
    if options.write:
        PAGE.write_text(page(found), encoding="utf-8")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
