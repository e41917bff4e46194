"""What a failed replicate would have shown nobody knows: limits rest on those that have numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mcstudy import Bound, Identity, Scenario, Verdict
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.evidence import BoundCell, IdentityCell
from mcstudy.statistics.bernoulli import violation_limit

CLAIMS = {
    "bound": Bound("b", "s", column="x", at_most=1.0, probability=0.02, allowed_failures=200),
    "identity": Identity("i", "s", column="x", tolerance=1.0, probability=0.02, allowed_failures=200),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_violation_is_excluded_by_those_that_did_not_fail(
    name: str, draws_of: Callable[..., Draws]
) -> None:
    """At a share of 0.02 it takes 194 replicates to exclude a violation in fifty; of 320 only 160 have numbers."""
    x = np.where(np.arange(320) % 2 == 0, 0.5, np.nan)
    finding = find(CLAIMS[name], draws_of({Scenario(n=1): {"x": x}}), 0.02)
    (cell,) = finding.evidence.cells
    assert isinstance(cell, BoundCell | IdentityCell)
    assert cell.upper_limit == violation_limit(160, 0.02)
    assert finding.verdict is Verdict.UNDECIDED
    # The control: with all of them it is.
    whole = find(CLAIMS[name], draws_of({Scenario(n=1): {"x": np.full(320, 0.5)}}), 0.02)
    assert whole.verdict is Verdict.CONFIRMED
