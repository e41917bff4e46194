"""Parts of a study, from any machine, become one journal; what is missing is said, and what is there is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcstudy.defaults import PROFILES
from mcstudy.engine.assignments import read_assignment
from mcstudy.engine.executors import Serial
from mcstudy.engine.joined import Joined, Taken
from mcstudy.engine.judging import Judging
from mcstudy.engine.limit import Limit
from mcstudy.engine.loading import STUDIES, apply_options, load_study
from mcstudy.engine.missing import Missing
from mcstudy.engine.progress import Progress
from mcstudy.engine.reading import reading
from mcstudy.engine.refusals import check_arguments
from mcstudy.engine.run import finished
from mcstudy.engine.settings import Settings
from mcstudy.engine.source import Origin
from mcstudy.engine.sources import JOURNAL, Source, check_alike
from mcstudy.exceptions import InputError, StudyError
from mcstudy.ledger import Ledger
from mcstudy.study import Study

__all__ = ["Merged", "merge"]


@dataclass(frozen=True)
class Merged:
    """What became of the parts of a study.

    Attributes
    ----------
    origin : Origin
    parts : int
    new, known : int
        Blocks that were taken, and that were there already.
    ledger : Ledger or None
        None where blocks of the first look are missing.
    missing : Missing or None
        What a look wanted that is not there, and all else that the study is to have.
    """

    origin: Origin
    parts: int
    new: int
    known: int
    ledger: Ledger | None
    missing: Missing | None

    @property
    def sentence(self) -> str:
        """What was joined."""
        known = f", {self.known:,} were there" if self.known else ""
        return f"{self.origin.study.name}: parts {self.parts:,}, blocks taken {self.new:,}{known}"


def merge(
    sources: Sequence[Source],
    *,
    out: str,
    profile: str | None = None,
    replicates: int | None = None,
    files: Sequence[str] = (),
    fresh: bool = False,
    progress: Progress | None = None,
) -> Merged:
    """Join parts of one study, judge its claims, write its report.

    Part by part is taken whole or not at all: an interruption costs the one that was under way, and the same command
    goes on. Of the parts nothing is changed.

    Parameters
    ----------
    sources : sequence of Source
        Parts of one study; one may stand twice.
    out : str
        The folder of the joined journal and of the report.
    profile, replicates : optional
        What is to be judged; default: what the parts were to draw.
    files : sequence of str
        Study files, where the study is not in ``./studies`` or where it was drawn from.
    fresh : bool
        Drop what was joined before.
    progress : Progress, optional

    Raises
    ------
    InputError
        If the study is not found, or the parts were to draw different amounts.
    JournalError
        If draws depend on something else than others, or than the study does now; if there are two contradictory
        drawings of one block; if a journal can't be read, or `out` is held by another run.
    StudyError
        If blocks together break a rule, such as two equal ones from different parts.
    """
    origin = _origin_of(sources, files)
    profile, replicates = _design(sources, profile, replicates)
    check_arguments(profile, sources[0].seed)
    limit = Limit.of(origin.study, profile, replicates=replicates)
    settings = Settings(origin, profile, sources[0].seed, "merge", len(sources), limit)
    folder = Path(out).resolve()
    path = folder / origin.study.name / JOURNAL
    with origin.active(), Joined(path, origin.study.block_size, fresh=fresh) as journal:
        check_alike([(out, journal.drawn_keys()), *((source.folder, source.keys) for source in sources)])
        for source in sources:
            journal.adopt(source.keys)
        merging = _Merging(sources, Judging(settings, journal, Serial(), progress or Progress()), out)
        return merging.go(folder)


class _Merging:
    """One merge into an open journal."""

    def __init__(self, sources: Sequence[Source], loop: Judging, out: str) -> None:
        self.sources, self.loop, self.out = sources, loop, out
        self.journal, self.settings, self.progress = loop.journal, loop.settings, loop.progress
        self.study = loop.study

    def go(self, folder: Path) -> Merged:
        """Take what is new, judge it as far as that goes, say what is missing."""
        self._warn()
        try:
            taken = [self._taken(source) for source in self.sources]
        except StudyError:
            self.journal.forget()
            raise
        can_look = self.loop.can_look()
        return Merged(
            origin=self.settings.origin,
            parts=len(self.sources),
            new=sum(one.new for one in taken),
            known=sum(one.known for one in taken),
            ledger=finished(self.loop, folder) if can_look else None,
            missing=self._missing() if not can_look or self.loop.is_short else None,
        )

    def _warn(self) -> None:
        """Say what is no mistake, but may be one."""
        name = self.study.name
        if differences := self.journal.elsewhere:
            self.progress.warn(
                f"{name}: no block is drawn again here, for the parts were drawn elsewhere: {'; '.join(differences)}"
            )
        numbers = sorted({one.of for source in self.sources for one in source.assignments})
        if len(numbers) > 1:
            self.progress.warn(
                f"{name}: there are parts of {', '.join(map(str, numbers))}; blocks that two have count once"
            )

    def _taken(self, source: Source) -> Taken:
        earlier = self.sources[: self.sources.index(source)]
        return self.loop.take(
            source,
            lambda row: next((one.folder for one in earlier if self._holds(one, row.key)), self.out),
        )

    def _holds(self, source: Source, key: tuple[str, str, int]) -> bool:
        with reading(source.journal) as blocks:
            return blocks.row(key) is not None

    def _missing(self) -> Missing:
        planned = self.loop.blocks(self.loop.design())
        done = self.journal.done()
        return Missing(
            self.settings,
            tuple(block for block in planned if block.key not in done),
            len(planned),
            tuple(filter(None, map(read_assignment, self.journal.assignments()))),
            self.out,
            bool(self.journal.elsewhere),
        )


def _design(sources: Sequence[Source], profile: str | None, replicates: int | None) -> tuple[str, int | None]:
    """How much is to be judged: what was asked for, else what all parts were to draw together."""
    assignments = [one for source in sources for one in source.assignments]
    is_open = replicates is None
    asked = {one.design if is_open else one.profile for one in assignments}
    if profile is None and len(asked) > 1:
        amounts = dict.fromkeys(one.words for one in assignments)
        option = "--profile, or --replicates" if is_open else "--profile"
        msg = f"parts of {sources[0].study} must be of one kind, got {' and '.join(amounts)}; say what to judge with {option}"
        raise InputError(msg)
    if profile is None and assignments:
        profile, common = assignments[0].design
        replicates = common if is_open else replicates
    return profile or PROFILES[0], replicates


def _origin_of(sources: Sequence[Source], files: Sequence[str]) -> Origin:
    """The study whose parts they are, with its options."""
    (origin,) = apply_options([_study_of(sources, files)], sources[0].options)
    return origin


def _study_of(sources: Sequence[Source], files: Sequence[str]) -> Study:
    name = sources[0].study
    named = [study for study in (load_study(_existing(file)) for file in files) if study.name == name]
    if named:
        return named[0]
    handles = dict.fromkeys(one.handle for source in sources for one in source.assignments)
    for path in (*(Path(handle) for handle in handles), STUDIES / f"{name}.py"):
        # A file from outside of this folder is not run because a part says so, which may be a stranger's.
        if path.suffix == ".py" and path.is_file() and path.resolve().is_relative_to(Path.cwd()):
            return load_study(path)
    drawn = f" (it was drawn as {', '.join(handles)})" if handles else ""
    msg = f"the study {name} must be in ./{STUDIES}, or its file be named{drawn}; add --study FILE, or change to the folder in which it was drawn"
    raise InputError(msg)


def _existing(file: str) -> Path:
    if not Path(file).is_file():
        msg = f"`--study` must be a study file, got {file}: no such file"
        raise InputError(msg)
    return Path(file)
