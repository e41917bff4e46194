"""Identity: residuals against a tolerance, with the largest as witness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Finding, Identity, Scenario, Verdict
from mcstudy.claims.deciding import Shares
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.evidence import IdentityCell, IdentityEvidence, Witness
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Guarantee

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
ONE, TWO = Scenario(n=1), Scenario(n=2)


def identity(**parts: Any) -> Identity:
    plan: dict[str, Any] = {"column": "residual", "tolerance": 1e-12, "probability": 0.1}
    return Identity("i", "s", **(plan | parts))


def evidence_of(finding: Finding) -> IdentityEvidence:
    assert isinstance(finding.evidence, IdentityEvidence)
    return finding.evidence


def witness_of(finding: Finding) -> Witness:
    witness = evidence_of(finding).witness
    assert witness is not None
    return witness


def cell_of(finding: Finding) -> IdentityCell:
    (cell,) = evidence_of(finding).cells
    assert cell is not None
    return cell


def residuals(worst: float, at: int = 37) -> dict[str, Any]:
    values = np.full(64, 1e-16)
    values[at] = worst
    return {"residual": values}


@pytest.mark.parametrize(
    ("worst", "verdict"),
    [
        (0.0, CONFIRMED),
        (1e-12, CONFIRMED),
        (np.nextafter(1e-12, 1), REFUTED),
        (-1e-11, REFUTED),
        (1.0, REFUTED),
    ],
)
def test_identity_by_construction(draws_of: DrawsOf, worst: float, verdict: Verdict) -> None:
    finding = find(identity(), draws_of({ONE: residuals(worst)}), 0.02)
    assert finding.verdict is verdict
    assert finding.estimate == max(abs(worst), 1e-16)
    assert finding.interval == (finding.estimate, finding.estimate)
    assert (finding.theory, finding.margin) == (0.0, 1e-12)
    assert (finding.confidence, finding.guarantee) == (0.98, Guarantee.EXACT)


@pytest.mark.parametrize(("probability", "verdict"), [(0.0595, CONFIRMED), (0.0592, UNDECIDED)])
def test_no_violation_confirms_once_one_would_have_been_seen(
    draws_of: DrawsOf, probability: float, verdict: Verdict
) -> None:
    """At a share of 0.02 a violation has, after 64 draws, at most probability 1 - 0.02^(1/64) = 0.0593."""
    finding = find(identity(probability=probability), draws_of({ONE: residuals(0.0)}), 0.02)
    assert finding.verdict is verdict
    open_ = "a violation in 0.059 of the draws is not excluded yet"
    assert finding.note == ("" if verdict is CONFIRMED else open_)
    (cell,) = finding.cells
    fewest = identity(probability=probability).fewest(Shares.of(0.02, 1, 256))
    assert fewest == (64 if verdict is CONFIRMED else 65)
    assert cell.needed == (0 if verdict is CONFIRMED else fewest)
    assert cell.interval == (1e-16, 1e-16)  # of the largest residual, known exactly


def test_of_a_continuous_law_one_replicate_tells(draws_of: DrawsOf) -> None:
    """It holds for almost all draws or for almost none: two are enough, where any law takes thousands."""
    few = draws_of({ONE: {"residual": np.full(2, 1e-16)}})
    assert find(identity(law="continuous"), few, 0.02).verdict is CONFIRMED
    assert find(identity(), few, 0.02).verdict is UNDECIDED
    assert identity(law="continuous").fewest(Shares.of(0.02, 1, 256)) == 2
    assert find(identity(law="continuous"), draws_of({ONE: residuals(1.0)}), 0.02).verdict is REFUTED


def test_of_a_constant_one_replicate_tells_and_the_others_must_agree(draws_of: DrawsOf) -> None:
    claim = identity(law="constant")
    for residual, verdict in ((1e-16, CONFIRMED), (1e-11, REFUTED)):
        assert find(claim, draws_of({ONE: {"residual": np.full(16, residual)}}), 0.02).verdict is verdict
    with pytest.raises(ClaimError, match=f"claim i: `constant` must hold .* in replicate {ONE.digest}:2:5"):
        find(claim, draws_of({ONE: residuals(1e-13)}), 0.02)


@pytest.mark.parametrize("law", ["normal", "", None, 1])
def test_laws_have_names(law: Any) -> None:
    rule = "claim i: `law` must be one of 'any', 'continuous', 'constant', got"
    with pytest.raises(ClaimError, match=rule):
        identity(law=law)


@pytest.mark.parametrize("probability", [0.0, 1.0, "rare"])
def test_probability_must_be_one(probability: Any) -> None:
    with pytest.raises(ClaimError, match="claim i: `probability` must lie strictly between 0 and 1"):
        identity(probability=probability)


def test_the_largest_residual_is_the_witness_in_either_case(draws_of: DrawsOf) -> None:
    for scale in (1.0, 1e-14):
        draws = draws_of({ONE: residuals(0.5 * scale), TWO: residuals(scale, at=63)})
        finding = find(identity(), draws, 0.02)
        witness = witness_of(finding)
        assert (witness.scenario, witness.block, witness.index) == (TWO, 3, 15)
        assert (witness.value, witness.bound) == (scale, None)
        assert witness.token == f"{TWO.digest}:3:15"
        assert finding.deciding == 1


def test_evidence_of_a_cell(draws_of: DrawsOf) -> None:
    cell = cell_of(find(identity(), draws_of({ONE: residuals(1.0)}), 0.02))
    assert (cell.largest, cell.median, cell.violations) == (1.0, 1e-16, 1)
    cell = cell_of(find(identity(), draws_of({ONE: residuals(0.0)}), 0.02))
    assert cell.upper_limit == pytest.approx(1 - 0.02 ** (1 / 64))  # Clopper and Pearson's after no violation


def test_witness_is_found_beyond_failed_replicates(draws_of: DrawsOf) -> None:
    columns = residuals(1.0)
    columns["residual"][:5] = np.nan
    witness = witness_of(find(identity(allowed_failures=5), draws_of({ONE: columns}), 0.02))
    assert (witness.block, witness.index) == (2, 5)


def test_only_failures_leave_no_witness(draws_of: DrawsOf) -> None:
    finding = find(identity(), draws_of({ONE: {"residual": np.full(64, np.nan)}}), 0.02)
    assert finding.verdict is UNDECIDED
    assert evidence_of(finding) == IdentityEvidence(cells=(None,))


@pytest.mark.parametrize("tolerance", [0.0, -1e-12, float("nan")])
def test_tolerance_must_be_positive(tolerance: float) -> None:
    with pytest.raises(ClaimError, match="claim i: `tolerance` must be a positive number"):
        identity(tolerance=tolerance)


def test_words_of_an_identity() -> None:
    assert (identity().estimand, identity().kind, identity().columns()) == (
        "largest residual",
        "identity",
        ("residual",),
    )
