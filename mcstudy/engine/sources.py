"""Parts that are to be joined: folders that `shard` or `run` have written, of which nothing is changed."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcstudy.engine.assignments import Assignment, read_assignment
from mcstudy.engine.drawkey import Part, difference
from mcstudy.engine.journal import is_held
from mcstudy.engine.progress import Progress
from mcstudy.engine.reading import is_begun, reading
from mcstudy.engine.rows import Row
from mcstudy.exceptions import InputError, JournalError

__all__ = ["JOURNAL", "Source", "check_alike", "source_at", "sources_by_study"]

JOURNAL = "draws.sqlite"
Keys = Mapping[str, Mapping[str, Part]]


@dataclass(frozen=True)
class Source:
    """A part of a study, to be read.

    Attributes
    ----------
    folder : str
        As it was named.
    journal : Path
    keys : mapping from str to mapping from str to Part
        What the draws of each experiment depend on.
    assignments : tuple of Assignment
        What it was to draw; empty where `run` has drawn.
    analyses : tuple of (int, str)
        What was to be made of its draws, each with the replicates that had been seen by then.
    """

    folder: str
    journal: Path
    keys: Keys
    assignments: tuple[Assignment, ...]
    analyses: tuple[tuple[int, str], ...]

    def rows(self) -> Generator[Row, None, None]:
        """Its blocks as they are kept, those that were damaged too.

        Raises
        ------
        JournalError
            If its journal can't be read to the end.
        """
        with _told(self.folder), reading(self.journal) as blocks:
            yield from blocks.rows()

    @property
    def study(self) -> str:
        """The study's name."""
        return self._setting("study")

    @property
    def seed(self) -> int:
        """The seed of its draws."""
        return int(self._setting("seed"))

    @property
    def options(self) -> list[tuple[str, str]]:
        """The study's own options."""
        if self.assignments:
            return self.assignments[0].options
        words = self._setting("options").split()
        return [
            (name.removeprefix("--"), value) for name, value in zip(words[::2], words[1::2], strict=False)
        ]

    def _setting(self, name: str) -> str:
        parts = next(iter(self.keys.values()))
        return parts[f"{name} of the run"].text


def sources_by_study(folders: Sequence[str], out: str, progress: Progress) -> list[list[Source]]:
    """The parts in folders, study by study; those that have no draws yet, because their process died before, are named.

    Parameters
    ----------
    folders : sequence of str
    out : str
        Where they are to be joined.
    progress : Progress

    Raises
    ------
    InputError
        If a folder is none of a part, or is `out` itself, or none of them has draws.
    JournalError
        If a part is drawn at the moment, or can't be read.
    """
    found: dict[str, list[Source]] = {}
    for folder in folders:
        sources = [
            source_at(folder, path) for path in _journals(folder) if _is_ready(folder, path, Path(out))
        ]
        for source in sources:
            found.setdefault(source.study, []).append(source)
        if not sources:
            progress.warn(f"part {folder} has no draws: its process ended before the first")
    if not found:
        msg = f"`DIR` must be folders of parts that have draws, got {', '.join(folders)}; draw them"
        raise InputError(msg)
    return list(found.values())


def _journals(folder: str) -> list[Path]:
    """The journals of the studies in a folder; the folder of one study is one too."""
    place = Path(folder)
    found = [*sorted(place.glob(f"*/{JOURNAL}")), *place.glob(JOURNAL)]
    if not found and not any(place.glob("*/draws.lock")):
        wrong = f"which has no STUDY/{JOURNAL}" if place.is_dir() else "which is no folder"
        msg = f"`DIR` must be a folder that `mcstudy shard` or `mcstudy run` has written, got {folder}, {wrong}; leave it out, or draw the part"
        raise InputError(msg)
    return found


def _is_ready(folder: str, journal: Path, out: Path) -> bool:
    """Whether a journal may be read, and has something to read."""
    target = out / journal.parent.name / JOURNAL
    if target.exists() and target.samefile(journal):
        msg = f"`--out` must be another folder than those of the parts, got {folder} for both; name a new one"
        raise InputError(msg)
    if is_held(journal):
        msg = f"part {folder} is drawn at the moment; wait for it to end, or leave it out"
        raise JournalError(msg)
    with _told(folder):
        return is_begun(journal)


def source_at(folder: str, journal: Path) -> Source:
    """The part that a journal holds.

    Raises
    ------
    JournalError
        If it can't be read.
    """
    with _told(folder), reading(journal) as blocks:
        read = map(read_assignment, blocks.assignments())
        return Source(folder, journal, blocks.keys(), tuple(filter(None, read)), tuple(blocks.analyses()))


@contextmanager
def _told(folder: str) -> Iterator[None]:
    """Say which part an error of reading is about, and what to do there: its journal is not the one that is written."""
    try:
        yield
    except JournalError as error:
        wrong = str(error).partition("; ")[0]
        msg = f"part {folder} can't be joined: {wrong}; leave it out, or draw it again into another folder"
        raise JournalError(msg) from error


def check_alike(keys: Iterable[tuple[str, Keys]]) -> None:
    """Refuse draws that depend on something else than others.

    Parameters
    ----------
    keys : iterable of (where the draws are, what each experiment depends on)

    Raises
    ------
    JournalError
        The message says in what they differ.
    """
    first: dict[str, tuple[str, Mapping[str, Part]]] = {}
    for place, experiments in keys:
        for experiment, parts in experiments.items():
            known, those = first.setdefault(experiment, (place, parts))
            if changed := difference(those, parts):
                name = f" of experiment {experiment}" if experiment else ""
                lines = [
                    f"the draws{name} in {place} depend on something else than those in {known}:",
                    *changed,
                ]
                remedy = "leave one of the two out, draw it again as the other, or join them apart, each with its own --out DIR"
                raise JournalError("\n  ".join(lines) + "\n" + remedy)
