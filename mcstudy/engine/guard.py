"""The rules for what `simulate` returns, as far as one block alone can't show their breach."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Block
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import StudyError
from mcstudy.study import Study

__all__ = ["Guard"]

# A run has at most some 10^6 blocks, 10^12 pairs: among them a coincidence stays one in a million.
COINCIDENCE = 1e-18


@dataclass
class Guard:
    """Watches the results of a run and stops it where the study broke a rule.

    Parameters
    ----------
    study : Study
    columns : dict from str to tuple of str
        By experiment, the columns of the blocks that an earlier run has drawn.
    replay : str
        The command that draws a block again, up to the block's name.
    """

    study: Study
    columns: dict[str, tuple[str, ...]]
    replay: str
    _seen: dict[tuple[str, str, str], Block] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for experiment in list(self.columns):
            self._check_claims(experiment)

    def check(self, result: BlockResult) -> None:
        """Raise where the block, or the block together with earlier ones, breaks a rule.

        Raises
        ------
        StudyError
            If `simulate` broke a rule.
        ClaimError
            If a claim reads a column that its `simulate` does not return.
        """
        if result.misuse:
            raise self._error(result.block, result.misuse)
        if result.threads > 1:
            rule = f"`simulate` must leave BLAS at one thread, got {result.threads}: thread counts change results"
            raise self._error(result.block, rule)
        if result.data is not None:
            self._check_names(result.block, result.data.dtype.names or ())
            self._check_distinct(result.block, result.data)

    def _check_names(self, block: Block, names: tuple[str, ...]) -> None:
        if block.experiment not in self.columns:
            self.columns[block.experiment] = names
            self._check_claims(block.experiment)
        known = self.columns[block.experiment]
        if set(names) != set(known):
            rule = f"`simulate` must return the same columns in every block, got {', '.join(names)} after {', '.join(known)}"
            raise self._error(block, rule)

    def _check_claims(self, experiment: str) -> None:
        others = {name: columns for name, columns in self.columns.items() if name != experiment}
        self.study[experiment].check_columns(self.columns[experiment], others)

    def _check_distinct(self, block: Block, data: npt.NDArray[Any]) -> None:
        """Refuse two equal blocks that chance can't have made equal; with common factors, of one scenario."""
        if not _is_random(data):
            return
        scope = block.scenario.key if self.study[block.experiment].common else ""
        key = (block.experiment, scope, hashlib.sha256(data.tobytes()).hexdigest())
        before = self._seen.setdefault(key, block)
        if before != block:
            rule = f"`simulate` must draw from its `rng`, but {before} is identical"
            raise self._error(block, rule)

    def check_repeated(self, result: BlockResult, before: npt.NDArray[Any] | None) -> None:
        """Refuse a block that came out otherwise when it was drawn again.

        Raises
        ------
        StudyError
        """
        if result.data is None or before is None or result.data.tobytes() == before.tobytes():
            return
        rule = (
            "`simulate` must give the same block whenever it is drawn, but a second time it gave another; use no "
            "randomness but `rng`, and neither clocks nor what earlier calls left behind"
        )
        raise self._error(result.block, rule)

    def _error(self, block: Block, rule: str) -> StudyError:
        again = f"{self.replay} {block.token}"
        return StudyError(f"study {self.study.name} {block}: {rule}\nsee it again with: {again}")


def _is_random(data: npt.NDArray[Any]) -> bool:
    """Whether chance can't have made two blocks equal: two of them would agree in every column."""
    return any(_agreement(data[name]) < COINCIDENCE for name in data.dtype.names or ())


def _agreement(column: npt.NDArray[np.float64]) -> float:
    """The probability that two independent blocks agree in a column, by the shares of its own values."""
    _, counts = np.unique(column, return_counts=True)
    same = float(np.sum(np.square(counts / column.size)))  # that two replicates agree
    return math.exp(column.size * math.log(same))
