"""What parts leave missing of a study, and the commands that draw it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from mcstudy.draws import Block
from mcstudy.engine.assignments import Assignment, folders
from mcstudy.engine.settings import Settings
from mcstudy.engine.shards import Shard

__all__ = ["Missing", "ranges"]


@dataclass(frozen=True)
class Missing:
    """The blocks that are not there, of those that parts draw.

    Attributes
    ----------
    settings : Settings
        Of the run that would draw them.
    blocks : tuple of Block
    planned : int
        How many blocks the study is to have.
    assignments : tuple of Assignment
        What the parts were to draw that are there.
    out : str
        Where they are joined.
    elsewhere : bool
        Whether they were drawn on other machines than this one.
    """

    settings: Settings
    blocks: tuple[Block, ...]
    planned: int
    assignments: tuple[Assignment, ...]
    out: str
    elsewhere: bool

    def lines(self) -> Iterator[str]:
        """What is missing, and the commands."""
        name = self.settings.study.name
        machine = "on a machine as theirs" if self.elsewhere else "on this machine"
        whole = f"{self.settings.command} --out {shlex.quote(self.out)}"
        if not self.blocks:  # what claims take that are still open is not dealt out
            yield f"{name}: all {self.planned:,} blocks that parts draw are there, and leave claims open"
            yield f"go on with them {machine}: {whole}"
            return
        head = f"{name}: {len(self.blocks):,} of {self.planned:,} blocks are missing"
        if of := self._number_of_parts():
            numbers = sorted({Shard.of_block(block, of).number for block in self.blocks})
            parts = "part" if len(numbers) == 1 else "parts"
            yield f"{head}, which belong to {parts} {ranges(numbers)} of {of}"
            command = self.settings.shard(f"$I/{of}")
            yield f"draw them: for I in {' '.join(map(str, numbers))}; do {command} --out {folders(self.assignments, of)}; done"
            yield "then merge what they draw too"
        else:
            yield head
        alone = "or all of them" if of else "draw them"
        yield f"{alone} {machine}: {whole}"

    def _number_of_parts(self) -> int:
        """Of how many parts most of them are; 0 where none is one."""
        counted = Counter(one.of for one in self.assignments).most_common(1)
        return counted[0][0] if counted else 0


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as schedulers read them.

    Examples
    --------
    >>> ranges([3, 17, 21, 22, 23, 24])
    '3,17,21-24'
    """
    runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    texts = []
    for _, pairs in runs:
        run = [number for _, number in pairs]
        texts.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ",".join(texts)
