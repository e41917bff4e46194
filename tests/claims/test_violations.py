"""One violation refutes; none confirms once a violation would probably have been seen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mcstudy import Verdict
from mcstudy.claims.deciding import Shares
from mcstudy.claims.violations import (
    PROBABILITY,
    check_probability,
    replicates_without,
    verdict_on,
    violation_interval,
)
from mcstudy.exceptions import ClaimError
from mcstudy.statistics.bernoulli import proportion_limits, violation_limit

SHARES = Shares.of(0.01, 4, 256.0)


@pytest.mark.parametrize("probability", [0.001, 0.999, np.float64(0.5)])
def test_probabilities(probability: Any) -> None:
    check_probability("b", probability)


@pytest.mark.parametrize("probability", [0, 0.0, 1, 1.0, -0.1, 1.5, math.nan, True, "0.1", None])
def test_other_probabilities_are_refused(probability: Any) -> None:
    rule = "claim b: `probability` must lie strictly between 0 and 1, got .*; 0.001 is the default"
    with pytest.raises(ClaimError, match=rule):
        check_probability("b", probability)


def test_the_limit_without_a_violation_confirms_and_that_with_one_refutes() -> None:
    assert violation_interval(0, 500, SHARES) == (0.0, violation_limit(500, SHARES.confirm))
    low, high = proportion_limits(3, 500, share=SHARES.refute, tuned=256.0)
    assert violation_interval(3, 500, SHARES) == (float(low), float(high))


@pytest.mark.parametrize(
    ("violations", "limit", "verdict"),
    [
        (0, 0.1, Verdict.CONFIRMED),
        (0, np.nextafter(0.1, 1), Verdict.UNDECIDED),
        (1, 0.1, Verdict.REFUTED),
        (1, 0.9, Verdict.REFUTED),
    ],
)
def test_verdicts(violations: int, limit: float, verdict: Verdict) -> None:
    assert verdict_on(violations, limit, probability=0.1) is verdict


@pytest.mark.parametrize("probability", [0.3, 0.01, PROBABILITY, 1e-6])
def test_so_many_replicates_confirm_and_one_less_does_not(probability: float) -> None:
    count = replicates_without(probability, SHARES)
    assert violation_limit(count, SHARES.confirm) <= probability
    assert violation_limit(count - 1, SHARES.confirm) > probability


def test_violations_of_the_smallest_probability_that_counts_are_missed_with_the_share() -> None:
    """At any time: the one look that can err is the first at which none would confirm."""
    count = replicates_without(0.02, SHARES)
    assert (1 - 0.02) * SHARES.confirm < (1 - 0.02) ** count <= SHARES.confirm
    # The control: half as many draws.
    assert (1 - 0.02) ** (count // 2) > 5 * SHARES.confirm
