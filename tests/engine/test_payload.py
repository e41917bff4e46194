"""What travels to workers: functions of a study's files by value, everything else by name."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from mcstudy import Study
from mcstudy.engine.loading import load_study
from mcstudy.engine.payload import payload_of
from mcstudy.exceptions import StudyError

LOAD = "import pickle, sys, numpy; f = pickle.load(sys.stdin.buffer); print(f(numpy.random.default_rng(1), 2, scale=1.0)['x'][0])"


def in_another_process(payload: bytes, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LOAD], input=payload, capture_output=True, check=True, cwd=folder
    )
    return done.stdout.decode().strip()


def test_a_study_file_and_its_neighbours_travel_by_value(
    write_study: Callable[..., Path], project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (project / "studies" / "_mcstudy_factor.py").write_text("def factor():\n    return 2.0\n")
    path = write_study(
        top="from _mcstudy_factor import factor", body='return {"x": factor() * rng.normal(size=size)}'
    )
    payload = payload_of(load_study(path))
    sys.modules.pop("_mcstudy_factor")
    drawn = in_another_process(payload, tmp_path_factory.mktemp("elsewhere"))
    assert drawn == str(2.0 * np.random.default_rng(1).normal(size=2)[0])
    assert cloudpickle.list_registry_pickle_by_value() == set()


def test_bound_data_travel(make_study: Callable[..., Study]) -> None:
    def simulate(rng: np.random.Generator, size: int, *, table: Any, n: int) -> dict[str, Any]:
        return {"x": table[n] + rng.normal(size=size)}

    payload = payload_of(make_study(simulate=partial(simulate, table=np.arange(9.0))))
    assert pickle.loads(payload)(np.random.default_rng(1), 2, n=4)["x"].shape == (2,)


def test_what_can_not_be_pickled_is_named(make_study: Callable[..., Study]) -> None:
    lock = threading.Lock()

    def simulate(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        with lock:
            return {"x": rng.normal(size=size)}

    with pytest.raises(
        StudyError, match="study toy: `simulate` must use only what can be pickled, got TypeError"
    ):
        payload_of(make_study(simulate=simulate))
