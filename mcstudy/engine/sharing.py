"""A run that many processes draw together, in a folder that they share, from look to look until all is decided.

Every process goes through the same looks: it judges all draws itself, and what it finds follows from them alone. So it
knows without a word which blocks come next. They are drawn in batches, each under a lease. A batch that is finished
appears in the folder as a whole, as a part that could be merged, and all others take it from there.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
import uuid
from pathlib import Path

from mcstudy.defaults import EXECUTOR, PROFILES, SEED
from mcstudy.draws import Block
from mcstudy.engine.blocks import ENVIRONMENT, digest_of_keys
from mcstudy.engine.executors import Executor, executor_named
from mcstudy.engine.joined import Joined
from mcstudy.engine.judging import Taking
from mcstudy.engine.keys import analysis_of
from mcstudy.engine.leases import lease
from mcstudy.engine.limit import UNTIL, Limit
from mcstudy.engine.progress import Progress
from mcstudy.engine.reading import is_begun
from mcstudy.engine.refusals import check_arguments
from mcstudy.engine.run import finished, write
from mcstudy.engine.settings import Settings
from mcstudy.engine.shards import Shard
from mcstudy.engine.source import Origin
from mcstudy.engine.sources import JOURNAL, check_alike, source_at
from mcstudy.exceptions import InputError, JournalError, McstudyError
from mcstudy.ledger import Ledger

__all__ = ["check_shared", "share"]

SHARED = ".shared"  # beside the studies' folders, where a glob of parts does not see it
BATCHES = 64  # of a look: as many processes can be busy at once, and a killed one loses no more than one
PAUSE = 0.5  # seconds between two glances at what others are drawing


def check_shared(part: str, *, fresh: bool, replicates: int | None) -> None:
    """Refuse what goes with a part only.

    Raises
    ------
    InputError
    """
    given = {
        part: re.fullmatch("[0-9]+/[0-9]+", part),
        "--fresh": fresh,
        "--replicates": replicates is not None,
    }
    if wrong := [word for word, is_given in given.items() if is_given]:
        msg = f"`{wrong[0]}` must stand without --until, with which processes share one folder and draw what is undecided; leave one of them out"
        raise InputError(msg)


def share(
    origin: Origin,
    *,
    out: str,
    profile: str = PROFILES[0],
    seed: int = SEED,
    jobs: int | None = None,
    executor: str | Executor = EXECUTOR,
    block_timeout: float | None = None,
    progress: Progress | None = None,
) -> Ledger:
    """Draw a study together with other processes until it is decided; the first that is done writes the report.

    Processes may come and go: what one has finished is there for all, and what one was drawing when it was killed is
    drawn by another a minute later.

    Parameters
    ----------
    origin : Origin
        The study, with the options of its own that were given.
    out : str
        The folder that all share: of one machine, or of a file server.
    profile, seed, jobs, executor, block_timeout, progress
        As of `run`.

    Returns
    -------
    Ledger
        That of ``run(until="decided")``.

    Raises
    ------
    InputError, StudyError
        As of `run`.
    JournalError
        If draws in the folder depend on something else, such as another kind of processor.
    """
    check_arguments(profile, seed, block_timeout)
    chosen = executor_named(executor, jobs) if isinstance(executor, str) else executor
    limit = Limit.of(origin.study, profile, until=UNTIL, jobs=chosen.jobs)
    settings = Settings(origin, profile, seed, chosen.name, chosen.jobs, limit, block_timeout=block_timeout)
    folder = Path(out).resolve()
    (folder / SHARED).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / JOURNAL
        with origin.active(), Joined(path, origin.study.block_size) as journal:
            ledger = finished(_Sharing(settings, journal, chosen, progress or Progress(), folder), None)
        while not _is_written(ledger, folder):
            with lease(folder / SHARED / f"{origin.study.name}.report") as held:
                if held:
                    _keep(path, folder / origin.study.name / JOURNAL, origin.study.block_size)
                    write(ledger, folder)
                    break
            time.sleep(PAUSE)
    return ledger


def _is_written(ledger: Ledger, folder: Path) -> bool:
    """Whether another process has written the same report."""
    from mcstudy.report import read_ledger

    name = ledger.study.name
    try:
        there = read_ledger(folder / name / "ledger.json").digests
    except McstudyError:
        return False
    return (
        there == ledger.digests and (folder / name / JOURNAL).exists() and (folder / f"{name}.html").exists()
    )


def _keep(journal: Path, target: Path, block_size: int) -> None:
    """Take the draws of a journal into the one that `run` goes on with, which may have others too."""
    msg = f"the journal {target} has other draws than this run; move it away, and run the same command again"
    with Joined(target, block_size) as kept:
        source = source_at(str(journal.parent), journal)
        kept.adopt(source.keys)
        kept.take(source, lambda _: None, lambda _: JournalError(msg))


class _Sharing(Taking):
    """Draws what no other process does, and takes what the others have drawn."""

    def __init__(
        self, settings: Settings, journal: Joined, executor: Executor, progress: Progress, out: Path
    ) -> None:
        super().__init__(settings, journal, executor, progress)
        self.shared = out / SHARED
        self.recipe = digest_of_keys(self.journal.keys(), without=ENVIRONMENT)
        kept = out / self.study.name / JOURNAL
        if kept.exists() and is_begun(kept):  # from an earlier run, or from processes that have ended
            self._take(str(out), kept)

    def _draw(self, missing: list[Block]) -> None:
        waiting = self._batches(missing)
        while waiting:
            done = [name for name, blocks in waiting.items() if self._is_done(name, blocks)]
            for name in done:
                del waiting[name]
            if not done:
                time.sleep(PAUSE)

    def _batches(self, missing: list[Block]) -> dict[str, list[Block]]:
        """Blocks by the name of their batch, under which every process knows it."""
        dealt: dict[int, list[Block]] = {}
        for block in missing:
            dealt.setdefault(Shard.of_block(block, BATCHES).number, []).append(block)
        return {self._named(blocks): blocks for blocks in dealt.values()}

    def _named(self, blocks: list[Block]) -> str:
        content = json.dumps([self.recipe, sorted(block.key for block in blocks)])
        return f"{self.study.name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"

    def _is_done(self, name: str, blocks: list[Block]) -> bool:
        """Whether a batch is here now, drawn by this process or by another."""
        batch = self.shared / name
        if not batch.exists():
            with lease(self.shared / f"{name}.lease") as held:
                if not held:
                    return False
                if not batch.exists():
                    super()._draw(blocks)
                    self._publish(batch, blocks)
                    return True
        self._take(str(batch), batch / self.study.name / JOURNAL)
        if lacking := [block for block in blocks if self.journal.row(block.key) is None]:
            super()._draw(lacking)  # a disk has damaged them
        return True

    def _take(self, folder: str, path: Path) -> None:
        source = source_at(folder, path)
        check_alike([("this process", self.journal.keys()), (folder, source.keys)])
        self.take(source, lambda _: "another batch")

    def _publish(self, batch: Path, blocks: list[Block]) -> None:
        """Show a batch to the others, as a whole."""
        beside = self.shared / f".{uuid.uuid4().hex}"
        with Joined(beside / self.study.name / JOURNAL, self.study.block_size) as part:
            part.adopt(self.journal.keys())
            part.note_analysis(analysis_of(self.study), 0)
            part.put(row for block in blocks if (row := self.journal.row(block.key)))
        try:
            beside.rename(batch)
        except OSError:
            if not batch.exists():
                raise
            shutil.rmtree(beside)  # another process had the lease too, and was faster
