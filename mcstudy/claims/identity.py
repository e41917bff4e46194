"""An equation that holds for every draw, up to a tolerance whose source is stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcstudy.claims.claim import Assessment, Cell, Claim, Verdict, check_margin
from mcstudy.draws import Draws, Sample
from mcstudy.statistics import upper_limit

__all__ = ["Identity"]


@dataclass(frozen=True, kw_only=True)
class Identity(Claim):
    r"""A relative residual never exceeds a tolerance.

    A fact about the replicates that were drawn, not an estimate: the interval is the largest residual itself,
    and one residual above the tolerance REFUTES. The diagnostics give an upper limit on the probability of
    replicates that would, and the largest residual as a witness that can be replayed.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source` and `allowed_failures`.
    column : str
        A residual relative to the norm of what is compared, at least 0.
    tolerance : float
        What rounding or an integrator explains; say which in `source` or in the study.
    """

    column: str
    tolerance: float

    kind = "identity"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.id, "tolerance", self.tolerance)

    @property
    def what(self) -> str:
        """The residual in words."""
        return f"largest {self.column}"

    def columns(self) -> tuple[str, ...]:
        """The residual's column."""
        return (self.column,)

    def assess(self, samples: tuple[Sample, ...], confidence: float, draws: Draws) -> Assessment:
        """Compare the largest residual of one scenario with the tolerance."""
        (sample,) = samples
        residual = np.abs(sample.values(self.column))
        position = int(np.argmax(residual))
        largest = float(residual[position])
        violations = int(np.count_nonzero(residual > self.tolerance))
        block, index = sample.locate(position)
        cell = Cell(
            scenario=dict(sample.scenario),
            theory=0.0,
            margin=self.tolerance,
            estimate=largest,
            mcse=0.0,
            interval=(largest, largest),
            verdict=Verdict.REFUTED if violations else Verdict.CONFIRMED,
            replicates=sample.replicates,
        )
        return Assessment(
            cell,
            {
                "largest": largest,
                "median": float(np.median(residual)),
                "violations": violations,
                "upper_limit": upper_limit(violations, len(residual), confidence),
                "witness": {
                    "scenario": dict(sample.scenario),
                    "block": block,
                    "index": index,
                    "value": largest,
                    "replay": draws.replay_command(sample.scenario, block, index),
                },
            },
        )

    def summarise(self, assessments: Sequence[Assessment]) -> dict[str, Any]:
        """Residuals of every cell, and the replicate with the largest."""
        witnesses = [a.evidence["witness"] for a in assessments if a.evidence]
        return {
            "tolerance": self.tolerance,
            "cells": [
                {key: value for key, value in a.evidence.items() if key != "witness"} for a in assessments
            ],
            "witness": max(witnesses, key=lambda item: item["value"]) if witnesses else None,
        }
