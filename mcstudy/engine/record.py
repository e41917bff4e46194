"""What a run writes down: the ledger of what was drawn, and the commands that draw it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mcstudy.claims.claim import Finding
from mcstudy.claims.ledger import Ledger
from mcstudy.defaults import ALPHA, SEED
from mcstudy.draws import Draws, Failure, Scenario
from mcstudy.engine.journal import Journal
from mcstudy.exceptions import StudyError
from mcstudy.study import Study

__all__ = ["Settings", "draws_of", "ledger_of"]


@dataclass(frozen=True)
class Settings:
    """A study with the settings of its run."""

    study: Study
    profile: str
    seed: int
    executor: str
    jobs: int

    @property
    def command(self) -> str:
        """The command that runs the study again."""
        return f"mcstudy run {self._name} --profile {self.profile}{self._seed}"

    @property
    def replay(self) -> str:
        """The command that draws a block again, up to the block's name."""
        return f"mcstudy replay {self._name}{self._seed}"

    @property
    def _name(self) -> str:
        return self.study.handle + self.study.option_text

    @property
    def _seed(self) -> str:
        return "" if self.seed == SEED else f" --seed {self.seed}"


def draws_of(settings: Settings, journal: Journal, counts: Mapping[Scenario, int]) -> Draws:
    """The first replicates of each scenario, as claims read them."""
    study = settings.study
    samples = {
        scenario: journal.sample(scenario, replicates, study.block) for scenario, replicates in counts.items()
    }
    return Draws(samples, study.replicates.first, study.common, settings.replay)


def ledger_of(
    settings: Settings, journal: Journal, counts: Mapping[Scenario, int], findings: tuple[Finding, ...]
) -> Ledger:
    """The ledger of a run, still without times and provenance.

    Parameters
    ----------
    settings : Settings
    journal : Journal
    counts : mapping from Scenario to int
        The replicates that the findings rest on.
    findings : tuple of Finding

    Raises
    ------
    StudyError
        If the study's `conclusion` can't be drawn.
    """
    study = settings.study
    failures = journal.failures(counts, study.block)
    ids = {finding.id for finding in findings}
    ledger = Ledger(
        findings=findings,
        study={name: getattr(study, name) for name in ("name", "title", "question", "source")},
        design=study.design(settings.profile, journal.columns() or ()),
        run={
            "seed": settings.seed,
            "profile": settings.profile,
            "executor": settings.executor,
            "jobs": settings.jobs,
            "replicates": sum(counts.values()),
            "failures": sum(study.block if failure.index is None else 1 for failure in failures),
            "alpha": ALPHA,
            "command": settings.command,
        },
        digests={"draws": journal.digest(counts, study.block), "source": study.source_digest},
        failures=_failures(settings, failures),
        warnings=journal.warnings(counts, study.block),
        overlays=[asdict(overlay) for overlay in study.overlays if ids.intersection(overlay.claims)],
    )
    return replace(ledger, sections=_sections(study, ledger))


def _failures(settings: Settings, failures: Sequence[Failure]) -> list[dict[str, Any]]:
    commands = Draws({}, settings.study.replicates.first, replay=settings.replay)
    return [
        {
            "scenario": dict(failure.scenario),
            "block": failure.block,
            "index": failure.index,
            "reason": failure.reason,
            "traceback": failure.traceback,
            "replay": commands.replay_command(failure.scenario, failure.block, failure.index),
        }
        for failure in failures
    ]


def _sections(study: Study, ledger: Ledger) -> list[dict[str, Any]]:
    if study.conclusion is None:
        return []
    try:
        return [asdict(study.conclusion(ledger))]
    except Exception as error:
        msg = (
            f"study {study.name}: `conclusion` must turn any ledger of the study into a Section, but it raised "
            f"{type(error).__name__}: {error}; the draws are kept, so mend it and run again with --fresh"
        )
        raise StudyError(msg) from error
