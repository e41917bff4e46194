"""`fill`: normals, uniforms or exponentials into an array that is there already."""

from __future__ import annotations

import importlib
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import InputError

__all__ = ["LAWS", "fill"]

# Each law, and the method of numpy.random.Generator whose bits it has.
LAWS = {"normal": "standard_normal", "uniform": "random", "exponential": "standard_exponential"}

_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
# By its name, not by an import: draws do not depend on the loops, whose bits are NumPy's, nor on the version of numba,
# so neither may enter the key under which draws are kept. That key follows imports.
_COMPILED = "mcstudy.fills.compiled"

_Array = TypeVar("_Array", bound=npt.NDArray[np.float64] | npt.NDArray[np.float32])


def fill(rng: np.random.Generator, out: _Array, law: str = "normal") -> _Array:
    """Fill an array with independent values of a law, bit for bit those of NumPy.

    The same as ``rng.standard_normal(out=out)``, ``rng.random(out=out)`` or ``rng.standard_exponential(out=out)``:
    the values are equal, and `rng` is left in the same state, so that calls may be mixed. With numba installed
    (``mcstudy[fast]``) the loops are compiled for float64 and SFC64, which is the bit generator that a study is given,
    once a process has filled so much that loading them pays; before their first use they are compared with NumPy.
    In all other cases NumPy draws.

    Parameters
    ----------
    rng : numpy.random.Generator
    out : array
        Of any shape and of dtype float64 or float32; C-contiguous and writable. It is written to.
    law : {"normal", "uniform", "exponential"}
        N(0, 1); uniform on [0, 1); exponential with mean 1.

    Returns
    -------
    array
        `out` itself.

    Raises
    ------
    InputError
        If `rng` is no Generator, the law is unknown, or `out` is no array that can be filled.

    Examples
    --------
    >>> rng, other = (np.random.Generator(np.random.SFC64(1)) for _ in range(2))
    >>> bool(np.all(fill(rng, np.empty((100, 20))) == other.standard_normal((100, 20))))
    True
    """
    _check(rng, out, law)
    if not importlib.import_module(_COMPILED).filled(rng, out, law):
        getattr(rng, LAWS[law])(out=out, dtype=out.dtype)
    return out


def _check(rng: object, out: object, law: str) -> None:
    if not isinstance(rng, np.random.Generator):
        msg = f"`rng` must be a numpy.random.Generator, got {type(rng).__name__}; numpy.random.default_rng(seed) makes one"
        raise InputError(msg)
    if law not in LAWS:
        msg = f"`law` must be one of {', '.join(LAWS)}, got {law!r}"
        raise InputError(msg)
    if wrong := _unfillable(out):
        msg = f"`out` must be an aligned, C-contiguous, writable array of float64 or float32, got {wrong}; fill numpy.empty(shape)"
        raise InputError(msg)


def _unfillable(out: object) -> str:
    """What stands against filling an object; empty if nothing does."""
    if not isinstance(out, np.ndarray):
        return type(out).__name__
    if out.dtype not in _FLOATS:
        return f"dtype {out.dtype}"
    if out.flags.carray:  # aligned, contiguous and writable
        return ""
    strides = f"an array of shape {out.shape} with strides {out.strides}"
    return strides if out.flags.writeable else "a read-only array"
