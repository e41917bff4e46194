"""Identity: residuals against a tolerance, with the largest as witness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Finding, Identity, Scenario, Verdict
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.evidence import IdentityCell, IdentityEvidence, Witness
from mcstudy.exceptions import ClaimError

DrawsOf = Callable[..., Draws]
ONE, TWO = Scenario(n=1), Scenario(n=2)


def identity(**parts: Any) -> Identity:
    plan: dict[str, Any] = {"column": "residual", "tolerance": 1e-12}
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
        (0.0, Verdict.CONFIRMED),
        (1e-12, Verdict.CONFIRMED),
        (np.nextafter(1e-12, 1), Verdict.REFUTED),
        (-1e-11, Verdict.REFUTED),
        (1.0, Verdict.REFUTED),
    ],
)
def test_identity_by_construction(draws_of: DrawsOf, worst: float, verdict: Verdict) -> None:
    finding = find(identity(), draws_of({ONE: residuals(worst)}), 0.02)
    assert finding.verdict is verdict
    assert finding.estimate == max(abs(worst), 1e-16)
    assert finding.interval == (finding.estimate, finding.estimate)
    assert (finding.theory, finding.margin) == (0.0, 1e-12)


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
    assert cell.upper_limit == pytest.approx(1 - 0.01 ** (1 / 64))  # Clopper and Pearson's after no violation


def test_witness_is_found_beyond_failed_replicates(draws_of: DrawsOf) -> None:
    columns = residuals(1.0)
    columns["residual"][:5] = np.nan
    witness = witness_of(find(identity(allowed_failures=5), draws_of({ONE: columns}), 0.02))
    assert (witness.block, witness.index) == (2, 5)


def test_only_failures_leave_no_witness(draws_of: DrawsOf) -> None:
    finding = find(identity(), draws_of({ONE: {"residual": np.full(64, np.nan)}}), 0.02)
    assert finding.verdict is Verdict.UNDECIDED
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
