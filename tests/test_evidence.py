"""Witnesses, and the evidence that kinds of claims register."""

from __future__ import annotations

import math

import pytest

import mcstudy as mc
from mcstudy.draws import Block
from mcstudy.evidence import BoundEvidence, Evidence, IdentityEvidence, LawEvidence, RateEvidence, Witness

SCENARIO = mc.Scenario(n=8)


def test_a_witness_stands_where_it_was_drawn() -> None:
    witness = Witness.at(Block(SCENARIO, 3, "worst"), 7, 2.0, 1.0)
    assert (witness.scenario, witness.block, witness.index) == (SCENARIO, 3, 7)
    assert witness.token == f"worst/{SCENARIO.digest}:3:7"
    assert Witness.at(Block(SCENARIO, 3), 7, 2.0).token == f"{SCENARIO.digest}:3:7"


@pytest.mark.parametrize(
    ("value", "bound", "ratio"),
    [
        (2.0, 4.0, 0.5),
        (0.0, 0.0, 0.0),
        (1.0, 0.0, math.inf),
        (0.0, -1.0, math.inf),
        (1e300, 1e-300, math.inf),
    ],
)
def test_the_ratio_of_a_witness(value: float, bound: float, ratio: float) -> None:
    assert Witness.at(Block(SCENARIO, 0), 0, value, bound).ratio == ratio


def test_a_residual_has_no_ratio() -> None:
    assert math.isnan(Witness.at(Block(SCENARIO, 0), 0, 1.0).ratio)


def test_each_kind_leads_to_its_evidence() -> None:
    known = {kind: Evidence.of_kind[kind] for kind in ("bound", "identity", "law", "same_law", "rate")}
    assert known == {
        "bound": BoundEvidence,
        "identity": IdentityEvidence,
        "law": LawEvidence,
        "same_law": LawEvidence,
        "rate": RateEvidence,
    }
