"""How draws answer claims: every claim gets its share of alpha, and its cells conclude together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares
from mcstudy.defaults import ALPHA
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError, InputError
from mcstudy.findings import Cell, Finding, Verdict
from mcstudy.scenarios import Scenario

__all__ = ["assess", "beyond", "claims_over", "conclude", "find", "in_turns", "judge", "profits", "spend"]

ROUNDING = 1e-9  # of a sum of weights like 0.1
# Cells that are looked at one after the other before other claims look at the same samples, which are read once then.
TOGETHER = 256
CHANCE = 3.0  # standard errors that a share may lie off by chance


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
    return conclude(claim, list(assess(claim, draws, share)), experiment)


def assess(
    claim: Claim, draws: Draws, share: float, known: Mapping[int, Assessment] = MappingProxyType({})
) -> Iterator[Assessment]:
    """Assess the cells of one claim, in order, as they are asked for.

    Parameters
    ----------
    claim, draws, share
        See `find`.
    known : mapping from int to Assessment
        Cells, by their number, that have been assessed at these draws.
    """
    groups = claim.groups(draws.scenarios)
    # A quick run that is extended to the full profile is one run: its cells count from the first look.
    cells = len(claim.groups(draws.planned)) if draws.planned else len(groups)
    shares = Shares.of(share, cells, draws.tuned)
    for first in range(0, len(groups), TOGETHER):
        numbers = range(first, min(first + TOGETHER, len(groups)))
        open_ = [groups[number] for number in numbers if number not in known]
        claim.prepare([draws.samples[group[0]] for group in open_ if len(group) == 1])
        for number in numbers:
            if number in known:
                yield known[number]
            else:
                samples = tuple(draws.samples[scenario] for scenario in groups[number])
                yield _assess(claim, samples, shares, draws)


def in_turns(assessing: Mapping[str, Iterator[Assessment]]) -> dict[str, list[Assessment]]:
    """The assessments of claims, some cells of each in turn: those that read the same samples find them in memory."""
    found: dict[str, list[Assessment]] = {claim: [] for claim in assessing}
    waiting = dict(assessing)
    while waiting:
        for claim, assessments in list(waiting.items()):
            some = list(islice(assessments, TOGETHER))
            found[claim] += some
            if len(some) < TOGETHER:
                del waiting[claim]
    return found


def profits(claim: Claim, cell: Cell) -> bool:
    """Whether more draws could decide a cell: one that losses keep open for good stays so, and one without hope."""
    open_ = cell.verdict is Verdict.UNDECIDED and not cell.hopeless
    return open_ and (not beyond(claim, cell) or _by_chance(claim, cell))


def _by_chance(claim: Claim, cell: Cell) -> bool:
    """Whether a share that is lost may come back to what is allowed; a number of failures never does."""
    share = claim.allowed_missing
    if share is None or 0 < claim.allowed_failures < cell.failures:
        return False
    error = math.sqrt(share * (1.0 - share) / cell.replicates)
    return cell.lost - share <= CHANCE * error


def beyond(claim: Claim, cell: Cell) -> str:
    """What a cell has lost beyond what its claim allows, in words; nothing where that is allowed."""
    share = claim.allowed_missing
    if share is not None and cell.lost > share:
        return f"{100 * cell.lost:.3g} % of the replicates failed or have no value, and the claim allows {100 * share:.3g} %"
    counted = share is None or claim.allowed_failures > 0
    if counted and cell.failures > claim.allowed_failures:
        return f"{cell.failures} replicates failed, and the claim allows {claim.allowed_failures}"
    return ""


def _assess(claim: Claim, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
    kept = [claim.kept(sample) for sample in samples]
    present = [int(np.count_nonzero(mask)) for mask in kept]
    infinite = _infinite(claim, samples, kept)
    if min(present) >= claim.least and not infinite:
        assessment = _named(claim, samples, shares, draws)
    else:
        nothing = Cell.unjudged(claim.cell_scenario(samples[0].scenario))
        count = min(present)
        few = f"{count or 'no'} {'replicate has' if count < 2 else 'replicates have'} a value: {claim.least} are the least"
        assessment = Assessment(replace(nothing, note=infinite or few, hopeless=bool(infinite)))
    cell = _counted(assessment.cell, samples, kept, present)
    if cell.lost and cell.reach >= 0.0:
        cell = replace(cell, worst_case=claim.worst_case(samples, cell))
    # What a lost replicate would have shown nobody knows, so too many of them leave every verdict open.
    if excess := beyond(claim, cell):
        note = cell.note if claim.allowed_missing is None else excess
        cell = replace(cell, verdict=Verdict.UNDECIDED, note=note)
    if (needed := _needed(claim, cell, min(present))) != cell.needed:
        cell = replace(cell, needed=needed)
    return Assessment(cell, assessment.evidence, assessment.witness)


def _named(claim: Claim, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
    """The claim's own assessment; what its statistic can't take of these draws is told with its name."""
    try:
        return claim.assess(samples, shares, draws)
    except InputError as error:
        msg = f"claim {claim.id}, in {samples[0].scenario}: {error}"
        raise InputError(msg) from error


def _infinite(claim: Claim, samples: Sequence[Sample], kept: Sequence[npt.NDArray[np.bool_]]) -> str:
    """Which column holds infinite values that the claim can't take, in words; or nothing."""
    bounded = [name for name in claim.columns() if name not in claim.unbounded()]
    for sample, mask in zip(samples, kept, strict=True):
        for name in filter(sample.has_infinite, bounded):
            values = sample.columns[name][mask]
            if count := int(np.count_nonzero(np.isinf(values))):
                return f"{name} is infinite in {count} of {values.size} replicates, which leaves no {claim.estimand}"
    return ""


def _counted(
    cell: Cell, samples: Sequence[Sample], kept: Sequence[npt.NDArray[np.bool_]], present: Sequence[int]
) -> Cell:
    """The cell with its replicates, and with those that were lost; a failure that is counted is not."""
    replicates = [sample.replicates for sample in samples]
    failures = sum(
        int(np.count_nonzero(~sample.valid & ~mask))
        for sample, mask, count in zip(samples, kept, present, strict=True)
        if count < sample.replicates
    )
    return replace(
        cell,
        replicates=min(replicates),
        failures=failures,
        missing=sum(replicates) - failures - sum(present),
        drawn=sum(present),
        lost=max((drawn - count) / drawn for count, drawn in zip(present, replicates, strict=True)),
    )


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
