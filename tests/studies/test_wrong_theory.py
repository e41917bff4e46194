"""Every claim can fail: wrong theories of the sensing loss are refuted by the draws that confirm the right ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.models.sensing.loss import loss_law
from mcstudy.models.sensing.marchenko_pastur import GapLaw, largest_centre

STUDY = "sensing_loss"
Theories = Mapping[str, Mapping[str, Any]]


def wide(measurements: int) -> GapLaw:
    """The law of the upper gap with a factor sqrt(2) in its scale."""
    return GapLaw(sqrt(2) * largest_centre(measurements, measurements // 4).scale)


# What the claims would say with a constant, an exponent or a law that someone might take for the right one.
LOSS: Theories = {
    "1.mean": {"equals": 0.03},
    "1.variance": {"equals": lambda depth: depth},  # one L of L^2 forgotten
    "1.law": {"distribution": lambda measurements: loss_law(measurements + 2)},
    "1.rate": {"exponent": -0.45},
    "1.gradient": {"equals": lambda dimension: 1 - 1 / (dimension**2 + 1)},  # d^2 for d^2 + 1
    "1.gradient.unbiased-along": {"equals": 0.15},
    "1.gradient.unbiased-across": {"equals": -0.15},
    "1.gradient.variance-along": {"equals": 1},  # as across Delta
    "1.gradient.variance-across": {"equals": 2},  # as along Delta
    "1.gradient.covariance": {"equals": 0.15},
}
EDGES: Theories = {
    "1.edges": {"equals": 0.05},
    "1.edges.upper-rate": {"exponent": -1 / 2},  # as a mean's error
    "1.edges.upper-law": {"distribution": wide},
}


@pytest.mark.parametrize(
    ("wrong", "where", "count"),
    [
        (LOSS, {"dimension": 2, "sampler": "projected"}, 65536),
        (EDGES, {"sampler": "projected", "measurements": (64, 576, 5184)}, 16384),
    ],
    ids=["loss", "edges"],
)
def test_wrong_theories_are_refuted(
    study: mc.Study,
    small: Callable[..., mc.Study],
    contradicted: Callable[[mc.Study, Theories], mc.Study],
    judged: Callable[..., mc.Ledger],
    wrong: Theories,
    where: Mapping[str, Any],
    count: int,
) -> None:
    """Counts are those at which the study itself decides in the quick profile."""
    ledger = judged(contradicted(small(study, *wrong, where=where, count=count), wrong))
    assert {claim: ledger[claim].verdict for claim in wrong} == dict.fromkeys(wrong, mc.Verdict.CONFIRMED)
    refuted = {claim: ledger[f"{claim}-wrong"].verdict for claim in wrong}
    assert refuted == dict.fromkeys(wrong, mc.Verdict.REFUTED)
