"""The loop: plan -> executor -> journal -> findings -> enough? -> plan."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mcstudy.claims.claim import Finding
from mcstudy.claims.ledger import Ledger, claims_over, judge
from mcstudy.defaults import EXECUTOR, OUT, PROFILES, SEED
from mcstudy.draws import Scenario
from mcstudy.engine.executors import Executor, executor_named
from mcstudy.engine.guard import Guard
from mcstudy.engine.journal import Journal
from mcstudy.engine.payload import payload_of
from mcstudy.engine.plan import Block, blocks_of, stages, undecided
from mcstudy.engine.progress import Progress, Quiet
from mcstudy.engine.provenance import fingerprint, provenance
from mcstudy.engine.record import Settings, draws_of, ledger_of
from mcstudy.engine.worker import Task
from mcstudy.exceptions import ClaimError, InputError, StudyError
from mcstudy.study import Study

__all__ = ["run", "write"]


def run(
    study: Study,
    *,
    profile: str = PROFILES[0],
    seed: int = SEED,
    jobs: int | None = None,
    executor: str | Executor = EXECUTOR,
    out: str | Path | None = OUT,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Ledger:
    """Run a study: draw what is missing, judge its claims, write its report.

    Parameters
    ----------
    study : Study
    profile : {"quick", "full"}
        Quick stops drawing where every claim is decided; full draws all replicates.
    seed : int
        A non-negative whole number.
    jobs : int, optional
        Worker processes; default: all cores. Never changes a result.
    executor : {"joblib", "serial"} or Executor
        Where blocks are drawn. Never changes a result.
    out : path, optional
        The folder for the report, the ledger and the journal; None keeps everything in memory.
    fresh : bool
        Drop what an earlier run has drawn instead of resuming it.
    progress : Progress, optional
        What to show meanwhile; default: nothing.

    Returns
    -------
    Ledger

    Raises
    ------
    StudyError, ClaimError
        If `simulate` breaks a rule, or a claim reads a column that it does not return.
    JournalError
        If the journal in `out` is of another run, or in use.
    InputError
        If an argument breaks a rule, or `out` can't be written.
    """
    _check_arguments(profile, seed)
    chosen = executor_named(executor, jobs) if isinstance(executor, str) else executor
    started, clock = datetime.now(UTC), time.perf_counter()
    path = None if out is None else Path(out) / study.name / "draws.sqlite"
    with Journal(path, fingerprint(study, seed), study.source_text, fresh=fresh) as journal:
        settings = Settings(study, profile, seed, chosen.name, chosen.jobs)
        ledger = _Loop(settings, journal, chosen, progress or Quiet()).go()
        ledger = replace(
            ledger,
            run={**ledger.run, "seconds": round(time.perf_counter() - clock, 3)},
            provenance=provenance(study, started),
        )
        if out is not None:
            write(ledger, Path(out))
    return ledger


def write(ledger: Ledger, out: Path) -> None:
    """Write ``ledger.json``, the report with its tables and figures, and the index."""
    from mcstudy.report import write_index, write_report

    document = ledger.document
    folder = out / str(document["study"]["name"])
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "ledger.json", ledger.to_json())
    write_report(document, out)
    write_index(out)


def _replace(path: Path, text: str) -> None:
    """Write a file so that a death leaves the old one or the new one."""
    beside = path.with_suffix(".tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _check_arguments(profile: str, seed: int) -> None:
    if profile not in PROFILES:
        msg = f"`profile` must be one of {', '.join(PROFILES)}, got {profile!r}"
        raise InputError(msg)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        msg = f"`seed` must be a non-negative whole number, got {seed!r}"
        raise InputError(msg)


def _check_words(study: Study) -> None:
    """Refuse, before anything is drawn, mathematics that the report could not show."""
    from mcstudy.report import check_latex, check_text

    check_text(study.question, "question")
    for claim in study.claims:
        check_latex(claim.statement, f"statement of claim {claim.id}")
        check_text(claim.because, f"because of claim {claim.id}")


@dataclass
class _Loop:
    """One run of a study over an open journal."""

    settings: Settings
    journal: Journal
    executor: Executor
    progress: Progress

    def __post_init__(self) -> None:
        self.study = self.settings.study
        self.scenarios = self.study.of_profile(self.settings.profile)
        self.claims = claims_over(self.study.claims, self.scenarios)
        _check_words(self.study)
        for claim in self.claims:
            claim.rehearse(claim.select(self.scenarios))
        commands = draws_of(self.settings, self.journal, {})
        self._rehearsed = False
        self.guard = Guard(self.study, self.journal.columns(), commands.replay_command)

    def go(self) -> Ledger:
        """Draw and judge, and write down what came out; a study that breaks a rule leaves no draws behind."""
        try:
            counts, findings = self._draw_and_judge()
        except (StudyError, ClaimError, InputError):
            self.journal.forget()
            raise
        return ledger_of(self.settings, self.journal, counts, findings)

    def _draw_and_judge(self) -> tuple[dict[Scenario, int], tuple[Finding, ...]]:
        """Draw stage by stage until every claim is decided."""
        counts = dict.fromkeys(self.scenarios, 0)
        findings: tuple[Finding, ...] = ()
        active = self.scenarios
        planned = stages(self.study, self.settings.profile)
        for number, replicates in enumerate(planned, start=1):
            missing = blocks_of(self.study, active, replicates, self.journal.done())
            self.progress.stage(self.study.name, number, len(planned), len(missing))
            self._draw(missing)
            counts.update(dict.fromkeys(active, replicates))
            findings = judge(self.claims, draws_of(self.settings, self.journal, counts))
            active = undecided(self.study, findings, self.scenarios)
            if not active:
                break
        return counts, findings

    def _draw(self, missing: list[Block]) -> None:
        """Draw blocks, and keep each as it finishes."""
        if not missing:
            return
        tasks = self._tasks(missing)
        try:
            self._keep(tasks)
            if not self._rehearsed:
                self._draw_again(tasks[0])
        finally:
            self.progress.close()

    def _keep(self, tasks: list[Task]) -> None:
        with closing(self.executor.run(tasks)) as results:
            for result in results:
                self.guard.check(result)
                self.journal.append(result)
                self.progress.advance()

    def _draw_again(self, task: Task) -> None:
        """Draw one block of the run a second time: the same bits must come out."""
        with closing(self.executor.run([task])) as results:
            for result in results:
                self.guard.check_repeated(result, self.journal.block(task.scenario, task.number))
        self._rehearsed = True

    def _tasks(self, missing: list[Block]) -> list[Task]:
        study, seed, payload = self.study, self.settings.seed, payload_of(self.study)
        paths = {module.__name__: str(Path(str(module.__file__)).resolve()) for module in study.modules}
        files = tuple((name, path, os.path.relpath(path)) for name, path in paths.items())
        return [
            Task(study.name, seed, block.scenario, block.number, block.size, study.common, payload, files)
            for block in missing
        ]
