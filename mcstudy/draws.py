"""Blocks, and the columns that were drawn in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import InputError, StudyError
from mcstudy.scenarios import Scenario
from mcstudy.statistics.pools import everywhere
from mcstudy.statistics.portions import PORTION, chosen, filled, in_portions, place_of_kept
from mcstudy.statistics.sequences import TUNED
from mcstudy.statistics.several import joined
from mcstudy.statistics.statistic import Statistic, Summary

__all__ = ["QUARANTINED", "Block", "Draws", "Failure", "Sample", "portions", "summarise"]

FloatArray = npt.NDArray[np.float64]
QUARANTINED = "quarantined"  # how the reason of a block begins that killed its worker


@dataclass(frozen=True, slots=True)
class Block:
    """The address of a block: replicates drawn together from one stream.

    Attributes
    ----------
    scenario : Scenario
    number : int
        Within its scenario, from 0.
    experiment : str
        Empty in a study of one unnamed experiment.
    """

    scenario: Scenario
    number: int
    experiment: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """The block's key in a journal."""
        return self.experiment, self.scenario.key, self.number

    @property
    def token(self) -> str:
        """The block's name on a command line: ``experiment/scenario:number``."""
        place = f"{self.experiment}/" if self.experiment else ""
        return f"{place}{self.scenario.digest}:{self.number}"

    def __str__(self) -> str:
        place = f"{self.experiment}, " if self.experiment else ""
        return f"({place}{self.scenario}), block {self.number}"


@dataclass(frozen=True)
class Failure:
    """A replicate, or with `index` None a whole block, that gave no numbers."""

    block: Block
    index: int | None
    reason: str
    traceback: str = ""

    @property
    def token(self) -> str:
        """The name on a command line of what failed."""
        return self.block.token if self.index is None else f"{self.block.token}:{self.index}"


@dataclass(frozen=True)
class Sample:
    """The draws of one scenario.

    Attributes
    ----------
    scenario : Scenario
    columns : mapping from str to array of shape (replicates,)
        In the order of block and index; NaN where `valid` is False, and where a value is missing.
    valid : array of bool, shape (replicates,)
        False for the replicates that failed.
    block_size : int
        Position p is replicate ``p % block_size`` of block ``p // block_size``.
    experiment : str
    missing : tuple of str
        The columns in which a value may be missing.
    """

    scenario: Scenario
    columns: Mapping[str, FloatArray]
    valid: npt.NDArray[np.bool_]
    block_size: int
    experiment: str = ""
    missing: tuple[str, ...] = ()
    _summaries: dict[Statistic, Summary] = field(default_factory=dict, init=False, repr=False, compare=False)
    _infinite: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def replicates(self) -> int:
        """How many replicates were drawn, failed ones included."""
        return len(self.valid)

    @property
    def failures(self) -> int:
        """How many replicates failed."""
        return int(np.count_nonzero(~self.valid))

    def present(self, *columns: str) -> npt.NDArray[np.bool_]:
        """Where all the columns have a value, shape (replicates,)."""
        kept = self.valid
        for column in columns:
            if column in self.missing and column in self.columns:
                out = np.empty(kept.size, dtype=np.bool_)
                kept = in_portions(
                    lambda rows, own: rows & ~np.isnan(own), kept, self.columns[column], out=out
                )
        return kept

    def values(self, *columns: str) -> tuple[FloatArray, ...]:
        """The values of columns at the replicates where all of them have one: arrays of one shape (k,)."""
        kept = self.present(*columns)
        if kept.all():  # most often: columns are large, and claims don't write into them
            return tuple(self.columns[column] for column in columns)
        # Where every replicate has failed, nobody knows the columns.
        return tuple(
            chosen(self.columns[column], kept) if column in self.columns else np.empty(0)
            for column in columns
        )

    def kept(self, statistic: Statistic) -> npt.NDArray[np.bool_]:
        """Where a statistic has its values, shape (replicates,): also where they are missing or failed, if it counts those."""
        if statistic.counts_failures:
            return np.ones(self.replicates, dtype=np.bool_)
        return self.valid if statistic.counts_missing else self.present(*statistic.columns)

    def taken(self, statistic: Statistic) -> FloatArray:
        """What a statistic is taken of: the values of its columns where all have one, as its methods want them.

        A statistic that counts missing values gets those too, as NaN.
        """
        if not statistic.counts_missing:
            return joined(self.values(*statistic.columns))
        kept = self.kept(statistic)
        return joined([self._at(name, kept) for name in statistic.columns])

    def _at(self, column: str, kept: npt.NDArray[np.bool_]) -> FloatArray:
        """The values at some replicates; where every replicate has failed, nobody knows the columns."""
        known = column in self.columns
        return chosen(self.columns[column], kept) if known else filled(int(np.count_nonzero(kept)), np.nan)

    def summary(self, statistic: Statistic) -> Summary:
        """Estimate and limits of a statistic: found once for all claims where these may share them."""
        if not statistic.shared:
            return statistic.summary(self.taken(statistic))
        if statistic not in self._summaries:
            self._summaries[statistic] = statistic.summary(self.taken(statistic))
        return self._summaries[statistic]

    def has_infinite(self, column: str) -> bool:
        """Whether there is any infinite value in a column."""
        if column not in self._infinite:
            values = self.columns.get(column, np.empty(0))
            self._infinite[column] = not everywhere(lambda portion: ~np.isinf(portion), values)
        return self._infinite[column]

    def locate(self, position: int, *columns: str) -> tuple[Block, int]:
        """Block and index of the replicate at a position of `values`."""
        drawn = place_of_kept(self.present(*columns), position)
        number, index = divmod(drawn, self.block_size)
        return Block(self.scenario, number, self.experiment), index


def summarise(samples: Sequence[Sample], statistic: Statistic) -> None:
    """Find the summaries of a shared statistic in many samples, of those of one size at once: many small arrays cost more than one."""
    if len(statistic.columns) > 1:
        return
    waiting: dict[int, list[tuple[Sample, FloatArray]]] = {}
    for sample in samples:
        # Of a large one no second fits beside it, and it is not to be read before it is its turn.
        if statistic in sample._summaries or 2 * sample.replicates > PORTION:
            continue
        values = sample.taken(statistic)
        own = waiting.setdefault(values.size, [])
        own.append((sample, values))
        if (len(own) + 1) * values.size > PORTION:
            _summarise_together(waiting.pop(values.size), statistic)
    for own in waiting.values():
        _summarise_together(own, statistic)


def _summarise_together(own: Sequence[tuple[Sample, FloatArray]], statistic: Statistic) -> None:
    """Find the summaries of a statistic in samples of one size, with their values."""
    if own[0][1].size < statistic.fewest:
        return
    with suppress(InputError):  # of one that it can't be taken of: who asks for that one is told
        stack = np.stack([values for _, values in own]).astype(np.float64, copy=False)
        for (sample, _), summary in zip(own, statistic.summaries(stack), strict=True):
            sample._summaries[statistic] = summary


@dataclass(frozen=True)
class Draws:
    """The columns of one experiment by scenario, as claims read them.

    Attributes
    ----------
    samples : mapping from Scenario to Sample
    tuned : float
        The number of replicates at which limits are tightest, fixed before drawing.
    common : tuple of str
        Factors whose levels share their random numbers, so that replicates are paired across them.
    planned : tuple of Scenario
        All scenarios that may ever be drawn, those of the full profile: a claim's share of alpha is for all its cells.
        Default: those that were drawn.
    """

    samples: Mapping[Scenario, Sample]
    tuned: float = TUNED
    common: tuple[str, ...] = ()
    planned: tuple[Scenario, ...] = ()

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios that were drawn."""
        return tuple(self.samples)


def portions(
    draw: Callable[[int], Mapping[str, Any]], size: int, *, entries: int, most: int = 2**20
) -> dict[str, Any]:
    """Draw a block in portions whose arrays stay small, and join their columns.

    Parameters
    ----------
    draw : callable
        ``draw(count)`` draws `count` replicates: a mapping from column to array of shape (count,).
    size : int
        Replicates of the block.
    entries : int
        Numbers that one replicate has in work at once.
    most : int
        Numbers that may be in work at once; the default is 8 MiB of doubles, about the cache of a processor.

    Returns
    -------
    dict from str to array of shape (size,)

    Examples
    --------
    >>> portions(lambda count: {"x": np.full(count, count)}, 5, entries=10, most=20)
    {'x': array([2, 2, 2, 2, 1])}
    """
    if entries < 1 or size < 1:
        msg = f"`entries` and `size` must be at least 1, got {entries} and {size}"
        raise StudyError(msg)
    together = max(1, most // entries)
    parts: Sequence[Mapping[str, Any]] = [
        draw(min(together, size - first)) for first in range(0, size, together)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
