"""What a kind of fault is, and how one is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.victim import Ended, Victim

__all__ = ["KINDS", "Fault", "ImpossibleError", "Outcome", "fault", "suffer"]

Do = Callable[[Victim], Ended]


class ImpossibleError(Exception):
    """A fault can't be made on this machine; the text says what it needs."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes
    ----------
    name : str
        For the command line.
    what : str
        What is done, for the table.
    codes : tuple of int
        The exit codes that the manual has for it; minus a signal's number where that ends the process.
    do : callable
        Makes it happen once: how the run ended that met it.
    """

    name: str
    what: str
    codes: tuple[int, ...]
    do: Do


@dataclass(frozen=True)
class Outcome:
    """What came of one fault, and of the command that was named then.

    Attributes
    ----------
    ended : Ended
    again : Ended
        The run that was named.
    destroyed, lost : int
        Finished blocks: those that the fault itself destroyed, and others that were drawn again or are missing.
    equal : bool
        Whether the digests are those of an undisturbed run.
    faults : tuple of str
        What is not as it should be.
    """

    ended: Ended
    again: Ended
    destroyed: int
    lost: int
    equal: bool
    faults: tuple[str, ...]


KINDS: dict[str, Fault] = {}


def fault(what: str, *codes: int) -> Callable[[Do], Do]:
    """Enter a kind of fault, under the name of its function."""

    def enter(do: Do) -> Do:
        name = do.__name__.replace("_", "-")
        KINDS[name] = Fault(name, what, codes, do)
        return do

    return enter


def suffer(kind: Fault, victim: Victim, right: dict[str, str]) -> Outcome:
    """Let a fault happen to a fresh victim, and do what the message says.

    Parameters
    ----------
    kind : Fault
    victim : Victim
    right : dict
        The digests of an undisturbed run.
    """
    victim.begin_again()
    ended = kind.do(victim)
    victim.accident.unlink(missing_ok=True)
    victim.see()
    if "move it away" in " ".join(ended.lines) and "--fresh" not in ended.named:
        victim.journal.unlink()
    if "--fresh" in ended.named:  # what is damaged so far that it is refused as a whole
        victim.destroyed += len(victim.seen)
        victim.seen = {}
    again = victim.run(*ended.named)
    equal = victim.ledger.exists() and victim.digests() == right
    found = {
        f"exit code {ended.code}": ended.code not in kind.codes,
        "a traceback": not (ended.is_quiet and again.is_quiet),
        f"{len(ended.lines)} lines": not _says_enough(ended),
        f"exit code {again.code} afterwards": again.code != 0,
        f"{victim.lost} blocks lost": victim.lost > 0,
        "other digests": not equal,
    }
    return Outcome(
        ended,
        again,
        victim.destroyed,
        victim.lost,
        equal,
        tuple(text for text, wrong in found.items() if wrong),
    )


def _says_enough(ended: Ended) -> bool:
    """Whether a run that came to nothing says why, in one line; one that was killed may have done so before."""
    return len(ended.lines) == 1 if ended.code > 1 else len(ended.lines) == 0 or ended.code < 0
