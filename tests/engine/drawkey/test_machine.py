"""What of the machine is in a key."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from mcstudy.engine.drawkey.machine import machine

TELL = "from mcstudy.engine.drawkey.machine import machine; print(sorted(machine().items()))"


def told(**variables: str) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | variables
    done = subprocess.run(
        [sys.executable, "-c", TELL], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_kernel_and_the_instructions_are_named() -> None:
    found = machine()
    assert set(found) == {"BLAS kernel", "processor instructions"}
    kernels = {info["architecture"] for info in threadpool_info() if "architecture" in info}
    assert not kernels or found["BLAS kernel"].split()[-1] in kernels
    assert machine() == found


def test_what_other_packages_load_is_not_in_it() -> None:
    alone = told()
    importlib.import_module("scipy.linalg")
    assert str(sorted(machine().items())) == alone.strip()


@pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="names kernels of this processor"
)
def test_another_kernel_is_another_machine() -> None:
    if "openblas" not in machine()["BLAS kernel"]:
        pytest.skip("NumPy was built with another BLAS")
    assert len({told(OPENBLAS_CORETYPE=kernel) for kernel in ("Prescott", "Nehalem")}) == 2


def test_numpys_own_word_has_to_do_where_the_library_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcstudy.engine.drawkey.machine.threadpool_info", list)
    built: Any = np.show_config(mode="dicts")
    assert machine()["BLAS kernel"] == "built with {name} {version}".format(
        **built["Build Dependencies"]["blas"]
    )


def test_errors_that_raise_are_in_it() -> None:
    with np.errstate(over="raise", divide="ignore"):
        assert machine()["floating-point errors"] == "over=raise"
