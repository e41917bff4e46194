"""Claims that one replicate refutes, and what draws without a violation say of those that are still to come."""

from __future__ import annotations

import math

from mcstudy.checks import is_real
from mcstudy.claims.deciding import Shares
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Interval, Verdict
from mcstudy.statistics.bernoulli import proportion_limits, violation_limit
from mcstudy.words import said

__all__ = ["PROBABILITY", "check_probability", "replicates_without", "verdict_on", "violation_interval"]

# The largest probability of a violation that still counts as none, where the author states no other.
PROBABILITY = 1e-3


def check_probability(claim_id: str, probability: float) -> None:
    """Refuse a probability of a violation that is none."""
    if not (is_real(probability) and 0.0 < probability < 1.0):
        msg = f"claim {claim_id}: `probability` must lie strictly between 0 and 1, got {said(probability)}; {PROBABILITY} is the default"
        raise ClaimError(msg)


def violation_interval(violations: int, trials: int, shares: Shares) -> Interval:
    """Limits of the probability of a violation: the upper one may confirm, and both may refute."""
    if violations == 0:
        return 0.0, violation_limit(trials, shares.confirm)
    low, high = proportion_limits(violations, trials, share=shares.refute, tuned=shares.tuned)
    return float(low), float(high)


def verdict_on(violations: int, limit: float, probability: float) -> Verdict:
    """One violation refutes; none confirms once its probability is small enough."""
    if violations:
        return Verdict.REFUTED
    return Verdict.CONFIRMED if limit <= probability else Verdict.UNDECIDED


def replicates_without(probability: float, shares: Shares) -> int:
    """How many replicates without a violation confirm."""
    return math.ceil(math.log(shares.confirm) / math.log1p(-probability))
