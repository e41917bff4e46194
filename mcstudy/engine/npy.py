"""The columns of a block as the bytes of an npy file, and back; never a pickle."""

from __future__ import annotations

import io
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["from_npy", "to_npy"]


def to_npy(data: npt.NDArray[Any]) -> bytes:
    """The columns of a block as the bytes of an npy file."""
    return _head(data.dtype, data.shape) + data.tobytes()


# A header takes longer to be written than its block, and all blocks of an experiment have the same.
@lru_cache(maxsize=256)
def _head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    # Names beyond Latin-1 need version 3, and thousands of them version 2, about which NumPy warns.
    version = None if all(name.isascii() for name in dtype.names or ()) else (3, 0)
    empty = np.zeros(shape, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        np.lib.format.write_array(buffer, empty, version=version, allow_pickle=False)
    return buffer.getvalue()[: -empty.nbytes or None]


def from_npy(data: bytes) -> npt.NDArray[Any]:
    """The columns of a block, read-only."""
    # NumPy refuses headers of more than 10,000 characters unless it is told how long one may be.
    magic = np.lib.format.MAGIC_LEN
    if data[: magic - 1] != np.lib.format.MAGIC_PREFIX + b"\1":  # names beyond Latin-1, or thousands of them
        array: npt.NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False, max_header_size=len(data))
        return array
    end = magic + 2 + int.from_bytes(data[magic : magic + 2], "little")
    dtype, shape = _layout(data[magic:end])
    return np.frombuffer(data, dtype, offset=end).reshape(shape)


# A header takes longer to be parsed than its block to be read, and all blocks of an experiment have the same.
@lru_cache(maxsize=256)
def _layout(header: bytes) -> tuple[np.dtype[Any], tuple[int, ...]]:
    shape, _, dtype = np.lib.format.read_array_header_1_0(io.BytesIO(header), max_header_size=len(header))
    return dtype, shape
