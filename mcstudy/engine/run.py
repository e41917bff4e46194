"""The loop: plan -> executor -> journal -> findings -> enough? -> plan."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

from mcstudy.claims import assess, claims_over, conclude
from mcstudy.claims.claim import Assessment
from mcstudy.claims.deciding import Shares
from mcstudy.claims.judging import in_turns
from mcstudy.defaults import EXECUTOR, OUT, PROFILES, SEED
from mcstudy.draws import Block
from mcstudy.engine.blocks import Counts
from mcstudy.engine.executors import Executor, closed_at_the_end, executor_named
from mcstudy.engine.guard import Guard
from mcstudy.engine.journal import Journal
from mcstudy.engine.kept import KeptFindings
from mcstudy.engine.keys import analysis_of, draw_key, reaches_sets
from mcstudy.engine.limit import Limit
from mcstudy.engine.payload import Payload, pack
from mcstudy.engine.plan import blocks_of, next_counts, task_for
from mcstudy.engine.precision import Imprecise, imprecise, precise_counts
from mcstudy.engine.progress import Progress
from mcstudy.engine.proof import check_first, check_stored
from mcstudy.engine.provenance import provenance
from mcstudy.engine.recording import ledger_of
from mcstudy.engine.refusals import check_arguments, check_words
from mcstudy.engine.samples import draws_of
from mcstudy.engine.settings import Settings
from mcstudy.engine.slow import Slow
from mcstudy.engine.source import Origin
from mcstudy.engine.worker import BlockResult, Task
from mcstudy.exceptions import StudyError
from mcstudy.experiment import Experiment
from mcstudy.findings import Finding, Verdict
from mcstudy.ledger import Ledger
from mcstudy.scenarios import Scenario
from mcstudy.study import shares_of

__all__ = ["Loop", "finished", "run", "write", "write_ledger"]


def run(
    origin: Origin,
    *,
    profile: str = PROFILES[0],
    seed: int = SEED,
    jobs: int | None = None,
    executor: str | Executor = EXECUTOR,
    out: str | Path | None = OUT,
    fresh: bool = False,
    until: str | None = None,
    at_most: float | None = None,
    replicates: int | None = None,
    retry_failures: bool = False,
    block_timeout: float | None = None,
    progress: Progress | None = None,
    pages: Callable[[Ledger, Path], None] | None = None,
) -> Ledger:
    """Draw what is missing of a study, judge its claims, write its report; see `mcstudy.run` for the arguments.

    Parameters
    ----------
    origin : Origin
        The study, with the options of its own that were given.
    pages : callable, optional
        Writes ledger and report into a folder; default: `write`.
    """
    check_arguments(profile, seed, block_timeout)
    chosen = executor_named(executor, jobs) if isinstance(executor, str) else executor
    study = origin.study
    folder = None if out is None else Path(out).resolve()  # `simulate` may change the working folder
    path = None if folder is None else folder / study.name / "draws.sqlite"
    limit = Limit.of(study, profile, until=until, at_most=at_most, replicates=replicates, jobs=chosen.jobs)
    settings = Settings(
        origin, profile, int(seed), chosen.name, chosen.jobs, limit, retry_failures, block_timeout
    )
    with origin.active(), Journal(path, study.block_size, fresh=fresh) as journal:
        return finished(Loop(settings, journal, chosen, progress or Progress()), folder, pages)


def finished(loop: Loop, out: Path | None, pages: Callable[[Ledger, Path], None] | None = None) -> Ledger:
    """Go through a loop and write what came of it, as `run` does."""
    counts, findings = loop.go()
    settings = loop.settings
    made = provenance(settings.origin, loop.started, loop.fills)
    ledger = ledger_of(settings, loop.journal, counts, findings, made)
    seconds = round(time.perf_counter() - loop.clock, 3)
    ledger = ledger.of_these_findings(run=replace(ledger.run, seconds=seconds))
    if out is not None:
        (pages or write)(ledger, out)
    return ledger


def write(ledger: Ledger, out: Path) -> None:
    """Write ``ledger.json``, the report with its tables and figures, and the index."""
    from mcstudy.report import write_index, write_report

    write_ledger(ledger, out)
    write_report(ledger, out)
    write_index(out, ledger)


def write_ledger(ledger: Ledger, out: Path) -> None:
    """Write ``ledger.json`` so that a death leaves the old one or the new one."""
    folder = out / ledger.study.name
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / "ledger.tmp"
    with beside.open("w", encoding="utf-8") as file:
        file.writelines(ledger.texts())
    beside.replace(folder / "ledger.json")


class Loop:
    """One run of a study over an open journal."""

    def __init__(self, settings: Settings, journal: Journal, executor: Executor, progress: Progress) -> None:
        self.started, self.clock = datetime.now(UTC), time.perf_counter()
        self.settings = settings
        self.study = settings.study
        self.journal = journal
        self.executor = executor
        self.progress = progress
        self.scenarios = {e.name: e.of_profile(settings.profile) for e in self.study.experiments}
        self.claims = {e.name: claims_over(e.claims, self.scenarios[e.name]) for e in self.study.experiments}
        check_words(self.study)
        keys = {experiment.name: draw_key(settings, experiment) for experiment in self.study.experiments}
        for name, parts in keys.items():
            journal.claim(name, parts)
        self._drop_damaged()  # before anything of them is read
        self._drop_failed()
        self.sets = {name for name, parts in keys.items() if reaches_sets(parts)}
        self.kept = KeptFindings(journal, keys)
        for name, claims in self.claims.items():
            for claim in claims:
                if not self.kept.knows(claim, self.scenarios[name]):
                    claim.rehearse(claim.select(self.scenarios[name]))
        # The cells of each claim, and the replicates of their scenarios.
        self._assessed: dict[str, tuple[list[tuple[int, ...]], list[Assessment]]] = {}
        self._proved: set[str] = set()  # experiments of which a block was drawn twice
        self.fills: set[str] = set()  # what filled arrays where blocks were drawn
        self.shares = shares_of(self.study)
        self.limit = settings.limit
        self._warn_of_too_few()
        self.slow = Slow(self.study.name, progress.warn)
        self.guard = Guard(self.study, journal.columns(), settings.replay)

    def _warn_of_too_few(self) -> None:
        """Say which claims no draws of the profile can confirm; controls and misprints are to be refuted."""
        for name, claims in self.claims.items():
            for claim in claims:
                if claim.expectation.verdict is not Verdict.CONFIRMED:
                    continue
                cells = len(claim.groups(self.study[name].of_profile("full")))
                fewest = claim.fewest(Shares.of(self.shares[claim.id], cells, self.study.replicates.tuned))
                if fewest > self.limit.replicates:
                    profile, most = self.settings.profile, self.settings.most
                    self.progress.warn(
                        f"{self.study.name}: claim {claim.id} can't be confirmed with the {most:,} replicates of the "
                        f"{profile} profile, for it needs {fewest:,} a scenario; raise `replicates`"
                    )

    def go(self) -> tuple[dict[tuple[str, Scenario], int], tuple[Finding, ...]]:
        """Draw from look to look until every claim is decided; a `simulate` that breaks a rule leaves no draws behind."""
        try:
            self._check_stored()
            return self._draw_and_judge()
        except StudyError:
            self.journal.forget()
            raise

    def _draw_and_judge(self) -> tuple[dict[tuple[str, Scenario], int], tuple[Finding, ...]]:
        """Draw, look, and draw more where that may decide something."""
        counts: dict[tuple[str, Scenario], int] = {}
        wanted = self._at_first()
        findings: tuple[Finding, ...] = ()
        look, seen, analysis = 0, self.journal.replicates(), analysis_of(self.study)
        if not seen:
            self.journal.note_analysis(analysis, seen)
        while wanted:
            look += 1
            counts |= wanted
            missing = self._missing(wanted)
            self.progress.look(self.study.name, look, len(missing))
            self._draw(missing)
            findings = self._judge(counts)
            # Not before it was made: an analysis that is refused has shown nothing.
            self.journal.note_analysis(analysis, seen)
            self.journal.note_look(self.settings.profile, counts)
            wanted = self.limit.within(self._wanted(findings, counts), counts, self.journal)
        self._assessed.clear()  # there may be 100,000
        self._keep_findings(findings, counts)
        self._warn_of_imprecise(findings, counts)
        return counts, findings

    def _keep_findings(self, findings: tuple[Finding, ...], counts: Counts) -> None:
        by_id = {finding.id: finding for finding in findings}
        found = (
            (claim, experiment, by_id[claim.id])
            for experiment in self.study.experiments
            for claim in self.claims[experiment.name]
        )
        self.kept.put(found, counts, self.shares, self.study.replicates.tuned)

    def _at_first(self) -> dict[tuple[str, Scenario], int]:
        """The replicates of the first look: those of the last one of an earlier run, where that has seen more.

        Where nothing has changed they lead on as they would have. Where a claim has, its kept draws answer at once.
        """
        seen = self.journal.last_look(self.settings.profile)
        block = self.study.block_size
        return {
            (name, scenario): max(
                self.limit.first, int(min(seen.get((name, scenario.key), 0), self.limit.replicates))
            )
            // block
            * block
            for name, scenarios in self.scenarios.items()
            for scenario in scenarios
        }

    def _missing(self, wanted: Counts) -> list[Block]:
        done = self.journal.done()
        return [block for block in self.blocks(wanted) if block.key not in done]

    def blocks(self, counts: Counts) -> list[Block]:
        """The blocks of so many replicates."""
        return [
            block
            for name in self.scenarios
            for block in blocks_of(name, _of_experiment(counts, name), self.study.block_size, ())
        ]

    def design(self) -> dict[tuple[str, Scenario], int]:
        """The replicates that each scenario gets where nothing is decided sooner."""
        planned = self.limit.planned
        return {
            (name, scenario): planned for name, scenarios in self.scenarios.items() for scenario in scenarios
        }

    def _judge(self, counts: Counts) -> tuple[Finding, ...]:
        return tuple(
            finding for experiment in self.study.experiments for finding in self._judged(experiment, counts)
        )

    def _judged(self, experiment: Experiment, counts: Counts) -> Iterator[Finding]:
        """The findings of an experiment; cells that have got no draws since an earlier look stay as they were."""
        own = _of_experiment(counts, experiment.name)
        draws = draws_of(self.settings, experiment, self.journal, counts)
        found: dict[str, Finding] = {}
        assessing: dict[str, Iterator[Assessment]] = {}
        sizes: dict[str, list[tuple[int, ...]]] = {}
        alike: dict[tuple[int, ...], tuple[int, ...]] = {}  # of many cells there is one
        for claim in self.claims[experiment.name]:
            if kept := self.kept.get(claim, experiment, counts, self.shares[claim.id], draws.tuned):
                found[claim.id] = kept
                continue
            groups = (tuple(own[scenario] for scenario in group) for group in claim.groups(tuple(own)))
            sizes[claim.id] = [alike.setdefault(size, size) for size in groups]
            before, assessments = self._assessed.get(claim.id, ([], []))
            stood = enumerate(zip(before, assessments, sizes[claim.id], strict=False))
            known = {number: one for number, (size, one, now) in stood if size == now}
            assessing[claim.id] = assess(claim, draws, self.shares[claim.id], known)
        assessed = in_turns(assessing)
        for claim in self.claims[experiment.name]:
            if claim.id in assessed:
                self._assessed[claim.id] = sizes[claim.id], assessed[claim.id]
                yield conclude(claim, assessed[claim.id], experiment.name)
            else:
                yield found[claim.id]

    def _wanted(self, findings: tuple[Finding, ...], counts: Counts) -> dict[tuple[str, Scenario], int]:
        """The replicates of the next look: what may decide a claim, and what estimates still lack in precision."""
        by_id = {finding.id: finding for finding in findings}
        wanted: dict[tuple[str, Scenario], int] = {}
        for experiment in self.study.experiments:
            own = _of_experiment(counts, experiment.name)
            most, block = self.limit.replicates, self.study.block_size
            deciding = next_counts(experiment, by_id, own, most=most, block=block)
            sharpening = precise_counts(
                self._imprecise(experiment, by_id, counts), own, most=most, block=block
            )
            for scenario in deciding.keys() | sharpening.keys():
                most_wanted = max(deciding.get(scenario, 0), sharpening.get(scenario, 0))
                wanted[experiment.name, scenario] = most_wanted
        return {place: wanted[place] for place in counts if place in wanted}

    def _imprecise(
        self, experiment: Experiment, by_id: Mapping[str, Finding], counts: Counts
    ) -> Iterator[Imprecise]:
        until = self.study.replicates.until
        if until is None or self.limit.exact:
            return iter(())
        return imprecise(experiment, by_id, draws_of(self.settings, experiment, self.journal, counts), until)

    def _warn_of_imprecise(self, findings: tuple[Finding, ...], counts: Counts) -> None:
        """Say which estimates have a larger standard error than the study wants, at the end of its replicates."""
        by_id = {finding.id: finding for finding in findings}
        for experiment in self.study.experiments:
            lacking = list(self._imprecise(experiment, by_id, counts))
            for name in dict.fromkeys(one.id for one in lacking):
                worst = max((one for one in lacking if one.id == name), key=lambda one: one.lacks)
                self.progress.warn(
                    f"{self.study.name}: the standard error of {name} is still {worst.mcse:.2g} at {worst.scenarios[0]}, "
                    f"{worst.lacks:.2g} times what `until` wants; raise `at_most`"
                )

    def _draw(self, missing: list[Block]) -> None:
        """Draw blocks, and keep each as it finishes; the first few of each experiment, and their proof, before all others."""
        try:
            if first := self._first(missing):
                tasks = self._tasks(first)
                check_first(self.study.name, list(self._keep(tasks)), tasks, self.executor, sets=self.sets)
                self._proved.update(block.experiment for block in first)
            chosen = set(first)
            rest = self._keep(self._tasks([block for block in missing if block not in chosen]))
            deque(rest, maxlen=0)
        finally:
            self.progress.close()

    def _first(self, missing: list[Block]) -> list[Block]:
        """The first blocks of each experiment without a proof: more than there are workers, so that one draws twice."""
        few = self.executor.jobs + 2  # joblib makes two workers of a single one
        names = dict.fromkeys(block.experiment for block in missing if block.experiment not in self._proved)
        blocks = (islice((block for block in missing if block.experiment == name), few) for name in names)
        return list(chain.from_iterable(blocks))

    def _keep(self, tasks: list[Task]) -> Iterator[BlockResult]:
        """Draw blocks, and keep each as it finishes."""
        if not tasks:
            return
        blocks = [task.block for task in tasks]
        aside = self.executor.jobs > 1
        with self.slow.watching(blocks, aside=aside), closed_at_the_end(self.executor.run(tasks)) as results:
            for result in results:
                self.slow.note(result)
                self.guard.check(result)
                self.fills.add(result.fills)
                self.journal.append(result)
                self.progress.advance()
                yield result

    def _drop_damaged(self) -> None:
        """Name the kept blocks that a disk has damaged; they are drawn again like any that is missing."""
        for experiment, scenario, number in self.journal.drop_damaged():
            place = f"{experiment} {scenario}:{number}".strip()
            self.progress.warn(
                f"{self.study.name}: block {place} was damaged where it was kept, and is drawn again"
            )

    def _drop_failed(self) -> None:
        """Name the kept blocks that are drawn again though a `simulate` has failed at them.

        A worker may die of what is no fault of its block: too little memory, a machine that stops.
        """
        if again := self.journal.drop_failed(deaths=not self.settings.retry_failures):
            why = "failed" if self.settings.retry_failures else "died with a worker"
            self.progress.warn(f"{self.study.name}: blocks drawn again because they {why}: {len(again)}")

    def _check_stored(self) -> None:
        places = {(name, s.key): s for name, scenarios in self.scenarios.items() for s in scenarios}
        blocks = [
            Block(places[experiment, key], number, experiment)
            for experiment, key, number in self.journal.done(sound=True)
            if (experiment, key) in places
        ]
        if blocks:
            # Any of them, another one in each run: what is wrong anywhere is found sooner or later.
            (task,) = self._tasks([random.SystemRandom().choice(blocks)])
            check_stored(self.study.name, self.journal, task)

    def _tasks(self, blocks: list[Block]) -> list[Task]:
        origin, seed, timeout = self.settings.origin, self.settings.seed, self.settings.block_timeout
        return [task_for(origin, seed, block, self.payloads[block.experiment], timeout) for block in blocks]

    @cached_property
    def payloads(self) -> dict[str, Payload]:
        """What workers need of each experiment."""
        origin = self.settings.origin
        return {e.name: pack(e.simulate, origin.modules, origin.imported) for e in self.study.experiments}


def _of_experiment(counts: Counts, experiment: str) -> dict[Scenario, int]:
    return {scenario: count for (name, scenario), count in counts.items() if name == experiment}
