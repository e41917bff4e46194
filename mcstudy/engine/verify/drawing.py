"""Drawing a ledger's blocks once more, and judging what was drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mcstudy.claims import claims_over, judge
from mcstudy.draws import Block
from mcstudy.engine.blocks import Blocks, Counts
from mcstudy.engine.drawkey import Part
from mcstudy.engine.executors import Executor, closed_at_the_end
from mcstudy.engine.journal import Journal
from mcstudy.engine.keys import draw_key
from mcstudy.engine.limit import Limit
from mcstudy.engine.payload import pack
from mcstudy.engine.plan import blocks_of, task_for
from mcstudy.engine.recording import worded
from mcstudy.engine.samples import draws_of
from mcstudy.engine.settings import Settings
from mcstudy.engine.source import Origin
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import StudyError
from mcstudy.findings import Finding
from mcstudy.ledger import Ledger, Measured
from mcstudy.scenarios import Scenario
from mcstudy.study import shares_of

__all__ = ["Drawing"]


@dataclass(frozen=True)
class Drawing:
    """A study that is drawn again as a ledger says.

    Parameters
    ----------
    origin : Origin
    ledger : Ledger
    executor : Executor
    seed : int
    """

    origin: Origin
    ledger: Ledger
    executor: Executor
    seed: int

    @cached_property
    def settings(self) -> Settings:
        """The settings of the ledger's run, here."""
        study, profile, executor = self.origin.study, self.ledger.run.profile, self.executor
        limit = Limit.of(study, profile, jobs=executor.jobs)
        return Settings(self.origin, profile, self.seed, executor.name, executor.jobs, limit)

    @cached_property
    def keys(self) -> dict[str, dict[str, Part]]:
        """What the draws of each experiment would depend on, here and now."""
        return {e.name: draw_key(self.settings, e) for e in self.origin.study.experiments}

    def blocks(self, blocks: Sequence[Block]) -> Iterator[BlockResult]:
        """Draw blocks.

        Raises
        ------
        StudyError
            If `simulate` breaks a rule, or the study has no such experiment.
        """
        payloads = {
            name: pack(self.origin.study[name].simulate, self.origin.modules, self.origin.imported)
            for name in dict.fromkeys(block.experiment for block in blocks)
        }
        tasks = [task_for(self.origin, self.seed, block, payloads[block.experiment]) for block in blocks]
        with closed_at_the_end(self.executor.run(tasks)) as results:
            for result in results:
                if result.misuse:
                    msg = f"study {self.origin.study.name} {result.block}: {result.misuse}"
                    raise StudyError(msg)
                yield result

    def into(self, journal: Journal, counts: Counts) -> Iterator[BlockResult]:
        """Draw the first replicates of scenarios, and keep them."""
        wanted: dict[str, dict[Scenario, int]] = {}
        for (name, scenario), count in counts.items():
            wanted.setdefault(name, {})[scenario] = count
        size = self.origin.study.block_size
        blocks = [block for name, own in wanted.items() for block in blocks_of(name, own, size, set())]
        for result in self.blocks(blocks):
            journal.append(result)
            yield result

    def judged(self, journal: Blocks, counts: Counts) -> tuple[tuple[Finding, ...], tuple[Measured, ...]]:
        """The findings and the measures of the first replicates of scenarios."""
        study = self.origin.study
        shares = shares_of(study)
        findings: list[Finding] = []
        measures: list[Measured] = []
        for experiment in study.experiments:
            own = self._in_order(experiment.name, counts)
            draws = draws_of(self.settings, experiment, journal, own)
            claims = claims_over(experiment.claims, [scenario for _, scenario in own])
            findings += judge(claims, draws, experiment=experiment.name, shares=shares)
            measures += [measure.take(draws, experiment.name) for measure in experiment.measures]
        return tuple(worded(study, tuple(findings))), tuple(measures)

    def _in_order(self, experiment: str, counts: Counts) -> Mapping[tuple[str, Scenario], int]:
        """The counts of an experiment in the order of its scenarios, which is that of a claim's cells."""
        scenarios = self.origin.study[experiment].of_profile(self.ledger.run.profile)
        order = {scenario: number for number, scenario in enumerate(scenarios)}
        own = [place for place in counts if place[0] == experiment]
        # Those that the study has no longer come last: claims about them will differ.
        own.sort(key=lambda place: order.get(place[1], len(order)))
        return {place: counts[place] for place in own}
