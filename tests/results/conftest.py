"""What the tests of results share: a small study with two experiments, run once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Experiment, Replicates, Results, Study, Value, grid, mean, quantile, run

SIZE = 16


def draw(rng: np.random.Generator, size: int, *, n: int, kind: str) -> dict[str, Any]:
    x = rng.normal(size=size) / 3
    return {"x": x, "n": 2.0 * x, "sparse": np.where(x > 0, x, np.nan)}


def declare(rng: np.random.Generator, size: int, *, d: float) -> dict[str, Any]:
    return {"y": rng.normal(size=size), "failure": ["", "late"] + [""] * (size - 2)}


def make(**parts: Any) -> Study:
    first = Experiment(
        "first",
        simulate=draw,
        scenarios=grid(n=(1, 2), kind=("a", "b")),
        claims=[
            Value("mean", r"\mathbb{E} X = 0", of=mean("x"), equals=0.0, margin=99.0),
            Value("at-1", "s", of=mean("x"), equals=0.0, margin=99.0, where={"n": 1}),
        ],
        missing=("sparse",),
    )
    second = Experiment(
        "second",
        simulate=declare,
        scenarios=grid(d=(0.5,)),
        claims=[Value("y", "s", of=quantile("y", 0.5), equals=0.0, margin=99.0, allowed_failures=9)],
    )
    plan: dict[str, Any] = {
        "experiments": [first, second],
        "replicates": Replicates(first=64, quick=64, full=128),
    }
    return Study(name="toy", title="A toy & more", question="q?", source="s", block=SIZE, **(plan | parts))


@pytest.fixture
def make_two() -> Callable[..., Study]:
    """A function that makes the study; keywords replace its parts."""
    return make


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run of the study: to be looked at, not written to."""
    out = tmp_path_factory.mktemp("results") / "reports"
    run(make(), executor="serial", out=out)
    return out


@pytest.fixture
def results(folder: Path) -> Results:
    """What the run has found."""
    from mcstudy import load

    return load(folder / "toy")
