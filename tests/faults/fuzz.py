"""Readers of files meet what chance and malice make of them.

Run as a script from the root: ``python -m tests.faults.fuzz [--inputs N] [--reader NAME ...] [--seed N]``. Every input
must be read, or refused with an error of `mcstudy.exceptions`; nothing in it may be executed, nothing be written outside
of the folder, no TeX, HTML or formula of it come through to what is made of it. Exit code 1 where one does.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mcstudy.exceptions import McstudyError
from tests.faults.readers import READERS, Reader
from tests.faults.watched import BreachError, watched

__all__ = ["Found", "fuzz", "main"]

INPUTS = 100_000


@dataclass
class Found:
    """What came of the inputs of a reader.

    Attributes
    ----------
    read, refused : int
    breaches : Counter
        How often each breach was met: the error and the line that raised it.
    examples : dict
        Of each, the number of the input that met it first, and its traceback.
    """

    read: int = 0
    refused: int = 0
    breaches: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[int, str]] = field(default_factory=dict)


def fuzz(reader: Reader, inputs: int, seed: int, folder: Path) -> Found:
    """Give a reader so many inputs.

    Parameters
    ----------
    reader : Reader
    inputs : int
    seed : int
        Input n is drawn from ``f"{seed} {n}"``, so that one can be seen again alone.
    folder : Path
        Exists; the only one into which anything may be written.
    """
    found = Found()
    bench = reader.bench(folder)
    with _temporary_in(folder):
        bench.read(bench.sound)  # what is imported late is imported now
    for number in range(inputs):
        content = bench.mutate(random.Random(f"{seed} {number}"))
        try:
            with _temporary_in(folder), watched(folder):
                bench.read(content)
            found.read += 1
        except McstudyError:
            found.refused += 1
        except (Exception, BreachError) as error:  # whatever it is, it is what is looked for
            breach = _named(error)
            found.breaches[breach] += 1
            found.examples.setdefault(breach, (number, traceback.format_exc()))
    return found


@contextmanager
def _temporary_in(folder: Path) -> Iterator[None]:
    """Have what readers need for a moment in the folder too."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _named(error: BaseException) -> str:
    """An error, and the last line of the package that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "mcstudy" in Path(frame.filename).parts[-4:-1]]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "no line of the package"
    return f"{type(error).__name__} at {place}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; the exit code."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of ledgers, journals, parts and CSV.")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="in all; readers have shares")
    parser.add_argument("--reader", action="append", choices=READERS, help="only these")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    chosen = [READERS[name] for name in options.reader or READERS]
    total, code = sum(reader.share for reader in chosen), 0
    for reader in chosen:
        inputs, clock = round(options.inputs * reader.share / total), time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            found = fuzz(reader, inputs, options.seed, Path(place).resolve())
        seconds = time.perf_counter() - clock
        print(
            f"{reader.name}: {inputs} inputs, {found.read} read, {found.refused} refused, "
            f"{found.breaches.total()} breaches, {seconds:.0f} s",
            flush=True,
        )
        for breach, count in found.breaches.most_common():
            number, told = found.examples[breach]
            print(f"  {count} x {breach} (input {number})\n{told}", flush=True)
        code = code or int(bool(found.breaches))
    return code


if __name__ == "__main__":
    sys.exit(main())
