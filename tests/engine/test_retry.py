"""What failed by accident is drawn again: a death by itself, a failure on request; nothing else is."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Ledger, Study, run
from mcstudy.exceptions import InputError

MakeStudy = Callable[..., Study]
Drawn = Callable[..., tuple[Ledger, list[str]]]


@pytest.fixture
def accident(tmp_path: Path) -> Path:
    """A file: as long as it is there, something goes wrong that is no fault of the draws."""
    path = tmp_path / "accident"
    path.touch()
    return path


def simulate_until(accident: Path, how: Callable[[], object]) -> Callable[..., dict[str, Any]]:
    """A `simulate` that goes wrong in the blocks of n = 2 that begin above -0.5."""
    there = str(accident)

    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        x = rng.normal(size=size)
        if n == 2 and x[0] > -0.5 and Path(there).exists():
            how()
        return {"x": x}

    return simulate


def too_little() -> None:
    raise MemoryError("too little")


def hang() -> None:
    while True:
        time.sleep(0.01)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def drawn(listener: Any) -> Drawn:
    """A function that runs a study into a folder: the ledger, and what was said."""

    def go(study: Study, out: Path, **settings: Any) -> tuple[Ledger, list[str]]:
        listener.said.clear()
        ledger = run(study, out=out, progress=listener, **({"executor": "serial"} | settings))
        return ledger, list(listener.said)

    return go


def test_failures_stay_until_they_are_to_be_drawn_again(
    make_study: MakeStudy, accident: Path, drawn: Drawn, tmp_path: Path
) -> None:
    study = make_study(simulate=simulate_until(accident, too_little))
    out = tmp_path / "out"
    first, warnings = drawn(study, out)
    assert first.failures
    assert warnings == []
    accident.unlink()
    kept, warnings = drawn(study, out)
    assert kept.failures == first.failures
    assert warnings == []
    again, warnings = drawn(study, out, retry_failures=True)
    assert again.failures == ()
    assert warnings == [f"toy: blocks drawn again because they failed: {len(first.failures)}"]
    clean = run(study, executor="serial", out=None)
    assert again.digests["draws"] == clean.digests["draws"]
    assert again.findings == clean.findings


def test_a_failure_that_is_none_of_chance_comes_back(
    make_study: MakeStudy, accident: Path, drawn: Drawn, tmp_path: Path
) -> None:
    study = make_study(simulate=simulate_until(accident, too_little))
    first, _ = drawn(study, tmp_path / "out")
    again, _ = drawn(study, tmp_path / "out", retry_failures=True)
    assert again.failures == first.failures
    assert again.digests == first.digests


def test_a_block_that_died_with_its_worker_is_drawn_again_by_itself(
    make_study: MakeStudy, accident: Path, drawn: Drawn, tmp_path: Path
) -> None:
    study = make_study(simulate=simulate_until(accident, die))
    out = tmp_path / "out"
    first, warnings = drawn(study, out, executor="joblib", jobs=2)
    assert {failure.reason[:11] for failure in first.failures} == {"quarantined"}
    assert warnings == []
    accident.unlink()
    again, warnings = drawn(study, out)
    assert again.failures == ()
    assert warnings == [f"toy: blocks drawn again because they died with a worker: {len(first.failures)}"]
    clean = run(study, executor="serial", out=None)
    assert again.digests["draws"] == clean.digests["draws"]
    assert again.findings == clean.findings


@pytest.mark.parametrize("executor", ["serial", "joblib"])
def test_a_block_that_hangs_is_given_up_and_drawn_again_on_request(
    make_study: MakeStudy, accident: Path, drawn: Drawn, tmp_path: Path, executor: str
) -> None:
    study = make_study(simulate=simulate_until(accident, hang))
    out, settings = tmp_path / "out", {"executor": executor, "jobs": 2}
    first, _ = drawn(study, out, block_timeout=0.2, **settings)
    assert {failure.reason for failure in first.failures} == {
        "BlockTimeoutError: it took longer than 0.2 seconds"
    }
    accident.unlink()
    again, _ = drawn(study, out, block_timeout=60.0, retry_failures=True, **settings)
    assert again.digests["draws"] == run(study, executor="serial", out=None).digests["draws"]


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), "10m", True])
def test_a_timeout_is_a_number_of_seconds(make_study: MakeStudy, seconds: Any) -> None:
    with pytest.raises(InputError, match="`block_timeout` must be positive, in seconds, got"):
        run(make_study(), executor="serial", out=None, block_timeout=seconds)
