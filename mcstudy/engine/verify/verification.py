"""All three levels on a ledger, what they amount to in a sentence, and as a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcstudy._version import __version__
from mcstudy.engine.executors import Executor, executor_named
from mcstudy.engine.verify.again import NAME as DRAWN
from mcstudy.engine.verify.again import drawn_again
from mcstudy.engine.verify.intact import VERIFICATION, intact
from mcstudy.engine.verify.levels import Level, Outcome
from mcstudy.engine.verify.sample import BLOCKS
from mcstudy.engine.verify.source import NAME as SOURCE
from mcstudy.engine.verify.source import origin_of, same_source
from mcstudy.engine.verify.target import Target
from mcstudy.exceptions import InputError
from mcstudy.ledger import Ledger

__all__ = ["Verification", "verify"]


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes
    ----------
    file : Path
        The ledger.
    levels : tuple of Level
        Intact, same source, drawn again.
    study, draws : str
        The study's name and the digest of its draws; empty where the ledger can't be believed.
    """

    file: Path
    levels: tuple[Level, ...]
    study: str = ""
    draws: str = ""

    @property
    def code(self) -> int:
        """The exit code: 0 verified, 1 something differs, 3 something can't be read or drawn."""
        outcomes = {level.outcome for level in self.levels}
        return 1 if Outcome.DIFFERS in outcomes else 3 if Outcome.UNKNOWN in outcomes else 0

    def lines(self) -> list[str]:
        """What was found: the ledger's name, a line a level, and below a level what differs."""
        found = [str(self.file)]
        for level in self.levels:
            found += [f"  {level}", *(f"    {line}" for line in level.details)]
        return found

    @property
    def sentence(self) -> str:
        """What a referee may paste."""
        name = (
            f"The results of the study {self.study} (draws sha256 {self.draws[:12]}) were"
            if self.study
            else "This ledger was"
        )
        some = any(level.outcome is Outcome.VERIFIED for level in self.levels)
        verdict = {0: "verified", 1: "found to differ", 3: "verified in part" if some else "not verified"}[
            self.code
        ]
        found = "; ".join(map(_told, self.levels))
        return f"{name} {verdict} with mcstudy {__version__} on {datetime.now(UTC):%Y-%m-%d} ({found})."

    def to_json(self) -> str:
        """The text of ``verification.json``."""
        content: dict[str, Any] = {
            "ledger": self.file.name,
            "study": self.study,
            "draws": self.draws,
            "mcstudy": __version__,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "code": self.code,
            "levels": [
                {
                    "name": one.name,
                    "outcome": one.outcome.value,
                    "text": one.text,
                    "details": list(one.details),
                }
                for one in self.levels
            ],
            "sentence": self.sentence,
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def write(self) -> Path | None:
        """Write ``verification.json`` beside the ledger; None where nothing can be written, as on a read-only medium.

        Nothing is written beside what is no ledger at all: anything may be named on a command line.
        """
        if self.file.suffix != ".json":
            return None
        path = self.file.with_name(VERIFICATION)
        try:
            path.write_text(self.to_json(), encoding="utf-8")
        except OSError:
            return None
        return path


def _told(level: Level) -> str:
    outcome = "" if level.outcome is Outcome.VERIFIED else f"{level.outcome}, "
    return f"{level.name}: {outcome}{level.text}"


def verify(
    target: Target, *, number: int | None = BLOCKS, jobs: int | None = None, executor: Executor | None = None
) -> Verification:
    """Verify a ledger and what lies beside it.

    Parameters
    ----------
    target : Target
    number : int or None
        How many blocks are drawn again, which the digest of the draws chooses; None means all.
    jobs : int, optional
        Worker processes; default: all cores.
    executor : Executor, optional
        Where blocks are drawn; default: in worker processes.

    Raises
    ------
    InputError
        If `number` or `jobs` is no positive number.
    """
    if number is not None and number < 1:
        msg = f"`blocks` must be at least 1, got {number}"
        raise InputError(msg)
    first = intact(target)
    if first.ledger is None:
        rest = [Level(name, Outcome.UNKNOWN, "the ledger can't be believed") for name in (SOURCE, DRAWN)]
        return Verification(target.file, (first.level, *rest))
    chosen = executor or executor_named("joblib", jobs)
    others = _of_source(target, first.ledger, chosen, number, journal=first.journal)
    return Verification(
        target.file, (first.level, *others), first.ledger.study.name, first.ledger.digests.get("draws", "")
    )


def _of_source(
    target: Target, ledger: Ledger, executor: Executor, number: int | None, *, journal: bool
) -> tuple[Level, Level]:
    """The two levels that need the study."""
    origin, why = origin_of(target, ledger)
    if origin is None:
        return Level(SOURCE, Outcome.UNKNOWN, why), Level(
            DRAWN, Outcome.UNKNOWN, "nothing can be drawn without the source"
        )
    return (
        same_source(ledger, origin),
        drawn_again(target, ledger, origin, executor, number=number, journal=journal),
    )
