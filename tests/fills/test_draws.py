"""Loops leave no trace in draws: neither in their bits nor in the key under which they are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.engine.drawkey import describe
from mcstudy.engine.loading import load_study
from mcstudy.fills import compiled
from mcstudy.models.sensing.samplers import sample_full

TOP = "import mcstudy as mc\nimport numpy as np"
BODY = 'return {"x": scale * mc.fill(rng, np.empty((size, 200)), "exponential").mean(axis=1) - scale}'


def simulate(rng: np.random.Generator, size: int) -> dict[str, Any]:
    loss = sample_full(rng, np.ones((size, 2, 2)), depth=1, measurements=2).loss
    return {"x": mc.fill(rng, np.empty((size, 100))).sum(axis=1), "loss": loss}


@pytest.mark.usefixtures("at_once")
def test_the_key_knows_nothing_of_loops() -> None:
    before = describe(simulate)
    simulate(np.random.Generator(np.random.SFC64(1)), 1000)
    assert compiled.word().startswith("compiled")
    assert describe(simulate) == before
    assert [name for name in before.parts if "version" in name] == ["version of numpy"]


def run_by(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, whose workers are new ones too."""
    script = f"{code}\nimport sys\nfrom mcstudy.cli import command\nsys.exit(command(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", script, "run", "toy", "--out", "out", "--quiet", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_ledgers_with_and_without(
    write_study: Callable[..., Path], project: Path, fresh: pytest.MonkeyPatch
) -> None:
    """The bits are equal, and so is the key; only the provenance tells what filled."""
    path = write_study(top=TOP, body=BODY)
    without = mc.run(load_study(path), executor="serial", out=None)
    fresh.setenv(compiled.SWITCH, "1")
    serial = mc.run(load_study(path), executor="serial", out=None)
    done = run_by("", "--jobs", "2", MCSTUDY_FAST="1")
    assert (done.returncode, done.stderr) == (0, "")
    joblib = mc.load(project / "out" / "toy")
    for ledger in (serial, joblib):
        assert ledger.digests == {**without.digests, "source": ledger.digests["source"]}
        assert ledger.warnings == ()
        assert ledger.provenance["fills"][-1].startswith("compiled by numba ")
    assert without.provenance["fills"] == ["NumPy"]


def test_a_switch_that_is_none_fails_the_block(
    write_study: Callable[..., Path], fresh: pytest.MonkeyPatch
) -> None:
    fresh.setenv(compiled.SWITCH, "on")
    ledger = mc.run(load_study(write_study(top=TOP, body=BODY)), executor="serial", out=None)
    assert "`MCSTUDY_FAST` must be 0" in ledger.failures[0].reason


def test_a_run_without_numba(write_study: Callable[..., Path], project: Path) -> None:
    """Nothing is said, and nothing is missing."""
    write_study(top=TOP, body=BODY)
    done = run_by("import sys\nsys.modules['numba'] = None", "--executor", "serial", MCSTUDY_FAST="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert mc.load(project / "out" / "toy").provenance["fills"] == ["NumPy"]
