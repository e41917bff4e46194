"""Arrays that may be larger than the memory: in a file without a name, of which what is in work is held.

NumPy sees ordinary arrays. Whoever goes through one a portion at a time says of each when it is done with it (`leave`):
then its pages are the operating system's to keep or to write out, and the process no longer has them. Where there
are no such files (Windows, macOS) or no room for one, arrays lie in memory as ever.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["LARGE", "empty", "is_paged", "leave", "taken"]

# Bytes from which on an array is laid into a file: a million replicates. Smaller ones never wait for a disk.
LARGE = 2**23
# Places that are read before their pages are left: with each some sixteen pages are mapped, its neighbours.
PLACES = 256


class _Pages(mmap.mmap):
    """A mapping that may be left: shared with its file, so that nothing is lost by it."""


def empty(size: int, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """An array of shape (size,) to be written into, as `numpy.empty` gives one.

    The file lies where `tempfile` puts its own (TMPDIR), and is gone with the array, or with the process.

    Examples
    --------
    >>> empty(3).shape
    (3,)
    """
    needed = size * np.dtype(dtype).itemsize
    if needed >= LARGE and hasattr(os, "posix_fallocate") and hasattr(mmap, "MADV_DONTNEED"):
        # No room, a limit on the size of files, a folder that can't be written: memory may yet do.
        with contextlib.suppress(OSError), tempfile.TemporaryFile() as file:
            # Reserved beforehand: a full disk would else end the process at some later write, without a word.
            os.posix_fallocate(file.fileno(), 0, needed)
            # A mapping needs no descriptor of its own, of which a process has a thousand.
            options = {"trackfd": False} if sys.version_info >= (3, 13) else {}
            return np.ndarray((size,), dtype, buffer=_Pages(file.fileno(), needed, **options))
    return np.empty(size, dtype)


def is_paged(array: NDArray[Any]) -> bool:
    """Whether an array, or what it is a view of, lies in a file."""
    return _pages_of(array) is not None


def leave(*arrays: NDArray[Any]) -> None:
    """Hold no page of these arrays any longer; their values stay. Of arrays in memory nothing changes."""
    for array in arrays:
        if (pages := _pages_of(array)) is not None:
            pages.madvise(mmap.MADV_DONTNEED)


def taken(array: NDArray[Any], places: NDArray[np.intp]) -> NDArray[Any]:
    """The values at some places, shape (k,), as ``array[places]``.

    Examples
    --------
    >>> taken(np.array([1.0, 2.0, 3.0]), np.array([2, 0]))
    array([3., 1.])
    """
    found = np.empty(places.shape, array.dtype)
    for first in range(0, places.size, PLACES):
        found[first : first + PLACES] = array[places[first : first + PLACES]]
        leave(array)
    return found


def _pages_of(array: NDArray[Any]) -> _Pages | None:
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    owner = base.obj if isinstance(base, memoryview) else base
    return owner if isinstance(owner, _Pages) else None
