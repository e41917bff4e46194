"""A journal that takes the blocks of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mcstudy.engine.blocks import ENVIRONMENT
from mcstudy.engine.drawkey import Part, difference
from mcstudy.engine.journal import Journal
from mcstudy.engine.notes import noted
from mcstudy.engine.rows import Row
from mcstudy.engine.sources import Source
from mcstudy.exceptions import JournalError

__all__ = ["Joined", "Taken"]


@dataclass(frozen=True)
class Taken:
    """What became of the blocks of a part.

    Attributes
    ----------
    new, known : int
        Blocks that were taken, and that were here.
    damaged : tuple of block keys
    """

    new: int
    known: int
    damaged: tuple[tuple[str, str, int], ...]


class Joined(Journal):
    """A journal whose draws were made elsewhere: what they depend on is what their parts say, not this machine.

    Attributes
    ----------
    elsewhere : list of str
        In what this machine and its packages differ from what has drawn.
    """

    elsewhere: list[str]

    def __init__(self, path: Path | None, block_size: int, *, fresh: bool = False) -> None:
        super().__init__(path, block_size, fresh=fresh)
        self.elsewhere = []

    def adopt(self, keys: Mapping[str, Mapping[str, Part]]) -> None:
        """Note what the draws of a part depend on, where none are here that depend on the same."""
        for experiment, parts in keys.items():
            super().claim(experiment, parts)

    def drawn_keys(self) -> dict[str, dict[str, Part]]:
        """What the draws depend on that are here."""
        return {name: parts for name, parts in self.keys().items() if self._count(name)}

    def claim(self, experiment: str, parts: Mapping[str, Part]) -> None:
        """Compare what draws would depend on here with what those of the parts depend on.

        Raises
        ------
        JournalError
            If the study is another one than they have drawn; versions and machines may differ.
        """
        kept = self._kept_parts(experiment)
        if not kept:
            super().claim(experiment, parts)
            return
        if changed := difference(_of_study(kept), _of_study(parts)):
            name = f" of experiment {experiment}" if experiment else ""
            lines = [
                f"the parts have draws{name} that depend on something else than the study does now:",
                *changed,
            ]
            remedy = "go back to the study that they have drawn, or draw them again into other folders"
            raise JournalError("\n  ".join(lines) + "\n" + remedy)
        self.elsewhere = list(dict.fromkeys([*self.elsewhere, *difference(kept, parts)]))

    def take(
        self,
        source: Source,
        check: Callable[[Row], None],
        contradiction: Callable[[Row], JournalError],
    ) -> Taken:
        """Take the blocks of a part that are not here yet, one after the other: all of them or, on an error, none.

        Parameters
        ----------
        source : Source
        check : callable
            Raises where a new block breaks a rule of what `simulate` returns.
        contradiction : callable
            The error to raise for a block of which something else is here.

        Returns
        -------
        Taken
        """
        new, known, replaced, damaged = [], 0, 0, []
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection, closing(source.rows()) as rows:
            for row in rows:
                if not row.is_sound:
                    damaged.append(row.key)
                    continue
                kept = self.row(row.key)
                if kept is not None and not _gives_way(kept, row, contradiction):
                    known += 1
                    continue
                check(row)
                self._put(row)
                new.append(row.key)
                replaced += kept is not None
            self._note(source, len(new) - replaced)
        self._appended += new
        return Taken(len(new), known, tuple(damaged))

    def put(self, rows: Iterable[Row]) -> None:
        """Keep blocks as they are kept elsewhere, in the place of those that are here."""
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            for row in rows:
                self._put(row)

    def _put(self, row: Row) -> None:
        self._connection.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._remember(row)

    def _note(self, source: Source, new: int) -> None:
        """Note what a part was to draw, and what was to be made of it: a claim that has changed meanwhile is to be seen."""
        for assignment in source.assignments:
            self.note_assignment(assignment.to_json())
        known = {content for _, content in self.analyses()}
        if unknown := [(seen, content) for seen, content in source.analyses if content not in known]:
            before = self.replicates() - new * self.block_size
            since = [(max(seen, before), content) for seen, content in unknown]
            rows = [(seen, noted(seen, content)) for seen, content in since]
            self._connection.executemany("INSERT INTO analyses (seen, content) VALUES (?, ?)", rows)


def _of_study(parts: Mapping[str, Part]) -> dict[str, Part]:
    """What of a draw key is the study's, not the machine's."""
    return {name: part for name, part in parts.items() if part.kind not in ENVIRONMENT}


def _gives_way(kept: Row, row: Row, contradiction: Callable[[Row], JournalError]) -> bool:
    """Whether a block that is here is to be replaced: a process that died says nothing against numbers from elsewhere."""
    if kept.agrees(row) or row.is_quarantined:
        return False
    if kept.is_quarantined:
        return True
    raise contradiction(row)
