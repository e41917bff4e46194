"""Identity: residuals against a tolerance, with the largest as witness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Identity, Scenario, Verdict
from mcstudy.draws import Draws
from mcstudy.exceptions import ClaimError

DrawsOf = Callable[..., Draws]
ONE, TWO = Scenario(n=1), Scenario(n=2)


def identity(**parts: Any) -> Identity:
    plan: dict[str, Any] = {"column": "residual", "tolerance": 1e-12}
    return Identity("i", "s", **(plan | parts))


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
    finding = identity().find(draws_of({ONE: residuals(worst)}), 0.02)
    assert finding.verdict is verdict
    assert finding.estimate == max(abs(worst), 1e-16)
    assert finding.interval == (finding.estimate, finding.estimate)
    assert (finding.theory, finding.margin) == (0.0, 1e-12)


def test_the_largest_residual_is_the_witness_in_either_case(draws_of: DrawsOf) -> None:
    for scale in (1.0, 1e-14):
        draws = draws_of({ONE: residuals(0.5 * scale), TWO: residuals(scale, at=63)})
        finding = identity().find(draws, 0.02)
        witness = finding.diagnostics["witness"]
        assert (witness["scenario"], witness["block"], witness["index"]) == ({"n": 2}, 3, 15)
        assert witness["value"] == scale
        assert witness["replay"] == f"mcstudy replay toy {TWO.digest}:3:15"
        assert finding.diagnostics["deciding_cell"] == 1


def test_evidence_of_a_cell(draws_of: DrawsOf) -> None:
    (cell,) = identity().find(draws_of({ONE: residuals(1.0)}), 0.02).diagnostics["cells"]
    assert (cell["largest"], cell["median"], cell["violations"]) == (1.0, 1e-16, 1)
    (cell,) = identity().find(draws_of({ONE: residuals(0.0)}), 0.02).diagnostics["cells"]
    assert cell["upper_limit"] == pytest.approx(
        1 - 0.01 ** (1 / 64)
    )  # Clopper and Pearson's after no violation


def test_witness_is_found_beyond_failed_replicates(draws_of: DrawsOf) -> None:
    columns = residuals(1.0)
    columns["residual"][:5] = np.nan
    witness = identity(allowed_failures=5).find(draws_of({ONE: columns}), 0.02).diagnostics["witness"]
    assert (witness["block"], witness["index"]) == (2, 5)


def test_only_failures_leave_no_witness(draws_of: DrawsOf) -> None:
    finding = identity().find(draws_of({ONE: {"residual": np.full(64, np.nan)}}), 0.02)
    assert finding.verdict is Verdict.UNDECIDED
    assert finding.diagnostics["witness"] is None


@pytest.mark.parametrize("tolerance", [0.0, -1e-12, float("nan")])
def test_tolerance_must_be_positive(tolerance: float) -> None:
    with pytest.raises(ClaimError, match="claim i: `tolerance` must be a positive number"):
        identity(tolerance=tolerance)


def test_words_of_an_identity() -> None:
    assert (identity().what, identity().kind, identity().columns()) == (
        "largest residual",
        "identity",
        ("residual",),
    )
