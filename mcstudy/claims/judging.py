"""How draws answer claims: every cell gets its share of alpha, and the cells of a claim conclude together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.defaults import ALPHA
from mcstudy.draws import Draws, Sample
from mcstudy.findings import Cell, Finding, Guarantee, Verdict
from mcstudy.scenarios import Scenario

__all__ = ["claims_over", "find", "judge", "look_share", "profits"]


def claims_over(claims: Sequence[Claim], scenarios: Sequence[Scenario]) -> list[Claim]:
    """The claims that have a cell among the scenarios."""
    return [claim for claim in claims if claim.groups(scenarios)]


def look_share(look: int) -> float:
    """The part of alpha spent at a look, 1/(look (look + 1)): the parts of all looks sum to 1."""
    return 1.0 / (look * (look + 1))


def judge(
    claims: Sequence[Claim],
    draws: Draws,
    alpha: float = ALPHA,
    *,
    experiment: str = "",
    among: int | None = None,
) -> tuple[Finding, ...]:
    """Judge the claims of an experiment so that the chance of any wrong verdict in the study is at most alpha.

    Bonferroni: alpha is shared equally by the claims, within a claim by its cells, and within a cell by all
    the looks that doubling stages can ever take (1/2, 1/6, 1/12, ...). A cell's confidence depends on its own
    number of replicates only, so the findings are a function of the draws, not of the way to them.

    Parameters
    ----------
    claims : sequence of Claim
        All must have a cell among the draws' scenarios (see `claims_over`).
    draws : Draws
    alpha : float
        The study's.
    experiment : str
        The experiment that was drawn.
    among : int, optional
        The claims of the whole study; default: those given.

    Returns
    -------
    tuple of Finding
    """
    share = alpha / (among or max(1, len(claims)))
    return tuple(find(claim, draws, share, experiment) for claim in claims)


def find(claim: Claim, draws: Draws, alpha: float, experiment: str = "") -> Finding:
    """Judge one claim: the conjunction of its cells, which share `alpha` equally.

    Parameters
    ----------
    claim : Claim
    draws : Draws
    alpha : float
        The chance of a wrong verdict that this claim may spend over all its cells and looks.
    experiment : str
    """
    groups = [tuple(draws.samples[scenario] for scenario in group) for group in claim.groups(draws.scenarios)]
    levels = [_confidence(samples, draws, alpha / len(groups)) for samples in groups]
    assessments = [
        _assess(claim, samples, level, draws) for samples, level in zip(groups, levels, strict=True)
    ]
    return _conclude(claim, assessments, levels, experiment)


def profits(claim: Claim, finding: Finding) -> bool:
    """Whether more draws could decide a cell: one that failures keep open stays so, and one without hope."""
    return any(
        cell.verdict is Verdict.UNDECIDED and cell.failures <= claim.allowed_failures and not cell.hopeless
        for cell in finding.cells
    )


def _confidence(samples: tuple[Sample, ...], draws: Draws, alpha: float) -> float:
    """The confidence of a cell at its look, which its scenario with the fewest replicates counts."""
    return 1.0 - alpha * look_share(draws.look(min(sample.replicates for sample in samples)))


def _assess(claim: Claim, samples: tuple[Sample, ...], confidence: float, draws: Draws) -> Assessment:
    present = [int(np.count_nonzero(sample.present(*claim.columns()))) for sample in samples]
    failures = sum(sample.failures for sample in samples)
    if min(present) >= 2:  # a spread needs two
        assessment = claim.assess(samples, confidence, draws)
    else:
        assessment = Assessment(Cell.unjudged(claim.cell_scenario(samples[0].scenario)))
    replicates = [sample.replicates for sample in samples]
    cell = replace(
        assessment.cell,
        replicates=min(replicates),
        failures=failures,
        missing=sum(replicates) - failures - sum(present),
        drawn=sum(present),
    )
    # What a failed replicate would have shown nobody knows, so too many of them leave every verdict open.
    if failures > claim.allowed_failures:
        cell = replace(cell, verdict=Verdict.UNDECIDED)
    return replace(assessment, cell=cell)


def _conclude(
    claim: Claim, assessments: Sequence[Assessment], levels: Sequence[float], experiment: str
) -> Finding:
    """The conjunction of the cells; of those with its verdict the one that reaches furthest speaks for it."""
    cells = tuple(assessment.cell for assessment in assessments)
    verdict = Verdict.all_of([cell.verdict for cell in cells])
    with_verdict = [index for index, cell in enumerate(cells) if cell.verdict is verdict]
    deciding = max(with_verdict, key=lambda index: (cells[index].reach, -index))
    cell, expectation = cells[deciding], claim.expectation
    return Finding(
        id=claim.id,
        experiment=experiment,
        statement=claim.statement,
        kind=claim.kind,
        estimand=claim.estimand,
        source=claim.source,
        expected=expectation.verdict,
        role=expectation.role,
        because=expectation.because,
        verdict=verdict,
        guarantee=_guarantee(claim, cell),
        as_expected=verdict is expectation.verdict,
        theory=cell.theory,
        margin=cell.margin,
        estimate=cell.estimate,
        mcse=cell.mcse,
        interval=cell.interval,
        confidence=levels[deciding],
        replicates=cell.replicates,
        deciding=deciding,
        cells=cells,
        evidence=claim.collect(assessments),
    )


def _guarantee(claim: Claim, cell: Cell) -> Guarantee:
    """What the verdict of the deciding cell rests on: nothing yet where a condition leaves it open."""
    waits = cell.verdict is Verdict.UNDECIDED and bool(cell.note)
    return Guarantee.NONE if cell.reach < 0 or waits else claim.guarantee
