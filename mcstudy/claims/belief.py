"""When a cell may be decided: what the tails of its replicates leave open, and what an author declares of them."""

from __future__ import annotations

import numpy as np

from mcstudy.draws import Sample
from mcstudy.exceptions import ClaimError
from mcstudy.statistics.tails import Condition
from mcstudy.statistics.ties import clusters

__all__ = ["check_constant", "doubt"]


def doubt(condition: Condition | None) -> str:
    """Why an interval may not be believed yet, or nothing."""
    return "" if condition is None or condition.met else condition.reason


def check_constant(claim_id: str, sample: Sample, column: str) -> None:
    """Refuse a column that was declared constant and is not, but for rounding.

    Raises
    ------
    ClaimError
        The message names the first replicate that differs.
    """
    (values,) = sample.values(column)
    if clusters(values).counts.size == 1:
        return
    differs = int(np.argmax(values != values[0]))
    block, index = sample.locate(differs, column)
    msg = (
        f"claim {claim_id}: `constant` must hold for all replicates of a scenario, got {values[differs]} after "
        f"{values[0]} in replicate {block.token}:{index} ({sample.scenario}); leave `constant` out"
    )
    raise ClaimError(msg)
