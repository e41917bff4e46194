"""The rules for what `simulate` returns, as far as one block alone can't show their breach."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Scenario
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import StudyError
from mcstudy.study import Study

__all__ = ["Guard"]


@dataclass
class Guard:
    """Watches the results of a run and stops it where the study broke a rule.

    Parameters
    ----------
    study : Study
    columns : tuple of str or None
        The columns of the blocks that an earlier run has drawn.
    replay_command : callable
        (scenario, block) -> the command that shows the breach again.
    """

    study: Study
    columns: tuple[str, ...] | None
    replay_command: Callable[[Scenario, int], str]
    _seen: dict[tuple[str, str], tuple[Scenario, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.columns is not None:
            self.study.check_columns(self.columns)

    def check(self, result: BlockResult) -> None:
        """Raise where the block, or the block together with earlier ones, breaks a rule.

        Raises
        ------
        StudyError
            If `simulate` broke a rule.
        ClaimError
            If a claim reads a column that `simulate` does not return.
        """
        if result.misuse:
            raise self._error(result, result.misuse)
        if result.threads > 1:
            rule = f"`simulate` must leave BLAS at one thread, got {result.threads}: thread counts change results"
            raise self._error(result, rule)
        if result.data is not None:
            self._check_names(result, result.data.dtype.names or ())
            self._check_distinct(result, result.data)

    def _check_names(self, result: BlockResult, names: tuple[str, ...]) -> None:
        if self.columns is None:
            self.study.check_columns(names)
            self.columns = names
        if set(names) != set(self.columns):
            rule = f"`simulate` must return the same columns in every block, got {', '.join(names)} after {', '.join(self.columns)}"
            raise self._error(result, rule)

    def _check_distinct(self, result: BlockResult, data: npt.NDArray[Any]) -> None:
        """Refuse two equal blocks that chance can't have made equal; with common factors, of one scenario."""
        if not _is_random(data):
            return
        scope = result.scenario.key if self.study.common else ""
        key = (scope, hashlib.sha256(data.tobytes()).hexdigest())
        scenario, number = self._seen.setdefault(key, (result.scenario, result.number))
        if (scenario, number) != (result.scenario, result.number):
            rule = f"`simulate` must draw from its `rng`, but block {number} of ({scenario}) is identical"
            raise self._error(result, rule)

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
        raise self._error(result, rule)

    def _error(self, result: BlockResult, rule: str) -> StudyError:
        where = f"study {self.study.name} ({result.scenario}), block {result.number}"
        again = self.replay_command(result.scenario, result.number)
        return StudyError(f"{where}: {rule}\nsee it again with: {again}")


def _is_random(data: npt.NDArray[Any]) -> bool:
    """Whether some column has many distinct values that are no integers."""
    columns = [data[name] for name in data.dtype.names or ()]
    return any(
        len(np.unique(column)) >= max(4, len(column) // 2) and bool(np.any(column != np.rint(column)))
        for column in columns
    )
