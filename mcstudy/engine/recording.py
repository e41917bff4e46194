"""What a run writes down: the ledger of what was drawn and found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mcstudy.answer import answered
from mcstudy.draws import Failure
from mcstudy.engine.blocks import ENVIRONMENT, Counts, digest_of_keys
from mcstudy.engine.journal import Journal
from mcstudy.engine.samples import draws_of
from mcstudy.engine.settings import Settings
from mcstudy.exceptions import StudyError
from mcstudy.experiment import Experiment
from mcstudy.findings import Finding
from mcstudy.ledger import About, Design, ExperimentDesign, FailureRecord, Ledger, Run, Section
from mcstudy.scenarios import factors_of
from mcstudy.study import Study

__all__ = ["ledger_of", "worded"]


def ledger_of(
    settings: Settings,
    journal: Journal,
    counts: Counts,
    findings: tuple[Finding, ...],
    provenance: Mapping[str, Any],
) -> Ledger:
    """The ledger of a run, still without the time that it took.

    Parameters
    ----------
    settings : Settings
    journal : Journal
    counts : mapping from (experiment, Scenario) to int
        The replicates that the findings rest on.
    findings : tuple of Finding
    provenance : mapping

    Raises
    ------
    StudyError
        If the study's `answer` can't be filled, or its `conclusion` can't be drawn.
    """
    study = settings.study
    failures = journal.failures(counts)
    draws, blocks = journal.digests(counts)
    ids = {finding.id for finding in findings}
    ledger = Ledger(
        study=About(
            study.name,
            study.title,
            study.question,
            study.source,
            authors=tuple(study.authors),
            url=study.url,
        ),
        design=_design(settings, journal, counts),
        run=_run(settings, counts, failures),
        digests={
            "draws": draws,
            "source": settings.origin.digest,
            "key": journal.key_digest(),
            "recipe": digest_of_keys(journal.keys(), without=ENVIRONMENT),
        },
        findings=tuple(worded(study, findings)),
        measures=tuple(
            measure.take(draws_of(settings, experiment, journal, counts), experiment.name)
            for experiment in study.experiments
            for measure in experiment.measures
        ),
        overlays=tuple(overlay for overlay in study.overlays if ids.intersection(overlay.claims)),
        failures=tuple(map(_recorded, failures)),
        warnings=tuple(journal.warnings(counts)),
        changes=tuple(journal.changes()),
        timings=tuple(journal.timings(counts)),
        blocks=blocks,
        sources=settings.origin.files,
        provenance=provenance,
    )
    digests = {**ledger.digests, "findings": ledger.findings_digest}
    about = replace(ledger.study, answer=answered(study.answer, ledger))
    return ledger.of_these_findings(study=about, digests=digests, sections=_sections(study, ledger))


def worded(study: Study, findings: tuple[Finding, ...]) -> Iterator[Finding]:
    """Findings with the words that their claims have now: they are no part of what was judged."""
    claims = {claim.id: claim for experiment in study.experiments for claim in experiment.claims}
    for finding in findings:
        claim = claims[finding.id]
        yield replace(finding, title=claim.title, group=claim.group)


def _run(settings: Settings, counts: Counts, failures: list[Failure]) -> Run:
    size = settings.study.block_size
    return Run(
        seed=settings.seed,
        profile=settings.profile,
        executor=settings.executor,
        jobs=settings.jobs,
        replicates=sum(counts.values()),
        failures=sum(size if failure.index is None else 1 for failure in failures),
        alpha=settings.study.alpha,
        command=settings.command,
        replay=settings.replay,
    )


def _design(settings: Settings, journal: Journal, counts: Counts) -> Design:
    study, columns = settings.study, journal.columns()
    most = max(counts.values()) if settings.limit.endless else int(settings.limit.replicates)
    return Design(
        block_size=study.block_size,
        stages=tuple(sorted({settings.limit.first, most})),
        experiments=tuple(
            _experiment(experiment, settings.profile, columns.get(experiment.name, ()))
            for experiment in study.experiments
        ),
    )


def _experiment(experiment: Experiment, profile: str, columns: tuple[str, ...]) -> ExperimentDesign:
    scenarios = experiment.of_profile(profile)
    levels = {
        factor: tuple(dict.fromkeys(scenario[factor] for scenario in scenarios))
        for factor in factors_of(scenarios)
    }
    return ExperimentDesign(
        experiment.name,
        experiment.source,
        levels,
        len(scenarios),
        experiment.common,
        columns,
        experiment.missing,
        experiment.columns,
    )


def _recorded(failure: Failure) -> FailureRecord:
    block = failure.block
    return FailureRecord(
        block.experiment,
        block.scenario,
        block.number,
        failure.index,
        failure.token,
        failure.reason,
        failure.traceback,
    )


def _sections(study: Study, ledger: Ledger) -> tuple[Section, ...]:
    if study.conclusion is None:
        return ()
    rule = f"study {study.name}: `conclusion` must turn any ledger of the study into a Section"
    remedy = "mend it and run again: the draws are kept"
    try:
        section: object = study.conclusion(ledger)
    except Exception as error:
        msg = f"{rule}, but it raised {type(error).__name__}: {error}; {remedy}"
        raise StudyError(msg) from error
    if not isinstance(section, Section):
        msg = f"{rule}, got {type(section).__name__}; {remedy}"
        raise StudyError(msg)
    return (section,)
