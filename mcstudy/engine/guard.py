"""The rules for what `simulate` returns, as far as one block alone can't show their breach."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Block
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import StudyError
from mcstudy.study import Study

__all__ = ["Guard"]

COINCIDENCE = 1e-6  # the chance, in a run, that honest blocks are refused for being equal
# The same for a column of a scenario, of which a run has up to a million.
REPETITION = 1e-12
WIDTH = 16  # bytes of a digest: of 10^9 columns two are taken for one with a chance of 10^-21


@dataclass(slots=True)
class _First:
    """The first block of a scenario with digests of its columns, and how many other blocks have had each of them."""

    block: Block
    digests: bytes
    equal: Counter[str] | None = None  # few need one, and there may be 100,000 scenarios
    drawn: int = 0


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
    _seen: dict[bytes, Block] = field(default_factory=dict)
    _again: Counter[bytes] = field(default_factory=Counter)
    _drawn: Counter[str] = field(default_factory=Counter)
    _first: dict[tuple[str, str], _First] = field(default_factory=dict)

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
            names = self.columns[result.block.experiment]
            digests = b"".join(_digest(result.data[name].tobytes()) for name in names)
            self._check_distinct(result.block, result.data, digests)
            self._check_columns(result.block, result.data, digests)

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

    def _check_distinct(self, block: Block, data: npt.NDArray[Any], digests: bytes) -> None:
        """Refuse two equal blocks that chance can't have made equal; with common factors, of one scenario."""
        place = f"{block.experiment}/{block.scenario.key if self.study[block.experiment].common else ''}"
        self._drawn[place] += 1
        key = _digest(place.encode() + digests)
        first = self._seen.setdefault(key, block)
        if first is block:
            return
        self._again[key] += 1
        # Columns may hang together: all of them are at most as likely as the least likely one.
        likeliest = min((_likelihood(data[name]) for name in data.dtype.names or ()), default=0.0)
        if _by_chance(likeliest, self._again[key] + 1, self._drawn[place]) < COINCIDENCE:
            rule = f"`simulate` must draw from its `rng`, but {first} is identical"
            raise self._error(block, rule)

    def _check_columns(self, block: Block, data: npt.NDArray[Any], digests: bytes) -> None:
        """Refuse a column that has the values of the scenario's first block again, where chance can't have done it.

        A column that is constant within blocks may be equal in all of them. No more than first blocks are remembered:
        memory must not grow with the replicates.
        """
        first = self._first.setdefault((block.experiment, block.scenario.key), _First(block, digests))
        first.drawn += 1
        for place, name in enumerate(self.columns[block.experiment]):
            own = slice(place * WIDTH, (place + 1) * WIDTH)
            if first.block is block or digests[own] != first.digests[own]:
                continue
            first.equal = first.equal or Counter()
            first.equal[name] += 1
            if _by_chance(_likelihood(data[name]), first.equal[name] + 1, first.drawn) < REPETITION:
                rule = f"column `{name}` must come from `rng`, got the values of {first.block} again; return one value a replicate that is drawn from `rng`, or a constant"
                raise self._error(block, rule)

    def _error(self, block: Block, rule: str) -> StudyError:
        again = f"{self.replay} {block.token}"
        return StudyError(f"study {self.study.name} {block}: {rule}\nsee it again with: {again}")


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=WIDTH).digest()


def _by_chance(likeliest: float, equal: int, blocks: int) -> float:
    """A bound on the chance that so many equal blocks are among independent ones: one for each way to choose them."""
    ways = math.lgamma(blocks + 1) - math.lgamma(equal + 1) - math.lgamma(blocks - equal + 1)
    return math.exp(min(0.0, ways + (equal - 1) * likeliest))


def _likelihood(column: npt.NDArray[np.float64]) -> float:
    """The log of the largest probability that independent replicates of any law have to be just these."""
    shares = np.unique(column, return_counts=True)[1] / column.size
    return float(column.size * np.sum(shares * np.log(shares)))
