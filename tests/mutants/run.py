"""Mutates the package in many places, one at a time, and sees the tests nearest to each place fail.

Run as a script: ``python tests/mutants/run.py [PATTERN ...] [--jobs N]``; patterns choose mutations by their ids
(``rate.*``), all without. The mutations are listed in the TOML files beside this one, a table for each mutated file.
Every worker has a copy of package and tests; the tests must pass there before anything is mutated, and fail with
every mutation. A full run in which all mutations are killed writes `table.md`. Exit code 1 where a mutation
survives, where its text is not found exactly once, or where the tests do not pass without it.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import fnmatch
import importlib.util
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# What the tests read; the rest of the repository is not copied.
COPIED = ("mcstudy", "tests", "studies", "pyproject.toml")
# Seconds after which tests are stopped, which kills no mutation: the slowest named here take some ten.
PATIENCE = 300.0
HEADER = """\
# Mutations

Each row is one change of one place of the package, and the test nearest to it that fails with the change. Written by `tox -e mutants`.

| id | file | was | becomes | what would break | killed by |
|---|---|---|---|---|---|
"""

Job = TypeVar("Job")
Answer = TypeVar("Answer")


class StaleError(Exception):
    """The text that a mutation replaces is not found exactly once, or what comes out is no other program."""


class Mutation(NamedTuple):
    """One change of one file, and the tests that must notice."""

    id: str
    file: str
    was: str
    becomes: str
    breaks: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The text of the file with the mutation."""
        if (count := text.count(self.was)) != 1:
            msg = f"{self.id}: `was` must be found once in {self.file}, got {count} times; quote more of the line"
            raise StaleError(msg)
        mutated = text.replace(self.was, self.becomes)
        if ast.dump(ast.parse(mutated)) == ast.dump(ast.parse(text)):
            msg = f"{self.id}: `becomes` must be another program than `was`, got the same"
            raise StaleError(msg)
        return mutated


class Fate(NamedTuple):
    """What came of a mutation: the test that killed it, or why none did."""

    mutation: Mutation
    killer: str
    trouble: str


def mutations_of(folder: Path = HERE) -> list[Mutation]:
    """The mutations that the TOML files of a folder list, in their order."""
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))]
    return [_read(file, entry) for table in tables for file, entries in table.items() for entry in entries]


def _read(file: str, entry: dict[str, str | list[str]]) -> Mutation:
    """A mutation of a file; a test without a folder is one of the test module that mirrors the file."""
    place = Path(file)
    mirror = Path("tests", place.parent, f"test_{place.name}").as_posix()
    named = [f"{mirror}::{test}" if "/" not in test else test for test in entry.get("tests", ())]
    texts = {name: str(entry[name]) for name in ("id", "was", "becomes", "breaks")}
    return Mutation(file=f"mcstudy/{file}", tests=tuple(named or [mirror]), **texts)


class Workshop:
    """A copy of the project, in which one mutation at a time is made and tested."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, folder / name, ignore=ignored)
            elif (root / name).is_file():
                shutil.copy(root / name, folder / name)
        self._check_imports()

    def _check_imports(self) -> None:
        """Refuse to test anything but the copy, as an installed package would be."""
        code = "import mcstudy; print(mcstudy.__file__)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        if self.folder not in Path(done.stdout.strip()).parents:
            msg = f"the copy in {self.folder} must be what tests import, got {done.stdout.strip()}"
            raise RuntimeError(msg)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder)}

    def test(self, tests: Sequence[str]) -> tuple[int | None, str]:
        """Run tests until the first fails: pytest's exit code, None where time ran out, and its output."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *tests]
        # A file, not a pipe: processes that a test leaves behind would keep a pipe open.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _end(process)
            output.seek(0)
            return code, output.read()

    def try_out(self, mutation: Mutation) -> Fate:
        """Make a mutation, test it, and take it back."""
        path = self.folder / mutation.file
        text = path.read_text(encoding="utf-8")
        mutated = mutation.applied(text)
        try:
            _write(path, mutated)
            code, output = self.test(mutation.tests)
        finally:
            _write(path, text)
        # Other codes are pytest's own: errors of collection, nothing to run.
        if code == 1 and (failed := _failed(output)):
            return Fate(mutation, failed, "")
        return Fate(mutation, "", "survives" if code == 0 else f"exit code {code}, {_last(output)}")


def _failed(output: str) -> str:
    """The test that has failed, without its parameters; empty where pytest names none."""
    found = re.search(r"^(?:FAILED|ERROR) (\S+::[^\s\[]+)", output, re.MULTILINE)
    return found[1] if found else ""


def _last(output: str) -> str:
    return (output.strip().splitlines() or ["no output"])[-1]


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    # Compiled files are told from stale ones by size and second: two mutations may share both.
    Path(importlib.util.cache_from_source(path)).unlink(missing_ok=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what a test run has left behind, and the run itself where it has not ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _each(
    workshops: Sequence[Workshop], jobs: Iterable[Job], work: Callable[[Workshop, Job], Answer]
) -> Iterator[Answer]:
    """What comes of jobs, in their order, each done in a workshop that is free."""
    free: queue.SimpleQueue[Workshop] = queue.SimpleQueue()
    for workshop in workshops:
        free.put(workshop)

    def one(job: Job) -> Answer:
        workshop = free.get()
        try:
            return work(workshop, job)
        finally:
            free.put(workshop)

    with ThreadPoolExecutor(len(workshops)) as pool:
        yield from pool.map(one, jobs)


def failing(workshops: Sequence[Workshop], mutations: Sequence[Mutation]) -> list[str]:
    """The test modules of which tests fail without any mutation, each with the last line of its output."""
    by_module: dict[str, dict[str, None]] = {}
    for test in (test for mutation in mutations for test in mutation.tests):
        by_module.setdefault(test.partition("::")[0], {})[test] = None

    def control(workshop: Workshop, module: str) -> str:
        code, output = workshop.test(list(by_module[module]))
        return "" if code == 0 else f"{_failed(output) or module}: exit code {code}, {_last(output)}"

    return [line for line in _each(workshops, by_module, control) if line]


def row(mutation: Mutation, killer: str) -> str:
    """A mutation as a row of the table."""
    was, becomes = (f"`{' '.join(text.split())}`" for text in (mutation.was, mutation.becomes))
    cells = (mutation.id, mutation.file, was, becomes, mutation.breaks, killer)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def run(root: Path, mutations: Sequence[Mutation], jobs: int) -> list[Fate] | None:
    """Try mutations out on copies of a project, and tell their fates; None where tests fail without them."""
    for mutation in mutations:
        mutation.applied((root / mutation.file).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        workshops = [Workshop(root, Path(folder).resolve() / str(number)) for number in range(jobs)]
        if lines := failing(workshops, mutations):
            print("tests must pass without a mutation, got", *lines, sep="\n  ")
            return None
        fates = []
        for fate in _each(workshops, mutations, Workshop.try_out):
            print(f"{fate.mutation.id:<40} {fate.killer or fate.trouble.upper()}", flush=True)
            fates.append(fate)
    return fates


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT, folder: Path = HERE) -> int:
    """Run the script; the exit code."""
    parser = argparse.ArgumentParser(description="See every mutation killed by the tests nearest to it.")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="ids of mutations; all without")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="copies that are tested at once"
    )
    options = parser.parse_args(arguments)
    everything = mutations_of(folder)
    patterns = options.patterns or ["*"]
    chosen = [m for m in everything if any(fnmatch.fnmatch(m.id, pattern) for pattern in patterns)]
    clock = time.perf_counter()
    try:
        fates = run(root, chosen, options.jobs)
    except StaleError as error:
        print(error)
        return 1
    if fates is None or not fates:
        return 1
    alive = [fate for fate in fates if not fate.killer]
    print(
        f"{len(fates) - len(alive)} of {len(fates)} mutations killed in {time.perf_counter() - clock:.0f} s"
    )
    if not alive and chosen == everything:
        rows = [row(fate.mutation, fate.killer) for fate in fates]
        (folder / "table.md").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
