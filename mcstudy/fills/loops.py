"""NumPy's loops over SFC64 for numba to compile: with the generator's state in registers, and without calls.

They are those of ``numpy/random/src`` (BSD licence): the ziggurats of ``distributions.c``, with the constants of
``ziggurat_constants.h`` as numba has them, and the generator of ``sfc64.h``. As NumPy does, they take `log1p` and `exp`
from the C library, and no product and sum are contracted; what a version of numba or NumPy does otherwise is seen where
both are compared (`mcstudy.fills.compiled`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from numba.np.random import distributions as tables

__all__ = ["LOOPS", "MAKER"]

if numba.config.DISABLE_JIT:  # the loops would be run in Python, a thousand times slower than NumPy's
    msg = "NUMBA_DISABLE_JIT is set"
    raise ImportError(msg)

MAKER = f"numba {numba.__version__}"

Words: TypeAlias = npt.NDArray[np.uint64]
Floats: TypeAlias = npt.NDArray[np.float64]
_State: TypeAlias = tuple[Any, Any, Any, Any]  # four unsigned words
_Function = TypeVar("_Function", bound=Callable[..., Any])

# A number of Python's beside an unsigned word would make a double of both.
_1, _3, _9, _11, _24, _40 = map(np.uint64, (1, 3, 9, 11, 24, 40))
_256, _2_17 = np.uint64(2**8), np.uint64(2**17)  # the bits of a word that decide about signs
_LAYER = np.uint64(2**8 - 1)  # the bits that choose a layer of a ziggurat
_PLACE = np.uint64(2**52 - 1)  # those that choose a place in it, for normals

_w_normal, _k_normal, _f_normal = tables.wi_double, tables.ki_double, tables.fi_double
_w_exponential, _k_exponential, _f_exponential = tables.we_double, tables.ke_double, tables.fe_double
_end_normal, _inverse_end_normal = tables.ziggurat_nor_r, tables.ziggurat_nor_inv_r
_end_exponential = tables.ziggurat_exp_r

_inlined: Callable[[_Function], _Function] = numba.njit(nogil=True, forceinline=True)
# What one value in a hundred needs would take registers from the others.
_apart: Callable[[_Function], _Function] = numba.njit(nogil=True)


def _kept(function: _Function) -> _Function:
    """Compile a function and keep its machine code on disk, where there is a place for it that can be written."""
    try:
        made: _Function = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        made = _apart(function)
    return made


@_inlined
def _next(state: _State) -> tuple[Any, _State]:
    a, b, c, count = state
    word = a + b + count
    return word, (b ^ (b >> _11), c + (c << _3), ((c << _24) | (c >> _40)) + word, count + _1)


@_inlined
def _uniform(state: _State) -> tuple[float, _State]:
    word, state = _next(state)
    return (word >> _11) * 2.0**-53, state


@_inlined
def _normal_at(word: Any) -> tuple[float, Any, Any]:
    """The normal that a word stands for, its layer, and whether it may be taken at once: 99 of 100 may."""
    layer = word & _LAYER
    place = (word >> _9) & _PLACE
    x = place * _w_normal[layer]
    return (-x if word & _256 else x), layer, place < _k_normal[layer]


@_apart
def _normal_after(x: float, layer: Any, word: Any, state: _State) -> tuple[float, _State]:
    """The normal that comes of a word that stands for none."""
    while True:
        if layer == 0:
            return _normal_tail(word, state)
        u, state = _uniform(state)
        below, above = _f_normal[layer - _1], _f_normal[layer]
        if (below - above) * u + above < math.exp(-0.5 * x * x):
            return x, state
        word, state = _next(state)
        x, layer, taken = _normal_at(word)
        if taken:
            return x, state


@_inlined
def _normal_tail(word: Any, state: _State) -> tuple[float, _State]:
    while True:
        u, state = _uniform(state)
        v, state = _uniform(state)
        beyond = -_inverse_end_normal * math.log1p(-u)
        y = -math.log1p(-v)
        if y + y > beyond * beyond:
            x = _end_normal + beyond
            return (-x if word & _2_17 else x), state


@_inlined
def _exponential_at(word: Any) -> tuple[float, Any, Any]:
    """As `_normal_at`."""
    layer = (word >> _3) & _LAYER
    place = word >> _11
    return place * _w_exponential[layer], layer, place < _k_exponential[layer]


@_apart
def _exponential_after(x: float, layer: Any, state: _State) -> tuple[float, _State]:
    """As `_normal_after`."""
    while True:
        u, state = _uniform(state)
        if layer == 0:
            return _end_exponential - math.log1p(-u), state
        below, above = _f_exponential[layer - _1], _f_exponential[layer]
        if (below - above) * u + above < math.exp(-x):
            return x, state
        word, state = _next(state)
        x, layer, taken = _exponential_at(word)
        if taken:
            return x, state


@_kept
def _fill_normal(words: Words, out: Floats) -> None:
    state = words[0], words[1], words[2], words[3]
    for i in range(out.size):
        word, state = _next(state)
        x, layer, taken = _normal_at(word)
        if not taken:
            x, state = _normal_after(x, layer, word, state)
        out[i] = x
    words[0], words[1], words[2], words[3] = state


@_kept
def _fill_uniform(words: Words, out: Floats) -> None:
    state = words[0], words[1], words[2], words[3]
    for i in range(out.size):
        out[i], state = _uniform(state)
    words[0], words[1], words[2], words[3] = state


@_kept
def _fill_exponential(words: Words, out: Floats) -> None:
    state = words[0], words[1], words[2], words[3]
    for i in range(out.size):
        word, state = _next(state)
        x, layer, taken = _exponential_at(word)
        if not taken:
            x, state = _exponential_after(x, layer, state)
        out[i] = x
    words[0], words[1], words[2], words[3] = state


LOOPS: dict[str, Callable[[Words, Floats], None]] = {
    "normal": _fill_normal,
    "uniform": _fill_uniform,
    "exponential": _fill_exponential,
}
