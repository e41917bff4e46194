"""Which replicate speaks for a bound: the largest excess where it is violated, else the largest proportion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mcstudy import Bound, Scenario
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.evidence import BoundEvidence

BOUND = Bound("b", "s", column="x", at_most="limit", probability=0.1)
LIMIT = np.where(np.arange(64) == 40, 100.0, 1.0)


@pytest.mark.parametrize(
    ("small", "large", "speaks"),
    [
        (3.0, 105.0, 40),  # exceeds its bound by 5 %, and by 5; the other three times, and by 2
        (0.5, 90.0, 40),  # 90 % of its bound, and 10 below it; the other half, and 0.5 below
        (0.95, 90.0, 7),
        (1.5, 90.0, 7),
    ],
)
def test_a_witness_is_chosen_by_excess_or_else_by_proportion(
    small: float, large: float, speaks: int, draws_of: Callable[..., Draws]
) -> None:
    x = np.full(64, 0.1)
    x[[7, 40]] = small, large
    finding = find(BOUND, draws_of({Scenario(n=1): {"x": x, "limit": LIMIT}}), 0.02)
    assert isinstance(finding.evidence, BoundEvidence)
    witness = finding.evidence.witness or finding.evidence.tightest
    assert witness is not None
    assert 16 * witness.block + witness.index == speaks
