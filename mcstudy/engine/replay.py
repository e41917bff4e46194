"""Draw one block again: to look at a witness or a failure, in this process, under a debugger if need be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcstudy.draws import Block
from mcstudy.engine.executors import Serial
from mcstudy.engine.payload import pack
from mcstudy.engine.plan import task_for
from mcstudy.engine.source import Origin
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import InputError
from mcstudy.experiment import Experiment
from mcstudy.scenarios import Scenario
from mcstudy.study import Study

__all__ = ["Replay", "replay"]


@dataclass(frozen=True)
class Replay:
    """A block that was drawn again, or with an index one replicate of it."""

    study: Study
    index: int | None
    result: BlockResult

    @property
    def heading(self) -> str:
        """What was drawn."""
        replicate = "" if self.index is None else f", replicate {self.index}"
        return f"{self.study.name} {self.result.block}{replicate}"

    @property
    def columns(self) -> Mapping[str, Any]:
        """The columns, whole or at the replicate; empty where the block failed."""
        if self.result.data is None:
            return {}
        names = self.result.data.dtype.names or ()
        rows = slice(None) if self.index is None else self.index
        return {name: self.result.data[name][rows] for name in names}

    @property
    def failures(self) -> list[str]:
        """What failed: reasons and tracebacks, or the rule that `simulate` broke."""
        broken = [self.result.misuse] if self.result.misuse else []
        return broken + [
            failure.traceback or f"replicate {failure.index}: {failure.reason}"
            for failure in self.result.failures
            if self.index in (None, failure.index) or failure.index is None
        ]


def replay(origin: Origin, token: str, seed: int) -> Replay:
    """Draw a block again.

    Parameters
    ----------
    origin : Origin
        The study, with its options.
    token : str
        ``scenario:block`` or ``scenario:block:index`` as a report or a failure names it, the scenario by its
        digest or the beginning of it, after ``experiment/`` where experiments have names.
    seed : int

    Returns
    -------
    Replay

    Raises
    ------
    InputError
        If the name is not of this form, or the study has no such scenario or replicate.
    """
    study = origin.study
    place, numbers = _parse(token)
    experiment, scenario = _scenario(study, place)
    number, index = numbers[0], numbers[1] if len(numbers) > 1 else None
    if index is not None and index >= study.block_size:
        msg = f"`BLOCK` names replicate {index}, but blocks of {study.name} have replicates 0 to {study.block_size - 1}"
        raise InputError(msg)
    block = Block(scenario, number, experiment.name)
    with origin.active():
        payload = pack(experiment.simulate, origin.modules, origin.imported)
        (result,) = Serial().run([task_for(origin, seed, block, payload)])
    return Replay(study, index, result)


def _parse(token: str) -> tuple[str, list[int]]:
    place, *numbers = token.split(":")
    if place and len(numbers) in (1, 2) and all(number.isdecimal() for number in numbers):
        return place, [int(number) for number in numbers]
    msg = f"`BLOCK` must be scenario:block or scenario:block:index as a report names it, got {token!r}"
    raise InputError(msg)


def _scenario(study: Study, place: str) -> tuple[Experiment, Scenario]:
    name, _, digest = place.rpartition("/")
    everything = [(e, scenario) for e in study.experiments for scenario in e.of_profile("full")]
    found = [
        (experiment, scenario)
        for experiment, scenario in everything
        if experiment.name == name and scenario.digest.startswith(digest)
    ]
    if len(found) == 1:
        return found[0]
    known = (
        f"{Block(scenario, 0, e.name).token.partition(':')[0]} ({scenario})" for e, scenario in everything[:8]
    )
    msg = f"`BLOCK` must begin with a scenario of {study.name}, got {place!r} which fits {len(found)}; scenarios: {', '.join(known)}"
    raise InputError(msg)
