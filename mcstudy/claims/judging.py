"""How draws answer claims: every claim gets its share of alpha, and its cells conclude together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares
from mcstudy.defaults import ALPHA
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Cell, Finding, Verdict
from mcstudy.scenarios import Scenario

__all__ = ["assess", "claims_over", "conclude", "find", "judge", "profits", "spend"]

ROUNDING = 1e-9  # of a sum of weights like 0.1


def claims_over(claims: Sequence[Claim], scenarios: Sequence[Scenario]) -> list[Claim]:
    """The claims that have a cell among the scenarios."""
    return [claim for claim in claims if claim.groups(scenarios)]


def spend(claims: Sequence[Claim], alpha: float = ALPHA) -> dict[str, float]:
    """The shares of alpha of the claims of a study, by id: their weights, and equal parts of what these leave.

    Raises
    ------
    ClaimError
        If the weights do not sum to 1, or leave nothing for the claims without.
    """
    given = {claim.id: float(claim.weight) for claim in claims if claim.weight is not None}
    rest, others = 1.0 - math.fsum(given.values()), len(claims) - len(given)
    if others and rest <= ROUNDING:
        msg = f"`weight` must leave a part of alpha for the {others} claims without one, got weights that sum to {1.0 - rest:g}"
        raise ClaimError(msg)
    if claims and not others and abs(rest) > ROUNDING:
        msg = f"`weight`: the weights must sum to 1 where all claims have one, got {1.0 - rest:g}"
        raise ClaimError(msg)
    return {claim.id: alpha * given.get(claim.id, rest / max(others, 1)) for claim in claims}


def judge(
    claims: Sequence[Claim],
    draws: Draws,
    alpha: float = ALPHA,
    *,
    experiment: str = "",
    shares: Mapping[str, float] | None = None,
) -> tuple[Finding, ...]:
    """Judge the claims of an experiment so that the chance of any wrong verdict in the study is at most alpha.

    The verdicts hold at every number of replicates at once, so the findings are a function of the draws, not of
    the way to them: of when one looked, stopped or went on.

    Parameters
    ----------
    claims : sequence of Claim
        All must have a cell among the draws' scenarios (see `claims_over`).
    draws : Draws
    alpha : float
        The study's.
    experiment : str
        The experiment that was drawn.
    shares : mapping from str to float, optional
        What each claim may spend of alpha (`spend`), where there are other claims in the study.

    Returns
    -------
    tuple of Finding
    """
    shares = spend(claims, alpha) if shares is None else shares
    return tuple(find(claim, draws, shares[claim.id], experiment) for claim in claims)


def find(claim: Claim, draws: Draws, share: float, experiment: str = "") -> Finding:
    """Judge one claim: the conjunction of its cells.

    Parameters
    ----------
    claim : Claim
    draws : Draws
    share : float
        The chance of a wrong verdict that this claim may spend over all its cells, and all looks that ever are.
    experiment : str
    """
    return conclude(claim, assess(claim, draws, share), experiment)


def assess(
    claim: Claim, draws: Draws, share: float, known: Mapping[int, Assessment] = MappingProxyType({})
) -> list[Assessment]:
    """Assess the cells of one claim.

    Parameters
    ----------
    claim, draws, share
        See `find`.
    known : mapping from int to Assessment
        Cells, by their number, that have been assessed at these draws.
    """
    groups = claim.groups(draws.scenarios)
    shares = Shares.of(share, len(groups), draws.tuned)
    return [
        known[number]
        if number in known
        else _assess(claim, tuple(draws.samples[scenario] for scenario in group), shares, draws)
        for number, group in enumerate(groups)
    ]


def profits(claim: Claim, cell: Cell) -> bool:
    """Whether more draws could decide a cell: one that failures keep open stays so, and one without hope."""
    open_ = cell.verdict is Verdict.UNDECIDED
    return open_ and cell.failures <= claim.allowed_failures and not cell.hopeless


def _assess(claim: Claim, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
    present = [int(np.count_nonzero(sample.present(*claim.columns()))) for sample in samples]
    failures = sum(sample.failures for sample in samples)
    if min(present) >= 2:  # a spread needs two
        assessment = claim.assess(samples, shares, draws)
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
    return replace(assessment, cell=replace(cell, needed=_needed(claim, cell, min(present))))


def _needed(claim: Claim, cell: Cell, present: int) -> int:
    """How many replicates a scenario needs, of which a part has no values; twice as many where nobody can tell."""
    if not profits(claim, cell):
        return 0
    forecast = cell.needed or 2 * max(present, 1)
    return max(cell.replicates + 1, math.ceil(forecast * cell.replicates / max(present, 1)))


def conclude(claim: Claim, assessments: Sequence[Assessment], experiment: str) -> Finding:
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
        kind=claim.finding_kind,
        estimand=claim.estimand,
        source=claim.source,
        expected=expectation.verdict,
        role=expectation.role,
        because=expectation.because,
        verdict=verdict,
        guarantee=cell.guarantee,
        as_expected=verdict is expectation.verdict,
        theory=cell.theory,
        margin=cell.margin,
        estimate=cell.estimate,
        mcse=cell.mcse,
        interval=cell.interval,
        confidence=cell.confidence,
        replicates=cell.replicates,
        deciding=deciding,
        cells=cells,
        evidence=claim.collect(assessments),
    )
