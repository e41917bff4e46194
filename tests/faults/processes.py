"""Faults that happen to processes: signals, deaths, too little memory, exceptions of all sorts."""

from __future__ import annotations

import os
import signal
import time

from tests.faults.kinds import fault
from tests.faults.victim import RUN, Ended, Victim

__all__: list[str] = []

JOBS = ("run", "toy", "--out", "out", "--jobs", "2")
PAUSE = 0.4  # seconds between two of a series of kills
# What Linux answers where a process can't be started.
NO_FORK = """
import errno, os, subprocess, _posixsubprocess
from joblib.externals.loky.backend import fork_exec

def refused(*_, **__):
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

os.fork = subprocess._fork_exec = _posixsubprocess.fork_exec = refused
"""
LITTLE_MEMORY = """
import resource
with open("/proc/self/statm") as file:
    pages = int(file.read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (200 << 20),) * 2)
"""


def signalled(victim: Victim, *numbers: signal.Signals, group: bool) -> Ended:
    """A run in one process or in workers that gets signals in the middle."""
    started = victim.start(*victim.rng.choice((RUN, JOBS)))
    victim.half_drawn(started)
    for number in numbers:
        started.signal(number, group=group)
        time.sleep(victim.rng.uniform(0.0, PAUSE) if len(numbers) > 1 else 0.0)
    return started.wait()


def with_accident(victim: Victim, what: str, *arguments: str) -> Ended:
    """A run to some of whose blocks something happens."""
    victim.accident.write_text(what)
    return victim.run(*arguments)


@fault("kill -9 of the main process, at any moment", -signal.SIGKILL, 0)
def kill(victim: Victim) -> Ended:
    """At random between the start and the end, which may come before."""
    started = victim.start(*victim.rng.choice((RUN, JOBS)))
    moment = time.monotonic() + victim.rng.uniform(0.0, 2.5)
    started.sees(lambda: time.monotonic() > moment)
    victim.see()
    started.signal(signal.SIGKILL)
    return started.wait()


@fault("kill -9 of the process group", -signal.SIGKILL)
def kill_group(victim: Victim) -> Ended:
    """Workers and all."""
    return signalled(victim, signal.SIGKILL, group=True)


@fault("SIGTERM to the main process", 128 + signal.SIGTERM)
def sigterm(victim: Victim) -> Ended:
    """As schedulers do."""
    return signalled(victim, signal.SIGTERM, group=False)


@fault("SIGHUP to the process group", 128 + signal.SIGHUP)
def sighup(victim: Victim) -> Ended:
    """As a closed terminal does."""
    return signalled(victim, signal.SIGHUP, group=True)


@fault("Ctrl-C once", 130)
def ctrl_c(victim: Victim) -> Ended:
    """Which reaches the workers too."""
    return signalled(victim, signal.SIGINT, group=True)


@fault("Ctrl-C twice", 130, -signal.SIGINT)
def ctrl_c_twice(victim: Victim) -> Ended:
    """The second while the first is heeded, or while Python ends."""
    return signalled(victim, signal.SIGINT, signal.SIGINT, group=True)


@fault("Ctrl-C while workers start", 130)
def ctrl_c_at_start(victim: Victim) -> Ended:
    """Before the first block."""
    return _at_start(victim, signal.SIGINT, group=True)


@fault("SIGTERM while workers start", 128 + signal.SIGTERM)
def sigterm_at_start(victim: Victim) -> Ended:
    """They don't hear of it, and would miss what they are told."""
    return _at_start(victim, signal.SIGTERM, group=False)


def _at_start(victim: Victim, number: signal.Signals, *, group: bool) -> Ended:
    started = victim.start(*JOBS)
    started.sees(victim.journal.exists)
    time.sleep(victim.rng.uniform(0.0, PAUSE))
    started.signal(number, group=group)
    return started.wait()


@fault("kill -9 of a worker", 0)
def kill_worker(victim: Victim) -> Ended:
    """Which is drawing."""
    return _killing_workers(victim, 1)


@fault("kill -9 of workers, three times", 0, 3)
def kill_workers(victim: Victim) -> Ended:
    """As often as the kernel does that runs out of memory."""
    return _killing_workers(victim, 3)


def _killing_workers(victim: Victim, times: int) -> Ended:
    started = victim.start(*JOBS)
    victim.half_drawn(started)
    for _ in range(times):
        for worker in [] if started.has_ended else started.workers()[:1]:
            os.kill(worker, signal.SIGKILL)
        time.sleep(PAUSE if times > 1 else 0.0)
    return started.wait()


@fault("blocks that kill their worker every time, as long as the cause is there", 3)
def killing_blocks(victim: Victim) -> Ended:
    """Such as a fault of a library, or too much memory."""
    return with_accident(victim, "kill", *JOBS)


@fault("an allocation that is too large", 3)
def memory(victim: Victim) -> Ended:
    """In workers or here."""
    return with_accident(victim, "memory", *victim.rng.choice((RUN, JOBS)))


@fault("memory that runs out little by little (RLIMIT_AS)", 3)
def little_memory(victim: Victim) -> Ended:
    """Until a small piece is too much."""
    victim.accident.write_text("memory by and by")
    return victim.start(before=LITTLE_MEMORY).wait()


@fault("no memory to start a process with", 2)
def no_fork(victim: Victim) -> Ended:
    """Neither a worker nor the process in which first blocks are drawn again."""
    return victim.start(*victim.rng.choice((RUN, JOBS)), before=NO_FORK).wait()


@fault("a block that hangs, with `--block-timeout`", 3)
def hang(victim: Victim) -> Ended:
    """In workers or here."""
    chosen = victim.rng.choice((RUN, JOBS))
    return with_accident(victim, "hang", *chosen, "--block-timeout", "1s")


@fault("an exception whose text can't be made", 3)
def mute(victim: Victim) -> Ended:
    """Its `__str__` raises."""
    return with_accident(victim, "mute", *victim.rng.choice((RUN, JOBS)))


@fault("BaseException, GeneratorExit or CancelledError in `simulate`", 3)
def strange_exceptions(victim: Victim) -> Ended:
    """What no `except Exception` catches."""
    what = victim.rng.choice(("own", "closed", "cancelled"))
    return with_accident(victim, what, *victim.rng.choice((RUN, JOBS)))


@fault("kill -9 of a part (`shard`)", -signal.SIGKILL)
def kill_shard(victim: Victim) -> Ended:
    """It is drawn again and joined with the other."""
    words = ("shard", "1/2", "toy", "--out", "part1", "--executor", "serial")
    started = victim.start(*words)
    journal = victim.folder / "part1" / "toy" / "draws.sqlite"
    started.sees(journal.exists)
    time.sleep(victim.rng.uniform(0.0, 0.8))
    started.signal(signal.SIGKILL)
    ended = started.wait()
    _draw_parts(victim)
    return Ended(("merge", "part1", "part2", "--out", "out"), ended.code, ended.shown, ended.said)


@fault("kill -9 of a merge", -signal.SIGKILL, 0)
def kill_merge(victim: Victim) -> Ended:
    """At random, while it takes blocks, judges, or writes."""
    _draw_parts(victim)
    started = victim.start("merge", "part1", "part2", "--out", "out")
    started.sees(victim.journal.exists)
    time.sleep(victim.rng.uniform(0.0, 0.5))
    victim.see()
    started.signal(signal.SIGKILL)
    return started.wait()


def _draw_parts(victim: Victim) -> None:
    for number in (1, 2):
        done = victim.run("shard", f"{number}/2", "toy", "--out", f"part{number}", "--executor", "serial")
        assert done.code == 0, done
