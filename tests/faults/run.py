"""Lets faults happen to a small study, again and again, and writes the table of what came of them.

Run as a script from the root: ``python -m tests.faults.run [--repetitions N] [--kind NAME ...] [--soak N] [--jobs N]
[--write]``. After each fault the command is run that the message names. Every exit code must be one that the manual has, the message
one line without a traceback, no finished block be lost that the fault has not destroyed, and the digests be those of an
undisturbed run. With ``--write`` the rows of kinds where all was as it should be go into
`docs/faults.md`, in the place of older ones. Exit code 1 where something is not so.
"""

from __future__ import annotations

import argparse
import os
import queue
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from tests.faults import files, processes  # noqa: F401 - they enter their kinds
from tests.faults.kinds import KINDS, Fault, ImpossibleError, Outcome, suffer
from tests.faults.soak import MANY, Soaked, command_of, soak
from tests.faults.victim import Victim, project, warm

__all__ = ["Row", "main", "repeat", "undisturbed"]

TABLE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
SOAK = "one run"  # how the row begins of a run that meets many faults
LINE = 320  # characters of a message that the table shows
HEADER = """\
# Accidents

What happens to a run, what it says, and what is left. Each kind of fault is made to happen to a study of 40 blocks, at
random moments and in one process or in workers by chance, and the command that the message names is run then. *Destroyed* are
the finished blocks that the fault itself has destroyed, all of them where it has damaged a file so far that it is refused;
they are drawn again. *Lost* are finished blocks that it has not destroyed, and that are missing or were drawn again all the
same. *Equal* are both digests, that of the draws and that of the findings, with those of an undisturbed run. An exit code
below 0 is the number of the signal that has ended the process. Nothing may be said that only a programmer reads; but where a
run is killed while it starts workers, joblib may show that they had no parent any more. No process may be left behind. Written
by `tox -e faults`, on Linux; what a command means by its exit code is told in [commands](commands.md). Kinds are listed that
have been through all their repetitions.

| fault | times | exit codes | what is said last | destroyed | lost | equal |
|---|---|---|---|---|---|---|
"""


@dataclass
class Row:
    """What came of a kind of fault."""

    kind: Fault
    outcomes: list[Outcome] = field(default_factory=list)
    impossible: str = ""

    @property
    def faults(self) -> list[str]:
        """What was not as it should be."""
        return [fault for outcome in self.outcomes for fault in outcome.faults]

    def text(self) -> str:
        """The row of the table."""
        if self.impossible:
            return f"| {self.kind.what} | 0 | not possible here: {self.impossible} | | | | |"
        codes = Counter(outcome.ended.code for outcome in self.outcomes)
        equal = sum(outcome.equal for outcome in self.outcomes)
        cells = (
            self.kind.what,
            len(self.outcomes),
            ", ".join(f"{code} ({count})" for code, count in codes.most_common()),
            _shown(Counter(line for outcome in self.outcomes for line in outcome.ended.lines)),
            sum(outcome.destroyed for outcome in self.outcomes),
            sum(outcome.lost for outcome in self.outcomes),
            f"{equal} of {len(self.outcomes)}",
        )
        return f"| {' | '.join(map(str, cells))} |"


def _shown(lines: Counter[str]) -> str:
    """The line that was said most often, without the folder of this run."""
    if not lines:
        return "nothing"
    text = re.sub(r"/\S*/out/", "out/", lines.most_common(1)[0][0]).replace("|", "\\|").replace("`", "'")
    return f"`{text if len(text) <= LINE else text[:LINE] + '...'}`"


def undisturbed(victim: Victim, *command: str) -> dict[str, str]:
    """The digests of a run to which nothing happens; its figures serve all others."""
    ended = victim.run(*command)
    if ended.code != 0:
        msg = f"an undisturbed run must end with 0, got {ended}"
        raise RuntimeError(msg)
    right = victim.digests()
    if victim.figures is None:
        victim.figures = victim.folder / "figures"
        shutil.copytree(victim.journal.with_name("figures"), victim.figures)
    victim.begin_again()
    return right


def repeat(kind: Fault, victim: Victim, right: dict[str, str], times: int) -> Row:
    """Let a fault happen so many times."""
    row = Row(kind)
    for number in range(times):
        victim.rng.seed(f"{kind.name} {number}")
        try:
            row.outcomes.append(suffer(kind, victim, right))
        except ImpossibleError as error:
            row.impossible = str(error)
            break
    return row


def _of_soak(soaked: Soaked, equal: bool) -> str:
    kinds = ", ".join(f"{name} ({count})" for name, count in soaked.faults.most_common())
    said = f"{len(soaked.troubles)} tracebacks or other exit codes"
    return f"| {SOAK} of {MANY} replicates a scenario, one fault after the other: {kinds} | {soaked.faults.total()} | 0 at the end | {said} | {soaked.destroyed} | {soaked.lost} | {int(equal)} of 1 |"


class Ward:
    """Victims, each of which suffers one thing at a time."""

    def __init__(self, folder: Path, number: int, stack: ExitStack) -> None:
        self._free: queue.SimpleQueue[Victim] = queue.SimpleQueue()
        victims = [
            Victim(folder / str(n), stack.enter_context(warm()), random.Random(1)) for n in range(number)
        ]
        for victim in victims:
            project(victim.folder)
        self.right = undisturbed(victims[0])
        for victim in victims:
            victim.figures = victims[0].figures
            self._free.put(victim)

    def repeat(self, kind: Fault, times: int) -> tuple[str, list[str]]:
        """Let a fault happen so many times to whoever is free: as `soak`."""
        victim = self._free.get()
        try:
            row = repeat(kind, victim, self.right, times)
        finally:
            self._free.put(victim)
        print(row.text(), *row.faults, sep="\n  ", flush=True)
        return row.text(), row.faults

    def soak(self, faults: int) -> tuple[str, list[str]]:
        """Let one run meet so many faults: a row of the table, and what was not as it should be."""
        victim = self._free.get()
        try:
            right = undisturbed(victim, *command_of())
            victim.rng.seed("soak")
            soaked = soak(victim, faults)
            equal = soaked.ended and victim.digests() == right
        finally:
            self._free.put(victim)
        wrong = [*soaked.troubles, *["blocks lost"] * bool(soaked.lost), *["other digests"] * (not equal)]
        print(_of_soak(soaked, equal), *wrong, sep="\n  ", flush=True)
        return _of_soak(soaked, equal), wrong


def write(rows: Sequence[str]) -> None:
    """Write rows into the table, in the place of those of the same faults, in the order of the kinds."""
    before = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    known = {_fault_of(row): row for row in [*before, *rows] if row.startswith("| ")}
    names = [name for name in (kind.what for kind in KINDS.values()) if name in known]
    names += [name for name in known if name.startswith(SOAK)]
    TABLE.write_text(HEADER + "\n".join(known[name] for name in names) + "\n", encoding="utf-8")


def _fault_of(row: str) -> str:
    """Of which fault a row is; the numbers that one run has met make it no other."""
    name = row.removeprefix("| ").partition(" | ")[0]
    return SOAK if name.startswith(SOAK) else name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; the exit code."""
    parser = argparse.ArgumentParser(
        description="Let faults happen to a small study, and see what is left of it."
    )
    parser.add_argument("--repetitions", type=int, default=20, help="0: the soak alone")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these kinds, without the soak")
    parser.add_argument("--soak", type=int, help="faults that one run meets; default 200, or 0 with --kind")
    parser.add_argument("--write", action="store_true", help="write what came of it into docs/faults.md")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="victims at once")
    options = parser.parse_args(arguments)
    # What was never repeated has no row.
    chosen = [KINDS[name] for name in options.kind or KINDS] if options.repetitions else []
    repetitions = [options.repetitions] * len(chosen)
    faults = (0 if options.kind else 200) if options.soak is None else options.soak
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        ward = Ward(folder, options.jobs, stack)
        pool = stack.enter_context(ThreadPoolExecutor(options.jobs))
        soaking = [pool.submit(ward.soak, faults)] if faults else []
        code = 0
        for text, wrong in chain(
            pool.map(ward.repeat, chosen, repetitions), (one.result() for one in soaking)
        ):
            code = 1 if wrong else code
            if options.write and not wrong:
                write([text])
    return code


if __name__ == "__main__":
    sys.exit(main())
