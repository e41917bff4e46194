"""Work on what is read, by a thread beside the one that reads: for work that lets go of Python's lock, as checksums do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

__all__ = ["worked_on"]

T = TypeVar("T")
R = TypeVar("R")

# Bytes that travel together: to hand over a thing by itself costs more than to sum a page of it.
TOGETHER = 2**22
THING = 256  # bytes that an object with its fields takes, which `size` need not know
AHEAD = 2  # batches that are read before the first of them is asked for


def worked_on(work: Callable[[T], R], things: Iterable[T], size: Callable[[T], int]) -> Iterator[tuple[T, R]]:
    """Each thing, in order, with what came of the work on it.

    Parameters
    ----------
    work : callable
        Of one thing; what it raises is raised here.
    things : iterable
        Read in this thread, at most a few batches ahead.
    size : callable
        Of one thing: the bytes that it holds.

    Examples
    --------
    >>> list(worked_on(len, ["a", "bc"], size=len))
    [('a', 1), ('bc', 2)]
    """
    batches = _batches(things, size)
    first, second = next(batches), next(batches, None)
    if second is None:  # a thread takes its time to start, and 64 MB of addresses
        yield from zip(first, _each(work, first), strict=True)
        return
    under_way: deque[tuple[list[T], Callable[[], list[R]]]] = deque()
    with ThreadPoolExecutor(1) as thread:
        for batch in chain((first, second), batches):
            under_way.append((batch, _handed(thread, work, batch)))
            if len(under_way) > AHEAD:
                yield from _done(*under_way.popleft())
        while under_way:
            yield from _done(*under_way.popleft())


def _handed(thread: ThreadPoolExecutor, work: Callable[[T], R], batch: list[T]) -> Callable[[], list[R]]:
    """What gives the results of the work on a batch, once it is asked for."""
    try:
        return thread.submit(_each, work, batch).result
    except RuntimeError:  # the system has no thread to give
        results = _each(work, batch)
        return lambda: results


def _each(work: Callable[[T], R], batch: list[T]) -> list[R]:
    return [work(thing) for thing in batch]


def _done(batch: list[T], results: Callable[[], list[R]]) -> Iterator[tuple[T, R]]:
    return zip(batch, results(), strict=True)


def _batches(things: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    batch: list[T] = []
    held = 0
    for thing in things:
        batch.append(thing)
        held += THING + size(thing)
        if held >= TOGETHER:
            yield batch
            batch, held = [], 0
    yield batch
