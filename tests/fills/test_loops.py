"""The loops that numba compiles, against NumPy on millions of values; a wrong table; no place to keep machine code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy.fills import compiled, fill
from mcstudy.fills.filling import LAWS

MILLIONS = 2**22
TAIL = {"normal": 3.6541528853610088, "exponential": 7.69711747013104972}  # where the ziggurats of NumPy end

WITH_NUMBA = """
import numpy as np
from mcstudy.fills import compiled, fill
from mcstudy.fills.filling import LAWS
{first}
for law, method in LAWS.items():
    ours, numpys = (np.random.Generator(np.random.SFC64(1)) for _ in range(2))
    assert fill(ours, np.empty(9000), law).tobytes() == getattr(numpys, method)(9000).tobytes()
print(compiled.word())
"""


def word_of_a_process(first: str, **environment: str) -> str:
    """What a fresh process says that it fills by, after doing something first."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITH_NUMBA.format(first=first)],
        env={**os.environ, compiled.SWITCH: "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("law", LAWS)
def test_millions_against_numpy(law: str) -> None:
    ours, numpys = (np.random.Generator(np.random.SFC64(20261123)) for _ in range(2))
    values = fill(ours, np.empty(MILLIONS), law)
    assert compiled.word().startswith("compiled by numba ")
    assert values.tobytes() == getattr(numpys, LAWS[law])(MILLIONS).tobytes()
    assert (
        ours.bit_generator.state["state"]["state"].tolist()
        == numpys.bit_generator.state["state"]["state"].tolist()
    )
    # The rare ways through the loop were gone as well: more than a thousand times.
    assert law == "uniform" or np.count_nonzero(np.abs(values) > TAIL[law]) > 1000


def test_a_wrong_table_is_noticed(tmp_path: Path) -> None:
    """The widths of a ziggurat's layers, each wrong in its last bit."""
    first = "from numba.np.random import distributions as tables\ntables.wi_double = np.nextafter(tables.wi_double, 1.0)"
    # Machine code is kept by the file that it was made of, which says nothing of this table.
    word = word_of_a_process(first, NUMBA_CACHE_DIR=str(tmp_path))
    assert word.startswith("NumPy: numba ")
    assert word.endswith(" gave other bits (normal)")


def test_without_numba_numpy_fills_in_silence() -> None:
    assert word_of_a_process("import sys\nsys.modules['numba'] = None") == "NumPy"


def test_without_its_compiler_numba_is_not_used() -> None:
    """It would run the loops in Python, a thousand times slower."""
    word = word_of_a_process("", NUMBA_DISABLE_JIT="1")
    assert word == "NumPy: no compiled loops (ImportError: NUMBA_DISABLE_JIT is set)"


def test_code_is_compiled_where_it_cannot_be_kept() -> None:
    from mcstudy.fills import loops

    names: dict[str, Any] = {}
    exec(
        "def twice(words, out):\n    out[0] = 2.0 * out[0]", names
    )  # it has no file, and so no place beside it
    twice: Callable[[Any, Any], None] = loops._kept(names["twice"])
    out = np.ones(1)
    twice(np.zeros(4, np.uint64), out)
    assert out[0] == 2.0


def test_loading_leaves_the_global_streams_alone() -> None:
    """A block that had moved them would be refused."""
    first = (
        "from mcstudy.engine.worker import _global_random_state as state\nbefore = state()\n"
        "fill(np.random.Generator(np.random.SFC64(1)), np.empty(9000))\nassert state() == before"
    )
    assert word_of_a_process(first).startswith("compiled by numba ")
