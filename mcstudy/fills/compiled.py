"""Whether compiled loops fill an array: when loading them pays, and whether their bits are NumPy's."""

from __future__ import annotations

import importlib
import math
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import InputError
from mcstudy.fills.filling import LAWS
from mcstudy.signals import BlockTimeoutError
from mcstudy.words import told

__all__ = [
    "CALLING",
    "LOADING",
    "NUMPY",
    "SAMPLE",
    "SAVED",
    "SWITCH",
    "Loops",
    "filled",
    "found",
    "unlike",
    "word",
]

SWITCH = "MCSTUDY_FAST"
NUMPY = "NumPy"
# Nanoseconds, as measured by ``tests/benchmarks/bench_fills.py``. What a loop saves at each value; what it takes to get
# the stream's state from NumPy and to put it back, which is not done to save less; and what it takes to load numba and
# the loops. They are loaded once they would have saved as much: a short process does without them, and a long one
# loses no more than the time of loading again.
SAVED = {"normal": 8.0, "exponential": 2.0, "uniform": 0.5}
CALLING = 4e3
LOADING = 8e8
# Compared before the first use. One normal in 4,000 comes from the tail, where a logarithm enters its bits.
SAMPLE = 2**18

Floats = npt.NDArray[np.float64]
# Advances the four words of a stream's state, in place, and fills a flat array.
Loop = Callable[[npt.NDArray[np.uint64], Floats], None]


@dataclass(frozen=True)
class Loops:
    """What fills arrays in a process.

    Attributes
    ----------
    word : str
        For the provenance of results.
    by_law : mapping from str to callable
        Empty where NumPy draws.
    """

    word: str = NUMPY
    by_law: Mapping[str, Loop] = field(default_factory=dict)


@dataclass
class _Process:
    """What loops would have saved this process so far, in nanoseconds, and the loops once they are loaded."""

    missed: float = 0.0
    loops: Loops | None = None


_process = _Process()


def filled(rng: np.random.Generator, out: npt.NDArray[Any], law: str) -> bool:
    """Fill an array by a compiled loop; False where NumPy is to do it, and nothing was done.

    Parameters
    ----------
    rng, out, law
        As `mcstudy.fills.fill` has checked them.

    Raises
    ------
    InputError
        If the environment variable `SWITCH` is neither 0 nor 1.
    """
    saved = out.size * SAVED[law]
    if saved < CALLING or not _has_loops(rng, out):
        return False
    if _process.loops is None:
        _process.missed += saved
        if _process.missed <= _patience():
            return False
        _process.loops = found()
    loop = _process.loops.by_law.get(law)
    if loop is not None:
        _drive(loop, rng, out)
    return loop is not None


def _has_loops(rng: np.random.Generator, out: npt.NDArray[Any]) -> bool:
    """Whether there are loops for the array's type and the generator; a class of the user's may draw otherwise."""
    plain = type(rng) is np.random.Generator and type(rng.bit_generator) is np.random.SFC64
    return plain and out.dtype == np.float64


def word() -> str:
    """What fills arrays in this process by now, for the provenance of its results."""
    return NUMPY if _process.loops is None else _process.loops.word


def _patience() -> float:
    switch = os.environ.get(SWITCH, "")
    if switch not in ("", "0", "1"):
        msg = f"`{SWITCH}` must be 0 (NumPy fills) or 1 (compiled loops from the first value on), got {switch!r}; unset it"
        raise InputError(msg)
    return {"0": math.inf, "1": 0.0}.get(switch, LOADING)


def found() -> Loops:
    """The loops if they can be loaded and give NumPy's bits; else none, and a word that says why."""
    try:
        with warnings.catch_warnings():
            # A block's warnings are a result of its study, and numba's are none.
            warnings.simplefilter("ignore")
            module = importlib.import_module("mcstudy.fills.loops")
            different = unlike(module.LOOPS)
    except BlockTimeoutError:
        raise
    except Exception as error:  # whatever a version of numba may raise, NumPy is there
        missing = isinstance(error, ModuleNotFoundError) and error.name == "numba"
        line = told(error).partition("\n")[0]  # numba says at length what its compiler had in hand
        return Loops(NUMPY if missing else f"{NUMPY}: no compiled loops ({type(error).__name__}: {line})")
    if different:
        return Loops(f"{NUMPY}: {module.MAKER} gave other bits ({different})")
    return Loops(f"compiled by {module.MAKER}", module.LOOPS)


def unlike(loops: Mapping[str, Loop]) -> str:
    """The laws for which a loop gives other bits than NumPy, or leaves the stream elsewhere; empty for none.

    Parameters
    ----------
    loops : mapping from str to callable
        A loop for each law.
    """
    return ", ".join(law for law, loop in loops.items() if not _is_numpys(law, loop))


def _is_numpys(law: str, loop: Loop) -> bool:
    ours, numpys = (np.random.Generator(np.random.SFC64(SAMPLE)) for _ in range(2))
    out = np.empty(SAMPLE)
    _drive(loop, ours, out)
    expected: Floats = getattr(numpys, LAWS[law])(SAMPLE)
    # The next word of both streams tells whether they stand at one place.
    return out.tobytes() == expected.tobytes() and ours.integers(2**63) == numpys.integers(2**63)


def _drive(loop: Loop, rng: np.random.Generator, out: Floats) -> None:
    """Take the state of a stream, run a loop on it, and put it back, while no other thread draws from it."""
    bits = rng.bit_generator
    with bits.lock:
        # With it goes half a word that NumPy keeps from 32-bit draws, and that 64-bit draws leave alone.
        state = bits.state
        loop(state["state"]["state"], np.asarray(out).reshape(-1))
        bits.state = state
