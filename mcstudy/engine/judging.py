"""Loops over draws that others have made: what they take is checked as if they had drawn it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property

from mcstudy.draws import Block
from mcstudy.engine.blocks import Counts
from mcstudy.engine.joined import Joined, Taken
from mcstudy.engine.rows import Row
from mcstudy.engine.run import Loop
from mcstudy.engine.sources import Source
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import JournalError
from mcstudy.findings import Finding
from mcstudy.scenarios import Scenario

__all__ = ["Judging", "Taking"]


class Taking(Loop):
    """Takes blocks that others have drawn, as if it had drawn them."""

    journal: Joined

    def check(self, row: Row) -> None:
        """Refuse a block that breaks, together with others, a rule of what `simulate` returns.

        Raises
        ------
        StudyError
        """
        if scenario := self._places.get((row.experiment, row.scenario)):
            block = Block(scenario, row.number, row.experiment)
            self.guard.check(BlockResult(block, row.columns))

    @cached_property
    def _places(self) -> dict[tuple[str, str], Scenario]:
        return {(name, s.key): s for name, scenarios in self.scenarios.items() for s in scenarios}

    def take(self, source: Source, holder: Callable[[Row], str]) -> Taken:
        """Take the blocks of a part that are not here yet, and name those that a disk has damaged.

        Parameters
        ----------
        source : Source
        holder : callable
            Where the other drawing is of a block of which there are two.

        Raises
        ------
        JournalError
            If there are two contradictory drawings of a block.
        StudyError
            If a block breaks a rule of what `simulate` returns.
        """
        taken = self.journal.take(
            source, self.check, lambda row: self._contradiction(row, source.folder, holder(row))
        )
        for experiment, scenario, number in taken.damaged:
            place = f"{experiment} {scenario}:{number}".strip()
            self.progress.warn(
                f"{self.study.name}: block {place} was damaged in part {source.folder}, and is not taken from there"
            )
        return taken

    def _contradiction(self, row: Row, folder: str, holder: str) -> JournalError:
        """The error that names a block of which there are two drawings, and where they are."""
        block = Block(Scenario(**json.loads(row.scenario)), row.number, row.experiment)
        return JournalError(
            f"{self.study.name} {block} has other numbers or failures in part {folder} than in {holder}; see which are right "
            f"with: {self.settings.replay} {block.token}, leave the other out, and join anew: with --fresh, or another --out DIR"
        )


class Judging(Taking):
    """Looks at what parts have drawn as `run` does at what it draws, as far as that goes.

    Attributes
    ----------
    is_short : bool
        Whether a look wanted blocks that are not there.
    """

    is_short = False

    def can_look(self) -> bool:
        """Whether the blocks of the first look are all there."""
        return not self._missing(self._at_first())

    def _drop_failed(self) -> None:
        """Nothing is drawn again here, so that nothing gives way to it."""

    def _check_stored(self) -> None:
        if not self.journal.elsewhere:  # another machine may have other last bits
            super()._check_stored()

    def _wanted(self, findings: tuple[Finding, ...], counts: Counts) -> dict[tuple[str, Scenario], int]:
        wanted = super()._wanted(findings, counts)
        self.is_short = bool(self._missing(wanted))
        return {} if self.is_short else wanted

    def _warn_of_imprecise(self, findings: tuple[Finding, ...], counts: Counts) -> None:
        if not self.is_short:  # more draws are what is missing, not a higher limit
            super()._warn_of_imprecise(findings, counts)
