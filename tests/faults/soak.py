"""One run that meets a fault after the other, until it is done."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.victim import Ended, Started, Victim

__all__ = ["MANY", "Soaked", "command_of", "soak"]

# Enough blocks that a run meets some two hundred faults before its end.
MANY = 25_600


def command_of(replicates: int = MANY) -> tuple[str, ...]:
    """The command that is given again and again, for so many replicates of each scenario."""
    return ("run", "toy", "--out", "out", "--replicates", str(replicates))


LONGEST = 0.5  # seconds of drawing between two faults
DAMAGING = 0.1  # the share of faults that hit a file and not a process


@dataclass
class Soaked:
    """What came of many faults.

    Attributes
    ----------
    faults : Counter
        By kind.
    lost, destroyed : int
    troubles : list of str
        Tracebacks and exit codes that the manual does not have.
    ended : bool
        Whether the last run ended by itself, with exit code 0.
    """

    faults: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    destroyed: int = 0
    troubles: list[str] = field(default_factory=list)
    ended: bool = False

    def judge(self, name: str, ended: Ended, codes: tuple[int, ...]) -> None:
        """Note what is not as it should be of a run that met a fault."""
        if not ended.is_quiet:
            self.troubles.append(f"{name}: a traceback: {(ended.said + ended.shown)[-500:]}")
        if ended.code not in (*codes, 0) and not _was_refused(ended):
            self.troubles.append(f"{name}: exit code {ended.code}: {ended.said[-300:]}")


Strike = Callable[[Started], None]
STRIKES: dict[str, tuple[Strike, tuple[int, ...]]] = {
    "kill -9": (lambda run: run.signal(signal.SIGKILL), (-signal.SIGKILL,)),
    "kill -9 of the group": (lambda run: run.signal(signal.SIGKILL, group=True), (-signal.SIGKILL,)),
    "SIGTERM": (lambda run: run.signal(signal.SIGTERM), (128 + signal.SIGTERM,)),
    "SIGHUP": (lambda run: run.signal(signal.SIGHUP, group=True), (128 + signal.SIGHUP,)),
    "Ctrl-C": (lambda run: run.signal(signal.SIGINT, group=True), (130,)),
}


def soak(victim: Victim, faults: int, replicates: int = MANY) -> Soaked:
    """Let a study meet so many faults in a row, and then go to its end.

    After each what was finished must be there as it was; the command is the one that was named, or the same.
    """
    victim.begin_again()
    soaked, same = Soaked(), command_of(replicates)
    command = same
    for _ in range(faults):
        damages = victim.rng.random() < DAMAGING and len(victim.kept()) > 0
        ended = _damaged(victim, command, soaked) if damages else _struck(victim, command, soaked)
        # Workers change no result: some of the runs have them.
        executor = victim.rng.choice((("--executor", "serial"), ("--executor", "serial"), ("--jobs", "2")))
        command = (*same, *executor)
        if _was_refused(ended):
            soaked.destroyed += len(victim.seen)
            victim.seen = {}
            command += ("--fresh",)
    last = victim.run(*same, "--executor", "serial", *[word for word in command if word == "--fresh"])
    soaked.lost += victim.lost
    soaked.destroyed += victim.destroyed
    soaked.ended = last.code == 0
    if not soaked.ended:
        soaked.troubles.append(f"exit code {last.code} at the end: {last.said[-500:]}")
    return soaked


def _struck(victim: Victim, command: tuple[str, ...], soaked: Soaked) -> Ended:
    """A run that gets a signal at any moment."""
    name = victim.rng.choice(list(STRIKES))
    strike, codes = STRIKES[name]
    soaked.faults[name] += 1
    started = victim.start(*command)
    moment = time.monotonic() + victim.rng.uniform(0.2, 0.2 + 2 * LONGEST)
    started.sees(lambda: time.monotonic() > moment)
    if "--fresh" not in command:
        victim.see()
    strike(started)
    ended = started.wait()
    soaked.lost += victim.lost if "--fresh" not in command else 0
    victim.see()
    soaked.judge(name, ended, codes)
    return ended


def _damaged(victim: Victim, command: tuple[str, ...], soaked: Soaked) -> Ended:
    """A run over a journal of which a bit was flipped; it may be refused, or go on for a moment."""
    soaked.faults["a flipped bit"] += 1
    with victim.damage(victim.journal) as content:
        content[victim.rng.randrange(len(content))] ^= 1 << victim.rng.randrange(8)
    started = victim.start(*command)
    moment = time.monotonic() + victim.rng.uniform(0.5, 0.5 + LONGEST)
    started.sees(lambda: time.monotonic() > moment)
    started.signal(signal.SIGTERM)
    ended = started.wait()
    soaked.judge("a flipped bit", ended, (128 + signal.SIGTERM,))
    return ended


def _was_refused(ended: Ended) -> bool:
    """Whether a run had said that its journal is damaged, and was ending; a signal may have been faster."""
    return "--fresh" in ended.named and (ended.code == 2 or ended.code < 0)
