"""An inequality that holds for every draw: one violation refutes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mcstudy.claims.claim import Assessment, Cell, Claim, Verdict, Zone, check_margin
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError
from mcstudy.statistics import clopper_pearson, upper_limit

__all__ = ["Bound"]

FloatArray = npt.NDArray[np.float64]

# Comparing two computed numbers: a few units in the last place are nobody's violation.
ROUNDING = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True)
class Bound(Claim):
    r"""The absolute value of a column never exceeds a bound.

    One violation beyond rounding REFUTES and is kept as a witness: scenario, block and index, which replay it.
    Without a violation the interval is a Clopper-Pearson upper limit on the probability of a violation, and the
    claim is CONFIRMED once that is at most `probability`. The largest ratio tells how tight the bound is.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    column : str
    at_most : str or float
        The bound: a column, or a non-negative number.
    probability : float
        The largest probability of a violation that still counts as none.
    rounding : str or float
        What rounding may add to the column: a column of absolute errors, or a number. Comes on top of 16 units
        in the last place of the bound.
    """

    column: str
    at_most: str | float
    probability: float = 1e-3
    rounding: str | float = 0.0

    kind = "bound"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "probability", self.probability)
        if not isinstance(self.at_most, str) and not self.at_most >= 0:
            msg = (
                f"claim {self.id}: `at_most` must be a column or a non-negative number, got {self.at_most!r}"
            )
            raise ClaimError(msg)

        if not isinstance(self.rounding, str) and not self.rounding >= 0:
            msg = f"claim {self.id}: `rounding` must be a column or a non-negative number, got {self.rounding!r}"
            raise ClaimError(msg)

    @property
    def what(self) -> str:
        """The probability that is limited."""
        return f"probability that |{self.column}| exceeds {self.at_most}"

    def columns(self) -> tuple[str, ...]:
        """The column, and those of its bound and its rounding error."""
        return tuple(name for name in (self.column, self.at_most, self.rounding) if isinstance(name, str))

    def assess(self, samples: tuple[Sample, ...], confidence: float, draws: Draws) -> Assessment:
        """Count the violations in one scenario."""
        (sample,) = samples
        size = np.abs(sample.values(self.column))
        bound = _values(sample, self.at_most)
        excess = size - bound * (1.0 + ROUNDING) - _values(sample, self.rounding)
        violations = int(np.count_nonzero(excess > 0.0))
        limit = upper_limit(violations, len(size), confidence)
        share = violations / len(size)
        interval = clopper_pearson(violations, len(size), confidence) if violations else (0.0, limit)
        zone = Zone(0.0, self.probability)
        cell = Cell(
            scenario=dict(sample.scenario),
            theory=0.0,
            margin=self.probability,
            estimate=share,
            mcse=float(np.sqrt(share * (1.0 - share) / len(size))),
            interval=interval,
            verdict=Verdict.REFUTED if violations else zone.verdict(interval),
            replicates=sample.replicates,
        )
        ratio = _ratio(size, bound)
        worst = int(np.argmax(excess)) if violations else int(np.argmax(ratio))
        return Assessment(
            cell,
            {
                "largest_ratio": float(np.max(ratio)),
                "violations": violations,
                "upper_limit": limit,
                "worst": _replicate(sample, draws, worst, size[worst], bound[worst], ratio[worst]),
            },
        )

    def summarise(self, assessments: Sequence[Assessment]) -> dict[str, Any]:
        """Ratios and counts of every cell, the worst violation and the tightest case."""
        evidence = [assessment.evidence for assessment in assessments if assessment.evidence]
        worst = [item["worst"] for item in sorted(evidence, key=lambda item: -item["largest_ratio"])]
        violated = [item["worst"] for item in evidence if item["violations"]]
        return {
            "cells": [
                {key: value for key, value in a.evidence.items() if key != "worst"} for a in assessments
            ],
            "witness": max(violated, key=lambda item: item["value"] - item["bound"]) if violated else None,
            "tightest": worst[0] if worst else None,
        }


def _values(sample: Sample, source: str | float) -> FloatArray:
    if isinstance(source, str):
        return sample.values(source)
    return np.full(sample.replicates - sample.failures, float(source))


def _ratio(size: FloatArray, bound: FloatArray) -> FloatArray:
    """|column| / bound; 0 where both vanish, infinite where only the bound does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size == 0.0, 0.0, size / bound)


def _replicate(
    sample: Sample, draws: Draws, position: int, value: float, bound: float, ratio: float
) -> dict[str, Any]:
    block, index = sample.locate(position)
    return {
        "scenario": dict(sample.scenario),
        "block": block,
        "index": index,
        "value": float(value),
        "bound": float(bound),
        "ratio": float(ratio),
        "replay": draws.replay_command(sample.scenario, block, index),
    }
