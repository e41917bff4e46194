"""What summarising a large study costs: a million rows in 20 groups in at most 2 s, and a few numbers a row of memory.

Run as a script: ``python tests/benchmarks/bench_summarise.py``. Two cases, all measures with their errors: groups by
a number, and by two columns of words with rows in disorder, named replicates, t limits and missing values. Each
alternates with a bare groupby of mean and variance by pandas; times are of the processor, the least of the rounds.
Exit code 1 where a case takes longer, or more memory.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mcstudy.statistics.performance import summarise

ROWS, GROUPS = 1_000_000, 20
ROUNDS = 3
SECONDS = 2.0
# Per row, of 8 bytes: estimates, truths, errors, limits, hits and deviations are such arrays.
NUMBERS = 30
TIME, MEMORY = "s", "numbers a row"


def plain() -> tuple[pd.DataFrame, dict[str, Any]]:
    """Twenty methods, one scenario."""
    rng = np.random.default_rng(1)
    columns = {
        "method": np.arange(ROWS) % GROUPS,
        "b": rng.normal(size=ROWS),
        "se": rng.random(ROWS),
    }
    return pd.DataFrame(columns), {"by": ["method"], "reference": 0}


def rich() -> tuple[pd.DataFrame, dict[str, Any]]:
    """Four methods in five scenarios, all that `summarise` takes."""
    rng = np.random.default_rng(2)
    frame, _ = plain()
    group = frame.pop("method").to_numpy()
    frame["method"] = np.array(["ols", "ridge", "lasso", "none"])[group % 4]
    frame["scenario"] = np.array(["a", "b", "c", "d", "e"])[group // 4]
    frame["replicate"] = np.arange(ROWS) // GROUPS
    frame["df"] = 10.0 + group
    frame.loc[rng.random(ROWS) < 0.05, "b"] = np.nan
    shuffled = frame.sample(frac=1, random_state=3, ignore_index=True)
    options = {"by": ["scenario", "method"], "reference": "ols", "replicate": "replicate", "df": "df"}
    return shuffled, options | {"confidence": 0.95}


def seconds(task: Callable[[], object]) -> float:
    start = time.process_time()
    task()
    return time.process_time() - start


def measured(name: str, frame: pd.DataFrame, options: dict[str, Any]) -> dict[str, Any]:
    """Processor time in seconds, also over that of pandas, and numbers a row at the peak of memory."""

    def task() -> pd.DataFrame:
        return summarise(frame, estimate="b", se="se", truth=0.0, **options)

    def bare() -> pd.DataFrame:
        return frame.groupby(options["by"])["b"].agg(["mean", "var"])

    times, bare_times = zip(*((seconds(task), seconds(bare)) for _ in range(ROUNDS)), strict=True)
    tracemalloc.start()
    task()
    numbers = tracemalloc.get_traced_memory()[1] / (8 * len(frame))
    tracemalloc.stop()
    return {
        "case": name,
        TIME: min(times),
        "over a bare groupby": min(times) / min(bare_times),
        MEMORY: numbers,
    }


def rows() -> list[dict[str, Any]]:
    """Both cases."""
    return [measured(case.__name__, *case()) for case in (plain, rich)]


def main() -> int:
    """Measure both cases; 0 if both are quick and small enough."""
    found = rows()
    print(pd.DataFrame(found).to_string(index=False, float_format="%.3g", na_rep=""))
    return int(any(case[TIME] > SECONDS or case[MEMORY] > NUMBERS for case in found))


if __name__ == "__main__":
    sys.exit(main())
