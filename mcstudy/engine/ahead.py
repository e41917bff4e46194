"""Work on what is read, by a thread beside the one that reads: for work that lets go of Python's lock, as checksums do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

__all__ = ["worked_on"]

T = TypeVar("T")
R = TypeVar("R")

# Bytes that travel together: to hand over a thing by itself costs more than to sum a page of it.
TOGETHER = 2**22
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
    under_way: deque[tuple[list[T], Future[list[R]]]] = deque()
    with ThreadPoolExecutor(1) as thread:
        for batch in chain((first, second), batches):
            under_way.append((batch, thread.submit(_each, work, batch)))
            if len(under_way) > AHEAD:
                yield from _done(*under_way.popleft())
        while under_way:
            yield from _done(*under_way.popleft())


def _each(work: Callable[[T], R], batch: list[T]) -> list[R]:
    return [work(thing) for thing in batch]


def _done(batch: list[T], results: Future[list[R]]) -> Iterator[tuple[T, R]]:
    return zip(batch, results.result(), strict=True)


def _batches(things: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    batch: list[T] = []
    held = 0
    for thing in things:
        batch.append(thing)
        held += size(thing)
        if held >= TOGETHER:
            yield batch
            batch, held = [], 0
    yield batch
