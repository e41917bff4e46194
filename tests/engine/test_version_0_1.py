"""Draws of version 0.1.0: what it has drawn, this version draws too, bit for bit.

``tests/data/journal-0.1.sqlite`` is what 0.1.0 kept of this study.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from mcstudy import Replicates, Scenario, Study, Value, grid, mean, run
from mcstudy.draws import Block
from mcstudy.engine.streams import generator, spawn_key

JOURNAL = Path(__file__).parents[1] / "data" / "journal-0.1.sqlite"
DIGEST = "a7cc91cbe8bdd753b381f534d2024f0c7ffdfb0e4daf99ef67940e98055bfeae"
SEED = 20261123


def simulate(rng: np.random.Generator, size: int, *, scale: float) -> dict[str, Any]:
    x = scale * rng.normal(size=size)
    return {"x": x, "failure": ["negative start" if x[0] < 0 and i == 3 else "" for i in range(size)]}


STUDY = Study(
    name="toy",
    title="A study of nothing much",
    question="Is the mean zero?",
    source="nowhere",
    simulate=simulate,
    scenarios=grid(scale=(1.0, 2.0)),
    block=16,
    replicates=Replicates(first=64, quick=64, full=64),
    claims=[Value("mean", "x", of=mean("x"), equals=0.0, margin=2.0, allowed_failures=99)],
)


def test_streams() -> None:
    block = Block(Scenario(scale=2.0), 5)
    words = (2129169866, 399391905, 102719278, 2814479104, 527945947, 2261239097, 1281674843, 2108353286)
    assert spawn_key("toy", block) == (*words, 5)
    first = generator(SEED, "toy", block).normal(size=3)
    assert first.tolist() == [-0.36082271398396715, -0.5816127869830132, -0.7904602630217606]


def test_blocks(counting: Callable[[], Any]) -> None:
    executor = counting()
    run(STUDY, executor=executor, out=None)
    with closing(sqlite3.connect(f"{JOURNAL.as_uri()}?mode=ro&immutable=1", uri=True)) as old:
        kept = old.execute("SELECT scenario, number, data FROM blocks").fetchall()
    assert len(kept) == 8
    for scenario, number, data in kept:
        assert np.load(io.BytesIO(data)).tobytes() == executor.blocks["", scenario, number]


def test_the_digest_of_the_draws() -> None:
    """With its failures: 0.1.0 wrote it into the ledger of ``mcstudy run toy``."""
    ledger = run(STUDY, executor="joblib", jobs=2, out=None)
    assert ledger.digests["draws"] == DIGEST
    assert ledger.run.failures == 5
    assert run(STUDY, executor="joblib", jobs=2, out=None, seed=1).digests["draws"] != DIGEST
