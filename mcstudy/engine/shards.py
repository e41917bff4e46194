"""Parts of a study: each process draws one into a journal of its own, and needs no file of another's."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from mcstudy.defaults import EXECUTOR, PROFILES, SEED
from mcstudy.draws import Block
from mcstudy.engine.assignments import Assignment
from mcstudy.engine.executors import Executor, executor_named
from mcstudy.engine.journal import Journal
from mcstudy.engine.keys import analysis_of
from mcstudy.engine.limit import Limit
from mcstudy.engine.progress import Progress
from mcstudy.engine.refusals import check_arguments
from mcstudy.engine.run import Loop
from mcstudy.engine.settings import Settings
from mcstudy.engine.source import Origin
from mcstudy.exceptions import InputError, StudyError

__all__ = ["Drawn", "Shard", "shard"]


@dataclass(frozen=True)
class Shard:
    """A part of a study, the one of this number of so many.

    Whether a block belongs to it follows from the block's address alone: not from the grid, nor from how many blocks
    there are. So any number of parts will do, parts of different numbers may be joined, and more replicates are more
    blocks for each.

    Examples
    --------
    >>> Shard.parse("3/200")
    Shard(number=3, of=200)
    """

    number: int
    of: int

    @staticmethod
    def parse(text: str) -> Shard:
        """The part that a command line names.

        Raises
        ------
        InputError
            If it names none.
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        number, of = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= of:
            parts = f"1/{of} to {of}/{of}" if of else "1/4, 2/4, 3/4 and 4/4"
            msg = f"`I/N` must be a part of a number of parts, from 1/N to N/N, got {text!r}; write {parts}"
            raise InputError(msg)
        return Shard(number, of)

    @staticmethod
    def of_block(block: Block, of: int) -> Shard:
        """The part that a block belongs to, of so many."""
        # Block by block around the parts: each gets as many of every scenario, up to one, and scenarios differ in what
        # they cost. Each begins elsewhere, lest the first parts get what is over of all.
        begin = zlib.crc32(f"{block.experiment}/{block.scenario.key}".encode())
        return Shard((begin + block.number) % of + 1, of)

    def has(self, block: Block) -> bool:
        """Whether a block belongs to it."""
        return Shard.of_block(block, self.of) == self

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class Drawn:
    """What became of a part.

    Attributes
    ----------
    study : str
    part : Shard
    drawn, kept : int
        Blocks that were drawn now, and that had been before.
    planned : int
        Blocks of the whole study.
    failed : int
        Replicates of the part that failed.
    quarantined : int
        Blocks of the part whose process died twice.
    folder : str
    """

    study: str
    part: Shard
    drawn: int
    kept: int
    planned: int
    failed: int
    quarantined: int
    folder: str

    @property
    def sentence(self) -> str:
        """What is said of it."""
        total = self.drawn + self.kept
        if not total:
            return f"part {self.part} of {self.study} has nothing to draw: the study has {self.planned:,} blocks, and all belong to other parts"
        before = f" ({self.kept:,} before)" if self.kept else ""
        failed = f", {self.failed:,} replicates failed" if self.failed else ""
        return f"part {self.part} of {self.study}: {total:,} of {self.planned:,} blocks{before}{failed}, in {self.folder}"


def shard(
    origin: Origin,
    part: Shard,
    *,
    out: str,
    profile: str = PROFILES[0],
    seed: int = SEED,
    jobs: int | None = None,
    executor: str | Executor = EXECUTOR,
    fresh: bool = False,
    replicates: int | None = None,
    retry_failures: bool = False,
    block_timeout: float | None = None,
    progress: Progress | None = None,
) -> Drawn:
    """Draw what is missing of a part: of all that a profile may draw, or of so many replicates of every scenario.

    Parameters
    ----------
    origin : Origin
        The study, with the options of its own that were given.
    part : Shard
    out : str
        The folder, as `run` writes one: it may be looked at, and be gone on with by `run`.
    profile, seed, jobs, executor, fresh, replicates, retry_failures, block_timeout, progress
        As of `run`.

    Returns
    -------
    Drawn

    Raises
    ------
    InputError, StudyError, JournalError
        As of `run`.
    """
    check_arguments(profile, seed, block_timeout)
    chosen = executor_named(executor, jobs) if isinstance(executor, str) else executor
    limit = Limit.of(origin.study, profile, replicates=replicates, jobs=chosen.jobs)
    settings = Settings(origin, profile, seed, chosen.name, chosen.jobs, limit, retry_failures, block_timeout)
    path = Path(out).resolve() / origin.study.name / "draws.sqlite"
    with origin.active(), Journal(path, origin.study.block_size, fresh=fresh) as journal:
        loop = _Drawing(settings, journal, chosen, progress or Progress())
        assignment = Assignment(
            part.number, part.of, origin.command, profile, int(limit.replicates) if limit.exact else None, out
        )
        return loop.draw(part, assignment)


class _Drawing(Loop):
    """Draws a part and judges nothing."""

    def draw(self, part: Shard, assignment: Assignment) -> Drawn:
        """Draw what is missing of the part; a `simulate` that breaks a rule leaves no draws behind."""
        planned = self.blocks(self.design())
        own = [block for block in planned if part.has(block)]
        done = self.journal.done()
        missing = [block for block in own if block.key not in done]
        self.progress.look(f"{self.study.name}, part {part}", 1, len(missing))
        try:
            self._check_stored()
            if not done:
                self.journal.note_analysis(analysis_of(self.study), 0)
            if own:
                self.journal.note_assignment(assignment.to_json())
            self._draw(missing)
        except StudyError:
            self.journal.forget()
            raise
        return Drawn(
            self.study.name,
            part,
            len(missing),
            len(own) - len(missing),
            len(planned),
            self.journal.failed(),
            self.journal.quarantined(),
            assignment.out,
        )
