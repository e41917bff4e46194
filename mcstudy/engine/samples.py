"""The draws of an experiment as claims read them: each column comes from the journal when it is asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Draws, Sample
from mcstudy.engine.blocks import Blocks, Counts
from mcstudy.engine.settings import Settings
from mcstudy.exceptions import StudyError
from mcstudy.experiment import Experiment
from mcstudy.scenarios import Scenario
from mcstudy.statistics.paged import empty, leave
from mcstudy.statistics.pools import everywhere
from mcstudy.statistics.portions import chosen

__all__ = ["draws_of"]

FloatArray = npt.NDArray[np.float64]

# Bytes of columns that are kept for the next claim. Small studies fit in; the large ones are read once more for each
# claim, which takes less than judging them.
ROOM = 32 * 2**20
# Samples that are at hand with what was found of them: two kilobytes each, and a mask where replicates failed.
SAMPLES = 4096
# A scenario of so many bytes is read as a whole: to go through its blocks once more for each column costs more.
SMALL = 2**20


def draws_of(settings: Settings, experiment: Experiment, journal: Blocks, counts: Counts) -> Draws:
    """The first replicates of each scenario of an experiment; what is read of them is what claims ask for.

    Parameters
    ----------
    settings : Settings
    experiment : Experiment
    journal : Blocks
        It has all blocks of these replicates.
    counts : mapping from (experiment, Scenario) to int

    Returns
    -------
    Draws
        Its columns raise `StudyError` when they are read, where values are missing that may no longer be.
    """
    own = {scenario: replicates for (name, scenario), replicates in counts.items() if name == experiment.name}
    recent = _Recent(ROOM)
    samples = _Samples(
        lambda scenario: _sample(journal, experiment, scenario, own[scenario], recent), tuple(own)
    )
    tuned, planned = settings.study.replicates.tuned, experiment.of_profile("full")
    return Draws(samples, tuned, experiment.common, planned)


class _Samples(Mapping[Scenario, Sample]):
    """The samples of an experiment, each made when it is asked for; those that were asked for last are at hand."""

    def __init__(self, load: Callable[[Scenario], Sample], scenarios: tuple[Scenario, ...]) -> None:
        self._load, self._scenarios = lru_cache(SAMPLES)(load), scenarios

    def __getitem__(self, scenario: Scenario) -> Sample:
        return self._load(scenario)

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._scenarios)

    def __len__(self) -> int:
        return len(self._scenarios)


class _Recent:
    """The columns that were read last, up to so many bytes; one that is larger is kept alone."""

    def __init__(self, room: int) -> None:
        self.room, self._bytes = room, 0
        self._columns: OrderedDict[tuple[Scenario, str], FloatArray] = OrderedDict()

    def get(self, key: tuple[Scenario, str]) -> FloatArray | None:
        """A column, if it is still here."""
        if key in self._columns:
            self._columns.move_to_end(key)
        return self._columns.get(key)

    def put(self, key: tuple[Scenario, str], values: FloatArray) -> None:
        """Keep a column in the place of those that were read longest ago."""
        if key in self._columns:
            return
        self._columns[key] = values
        self._bytes += values.nbytes
        while len(self._columns) > 1 and self._bytes > self.room:
            _, oldest = self._columns.popitem(last=False)
            self._bytes -= oldest.nbytes


class _Columns(Mapping[str, FloatArray]):
    """The columns of a sample."""

    def __init__(
        self,
        scenario: Scenario,
        names: tuple[str, ...],
        read: Callable[[tuple[str, ...]], Mapping[str, FloatArray]],
        recent: _Recent,
        *,
        together: bool,
    ) -> None:
        self._scenario, self._names, self._read, self._recent = scenario, names, read, recent
        self._together = together

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self._names:
            raise KeyError(name)
        if (kept := self._recent.get((self._scenario, name))) is not None:
            return kept
        columns = self._read(self._names if self._together else (name,))
        for each, values in columns.items():
            self._recent.put((self._scenario, each), values)
        return columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names


def _sample(
    journal: Blocks, experiment: Experiment, scenario: Scenario, replicates: int, recent: _Recent
) -> Sample:
    """The first replicates of a scenario, all of whose blocks are kept."""
    size = journal.block_size
    valid = _all_valid(replicates)
    for number, index in journal.failures_of(experiment.name, scenario, replicates):
        valid = valid if valid.flags.writeable else valid.copy()
        whole = slice(number * size, (number + 1) * size)
        valid[whole if index is None else number * size + index] = False
    names = journal.names(experiment.name, scenario, replicates)
    columns = _Columns(
        scenario,
        names,
        partial(_read, journal, experiment, scenario, valid),
        recent,
        together=8 * replicates * len(names) <= SMALL,
    )
    return Sample(scenario, columns, valid, size, experiment.name, experiment.missing)


@lru_cache(maxsize=1)  # nearly all samples of an experiment have one size, and no failure
def _all_valid(replicates: int) -> npt.NDArray[np.bool_]:
    valid = np.ones(replicates, dtype=np.bool_)
    valid.flags.writeable = False
    return valid


def _read(
    journal: Blocks,
    experiment: Experiment,
    scenario: Scenario,
    valid: npt.NDArray[np.bool_],
    names: tuple[str, ...],
) -> dict[str, FloatArray]:
    """Some columns of a scenario's first replicates, in order; NaN for blocks that failed."""
    size, columns = journal.block_size, {name: empty(valid.size) for name in names}
    for number, block in journal.arrays(experiment.name, scenario, valid.size // size):
        place = slice(number * size, (number + 1) * size)
        for name, values in columns.items():
            values[place] = np.nan if block is None else block[name]
            leave(values)
    for name, values in columns.items():
        if (
            name not in experiment.missing
            and not everywhere(_is_number, values)
            and not everywhere(_is_number, chosen(values, valid))
        ):
            msg = f"column `{name}` must be finite, but kept draws have none in {scenario}; allow it with missing=({name!r},), or start over with --fresh"
            raise StudyError(msg)
    return columns


def _is_number(portion: FloatArray) -> npt.NDArray[np.bool_]:
    return ~np.isnan(portion)
