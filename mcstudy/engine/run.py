"""The loop: plan -> executor -> journal -> findings -> enough? -> plan."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import Finding
from mcstudy.claims.ledger import ALPHA, Ledger, claims_over, judge
from mcstudy.draws import Draws, Scenario
from mcstudy.engine.executors import Executor, executor_named
from mcstudy.engine.journal import Journal
from mcstudy.engine.payload import payload_of
from mcstudy.engine.plan import Block, blocks_of, stages, undecided
from mcstudy.engine.progress import Progress, Quiet
from mcstudy.engine.provenance import fingerprint, provenance
from mcstudy.engine.worker import BlockResult, Task
from mcstudy.exceptions import InputError, StudyError
from mcstudy.study import PROFILES, Study

__all__ = ["SEED", "run"]

SEED = 20261123


def run(
    study: Study,
    *,
    profile: str = "quick",
    seed: int = SEED,
    jobs: int | None = None,
    executor: str | Executor = "joblib",
    out: str | Path | None = "reports",
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
        loop = _Loop(study, profile, seed, journal, chosen, progress or Quiet())
        counts = loop.draw()
        ledger = loop.ledger(counts)
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
    (folder / "ledger.json").write_text(ledger.to_json(), encoding="utf-8")
    write_report(document, out)
    write_index(out)


def _check_arguments(profile: str, seed: int) -> None:
    if profile not in PROFILES:
        msg = f"`profile` must be one of {', '.join(PROFILES)}, got {profile!r}"
        raise InputError(msg)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        msg = f"`seed` must be a non-negative whole number, got {seed!r}"
        raise InputError(msg)


@dataclass
class _Loop:
    """One run of a study over an open journal."""

    study: Study
    profile: str
    seed: int
    journal: Journal
    executor: Executor
    progress: Progress
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scenarios = self.study.of_profile(self.profile)
        self.claims = claims_over(self.study.claims, self.scenarios)
        self.columns = self.journal.columns()
        if self.columns:
            self.study.check_columns(self.columns)

    def draw(self) -> dict[Scenario, int]:
        """Draw stage by stage until every claim is decided; the replicates of each scenario."""
        counts = dict.fromkeys(self.scenarios, 0)
        active = self.scenarios
        planned = stages(self.study, self.profile)
        for number, replicates in enumerate(planned, start=1):
            missing = blocks_of(self.study, active, replicates, self.journal.done())
            self.progress.stage(self.study.name, number, len(planned), len(missing))
            self._draw(missing)
            counts.update(dict.fromkeys(active, replicates))
            active = undecided(self.study, self.findings(counts), self.scenarios)
            if not active:
                break
        return counts

    def _draw(self, missing: list[Block]) -> None:
        try:
            with closing(self._results(missing)) as results:
                for result in results:
                    self.journal.append(result)
                    self.progress.advance()
        finally:
            self.progress.close()

    def _results(self, missing: list[Block]) -> Generator[BlockResult, None, None]:
        """The results of the blocks as they finish, checked."""
        if not missing:
            return
        payload = payload_of(self.study)
        tasks = [
            Task(
                self.study.name,
                self.seed,
                block.scenario,
                block.number,
                block.size,
                self.study.common,
                payload,
            )
            for block in missing
        ]
        for result in self.executor.run(tasks):
            self._check(result)
            yield result

    def _check(self, result: BlockResult) -> None:
        """Stop the run where `simulate` broke a rule."""
        if result.misuse:
            raise StudyError(self._misuse(result, result.misuse))
        if result.threads > 1:
            rule = f"`simulate` must leave BLAS at one thread, got {result.threads}: thread counts change results"
            raise StudyError(self._misuse(result, rule))
        if result.data is None:
            return
        names = result.data.dtype.names or ()
        if self.columns is None:
            self.study.check_columns(names)
            self.columns = names
        if set(names) != set(self.columns):
            rule = f"`simulate` must return the same columns in every block, got {', '.join(names)} after {', '.join(self.columns)}"
            raise StudyError(self._misuse(result, rule))
        self._check_distinct(result, result.data)

    def _check_distinct(self, result: BlockResult, data: npt.NDArray[Any]) -> None:
        """Refuse two equal blocks of one scenario: chance does not make them."""
        if not _is_random(data):
            return
        key = (result.scenario.key, hashlib.sha256(data.tobytes()).hexdigest())
        other = self._seen.setdefault(key, result.number)
        if other != result.number:
            rule = (
                f"`simulate` must draw from its `rng`: blocks {other} and {result.number} came out identical"
            )
            raise StudyError(self._misuse(result, rule))

    def _misuse(self, result: BlockResult, rule: str) -> str:
        command = self._draws({}).replay_command(result.scenario, result.number)
        return f"study {self.study.name} ({result.scenario}), block {result.number}: {rule}\nsee it again with: {command}"

    def _draws(self, counts: Mapping[Scenario, int]) -> Draws:
        samples = {
            scenario: self.journal.sample(scenario, replicates, self.study.block)
            for scenario, replicates in counts.items()
        }
        return Draws(samples, self.study.replicates.first, self.study.common, self._replay)

    @property
    def _replay(self) -> str:
        seed = "" if self.seed == SEED else f" --seed {self.seed}"
        return f"mcstudy replay {self.study.handle}{self.study.option_text}{seed}"

    def findings(self, counts: Mapping[Scenario, int]) -> tuple[Finding, ...]:
        """Judge all claims on what is drawn."""
        return judge(self.claims, self._draws(counts))

    def ledger(self, counts: Mapping[Scenario, int]) -> Ledger:
        """The ledger of what is drawn, without times and provenance."""
        study, block = self.study, self.study.block
        draws = self._draws({})
        failures = self.journal.failures(counts, block)
        failed = sum(block if failure.index is None else 1 for failure in failures)
        seed = "" if self.seed == SEED else f" --seed {self.seed}"
        ledger = Ledger(
            findings=self.findings(counts),
            study={
                "name": study.name,
                "title": study.title,
                "question": study.question,
                "source": study.source,
            },
            design=study.design(self.profile, self.columns or ()),
            run={
                "seed": self.seed,
                "profile": self.profile,
                "executor": self.executor.name,
                "jobs": self.executor.jobs,
                "replicates": sum(counts.values()),
                "failures": failed,
                "seconds": 0.0,
                "alpha": ALPHA,
                "command": f"mcstudy run {study.handle}{study.option_text} --profile {self.profile}{seed}",
            },
            digests={"draws": self.journal.digest(counts, block), "source": study.source_digest},
            failures=[
                {
                    "scenario": dict(failure.scenario),
                    "block": failure.block,
                    "index": failure.index,
                    "reason": failure.reason,
                    "traceback": failure.traceback,
                    "replay": draws.replay_command(failure.scenario, failure.block, failure.index),
                }
                for failure in failures
            ],
            warnings=self.journal.warnings(counts, block),
            overlays=[vars(overlay) for overlay in study.overlays],
        )
        return replace(ledger, sections=_sections(study, ledger))


def _sections(study: Study, ledger: Ledger) -> list[dict[str, Any]]:
    if study.conclusion is None:
        return []
    try:
        return [vars(study.conclusion(ledger))]
    except Exception as error:
        msg = f"study {study.name}: `conclusion` must turn any ledger of the study into a Section, but it raised {type(error).__name__}: {error}"
        raise StudyError(msg) from error


def _is_random(data: npt.NDArray[Any]) -> bool:
    """Whether chance can't make the block twice: some column has many distinct values that are no integers."""
    columns = [data[name] for name in data.dtype.names or ()]
    return any(
        len(np.unique(column)) >= max(4, len(column) // 2) and bool(np.any(column != np.rint(column)))
        for column in columns
    )
