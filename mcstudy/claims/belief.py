"""What an author declares of replicates, and the errors where one of them contradicts it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Sample
from mcstudy.exceptions import ClaimError
from mcstudy.statistics.pools import place_of_largest
from mcstudy.statistics.portions import in_portions
from mcstudy.statistics.ties import clusters

__all__ = ["check_constant", "check_range"]

FloatArray = npt.NDArray[np.float64]


def check_constant(claim_id: str, sample: Sample, column: str) -> None:
    """Refuse a column that was declared constant and is not, but for rounding.

    Raises
    ------
    ClaimError
        The message names the replicate that differs most from the first.
    """
    (values,) = sample.values(column)
    if clusters(values).counts.size == 1:
        return
    differs = place_of_largest(in_portions(lambda portion: np.abs(portion - values[0]), values))
    block, index = sample.locate(differs, column)
    msg = (
        f"claim {claim_id}: `constant` must hold for all replicates of a scenario, got {values[differs]} after "
        f"{values[0]} in replicate {block.token}:{index} ({sample.scenario}); leave `constant` out"
    )
    raise ClaimError(msg)


def check_range(
    claim_id: str, sample: Sample, values: FloatArray, ends: tuple[float, float], columns: tuple[str, ...]
) -> tuple[float, float]:
    """Refuse a range that a replicate leaves.

    Parameters
    ----------
    values : array, shape (k,)
        What the range is claimed of, at the replicates where all `columns` have a value.

    Returns
    -------
    low, high : float
        The range.

    Raises
    ------
    ClaimError
        The message names the replicate that lies furthest outside.
    """
    low, high = map(float, ends)
    outside = in_portions(lambda portion: np.maximum(low - portion, portion - high), values)
    worst = place_of_largest(outside)
    if outside[worst] > 0.0:
        block, index = sample.locate(worst, *columns)
        msg = (
            f"claim {claim_id}: `range` must hold for all replicates, got {values[worst]} outside of [{low}, {high}] "
            f"in replicate {block.token}:{index} ({sample.scenario}); widen the range"
        )
        raise ClaimError(msg)
    return low, high
