"""When loops are loaded, and what becomes of those whose bits are not NumPy's. The loops here are NumPy's own."""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.fills import compiled, fill
from mcstudy.fills.compiled import CALLING, LOADING, SAVED, SWITCH, Loops
from mcstudy.fills.filling import LAWS
from mcstudy.signals import BlockTimeoutError

LOOPS = "mcstudy.fills.loops"
MANY = 2**13


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def numpys(law: str) -> compiled.Loop:
    """A loop that has NumPy's bits because it is NumPy's."""

    def loop(words: Any, out: Any) -> None:
        rng = stream()
        state: Any = rng.bit_generator.state
        state["state"]["state"][:] = words
        rng.bit_generator.state = state
        getattr(rng, LAWS[law])(out=out)
        words[:] = rng.bit_generator.state["state"]["state"]

    return loop


def off_by_a_bit(words: Any, out: Any) -> None:
    numpys("normal")(words, out)
    out[-1] = np.nextafter(out[-1], 9.0)


def out_of_step(words: Any, out: Any) -> None:
    before = words.copy()
    numpys("normal")(words, out)
    words[:] = before


GOOD = {law: numpys(law) for law in LAWS}


@pytest.fixture
def counted(fresh: pytest.MonkeyPatch) -> list[str]:
    """A process that would find loops; each use of them is noted."""
    used: list[str] = []

    def noted(law: str) -> compiled.Loop:
        def loop(words: Any, out: Any) -> None:
            used.append(law)
            GOOD[law](words, out)

        return loop

    loops = Loops("compiled", {law: noted(law) for law in LAWS})
    fresh.setattr(compiled, "found", lambda: loops)
    return used


@pytest.mark.parametrize("law", LAWS)
def test_loops_are_loaded_when_they_would_have_saved_as_much(
    counted: list[str], fresh: pytest.MonkeyPatch, law: str
) -> None:
    fresh.setattr(compiled, "LOADING", 3.5 * MANY * SAVED[law])
    for _ in range(3):
        fill(stream(), np.empty(MANY), law)
    assert (counted, compiled.word()) == ([], "NumPy")
    fill(stream(), np.empty(MANY), law)
    assert (counted, compiled.word()) == ([law], "compiled")


def test_a_quick_run_never_waits_for_numba(counted: list[str]) -> None:
    """Ten million normals take NumPy a tenth of a second."""
    assert SAVED["normal"] * 10**7 < LOADING
    fill(stream(), np.empty(10 * MANY))
    assert counted == []


@pytest.mark.parametrize(("switch", "uses"), [("0", []), ("1", ["normal"])])
def test_the_switch(counted: list[str], fresh: pytest.MonkeyPatch, switch: str, uses: list[str]) -> None:
    fresh.setattr(compiled, "LOADING", -1.0 if switch == "0" else LOADING)
    fresh.setenv(SWITCH, switch)
    fill(stream(), np.empty(MANY))
    assert counted == uses


def test_a_switch_that_is_none(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv(SWITCH, "yes")
    rule = r"`MCSTUDY_FAST` must be 0 \(NumPy fills\) or 1 \(compiled loops from the first value on\), got 'yes'; unset it$"
    with pytest.raises(InputError, match=rule):
        fill(stream(), np.empty(MANY))


@pytest.mark.usefixtures("at_once")
def test_few_values_other_generators_and_single_precision_are_numpys(counted: list[str]) -> None:
    for law, saved in SAVED.items():
        fill(stream(), np.empty(int(CALLING / saved) - 1), law)
        fill(stream(), np.empty(MANY, np.float32), law)
        fill(np.random.default_rng(1), np.empty(MANY), law)
    assert counted == []
    for law, saved in SAVED.items():
        fill(stream(), np.empty(int(CALLING / saved)), law)
    assert counted == list(SAVED)


def test_loops_with_numpys_bits_are_told_from_others() -> None:
    assert compiled.unlike(GOOD) == ""
    for wrong in (off_by_a_bit, out_of_step):
        assert compiled.unlike(GOOD | {"normal": wrong}) == "normal"
    assert compiled.unlike(dict.fromkeys(LAWS, out_of_step)) == "normal, uniform, exponential"


def module(**loops: compiled.Loop) -> Any:
    return SimpleNamespace(MAKER="numba 9.9", LOOPS=GOOD | loops)


@pytest.mark.usefixtures("at_once")
def test_good_loops_are_used_and_named(fresh: pytest.MonkeyPatch) -> None:
    fresh.setitem(sys.modules, LOOPS, module())
    expected = stream().standard_normal(MANY)
    np.testing.assert_array_equal(fill(stream(), np.empty(MANY)), expected)
    assert compiled.word() == "compiled by numba 9.9"


@pytest.mark.usefixtures("at_once")
def test_loops_with_other_bits_are_not_used(fresh: pytest.MonkeyPatch) -> None:
    """Neither for the law whose bits differ nor for the others: who knows what they have in common."""
    fresh.setitem(sys.modules, LOOPS, module(normal=off_by_a_bit))
    for law, method in LAWS.items():
        expected = getattr(stream(), method)(MANY)
        np.testing.assert_array_equal(fill(stream(), np.empty(MANY), law), expected)
    assert compiled.word() == "NumPy: numba 9.9 gave other bits (normal)"


def fail(error: BaseException) -> Callable[[str], Any]:
    def load(_: str) -> Any:
        raise error

    return load


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ModuleNotFoundError("No module named 'numba'", name="numba"), "NumPy"),
        (ModuleNotFoundError("No module named 'llvmlite'", name="llvmlite"), "NumPy: no compiled loops (ModuleNotFoundError: No module named 'llvmlite')"),
        (ImportError("Numba needs NumPy 2.5 or less"), "NumPy: no compiled loops (ImportError: Numba needs NumPy 2.5 or less)"),
        (OSError("No space left\nin the middle"), "NumPy: no compiled loops (OSError: No space left)"),
    ],
)  # fmt: skip
def test_what_numba_cannot_do_is_said(fresh: pytest.MonkeyPatch, error: Exception, word: str) -> None:
    fresh.setattr(importlib, "import_module", fail(error))
    assert compiled.found() == Loops(word)


@pytest.mark.parametrize("error", [BlockTimeoutError("it took longer"), KeyboardInterrupt()])
def test_whoever_ends_a_block_ends_the_loading_too(fresh: pytest.MonkeyPatch, error: BaseException) -> None:
    fresh.setattr(importlib, "import_module", fail(error))
    with pytest.raises(type(error)):
        compiled.found()
    assert compiled.word() == "NumPy"


def test_loading_warns_nobody(fresh: pytest.MonkeyPatch) -> None:
    def warn(words: Any, out: Any) -> None:
        warnings.warn("this version of numba is old", stacklevel=1)
        GOOD["normal"](words, out)

    fresh.setitem(sys.modules, LOOPS, module(normal=warn))
    assert compiled.found().by_law


@pytest.mark.usefixtures("at_once")
def test_threads_share_a_generator(fresh: pytest.MonkeyPatch) -> None:
    """Each fill is a piece of the one stream, whoever comes first, though loops let other threads run."""

    def slow(words: Any, out: Any) -> None:
        time.sleep(0.001)
        GOOD["normal"](words, out)

    fresh.setitem(sys.modules, LOOPS, module(normal=slow))
    rng, other = stream(), stream()
    with ThreadPoolExecutor(4) as pool:
        ours = list(pool.map(lambda _: fill(rng, np.empty(MANY)).tobytes(), range(16)))
    assert sorted(ours) == sorted(other.standard_normal(MANY).tobytes() for _ in range(16))
