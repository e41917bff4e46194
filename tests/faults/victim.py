"""A small study to which accidents happen, runs of it, and what is left of its draws."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mcstudy.engine.reading import reading
from mcstudy.exceptions import JournalError

__all__ = ["BLOCKS", "RUN", "Ended", "Started", "Victim", "Warm", "project", "warm"]

WARM = Path(__file__).with_name("warm.py")
PATIENCE = 120.0  # seconds: a run takes two on an idle machine
GLANCE = 0.01  # seconds between two looks at a run
# What joblib shows of a worker whose parent was killed before it had told it what to do: no code of the package is in it.
ORPHANED = re.compile(
    r"-+\nLokyProcess-\d+ failed with traceback: \n-+\nTraceback (?:.*\n)+?EOFError: Ran out of input\n"
)
BLOCKS = 40  # of the study

STUDY = '''"""A study to which accidents happen, as long as a file says which."""

import asyncio
import os
import pathlib
import signal
import time

import numpy as np

from mcstudy import Replicates, Study, Value, grid, mean


class Mute(Exception):
    """An exception without a text."""

    def __str__(self):
        raise ValueError


class Own(BaseException):
    """An exception that ends what does not expect it."""


def happen(what):
    """What no study should do."""
    if what == "hang":
        while True:
            time.sleep(0.01)
    if what == "memory":
        np.empty(1 << 50)
    if what == "memory by and by":
        kept = [np.ones(1 << 21) for _ in range(1000)]
    if what in ("kill", "kill once"):
        os.kill(os.getpid(), signal.SIGKILL)
    raise {"mute": Mute, "own": Own, "closed": GeneratorExit, "cancelled": asyncio.CancelledError}[what]()


def simulate(rng, size, *, scale):
    """Normal draws, and what happens to some of them."""
    x = scale * rng.normal(size=size)
    time.sleep(0.02)
    accident = pathlib.Path("accident")
    if x[0] > 1.2 * scale and accident.exists():
        what = accident.read_text()
        if what == "kill once":
            accident.unlink()
        happen(what)
    return {"x": x}


study = Study(
    name="toy",
    title="A study to which accidents happen",
    question="Is the mean zero?",
    source="nowhere",
    simulate=simulate,
    scenarios=grid(scale=(1.0, 2.0)),
    block=16,
    replicates=Replicates(first=320, quick=320, full=320),
    claims=[Value("mean", "EX = 0", of=mean("x"), equals=0.0, margin=2.0, title="the mean")],
)
'''


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code (minus a signal's number), and what it wrote.

    Attributes
    ----------
    arguments : tuple of str
        Of the command line.
    code : int
    shown, said : str
        Standard output and error.
    """

    arguments: tuple[str, ...]
    code: int
    shown: str
    said: str

    @property
    def lines(self) -> list[str]:
        """What was said about how it ended, on either stream."""
        told = [line for line in self.said.splitlines() if line.startswith("mcstudy: ")]
        return told + [line for line in self.shown.splitlines() if line.startswith("first failure: ")]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was shown that only a programmer reads."""
        shown = ORPHANED.sub("", self.shown) if self.code == -signal.SIGKILL else self.shown
        return not re.search(r"Traceback \(most|Exception ignored|resource_tracker:", self.said + shown)

    @property
    def named(self) -> tuple[str, ...]:
        """The command that the message names; the same again where it names none."""
        # A message may go on over several lines.
        said = "\n".join([self.said[self.said.find("mcstudy: ") :], *self.lines])
        if found := re.search("(?:Resume|draw again what failed) with: mcstudy (.*)", said):
            return tuple(shlex.split(found[1]))
        if "run the study again" in said:
            return RUN
        for option in (("--fresh",), ("--executor", "serial")):
            if " ".join(option) in said:
                return (*self.arguments, *option)
        return self.arguments


@dataclass
class Started:
    """A run that was started.

    Attributes
    ----------
    arguments : tuple of str
    place : Path
        Where its keeper writes, and its streams go.
    """

    arguments: tuple[str, ...]
    place: Path

    @property
    def pid(self) -> int:
        """The id of its process."""
        return int(self._waited("pid"))

    def _waited(self, name: str) -> str:
        path, deadline = self.place / name, time.monotonic() + PATIENCE
        # A file is there a moment before its text is.
        while not (path.exists() and (text := path.read_text()).endswith("\n")):
            if time.monotonic() > deadline:
                msg = f"mcstudy {shlex.join(self.arguments)} must end within {PATIENCE:g} s; see {self.place}"
                raise TimeoutError(msg)
            time.sleep(GLANCE)
        return text

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return (self.place / "code").exists()

    def wait(self) -> Ended:
        """Wait for its end, and for that of all processes that it has started: they may say something yet."""
        code = int(self._waited("code"))
        deadline = time.monotonic() + PATIENCE
        while left := _of_session(self.pid):
            if time.monotonic() > deadline:
                msg = f"mcstudy {shlex.join(self.arguments)} must leave no process behind, got {left}"
                raise TimeoutError(msg)
            time.sleep(GLANCE)
        texts = [
            path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            for path in (self.place / "stdout", self.place / "stderr")
        ]
        return Ended(self.arguments, code, *texts)

    def sees(self, happened: Callable[[], bool]) -> bool:
        """Wait until something has happened, or the run has ended before; whether it goes on."""
        while not self.has_ended and not happened():
            time.sleep(GLANCE)
        return not self.has_ended

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the process or to its group, if it is still there."""
        try:
            (os.killpg if group else os.kill)(self.pid, number)
        except ProcessLookupError:
            return

    def workers(self) -> list[int]:
        """The processes that it has started to draw."""
        found = Path(f"/proc/{self.pid}/task").glob("*/children")
        children = [int(pid) for path in found for pid in path.read_text().split()]
        return [pid for pid in children if "popen_loky" in _command_of(pid)]


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _of_session(pid: int) -> list[str]:
    """The commands of the living processes in a session."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            # What stands before the last bracket is the name of the program.
            state, _, _, session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if session == str(pid) and state not in "ZX":
            found.append(_command_of(int(place.name)))
    return found


class Warm:
    """A process that starts runs without their imports; see `warm.py`."""

    def __init__(self) -> None:
        # -P: its own folder is none that a study may import from.
        command = [sys.executable, "-P", str(WARM)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)

    def start(self, request: dict[str, object]) -> None:
        """Have a run started."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Start no more."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def warm() -> Iterator[Warm]:
    """A warm process for a while."""
    process = Warm()
    try:
        yield process
    finally:
        process.close()


def project(folder: Path) -> None:
    """Write the study into a folder."""
    (folder / "studies").mkdir(parents=True)
    (folder / "studies" / "toy.py").write_text(STUDY)


RUN = ("run", "toy", "--out", "out", "--executor", "serial")
Kept = dict[tuple[str, str, int], int]


@dataclass
class Victim:
    """A folder in which the study is run.

    Attributes
    ----------
    folder : Path
    warm : Warm
    rng : random.Random
        What accidents are drawn from.
    figures : Path or None
        Those of an undisturbed run: equal findings have equal figures, which take longer than all else.
    seen : dict
        The finished blocks that no accident has destroyed.
    destroyed : int
        Those that one has.
    """

    folder: Path
    warm: Warm
    rng: random.Random
    figures: Path | None = None
    seen: Kept = field(default_factory=dict)
    destroyed: int = 0

    @property
    def journal(self) -> Path:
        """Where draws are kept."""
        return self.folder / "out" / "toy" / "draws.sqlite"

    @property
    def ledger(self) -> Path:
        """Where results are."""
        return self.journal.with_name("ledger.json")

    @property
    def accident(self) -> Path:
        """The file that says what happens to some blocks, as long as it is there."""
        return self.folder / "accident"

    def start(
        self,
        *arguments: str,
        before: str = "",
        cold: bool = False,
        stdout: str | None = "",
        environment: dict[str, str] | None = None,
    ) -> Started:
        """Start a command; default: a run of the study in its own process.

        Parameters
        ----------
        *arguments : str
        before : str
            Python that the process executes first.
        cold : bool
            Start Python anew, as a shell does.
        stdout : str or None
            A file for it; None closes it.
        environment : dict, optional
        """
        words = arguments or RUN
        place = Path(tempfile.mkdtemp(dir=self.folder, prefix="run-"))
        self.warm.start(
            {
                "arguments": words,
                "place": str(place),
                "folder": str(self.folder),
                "environment": {"COLUMNS": "300"} | (environment or {}),
                "before": before,
                "cold": cold,
                "stdout": str(place / "stdout") if stdout == "" else stdout,
            }
        )
        return Started(words, place)

    def run(self, *arguments: str) -> Ended:
        """Run a command to its end."""
        return self.start(*arguments).wait()

    def kept(self) -> Kept:
        """The blocks of the journal that have numbers, as they were written, each with its checksum.

        That covers the seconds which the block has taken: one that is drawn again has another.
        """
        try:
            with reading(self.journal) as blocks:
                return {row.key: row.checksum for row in blocks.rows() if row.is_sound and row.data}
        except JournalError:  # not there, or not to be read
            return {}

    def see(self) -> Kept:
        """Note what is finished."""
        self.seen |= self.kept()
        return self.seen

    def half_drawn(self, started: Started) -> None:
        """Wait until a run is somewhere in the middle, at random."""
        number = self.rng.randrange(1, BLOCKS - 4)
        started.sees(lambda: len(self.see()) >= number)

    @contextmanager
    def damage(self, path: Path) -> Iterator[bytearray]:
        """Change the content of a file; what of the finished blocks goes with it is counted as destroyed."""
        self.see()
        content = bytearray(path.read_bytes())
        yield content
        path.write_bytes(content)
        left = self.kept()
        self.destroyed += len(self.seen.items() - left.items())
        self.seen = left

    @property
    def lost(self) -> int:
        """How many finished blocks, which nothing has destroyed, are not there any more as they were."""
        return len(self.seen.items() - self.kept().items())

    def digests(self) -> dict[str, str]:
        """The digests of the ledger."""
        document = json.loads(self.ledger.read_text(encoding="utf-8"))
        return {name: document["digests"][name] for name in ("draws", "findings")}

    def begin_again(self) -> None:
        """Take away all that runs have written."""
        for path in [self.folder / "out", *self.folder.glob("part*"), *self.folder.glob("run-*")]:
            shutil.rmtree(path, ignore_errors=True)
        self.accident.unlink(missing_ok=True)
        self.seen, self.destroyed = {}, 0
        if self.figures is not None:
            shutil.copytree(self.figures, self.folder / "out" / "toy" / "figures")
