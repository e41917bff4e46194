"""Pools of processes inside `simulate`, under joblib: they are started as in a script of one's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcstudy.engine.reading import reading

WriteStudy = Callable[..., Path]

POOL = """
import numpy as np
from multiprocessing import Pool


def one(seed):
    return np.random.default_rng(seed).normal()
"""
DRAW = 'with Pool(2) as pool:\n    return {"x": pool.map(one, rng.integers(2**62, size=size).tolist())}'


@pytest.mark.parametrize(
    "name", ["toy", "code"], ids=["a name taken in another folder", "a name taken by Python"]
)
def test_a_pool_finds_the_functions_of_its_own_study(
    write_study: WriteStudy, project: Path, name: str
) -> None:
    """Where a process of a pool does not find its function, the pool waits for ever."""
    first = write_study("first").rename(project / "studies" / "toy.py")
    path = write_study("second", top=POOL, body=DRAW)
    (project / "elsewhere").mkdir()
    path = path.rename(project / "elsewhere" / f"{name}.py")
    command = [sys.executable, "-m", "mcstudy", "run", str(first), str(path), "--jobs", "2"]
    # In a process of its own: one that hangs can be ended.
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    with reading(project / "reports" / "second" / "draws.sqlite") as blocks:
        assert blocks.failed() == 0
