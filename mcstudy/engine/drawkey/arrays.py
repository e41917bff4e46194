"""Tokens of NumPy's arrays, numbers and types."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.engine.drawkey.tokens import joined

__all__ = ["array_token", "dtype_token", "number_token"]

Token = Callable[[Any], str]


def array_token(value: npt.NDArray[Any], token: Token) -> str:
    """The token of an array: type, shape, order in memory and content.

    Parameters
    ----------
    value : array
    token : callable
        Gives the token of any other value: of objects in the array, and of a subclass.
    """
    # The order decides in which order sums are taken, and so how they round.
    layout = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    plain = f"array:{dtype_token(value.dtype)}{value.shape}{layout}:{_content(value, token)}"
    if isinstance(value, np.ma.MaskedArray):
        return joined("masked", [plain, token(np.ma.getmaskarray(value)), ascii(value.fill_value)])
    if type(value) in (np.ndarray, np.memmap):
        return plain
    return joined("array", [plain, token(type(value)), token(vars(value))])


def _content(value: npt.NDArray[Any], token: Token) -> str:
    if value.dtype.names:  # field by field: the bytes between fields are left to chance
        return joined("fields", [array_token(np.asarray(value[name]), token) for name in value.dtype.names])
    if value.dtype.hasobject or value.dtype.kind == "T":  # the bytes are addresses
        return token(np.asarray(value).tolist())
    return hashlib.sha256(np.asarray(value).tobytes()).hexdigest()


def number_token(value: np.generic, token: Token) -> str:
    """The token of a NumPy scalar, which is none of an array."""
    return "number:" + array_token(np.asarray(value), token)


def dtype_token(dtype: np.dtype[Any]) -> str:
    """The token of a data type."""
    return "dtype:" + ("string" if dtype.kind == "T" else ascii(np.lib.format.dtype_to_descr(dtype)))
